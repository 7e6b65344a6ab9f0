"""The third part of the planted set: written after the rules were last changed, measured, never tuned on.

Support chats, dumps of configurations, rows of CSV, logs of servers, CVs, several languages, scanned
pages, tables, comments in code and calls of curl.
"""

# ruff: noqa: E501 - one form a line reads best
from __future__ import annotations

import base64
import random
from collections.abc import Callable

from planted_pii import Planted
from planted_pii_forms import Made, decoys, grouped, in_context, planted, told
from planted_pii_values import (
    FIRST,
    HOSTS,
    LAST,
    STREETS,
    VALUES,
    american,
    base64_like,
    digits,
    word,
)

__all__ = ["negatives", "positives"]


def positives(seed: int = 3, count: int = 1_000) -> list[Planted]:
    """See `planted_pii_forms.planted`."""
    return planted(FORMS, seed, count)


def negatives(seed: int = 3, count: int = 1_000) -> list[Planted]:
    """See `planted_pii_forms.decoys`."""
    return decoys(NEGATIVES, "third", seed, count)


def _made(context: str, value: Callable[[random.Random], str]) -> Callable[[random.Random], Made]:
    return lambda rng: (value(rng), context)


def _american(form: str) -> Callable[[random.Random], str]:
    def made(rng: random.Random) -> str:
        number = american(rng)
        return form.format(number[:3], number[3:6], number[6:])

    return made


def _card(rng: random.Random, sign: str = "") -> str:
    while len(number := VALUES["credit_card"](rng)) != 16:
        pass
    return grouped(number, sign)


def _aws_secret(context: str) -> Callable[[random.Random], Made]:
    return lambda rng: (base64_like(rng, 40), context)


FORMS: dict[str, list[Callable[[random.Random], Made]]] = {
    "email": [
        in_context("email", "[10:42] Customer: hi, i never got the receipt, my account is under {} can you resend?"),
        in_context("email", "id,name,email,plan\n1041,\"Roe, Jane\",{},pro\n"),
        in_context("email", "postfix/smtp[2211]: 4F2A: to=<{}>, relay=mx.nordwind.net, status=sent"),
        in_context("email", "JANE ROE\nSoftware Engineer | {} | Leeds\n\nEXPERIENCE"),
        in_context("email", "| Name | Mail |\n|------|------|\n| J. Roe | `{}` |"),
        in_context("email", "# TODO({}): remove after the migration"),
        in_context("email", "curl -X POST https://api.brightlake.io/users -d '{\"mail\":\"{}\"}'"),
        in_context("email", "Mon adresse électronique : {} (perso)"),
        _made("E-mail: {}", lambda r: f"{r.choice(FIRST)} . {r.choice(LAST)} @ {r.choice(['gmail', 'outlook'])} . com"),
        in_context("email", "admin_contact: {}\nretries: 3\n"),
        _made("Escríbeme a {} cuando puedas", lambda r: f"{r.choice(FIRST)}.{r.choice(LAST)}[arroba]gmail.com"),
        in_context("email", "Signed-off-by: Jane Roe <{}>"),
    ],
    "phone": [
        _made("[09:13] Visitor: you can call me back on {} any time before 6", lambda r: f"07{r.choice('45789')}{digits(r, 2)} {digits(r, 3)} {digits(r, 3)}"),
        _made("1042;Roe;Jane;{};Bern\n", lambda r: f"+41 79 {digits(r, 3)} {digits(r, 2)} {digits(r, 2)}"),
        _made("Jane Roe · {} · Chicago, Illinois\nEducation", _american("({}) {}-{}")),
        _made("Teléfono de contacto: {}", lambda r: f"6{digits(r, 2)} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)}"),
        _made("| Jane | {} | on call |", _american("+1-{}-{}-{}")),
        _made("// on failure ring {} (night desk)", lambda r: f"+49 30 {digits(r, 4)} {digits(r, 3)}"),
        _made("curl api.sms.io/send -d 'to={}' -d 'body=hi'", lambda r: f"+3162{digits(r, 7)}"),
        _made("notify:\n  sms: \"{}\"\n", lambda r: f"+447{r.choice('45789')}{digits(r, 8)}"),
        _made("Tel . {}", lambda r: f"0 1 {r.choice('45')}{digits(r, 1)} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)}"),
        _made("Il mio cellulare è {}, chiamami", lambda r: f"3{r.choice('234')}{digits(r, 1)} {digits(r, 7)}"),
        _made("我的手机号是{}，请联系我", lambda r: f"13{digits(r, 9)}"),
        _made("sip: INVITE from {} rejected 486", lambda r: f"+1{american(r)}"),
    ],
    "ipv4": [
        in_context("ipv4", "Nov 12 03:14:07 web2 sshd[991]: Invalid user oracle from {} port 51822"),
        in_context("ipv4", "2024-03-01T10:00:00Z,{},GET,/login,401\n"),
        in_context("ipv4", "upstream app {\n    server {}:8443 weight=2;\n}"),
        in_context("ipv4", "| db-1 | {} | primary |"), in_context("ipv4", "# old box was {}, do not use"), in_context("ipv4", "curl --resolve shop.io:443:{} https://shop.io"),
        in_context("ipv4", "Agent: what does the router page say? Customer: WAN IP {}"), in_context("ipv4", "Die Anfrage kam von {}."), in_context("ipv4", "iptables -A INPUT -s {} -j DROP"),
    ],
    "ipv6": [
        in_context("ipv6", '{} - jane [12/Mar/2024:08:01:02 +0100] "POST /cart HTTP/2" 302'), in_context("ipv6", "7,{},blocked,443\n"), in_context("ipv6", "listen [{}]:443 ssl;"), in_context("ipv6", "| mail | {} |"),
        in_context("ipv6", "# peer {} went away"), in_context("ipv6", "curl -6 'http://[{}]:9200/_cat'"), in_context("ipv6", "Customer: whatismyip tells me {}"),
    ],
    "mac_address": [
        in_context("mac_address", "dhcpd: DHCPACK on 10.0.0.31 to {} via eth0"), in_context("mac_address", "printer-2,{},10.0.0.44\n"), in_context("mac_address", "| laptop | `{}` |", str.upper), in_context("mac_address", "host tv { hardware ethernet {}; }"),
        in_context("mac_address", "Die MAC-Adresse lautet {}", lambda v: v.replace(":", "-")), in_context("mac_address", "Customer: the sticker says MAC: {}", lambda v: v.replace(":", "").upper()), in_context("mac_address", "// allow {} only"),
    ],
    "credit_card": [
        _made("[11:20] Customer: ok the long number is {} and the expiry is 11/27", lambda r: _card(r, " ")), _made("1044,Roe,{},11/27,482\n", _card), _made("PAN={} STAN=000123 RC=00", _card), _made("| Visa | {} | 09/26 |", lambda r: _card(r, "-")),
        _made("// charge {} in the sandbox failed", _card), _made("curl /v1/tokens -d card[number]={} -d card[cvc]=123", _card), _made("Mi tarjeta es la {}", lambda r: _card(r, " ")), _made("C A R D  N O  {}", lambda r: _card(r, "  ")), _made("card_number: \"{}\"\ncvv: \"913\"", _card),
    ],
    "iban": [
        in_context("iban", "Customer: please refund to {}, not to the old card"), in_context("iban", "2024-02-01;-129,00;EUR;{};Miete\n"), in_context("iban", "| Landlord | {} |", lambda v: grouped(v, " ")), in_context("iban", "payout:\n  iban: {}\n  bic: COBADEFFXXX\n"),
        in_context("iban", "Veuillez virer la somme sur le compte {}.", lambda v: grouped(v, " ")), in_context("iban", "<IBAN>{}</IBAN>"), in_context("iban", "I B A N : {}", lambda v: grouped(v, "  ")), in_context("iban", "// payee {} is blocked"),
    ],
    "us_ssn": [
        in_context("us_ssn", "Agent: last step, your social? Customer: {}"), in_context("us_ssn", "1045,Jane,Roe,1984-02-11,{}\n"), in_context("us_ssn", "| Roe, Jane | {} | 1984 |"), in_context("us_ssn", "employee:\n  ssn: '{}'\n"), in_context("us_ssn", "Social Security No. {}", lambda v: v.replace("-", " - ")),
        in_context("us_ssn", "# test with {} (mine)"), in_context("us_ssn", "curl -d 'ssn={}' https://hr.nordwind.net/verify", lambda v: v.replace("-", "")), in_context("us_ssn", "Mi número de seguro social es {}"),
    ],
    "uk_nino": [
        in_context("uk_nino", "Customer: NI is {} if you need it for the claim"), in_context("uk_nino", "1046,Roe,{},M1\n"), in_context("uk_nino", "| J Roe | {} |", lambda v: f"{v[:2]} {v[2:4]} {v[4:6]} {v[6:8]} {v[8]}"), in_context("uk_nino", "payroll:\n  ni_number: {}\n"), in_context("uk_nino", "N.I. No: {}", lambda v: f"{v[:2]} {v[2:8]} {v[8]}"), in_context("uk_nino", "// matched {} against DWP"),
    ],
    "national_id": [
        told("Agent: and your {word}? Customer: {}"), told("# {word} {}"), told("| {word} | {} |"), told("{word}={}"), told("Name: Roe\n{word} : {}\nDatum: 01.02.2024"), told("curl -d '{word}={}' https://gov.nordwind.net"),
    ],
    "passport": [
        in_context("passport", "Agent: passport number please. Customer: {}"), in_context("passport", "| Passport | {} | valid to 2031 |"), in_context("passport", "guest:\n  passport_no: {}\n"), in_context("passport", "Número de pasaporte: {}"), in_context("passport", "// passport {} fails the regex"), in_context("passport", "Pass-Nr.: {}"), in_context("passport", "PASSPORT  NO .  {}"),
    ],
    "street_address": [
        _made("[14:02] Customer: deliver to {} instead pls", lambda r: f"{r.randint(2, 200)} {r.choice(STREETS)} Crescent, York YO{r.randint(10, 32)} {r.randint(1, 9)}LD"),
        _made("1047,Jane Roe,\"{}\",US\n", lambda r: f"{r.randint(100, 9999)} {r.choice(STREETS)} Dr, Austin, TX 787{digits(r, 2)}"),
        _made("JANE ROE\n{}\njane at home\n\nPROFILE", lambda r: f"{r.randint(10, 999)} {r.choice(STREETS)} Avenue, Apt {r.randint(1, 30)}, Boston, MA 021{digits(r, 2)}"),
        _made("| Office | {} |", lambda r: f"{r.choice(['Lindenstraße', 'Gartenweg', 'Marktplatz'])} {r.randint(1, 99)}, {r.randint(10000, 99999)} {r.choice(['Köln', 'Leipzig'])}"),
        _made("shipping:\n  line1: {}\n  country: AU\n", lambda r: f"{r.randint(1, 300)} {r.choice(['George', 'Pitt', 'Collins'])} Street, Sydney NSW 2{digits(r, 3)}"),
        _made("Livraison au {} avant midi", lambda r: f"{r.randint(1, 99)}, rue {r.choice(['Victor Hugo', 'de Rivoli', 'des Martyrs'])}, {r.randint(10000, 95000)} {r.choice(['Rennes', 'Nice'])}"),
        _made("Abito in {}", lambda r: f"Via {r.choice(['Garibaldi', 'Roma', 'Dante Alighieri'])} {r.randint(1, 150)}, 201{digits(r, 2)} Milano"),
        _made("SHIP TO:\n{}", lambda r: f"{r.randint(100, 9999)} {r.choice(STREETS).upper()} ST\nDENVER CO 802{digits(r, 2)}"),
        _made("Ik woon op de {}.", lambda r: f"{r.choice(['Keizersgracht', 'Dorpsstraat', 'Beethovenlaan'])} {r.randint(1, 400)}, {r.randint(1000, 9999)} AB Utrecht"),
    ],
    "crypto_wallet": [
        in_context("crypto_wallet", "Customer: i sent it to {} three hours ago"), in_context("crypto_wallet", "tx_9f,0.25,BTC,{},confirmed\n"), in_context("crypto_wallet", "| cold | {} |"), in_context("crypto_wallet", "payout_address = \"{}\""), in_context("crypto_wallet", "// treasury {}"), in_context("crypto_wallet", "Spenden bitte an {}"),
    ],
    "aws_key": [
        in_context("aws_key", "[default]\naws_access_key_id={}\nregion=eu-west-1"), _aws_secret("AKIAEXAMPLE,{},prod aws secret key\n".replace("{},prod aws secret key", "aws secret: {},prod")), _aws_secret("-e AWS_SECRET_ACCESS_KEY='{}' app:latest"), in_context("aws_key", "| ci | {} | active |"),
        in_context("aws_key", "// leaked: {} (rotated)"), in_context("aws_key", "Customer: it says InvalidAccessKeyId {}"), _aws_secret("secretAccessKey: \"{}\","), in_context("aws_key", "Credential={}/20240301/us-east-1/s3/aws4_request"),
    ],
    "github_token": [
        in_context("github_token", "curl -H \"Authorization: token {}\" https://api.github.com/user"), in_context("github_token", "remote: https://oauth2@github.com ; pat,{},repo\n"), in_context("github_token", "# GH_PAT={}"), in_context("github_token", "| bot | `{}` |"), in_context("github_token", "Customer: i pasted {} in the field and it says bad credentials"), in_context("github_token", "github:\n  token: {}\n"), in_context("github_token", "machine github.com login roe password {}"),
    ],
    "slack_token": [
        in_context("slack_token", "curl -H 'Authorization: Bearer {}' https://slack.com/api/auth.test"), in_context("slack_token", "slack:\n  bot_token: {}\n"), in_context("slack_token", "alerts,{},#ops\n"), in_context("slack_token", "// was {}"),
        _made("webhook = \"{}\"", lambda r: f"https://hooks.slack.com/services/T{word(r, 9).upper()}/B{word(r, 9).upper()}/{word(r, 24)}"), in_context("slack_token", "Der Bot nutzt {}"),
    ],
    "ai_key": [in_context("ai_key", "curl https://api.openai.com/v1/models -H 'Authorization: Bearer {}'"), in_context("ai_key", "llm:\n  provider: x\n  key: {}\n"), in_context("ai_key", "| dev | {} | 20$ |"), in_context("ai_key", "# key {} expires in may"), in_context("ai_key", "Customer: my key {} returns 401"), in_context("ai_key", "1048,{},active\n")],
    "google_key": [in_context("google_key", "curl 'https://maps.googleapis.com/geocode?address=x&key={}'"), in_context("google_key", "<meta-data android:value=\"{}\"/>"), in_context("google_key", "firebase:\n  apiKey: {}\n"), in_context("google_key", "// {} is restricted by referrer"), _made("oauth,{},web\n", lambda r: f"GOCSPX-{word(r, 28)}"), _made("access_token={}", lambda r: f"ya29.{word(r, 80)}")],
    "stripe_key": [in_context("stripe_key", "curl https://api.stripe.com/v1/balance -u \"{}:\""), in_context("stripe_key", "STRIPE_SECRET={}"), in_context("stripe_key", "| live | {} |"), in_context("stripe_key", "# {} revoked"), in_context("stripe_key", "Customer: the plugin wants {} i think"), in_context("stripe_key", "pay,{},eu\n")],
    "jwt": [
        in_context("jwt", "curl -b 'sid={}' https://app.io/me"), in_context("jwt", "2024-03-01 10:00:01 WARN expired token {}"), in_context("jwt", "sess,{},1709287\n"), in_context("jwt", "auth:\n  id_token: {}\n"), in_context("jwt", "// e.g. {}"), in_context("jwt", "Set-Cookie: token={}; HttpOnly; Secure"), in_context("jwt", "| jane | {} |"), in_context("jwt", "localStorage.setItem('jwt', '{}')"),
    ],
    "private_key": [
        in_context("private_key", "Customer: this is what the file has:\n{}\nis it ok?"), in_context("private_key", "spec:\n  key: |-\n      {}\n", lambda v: v.replace("\n", "\n      ")), in_context("private_key", "KEY=\"{}\"", lambda v: v.replace("\n", "\\n")), in_context("private_key", "# {}", lambda v: v.replace("\n", "\n# ")), in_context("private_key", "cat > /tmp/k <<EOF\n{}\nEOF"), in_context("private_key", "k := `{}`"),
    ],
    "url_credentials": [
        _made("curl {}/v1/status", lambda r: f"https://{r.choice(FIRST)}:{word(r, 12)}@api.{r.choice(HOSTS)}"), _made("[remote \"origin\"]\n  url = {}/team/app.git", lambda r: f"https://oauth2:{word(r, 20)}@gitlab.{r.choice(HOSTS)}"), _made("ERROR could not connect to {}/shop", lambda r: f"postgresql://shop_{r.choice(LAST)}:{word(r, 11)}@10.2.0.7:5432"), _made("broker,{},up\n", lambda r: f"amqps://{r.choice(LAST)}:{word(r, 16)}@mq.{r.choice(HOSTS)}"),
        _made("| cache | `{}/1` |", lambda r: f"rediss://default:{word(r, 18)}@c1.{r.choice(HOSTS)}:6380"), _made("# proxy {}", lambda r: f"socks5://{r.choice(FIRST)}:{word(r, 8)}@{VALUES['ipv4'](r)}:1080"), _made("rtsp stream is {}/live, see the picture?", lambda r: f"rtsp://admin:{word(r, 9)}@{VALUES['ipv4'](r)}:554"),
    ],
    "secret": [
        _made("[12:01] Customer: my password is {} and it still fails", lambda r: word(r, 11)), _made("smtp:\n  user: mailer\n  pass: {}\n", lambda r: word(r, 13)), _made("// pwd: {}", lambda r: word(r, 10) + "!"), _made("curl -H 'X-Api-Key: {}' https://api.nordwind.net", lambda r: word(r, 32)),
        _made("curl --user {} https://nexus.nordwind.net", lambda r: f"{r.choice(LAST)}:{word(r, 12)}"), _made("<add key=\"ClientSecret\" value=\"{}\" />", lambda r: word(r, 34)), _made("| root password | {} |", lambda r: word(r, 12) + "#"), _made("Mein Passwort lautet {}", lambda r: word(r, 10) + "!" + digits(r, 2)),
        _made("JWT_SECRET={}\nPORT=80", lambda r: word(r, 40)), _made("SECRET_TOKEN = '{}'", lambda r: word(r, 26)), _made("spring.datasource.password={}", lambda r: word(r, 15)),
        _made("Authorization: Basic {}", lambda r: base64.b64encode(f"{r.choice(FIRST)}:{word(r, 14)}".encode()).decode()),
    ],
}  # fmt: skip


def _hex(rng: random.Random, n: int) -> str:
    return word(rng, n, "0123456789abcdef")


NEGATIVES: list[Callable[[random.Random], str]] = [
    lambda r: f"[10:42] Agent: your ticket is {digits(r, 8)} and the order {digits(r, 3)}-{digits(r, 7)}-{digits(r, 7)} ships on 12/{r.randint(10, 28)}.",
    lambda r: f"id,qty,price,sku\n{digits(r, 6)},{r.randint(1, 9)},{r.randint(10, 99)}.{digits(r, 2)},{word(r, 8).upper()}\n",
    lambda r: f"2024-03-{r.randint(10, 28)} 10:{r.randint(10, 59)}:{r.randint(10, 59)},{digits(r, 3)} INFO worker-{digits(r, 2)} took {digits(r, 5)} ms, {digits(r, 9)} bytes",
    lambda r: f"server 10.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}:443; allow 192.168.{r.randint(0, 255)}.0/24; deny all;",
    lambda r: f"Worked at Acme 20{r.randint(10, 19)}-20{r.randint(20, 24)}, led {r.randint(3, 40)} people, grew revenue to ${r.randint(1, 90)},{digits(r, 3)},{digits(r, 3)}",
    lambda r: f"| run | loss | steps |\n|---|---|---|\n| {r.randint(1, 9)} | 0.{digits(r, 8)} | {digits(r, 7)} |",
    lambda r: f"// see RFC {r.randint(1000, 9000)} section {r.randint(1, 9)}.{r.randint(1, 9)}.{r.randint(1, 9)}, magic 0x{_hex(r, 8)}, limit {digits(r, 9)}",
    lambda r: f"curl -s https://api.nordwind.net/v2/items/{digits(r, 9)}?since=17{digits(r, 8)} -H 'Accept: application/json'",
    lambda r: f"Die Bestellnummer {digits(r, 9)} vom {r.randint(10, 28)}.03.2024 kostet {r.randint(100, 999)},{digits(r, 2)} EUR.",
    lambda r: f"Le numéro de facture {digits(r, 8)} du {r.randint(10, 28)}/04/2024 est réglé.",
    lambda r: f"image: registry.nordwind.net/app:{r.randint(1, 9)}.{r.randint(0, 20)}.{r.randint(0, 20)}@sha256:{_hex(r, 64)}",
    lambda r: f"uses: actions/checkout@{_hex(r, 40)} # v{r.randint(1, 5)}",
    lambda r: f"etag: W/\"{_hex(r, 32)}\"\nx-request-id: {_hex(r, 8)}-{_hex(r, 4)}-4{_hex(r, 3)}-b{_hex(r, 3)}-{_hex(r, 12)}",
    lambda r: f"api_key: {r.choice(['${API_KEY}', '<redacted>', 'changeme', 'xxxxxxxxxxxxxxxx', '********', '{{ vault.key }}', 'null'])}",
    lambda r: f"password = {r.choice(['input()', 'None', 'settings.DB_PASSWORD', 'os.environ.get(KEY)', 'self.password_field'])}",
    lambda r: f"assert hash_(b'{word(r, 6)}') == {digits(r, 10)}; seed({digits(r, 8)}); x = rng.integers({digits(r, 9)})",
    lambda r: f"for i in range(0, {digits(r, 7)}, 2): total += rows[{r.randint(0, 9)}::2] + a[{r.randint(0, 9)}:{r.randint(10, 99)}:3]",
    lambda r: f"@dataclass\nclass {r.choice(LAST).title()}:\n    token: str = ''\n    secret: bytes = b''\n    key: int = {r.randint(0, 99)}",
    lambda r: f"ssh://git@git.nordwind.net:7999/team/{r.choice(LAST)}.git and git@bitbucket.org:team/{r.choice(LAST)}.git",
    lambda r: f"Contact support@example.com or {r.choice(FIRST)}@example.org, not root@localhost.",
    lambda r: f"glibc-2.{r.randint(10, 39)}-{digits(r, 2)}.el9.x86_64, openssl 3.{r.randint(0, 3)}.{r.randint(0, 9)}, kernel 5.{r.randint(0, 19)}.{r.randint(0, 200)}.{r.randint(1, 20)}",
    lambda r: f"<UserAgent>Mozilla/5.0 AppleWebKit/537.36 Chrome/{r.randint(90, 120)}.0.{r.randint(4000, 6000)}.{r.randint(10, 200)} Edg/{r.randint(90, 120)}.0.{r.randint(1000, 2000)}.{r.randint(10, 90)}</UserAgent>",
    lambda r: f"matrix = [[{digits(r, 3)}, {digits(r, 3)}, {digits(r, 4)}], [{digits(r, 3)}, {digits(r, 3)}, {digits(r, 4)}]]",
    lambda r: f"The 1{r.randint(0, 9)}th Street subway station has {r.randint(2, 4)} tracks and opened in 19{digits(r, 2)}.",
    lambda r: f"{r.randint(2, 40)} court cases and {r.randint(2, 40)} road trips later, we took a walk in the park.",
    lambda r: f"GET /static/js/main.{_hex(r, 8)}.chunk.js HTTP/1.1 200 {digits(r, 6)} {digits(r, 3)}",
    lambda r: f"GS1 barcode {digits(r, 13)}, HS code {digits(r, 4)}.{digits(r, 2)}.{digits(r, 2)}, lot {word(r, 8).upper()}",
    lambda r: f"pH {r.randint(1, 13)}.{digits(r, 2)}, CAS {digits(r, 5)}-{digits(r, 2)}-{r.randint(0, 9)}, {digits(r, 3)}.{digits(r, 3)} g/mol, EC {digits(r, 3)}-{digits(r, 3)}-{r.randint(0, 9)}",
    lambda r: f"polygon(({r.uniform(-90, 90):.7f} {r.uniform(-180, 180):.7f}, {r.uniform(-90, 90):.7f} {r.uniform(-180, 180):.7f}))",
    lambda r: f"Score: 21-{r.randint(10, 19)}, 19-21, 21-{r.randint(10, 19)}; attendance {r.randint(10, 90)} {digits(r, 3)}; season 20{r.randint(10, 22)}/20{r.randint(23, 25)}",
    lambda r: f"phone models: Nokia {r.randint(1000, 9999)}, iPhone {r.randint(4, 15)}, Pixel {r.randint(2, 8)}; call volume was {digits(r, 6)} in 2023",
    lambda r: f"const re = /^[\\w.]+@[\\w.]+\\.\\w+$/; if (!re.test(mail)) throw new Error('{r.choice(FIRST)}');",
    lambda r: f"ssh-ed25519 fingerprint SHA256:{base64_like(r, 43)}",
    lambda r: f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC{base64_like(r, 80)} build",
    lambda r: f"data:image/png;base64,iVBORw0KGgo{base64_like(r, 120)}==",
    lambda r: f"integrity sha512-{base64_like(r, 86)}==",
    lambda r: f"job 17{digits(r, 8)}.{digits(r, 6)} on gpu{r.randint(0, 7)}: {r.randint(10, 99)}:{r.randint(10, 59)}:{r.randint(10, 59)} elapsed, pid {digits(r, 6)}",
    lambda r: f"Genesis {r.randint(1, 50)}:{r.randint(1, 30)}; ratio 16:9:{r.randint(1, 9)}; aa:bb; {r.randint(1, 12)}:{r.randint(10, 59)} pm",
    lambda r: f"postgres://${{DB_USER}}:${{DB_PASS}}@${{DB_HOST}}:5432/{r.choice(LAST)} or mysql://user:pass@localhost/{r.choice(LAST)}",
    lambda r: f"Passport control took {r.randint(10, 90)} minutes at gate {r.choice('ABC')}{r.randint(1, 60)}, flight {r.choice(['BA', 'LH', 'AF'])}{digits(r, 4)} was late.",
]  # fmt: skip

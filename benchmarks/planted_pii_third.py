"""The third part of the planted set: written after the rules were last changed, measured, never tuned on.

Support chats, dumps of configurations, rows of CSV, logs of servers, CVs, several languages, scanned
pages, tables, comments in code and calls of curl.
"""

# ruff: noqa: E501 - one form a line reads best
from __future__ import annotations

import base64
import random
from collections.abc import Callable

from planted_pii import KINDS, Planted, fill
from planted_pii_values import (
    FIRST,
    HOSTS,
    LAST,
    STREETS,
    VALUES,
    american,
    base64_like,
    digits,
    national,
    word,
)

__all__ = ["negatives", "positives"]

Made = tuple[str, str]  # the value, and the text with "{}" for it


def positives(seed: int = 3, count: int = 1_000) -> list[Planted]:
    """``count`` texts, the kinds in turn, the forms of each kind in turn."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        form = number // len(KINDS) % len(FORMS[kind])
        value, context = FORMS[kind][form](rng)
        made.append(fill(context, value, kind, str(form)))
    return made


def negatives(seed: int = 3, count: int = 1_000) -> list[Planted]:
    """Texts that only look like personal data."""
    rng = random.Random(seed)
    return [
        Planted(NEGATIVES[number % len(NEGATIVES)](rng), form=f"third {number % len(NEGATIVES)}")
        for number in range(count)
    ]


def _in(
    kind: str, context: str, change: Callable[[str], str] = str
) -> Callable[[random.Random], Made]:
    return lambda rng: (change(VALUES[kind](rng)), context)


def _made(context: str, value: Callable[[random.Random], str]) -> Callable[[random.Random], Made]:
    return lambda rng: (value(rng), context)


def _grouped(value: str, sign: str, n: int = 4) -> str:
    return sign.join(value[at : at + n] for at in range(0, len(value), n))


def _american(form: str) -> Callable[[random.Random], str]:
    def made(rng: random.Random) -> str:
        number = american(rng)
        return form.format(number[:3], number[3:6], number[6:])

    return made


def _told(context: str) -> Callable[[random.Random], Made]:
    def made(rng: random.Random) -> Made:
        value, name = national(rng)
        return value, context.replace("{word}", name)

    return made


def _card(rng: random.Random, sign: str = "") -> str:
    while len(number := VALUES["credit_card"](rng)) != 16:
        pass
    return _grouped(number, sign)


def _aws_secret(context: str) -> Callable[[random.Random], Made]:
    return lambda rng: (base64_like(rng, 40), context)


FORMS: dict[str, list[Callable[[random.Random], Made]]] = {
    "email": [
        _in("email", "[10:42] Customer: hi, i never got the receipt, my account is under {} can you resend?"),
        _in("email", "id,name,email,plan\n1041,\"Roe, Jane\",{},pro\n"),
        _in("email", "postfix/smtp[2211]: 4F2A: to=<{}>, relay=mx.nordwind.net, status=sent"),
        _in("email", "JANE ROE\nSoftware Engineer | {} | Leeds\n\nEXPERIENCE"),
        _in("email", "| Name | Mail |\n|------|------|\n| J. Roe | `{}` |"),
        _in("email", "# TODO({}): remove after the migration"),
        _in("email", "curl -X POST https://api.brightlake.io/users -d '{\"mail\":\"{}\"}'"),
        _in("email", "Mon adresse électronique : {} (perso)"),
        _made("E-mail: {}", lambda r: f"{r.choice(FIRST)} . {r.choice(LAST)} @ {r.choice(['gmail', 'outlook'])} . com"),
        _in("email", "admin_contact: {}\nretries: 3\n"),
        _made("Escríbeme a {} cuando puedas", lambda r: f"{r.choice(FIRST)}.{r.choice(LAST)}[arroba]gmail.com"),
        _in("email", "Signed-off-by: Jane Roe <{}>"),
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
        _in("ipv4", "Nov 12 03:14:07 web2 sshd[991]: Invalid user oracle from {} port 51822"),
        _in("ipv4", "2024-03-01T10:00:00Z,{},GET,/login,401\n"),
        _in("ipv4", "upstream app {\n    server {}:8443 weight=2;\n}"),
        _in("ipv4", "| db-1 | {} | primary |"), _in("ipv4", "# old box was {}, do not use"), _in("ipv4", "curl --resolve shop.io:443:{} https://shop.io"),
        _in("ipv4", "Agent: what does the router page say? Customer: WAN IP {}"), _in("ipv4", "Die Anfrage kam von {}."), _in("ipv4", "iptables -A INPUT -s {} -j DROP"),
    ],
    "ipv6": [
        _in("ipv6", '{} - jane [12/Mar/2024:08:01:02 +0100] "POST /cart HTTP/2" 302'), _in("ipv6", "7,{},blocked,443\n"), _in("ipv6", "listen [{}]:443 ssl;"), _in("ipv6", "| mail | {} |"),
        _in("ipv6", "# peer {} went away"), _in("ipv6", "curl -6 'http://[{}]:9200/_cat'"), _in("ipv6", "Customer: whatismyip tells me {}"),
    ],
    "mac_address": [
        _in("mac_address", "dhcpd: DHCPACK on 10.0.0.31 to {} via eth0"), _in("mac_address", "printer-2,{},10.0.0.44\n"), _in("mac_address", "| laptop | `{}` |", str.upper), _in("mac_address", "host tv { hardware ethernet {}; }"),
        _in("mac_address", "Die MAC-Adresse lautet {}", lambda v: v.replace(":", "-")), _in("mac_address", "Customer: the sticker says MAC: {}", lambda v: v.replace(":", "").upper()), _in("mac_address", "// allow {} only"),
    ],
    "credit_card": [
        _made("[11:20] Customer: ok the long number is {} and the expiry is 11/27", lambda r: _card(r, " ")), _made("1044,Roe,{},11/27,482\n", _card), _made("PAN={} STAN=000123 RC=00", _card), _made("| Visa | {} | 09/26 |", lambda r: _card(r, "-")),
        _made("// charge {} in the sandbox failed", _card), _made("curl /v1/tokens -d card[number]={} -d card[cvc]=123", _card), _made("Mi tarjeta es la {}", lambda r: _card(r, " ")), _made("C A R D  N O  {}", lambda r: _card(r, "  ")), _made("card_number: \"{}\"\ncvv: \"913\"", _card),
    ],
    "iban": [
        _in("iban", "Customer: please refund to {}, not to the old card"), _in("iban", "2024-02-01;-129,00;EUR;{};Miete\n"), _in("iban", "| Landlord | {} |", lambda v: _grouped(v, " ")), _in("iban", "payout:\n  iban: {}\n  bic: COBADEFFXXX\n"),
        _in("iban", "Veuillez virer la somme sur le compte {}.", lambda v: _grouped(v, " ")), _in("iban", "<IBAN>{}</IBAN>"), _in("iban", "I B A N : {}", lambda v: _grouped(v, "  ")), _in("iban", "// payee {} is blocked"),
    ],
    "us_ssn": [
        _in("us_ssn", "Agent: last step, your social? Customer: {}"), _in("us_ssn", "1045,Jane,Roe,1984-02-11,{}\n"), _in("us_ssn", "| Roe, Jane | {} | 1984 |"), _in("us_ssn", "employee:\n  ssn: '{}'\n"), _in("us_ssn", "Social Security No. {}", lambda v: v.replace("-", " - ")),
        _in("us_ssn", "# test with {} (mine)"), _in("us_ssn", "curl -d 'ssn={}' https://hr.nordwind.net/verify", lambda v: v.replace("-", "")), _in("us_ssn", "Mi número de seguro social es {}"),
    ],
    "uk_nino": [
        _in("uk_nino", "Customer: NI is {} if you need it for the claim"), _in("uk_nino", "1046,Roe,{},M1\n"), _in("uk_nino", "| J Roe | {} |", lambda v: f"{v[:2]} {v[2:4]} {v[4:6]} {v[6:8]} {v[8]}"), _in("uk_nino", "payroll:\n  ni_number: {}\n"), _in("uk_nino", "N.I. No: {}", lambda v: f"{v[:2]} {v[2:8]} {v[8]}"), _in("uk_nino", "// matched {} against DWP"),
    ],
    "national_id": [
        _told("Agent: and your {word}? Customer: {}"), _told("# {word} {}"), _told("| {word} | {} |"), _told("{word}={}"), _told("Name: Roe\n{word} : {}\nDatum: 01.02.2024"), _told("curl -d '{word}={}' https://gov.nordwind.net"),
    ],
    "passport": [
        _in("passport", "Agent: passport number please. Customer: {}"), _in("passport", "| Passport | {} | valid to 2031 |"), _in("passport", "guest:\n  passport_no: {}\n"), _in("passport", "Número de pasaporte: {}"), _in("passport", "// passport {} fails the regex"), _in("passport", "Pass-Nr.: {}"), _in("passport", "PASSPORT  NO .  {}"),
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
        _in("crypto_wallet", "Customer: i sent it to {} three hours ago"), _in("crypto_wallet", "tx_9f,0.25,BTC,{},confirmed\n"), _in("crypto_wallet", "| cold | {} |"), _in("crypto_wallet", "payout_address = \"{}\""), _in("crypto_wallet", "// treasury {}"), _in("crypto_wallet", "Spenden bitte an {}"),
    ],
    "aws_key": [
        _in("aws_key", "[default]\naws_access_key_id={}\nregion=eu-west-1"), _aws_secret("AKIAEXAMPLE,{},prod aws secret key\n".replace("{},prod aws secret key", "aws secret: {},prod")), _aws_secret("-e AWS_SECRET_ACCESS_KEY='{}' app:latest"), _in("aws_key", "| ci | {} | active |"),
        _in("aws_key", "// leaked: {} (rotated)"), _in("aws_key", "Customer: it says InvalidAccessKeyId {}"), _aws_secret("secretAccessKey: \"{}\","), _in("aws_key", "Credential={}/20240301/us-east-1/s3/aws4_request"),
    ],
    "github_token": [
        _in("github_token", "curl -H \"Authorization: token {}\" https://api.github.com/user"), _in("github_token", "remote: https://oauth2@github.com ; pat,{},repo\n"), _in("github_token", "# GH_PAT={}"), _in("github_token", "| bot | `{}` |"), _in("github_token", "Customer: i pasted {} in the field and it says bad credentials"), _in("github_token", "github:\n  token: {}\n"), _in("github_token", "machine github.com login roe password {}"),
    ],
    "slack_token": [
        _in("slack_token", "curl -H 'Authorization: Bearer {}' https://slack.com/api/auth.test"), _in("slack_token", "slack:\n  bot_token: {}\n"), _in("slack_token", "alerts,{},#ops\n"), _in("slack_token", "// was {}"),
        _made("webhook = \"{}\"", lambda r: f"https://hooks.slack.com/services/T{word(r, 9).upper()}/B{word(r, 9).upper()}/{word(r, 24)}"), _in("slack_token", "Der Bot nutzt {}"),
    ],
    "ai_key": [_in("ai_key", "curl https://api.openai.com/v1/models -H 'Authorization: Bearer {}'"), _in("ai_key", "llm:\n  provider: x\n  key: {}\n"), _in("ai_key", "| dev | {} | 20$ |"), _in("ai_key", "# key {} expires in may"), _in("ai_key", "Customer: my key {} returns 401"), _in("ai_key", "1048,{},active\n")],
    "google_key": [_in("google_key", "curl 'https://maps.googleapis.com/geocode?address=x&key={}'"), _in("google_key", "<meta-data android:value=\"{}\"/>"), _in("google_key", "firebase:\n  apiKey: {}\n"), _in("google_key", "// {} is restricted by referrer"), _made("oauth,{},web\n", lambda r: f"GOCSPX-{word(r, 28)}"), _made("access_token={}", lambda r: f"ya29.{word(r, 80)}")],
    "stripe_key": [_in("stripe_key", "curl https://api.stripe.com/v1/balance -u \"{}:\""), _in("stripe_key", "STRIPE_SECRET={}"), _in("stripe_key", "| live | {} |"), _in("stripe_key", "# {} revoked"), _in("stripe_key", "Customer: the plugin wants {} i think"), _in("stripe_key", "pay,{},eu\n")],
    "jwt": [
        _in("jwt", "curl -b 'sid={}' https://app.io/me"), _in("jwt", "2024-03-01 10:00:01 WARN expired token {}"), _in("jwt", "sess,{},1709287\n"), _in("jwt", "auth:\n  id_token: {}\n"), _in("jwt", "// e.g. {}"), _in("jwt", "Set-Cookie: token={}; HttpOnly; Secure"), _in("jwt", "| jane | {} |"), _in("jwt", "localStorage.setItem('jwt', '{}')"),
    ],
    "private_key": [
        _in("private_key", "Customer: this is what the file has:\n{}\nis it ok?"), _in("private_key", "spec:\n  key: |-\n      {}\n", lambda v: v.replace("\n", "\n      ")), _in("private_key", "KEY=\"{}\"", lambda v: v.replace("\n", "\\n")), _in("private_key", "# {}", lambda v: v.replace("\n", "\n# ")), _in("private_key", "cat > /tmp/k <<EOF\n{}\nEOF"), _in("private_key", "k := `{}`"),
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

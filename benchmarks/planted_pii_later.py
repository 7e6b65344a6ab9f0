"""The second part of the planted set: written after the rules, which were mended after its faults."""

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
    VALUES,
    american,
    base64_like,
    digits,
    word,
)

__all__ = ["negatives", "positives"]


def positives(seed: int = 2, count: int = 1_000) -> list[Planted]:
    """See `planted_pii_forms.planted`."""
    return planted(FORMS, seed, count)


def negatives(seed: int = 2, count: int = 1_000) -> list[Planted]:
    """See `planted_pii_forms.decoys`."""
    return decoys(NEGATIVES, "later", seed, count)


def _american(form: str, context: str) -> Callable[[random.Random], Made]:
    def made(rng: random.Random) -> Made:
        number = american(rng)
        return form.format(number[:3], number[3:6], number[6:]), context

    return made


def _card(rng: random.Random) -> str:
    while len(number := VALUES["credit_card"](rng)) != 16:
        pass
    return number


def _cut(key: str) -> str:
    return key[: key.rindex("\n-----END")]


FORMS: dict[str, list[Callable[[random.Random], Made]]] = {
    "email": [
        lambda r: (f"{r.choice(LAST)}{{at}}{r.choice(HOSTS[:6]).replace('.', '{dot}')}", "drop me a line: {} :)"),
        lambda r: (f"{r.choice(FIRST)} dot {r.choice(LAST)} at {r.choice(['gmail dot com', 'outlook dot com'])}", "my address is {} in case"),
        in_context("email", '<a href="mailto:{}?subject=Hi">mail</a>'),
        in_context("email", "git config user.email \"{}\""),
        in_context("email", "Contact: {}.", lambda v: v.replace("@", "&#64;")),
        in_context("email", "INSERT INTO users VALUES (7, '{}', 'active');"),
        lambda r: (f"{r.choice(FIRST)}@почта-{digits(r, 1)}.рф", "Пишите: {}, спасибо"),
        in_context("email", "bounced: {} (mailbox full)", lambda v: v.replace(".", "\u200c.", 1)),
        in_context("email", "| Ann | {} | admin |"),
        in_context("email", "私のメールは{}です", lambda v: v),
    ],
    "phone": [
        lambda r: (f"+91 98{digits(r, 3)} {digits(r, 5)}", "WhatsApp {} anytime"),
        lambda r: (f"+61 4{digits(r, 2)} {digits(r, 3)} {digits(r, 3)}", "ring {} after five"),
        lambda r: (f"0171 {digits(r, 7)}", "Meine Handynummer: {}"),
        lambda r: (f"+33 (0)6.{digits(r, 2)}.{digits(r, 2)}.{digits(r, 2)}.{digits(r, 2)}", "joignable au {}"),
        _american("({}){}-{}", '"phone": "{}"'),
        _american("1-{}-{}-{}", "dial {} and ask for Priya"),
        _american("{} {} {}", "his cell is {}, leave a voicemail"),
        _american("{}{}{}", "text me {} ok?"),
        lambda r: (f"020 7{digits(r, 3)} {digits(r, 4)}", "The London office answers on {}."),
        lambda r: (f"+55 11 9{digits(r, 4)}-{digits(r, 4)}", "<tel>{}</tel>"),
        lambda r: (f"0034 6{digits(r, 2)} {digits(r, 3)} {digits(r, 3)}", "llámame al {}"),
        lambda r: (f"+1.{_american('{}.{}.{}', '')(r)[0]}", "wa.me contact: {}"),
    ],
    "ipv4": [
        in_context("ipv4", '{} - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.1" 200'), in_context("ipv4", '{"remote_addr": "{}", "status": 200}'),
        in_context("ipv4", "X-Forwarded-For: {}"), in_context("ipv4", "scp dump.sql ubuntu@{}:/tmp/"), in_context("ipv4", "my ip is {} can you geolocate it"),
        in_context("ipv4", "banned {} for 600s", lambda v: v.replace(".", "[.]")),
    ],
    "ipv6": [
        in_context("ipv6", '{"ip":"{}"}'), in_context("ipv6", "https://[{}]/admin"), in_context("ipv6", "traceroute6 to {}, 30 hops max"),
        lambda r: (f"fe80::{r.randrange(256, 4096):x}:{r.randrange(256, 4096):x}:{r.randrange(256, 4096):x}:{r.randrange(256, 4096):x}%wlan0", "ping6 {}"),
        in_context("ipv6", "AAAA record -> {}/128"),
    ],
    "mac_address": [
        in_context("mac_address", "arp: {} is-at eth1"), in_context("mac_address", '{"hw": "{}"}', str.upper),
        in_context("mac_address", "Physical Address. . . . : {}", lambda v: v.upper().replace(":", "-")),
        in_context("mac_address", "mac address-table static {} vlan 4", lambda v: grouped(v.replace(":", ""), ".")),
        in_context("mac_address", "BSSID: {}"),
    ],
    "credit_card": [
        lambda r: (grouped(_card(r), "."), "cc: {} cvv 123"), lambda r: (grouped(_card(r), "\n"), "Kreditkarte\n{}\ngültig bis 04/28"),
        lambda r: (_card(r), 'stripe.Token.create(card={"number": "{}", "exp_month": 4})'), lambda r: (grouped(_card(r), "\u00a0"), "ma carte {}"),
        lambda r: (grouped(_card(r), " - "), "my visa is {} please bill it"), lambda r: (" ".join(_card(r)), "card no {}"),
    ],
    "iban": [
        in_context("iban", "IBAN {}, BIC COBADEFF", lambda v: grouped(v, "\u00a0")), in_context("iban", '{"iban":"{}"}'), in_context("iban", "pay into {} by the 3rd", str.lower),
        in_context("iban", "Bankverbindung:\n{}\nDanke", lambda v: grouped(v, " ")), in_context("iban", "{};Müller;1200,00"),
    ],
    "us_ssn": [
        in_context("us_ssn", '{"ssn": "{}", "dob": "1980-01-01"}'), in_context("us_ssn", "W-2 for employee: Jane Roe ({})"), in_context("us_ssn", "social is {}", lambda v: v.replace("-", "")),
        in_context("us_ssn", "SSN#{}", lambda v: v.replace("-", ".")), in_context("us_ssn", "ssn={}", lambda v: v.replace("-", "\u2011")),
    ],
    "uk_nino": [
        in_context("uk_nino", "my ni no is {}"), in_context("uk_nino", '{"nino": "{}"}'), in_context("uk_nino", "NINO {} was sent to HMRC", lambda v: f"{v[:2]}-{v[2:4]}-{v[4:6]}-{v[6:8]}-{v[8]}"),
        in_context("uk_nino", "national insurance number: {}", str.lower), in_context("uk_nino", "P60 for {} (2022)"),
    ],
    "national_id": [told('"{word}": "{}"'), told("{word} {}"), told("My {word} number is {}."), told("{word}:\n{}")],
    "passport": [
        in_context("passport", "passport={}"), in_context("passport", "Passeport n° {} délivré à Paris"), in_context("passport", "Her passport ({}) expires in May."),
        in_context("passport", "Reisepassnummer: {}"), in_context("passport", "traveller: J. Roe, passport # {}"),
    ],
    "street_address": [
        lambda r: (f"{r.randint(100, 9000)} NW {r.randint(4, 98)}th Avenue, Miami, FL 331{digits(r, 2)}", "deliver to {} before noon"),
        lambda r: (f"P.O. Box {digits(r, 4)}, Boulder, CO 803{digits(r, 2)}", "Send the check to {}."),
        lambda r: (f"Flat {r.randint(1, 30)}, {r.randint(1, 99)} {r.choice(['Albert', 'Victoria', 'Station'])} Road, Bristol BS{r.randint(1, 9)} {r.randint(1, 9)}QT", "moved into {}"),
        lambda r: (f"{r.choice(['Schillerstraße', 'Rosenweg', 'Kirchplatz', 'Hohe Straße'])} {r.randint(1, 90)}\n{r.randint(10000, 99999)} {r.choice(['Dresden', 'Mainz'])}", "Anschrift:\n{}\nDeutschland"),
        lambda r: (f"{r.randint(1, 90)} bis, rue {r.choice(['Lafayette', 'du Faubourg Saint-Honoré', 'des Lilas'])}, {r.randint(10000, 95000)} {r.choice(['Lille', 'Toulouse'])}", "J'habite au {}."),
        lambda r: (f"{r.randint(10, 999)} {r.choice(['maple', 'cedar', 'washington'])} {r.choice(['street', 'ave', 'lane'])}", "i live at {} near the school"),
        lambda r: (f"Calle {r.choice(['Mayor', 'de Alcalá', 'San Juan'])}, {r.randint(1, 200)}, 280{digits(r, 2)} Madrid", "dirección: {}"),
        lambda r: (f"{r.randint(1, 400)} {r.choice(['Queen', 'King', 'Bay'])} St W, Toronto, ON M5V {r.randint(1, 9)}A{r.randint(1, 9)}", '{"address": "{}"}'),
        lambda r: (f"{r.randint(1000, 9999)} {r.choice(['Sunset', 'Lincoln', 'Pacific'])} Blvd", "The house at {} was sold to my aunt."),
    ],
    "crypto_wallet": [in_context("crypto_wallet", "bitcoin:{}?amount=0.1"), in_context("crypto_wallet", '{"to": "{}"}'), in_context("crypto_wallet", "tip jar -> {} <3"), in_context("crypto_wallet", "https://explorer.io/address/{}")],
    "aws_key": [
        in_context("aws_key", "boto3.client('s3', aws_access_key_id='{}')"), lambda r: (base64_like(r, 40), "boto3.client('s3', aws_secret_access_key='{}')"),
        lambda r: (base64_like(r, 40), "AWS Secret Access Key [None]: {}"), in_context("aws_key", "https://b.s3.amazonaws.com/k?AWSAccessKeyId={}&Expires=1"),
        lambda r: (base64_like(r, 40), "AWS_SECRET_ACCESS_KEY: {}\nAWS_REGION: x"),
    ],
    "github_token": [
        in_context("github_token", "git remote set-url origin https://x-access-token@github.com && echo {}"), in_context("github_token", "GITHUB_TOKEN: {}"),
        lambda r: (f"github_pat_{word(r, 22)}_{word(r, 59)}", "gh auth login --with-token <<< {}"), in_context("github_token", "headers={'Authorization': 'token {}'}"),
    ],
    "slack_token": [
        in_context("slack_token", "WebClient(token='{}')"), lambda r: (f"https://hooks.slack.com/services/T{word(r, 8).upper()}/B{word(r, 8).upper()}/{word(r, 24)}", "curl -X POST {}"),
        lambda r: (f"xoxp-{digits(r, 11)}-{digits(r, 11)}-{digits(r, 12)}-{word(r, 32).lower()}", "slack: {}"), lambda r: (f"xapp-1-A{word(r, 10).upper()}-{digits(r, 13)}-{word(r, 64).lower()}", "SLACK_APP_TOKEN={}"),
    ],
    "ai_key": [in_context("ai_key", "openai.api_key = '{}'"), in_context("ai_key", "x-api-key: {}"), in_context("ai_key", "ANTHROPIC_API_KEY={} python run.py"), lambda r: (f"sk-or-v1-{word(r, 64, '0123456789abcdef')}", 'llm = Client(key="{}")')],
    "google_key": [in_context("google_key", "https://maps.googleapis.com/maps/api/js?key={}&libraries=places"), in_context("google_key", "apiKey: '{}',"), lambda r: (f"GOCSPX-{word(r, 28)}", '"client_secret":"{}"')],
    "stripe_key": [in_context("stripe_key", "curl https://api.stripe.com/v1/charges -u {}:"), in_context("stripe_key", "Stripe.api_key = '{}'"), lambda r: (f"whsec_{word(r, 32)}", "endpoint_secret = '{}'")],
    "jwt": [in_context("jwt", "Cookie: session={}; Path=/"), in_context("jwt", "Authorization: Bearer {}"), in_context("jwt", "const t = `{}`;"), in_context("jwt", "https://app.io/cb?token={}&x=1")],
    "private_key": [
        in_context("private_key", '{"private_key": "{}"}', lambda v: v.replace("\n", "\\n")), in_context("private_key", "data:\n  tls.key: |\n    {}\n", lambda v: v.replace("\n", "\n    ")),
        in_context("private_key", "here it is, got cut off:\n{}", _cut), in_context("private_key", "> {}", lambda v: v.replace("\n", "\n> ")), in_context("private_key", "key: {} end", lambda v: v.replace("\n", " ")),
    ],
    "url_credentials": [
        lambda r: (f"redis://:{word(r, 16)}@cache.{r.choice(HOSTS)}:6379", "REDIS_URL={}/0"), lambda r: (f"ftp://{r.choice(LAST)}:{word(r, 8)}@files.{r.choice(HOSTS)}", "wget {}/a.zip"),
        lambda r: (f"amqp://{r.choice(LAST)}:{word(r, 5)}%23{word(r, 5)}@mq.{r.choice(HOSTS)}:5672", "broker_url = '{}/vhost'"),
        lambda r: (f"http://{r.choice(FIRST)}:{word(r, 9)}@{VALUES['ipv4'](r)}:3128", "export https_proxy={}"),
        lambda r: (f"mysql+pymysql://{r.choice(LAST)}:{word(r, 12)}@10.0.0.4", "create_engine('{}/shop')"),
    ],
    "secret": [
        lambda r: (word(r, 14), "db:\n  user: svc\n  password: {}\n"), lambda r: (word(r, 30), "//registry.npmjs.org/:_authToken={}"), lambda r: (word(r, 12) + "#", "Server=db;User Id=sa;Password={};"),
        lambda r: (word(r, 36), "ENV SECRET_KEY {}".replace(" {}", "={}")), lambda r: (word(r, 24), "$config['api_secret'] => '{}';"), lambda r: (word(r, 11) + "$", "pw for the router, password: {}"),
        lambda r: (base64.b64encode(f"{r.choice(LAST)}:{word(r, 12)}".encode()).decode(), "Authorization: Basic {}"), lambda r: (word(r, 32), "GET /v2/items?api_key={}&page=2"),
        lambda r: (word(r, 20), "const accessToken = \"{}\";"), lambda r: (f"{r.choice(LAST)}:{word(r, 12)}", "curl -u {} https://ci.nordwind.net/job"),
    ],
}  # fmt: skip


def _hex(rng: random.Random, n: int) -> str:
    return word(rng, n, "0123456789abcdef")


NEGATIVES: list[Callable[[random.Random], str]] = [
    lambda r: f"Chrome/{r.randint(90, 130)}.0.{r.randint(1000, 9999)}.{r.randint(10, 199)} Safari/537.36",
    lambda r: f'<package version="{r.randint(1, 9)}.{r.randint(0, 99)}.{r.randint(0, 99)}.{r.randint(0, 99)}" />',
    lambda r: f"see section {r.randint(1, 9)}.{r.randint(1, 9)}.{r.randint(1, 9)}.{r.randint(1, 9)} of the manual",
    lambda r: f"allow 10.{r.randint(0, 255)}.0.0/16 and 169.254.{r.randint(0, 255)}.1 only",
    lambda r: f"2001:db8::{_hex(r, 3)} is for documentation, ::1 is loopback, fe80::1 the router",
    lambda r: f"started 2024-0{r.randint(1, 9)}-1{r.randint(0, 9)}T0{r.randint(0, 9)}:{r.randint(10, 59)}:{r.randint(10, 59)}.{digits(r, 6)}Z",
    lambda r: f"ISBN-13: 9780{digits(r, 9)}; ISBN-10 0-{digits(r, 4)}-{digits(r, 4)}-X",
    lambda r: f"Invoice #{digits(r, 9)}, PO {digits(r, 8)}, SKU {word(r, 3).upper()}-{digits(r, 6)}",
    lambda r: f"x = 0x{_hex(r, 8)}; y = {digits(r, 10)} % 97; assert f(12345678) == {digits(r, 9)}",
    lambda r: f"md5 {_hex(r, 32)}  file.tar.gz",
    lambda r: f"docker pull nginx@sha256:{_hex(r, 64)}",
    lambda r: f"guid {{{_hex(r, 8)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 12)}}}",
    lambda r: f"mail noreply@example.org, jane@test.example, root@localhost, you@{r.choice(['example.net', 'example.com'])}",
    lambda r: r.choice(["OPENAI_API_KEY=sk-...", "api_key: <your key here>", "token = os.getenv('TOKEN')", "password: ${DB_PASSWORD}", "secret: changeme", 'apiKey: "REPLACE_WITH_YOUR_KEY"']),
    lambda r: f"@{r.choice(FIRST)} thanks! cc @{r.choice(LAST)}_{digits(r, 2)} #{r.choice(LAST)}",
    lambda r: f"pip install git+ssh://git@github.com/{r.choice(LAST)}/tool.git@v{r.randint(1, 9)}.0",
    lambda r: f"\"@types/{r.choice(LAST)}\": \"^{r.randint(1, 20)}.{r.randint(0, 9)}.{r.randint(0, 9)}\"",
    lambda r: f"EUR {r.randint(1, 9)}.{digits(r, 3)}.{digits(r, 3)},{digits(r, 2)} or £{r.randint(100, 999)},{digits(r, 3)}",
    lambda r: f"The GDP was {digits(r, 12)} and grew by {r.randint(1, 9)}.{digits(r, 4)} percent between 1990-2005.",
    lambda r: f"[{r.random():.12f}, {r.random():.12f}, {r.random() * 100:.10f}]",
    lambda r: f"lat {r.uniform(-90, 90):.6f}, lon {r.uniform(-180, 180):.6f}",
    lambda r: f"1{digits(r, 12)} ms since the epoch; 16{digits(r, 8)}.{digits(r, 3)}",
    lambda r: f"Call of Duty {r.randint(1, 4)} sold {r.randint(1, 30)} million; call f({digits(r, 8)})",
    lambda r: f"{r.randint(3, 20)} Best Places to Park Near {r.choice(['Lake Drive', 'Wall Street'])}, since 19{digits(r, 2)}",
    lambda r: "const password = document.getElementById('password').value; let token = await getToken();",
    lambda r: "The password must have at least 8 characters and the secret is patience.",
    lambda r: f"ratio {r.randint(1, 9)}:{r.randint(10, 59)}:{r.randint(10, 59)}, Foo::Bar::baz, {{a:b:c}}",
    lambda r: f"FedEx tracking number {digits(r, 12)}; case no. {digits(r, 2)}-{digits(r, 5)}",
    lambda r: f"chr{r.randint(1, 22)}:{digits(r, 8)}-{digits(r, 8)} rs{digits(r, 8)}",
    lambda r: f"class=\"sk-cube-grid sk-{r.choice(['three', 'circle'])}-bounce task-runner-container-wide\"",
    lambda r: "mongodb://<username>:<password>@cluster0.mongodb.net and https://$USER:$PASS@host.io",
    lambda r: f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(r.randbytes(90)).decode()}\n-----END PUBLIC KEY-----",
    lambda r: f"My passport application took {r.randint(10, 90)} days and cost {r.randint(100, 200)} dollars.",
    lambda r: f"Bible verses {r.randint(1, 50)}:{r.randint(1, 30)}-{r.randint(31, 60)}; scores {r.randint(10, 99)}-{r.randint(10, 99)}, {r.randint(100, 999)} {r.randint(100, 999)} {r.randint(100, 999)}",
    lambda r: f"Model number XR-{digits(r, 4)}-{digits(r, 4)}, serial {word(r, 12).upper()}, part {digits(r, 3)}-{digits(r, 2)}-{digits(r, 4)}",
    lambda r: f"PMID: {digits(r, 8)}, doi:10.{digits(r, 4)}/{digits(r, 7)}.{digits(r, 4)}, arXiv:{digits(r, 4)}.{digits(r, 5)}",
    lambda r: f"we met in Room {r.randint(100, 400)} on {r.randint(1, 28)} March {r.randint(1900, 2024)} at a place on the way",
]  # fmt: skip

"""Planted personal data: texts with one value each, in many disguises, and texts that only look so.

The set has three parts. The rules were tuned on the first and mended after the faults on the second
(`planted_pii_later`); the third (`planted_pii_third`) was written after that and only measured.
"""

# ruff: noqa: E501 - one form a line reads best
from __future__ import annotations

import dataclasses
import random
import textwrap
from collections.abc import Callable

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

__all__ = ["KINDS", "Planted", "Render", "fill", "negatives", "positives"]

Render = Callable[[random.Random], tuple[str, str]]  # what is planted, and a text with "{}" for it

KINDS = (
    "email", "phone", "ipv4", "ipv6", "mac_address", "credit_card", "iban", "us_ssn", "uk_nino", "national_id",
    "passport", "street_address", "crypto_wallet", "aws_key", "github_token", "slack_token", "ai_key",
    "google_key", "stripe_key", "jwt", "private_key", "url_credentials", "secret",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Planted:
    """A text with personal data, or one without.

    Args:
        text: what is looked through.
        kind: of the planted value; empty for a hard negative.
        start, end: where it is.
        form: how it was written, for the table of misses.
    """

    text: str
    kind: str = ""
    start: int = 0
    end: int = 0
    form: str = ""


def fill(context: str, value: str, kind: str, form: str) -> Planted:
    """``context`` with ``value`` in the place of ``{}``."""
    front, _, back = context.partition("{}")
    return Planted(front + value + back, kind, len(front), len(front) + len(value), form)


def positives(seed: int = 1, count: int = 1_000) -> list[Planted]:
    """The first half: ``count`` texts, the kinds in turn, the forms of each kind in turn."""
    return _made(FORMS, CONTEXTS, seed, count)


def _made(
    forms: dict[str, dict[str, Callable[[random.Random], str]]],
    contexts: dict[str, list[str]],
    seed: int,
    count: int,
) -> list[Planted]:
    rng = random.Random(seed)
    made = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        names = list(forms[kind])
        form = names[number // len(KINDS) % len(names)]
        value = forms[kind][form](rng)
        context = rng.choice(contexts[kind])
        if isinstance(value, tuple):
            value, context = value
        made.append(fill(context, value, kind, form))
    return made


def _disguised(rng: random.Random) -> str:
    local, _, host = VALUES["email"](rng).partition("@")
    local = local.replace("+news", "").replace("_", ".")
    return f"{local.replace('.', ' [dot] ')} [at] {host.replace('.', ' [dot] ')}"


def _american(form: str) -> Callable[[random.Random], str]:
    def made(rng: random.Random) -> str:
        number = american(rng)
        return form.format(number[:3], number[3:6], number[6:])

    return made


def _arabic(text: str) -> str:
    return text.translate({ord(str(d)): chr(0x0660 + d) for d in range(10)})


def _wide(text: str) -> str:
    return text.translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)})


def _grouped(value: str, sign: str, n: int = 4) -> str:
    return sign.join(value[at : at + n] for at in range(0, len(value), n))


def _street(rng: random.Random) -> str:
    return f"{rng.randint(1, 9999)} {rng.choice(STREETS)} {rng.choice(['St', 'Street', 'Ave', 'Road', 'Blvd', 'Lane', 'Drive', 'Ct'])}"


FORMS: dict[str, dict[str, Callable[[random.Random], object]]] = {
    "email": {
        "plain": VALUES["email"],
        "brackets": _disguised,
        "parens": lambda r: f"{r.choice(FIRST)}(at){r.choice(HOSTS).replace('.', '(dot)')}",
        "words": lambda r: f"{r.choice(FIRST)}{digits(r, 2)} at {r.choice(HOSTS[:4]).replace('.', ' dot ')}",
        "wide sign": lambda r: VALUES["email"](r).replace("@", "\uff20"),
        "zero width": lambda r: VALUES["email"](r).replace("@", "\u200b@\u200b"),
        "quoted local": lambda r: f'"{r.choice(FIRST)} {r.choice(LAST)}"@{r.choice(HOSTS)}',
        "idn": lambda r: f"{r.choice(FIRST)}@bücher-{r.choice(LAST)}.de",
    },
    "phone": {
        "intl": lambda r: "+1 " + _american("{}-{}-{}")(r),
        "parens": _american("({}) {}-{}"),
        "dots": _american("{}.{}.{}"),
        "uk": lambda r: f"+44 (0)20 7{digits(r, 3)} {digits(r, 4)}",
        "uk mobile": lambda r: f"077{digits(r, 2)} {digits(r, 6)}",
        "zero zero": lambda r: f"00 49 30 {r.randint(2, 9)}{digits(r, 6)}",
        "french": lambda r: f"06 {digits(r, 2)} {digits(r, 2)} {digits(r, 2)} {digits(r, 2)}",
        "arabic": lambda r: _arabic("+1 " + _american("{} {} {}")(r)),
        "wide": lambda r: _wide(_american("{}-{}-{}")(r)),
        "wrapped": lambda r: "+1 " + _american("{}\n{} {}")(r),
    },
    "ipv4": {"plain": VALUES["ipv4"], "port": lambda r: (VALUES["ipv4"](r), "GET http://{}:8080/status HTTP/1.1"),
             "login": lambda r: (VALUES["ipv4"](r), "ssh root@{} -p 2222")},
    "ipv6": {"plain": VALUES["ipv6"], "upper": lambda r: VALUES["ipv6"](r).upper(),
             "zone": lambda r: f"fe80::{r.randrange(4096, 65536):x}:{r.randrange(4096, 65536):x}:fe{r.randrange(16, 256):x}:{r.randrange(4096, 65536):x}%eth0",
             "url": lambda r: (VALUES["ipv6"](r), "curl -g http://[{}]:3000/health")},
    "mac_address": {"colons": VALUES["mac_address"], "dashes": lambda r: VALUES["mac_address"](r).replace(":", "-").upper()},
    "credit_card": {"plain": VALUES["credit_card"], "dashes": lambda r: _card16(r, "-"),
                    "spaces": lambda r: _card16(r, " "), "wide": lambda r: _wide(_card16(r, " ")), "zero width": lambda r: _card16(r, "\u200b")},
    "iban": {"plain": VALUES["iban"], "spaces": lambda r: _grouped(VALUES["iban"](r), " "), "dashes": lambda r: _grouped(VALUES["iban"](r), "-")},
    "us_ssn": {"dashes": VALUES["us_ssn"], "en dashes": lambda r: VALUES["us_ssn"](r).replace("-", "\u2013"),
               "spaces": lambda r: (VALUES["us_ssn"](r).replace("-", " "), "My SSN is {} for the W-2."),
               "bare": lambda r: (VALUES["us_ssn"](r).replace("-", ""), "social security number: {}")},
    "uk_nino": {"plain": VALUES["uk_nino"], "spaces": lambda r: _pairs(VALUES["uk_nino"](r))},
    "national_id": {"told": lambda r: _told(r, "{word}: {}"), "sentence": lambda r: _told(r, "Here is the {word} you asked for, {}, thanks.")},
    "passport": {"plain": VALUES["passport"]},
    "street_address": {
        "us": lambda r: f"{_street(r)}, Springfield, IL 6{digits(r, 4)}",
        "us unit": lambda r: f"{_street(r)}, Apt {r.randint(1, 40)}B, Portland, OR 97{digits(r, 3)}",
        "uk": lambda r: f"{r.randint(1, 200)} {r.choice(STREETS)} {r.choice(['Road', 'Close', 'Gardens', 'Avenue'])}, Leeds LS{r.randint(1, 9)} {r.randint(1, 9)}AB",
        "de": lambda r: f"{r.choice(['Goethestraße', 'Lindenweg', 'Bahnhofstr.', 'Am Stadtpark'])} {r.randint(1, 120)}, {r.randint(10000, 99999)} {r.choice(['Hamburg', 'Bonn', 'Kassel'])}",
        "fr": lambda r: f"{r.randint(1, 150)} {r.choice(['rue de la République', 'avenue Victor Hugo', 'boulevard Saint-Michel'])}, {r.randint(10000, 95999)} {r.choice(['Lyon', 'Paris', 'Nantes'])}",
        "two lines": lambda r: f"{_street(r)}\nMadison, WI 53{digits(r, 3)}",
    },
    "crypto_wallet": {"plain": VALUES["crypto_wallet"]},
    "aws_key": {"id": VALUES["aws_key"], "secret": lambda r: (base64_like(r, 40), "aws_secret_access_key = {}\nregion = eu-west-1"),
                "json": lambda r: (base64_like(r, 40), '"SecretAccessKey": "{}",')},
    **{kind: {"plain": VALUES[kind]} for kind in ("github_token", "slack_token", "ai_key", "google_key", "stripe_key", "jwt")},
    "private_key": {"lines": VALUES["private_key"], "escaped": lambda r: (VALUES["private_key"](r).replace("\n", "\\n"), 'key = "{}"'),
                    "indented": lambda r: textwrap.indent(VALUES["private_key"](r), "    ").lstrip()},
    "url_credentials": {
        "https": lambda r: f"https://{r.choice(FIRST)}:{word(r, 10)}@git.{r.choice(HOSTS)}",
        "database": lambda r: f"postgres://svc_{r.choice(LAST)}:{word(r, 14)}@db.{r.choice(HOSTS)}:5432",
        "encoded": lambda r: f"mongodb+srv://{r.choice(FIRST)}:{word(r, 6)}%40{word(r, 4)}%21@cluster0.{r.choice(HOSTS)}",
    },
    "secret": {
        "password": lambda r: (word(r, 9) + r.choice("!#?") + digits(r, 2), "password={}"),
        "json": lambda r: (word(r, 32), '{"user": "svc", "api_key": "{}"}'),
        "env": lambda r: (word(r, 24), "export SERVICE_TOKEN={}\n./run.sh"),
        "bearer": lambda r: (word(r, 40), 'curl -H "Authorization: Bearer {}" https://api.brightlake.io/v1'),
        "python": lambda r: (word(r, 20), 'client_secret = "{}"  # rotate'),
        "told": lambda r: (word(r, 10) + "!", "The wifi password is {} if you need it"),
    },
}  # fmt: skip


def _card16(rng: random.Random, sign: str) -> str:
    while len(number := VALUES["credit_card"](rng)) != 16:
        pass
    return _grouped(number, sign)


def _pairs(value: str) -> str:
    return f"{value[:2]} {value[2:4]} {value[4:6]} {value[6:8]} {value[8]}"


def _told(rng: random.Random, context: str) -> tuple[str, str]:
    value, name = national(rng)
    return value, context.replace("{word}", name)


_KEYS = ["Here is my key: {}", 'API_KEY="{}"', '{"key": "{}"}', "curl -H 'X-Key: {}' https://api.nordwind.net",
         "client = Client('{}')", "I pasted {} by mistake, is it still valid?"]  # fmt: skip
CONTEXTS: dict[str, list[str]] = {
    "email": ["Please reply to {} by Friday.", "[write me](mailto:{})", "From: Ann <{}>", "email: {}, thanks", 'send_to = ["{}"]'],
    "phone": ["Call me at {} tomorrow.", "Tel: {}", "My mobile is {}, text me.", "You can reach our office under phone {}."],
    "ipv4": ["Failed password for admin from {} port 22", "The server is at {} now.", "client_ip={}", "ping {}"],
    "ipv6": ["Accepted publickey for ann from {}", "inet6 {} scope global", "host = '{}'"],
    "mac_address": ["link/ether {} brd", "The MAC address is {}.", "device {} joined the network"],
    "credit_card": ["Charge my card {} please.", "Card number: {} exp 09/27", "I paid with {}", "'pan': '{}'"],
    "iban": ["Please transfer to {} today.", "IBAN: {}", "Mein Konto ist {}."],
    "us_ssn": ["SSN: {}", "Her social security number is {}.", "applicant {} was approved"],
    "uk_nino": ["NI number: {}", "National Insurance {} on the payslip", "employee {} starts Monday"],
    "national_id": ["{}"],
    "passport": ["Passport number {}", "my passport no. is {}", "Reisepass Nr. {}", '"passport": "{}"'],
    "street_address": ["I live at {}.", "Ship it to {} please", "Address: {}", "The parcel went to {} last week."],
    "crypto_wallet": ["Send the coins to {}", "wallet: {}", "{} received 0.2 today"],
    "aws_key": ["aws_access_key_id = {}", 'AccessKeyId": "{}"', "key {} was leaked"],
    **dict.fromkeys(("github_token", "slack_token", "ai_key", "google_key", "stripe_key", "jwt"), _KEYS),
    "private_key": ["Here is the key:\n{}\nthanks", "{}", "cat id_rsa\n{}"],
    "url_credentials": ["git clone {}/repo.git", "DATABASE_URL={}/prod", "open {}/ in the browser"],
    "secret": ["{}"],
}  # fmt: skip


def negatives(seed: int = 1, count: int = 1_000) -> list[Planted]:
    """The first half's texts that only look like personal data."""
    rng = random.Random(seed)
    return [
        Planted(NEGATIVES[number % len(NEGATIVES)](rng), form=str(number % len(NEGATIVES)))
        for number in range(count)
    ]


def _hex(n: int) -> Callable[[random.Random], str]:
    return lambda rng: word(rng, n, "0123456789abcdef")


NEGATIVES: list[Callable[[random.Random], str]] = [
    lambda r: f"Upgrade to version {r.randint(1, 9)}.{r.randint(0, 40)}.{r.randint(0, 9)}.{r.randint(0, 255)} first.",
    lambda r: f"pip install torch=={r.randint(1, 9)}.{r.randint(0, 30)}.{r.randint(0, 9)}.{r.randint(0, 99)}",
    lambda r: f"listen on {r.choice(['0.0.0.0', '127.0.0.1', '192.168.0.12', '10.1.2.3', '172.16.4.5'])}:8000",
    lambda r: f"netmask 255.255.255.{r.choice(['0', '128', '192'])}",
    lambda r: f"for example 192.0.2.{r.randint(1, 254)} or 203.0.113.{r.randint(1, 254)}",
    lambda r: f"The meeting is on 20{digits(r, 2)}-{r.randint(1, 12):02}-{r.randint(1, 28):02} at {r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}.",
    lambda r: f"ISBN 978-0-{digits(r, 3)}-{digits(r, 5)}-{r.randint(0, 9)}",
    lambda r: f"Your order number {digits(r, 10)} has shipped.",
    lambda r: f"{digits(r, 7)} * {digits(r, 6)} = {digits(r, 13)}",
    lambda r: f"color: #{_hex(6)(r)}; background: #{_hex(3)(r)}",
    lambda r: f"commit {_hex(40)(r)}",
    lambda r: f"id = {_hex(8)(r)}-{_hex(4)(r)}-4{_hex(3)(r)}-a{_hex(3)(r)}-{_hex(12)(r)}",
    lambda r: "Write to user@example.com or admin@example.org",
    lambda r: "api_key = " + r.choice(["YOUR_API_KEY", '"your-api-key-here"', 'os.environ["KEY"]', '"sk-xxxxxxxxxxxxxxxxxxxxxxxx"', "<API_KEY>"]),
    lambda r: f"@app.route('/{r.choice(LAST)}')\ndef f(): pass",
    lambda r: f"git clone git@github.com:{r.choice(FIRST)}/{r.choice(LAST)}.git",
    lambda r: f"npm install @{r.choice(LAST)}/core@{r.randint(1, 9)}.{r.randint(0, 9)}.0",
    lambda r: f"The price is ${r.randint(1, 9)},{digits(r, 3)},{digits(r, 3)}.{digits(r, 2)} in total.",
    lambda r: f"The population was {r.randint(1, 9)} {digits(r, 3)} {digits(r, 3)} in 2019.",
    lambda r: f"x = [{', '.join(digits(r, 3) for _ in range(8))}]",
    lambda r: f"timestamp: 16{digits(r, 8)}",
    lambda r: f"sha256:{_hex(64)(r)}",
    lambda r: f"In {r.randint(3, 9)} Easy Ways to Improve, we saw that {r.randint(10, 99)} people agreed.",
    lambda r: "def login(password: str, token=None): return check(password=password, token=token)",
    lambda r: f"password = getpass.getpass()\nsecret = request.form['secret_{r.choice(LAST)}']",
    lambda r: f"std::vector<int> v; a::{r.choice(LAST)}::b(); // {r.randint(10, 12)}:{r.randint(10, 59)}:{r.randint(10, 59)}",
    lambda r: f"tracking {digits(r, 12)}, invoice {digits(r, 8)}",
    lambda r: f"pi is 3.14159265358979{digits(r, 6)}",
    lambda r: f"<div class='sk-{r.choice(['folding', 'chasing', 'bouncing'])}-cube-container-wrapper'>",
    lambda r: "postgres://user:password@localhost:5432/db",
    lambda r: f"The passport office opens at {r.randint(7, 10)}; bring {r.randint(2, 4)} photos.",
    lambda r: f"Lottery numbers: {' '.join(str(r.randint(1, 49)) for _ in range(6))}",
    lambda r: f"y = W @ x.view(-1, {r.randint(2, 64)}) + a@b.T",
    lambda r: f"page {r.randint(100, 999)}-{r.randint(100, 999)}, vol. {r.randint(1, 99)}, 19{digits(r, 2)}-20{digits(r, 2)}",
]  # fmt: skip

"""Invented personal data by rule and seed: valid checksums, assigned ranges, nobody's data."""

# ruff: noqa: E501 - one form a line reads best
from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import random
import string

from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.fr import nir
from stdnum.in_ import aadhaar
from stdnum.iso7064 import mod_97_10
from stdnum.it import codicefiscale
from stdnum.pl import pesel

__all__ = ["VALUES", "digits", "word"]

ALNUM = string.ascii_letters + string.digits
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
FIRST = [
    "anna",
    "james",
    "priya",
    "wei",
    "fatima",
    "lukas",
    "chloe",
    "diego",
    "olga",
    "kwame",
    "yuki",
    "elena",
    "omar",
    "ingrid",
    "tomas",
]
LAST = [
    "keller",
    "murphy",
    "nair",
    "zhang",
    "haddad",
    "brandt",
    "moreau",
    "rossi",
    "petrova",
    "mensah",
    "tanaka",
    "novak",
    "silva",
    "olsen",
]
HOSTS = ["gmail.com", "yahoo.co.uk", "outlook.com", "web.de", "orange.fr", "proton.me", "mail.ru", "uni-bonn.de", "brightlake.io", "nordwind.net", "acme-tools.biz", "posteo.org"]  # fmt: skip
STREETS = [
    "Maple",
    "Oak",
    "Willow",
    "Chestnut",
    "Birchwood",
    "Harrison",
    "Jefferson",
    "Lakeview",
    "Ridgemont",
    "Kingsley",
]


def digits(rng: random.Random, n: int) -> str:
    """``n`` digits."""
    return "".join(rng.choice(string.digits) for _ in range(n))


def word(rng: random.Random, n: int, letters: str = ALNUM) -> str:
    """``n`` characters of an alphabet, with a digit and a letter among them."""
    while True:
        made = "".join(rng.choice(letters) for _ in range(n))
        if any(char.isdigit() for char in made) and any(char.isalpha() for char in made):
            return made


def email(rng: random.Random) -> str:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    joined = rng.choice(
        [
            f"{first}.{last}",
            f"{first}{digits(rng, 2)}",
            f"{first[0]}{last}",
            f"{first}_{last}",
            f"{last}+news",
        ]
    )
    return f"{joined}@{rng.choice(HOSTS)}"


def american(rng: random.Random) -> str:
    """Ten digits, of an area in use."""
    return (
        rng.choice(["212", "415", "305", "617", "312", "206"])
        + rng.choice("23456789")
        + digits(rng, 6)
    )


def card(rng: random.Random) -> str:
    prefix, n = rng.choice(
        [
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("2303", 16),
            ("37", 15),
            ("6011", 16),
            ("36", 14),
            ("3530", 16),
        ]
    )
    body = prefix + digits(rng, n - 1 - len(prefix))
    return body + luhn.calc_check_digit(body)


def iban_of(rng: random.Random) -> str:
    country, bban = rng.choice([
        ("DE", digits(rng, 18)), ("FR", digits(rng, 23)), ("NL", "ABNA" + digits(rng, 10)), ("ES", digits(rng, 20)),
        ("GB", "NWBK" + digits(rng, 14)), ("CH", digits(rng, 17)), ("PL", digits(rng, 24)), ("BE", digits(rng, 12)),
    ])  # fmt: skip
    made = country + mod_97_10.calc_check_digits(bban + country) + bban
    assert iban.is_valid(made, check_country=False)
    return made


def ssn(rng: random.Random) -> str:
    return f"{rng.randint(100, 665):03}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def nino(rng: random.Random) -> str:
    front = rng.choice(["AB", "CE", "HJ", "JG", "LM", "PW", "SR", "WK", "YZ"])
    return front + digits(rng, 6) + rng.choice("ABCD")


def german_tax(rng: random.Random) -> str:
    """One digit of the first ten stands twice."""
    while True:
        ten = rng.sample(string.digits, 9)
        ten.insert(rng.randrange(10), rng.choice(ten))
        body = "".join(ten)
        if body[0] != "0":
            made = body + idnr.calc_check_digit(body) if hasattr(idnr, "calc_check_digit") else next(
                body + last for last in string.digits if idnr.is_valid(body + last)
            )  # fmt: skip
            if idnr.is_valid(made):
                return made


def national(rng: random.Random) -> tuple[str, str]:
    """A number and the word that announces it."""
    kind = rng.randrange(7)
    if kind == 0:
        return german_tax(rng), "Steuer-ID"
    if kind == 1:
        body = (
            rng.choice("12")
            + f"{rng.randint(40, 99)}{rng.randint(1, 12):02}{rng.randint(1, 95):02}"
            + digits(rng, 6)
        )
        return body + nir.calc_check_digits(body), "numéro de sécurité sociale"
    if kind == 2:
        body = digits(rng, 8)
        return body + dni.calc_check_digit(body), "DNI"
    if kind == 3:
        body = digits(rng, 9)
        return cpf.format(body + cpf._calc_check_digits(body)), "CPF"
    if kind == 4:
        body = f"{rng.randint(50, 99)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}" + digits(
            rng, 4
        )
        return body + pesel.calc_check_digit(body), "PESEL"
    if kind == 5:
        body = rng.choice("23456789") + digits(rng, 10)
        number = next(body + last for last in string.digits if aadhaar.is_valid(body + last)) if any(
            aadhaar.is_valid(body + last) for last in string.digits
        ) else "234123412346"  # fmt: skip
        return number, "Aadhaar"
    body = (word(rng, 6, string.ascii_uppercase + "1").replace("1", "L") + f"{rng.randint(50, 99)}" + rng.choice("ABCDEHLMPRST")
            + f"{rng.randint(1, 28):02}" + rng.choice("ABCDEFGHIL") + digits(rng, 3))  # fmt: skip
    return body + codicefiscale.calc_check_digit(body), "codice fiscale"


def passport(rng: random.Random) -> str:
    return rng.choice([
        lambda: digits(rng, 9), lambda: "C" + word(rng, 8, "CFGHJKLMNPRTVWXYZ0123456789"),
        lambda: digits(rng, 2) + rng.choice(["AC", "FV", "BX"]) + digits(rng, 5), lambda: rng.choice("ABKNXZ") + digits(rng, 8),
        lambda: rng.choice("ABKN") + digits(rng, 7),
    ])()  # fmt: skip


def ipv4(rng: random.Random) -> str:
    while True:
        made = ipaddress.IPv4Address(rng.getrandbits(32))
        if made.is_global and not made.is_multicast and int(made) >> 24 > 31 and int(made) & 255:
            return str(made)


def ipv6(rng: random.Random) -> str:
    front = rng.choice([0x2A02, 0x2600, 0x2001 << 0, 0x2404]) << 112
    made = front | rng.randint(0x0B00, 0x0BFF) << 96 | rng.getrandbits(96)
    if rng.random() < 0.5:
        made &= ~(0xFFFFFFFF << 64)  # so that it can be shortened
    return str(ipaddress.IPv6Address(made))


def mac(rng: random.Random) -> str:
    return ":".join(f"{byte:02x}" for byte in [0x3C, *(rng.randrange(256) for _ in range(5))])


def aws(rng: random.Random) -> str:
    return "AKIA" + word(rng, 16, string.ascii_uppercase + "234567")


def base64_like(rng: random.Random, n: int) -> str:
    return word(rng, n, ALNUM + "+/")


def jwt(rng: random.Random) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    head = part(json.dumps({"alg": rng.choice(["HS256", "RS256"]), "typ": "JWT"}).encode())
    body = part(
        json.dumps({"sub": digits(rng, 8), "iat": 1_600_000_000 + rng.randrange(10**8)}).encode()
    )
    return f"{head}.{body}.{part(rng.randbytes(32))}"


def pem(rng: random.Random) -> str:
    name = rng.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"])
    body = base64.b64encode(rng.randbytes(rng.choice([120, 600]))).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----"


def bitcoin(rng: random.Random) -> str:
    raw = rng.choice([b"\x00", b"\x05"]) + rng.randbytes(20)
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, made = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        made = BASE58[rest] + made
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + made


def wallet(rng: random.Random) -> str:
    return rng.choice([bitcoin(rng), "0x" + rng.randbytes(20).hex(), segwit(rng)])


def segwit(rng: random.Random) -> str:
    data = [0] + [rng.randrange(32) for _ in range(32)]
    spread = [3, 3, 0, 2, 3, *data, 0, 0, 0, 0, 0, 0]
    check = 1
    for part in spread:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ part
        for bit, generator in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            check ^= generator if top >> bit & 1 else 0
    check ^= 1
    return "bc1" + "".join(
        BECH32[part] for part in data + [check >> 5 * (5 - i) & 31 for i in range(6)]
    )


VALUES = {
    "email": email, "credit_card": card, "iban": iban_of, "us_ssn": ssn, "uk_nino": nino, "passport": passport,
    "ipv4": ipv4, "ipv6": ipv6, "mac_address": mac, "aws_key": aws, "jwt": jwt, "private_key": pem,
    "crypto_wallet": wallet,
    "github_token": lambda rng: rng.choice(["ghp_", "gho_", "ghs_"]) + word(rng, 36),
    "slack_token": lambda rng: f"xoxb-{digits(rng, 12)}-{digits(rng, 12)}-{word(rng, 24)}",
    "ai_key": lambda rng: rng.choice(["sk-" + word(rng, 48), "sk-proj-" + word(rng, 64), f"sk-ant-api03-{word(rng, 86)}-{word(rng, 6)}AA"]),
    "google_key": lambda rng: "AIza" + word(rng, 35),
    "stripe_key": lambda rng: rng.choice(["sk_live_", "rk_live_", "sk_test_"]) + word(rng, 24),
}  # fmt: skip

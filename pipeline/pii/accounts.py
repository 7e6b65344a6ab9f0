"""Numbers of accounts: payment cards, IBAN, crypto wallets. Each has a checksum, or a form of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from stdnum import iban as iban_number
from stdnum import luhn

from pipeline.pii.context import around_numbers, last_word, words
from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy

__all__ = ["cards", "ibans", "wallets"]

_BREAK = r"(?:[ \t]{0,2}[\-.\u2014/]?[ \t]{0,2}(?:\r?\n[ \t>]{0,8})?)"
# 13 to 19 digits (ISO/IEC 7812-1), at most one break between two.
_CARD = re.compile(rf"(?<![0-9A-Za-z_])[2-6](?:{_BREAK}[0-9]){{12,18}}(?![0-9])")
# Behind a comma it is the next cell of a row as often as a decimal, and Luhn's sum decides.
_DECIMAL = re.compile(r"(?:[0-9]\.|[$€£#])\Z")
_GROUPS = {
    (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 5), (4, 4, 4, 1),
    (6, 4, 4, 4), (8, 8), (6, 13), (4, 4, 4, 3), (4, 12), (12, 4), (6, 10), (4, 3, 3, 3), (8, 4, 4),
    (4, 4, 8), (6, 6, 4),
}  # fmt: skip
_ABOUT_CARDS = words(
    r"cards?", r"visa", r"master ?card", r"mc", r"amex", r"american express", r"discover",
    r"diners?",
    r"jcb", r"cc", r"pan", r"maestro", r"credit", r"debit", r"kreditkarte\w*", r"carte", r"tarjeta",
    r"cart[aã]o", r"carta", r"kaart", r"unionpay", r"charge\w*", r"pay\w*", r"billing", r"cvv",
    r"exp\w*",
    r"karte\w*", r"creditcard\w*", r"card_?n\w+", r"cardnumber",
)  # fmt: skip
_ABOUT_OTHERS = words(
    r"orders?", r"tracking", r"invoice", r"isbn", r"ean", r"upc", r"imei", r"serial", r"ticket",
    r"timestamp", r"shipment", r"parcel", r"sku", r"hash", r"uuid", r"transaction", r"txn", r"txid",
    r"reference", r"ref", r"barcode", r"gtin", r"iccid", r"seed", r"snowflake", r"tweet",
    r"message_?id",
    r"user_?id", r"channel", r"guild", r"product", r"part", r"bestell\w*", r"rechnung\w*",
    r"_?id", r"nonce", r"epoch", r"ns", r"pi", r"sqrt",
)  # fmt: skip

_IBAN = re.compile(
    r"(?<![0-9A-Za-z])[A-Z]{2}[ \-.]?[0-9]{2}(?:[ \-.\u2014]{0,2}"
    r"(?:\r?\n[ \t]{0,4})?[0-9A-Z]){11,30}",
    re.I,
)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
SHORTEST_WALLET = 25
_LEGACY = re.compile(r"[13][1-9A-HJ-NP-Za-km-z]{25,34}")
_SEGWIT = re.compile(
    r"(?:(?:bc|tb|ltc)1[02-9ac-hj-np-z]{11,87}|(?:addr|stake)1[02-9ac-hj-np-z]{50,110}"
    r"|cosmos1[02-9ac-hj-np-z]{38})",
    re.I,
)
_ETHEREUM = re.compile(r"0x[0-9a-fA-F]{40}")
_OTHER = re.compile(
    r"[LM3DATX7][1-9A-HJ-NP-Za-km-z]{32,34}|r[1-9A-HJ-NP-Za-km-z]{24,34}"
    r"|[48][1-9A-HJ-NP-Za-km-z]{94}"
)
_SOLANA = re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,44}")
_ABOUT_WALLETS = words(
    r"wallets?", r"ltc", r"litecoin", r"doge\w*", r"tron", r"trx", r"usdt", r"xrp", r"ripple",
    r"xmr", r"sol", r"solana",
    r"phantom", r"monero", r"crypto\w*", r"dash", r"donat\w*", r"trc-?20", r"coins?", r"address",
    r"send",
)  # fmt: skip
# First byte of the decoded address: Bitcoin, Litecoin, Dogecoin, Tron, Dash, Zcash is longer.
_VERSIONS = frozenset({0x00, 0x05, 0x30, 0x32, 0x1E, 0x16, 0x41, 0x4C, 0x10})


def cards(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Payment card numbers: an issuer's range and length, Luhn's checksum and a usual grouping."""
    text, lower = folded.text, folded.lower
    for match in around_numbers(_CARD, text, folded.numbers):
        start, end = match.span()
        if _DECIMAL.search(text[max(0, start - 2) : start]) or re.match(
            r"\.[0-9]|[A-Za-z_]", text[end : end + 2]
        ):
            continue
        about = last_word(_ABOUT_CARDS, lower, start, 60)
        other = last_word(_ABOUT_OTHERS, lower, start, 40)
        digits = re.sub("[^0-9]", "", match[0])
        if not _issued(digits) or not luhn.is_valid(digits) or len(set(digits)) < 2:
            continue
        groups = tuple(map(len, re.findall("[0-9]+", match[0])))
        if len(groups) > 1 and groups not in _GROUPS and about < 0:
            continue
        if other > about or (about < 0 and len(digits) in {13, 18, 19} and len(groups) == 1):
            continue
        yield Kind.CARD, start, end


def _issued(digits: str) -> bool:
    """Whether the first digits are of an issuer whose cards have this length."""
    n, two, three, four, six = (
        len(digits),
        int(digits[:2]),
        int(digits[:3]),
        int(digits[:4]),
        int(digits[:6]),
    )
    if digits[0] == "4":  # Visa
        return n in {13, 16, 19}
    if 51 <= two <= 55 or 2221 <= four <= 2720:  # Mastercard
        return n == 16
    if two in {34, 37}:  # American Express
        return n == 15
    if four == 6011 or two == 65 or 644 <= three <= 649 or 622126 <= six <= 622925:  # Discover
        return 16 <= n <= 19
    if two == 36 or 300 <= three <= 305 or two in {38, 39} or three == 309:  # Diners Club
        return 14 <= n <= 19
    if 3528 <= four <= 3589 or two in {62, 81}:  # JCB, UnionPay
        return 16 <= n <= 19
    return (two in {50, 60, 67, 63} or 56 <= two <= 58) and n in {16, 18, 19}  # Maestro, RuPay


def ibans(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """International bank account numbers (ISO 13616): the country's length, then mod 97."""
    text = folded.text
    for match in around_numbers(_IBAN, text, folded.numbers, before=24, after=24):
        end = _iban_end(match)
        if end > 0:
            yield Kind.IBAN, match.start(), end


def _iban_end(match: re.Match[str]) -> int:
    """Where the number ends: its country says how many characters it has; -1 if it is none."""
    country = match[0][:2].upper()
    length = _IBAN_LENGTHS.get(country)
    if length is None:
        return -1
    count = 0
    for at, char in enumerate(match[0]):
        count += char.isalnum()
        if count == length:
            end = match.start() + at + 1
            if match.string[end : end + 1].isalnum():
                return -1
            compact = "".join(char for char in match[0][: at + 1] if char.isalnum()).upper()
            return end if iban_number.is_valid(compact, check_country=False) else -1
    return -1


# Registry of ISO 13616, release 99.
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18,
    "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
    "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23,
    "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21,
    "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30,
    "NI": 28,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24,
    "RS": 22,
    "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23,
    "ST": 25,
    "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip


def wallets(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Addresses of crypto wallets: Bitcoin and its kin by checksum, Ethereum by form."""
    text, lower = folded.text, folded.lower
    for start, end in folded.mixed:
        if end - start < SHORTEST_WALLET:
            continue
        word = text[start:end]
        if _ETHEREUM.fullmatch(word):
            found = len(set(lower[start + 2 : end])) > 5
        elif _SEGWIT.fullmatch(word):
            found = _bech32(word)
        elif _LEGACY.fullmatch(word):
            found = _base58check(word)
        else:
            found = _is_other_coin(word) and last_word(_ABOUT_WALLETS, lower, start, 120) >= 0
        if found:
            yield Kind.WALLET, start, end


def _is_other_coin(word: str) -> bool:
    if _OTHER.fullmatch(word):
        # Monero's checksum is Keccak's, which the standard library lacks; its length says enough.
        return (
            len(word) == 95
            or _base58check(word)
            or (word[0] == "r" and _base58check(word, _RIPPLE))
        )
    return bool(_SOLANA.fullmatch(word)) and _is_key(word)


def _is_key(value: str) -> bool:
    number = 0
    for char in value:
        number = number * 58 + _BASE58.index(char)
    mixed = re.search("[0-9]", value) and re.search("[a-z]", value) and re.search("[A-Z]", value)
    return bool(mixed) and 2**240 < number < 2**256


def _base58check(value: str, alphabet: str = _BASE58) -> bool:
    number = 0
    for char in value:
        place = alphabet.find(char)
        if place < 0:
            return False
        number = number * 58 + place
    if number >= 2**200:
        return False
    raw = number.to_bytes(25, "big")
    digest = hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()
    return raw[0] in _VERSIONS and digest[:4] == raw[21:]


def _bech32(value: str) -> bool:
    """The checksum of BIP 173 or BIP 350."""
    value = value.lower()
    human, _, data = value.rpartition("1")
    check = 1
    spread = [ord(char) >> 5 for char in human] + [0] + [ord(char) & 31 for char in human]
    for part in spread + [_BECH32.find(char) for char in data]:
        if part < 0:
            return False
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ part
        for bit, generator in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            check ^= generator if top >> bit & 1 else 0
    return check in {1, 0x2BC830A3}

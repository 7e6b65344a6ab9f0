"""Telephone numbers: with a country's code, in a country's usual form, or where words say so.

The rules of numbering are those of ``phonenumbers``, the port of Google's library. Its own search
(`PhoneNumberMatcher`) is not used: it needs one country, and knows no words around a number.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import phonenumbers

from pipeline.pii.context import around_numbers, last_word, words
from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy

__all__ = ["phones"]

# Countries whose national form is tried where words say that a number is a telephone's.
REGIONS = ("GB", "DE", "FR", "ES", "IT", "IN", "AU", "BR", "CN", "JP", "PL", "CH", "SE", "BE",
    "PT", "MX",
           "ZA", "SG", "DK", "NO")  # fmt: skip

_BREAK = r"[ \t.\-/()\u2014_]{0,4}(?:\r?\n[ \t>]{0,6})?"
_ABROAD = re.compile(
    rf"(?:\+[ ]?|(?<![0-9A-Za-z.,\-])00[ \-.]?)\(?[1-9](?:{_BREAK}[0-9]){{6,16}}(?![0-9])"
)
_AMERICAN = re.compile(
    r"(?<![0-9A-Za-z$.\-+/=])(?:1[ .\-]{1,3})?(?P<area>\([2-9][0-9]{2}\)[ .\-]{0,2}"
    r"|[2-9][0-9]{2}(?P<sign>[ .\-/]{1,3}))"
    r"(?:\r?\n[ ]{0,4})?[2-9][0-9]{2}[ ]?(?P<last>[ .\-\n]{1,3})[0-9]{4}(?![0-9]|[.\-/][0-9])"
)
_NATIONAL = re.compile(
    rf"(?<![0-9A-Za-z$.,\-+/=_:])\(?0[1-9](?:{_BREAK}[0-9]){{6,10}}(?![0-9]|[.\-/,:][0-9])"
)
_TOLD = re.compile(
    rf"(?<![0-9A-Za-z$_])\(?[0-9](?:{_BREAK}[0-9]){{6,14}}(?![0-9]|[.,:/][0-9]|[A-Za-z_])"
)
_FRENCH = re.compile(r"0[1-9](?:([ .\-])[0-9]{2}(?:\1[0-9]{2}){3}|[0-9]{8})\Z")

_ABOUT = words(
    r"tels?", r"t[eé]l[eé]?(?:ph|f)\w*", r"(?:tele)?phones?\w*", r"mobiles?", r"mobiln\w*", r"mobil",
    r"cell(?:s|ular\w*|phone)?",
    r"call\w*", r"fax", r"whats ?app", r"signal", r"telegram", r"sms",
    # Alone it is a word of its own, and the name of a field: "text": "91480041".
    r"text(?:ed|ing|s)?(?: me| him| her| us| them|(?: to| at| on)?[: ]{1,2}\Z)",
    r"dial\w*", r"ring(?:s|ing)?", r"hotlines?", r"helplines?", r"contacts?(?: number| no)?", r"handy\w*",
    r"rufnummer",
    r"anrufen", r"ruf\w*", r"portable", r"appel\w*", r"m[oó]vil", r"ll[aá]m\w*", r"celular",
    r"ligue",
    r"chiama\w*", r"cellulare", r"whatsapp", r"reach \w+", r"voicemail", r"extension", r"landline",
    r"joignable", r"numéro", r"msisdn", r"tlf", r"phonenumber", r"gsm", r"viber", r"imessage",
    r"pager",
    r"phone_?n\w+", r"wa\.me", r"toll[ \-]free", r"desk", r"tfn?o?", r"ph", r"bel", r"номер", r"тел\w*",
    r"звон\w*",
    r"電話", r"电话", r"手机", r"전화", r"هاتف", r"فون", r"फ़ोन", r"फोन", whole=True,
)  # fmt: skip
_ABOUT_CJK = words(
    "电话",
    "手机",
    "電話",
    "携帯",
    "联系",
    "微信",
    "전화",
    "연락처",
    "हेल्प",
    "هاتف",
    "رقم",
    "जवال",
    whole=False,
)
_AFTER = re.compile(
    r"[\s,.\"')(\]]{0,4}(?:\(?(?:cell|mobile|mob|home|work|office|phone|tel|fax|whats ?app|text"
    r"|voice)\b"
    r"|(?:is|was)(?: still)? (?:my|his|her|our|their|the) (?:\w+ )?(?:phone|cell|mobile|number"
    r"|line)"
    r"|(?:ext|x|extension)\.? ?[0-9]{1,5}\b|to (?:reach|call|text))"
)
_OTHER = words(
    r"orders?", r"invoices?", r"isbn\w*", r"issn", r"doi", r"track\w*", r"tickets?",
    r"ref(?:erence)?", r"sku",
    r"part", r"serial", r"model", r"items?", r"case", r"accounts?", r"acct", r"version", r"build",
    r"pid", r"ids?",
    r"uid", r"zip", r"ean", r"upc", r"imei", r"timestamp", r"unix", r"epoch", r"confirmation",
    r"product",
    r"customer", r"patent", r"population", r"total", r"price", r"cost", r"amount", r"revenue",
    r"bytes?",
    r"size", r"seed", r"port", r"error", r"code", r"bug", r"issue", r"commit", r"hash", r"score",
    r"lot",
    r"coordinates?", r"lat(?:itude)?s?", r"lon(?:g|gitude)?s?", r"lng", r"pi",
    r"array", r"list", r"sequence", r"matrix",
    r"digits?",
    r"bestell\w*", r"rechnung\w*", r"artikel\w*", r"kunden\w*", r"commande", r"facture", r"pedido",
    r"factura",
    r"booking", r"claim", r"policy", r"batch", r"barcode", r"gtin", r"flight", r"date", r"dated",
    r"siret", r"siren",
    r"ssn", r"nhs", r"passport", r"iban", r"routing", r"sort code", r"tax", r"vat", r"ein",
    r"license", r"cve",
    r"txn?", r"transaction", r"record", r"file", r"chapter", r"rfc", r"equals?", r"sum",
    r"divided", r"times",
    r"multipl\w*", r"cusip", r"isin", r"meter", r"member(?:ship)?", r"loyalty", r"job",
    r"requisition", r"po",
    r"quote", r"shipment", r"parcel", r"receipt", r"sample", r"specimen", r"catalog\w*", r"asset",
    r"vin", r"arxiv",
    r"pmid", r"oclc", r"lccn", r"steuer\w*", r"aadhaar", r"pesel", r"bsn", r"cpf", r"sin",
    r"national",
)  # fmt: skip
_MATHS = re.compile(r"(?:[*/^=<>]|[0-9a-z)] ?\+|[$€£¥]|\b0x)[ ]?\Z", re.I)
# The same signs as markup: a tag's end, an arrow, bold letters, a bullet, a quoted line, a link.
_MARKUP = re.compile(
    r"<[^<>\n]{1,60}>[ ]?\Z|[\-=]>[ ]?\Z|(?:^|[\s(:|>])\*{1,3}\Z|\n[ \t]{0,8}\*[ ]\Z|\n[> ]{0,8}>[ ]?\Z"
    r"|\bwa\.me/\Z|\b(?:tel|phone|mobile|cell|fax|whatsapp|handy|msisdn)\w{0,12}[\"'\]]{0,2}[ ]?=[ ]?\Z",
    re.I,
)
# An argument: "f(86158384)", but not "Tel(030 1234567)".
_CALL = re.compile(r"[\w\])]\(\Z")
_CALLED_PHONE = re.compile(r"(?:tel|phone|mobil|handy|fax|whats|sms)\w{0,12}\(\Z", re.I)
_DECIMAL = re.compile(r"\+[0-9]{5,}\.[0-9]{1,2}")
_UNIT = re.compile(
    r" ?(?:%|\$|€|£|km|kg|mb|gb|ms|px|bytes?|people|dollars?|euros?|usd|eur|million|years?)\b", re.I
)
_DATE = re.compile(r"(?:0?[1-9]|[12][0-9]|3[01])[./\- ](?:0?[1-9]|1[0-2])[./\- ](?:19"
    r"|20)[0-9]{2}|(?:19|20)[0-9]{2}[./\- ]?(?:0[1-9]|1[0-2])[./\- ]?(?:0[1-9]|[12][0-9]|3[01])"
    r"(?![0-9])")  # fmt: skip


def phones(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Telephone numbers of a text."""
    text, lower = folded.text, folded.lower
    if "+" in text or "00" in text:
        for match in around_numbers(_ABROAD, text, folded.numbers):
            end = _abroad_end(match, lower)
            if end > 0:
                yield Kind.PHONE, match.start(), end
    for match in around_numbers(_AMERICAN, text, folded.numbers):
        if _is_american(match, text, lower):
            yield Kind.PHONE, *match.span()
    for match in around_numbers(_NATIONAL, text, folded.numbers):
        if _is_national(match, text, lower):
            yield Kind.PHONE, *match.span()
    for match in around_numbers(_TOLD, text, folded.numbers):
        end = _told_end(match, text, lower)
        if end > 0:
            yield Kind.PHONE, match.start(), end


_CLOSE = re.compile(
    r"(?:tel|phone|mobile|cell|fax|whats ?app|handy|电话|手机|電話)\w*\.?(?: ?(?:no|number|nr|#)\.?)?"
    r"[\"'*`]{0,3}[ ]?(?:[:=#]|is)?[ ]?[\"'(*`]{0,3}\Z"
)


def _is_calculated(text: str, start: int, end: int) -> bool:
    """Whether a number is part of a calculation or handed to a function."""
    front = text[max(0, start - 64) : start]
    if _CALL.search(front) and text[end : end + 1] in {")", ","} and text[start:end].isdigit():
        return not _CALLED_PHONE.search(front)
    if _MATHS.search(front[-3:]) is None:
        return False
    return not (
        _MARKUP.search("\n" + front if start <= 64 else front)
        or (front[-1:] == "<" and text[end : end + 1] == ">")
    )


@functools.lru_cache(4096)
def _valid(digits: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False


@functools.lru_cache(4096)
def _possible(digits: str, region: str | None = None) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False


def _about(lower: str, start: int, end: int, width: int = 40) -> int:
    """1 if the words say telephone, -1 if they say another number, 0 if they say nothing."""
    about = max(last_word(_ABOUT, lower, start, width), last_word(_ABOUT_CJK, lower, start, 12))
    other = last_word(_OTHER, lower, start, 28)
    if about < 0 and other < 0:
        return 1 if _AFTER.match(lower, end) else 0
    return 1 if about >= other else -1


def _ends(match: re.Match[str]) -> list[int]:
    """Where the number may end, the longest first: at its last group or earlier, down to seven digits."""
    value, start = match[0], match.start()
    ends = [match.end()]
    for group in reversed(list(re.finditer("[0-9]+", value))[1:]):
        before = value[: group.start()]
        if sum(map(str.isdigit, before)) < 7:
            break
        ends.append(start + len(before.rstrip(" \t\r\n.-/()_>\u2014")))
    return ends[:6]


def _digits(value: str) -> str:
    digits = re.sub(r"\(\s*0\s*\)", "", value)  # +44 (0)20: the zero is for calls at home
    return re.sub("[^0-9]", "", digits)


def _abroad_end(match: re.Match[str], lower: str) -> int:
    text, start = match.string, match.start()
    if start and (text[start - 1].isalnum() or _is_calculated(text, start, match.end())):
        return -1
    about = _about(lower, start, match.end())
    if (about < 0 and match[0][0] != "+") or _DECIMAL.fullmatch(match[0]):
        return -1
    for end in _ends(match):
        value = text[start:end]
        digits = _digits(value)
        number = "+" + (digits[2:] if value[0] == "0" else digits)
        if _valid(number, None):
            return end
    value = match[0].partition("\n")[0]
    digits = _digits(value)
    number = "+" + (digits[2:] if value[0] == "0" else digits)
    spaced = len(re.findall("[0-9]+", value)) > 1 or value[0] == "+"
    # Invented numbers are not assigned, yet they were written as telephones'.
    if (
        9 <= len(number) - 1 <= 15
        and spaced
        and _possible(number)
        and (about > 0 or value[0] == "+")
    ):
        return start + len(value.rstrip())
    return -1


def _is_american(match: re.Match[str], text: str, lower: str) -> bool:
    start, end = match.span()
    about = _about(lower, start, end)
    if about < 0 or _is_calculated(text, start, end) or text[end : end + 1] in {"_", "%"}:
        return False
    if text[end : end + 1].isalpha() and text[end : end + 1] not in {"x", "e"}:
        return False
    if about > 0:
        return True
    bracketed = match["area"].startswith("(")
    sign = (match["sign"] or "").strip()
    same = bracketed or sign == match["last"].strip()
    return same and (bracketed or sign in {"-", "."}) and "\n" not in match[0]


def _is_national(match: re.Match[str], text: str, lower: str) -> bool:
    start, end = match.span()
    value = match[0]
    digits = re.sub("[^0-9]", "", value)
    about = _about(lower, start, end)
    if about < 0 or _is_calculated(text, start, end) or text[end : end + 1].isalpha():
        return False
    if _DATE.match(value) or ("\n" in value and about <= 0):
        return False
    if about > 0:
        return len(digits) >= 8
    groups = re.findall("[0-9]+", value)
    if len(groups) < 2 or (re.search(r"\.[0-9]{1,3}\.|--|//", value) and not _FRENCH.match(value)):
        return False
    if _FRENCH.match(value):
        return _valid(digits, "FR")
    even = len({len(group) for group in groups}) == 1
    return not even and ("/" not in value or value.count("/") == 1) and any(
        _valid(digits, region) for region in ("GB", "DE", "AU", "FR")
    )  # fmt: skip


def _told_end(match: re.Match[str], text: str, lower: str) -> int:
    start, value = match.start(), match[0]
    if _is_calculated(text, start, match.end()) or _UNIT.match(lower, match.end()):
        return -1
    if _about(lower, start, match.end(), 32) <= 0 or _DATE.match(value.strip("(")):
        return -1
    if re.search(r"[0-9][.,]\Z", text[max(0, start - 2) : start]) or re.match(
        r"\(?(?:19|20)[0-9]{2}[ \-\u2014]{1,3}(?:19|20)[0-9]{2}\b", value
    ):
        return -1
    first = value.partition("\n")[0]
    if _CLOSE.search(lower, max(0, start - 24), start) and 8 <= len(_digits(first)) <= 13:
        return start + len(first.rstrip())
    for end in _ends(match):
        digits = _digits(text[start:end])
        if len(digits) == 7 and re.search(r"[0-9]{3}[ .\-][0-9]{4}\Z", text[start:end]):
            return end
        if 10 <= len(digits) <= 11 and "\n" not in text[start:end]:
            return end
        if 8 <= len(digits) <= 9 and any(_valid(digits, region) for region in REGIONS):
            return end
        if 10 <= len(digits) <= 15 and _valid("+" + digits, None):
            return end
    return -1

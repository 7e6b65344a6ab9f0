"""Numbers that a state gave a person: SSN, NINO, tax and identity numbers, passports."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable, Iterator

from stdnum.us import ssn as us_ssn

from pipeline.pii.context import after_words, around_numbers, last_word, words
from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy

__all__ = ["national_ids", "ninos", "passports", "ssns"]

_SSN = re.compile(
    r"(?<![0-9A-Za-z.\-/])[0-8][0-9]{2}(?:(?P<sign>[ ]?[\-. \u2014/][ ]?)"
    r"(?:\n[ ]{0,4})?[0-9]{2}(?P=sign)[0-9]{4}"
    r"|\n?[0-9]{2}\n?[0-9]{4})(?![0-9A-Za-z]|[\-./][0-9])"
)
_LOOSE_SSN = re.compile(
    r"(?<![0-9A-Za-z.\-/])[0-8](?:[ \-.\n]{0,3}[0-9]){8}(?![0-9A-Za-z]|[\-./][0-9])"
)
_ABOUT_SSN = words(
    r"ssns?", r"social[ \-]?sec\w*(?: number| no)?", r"soc\.?[ ]?sec\w*", r"s\.s\.n\.?", r"ss ?#",
    r"ss no",
    r"social(?: is|:| number|#)", r"socials?", r"_ssn", r"tax ?id", r"taxpayer", r"itin",
)  # fmt: skip
_OTHER = words(
    r"orders?", r"part", r"sku", r"serial", r"invoice", r"model", r"item", r"ticket", r"tracking",
    r"ref\w*",
    r"product", r"batch", r"lot", r"phone", r"isbn", r"catalog\w*", r"version", r"case", r"account",
    r"licen[cs]e plate", r"registration", r"flight", r"booking", r"confirmation", r"coupon",
    r"voucher",
    r"room", r"error", r"code", r"asset", r"transaction",
)  # fmt: skip

_NINO = re.compile(
    r"(?<![0-9A-Z])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ \-.]?"
    r"[0-9]{2}[ \-.]?(?:\n[ ]{0,4})?[0-9]{2}[ \-.]?[0-9]{2}[ \-.]?[A-D](?![0-9A-Z])",
    re.I,
)
_ABOUT_NINO = words(
    r"ni(?:no)?", r"national insurance", r"nat ins", r"n\.i\.", r"ni (?:no|number)", r"_nino"
)
_PAIRS = re.compile(
    r"[0-9]{2}[ \-.]?\n? {0,4}[0-9]{2}[ \-.]?[0-9]{2}[ \-.]?[A-Da-d](?![0-9A-Za-z])"
)

_PASSPORT = re.compile(
    r"(?<![0-9A-Za-z\-])(?=[A-Z0-9]{0,5}[ ]?[0-9])(?:[A-Z]{1,3}[ ]?[0-9]{6,8}"
    r"|[0-9]{2}[ ]?[A-Z]{2}[ ]?[0-9]{5}"
    r"|[0-9]{8,9}|[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{3}"
    r"|[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}[0-9]?"
    r"|[0-9]{2}[ ][0-9]{2}[ ][0-9]{6}|[A-Z][0-9]{2}[ ]?[0-9]{6}"
    r"|[A-Z]{2}[0-9]{3}[A-Z]{2}[0-9]{2}|[0-9]{4}[ ]?[0-9]{6})(?![0-9A-Za-z])",
    re.I,
)
_ABOUT_PASSPORT = words(r"pass ?ports?\w*", r"reisepass\w*", r"passnummer", r"passeports?",
    r"pasaportes?",
                        r"passaport[eo]s?", r"paspoort\w*", r"paszport\w*", r"travel document",
                        r"паспорт\w*",
                        r"pass(?:port)?[ _\-]?(?:no|nr|num\w*)\b", r"护照\w*", r"passport_?\w*",
                        whole=False)  # fmt: skip
_PASSPORT_STEMS = ("pass", "pasa", "pasp", "pasz", "travel doc")
_FOREIGN_STEMS = ("паспорт", "护照")
_ZONE = re.compile(r"P[A-Z<][A-Z<]{3}[A-Z<]{20,39}(?:\r?\n[A-Z0-9<]{44})?"
    r"|[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{14}[0-9<][0-9]")  # fmt: skip


def ssns(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """US social security numbers; without signs between their parts only where words say so."""
    text, lower = folded.text, folded.lower
    for match in around_numbers(_SSN, text, folded.numbers):
        start, end = match.span()
        sign = (match["sign"] or "").strip()
        about = last_word(_ABOUT_SSN, lower, start, 60)
        if last_word(_OTHER, lower, start, 30) > about:
            continue
        if about < 0 and (sign != "-" or "\n" in match[0]):
            continue
        if _is_ssn(match[0], about >= 0):
            yield Kind.SSN, start, end
    for match in around_numbers(_LOOSE_SSN, text, folded.numbers):
        if last_word(_ABOUT_SSN, lower, match.start(), 30) >= 0 and _is_ssn(match[0], True):
            yield Kind.SSN, *match.span()


def _is_ssn(value: str, about: bool) -> bool:
    digits = re.sub("[^0-9]", "", value)
    if digits in {"123456789", "078051120", "987654321", "111111111", "123121234"}:
        return False
    return us_ssn.is_valid(digits) and (about or digits[:3] != "000")


def ninos(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """UK national insurance numbers, by the prefixes that HMRC gives out (NIM39110)."""
    text, lower = folded.text, folded.lower
    for pairs in around_numbers(_PAIRS, text, folded.numbers):
        for back in (2, 3):
            match = _NINO.match(text, pairs.start() - back) if pairs.start() >= back else None
            if match is None or match.end() != pairs.end():
                continue
            about = last_word(_ABOUT_NINO, lower, match.start(), 60)
            other = max(
                last_word(_OTHER, lower, match.start(), 30),
                last_word(_ABOUT_PASSPORT, lower, match.start(), 30),
            )
            compact = re.sub("[^0-9A-Za-z]", "", match[0])
            if (
                other > about
                or (about < 0 and not compact.isupper())
                or compact.upper() == "QQ123456C"
            ):
                continue
            yield Kind.NINO, *match.span()
            break


def passports(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Passport numbers after a word that says so, and the zone that machines read (ICAO 9303)."""
    text, lower = folded.text, folded.lower
    if "<<" in text:
        for zone in _ZONE.finditer(text):
            if "<" in zone[0]:
                yield Kind.PASSPORT, *zone.span()
    for about in _said(lower):
        limit = about.end() + 64
        match = _PASSPORT.search(text, about.end(), min(len(text), limit))
        if match is None:
            continue
        digits = sum(map(str.isdigit, match[0]))
        if digits < 2 and not (digits and match[0].isupper() and len(match[0]) == 9):
            continue
        between = lower[about.end() : match.start()]
        if re.search(
            r"\n\n|\b(?:expir|date|born|dob|issued on|valid|phone|call|order|fee|cost)", between
        ):
            continue
        if re.fullmatch(r"(?:19|20)[0-9]{6}", match[0]):
            continue  # a date
        yield Kind.PASSPORT, *match.span()


def _said(lower: str) -> Iterator[re.Match[str]]:
    """Words for a passport, in order."""
    stems = _PASSPORT_STEMS if lower.isascii() else _PASSPORT_STEMS + _FOREIGN_STEMS
    if "pas" not in lower and "travel doc" not in lower and stems is _PASSPORT_STEMS:
        return
    for start, end in after_words(lower, stems, 24):
        yield from _ABOUT_PASSPORT.finditer(lower, start, end)


@dataclasses.dataclass(frozen=True, slots=True)
class _Number:
    """One country's number.

    Args:
        pattern: its written forms.
        module: the module of ``python-stdnum`` that knows its checksum.
        about: words that announce it; they are needed unless `strong`.
        strong: the form with its checksum is so rare that no word is needed.
        short: it may have fewer than nine digits.
    """

    pattern: re.Pattern[str]
    module: str
    about: re.Pattern[str]
    strong: bool = False
    short: bool = False

    def check(self) -> Callable[[str], bool]:
        valid: Callable[[str], bool] = importlib.import_module(f"stdnum.{self.module}").is_valid
        return valid


_ANY = (
    r"(?:national|personal|citizen)?[ _\-]?(?:id|identity|identification)(?:[ _\-]?(?:card"
        r"|number|no|nr|code|#)\b)",
    r"national[ _]?id\w*", r"tax[ _\-]?(?:id\w*|no|number|file|payer\w*)", r"tin", r"taxpayer",
    r"govt?\.? id", r"government id",
    r"insurance n\w+", r"social insurance", r"personal (?:number|code)", r"id is",
)  # fmt: skip


def _number(pattern: str, module: str, *about: str, strong: bool = False) -> _Number:
    return _Number(
        re.compile(rf"(?<![0-9A-Za-z_.\-/+]){pattern}(?![0-9A-Za-z_]|[.\-/][0-9])", re.I),
        module,
        words(*about, *_ANY),
        strong,
        module in _SHORT,
    )


_SHORT = frozenset(
    {"es.dni", "es.nie", "it.codicefiscale", "in_.pan", "mx.curp", "ie.pps", "cl.rut"}
)
_NUMBERS = (
    _number(r"[1-9][0-9](?:[ ]?[0-9]{3}){3}|[1-9](?:[ \-]?[0-9]){10}", "de.idnr", r"steuer\w*",
            r"idnr\.?", r"identifikationsn\w*",
            r"tin", r"german tax", r"id-nr", r"st\.?-?id", r"finanzamt"),
    _number(r"[12][ .\-]?[0-9]{2}[ .\-]?(?:[0-9]{2})[ .\-]?(?:[0-9]{2}"
        r"|2[AB])[ .\-]?[0-9]{3}[ .\-]?[0-9]{3}[ .\-/]{0,3}[0-9]{2}", "fr.nir",
            r"nir", r"s[ée]curit[ée] sociale", r"s[ée]cu", r"insee", r"num[ée]ro", strong=True),
    _number(r"[0-9]{2}[ .]?[0-9]{3}[ .]?[0-9]{3}[ \-]?[TRWAGMYFPDXBNJZSQVHLCKE]", "es.dni", r"dni",
            r"nif", strong=True),
    _number(r"[XYZ][ \-]?[0-9]{7}[ \-]?[TRWAGMYFPDXBNJZSQVHLCKE]", "es.nie", r"nie", strong=True),
    _number(r"[A-Z]{3}[ ]?[A-Z]{3}[ ]?[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[ ]?[A-Z]"
            r"[0-9LMNPQRSTUV]{3}[ ]?[A-Z]",
            "it.codicefiscale", r"codice", r"cf", strong=True),
    _number(r"[0-9]{4}[ .]?[0-9]{2}[ .]?[0-9]{3}|[0-9]{9}", "nl.bsn", r"bsn\w*", r"burgerservice\w*",
            r"sofi\w*"),
    _number(r"[0-9]{11}", "pl.pesel", r"pesel\w*"),
    _number(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}[\-.][0-9]{2}", "br.cpf", r"cpf", strong=True),
    _number(r"[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{3}[ \-]?[0-9]{2}", "br.cpf", r"cpf"),
    _number(r"[2-9][0-9]{3}([ \-]?)[0-9]{4}\1[0-9]{4}", "in_.aadhaar", r"aa?dha+r", r"uid(?:ai)?",
            r"आधार"),
    _number(r"[A-Z]{3}[PCFHATBLJG][A-Z][0-9]{4}[A-Z]", "in_.pan", r"pan", r"permanent account"),
    _number(r"(?:19|20)?[0-9]{6}[\-+ ]?[0-9]{4}", "se.personnummer", r"person\w*", r"swedish",
            r"samordning\w*"),
    _number(r"[0-9]{6}[\-+ABCDEFYXWVU][0-9]{3}[0-9A-Y]", "fi.hetu", r"hetu", r"henkil\w*",
            r"finnish", strong=True),
    _number(r"[0-9]{6}[ ]?[0-9]{5}", "no.fodselsnummer", r"f[øo]dsels\w*", r"person\w*",
            r"norwegian"),
    _number(r"[0-9]{6}[\- ]?[0-9]{4}", "dk.cpr", r"cpr\w*", r"danish", r"person\w*"),
    _number(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", "be.nn", r"rijks\w*", strong=True),
    _number(r"[0-9]{11}", "be.nn", r"rijks\w*", r"registre national", r"belgian", r"nrn"),
    _number(r"756([. ]?)[0-9]{4}\1[0-9]{4}\1[0-9]{2}", "ch.ssn", r"ahv\w*", r"avs", strong=True),
    _number(r"[1-79][0-9]{2}([ \-]?)[0-9]{3}\1[0-9]{3}", "ca.sin", r"sin", r"social insurance",
            r"canadian"),
    _number(r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{3}", "au.tfn", r"tfn", r"tax file"),
    _number(r"[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]", "mx.curp", r"curp",
            strong=True),
    _number(r"[1-9][0-9]{5}(?:[ ]?)(?:19|20)[0-9]{6}(?:[ ]?)[0-9]{3}[0-9X]", "cn.ric", r"身份证\w*",
            r"resident", strong=True),
    _number(r"[0-9]{6}-[1-8][0-9]{6}", "kr.rrn", r"rrn", r"주민\w*", strong=True),
    _number(r"[0-9]{6}[ ]?[0-9]{4}[ ]?[0-9]{3}", "za.idnr", r"south african", r"sa id", r"rsa id",
            r"id"),
    _number(r"[1-9][0-9]{10}", "tr.tckimlik", r"t\.?c\.?", r"kimlik\w*", r"turkish", r"tckn"),
    _number(r"[1-9][0-9]{12}", "ro.cnp", r"cnp", r"romanian"),
    _number(r"[0-9]{6}/[0-9]{3,4}", "cz.rc", r"rodn[ée]\w*", r"birth number", r"rč"),
    _number(r"[0-9]{10}", "bg.egn", r"egn", r"егн", r"bulgarian"),
    _number(r"[1-6][0-9]{10}", "ee.ik", r"isikukood", r"estonian", r"asmens"),
    _number(r"[0-9]{11}", "hr.oib", r"oib\w*", r"croatian"),
    _number(r"[0-9]{9}", "il.idnr", r"teudat", r"israeli", r"zehut"),
    _number(r"[0-9]{7}[A-W][A-IW]?", "ie.pps", r"ppsn?", r"irish"),
    _number(r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{4}", "gb.nhs", r"nhs"),
    _number(r"[0-9]{5}[ ]?[0-9]{5}", "gb.utr", r"utr", r"unique taxpayer"),
    _number(r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9K]", "cl.rut", r"rut", r"run", strong=True),
    _number(r"[0-9]{7,8}-[0-9K]", "cl.rut", r"rut", r"run"),
    _number(r"(?:20|23|24|27)-?[0-9]{8}-?[0-9]", "ar.cuit", r"cui[tl]"),
    _number(r"[1-35689][0-9]{8}|[1-35689][0-9]{2} [0-9]{3} [0-9]{3}", "pt.nif", r"nif",
            r"contribuinte", r"portuguese"),
    _number(r"[0-9]{11}", "gr.amka", r"amka", r"αμκα", r"greek"),
    _number(r"[0-9]-?[0-9]{4}-?[0-9]{5}-?[0-9]{2}-?[0-9]", "th.pin", r"thai"),
    _number(r"9[0-9]{2}-?[0-9]{2}-?[0-9]{4}", "us.itin", r"itin"),
    _number(r"[0-9]{2}-[0-9]{3}/[0-9]{4}|[0-9]{2}[ ]?[0-9]{3}[ ]?[0-9]{4}[ ]?", "at.tin",
            r"steuer\w*", r"abgaben\w*"),
    _number(r"[0-9]{4}[ ]?[0-9]{6}", "at.vnr", r"svnr", r"sozialvers\w*", r"sv-?n\w*"),
)  # fmt: skip
_SHORT_NUMBERS = tuple(number for number in _NUMBERS if number.short)
_PAN = next(number for number in _NUMBERS if number.module == "in_.pan")


def national_ids(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Identity and tax numbers with a checksum, of some 35 countries.

    Most forms are plain digits, which a checksum alone lets pass once in ten or so, so these need
    a word that announces them; those with letters or signs of their own do not.
    """
    text, lower = folded.text, folded.lower
    for start, end in folded.numbers:
        long = end - start > 8 and sum(map(str.isdigit, text[start:end])) > 8
        for number in _NUMBERS if long else _SHORT_NUMBERS:
            for match in number.pattern.finditer(text, max(0, start - 12), end + 10):
                if _is_told(match, number, lower):
                    yield Kind.NATIONAL_ID, *match.span()
    # Its four digits are too few for a long number.
    for start, end in after_words(lower, ("pan", "permanent account", "tax id"), 60, inside=False):
        for match in _PAN.pattern.finditer(text, start, end):
            if _is_told(match, _PAN, lower):
                yield Kind.NATIONAL_ID, *match.span()


def _is_told(match: re.Match[str], number: _Number, lower: str) -> bool:
    about = last_word(number.about, lower, match.start(), 48)
    if about < 0 and not number.strong:
        return False
    if last_word(_OTHER, lower, match.start(), 28) > about:
        return False
    # The sign of these two says in which century somebody was born.
    signed = number.module in {"fi.hetu", "se.personnummer"}
    return number.check()(match[0] if signed else re.sub(r"[ .\-/]", "", match[0]))

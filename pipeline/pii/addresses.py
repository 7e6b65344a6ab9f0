"""Street addresses in the forms of several countries, down to the house number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.pii.context import last_word, words
from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy

__all__ = ["addresses"]

_SURE = (
    r"streets?|st|avenue|ave?|roads?|rd|boulevard|blvd|lane|ln|crescent|cres|terrace"
    r"|parkway|pkwy|highway|hwy"
)
# Words of everyday use too: an address only with more around them.
_LOOSE = (
    r"drive|dr|court|ct|place|pl|way|circle|cir|square|sq|trail|trl|loop|alley|close|gardens?"
    r"|gdns|mews|grove"
    r"|hill|row|walk|green|park|rise|vale|view|broadway|quay|wharf|turnpike|pike|path|run|point"
    r"|ridge|crossing"
    r"|embankment|parade|bypass|plaza|commons?|heights|hollow|bend|landing|esplanade|ter"
)
_WORD = r"(?:[A-Z\u00c0-\u00de][\w'.\u2019\-]{0,24}|[0-9]{1,3}(?:st|nd|rd|th)|of|the|de|la|le|del)"
_LOW = r"(?:[a-z][\w'.\-]{1,24}|[0-9]{1,3}(?:st|nd|rd|th))"
_NUMBER = r"[0-9]{1,5}(?:[ ]?[A-Za-z](?![\w'])|-[0-9]{1,4}|[ ]1/2)?"
_UNIT = (
    r"(?:,?[ \n]{1,2}(?:(?i:apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|building"
    r"|lot|no)\.?[ ]?#?[ ]?"
    r"[0-9A-Za-z\-]{1,6}\b|#[ ]?[0-9A-Za-z\-]{1,6}))?"
)
_CITY = (
    r"(?:[A-Z\u00c0-\u00de][\w'.\-]{1,24}(?:[ \-](?:[A-Z\u00c0-\u00de][\w'.\-]{1,24}|am|an "
    r"der|im|ob der|upon|on|le|la|les|de|sur|sous|en|und|der)){0,4})"
)
_SEP = r"(?:[ ]{0,2}[,;|·][ ]?\n?[ \t]{0,8}|[ ]?\n[ \t>]{0,8}|[ ]{1,2})"
_STATES = (
    r"A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|P[AR]|RI"
    r"|S[CD]|T[NX]"
    r"|UT|V[TA]|W[AVIY]|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut"
    r"|Delaware|Florida"
    r"|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland"
    r"|Massachusetts"
    r"|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey"
    r"|New Mexico"
    r"|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island"
    r"|South Carolina"
    r"|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin"
    r"|Wyoming"
    r"|NSW|VIC|QLD|ACT|TAS|ON|QC|BC|AB|MB|SK|NS|NB"
)
_POST = (
    r"(?:[A-Z]{1,2}[0-9][A-Z0-9]?[ ]?[0-9][A-Z]{2}|[A-Z][0-9][A-Z][ ]?[0-9][A-Z][0-9]"
    r"|[0-9]{5}(?:-[0-9]{4})?|[0-9]{4})"
)
# Four digits without a state in front are a year as often as a postcode: "Avenue. In May 2016".
_NO_YEAR = r"(?!(?:19|20)[0-9]{2}(?![0-9]))"
_TOWN = (
    rf"(?P<town>(?:{_SEP}{_CITY}){{0,3}}?{_SEP}"
    rf"(?:(?:{_STATES})\.?{_SEP}{{1,2}}{_POST}|{_NO_YEAR}{_POST}|(?:{_STATES}))(?![\w\-]))"
)
_CITY_ONLY = rf"(?P<city>,[ ]?\n?[ ]{{0,8}}{_CITY}(?![\w]))"

_ENGLISH = re.compile(
    rf"(?<![\w.,$€£#:/\-])(?:(?i:flat|apt\.?|apartment|unit"
    rf"|suite)[ ][0-9A-Za-z]{{1,4}},?[ ]\n?)?{_NUMBER},?[ ]{{1,2}}"
    rf"(?:(?:[NSEW]\.?|[NS][EW])[ ])?(?P<name>(?:{_WORD}[ ]){{1,4}}?)"
    rf"(?i:(?P<sure>{_SURE})|(?P<loose>{_LOOSE}))\b\.?(?:[ ](?:[NS][EW]|[NSEW])\b\.?)?(?![\w'])"
)
_LOWER = re.compile(
    rf"(?<![\w.,$€£#:/\-])[0-9]{{1,5}}[a-z]?[ ](?:[nsew]\.?[ ])?(?P<name>(?:{_LOW}[ ]){{1,3}}?)"
    rf"(?:(?P<sure>{_SURE})|(?P<loose>{_LOOSE}))\b\.?(?![\w'])"
)
_UNIT_AFTER = re.compile(_UNIT)
_TOWN_AFTER = re.compile(_TOWN)
_CITY_AFTER = re.compile(_CITY_ONLY)
_TWO_WORDS = re.compile(
    r"(?<![\w.,$€£#:/\-])[0-9]{1,5}[ ](?:Broadway|Piccadilly|Strand|Whitehall|The Strand)\b"
)
_BOX = re.compile(r"(?<![\w])P\.?[ ]?O\.?[ ]?Box[ ]#?[0-9]{1,7}\b", re.I)

_HOUSE = (
    r"[0-9]{1,4}(?:[ ]?[a-zA-Z](?![\w]))?(?:[ ]?[\-/][ ]?[0-9]{1,4}[a-z]?)?(?![\w]|[.,:%][0-9])"
)
# Endings of a street's name in German, Dutch and the languages of the north.
_ENDINGS = ("straße", "strasse", "str.", "gasse", "allee", "platz", "weg", "damm", "ufer",
    "chaussee", "ring",
            "steig", "graben", "stieg", "pfad", "markt", "straat", "laan", "plein", "kade",
            "gracht", "singel",
            "vej", "gade", "gatan", "vägen", "gata", "veien", "katu", "tie")  # fmt: skip
_SURE_ENDINGS = ("straße", "strasse", "str.", "gasse", "allee", "straat", "laan", "gracht",
    "gatan", "vägen",
                 "chaussee")  # fmt: skip
_HOUSE_AT = re.compile(_HOUSE)
_NAME_BEFORE = re.compile(
    r"(?:(?:[A-ZÄÖÜ][\wäöüß.]{1,24}[ \-]){1,3}[A-ZÄÖÜa-z][\wäöüß.\-]{1,40}"
    r"|[A-ZÄÖÜ][\wäöüß.\-]{3,40}) \Z"
)
_LOW_NAME = re.compile(r"(?<![\w])[a-zäöüß][\wäöüß.\-]{5,40} \Z")
_PLACE_BEFORE = re.compile(
    r"(?:Am|An der|An den|Auf der|Auf dem|Im|In der|In den|Unter den|Unter der|Zum|Zur|Hinter "
    r"der|Alter|Alte|Neuer)"
    r"[ ][A-ZÄÖÜ][\wäöüß\-]{2,30}(?:[ ][A-ZÄÖÜ][\wäöüß\-]{2,30})? \Z"
)
_CONTINENT = re.compile(
    rf"(?P<town>{_SEP}(?:[A-Z]{{1,2}}[ \-])?[0-9]{{4,5}}(?:[ ]?[A-Z]{{2}}(?![\w]))?[ ]{_CITY})"
)
_FRENCH = re.compile(
    r"(?<![\w.,$€£#:/\-])[0-9]{1,4}(?:[ ]?(?:bis|ter|quater|[A-D]))?,?[ ](?i:rue|avenue|av\."
    r"|boulevard|bd|blvd|place|impasse|all[ée]e|chemin|quai"
    r"|cours|route|square|passage|villa|faubourg|sentier|esplanade|rua|promenade|cit[ée]|voie"
    r"|montée)[ ]"
    r"(?:(?:de|du|des|la|le|les|l'|d'|à|aux|au|saint|sainte|et|en"
    r"|sur)[ ]?){0,4}[A-Z\u00c0-\u00de0-9][\w'\-]{1,30}"
    r"(?:[ \-](?:(?:de|du|des|la|le|les|et)[ ])?(?:l'|d')?[A-Z\u00c0-\u00de][\w'\-]{1,30}){0,4}"
)
_ROMANCE = re.compile(
    r"(?<![\w])(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Paseo|Carrer|Camino|Ronda|Via|Viale"
    r"|Piazza|Piazzale|Corso|Vicolo|Largo|Rua|Travessa"
    r"|Praça|Alameda|Carretera|ul\.|ulica|Rue)[ ](?:(?:de|del|della|dei|delle|di|da|do|dos|das"
    r"|d'|la|las|los|el|degli|san|santa)[ ]?){0,3}"
    r"[A-Z\u00c0-\u017f0-9][\w'.\u00c0-\u017f\-]{1,30}(?:[ ](?:(?:de|del|da|do|di|la|e"
    r"|y)[ ])?[A-Z\u00c0-\u017f][\w'\-]{1,30}){0,4},?[ ]"
    r"(?:n[.ºo°]{1,2}[ ]?|núm\.?[ ]?|#[ ]?)?[0-9]{1,4}(?:[ ]?[a-zA-Z](?![\w]))?(?![\w]|[.:%][0-9])"
)
_FRENCH_AFTER = re.compile(
    r"(?: ?(?:bis|ter|quater|[a-d]))?,? (?:rue|avenue|av\.|boulevard|bd|blvd|place|impasse"
    r"|all[ée]e|chemin|quai|cours|route|square"
    r"|passage|villa|faubourg|sentier|esplanade|rua|promenade|cit[ée]|voie|montée) "
)
_ROMANCE_KIND = re.compile(
    r"(?<![\w])(?:Calle|C/|Avenida|Avda|Av\.|Plaza|Paseo|Carrer|Camino|Ronda|Via|Viale|Piazza"
    r"|Piazzale|Corso|Vicolo|Largo|Rua|Travessa"
    r"|Praça|Alameda|Carretera|ul\.|ulica|Rue) "
)

_ABOUT = words(
    r"address\w*", r"liv(?:e|es|ing) (?:at|in|on)", r"lived at", r"resid\w+ (?:at|in)", r"ship\w*",
    r"deliver\w*", r"mail(?:ed|ing)? (?:it )?to",
    r"send (?:\w+ ){0,3}to", r"located at", r"home", r"house (?:at|is)", r"mov(?:ed|ing) to",
    r"my place", r"come to", r"meet (?:me )?at", r"i'm at", r"i am at",
    r"pick ?up at", r"drop ?off at", r"street", r"adresse", r"wohn\w*", r"habite\w*",
    r"direcci[oó]n", r"vivo en", r"vive en", r"indirizzo",
    r"abito", r"offices?", r"billing", r"anschrift", r"domicilio", r"endereço", r"adres\w*",
    r"appointment at", r"addr\w*", r"visit (?:me|us|him|her) at",
    r"property at", r"apartment at", r"lieferung", r"livr\w+", r"demeurant", r"stay\w* at",
    r"neighbou?r\w*", r"based at", r"parcels?", r"packages?",
    r"residences?", r"tenants?", r"leases?", r"lodgings?", r"come by", r"over to",
    r"find (?:me|us|him|her) at", r"houses?", r"flats?",
)  # fmt: skip
_YEAR = re.compile(r"(?:1[5-9]|20)[0-9]{2}\Z")
_PUBLIC = re.compile(
    r"10 downing st|1600 pennsylvania|221 ?b?,? baker|4 privet drive|742 evergreen|350 fifth av"
    r"|1 infinite loop",
    re.I,
)
_TITLE = re.compile(r"(?:^| )(?:ways?|the|best|easy|great|top|more|new|tips|steps|things"
    r"|reasons|of|or|and|in|on|is|to|for|a|an|at|"
                    r"years?|minutes?|hours?|days?|people|miles?|km|dollars|times|percent|men"
                        r"|women|cars|feet|weeks?|months?)(?: |$)", re.I)  # fmt: skip


def addresses(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Street addresses with a house number, and post boxes."""
    text, lower = folded.text, folded.lower
    done = 0
    for start, end in folded.runs:
        if start < done or end - start > 6:
            continue
        found = _number_first(text, lower, start, end) if _begins(text, start, end) else None
        if found is None and start > 4:
            found = _number_last(text, lower, start)
        if found is not None:
            done = found[1]
            yield Kind.ADDRESS, *found
    box = lower.find("box ")
    while box >= 0:
        match = _BOX.search(text, max(0, box - 7), box + 16)
        if match:
            yield Kind.ADDRESS, match.start(), _with_town(text, match.end())
        box = lower.find("box ", box + 4)


def _begins(text: str, start: int, end: int) -> bool:
    """Whether a number may begin an address.

    A word may follow it, one letter, a hyphen or a comma between them at most; and it is not the
    end of a word or of an amount.
    """
    after = text[end : end + 4]
    if " " not in after or after[:1].isdigit():
        return False
    before = text[start - 1] if start else " "
    return not (before.isalnum() or before in "_.,$€£#:/-")


def _number_first(text: str, lower: str, start: int, end: int) -> tuple[int, int] | None:
    """``12 Oak Street``, ``12 bis rue de la Paix``."""
    if _FRENCH_AFTER.match(lower, end) and (match := _FRENCH.match(text, start)):
        after = _CONTINENT.match(text, match.end())
        if after or not (_YEAR.match(text[start:end]) or _is_english(match[0])):
            return start, after.end() if after else match.end()
    return _english(text, lower, start)


def _number_last(text: str, lower: str, start: int) -> tuple[int, int] | None:
    """``Hauptstr. 5``, ``Calle Mayor, 5``."""
    if text[start - 1] not in " #º°":
        return None
    word = text.rfind(" ", max(0, start - 40), start - 1) + 1
    first = text[word]
    # A street's name is a capital's, or long, or "n." stands between: "in 1990" is none.
    if not (first.isupper() or start - word > 7 or first in "n#(" or word == start - 1):
        return None
    german = _german(text, lower, start)
    if german or (first.isascii() and first != "n" and text[word : start - 1].islower()):
        return german  # "Calle Mayor 5": a name, or "n." behind it
    return _romance(text, lower, start, text[max(0, start - 90) : start])


def _romance(text: str, lower: str, start: int, before: str) -> tuple[int, int] | None:
    kinds = list(_ROMANCE_KIND.finditer(before))
    if not kinds:
        return None
    match = _ROMANCE.match(text, start - len(before) + kinds[-1].start())
    if match is None or match.end() < start:
        return None
    after = _CONTINENT.match(text, match.end())
    if after:
        return match.start(), after.end()
    weak = match[0].startswith(("Via ", "Largo ", "Ronda ", "Plaza ", "Rue "))
    if _YEAR.search(match[0]) or (weak and last_word(_ABOUT, lower, match.start(), 60) < 0):
        return None
    return match.span()


def _is_english(value: str) -> bool:
    return bool(re.search(r"(?i)[0-9] (?:place|route|square|passage|villa|cours|promenade"
        r"|avenue) ", value)) and value.isascii() and not re.search(
        r" (?:de|du|des|la|le|les|l'|d') ?", value
    )  # fmt: skip


def _english(text: str, lower: str, start: int) -> tuple[int, int] | None:
    match = None
    if _may_be_named(text, text.find(" ", start)):
        match = _ENGLISH.match(text, start) or _TWO_WORDS.match(text, start)
    if match is None:
        match = _LOWER.match(lower, start)
    if match is None or _PUBLIC.match(match[0]):
        return None
    named = match.groupdict().get("name") or ""
    about = last_word(_ABOUT, lower, start, 60) >= 0
    title = _TITLE.search(named)
    if match.re is _LOWER and (not about or title):
        return None
    unit = _UNIT_AFTER.match(text, match.end())
    inside = unit.end() if unit else match.end()
    whole = _with_town(text, inside)
    if whole == match.end() and not about:
        sure = match.re is _TWO_WORDS or match.groupdict().get("sure")
        number = re.match("[0-9]+", match[0])
        if not sure or (number and _YEAR.match(number[0])) or title:
            return None
        if _COUNTED.search(lower[max(0, start - 12) : start]):
            return None
    elif title and whole == inside:
        return None
    front = _FRONT.search(text[max(0, start - 24) : start])
    return start - (len(front[0]) if front else 0), whole


def _may_be_named(text: str, space: int) -> bool:
    """Whether what follows the space may begin a name: no word in lower case but "of", "the", "de"."""
    word = text[space + 1 : space + 3]
    return not (word.isascii() and word.isalpha() and word[0].islower() and word[0] not in "otdl")


_COUNTED = re.compile(
    r"\b(?:in|since|year|of|the|by|chapter|page|version|top|about|after|before) \Z"
)
_FRONT = re.compile(r"(?i:\b(?:flat|apt\.?|apartment|unit|suite)[ ][0-9A-Za-z]{1,4},?[ ]?\n?)\Z")


def _with_town(text: str, end: int) -> int:
    town = _TOWN_AFTER.match(text, end, end + 120)
    if town:
        return town.end()
    city = _CITY_AFTER.match(text, end, end + 60)
    return city.end() if city else end


def _german(text: str, lower: str, at: int) -> tuple[int, int] | None:
    known = lower.endswith(_ENDINGS, max(0, at - 20), at - 1)
    house = _HOUSE_AT.match(text, at)
    if house is None:
        return None
    after = _CONTINENT.match(text, house.end())
    if not known and after is None:
        return None
    before = text[max(0, at - 90) : at]
    name = None
    if known:
        about = last_word(_ABOUT, lower, max(0, at - 20), 60) >= 0
        sure = lower.endswith(_SURE_ENDINGS, max(0, at - 20), at - 1) and not _YEAR.search(house[0])
        if not (after or about or sure):
            return None
        name = _NAME_BEFORE.search(before)
        if name is None and (about or after):
            name = _LOW_NAME.search(before)
    else:
        name = _PLACE_BEFORE.search(before)
    if name is None:
        return None
    return at - len(name[0]), after.end() if after else house.end()

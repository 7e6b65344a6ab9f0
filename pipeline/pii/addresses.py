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
    r"streets?|st|avenue|ave?|roads?|rd|boulevard|blvd|lane|ln|crescent|cres|terrace|parkway|pkwy|highway|hwy"
)
# Words of everyday use too: an address only with more around them.
_LOOSE = (
    r"drive|dr|court|ct|place|pl|way|circle|cir|square|sq|trail|trl|loop|alley|close|gardens?|gdns|mews|grove"
    r"|hill|row|walk|green|park|rise|vale|view|broadway|quay|wharf|turnpike|pike|path|run|point|ridge|crossing"
    r"|embankment|parade|bypass|plaza|commons?|heights|hollow|bend|landing|esplanade|ter"
)
_WORD = r"(?:[A-Z\u00c0-\u00de][\w'.\u2019\-]{0,24}|[0-9]{1,3}(?:st|nd|rd|th)|of|the|de|la|le|del)"
_LOW = r"(?:[a-z][\w'.\-]{1,24}|[0-9]{1,3}(?:st|nd|rd|th))"
_NUMBER = r"[0-9]{1,5}(?:[ ]?[A-Za-z](?![\w'])|-[0-9]{1,4}|[ ]1/2)?"
_UNIT = (
    r"(?:,?[ \n]{1,2}(?:(?i:apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|building|lot|no)\.?[ ]?#?[ ]?"
    r"[0-9A-Za-z\-]{1,6}\b|#[ ]?[0-9A-Za-z\-]{1,6}))?"
)
_CITY = r"(?:[A-Z\u00c0-\u00de][\w'.\-]{1,24}(?:[ \-](?:[A-Z\u00c0-\u00de][\w'.\-]{1,24}|am|an der|im|ob der|upon|on|le|la|les|de|sur|sous|en|und|der)){0,4})"
_SEP = r"(?:[ ]{0,2}[,;|·][ ]?\n?[ \t]{0,8}|[ ]?\n[ \t>]{0,8}|[ ]{1,2})"
_STATES = (
    r"A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|P[AR]|RI|S[CD]|T[NX]"
    r"|UT|V[TA]|W[AVIY]|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida"
    r"|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts"
    r"|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico"
    r"|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina"
    r"|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming"
    r"|NSW|VIC|QLD|ACT|TAS|ON|QC|BC|AB|MB|SK|NS|NB"
)
_POST = r"(?:[A-Z]{1,2}[0-9][A-Z0-9]?[ ]?[0-9][A-Z]{2}|[A-Z][0-9][A-Z][ ]?[0-9][A-Z][0-9]|[0-9]{5}(?:-[0-9]{4})?|[0-9]{4})"
_TOWN = (
    rf"(?P<town>(?:{_SEP}{_CITY}){{0,3}}?{_SEP}(?:(?:{_STATES})\.?{_SEP}{{1,2}}{_POST}|{_POST}|(?:{_STATES}))(?![\w\-]))"
)
_CITY_ONLY = rf"(?P<city>,[ ]?\n?[ ]{{0,8}}{_CITY}(?![\w]))"

_ENGLISH = re.compile(
    rf"(?<![\w.,$€£#:/\-])(?:(?i:flat|apt\.?|apartment|unit|suite)[ ][0-9A-Za-z]{{1,4}},?[ ]\n?)?{_NUMBER},?[ ]{{1,2}}"
    rf"(?:(?:[NSEW]\.?|[NS][EW])[ ])?(?P<name>(?:{_WORD}[ ]){{1,4}}?)"
    rf"(?i:(?P<sure>{_SURE})|(?P<loose>{_LOOSE}))\b\.?(?:[ ](?:[NS][EW]|[NSEW])\b\.?)?(?![\w'])"
)
_LOWER = re.compile(
    rf"(?<![\w.,$€£#:/\-])[0-9]{{1,5}}[a-z]?[ ](?:[nsew]\.?[ ])?(?P<name>(?:{_LOW}[ ]){{1,3}}?)"
    rf"(?P<sure>{_SURE})(?P<loose>)\b\.?(?![\w'])"
)
_LOWER_LOOSE = re.compile(
    rf"(?<![\w.,$€£#:/\-])[0-9]{{1,5}}[a-z]?[ ](?:[nsew]\.?[ ])?(?P<name>(?:{_LOW}[ ]){{1,3}}?)"
    rf"(?P<sure>)(?P<loose>{_LOOSE})\b\.?(?![\w'])"
)
_UNIT_AFTER = re.compile(_UNIT)
_TOWN_AFTER = re.compile(_TOWN)
_CITY_AFTER = re.compile(_CITY_ONLY)
_TWO_WORDS = re.compile(r"(?<![\w.,$€£#:/\-])[0-9]{1,5}[ ](?:Broadway|Piccadilly|Strand|Whitehall|The Strand)\b")
_BOX = re.compile(r"(?<![\w])P\.?[ ]?O\.?[ ]?Box[ ]#?[0-9]{1,7}\b", re.I)

_HOUSE = r"[0-9]{1,4}(?:[ ]?[a-zA-Z](?![\w]))?(?:[ ]?[\-/][ ]?[0-9]{1,4}[a-z]?)?(?![\w]|[.,:%][0-9])"
# Endings of a street's name in German, Dutch and the languages of the north.
_ENDINGS = ("straße", "strasse", "str.", "gasse", "allee", "platz", "weg", "damm", "ufer", "chaussee", "ring",
            "steig", "graben", "stieg", "pfad", "markt", "straat", "laan", "plein", "kade", "gracht", "singel",
            "vej", "gade", "gatan", "vägen", "gata", "veien", "katu", "tie")  # fmt: skip
_SURE_ENDINGS = ("straße", "strasse", "str.", "gasse", "allee", "straat", "laan", "gracht", "gatan", "vägen",
                 "chaussee")  # fmt: skip
_HOUSE_AT = re.compile(rf"(?<=[\w.][ ])[ ]?{_HOUSE}")
_NAME_BEFORE = re.compile(
    r"(?:(?:[A-ZÄÖÜ][\wäöüß.]{1,24}[ \-]){1,3}[A-ZÄÖÜa-z][\wäöüß.\-]{1,40}|[A-ZÄÖÜ][\wäöüß.\-]{3,40}) \Z"
)
_LOW_NAME = re.compile(r"(?<![\w])[a-zäöüß][\wäöüß.\-]{5,40} \Z")
_PLACE_BEFORE = re.compile(
    r"(?:Am|An der|An den|Auf der|Auf dem|Im|In der|In den|Unter den|Unter der|Zum|Zur|Hinter der|Alter|Alte|Neuer)"
    r"[ ][A-ZÄÖÜ][\wäöüß\-]{2,30}(?:[ ][A-ZÄÖÜ][\wäöüß\-]{2,30})? \Z"
)
_CONTINENT = re.compile(rf"(?P<town>{_SEP}(?:[A-Z]{{1,2}}[ \-])?[0-9]{{4,5}}(?:[ ]?[A-Z]{{2}}(?![\w]))?[ ]{_CITY})")
_FRENCH = re.compile(
    r"(?<![\w.,$€£#:/\-])[0-9]{1,4}(?:[ ]?(?:bis|ter|quater|[A-D]))?,?[ ](?i:rue|avenue|av\.|boulevard|bd|blvd|place|impasse|all[ée]e|chemin|quai"
    r"|cours|route|square|passage|villa|faubourg|sentier|esplanade|rua|promenade|cit[ée]|voie|montée)[ ]"
    r"(?:(?:de|du|des|la|le|les|l'|d'|à|aux|au|saint|sainte|et|en|sur)[ ]?){0,4}[A-Z\u00c0-\u00de0-9][\w'\-]{1,30}"
    r"(?:[ \-](?:(?:de|du|des|la|le|les|et)[ ])?(?:l'|d')?[A-Z\u00c0-\u00de][\w'\-]{1,30}){0,4}"
)
_ROMANCE = re.compile(
    r"(?<![\w])(?:Calle|C/|Avenida|Avda\.?|Av\.|Plaza|Paseo|Carrer|Camino|Ronda|Via|Viale|Piazza|Piazzale|Corso|Vicolo|Largo|Rua|Travessa"
    r"|Praça|Alameda|Carretera|ul\.|ulica|Rue)[ ](?:(?:de|del|della|dei|delle|di|da|do|dos|das|d'|la|las|los|el|degli|san|santa)[ ]?){0,3}"
    r"[A-Z\u00c0-\u017f0-9][\w'.\u00c0-\u017f\-]{1,30}(?:[ ](?:(?:de|del|da|do|di|la|e|y)[ ])?[A-Z\u00c0-\u017f][\w'\-]{1,30}){0,4},?[ ]"
    r"(?:n[.ºo°]{1,2}[ ]?|núm\.?[ ]?|#[ ]?)?[0-9]{1,4}(?:[ ]?[a-zA-Z](?![\w]))?(?![\w]|[.:%][0-9])"
)
_ROMANCE_SIGNS = ("calle", "c/", "avenida", "avda", "av.", "plaza", "paseo", "carrer", "camino", "ronda", "via ", "viale",
                  "piazza", "corso", "vicolo", "largo", "rua ", "travessa", "praça", "alameda", "carretera", "ul.",
                  "ulica", "rue ")  # fmt: skip
_FRENCH_SIGNS = ("rue", "avenue", "av.", "boulevard", "bd ", "blvd", "place", "impasse", "allée", "allee", "chemin", "quai",
                 "cours", "route", "square", "passage", "villa", "faubourg", "sentier", "esplanade", "promenade",
                 "cité", "voie", "montée")  # fmt: skip
_ANCHOR = re.compile(r"[0-9][0-9A-Za-z\-]{0,6},?[ ]{1,2}[A-Za-z0-9\u00c0-\u00de]")

_ABOUT = words(
    r"address\w*", r"liv(?:e|es|ing) (?:at|in|on)", r"lived at", r"resid\w+ (?:at|in)", r"ship\w*", r"deliver\w*", r"mail(?:ed|ing)? (?:it )?to",
    r"send (?:\w+ ){0,3}to", r"located at", r"home", r"house (?:at|is)", r"mov(?:ed|ing) to", r"my place", r"come to", r"meet (?:me )?at", r"i'm at", r"i am at",
    r"pick ?up at", r"drop ?off at", r"street", r"adresse", r"wohn\w*", r"habite\w*", r"direcci[oó]n", r"vivo en", r"vive en", r"indirizzo",
    r"abito", r"office", r"billing", r"anschrift", r"domicilio", r"endereço", r"adres", r"appointment at", r"addr\w*", r"visit (?:me|us|him|her) at",
    r"property at", r"apartment at", r"lieferung", r"livr\w+", r"demeurant", r"stay\w* at", r"neighbou?r", r"based at", r"parcel", r"package",
    r"residence", r"tenant", r"lease", r"lodging", r"come by", r"over to", r"find (?:me|us|him|her) at", r"house", r"flat",
)  # fmt: skip
_YEAR = re.compile(r"(?:1[5-9]|20)[0-9]{2}\Z")
_PUBLIC = re.compile(r"10 downing st|1600 pennsylvania|221 ?b?,? baker|4 privet drive|742 evergreen|350 fifth av|1 infinite loop", re.I)
_TITLE = re.compile(r"(?:^| )(?:ways?|the|best|easy|great|top|more|new|tips|steps|things|reasons|of|or|and|in|on|is|to|for|a|an|at|"
                    r"years?|minutes?|hours?|days?|people|miles?|km|dollars|times|percent|men|women|cars|feet|weeks?|months?)(?: |$)", re.I)  # fmt: skip


def addresses(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Street addresses with a house number, and post boxes."""
    text, lower = folded.text, folded.lower
    yield from _english(text, lower)
    yield from _german(text, lower)
    if "box" in lower:
        for match in _BOX.finditer(text):
            yield Kind.ADDRESS, match.start(), _with_town(text, match.end())
    if any(sign in lower for sign in _FRENCH_SIGNS):
        for match in _FRENCH.finditer(text):
            after = _CONTINENT.match(text, match.end())
            if after or not _YEAR.search(re.split("[ ,]", match[0])[0]) and not _is_english(match[0]):
                yield Kind.ADDRESS, match.start(), after.end() if after else match.end()
    if any(sign in lower for sign in _ROMANCE_SIGNS):
        for match in _ROMANCE.finditer(text):
            if _YEAR.search(match[0]) and not _CONTINENT.match(text, match.end()):
                continue
            after = _CONTINENT.match(text, match.end())
            if after or last_word(_ABOUT, lower, match.start(), 60) >= 0 or not match[0].startswith(("Via ", "Largo ", "Ronda ", "Plaza ")):
                yield Kind.ADDRESS, match.start(), after.end() if after else match.end()


def _is_english(value: str) -> bool:
    return bool(re.search(r"(?i)[0-9] (?:place|route|square|passage|villa|cours|promenade|avenue) ", value)) and value.isascii() and not re.search(
        r" (?:de|du|des|la|le|les|l'|d') ?", value
    )  # fmt: skip


def _english(text: str, lower: str) -> Iterator[Candidate]:
    done = 0
    for anchor in _ANCHOR.finditer(text):
        if anchor.start() < done:
            continue
        start = anchor.start()
        match = _ENGLISH.match(text, start) or _TWO_WORDS.match(text, start)
        sure = match is not None and (match.re is _TWO_WORDS or bool(match["sure"]))
        if match is None:
            match = _LOWER.match(lower, start) or _LOWER_LOOSE.match(lower, start)
        if match is None:
            continue
        about = last_word(_ABOUT, lower, start, 60) >= 0
        if match.re in {_LOWER, _LOWER_LOOSE}:
            if not about or _TITLE.search(match["name"]):
                continue
            sure = bool(match["sure"])
        end = _UNIT_AFTER.match(text, match.end())
        inside = end.end() if end else match.end()
        whole = _with_town(text, inside)
        extra = whole > inside or inside > match.end()
        value = match[0]
        number = re.match("[0-9]+", value)
        if _PUBLIC.match(value) and not extra:
            continue
        named = match.groupdict().get("name") or ""
        if not extra and not about:
            if not sure or (number and _YEAR.match(number[0])) or _TITLE.search(named):
                continue
            if re.search(r"[0-9] [A-Za-z]", value) and _before_is_count(lower, start):
                continue
        elif _TITLE.search(named) and whole == inside:
            continue
        done = whole
        front = _FRONT.search(text[max(0, start - 24) : start])
        yield Kind.ADDRESS, start - (len(front[0]) if front else 0), whole


_FRONT = re.compile(r"(?i:\b(?:flat|apt\.?|apartment|unit|suite)[ ][0-9A-Za-z]{1,4},?[ ]?\n?)\Z")


def _before_is_count(lower: str, start: int) -> bool:
    return bool(re.search(r"(?:\b(?:in|since|year|of|the|by|chapter|page|version|top|about|after|before) )\Z", lower[max(0, start - 12) : start]))


def _with_town(text: str, end: int) -> int:
    town = _TOWN_AFTER.match(text, end, end + 120)
    if town:
        return town.end()
    city = _CITY_AFTER.match(text, end, end + 60)
    return city.end() if city else end


def _german(text: str, lower: str) -> Iterator[Candidate]:
    """``Hauptstr. 5``, ``Unter den Linden 77``: the number comes last."""
    for house in _HOUSE_AT.finditer(text):
        at = house.start()
        known = lower.endswith(_ENDINGS, max(0, at - 20), at - 1)
        after = _CONTINENT.match(text, house.end())
        if not known and after is None:
            continue
        before = text[max(0, at - 90) : at]
        about = last_word(_ABOUT, lower, max(0, at - 20), 60) >= 0
        name = None
        if known:
            name = _NAME_BEFORE.search(before)
            sure = lower.endswith(_SURE_ENDINGS, max(0, at - 20), at - 1) and not _YEAR.search(house[0])
            if name is None and (about or after):
                name = _LOW_NAME.search(before)
            if not (after or about or sure):
                continue
        else:
            name = _PLACE_BEFORE.search(before)
        if name is not None:
            start = at - len(name[0])
            yield Kind.ADDRESS, start, after.end() if after else house.end()

"""Secrets by what they are given to: ``password=``, ``"api_key": "…"``, ``Bearer …``, ``user:pass@``."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote

from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy
from pipeline.pii.randomness import entropy, is_placeholder, is_random

__all__ = ["secrets", "url_credentials"]

# Where a name is looked for, and what it is from there on; "key" needs a word in front of it.
_ROOTS = {
    "ss": ("sess",),
    "pass": ("pass", "mot de passe"),
    "ke": ("token", "key", "kennwort"),
    "z": ("authorization",),
    "ñ": ("contraseña",),
    "pwd": ("pwd",),
    "secret": ("secret",),
    "credential": ("credential",),
    "cookie": ("cookie",),
}
_NAME = re.compile(
    r"passw(?:or)?d|passwort|contraseña|mot de passe|kennwort|passphrase|passcode|pwd|pass"
    r"(?![a-z])|secret|token|key(?![a-z])"
    r"|authorization|credentials?|cookie|session_?id|sessid"
)
_KEY_OF = re.compile(
    r"(?:api|access|auth|private|signing|encryption|master|session|account|storage|subscription"
    r"|license|app|client|shared|secret"
    r"|ssh|service|deploy|consumer|admin|server)[_\- ]?\Z"
)
# After the name: what is left of it, closing quotes, then a sign or a word of giving.
_GIVES = re.compile(
    r"(?:[\w\-]{0,24}|(?: (?:for|of|to) [\w\-. ]{1,30}?)|(?: \([^()\n]{1,30}\)))[\"'\])`*]{0,3}"
    r"(?:[ \t]{0,8}(?::=|=>|={1,3}|:|->)[ \t]{0,8}(?:\n[ \t]{0,8})?"
    r"|[ \t]{1,4}(?:is now|is|was|ist|est|es|to)[ \t]{0,2}:?[ \t]{1,4}|[\"'],[ \t]{0,4}"
    r"(?=[\"'])|[ \t]{1,4}(?=[\"'`]))"
    r"(?:[frbuFRBU]{1,2}(?=[\"']))?(?:(?:Bearer|Basic|Token|token|bearer|basic)[ \t]{1,2})?"
)
_QUOTED = re.compile(r"\\?([\"'`])((?:(?!\1)[^\n\\]|\\.){1,512})\1", re.S)
_BARE = re.compile(r"[^\s\"'`<>,;|]{1,1024}")
_QUERY = re.compile(r"[^\s\"'`<>,;|&#]{1,1024}")
_SENTENCE_END = re.compile(r"\Z|\n|[ ]{1,2}[A-Z]")
_BEARER = re.compile(r"(?i:bearer)[ \t:\"']{1,3}([A-Za-z0-9_\-.~+/]{16,2048}={0,2})")
_BASIC = re.compile(r"(?i:basic)[ \t]{1,2}([A-Za-z0-9+/]{8,512}={0,2})")
_USER = re.compile(r"-(?:u|-user|-proxy-user|U)[ =]?[\"']?([^\s\"':]{1,64}:[^\s\"'@]{4,128})")
_OTHER = re.compile(r"hash|sha|md5|checksum|digest|csrf_?name|_length|_len|_count|_limit|max_"
    r"|_type|_name"
                    r"|_path|_file|_url|_uri|_expir|_id_|pad_|eos_|bos_|unk_|num_|_size|_per_"
                        r"|ize|izer")  # fmt: skip

_USERINFO = re.compile(r"([^\s/@:\"'<>`]{0,128}):([^\s\"'<>`@/]{1,256})@([\w.\-\[\]:%]{1,255})")
_SLASHED = re.compile(
    r"([^\s/@:\"'<>`]{1,128}):([^\s\"'<>`@?#]{1,128})@([\w.\-]{1,255}\.[a-z]{2,}|[\w\-.]+:[0-9]+)"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,30}\Z")
_ENCODED = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]{1,15}%3A%2F%2F([^\s/&?\"'<>]{1,128}?)%3A"
    r"([^\s/&?\"'<>]{1,128}?)%40([\w.\-]{1,255})",
    re.I,
)
_STAND_IN = re.compile(
    r"(?:(?:db_?|my_?|your_?|the_?)?(?:user(?:name)?|login|name|me)|root|admin|postgres|u|usr"
    r"|foo)?:"
    r"(?:(?:db_?|my_?|your_?|the_?)?(?:pass(?:w(?:or)?d)?|pwd|pw|secret|token|key)|p|bar)",
    re.I,
)
_VARIABLE = re.compile(r"[${}<>%()\[\]*]|\.\.\.|…")


def secrets(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Values that look random (`is_random`) and are given to a name that says secret."""
    text, lower = folded.text, folded.lower
    done = 0
    for name in _named(lower):
        if name.start() >= done and (span := _value(text, lower, name, policy)):
            done = span[1]
            yield Kind.SECRET, *span
    for match in _at_words(_BEARER, text, lower, "bearer"):
        value = match[1].rstrip(".")
        if policy.placeholders or (re.search("[0-9]", value) and is_random(value, bits=3.0)):
            yield Kind.SECRET, match.start(1), match.start(1) + len(value)
    for match in _at_words(_BASIC, text, lower, "basic "):
        if _is_login(match[1]):
            yield Kind.SECRET, *match.span(1)
    for match in _USER.finditer(text) if ":" in text else ():
        start = match.start()
        apart = not start or not (text[start - 1].isalnum() or text[start - 1] == "-")
        if apart and (policy.placeholders or _is_password_pair(match[1])):
            yield Kind.SECRET, *match.span(1)


def _at_words(
    pattern: re.Pattern[str], text: str, lower: str, word: str
) -> Iterator[re.Match[str]]:
    at = lower.find(word)
    while at >= 0:
        if match := pattern.match(text, at):
            yield match
        at = lower.find(word, at + len(word))


def _named(lower: str) -> Iterator[re.Match[str]]:
    """Names that say secret, in order."""
    places = set()
    for stem in _roots(lower):
        at = lower.find(stem)
        while at >= 0:
            places.add(at)
            at = lower.find(stem, at + len(stem))
    for place in sorted(places):
        match = _NAME.match(lower, place)
        if match is None:
            continue
        if match[0] == "key" and not _KEY_OF.search(lower[max(0, place - 14) : place]):
            continue
        yield match


def _roots(lower: str) -> Iterator[str]:
    """Those of `_ROOTS` that may be there, by a part of them that is quicker to look for."""
    for part, stems in _ROOTS.items():
        if part in lower:
            yield from stems


def _value(text: str, lower: str, name: re.Match[str], policy: Policy) -> tuple[int, int] | None:
    start = name.start()
    # "compass", "monkey", "tokens" in prose: the name is a word or a part of an identifier.
    # In front of "key" a word was looked at already.
    inside = name[0] != "key" and start > 0 and text[start - 1].isalpha()
    if inside and not (_starts_part(text, start) or _is_prefixed(lower, start)):
        return None
    given = _GIVES.match(text, name.end())
    if given is None:
        return None
    whole = lower[max(0, start - 16) : given.end()]
    if _OTHER.search(whole):
        return None
    at = given.end()
    said = given[0].strip()[-2:] in {"is", "as", "st", "es", "to", "ow"} or " " in given[0].strip()
    quoted = _QUOTED.match(text, at)
    if quoted:
        at, value = quoted.start(2), quoted[2]
        value = value.rstrip("\\")
    else:
        url = lower[max(0, start - 200) : start].rpartition("?")[2]
        in_query = "?" in lower[max(0, start - 200) : start] and not re.search(r"\s", url)
        bare = (_QUERY if in_query or "&" in text[at : at + 200] else _BARE).match(text, at)
        if bare is None:
            return None
        value = bare[0].rstrip(".)]}:" if said else ")]},.")
        if said and value[-1:] in {"!", "?"} and _SENTENCE_END.match(text, at + len(value)):
            value = value.rstrip("!?")
        if "(" in value and ")" not in value and value.endswith("("):
            return None
    for scheme in ("Bearer ", "Basic ", "Token "):
        if value.startswith(scheme):
            at, value = at + len(scheme), value[len(scheme) :]
    if " " in value or not value:
        return None
    if policy.placeholders or _is_secret(value, name[0], bool(quoted), said):
        return at, at + len(value)
    return None


def _starts_part(text: str, start: int) -> bool:
    return text[start].isupper() and text[start - 1].islower()  # clientSecret


def _is_prefixed(lower: str, start: int) -> bool:
    """``dbpassword``, ``authtoken``: the usual words in front of it without a separator."""
    return lower.endswith(
        ("db", "auth", "api", "my", "user", "access", "refresh", "smtp", "x", "root", "admin",
        "client",
         "app", "mysql", "pg", "redis", "wifi", "new", "old", "login", "ssh", "ftp", "keystore"),
         0, start
    )  # fmt: skip


def _is_secret(value: str, name: str, quoted: bool, said: bool) -> bool:
    word = name.startswith(("pass", "pwd", "contra", "mot", "kenn"))
    if not word:
        # Ids, counts and expressions are given to tokens and keys too.
        if not is_random(value, shortest=12, bits=2.8) or value.count(".") > 4:
            return False
        return bool(re.search("[0-9]", value)) or entropy(value) >= 3.8
    if said and not re.search("[0-9]", value):
        return bool(re.search(r"[^\w\s.,\-]", value)) and is_random(value, shortest=8)
    if not quoted and re.search(r"[(){}\[\]]", value) and not re.search("[0-9]", value):
        return False
    return is_random(value, shortest=7)


def _is_login(value: str) -> bool:
    try:
        pair = base64.b64decode(value + "=" * (-len(value) % 4)).decode()
    except (binascii.Error, ValueError):
        return False
    return _is_password_pair(pair)


def _is_password_pair(pair: str) -> bool:
    _user, colon, password = pair.partition(":")
    if not colon or not password or not pair.isprintable():
        return False
    return not (
        _STAND_IN.fullmatch(pair) or _VARIABLE.search(pair) or is_placeholder(password + "q9zv")
    )


def url_credentials(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """URLs with a password, from the scheme to the host, also percent-encoded ones."""
    text = folded.text
    at = text.find("://")
    while at >= 0:
        scheme = _SCHEME.search(text[max(0, at - 31) : at])
        info = _USERINFO.match(text, at + 3) or _SLASHED.match(text, at + 3)
        if scheme and info and (policy.placeholders or _is_given(info[1], info[2])):
            end = info.end()
            while text[end - 1] in ".:-":
                end -= 1
            yield Kind.URL_CREDENTIALS, at - len(scheme[0]), end
        at = text.find("://", at + 3)
    if "%3A%2F%2F" in text or "%3a%2f%2f" in text:
        for match in _ENCODED.finditer(text):
            if policy.placeholders or _is_given(match[1], match[2]):
                yield Kind.URL_CREDENTIALS, *match.span()


def _is_given(user: str, password: str) -> bool:
    user, password = unquote(user), unquote(password)
    if _VARIABLE.search(user + password) and not re.search("[0-9]", password):
        return False
    if re.fullmatch(r"[${<\[*%].*", password):
        return False
    if password.isdigit() and len(password) <= 5 and "." in user:
        return False  # host:port@…
    return not _STAND_IN.fullmatch(f"{user}:{password}") and not is_placeholder(password + "q9zv")

"""Email addresses, plain and disguised (``john [dot] doe [at] mail [dot] com``)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy

__all__ = ["emails", "known_suffix"]

# RFC 5321, 4.5.3.1: at most 64 characters before the sign and 255 after it.
LOCAL, DOMAIN = 64, 255

_ATOM = r"\w!#$%&'*+/=?^`{|}~.\-"
_LOCAL = re.compile(rf"[{_ATOM}]{{1,{LOCAL}}}\Z")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.){1,62}"\Z')
_HOST = re.compile(r"(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w\-]{0,22}[^\W_]")
_LITERAL = re.compile(r"\[(?:[0-9]{1,3}\.){3}[0-9]{1,3}\]")
# Names in front of the sign that stand for a service's login, not for a mailbox.
_LOGIN = frozenset({"git", "hg", "svn"})
# The user of a URL: what stands between its "://" and the sign, with or without a password.
_URL_USER = re.compile(r"(?<!mailto)://[^\s/?#\"'<>@]{0,128}\Z", re.I)
_PASSWORD_AFTER = re.compile(r":[^\s/@\"'<>]{1,128}@")
# Nobody logs in there by a URL: what looks so is an address with "http://" in front.
_MAIL_HOSTS = re.compile(
    r"(?:gmail|googlemail|yahoo|outlook|hotmail|live|icloud|proton|protonmail|gmx|aol|mail|web"
    r"|yandex|qq|163)\.[a-z.]{2,6}"
)
# A path on the host, as rsync, scp and git write it: "ann@host.org:/srv", "x@host.org:a/b.git".
_REMOTE_PATH = re.compile(r":(?:~?/[\w.]|[\w.\-]{1,100}(?:/[\w.\-]{1,100}){0,8}\.git(?![\w]))")
_FORGE = re.compile(
    r"(?:.*\.)?(?:github|gitlab|bitbucket|codeberg|sourcehut|gitea)\.[a-z]{2,4}", re.S
)
_FORGE_PATH = re.compile(r"[:/][\w.\-]{1,100}/[\w.\-]")
_RESERVED = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|net|org|edu)|example|test|invalid|localhost)\Z", re.S
)
_STAND_IN_HOST = re.compile(
    r"(?:.*[.\-_])?(?:your|my)-?_?(?:domain|company|site|website|email|mail|host|server|org)\.\w+\Z"
)
_STAND_IN_LOCAL = re.compile(
    r"(?:your|my)[._-]?(?:e?-?mail|name|user(?:name)?|address|account|id)|user(?:name)?|name|e?mail"
    r"|someone|you|x+|foo|first\.?last"
)
_STAND_IN_BOTH = re.compile(r"(?:domain|host|server|foo|bar|xxx+|x|y|abc|xyz|somewhere)\.\w+")

_WORD_AT = r"[\[({<]{1,2}[ ]{0,2}(?:at|@|\u00e4t|arroba|chez)[ ]{0,2}[\])}>]{1,2}"
_BARE_AT = r"[ ]{1,2}(?:at|@)[ ]{1,2}|[ ]@|@[ ]|&#(?:64|x40);|&commat;|%40|_at_|-at-"
_AT = re.compile(rf"(?P<bare>{_BARE_AT})|(?P<plain>@)", re.I)
# What the sure ones have, in lower case; a pattern that starts with plain letters is quick to look for.
_AT_CLOSED = re.compile(r"at(?<=[\[({< ]at) {0,2}[\])}>]")
_SURE_WORDS = ("@", "arroba", "chez")
_SURE_AT = re.compile(rf"(?P<sure>{_WORD_AT})[ ]{{0,2}}", re.I)
_DOT = (
    r"(?:[ ]{0,2}[\[({<]{1,2}[ ]{0,2}(?:dot|\.|punkt|point|punto)[ ]{0,2}[\])}>]{1,2}[ ]{0,2}"
    r"|[ ]{1,2}(?:dot|punkt)[ ]{1,2}|_dot_|-dot-|[ ]\.[ ]|\.|[ ]\.)"
)
_PART = r"[\w+\-%]{1,32}?"
# Before the sign a dot with a space behind it ends a sentence.
_BEFORE = re.compile(rf"(?:{_PART}{_DOT}){{0,4}}[\w+\-%]{{1,32}}\Z", re.I)
_HOST_PART = r"[^\W_](?:[\w\-]{0,40}?[^\W_])??"
_TOP = rf"(?P<dot>{_DOT})(?P<top>[a-z]{{2,18}})(?![\w\-])"
_AFTER = re.compile(rf"{_HOST_PART}(?:{_DOT}[\w\-]{{1,40}}?){{0,3}}{_TOP}", re.I)
_AFTER_SHORT = re.compile(rf"{_HOST_PART}(?:{_DOT}[\w\-]{{1,40}}?){{0,3}}?{_TOP}", re.I)
# Words that a place follows: "look at google dot com" is no address.
_NO_NAME = frozenset({
    "look", "looking", "us", "is", "are", "was", "were", "be", "sold", "available", "found",
    "here", "site",
    "website", "page", "visit", "online", "live", "hosted", "located", "it", "them", "this",
    "that", "more",
    "info", "information", "work", "works", "working", "meet", "sign", "signed", "up", "shop",
    "stay",
    "staying", "check", "out", "points", "pointed", "aimed", "stop", "only", "and", "or", "not",
    "just",
    "store", "stores", "all", "today", "now", "book", "tickets",
})  # fmt: skip
_MAIL_WORD = re.compile(
    r"mail|contact|reach|write|ping|inbox|address|send|message me|correo|courriel|schreib"
)
# By a sign that is quicker to look for.
_BARE = {"&": ("&#64;", "&#x40;", "&commat;"), "%": ("%40",), "_": ("_at_",), "-at-": ("-at-",)}
_DOTS = ("dot", "punkt", "[.]", "(.)")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SEPARATED = re.compile(r"[=?&|`{}/]|%3a|%22|%3c", re.I)
_ASCII_END = re.compile(r"[!-~]+\Z")


@functools.cache
def _suffixes() -> frozenset[str]:
    """Top-level names, from the public suffix list inside the package ``tld``."""
    from tld.utils import get_tld_names

    tries: dict[str, Any] = get_tld_names() or {}
    names = {str(name) for trie in tries.values() for name in trie.root.children}
    # Not in the list, yet mailboxes of intranets are under them.
    return frozenset(names | {"local", "internal", "corp", "lan", "intranet", "onion"})


def known_suffix(name: str) -> bool:
    """Whether ``name`` (lower case) is a top-level name, real or reserved by RFC 2606."""
    return name in _suffixes() or name in {"example", "test", "invalid", "localhost"}


def emails(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Every email address of a text."""
    text, lower = folded.text, folded.lower
    if "@" in text:
        at = text.find("@")
        while at >= 0:
            span = _plain(text, at)
            if span and _personal(lower, span[0], at, span[1], policy):
                yield Kind.EMAIL, *span
            at = text.find("@", at + 1)
    yield from _disguised(folded, policy)


def _plain(text: str, at: int) -> tuple[int, int] | None:
    start, end = at, at
    before = text[max(0, at - LOCAL) : at]
    if (found := _QUOTED.search(before)) or (found := _LOCAL.search(before)):
        local = found[0]
        if not local.startswith('"'):
            local = _trimmed(local)
        start = at - len(local)
        # Behind "$" it is a variable of a shell.
        if not local or (start and text[start - 1] in "@$"):
            return None
    else:
        return None
    if literal := _LITERAL.match(text, at + 1):
        return start, literal.end()
    host = _HOST.match(text, at + 1, at + 1 + DOMAIN)
    if host is None:
        return None
    end = host.end()
    name = host[0]
    if (cut := _CJK.search(name)) and name[0].isascii():
        # Chinese and Japanese put no space after an address.
        name = name[: cut.start()].rstrip(".-")
        end = at + 1 + len(name)
    while "." in name:
        last = name.rpartition(".")[2]
        if not known_suffix(last.lower()) and (joined := re.search("[-_]", last)):
            name = name[: joined.start() - len(last)]  # "a@mail.com-then"
            end = at + 1 + len(name)
        if known_suffix(name.rpartition(".")[2].lower()):
            return (start, end) if _is_mailbox(text, start, at, end) else None
        # "a@mail.com.Then": the last word belongs to the next sentence.
        name = name.rpartition(".")[0]
        end = at + 1 + len(name)
    return None


def _trimmed(local: str) -> str:
    """Without what merely stands in front: quotes, ``email=``, a separator, Chinese words."""
    if local[-1:].isascii() and _CJK.search(local):
        ascii_end = _ASCII_END.search(local)
        local = ascii_end[0] if ascii_end else ""
    local = _SEPARATED.split(local)[-1]
    return local.lstrip("'*~.-!#$^&_+%")


def _is_mailbox(text: str, start: int, at: int, end: int) -> bool:
    local = text[start:at]
    if local.lower() in _LOGIN and text[end : end + 1] in {":", "/"}:
        return False
    if text[end : end + 1] == "(" or text[end : end + 2] == "::":
        return False  # a call: a @ b.dot(c)
    return not _is_user(text, start, at, end)


def _is_user(text: str, start: int, at: int, end: int) -> bool:
    """Whether it is a login at a host: the user of a URL or of a remote path."""
    host = text[at + 1 : end].lower()
    if _REMOTE_PATH.match(text, end) or (_FORGE.fullmatch(host) and _FORGE_PATH.match(text, end)):
        return True
    if not _URL_USER.search(text[max(0, start - 140) : start]):
        return False
    # An address may itself be the user: https://ann@mail.org:password@host.
    return not (_MAIL_HOSTS.fullmatch(host) or _PASSWORD_AFTER.match(text, end))


def _personal(lower: str, start: int, at: int, end: int, policy: Policy) -> bool:
    local, host = lower[start:at].strip('"'), lower[at + 1 : end]
    if not policy.reserved_domains and _RESERVED.match(host):
        return False
    if policy.placeholders:
        return True
    if _STAND_IN_HOST.match(host):
        return False
    if local.startswith("your") and _STAND_IN_LOCAL.fullmatch(local):
        return False
    return not (_STAND_IN_LOCAL.fullmatch(local) and _STAND_IN_BOTH.fullmatch(host))


def _signs(text: str, lower: str) -> Iterator[tuple[int, int, str]]:
    """Every place where a disguised "@" may be: where it starts and ends, and the word if it is bare."""
    sure_ones = (
        any(word in lower for word in _SURE_WORDS)
        or _AT_CLOSED.search(lower)
        or (not lower.isascii() and "\u00e4t" in lower)
    )
    for sure in _SURE_AT.finditer(text) if sure_ones else ():
        start = sure.start()
        while start and text[start - 1] == " " and sure.start() - start < 2:
            start -= 1
        yield start, sure.end(), ""
    places = set()
    for at in _places(lower, "@"):
        if lower[at - 1 : at] == " " or lower[at + 1 : at + 2] == " ":
            places.add(at - 1 if lower[at - 1 : at] == " " else at)
    for sign, words in _BARE.items():
        if sign in lower:
            for word in words:
                places.update(_places(lower, word))
    # "at" stands everywhere, with a spoken dot behind it hardly anywhere.
    for dot in _DOTS if "@" in lower or " at " in lower else ():
        for at in _places(lower, dot):
            for word in (" at ", "@"):
                before = lower.rfind(word, max(0, at - 60), at)
                if before >= 0:
                    places.add(before)
    for place in sorted(places):
        if match := _AT.match(text, place):
            yield match.start(), match.end(), match[0]


def _places(lower: str, word: str) -> Iterator[int]:
    at = lower.find(word)
    while at >= 0:
        yield at
        at = lower.find(word, at + len(word))


def _disguised(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    text, lower = folded.text, folded.lower
    for at, after_at, word in _signs(text, lower):
        after = next(
            (
                found
                for form in (_AFTER, _AFTER_SHORT)
                if (found := form.match(text, after_at, after_at + 160))
                and known_suffix(found["top"].lower())
            ),
            None,
        )
        before = _BEFORE.search(text[max(0, at - 90) : at]) if after else None
        if after is None or before is None:
            continue
        start = at - len(before[0])
        if word and not _meant(lower, start, before[0], after[0], word):
            continue
        if word and before[0].lower() in _NO_NAME:
            continue
        host = re.sub(_DOT, ".", after[0], flags=re.I).lower()
        if not policy.reserved_domains and _RESERVED.match(host):
            continue
        yield Kind.EMAIL, start, after.end()


def _spoken(part: str) -> bool:
    return bool(re.search(r"dot|punkt|[\[({<]", part, re.I))


def _meant(lower: str, start: int, before: str, after: str, word: str) -> bool:
    """Whether a bare "at" or a spaced sign is part of an address."""
    sign = word.strip().lower()
    if sign in {"&#64;", "&#x40;", "&commat;", "%40"}:
        return "." in after
    disguised = _spoken(after)
    if sign == "@" and len(word) > 1:  # spaces around the sign: "name @ mail . com"
        return disguised or bool(_MAIL_WORD.search(lower, max(0, start - 60), start))
    return disguised

"""Keys and tokens whose issuer gave them a form of their own: a prefix, a length, a signature."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Iterator

from pipeline.pii.context import after_words
from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy
from pipeline.pii.randomness import entropy, is_placeholder

__all__ = ["jwts", "private_keys", "tokens"]


@dataclasses.dataclass(frozen=True, slots=True)
class _Form:
    """A token's form.

    Args:
        kind: what it is.
        pattern: the whole token, or its end; the issuers' documentation and the rules of gitleaks and
            detect-secrets give the lengths. It starts with a plain letter, which is quick to find;
            its first group must look drawn at random.
        front: what stands before the pattern and belongs to the token.
        anywhere: it may have no digit, so it is looked for everywhere and not only near mixed words.
    """

    kind: Kind
    pattern: re.Pattern[str]
    front: re.Pattern[str] | None = None
    anywhere: bool = False


def _form(kind: Kind, pattern: str, front: str = "", anywhere: bool = False) -> _Form:
    before = re.compile(rf"(?<![A-Za-z0-9_]){front}\Z") if front else None
    return _Form(kind, re.compile(rf"{pattern}(?![A-Za-z0-9])"), before, anywhere)


_FORMS = (
    _form(Kind.AWS_KEY, r"A(?:KIA|SIA|ROA|IDA|BIA|CCA|GPA|NPA|NVA)([A-Z0-9]{16})", anywhere=True),
    _form(Kind.GITHUB_TOKEN, r"gh[pousr]_([A-Za-z0-9]{30,255})"),
    _form(Kind.GITHUB_TOKEN, r"github_pat_([A-Za-z0-9_]{22,255})"),
    _form(Kind.SLACK_TOKEN, r"xox[abcdeoprs](?:\.xox[a-z])?-([A-Za-z0-9\-]{10,255})"),
    _form(Kind.SLACK_TOKEN, r"xapp-([0-9]-[A-Za-z0-9\-]{10,255})"),
    _form(Kind.SLACK_TOKEN, r"hooks\.slack\.com/(?:services|workflows|triggers)/"
        r"([A-Za-z0-9+/]{24,255})", "https?://"),
    _form(Kind.AI_KEY, r"sk-((?:[A-Za-z0-9]{1,12}-){0,4}[A-Za-z0-9_\-]{16,255})"),
    _form(Kind.GOOGLE_KEY, r"AIza([0-9A-Za-z_\-]{35})"),
    _form(Kind.GOOGLE_KEY, r"GOCSPX-([0-9A-Za-z_\-]{20,40})"),
    _form(Kind.GOOGLE_KEY, r"ya29\.([0-9A-Za-z_\-]{20,512})"),
    _form(Kind.STRIPE_KEY, r"k_(?:live|test)_([0-9A-Za-z]{10,247})", "[srp]"),
    _form(Kind.STRIPE_KEY, r"whsec_([0-9A-Za-z+/]{20,255})"),
    _form(Kind.SECRET, r"glpat-([0-9A-Za-z_\-.]{20,60})"),
    _form(Kind.SECRET, r"npm_([A-Za-z0-9]{36})"),
    _form(Kind.SECRET, r"pypi-(AgE[0-9A-Za-z_\-]{50,400})"),
    _form(Kind.SECRET, r"SG\.([0-9A-Za-z_\-]{16,32}\.[0-9A-Za-z_\-]{16,64})"),
    _form(Kind.SECRET, r"hf_([A-Za-z]{30,40})", anywhere=True),
    _form(Kind.SECRET, r"shp(?:at|ca|pa|ss)_([0-9a-fA-F]{32})"),
    _form(Kind.SECRET, r"do[opr]_v1_([0-9a-f]{64})"),
    _form(Kind.SECRET, r":(AA[0-9A-Za-z_\-]{33})", "[0-9]{8,10}"),  # Telegram
    _form(Kind.SECRET, r"/api/webhooks/([0-9]{17,20}/[\w\-]{60,80})", r"https?://"
        r"(?:\w{1,20}\.)?discord(?:app)?\.com"),
    _form(Kind.SECRET, r"gsk_([A-Za-z0-9]{40,60})"),
    _form(Kind.SECRET, r"AccountKey=([0-9A-Za-z+/]{80,90}={0,2})"),
)  # fmt: skip
_ANYWHERE = tuple(form for form in _FORMS if form.anywhere)
_LONGEST_FRONT = 48
_REACH = 300

_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9+/_])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_])")
_AWS_STEMS = (
    "aws",
    "secret access",
    "secret_access",
    "secretaccess",
    "secret key",
    "secret_key",
    "secretkey",
    "akia",
    "asia",
)

_JWT = re.compile(r"(eyJ[A-Za-z0-9_\-]{8,})(?:\.[A-Za-z0-9_\-]*){1,4}")
_BEGIN = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----|PuTTY-User-Key-File-[23]:"
)
_PUTTY_END = re.compile(r"Private-MAC: [0-9a-f]{40,64}")
_BODY = re.compile(r"(?:[A-Za-z0-9+/=:,.\- \t\r]|\\[nrt]|\n|[\"'+>#*|])*")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{16,}")


def tokens(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Tokens of AWS, GitHub, Slack, OpenAI, Anthropic, Google, Stripe and others, by their form."""
    text = folded.text
    places = list(_near(folded))
    for form in _FORMS if places else _ANYWHERE:
        for match in _matches(form, text, places):
            start = match.start()
            if form.front is not None:
                front = form.front.search(text[max(0, start - _LONGEST_FRONT) : start])
                if front is None:
                    continue
                start -= len(front[0])
            elif start and (text[start - 1].isalnum() or text[start - 1] == "_"):
                continue
            if policy.placeholders or _drawn(match[1], form.kind):
                yield form.kind, start, match.end()
    yield from _aws_secrets(folded)


def _near(folded: Folded) -> Iterator[tuple[int, int]]:
    """Stretches around words of mixed letters and digits, which every longer token has."""
    start = end = -1
    for first, last in folded.mixed:
        if first - _REACH > end:
            if end >= 0:
                yield start, end
            start = max(0, first - _REACH)
        end = last + _REACH
    if end >= 0:
        yield start, end


def _matches(form: _Form, text: str, places: list[tuple[int, int]]) -> Iterator[re.Match[str]]:
    if form.anywhere:
        yield from form.pattern.finditer(text)
        return
    for start, end in places:
        yield from form.pattern.finditer(text, start, end)


def _drawn(body: str, kind: Kind) -> bool:
    if is_placeholder(body) or entropy(body) < 2.8:
        return False
    if kind is Kind.AI_KEY:
        # Names of styles start so too: sk-fading-circle. A key has one long mixed part.
        part = max(re.split("[-_]", body), key=len)
        mixed = re.search("[0-9]", body) and re.search("[A-Za-z]", body)
        return bool(mixed) and (len(part) >= 12 or entropy(body) >= 4.2)
    return True


def _aws_secrets(folded: Folded) -> Iterator[Candidate]:
    text = folded.text
    if not folded.mixed:
        return
    for start, end in after_words(folded.lower, _AWS_STEMS, 170, inside=False):
        for match in _AWS_SECRET.finditer(text, start, end):
            value = match[0]
            # 40 hexadecimal digits are a commit.
            if (
                not re.fullmatch("[0-9a-f]{40}", value)
                and not is_placeholder(value)
                and entropy(value) >= 3.8
            ):
                yield Kind.AWS_KEY, *match.span()


def jwts(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """JSON Web Tokens (RFC 7519): the first part is a JSON object, signed or encrypted."""
    if not folded.mixed or "eyJ" not in folded.text:
        return
    for match in _JWT.finditer(folded.text):
        if _is_header(match[1]):
            end = match.end()
            while folded.text[end - 1] == ".":
                end -= 1
            yield Kind.JWT, match.start(), end


def _is_header(part: str) -> bool:
    part = part[:2048]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and bool(header.keys() & {"alg", "typ", "enc", "kid"})


def private_keys(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Private keys in PEM armour (RFC 7468) and PuTTY's, on one line or many, also cut off."""
    text = folded.text
    if "PRIVATE KEY" not in text and "PuTTY-User-Key" not in text:
        return
    done = 0
    begins = list(_BEGIN.finditer(text))
    for number, begin in enumerate(begins):
        # A key ends before the next begins, however many are cut off.
        following = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        if begin.start() < done:
            continue
        if begin[1] is None:
            mac = _PUTTY_END.search(text, begin.end(), following)
            done = mac.end() if mac else begin.end()
            if mac:
                yield Kind.PRIVATE_KEY, begin.start(), done
            continue
        closing = f"-----END {begin[1]}-----"
        limit = min(
            following, begin.end() + 20_000
        )  # the longest RSA key in use has 13,000 characters
        end = text.find(closing, begin.end(), limit)
        if end >= 0:
            done, body = end + len(closing), text[begin.end() : end]
        else:
            cut = _BODY.match(text, begin.end(), limit)
            body = cut[0] if cut else ""
            lines = list(_BASE64.finditer(body))
            done = begin.end() + (lines[-1].end() if lines else 0)
        if sum(len(line) for line in _BASE64.findall(body)) >= 32 or policy.placeholders:
            yield Kind.PRIVATE_KEY, begin.start(), done

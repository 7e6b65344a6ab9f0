"""Keys and tokens whose issuer gave them a form of their own: a prefix, a length, a signature."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Iterator

from pipeline.pii.context import last_word, words
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
        signs: strings, one of which every such token has.
        pattern: the whole token; the issuers' documentation and the rules of gitleaks and
            detect-secrets give the lengths.
        random: the group that must look drawn at random; 0 for the whole.
    """

    kind: Kind
    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    random: int | str = 1


def _form(kind: Kind, signs: tuple[str, ...], pattern: str) -> _Form:
    return _Form(kind, signs, re.compile(rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9])"))


_FORMS = (
    _form(Kind.AWS_KEY, ("AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA", "AGPA", "ANPA", "ANVA"),
          r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA|AGPA|ANPA|ANVA)([A-Z0-9]{16})"),
    _form(Kind.GITHUB_TOKEN, ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
          r"gh[pousr]_([A-Za-z0-9]{30,255})"),
    _form(Kind.GITHUB_TOKEN, ("github_pat_",), r"github_pat_([A-Za-z0-9_]{22,255})"),
    _form(Kind.SLACK_TOKEN, ("xox",), r"xox[abcdeoprs](?:\.xox[a-z])?-([A-Za-z0-9\-]{10,255})"),
    _form(Kind.SLACK_TOKEN, ("xapp-",), r"xapp-([0-9]-[A-Za-z0-9\-]{10,255})"),
    _form(Kind.SLACK_TOKEN, ("hooks.slack.com",),
          r"https://hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{24,255})"),
    _form(Kind.AI_KEY, ("sk-",), r"sk-((?:[A-Za-z0-9]{1,12}-){0,4}[A-Za-z0-9_\-]{16,255})"),
    _form(Kind.GOOGLE_KEY, ("AIza",), r"AIza([0-9A-Za-z_\-]{35})"),
    _form(Kind.GOOGLE_KEY, ("GOCSPX-",), r"GOCSPX-([0-9A-Za-z_\-]{20,40})"),
    _form(Kind.GOOGLE_KEY, ("ya29.",), r"ya29\.([0-9A-Za-z_\-]{20,512})"),
    _form(Kind.STRIPE_KEY, ("k_live_", "k_test_"), r"[srp]k_(?:live|test)_([0-9A-Za-z]{10,247})"),
    _form(Kind.STRIPE_KEY, ("whsec_",), r"whsec_([0-9A-Za-z+/]{20,255})"),
    _form(Kind.SECRET, ("glpat-",), r"glpat-([0-9A-Za-z_\-.]{20,60})"),
    _form(Kind.SECRET, ("npm_",), r"npm_([A-Za-z0-9]{36})"),
    _form(Kind.SECRET, ("pypi-",), r"pypi-(AgE[0-9A-Za-z_\-]{50,400})"),
    _form(Kind.SECRET, ("SG.",), r"SG\.([0-9A-Za-z_\-]{16,32}\.[0-9A-Za-z_\-]{16,64})"),
    _form(Kind.SECRET, ("hf_",), r"hf_([A-Za-z]{30,40})"),
    _form(Kind.SECRET, ("shp",), r"shp(?:at|ca|pa|ss)_([0-9a-fA-F]{32})"),
    _form(Kind.SECRET, ("do_v1_", "dop_v1_", "doo_v1_"), r"do[opr]_v1_([0-9a-f]{64})"),
    _form(Kind.SECRET, (":AA",), r"[0-9]{8,10}:(AA[0-9A-Za-z_\-]{33})"),
    _form(Kind.SECRET, ("discord", "/api/webhooks/"),
          r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/([0-9]{17,20}/[\w\-]{60,80})"),
    _form(Kind.SECRET, ("gsk_",), r"gsk_([A-Za-z0-9]{40,60})"),
    _form(Kind.SECRET, ("AccountKey=",), r"AccountKey=([0-9A-Za-z+/]{80,90}={0,2})"),
)  # fmt: skip

_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9+/=_])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_])")
_ABOUT_AWS = words(r"aws", r"secret[ _\-]?access[ _\-]?key", r"secretaccesskey", r"secret[ _\-]?key",
                   r"akia", r"asia", whole=False)  # fmt: skip

_JWT = re.compile(r"(?<![A-Za-z0-9_\-])(eyJ[A-Za-z0-9_\-]{8,})(?:\.[A-Za-z0-9_\-]*){1,4}")
_BEGIN = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----|PuTTY-User-Key-File-[23]:"
)
_BODY = re.compile(r"(?:[A-Za-z0-9+/=:,.\- \t\r]|\\[nrt]|\n|[\"'+>#*|])*")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{16,}")


def tokens(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Tokens of AWS, GitHub, Slack, OpenAI, Anthropic, Google, Stripe and others, by their form."""
    text = folded.text
    for form in _FORMS:
        if not any(sign in text for sign in form.signs):
            continue
        for match in form.pattern.finditer(text):
            if policy.placeholders or _drawn(match[form.random], form.kind):
                yield form.kind, *match.span()
    if _ABOUT_AWS.search(folded.lower):
        yield from _aws_secrets(folded)


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
    text, lower = folded.text, folded.lower
    for match in _AWS_SECRET.finditer(text):
        value = match[0]
        if re.fullmatch("[0-9a-f]{40}", value) or is_placeholder(value) or entropy(value) < 3.8:
            continue  # 40 hexadecimal digits are a commit
        if last_word(_ABOUT_AWS, lower, match.start(), 120) >= 0:
            yield Kind.AWS_KEY, *match.span()


def jwts(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """JSON Web Tokens (RFC 7519): the first part is a JSON object, signed or encrypted."""
    if "eyJ" not in folded.text:
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
    for begin in _BEGIN.finditer(text):
        if begin.start() < done:
            continue
        if begin[1] is None:
            mac = re.compile(r"Private-MAC: [0-9a-f]{40,64}").search(text, begin.end())
            done = mac.end() if mac else begin.end()
            if mac:
                yield Kind.PRIVATE_KEY, begin.start(), done
            continue
        closing = f"-----END {begin[1]}-----"
        limit = begin.end() + 20_000  # the longest RSA key in use has 13,000 characters
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

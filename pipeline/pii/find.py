"""Personal data in one text: every rule's finds, of which those that overlap leave the longest."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Collection, Iterator

from pipeline.pii.accounts import cards, ibans, wallets
from pipeline.pii.addresses import addresses
from pipeline.pii.assignments import secrets, url_credentials
from pipeline.pii.emails import emails
from pipeline.pii.fold import Folded, fold
from pipeline.pii.identities import national_ids, ninos, passports, ssns
from pipeline.pii.kinds import ALL, Candidate, Found, Kind
from pipeline.pii.names import Names
from pipeline.pii.networks import ipv4, ipv6, macs
from pipeline.pii.phones import phones
from pipeline.pii.policy import DEFAULT, Policy
from pipeline.pii.randomness import is_random
from pipeline.pii.tokens import jwts, private_keys, tokens

__all__ = ["find_pii"]

_Rule = Callable[[Folded, Policy], Iterator[Candidate]]

_TOKENS = frozenset({Kind.AWS_KEY, Kind.GITHUB_TOKEN, Kind.SLACK_TOKEN, Kind.AI_KEY,
    Kind.GOOGLE_KEY,
                     Kind.STRIPE_KEY, Kind.SECRET})  # fmt: skip
# The most specific first: it wins where two finds are equally long.
_RULES: tuple[tuple[frozenset[Kind], _Rule], ...] = (
    (frozenset({Kind.PRIVATE_KEY}), private_keys),
    (frozenset({Kind.URL_CREDENTIALS}), url_credentials),
    (_TOKENS, tokens),
    (frozenset({Kind.JWT}), jwts),
    (frozenset({Kind.EMAIL}), emails),
    (frozenset({Kind.SECRET}), secrets),
)
# Those that need a digit, which most sentences lack. (Of the MAC addresses one in 100,000 has none.)
_DIGIT_RULES: tuple[tuple[frozenset[Kind], _Rule], ...] = (
    (frozenset({Kind.IPV6}), ipv6),
    (frozenset({Kind.MAC}), macs),
    (frozenset({Kind.WALLET}), wallets),
    (frozenset({Kind.IBAN}), ibans),
    (frozenset({Kind.IPV4}), ipv4),
    (frozenset({Kind.PASSPORT}), passports),
    (frozenset({Kind.ADDRESS}), addresses),
    (frozenset({Kind.NATIONAL_ID}), national_ids),
)
# Those that need six digits close together.
_NUMBER_RULES: tuple[tuple[frozenset[Kind], _Rule], ...] = (
    (frozenset({Kind.CARD}), cards),
    (frozenset({Kind.SSN}), ssns),
    (frozenset({Kind.NINO}), ninos),
    (frozenset({Kind.PHONE}), phones),
)
_RANKS = {
    kind: rank
    for rank, kind in enumerate(
        (
            Kind.PRIVATE_KEY, Kind.URL_CREDENTIALS, Kind.AWS_KEY, Kind.GITHUB_TOKEN,
            Kind.SLACK_TOKEN, Kind.AI_KEY,
            Kind.GOOGLE_KEY, Kind.STRIPE_KEY, Kind.JWT, Kind.WALLET, Kind.IBAN, Kind.EMAIL,
            Kind.IPV6, Kind.IPV4,
            Kind.MAC, Kind.SSN, Kind.NINO, Kind.PASSPORT, Kind.CARD, Kind.NATIONAL_ID, Kind.PHONE,
            Kind.ADDRESS,
            Kind.SECRET, Kind.NAME,
        )
    )
}  # fmt: skip
_DIGIT = re.compile("[0-9]")
# Whose form says more than the name that a secret was given to.
_TOKENS_INSIDE = 4
_OF_A_FORM = _TOKENS - {Kind.SECRET} | {Kind.JWT}


def find_pii(
    text: str,
    kinds: Collection[Kind] = ALL,
    *,
    policy: Policy = DEFAULT,
    names: Names | None = None,
) -> list[Found]:
    """Personal data of a text, in order, without overlaps.

    Where finds overlap the longest is taken, of equal ones the most specific kind. A token whose
    issuer is known is that, not a secret, though "session=" in front of it was taken for a part.

    Args:
        text: any string.
        kinds: what to look for.
        policy: what is spared.
        names: finds names of persons; without it there is no `Kind.NAME`.
    """
    folded = fold(text)
    wanted = frozenset(kinds)
    rules = _RULES
    if folded.runs:
        rules += _DIGIT_RULES
        if folded.numbers:
            rules += _NUMBER_RULES
    candidates = [
        candidate
        for of, rule in rules
        if of & wanted
        for candidate in rule(folded, policy)
        if candidate[0] in wanted
    ]
    candidates = _specific(candidates, folded.text)
    spans = [(kind, *folded.span(start, end)) for kind, start, end in candidates if start < end]
    if names is not None and Kind.NAME in wanted:
        spans.extend((Kind.NAME, start, end) for start, end in names.names(text) if start < end)
    return [Found(kind, start, end, text[start:end]) for kind, start, end in _apart(spans)]


def _specific(candidates: list[Candidate], text: str) -> list[Candidate]:
    """Without the secrets and logins of which nothing is left beside a token of known form."""
    inner = sorted(one[1:] for one in candidates if one[0] in _OF_A_FORM)
    if not inner:
        return candidates
    return [one for one in candidates if not _is_said_better(one, inner, text)]


def _is_said_better(one: Candidate, inner: list[tuple[int, int]], text: str) -> bool:
    kind, first, last = one
    if kind not in {Kind.SECRET, Kind.EMAIL}:
        return False
    at = bisect.bisect_left(inner, (first, first))
    for start, end in inner[at : at + _TOKENS_INSIDE]:
        if start >= last:
            break
        rest = (text[first:start], text[end:last])
        if end <= last and (kind is Kind.EMAIL or not any(map(_is_more, rest))):
            return True
    return False


def _is_more(rest: str) -> bool:
    """Whether the rest of a secret hides something too; a name or a host does not."""
    return _DIGIT.search(rest) is not None and is_random(rest)


def _apart(spans: list[Candidate]) -> list[Candidate]:
    """The longest ones that do not overlap, in order of their place."""
    spans.sort(key=lambda span: (span[1] - span[2], _RANKS[span[0]], span[1]))
    starts: list[int] = []
    taken: list[Candidate] = []
    for span in spans:
        place = bisect.bisect_right(starts, span[1])
        before = taken[place - 1] if place else None
        after = taken[place] if place < len(taken) else None
        if (before is None or before[2] <= span[1]) and (after is None or span[2] <= after[1]):
            starts.insert(place, span[1])
            taken.insert(place, span)
    return taken

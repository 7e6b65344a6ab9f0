"""Findings in the order and the pages in which a person reads them.

The page has room for some of them only. Every benchmark gets its share of the room, and so do the
findings that do not count; what is left out is said.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from audits.findings import Finding, Kind
from pipeline.reports.audit_texts import Shown, shortened, shown, visible
from pipeline.reports.audit_words import probability, step

__all__ = ["PAGE", "Entry", "Group", "Page", "sections"]

PAGE = 20  # findings
NAME = 200  # characters of an id or address
ADDRESS = 2000  # characters of an address that is still linked
FIGURES, FIGURE = 24, 120  # of the evidence, and characters of each
APART = 5  # one part in so many of the room is for findings that do not count
TEXTS = ("item_text", "text", "spans")

ALTERED, TOPIC = "Altered", "Same topic"
OTHERS = {
    ALTERED: "The item's wording with other numbers or conditions. It is another question; whoever "
    "has seen it has not seen the item's answer.",
    "Below the threshold": "Of a leaking kind, but less certain than the benchmark's threshold asks.",
    TOPIC: "About the same subject, and no copy of the item.",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One finding as the page has it; all texts visible, none escaped.

    Args:
        number: on the page, from 1.
        link: the address, if it may be followed; else empty.
        place: where in the document.
        copies: in how many documents the item counts as leaked.
        figures: of the evidence, name and value.
        figures_left_out: those that have no room.
    """

    number: int
    benchmark: str
    item: str
    document: str
    url: str
    link: str
    kind: str
    probability: str
    answer: bool
    place: str
    copies: int
    item_text: Shown
    text: Shown
    figures: tuple[tuple[str, str], ...]
    figures_left_out: int


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Up to `PAGE` findings, and what a reader is told before opening them."""

    first: int
    last: int
    certainty: str
    entries: tuple[Entry, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Findings that belong together.

    Args:
        total: how many there are; ``shown`` of them are in ``pages``.
    """

    name: str
    note: str
    total: int
    shown: int
    pages: tuple[Page, ...]


def sections(
    findings: Sequence[Finding], benchmarks: Iterable[str], room: int
) -> tuple[list[Group], list[Group]]:
    """Findings that count, by benchmark, and those that do not, by why; the most certain first.

    Among equally certain ones (to the two decimals that are shown) an item comes a second time
    only after every item has come once, so that one that a thousand documents repeat does not hide
    the others.

    Args:
        findings: of one audit, in any order.
        benchmarks: in the order of the page; those that only findings name come last.
        room: findings shown in all.
    """
    known = list(dict.fromkeys([*benchmarks, *sorted({one.benchmark for one in findings})]))
    copies: dict[tuple[str, str], set[str]] = defaultdict(set)
    counted: dict[str, list[Finding]] = {name: [] for name in known}
    others: dict[str, list[Finding]] = {name: [] for name in OTHERS}
    for one in findings:
        if one.leak:
            counted[one.benchmark].append(one)
            copies[one.benchmark, one.item].add(one.document)
        else:
            others[_why(one)].append(one)
    counted = {name: group for name, group in counted.items() if group}
    others = {name: group for name, group in others.items() if group}
    leaks, rest = (sum(map(len, groups.values())) for groups in (counted, others))
    apart = min(rest, max(room - leaks, room // APART))
    number = itertools.count(1)

    def groups(of: dict[str, list[Finding]], room: int) -> list[Group]:
        given = _allot([len(group) for group in of.values()], room)
        made = []
        for (name, group), most in zip(of.items(), given, strict=True):
            entries = [_entry(next(number), one, copies) for one in _ordered(group)[:most]]
            made.append(
                Group(visible(name), OTHERS.get(name, ""), len(group), most, _pages(entries))
            )
        return made

    return groups(counted, room - apart), groups(others, apart)


def _why(one: Finding) -> str:
    if one.type.leak:
        return "Below the threshold"
    return ALTERED if one.type is Kind.ALTERED else TOPIC


def _ordered(findings: Sequence[Finding]) -> list[Finding]:
    def place(one: Finding) -> tuple[Any, ...]:
        return (-one.probability, one.benchmark, one.item, one.document, one.start, one.end)

    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for one in sorted(findings, key=place):
        seen[one.benchmark, one.item] += 1
        ranked.append(((-step(one.probability), seen[one.benchmark, one.item]), one))
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]


def _allot(sizes: Sequence[int], room: int) -> list[int]:
    """Room for each group: the same for all, and what small ones leave goes to the large ones."""
    given = [0] * len(sizes)
    for left, place in zip(
        range(len(sizes), 0, -1), sorted(range(len(sizes)), key=lambda at: sizes[at]), strict=True
    ):
        given[place] = min(sizes[place], -(-room // left))
        room -= given[place]
    return given


def _pages(entries: Sequence[Entry]) -> tuple[Page, ...]:
    pages = []
    for start in range(0, len(entries), PAGE):
        here = tuple(entries[start : start + PAGE])
        most, least = here[0].probability, here[-1].probability
        certainty = most if most == least else f"{most} to {least}"
        pages.append(Page(start + 1, start + len(here), certainty, here))
    return tuple(pages)


def _entry(number: int, one: Finding, copies: dict[tuple[str, str], set[str]]) -> Entry:
    spans = one.evidence.get("spans")
    figures = [(name, value) for name, value in one.evidence.items() if name not in TEXTS]
    return Entry(
        number=number,
        benchmark=shortened(one.benchmark, NAME),
        item=shortened(one.item, NAME),
        document=shortened(one.document, NAME),
        url=shortened(one.url, NAME),
        link=_link(one.url),
        kind=one.type.value,
        probability=probability(one.probability),
        answer=one.answer,
        place=f"characters {one.start:,} to {one.end:,}",
        copies=len(copies.get((one.benchmark, one.item), ())),
        item_text=shown(one.evidence.get("item_text"), spans, 0),
        text=shown(one.evidence.get("text"), spans, 1),
        figures=tuple(
            (shortened(str(name), FIGURE), _figure(value)) for name, value in figures[:FIGURES]
        ),
        figures_left_out=max(0, len(figures) - FIGURES),
    )


def _link(url: str) -> str:
    """The address if following it can only mean a web page; else nothing."""
    if len(url) > ADDRESS or visible(url) != url or any(map(str.isspace, url)):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def _figure(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if value is None:
        return "none"
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return shortened(value, FIGURE)

"""Labelled passages for the verifier: what it is trained and judged on.

Three sources: labelled pairs of real benchmarks (``../shared/data``), groups written for this
project (``benchmarks/leak_groups``), and known leaks made by rule from benchmark items. Clean texts
are of the same trades: training questions, other items, hard negatives. Two further sets are all
clean: the pages of the shared crawl, and questions of XQuAD against others on the same passages.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from gold import crawled_pages

from audits.benchmarks.load import load_benchmark
from audits.findings import Kind
from audits.items import Benchmark, Item
from audits.leaks.inject import FORMS, render
from audits.leaks.labelled import read_leaks
from pipeline.extract.html import Trafilatura
from pipeline.extract.page import Page
from pipeline.filters.url_parts import registrable_domain

__all__ = [
    "PASSAGES",
    "TRADES",
    "WEB",
    "Copies",
    "Text",
    "asks_the_same",
    "labelled",
    "other_questions",
    "plain",
    "web_pages",
]

GROUPS = Path(__file__).parent / "leak_groups"
SAME = Path(__file__).parent / "same_tasks.tsv"
SHINGLE = 8
TRADES = ("gsm8k", "mmlu", "mbpp", "humaneval")
WEB = "web"  # the trade of ordinary pages
PASSAGES = "passages"  # that of other questions on an item's own passage
OTHERS = 600  # further items of MMLU, so that the index is no smaller than 3,000
MADE = 40  # items of each trade that are written in every form


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A document of one passage.

    Args:
        text: what it says.
        trade: benchmark, or ``groups:TRADE``, whose kind of text it is.
        kind: what it is to ``item``; None for a clean text.
        item: number of the item it leaks or alters; -1 for none.
        near: number of an item that it resembles and is not; -1 for none.
        form: where it comes from.
        group: texts of one group, a site or a passage, are of one fold.
    """

    text: str
    trade: str
    kind: Kind | None = None
    item: int = -1
    near: int = -1
    form: str = ""
    group: str = ""


def labelled(shared: Path, *, made: bool = True) -> tuple[list[Item], list[Text]]:
    """The items of an index, and texts that leak them or do not.

    Args:
        shared: folder of the real data.
        made: with leaks made by rule.
    """
    items: list[Item] = []
    texts: list[Text] = []
    _pairs(shared, items, texts)
    _clean(shared, items, texts)
    real = len(items)
    _groups(items, texts)
    if made:
        texts += _made(items, real)
    return items, texts


def web_pages(shared: Path) -> list[Text]:
    """Every page of the shared crawl, as an audit of its extracted text reads it."""
    engine = Trafilatura(include_comments=True)
    pages = [(url, engine.extract(Page(html))) for _, url, html in crawled_pages(shared)]
    return [
        Text(text, WEB, form="page", group=registrable_domain(urlsplit(url).hostname or ""))
        for url, text in pages
        if text
    ]


def other_questions(shared: Path) -> list[tuple[Benchmark, list[Text]]]:
    """Halves of XQuAD's questions as an index, and the others on the same passages as clean texts.

    Each is there alone, and behind its passage.
    """
    whole = load_benchmark("xquad", folder=shared / "benchmarks")
    by_passage: dict[str, list[Item]] = {}
    for item in whole.items:
        by_passage.setdefault(item.passage, []).append(item)
    halves = []
    for half in (0, 1):
        inside = [one for items in by_passage.values() for one in items[half::2]]
        known = {plain(one.question) for one in inside}
        texts = [
            Text(text, PASSAGES, form=form, group=str(number))
            for number, items in enumerate(by_passage.values())
            for one in items[1 - half :: 2]
            if plain(one.question) not in known
            for form, text in (
                ("other question", one.question),
                ("other question, with passage", f"{one.passage}\n\n{one.question}"),
            )
        ]
        halves.append((dataclasses.replace(whole, items=tuple(inside)), texts))
    return halves


def _pairs(shared: Path, items: list[Item], texts: list[Text]) -> None:
    folder = shared / "benchmarks"
    leaks = [
        leak
        for name in TRADES
        for leak in read_leaks(folder / "pairs_dev" / f"{name}.jsonl")
        if leak.language in ("en", "py")
    ]
    wanted = {(leak.item.benchmark, leak.item.id) for leak in leaks}
    rng = random.Random(7)
    for name in (*TRADES, "xquad"):
        all_ = load_benchmark(name, folder=folder).items
        chosen = [one for one in all_ if (name, one.id) in wanted or name in ("gsm8k", "xquad")]
        if name == "mmlu":
            rest = [one for one in all_ if (name, one.id) not in wanted]
            chosen += rng.sample(rest, OTHERS)
        items += chosen
    number = {(item.benchmark, item.id): at for at, item in enumerate(items)}
    known = {plain(item.question) for item in items}
    seen: set[str] = set()
    for leak in leaks:
        at = number[leak.item.benchmark, leak.item.id]
        if leak.kind is not Kind.SAME_TOPIC:
            texts.append(Text(leak.text, leak.item.benchmark, leak.kind, at, form=leak.form))
            continue
        first = plain(leak.text.strip().split("\n")[0])
        if first in known or plain(leak.text) in known or plain(leak.text) in seen:
            continue  # another item of the index, not a clean text
        seen.add(plain(leak.text))
        texts.append(Text(leak.text, leak.item.benchmark, near=at, form=leak.form))


def _clean(shared: Path, items: list[Item], texts: list[Text]) -> None:
    folder = shared / "benchmarks"
    copies = Copies(items)
    seen = {plain(text.text) for text in texts}
    indexed = {(item.benchmark, item.id) for item in items}
    sources = (
        ("gsm8k", "train", "gsm8k:train"),
        ("mmlu", "validation", "mmlu:validation"),
        ("mmlu", "dev", "mmlu:dev"),
        ("mbpp", "other items", "mbpp"),
        ("humaneval", "other items", "humaneval"),
    )
    for trade, form, name in sources:
        for item in load_benchmark(name, folder=folder).items:
            code = trade in ("mbpp", "humaneval")
            if code and (item.benchmark, item.id) in indexed:
                continue
            document = "\n".join((item.question, item.solution)) if code else item.question
            words = plain(document)
            if words not in seen and not copies.has(document):
                seen.add(words)
                texts.append(Text(document, trade, form=form))


def _groups(items: list[Item], texts: list[Text]) -> None:
    for path in sorted(GROUPS.glob("*.jsonl")):
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            at, trade = len(items), f"groups:{row['trade']}"
            items.append(
                Item(trade, row["group"], row["question"], tuple(row["choices"] or ()),
                     row["answer"] or "", row["solution"] or "", row["passage"] or "")
            )  # fmt: skip
            for kind, name in (
                (Kind.PARAPHRASE, "paraphrases"),
                (Kind.ALTERED, "altered"),
                (Kind.ANSWER_EXPLAINED, "explained"),
            ):
                texts += [Text(one, trade, kind, at, form=name) for one in row[name]]
            texts.append(Text(row["inline"], trade, Kind.PARAPHRASE, at, form="inline"))
            for name in ("same_topic", "explained_other"):
                texts += [Text(one, trade, near=at, form=name) for one in row[name]]


def _made(items: list[Item], real: int) -> Iterator[Text]:
    rng = np.random.default_rng(11)
    by_trade: dict[str, list[int]] = {}
    for at, item in enumerate(items):
        by_trade.setdefault(item.benchmark if at < real else "groups", []).append(at)
    for numbers in by_trade.values():
        for at in sorted(rng.permutation(numbers)[:MADE].tolist()):
            for name, form in FORMS.items():
                text = render(items[at], name, rng)
                if text:
                    yield Text(text, items[at].benchmark, form.kind, at, form=f"made:{name}")


class Copies:
    """Finds texts that share over half their 8-grams with an item: copies, whoever labelled them."""

    def __init__(self, items: list[Item]):
        self._owners: dict[str, set[int]] = {}
        self._sizes = [len(_shingles(item.question)) for item in items]
        self._plain = {plain(item.question) for item in items}
        for at, item in enumerate(items):
            for shingle in _shingles(item.question):
                self._owners.setdefault(shingle, set()).add(at)

    def has(self, text: str) -> bool:
        if plain(text) in self._plain or plain(text.strip().split("\n")[0]) in self._plain:
            return True
        own = _shingles(text)
        shared = Counter(at for shingle in own for at in self._owners.get(shingle, ()))
        return any(2 * n > len(own) or 2 * n > self._sizes[at] for at, n in shared.items())


def asks_the_same(text: str) -> bool:
    """Whether a text labelled clean was read, and asks for the same as an item (``same_tasks.tsv``)."""
    return hashlib.sha256(plain(text).encode()).hexdigest()[:16] in _same()


@functools.cache
def _same() -> frozenset[str]:
    lines = SAME.read_text("utf-8").splitlines()
    return frozenset(line.split("\t")[0] for line in lines if not line.startswith("#"))


def _shingles(text: str) -> set[str]:
    words = plain(text).split()
    return {" ".join(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1)}


def plain(text: str) -> str:
    """Its words, in lower case, with one space between them."""
    return " ".join(re.findall(r"\w+", text.lower()))

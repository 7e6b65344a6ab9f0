"""The embedded sample of an audit: a small benchmark, a corpus that leaks part of it, a model's results.

Everything in it is invented. The items are some of those of the shipped leaks, the documents are the
texts of the sample crawl, and what is planted in them is made by rule or was written by hand. Nothing
depends on the clock; the same numpy writes the same bytes.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audits.findings import Kind
from audits.items import Item
from audits.leaks.inject import FORMS, inject, place
from audits.leaks.labelled import Leak, shipped_leaks
from pipeline.runtime.storage import writing_sample
from pipeline.sources.sample import SampleText, sample_texts

__all__ = ["BENCHMARK", "Document", "LeakSample", "leak_sample", "write_leak_sample"]

BENCHMARK = "sample_quiz"
DEFINITION, ITEMS, CORPUS, RESULTS = "benchmark.yaml", "items.jsonl", "corpus.jsonl", "results.csv"
SEED = 0
SHORTEST = 200  # characters of a page that is a document

YAML = f"""\
# A benchmark in a few lines: where its rows are, and which of their fields make an item.
name: {BENCHMARK}
description: 24 invented items of fourteen trades; they come with Gristmill.
files: {ITEMS}
id: id
question: question
choices: choices
answer: answer
solution: solution
passage: passage
subject: trade
language: "{{language}}"  # of the item, or that of a programming language
"""


@dataclasses.dataclass(frozen=True, slots=True)
class _Planned:
    """What becomes of an item.

    Args:
        item: its id.
        how: a form of `audits.leaks.inject.FORMS`, or kind and form of a labelled leak
            (``paraphrase/free``); empty for an item that is in no document.
        right: whether the invented model answers it.
    """

    item: str
    how: str
    right: bool


PLAN = (
    _Planned("exam-013", "hard-wrapped", right=True),
    _Planned("exam-068", "typos", right=True),
    _Planned("school-maths-016", "own-paragraph", right=True),
    _Planned("school-maths-025", "question-answer", right=True),
    _Planned("contest-maths-007", "inline", right=True),
    _Planned("code-function-014", "own-paragraph", right=True),
    _Planned("graduate-science-002", "choices-shuffled", right=False),
    _Planned("school-maths-021", "paraphrase/light", right=True),
    _Planned("school-science-011", "paraphrase/free", right=True),
    _Planned("code-task-028", "paraphrase/free", right=True),
    _Planned("exam-057", "paraphrase/casual", right=True),
    _Planned("logic-009", "paraphrase/casual", right=False),
    _Planned("passage-question-004", "paraphrase/inline", right=True),
    _Planned("exam-069", "answer-explained/written", right=True),
    _Planned("myths-018", "answer-explained/written", right=True),
    _Planned("school-maths-005", "altered/written", right=False),
    _Planned("contest-maths-018", "altered/written", right=False),
    _Planned("code-task-018", "altered/written", right=True),
    _Planned("school-science-019", "same-topic/question", right=True),
    _Planned("common-sense-001", "same-topic/question", right=True),
    _Planned("instruction-010", "same-topic/question", right=False),
    _Planned("myths-008", "", right=False),
    _Planned("continuation-013", "", right=True),
    _Planned("pronoun-013", "", right=False),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A document of the sample, and the truth about it.

    Args:
        id: unique in the sample.
        url: of the page.
        text: of the page, with what was planted.
        item: id of the item that was planted in some form; empty in a document without one.
        kind: what it is to that item; None in a document without one.
        start, end: characters of ``text`` that were planted, end exclusive.
    """

    id: str
    url: str
    text: str
    item: str = ""
    kind: Kind | None = None
    start: int = 0
    end: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class LeakSample:
    """The sample.

    Args:
        items: of the benchmark.
        documents: of the corpus.
        results: by id of the item, whether the invented model answers it.
    """

    items: tuple[Item, ...]
    documents: tuple[Document, ...]
    results: Mapping[str, bool]

    @property
    def leaks(self) -> dict[str, str]:
        """Documents that give an item away, and the item."""
        return {one.id: one.item for one in self.documents if one.kind and one.kind.leak}


def leak_sample() -> LeakSample:
    """Make the sample.

    Raises:
        SourceError: the installation lacks the shipped leaks.
    """
    labelled: dict[str, list[Leak]] = defaultdict(list)
    for leak in shipped_leaks():
        labelled[leak.item.id].append(leak)
    items = tuple(
        dataclasses.replace(labelled[one.item][0].item, benchmark=BENCHMARK) for one in PLAN
    )
    pages = _pages()
    kept = [page.name for page in pages if page.kept]
    order = np.random.default_rng(SEED).permutation(len(kept)).tolist()
    hosts = iter(kept[at] for at in order)
    planned = {next(hosts): (one, item) for one, item in zip(PLAN, items, strict=True) if one.how}
    documents = tuple(
        _planted(page, *planned[page.name], labelled)
        if page.name in planned
        else Document(page.name, page.url, page.text)
        for page in pages
    )
    return LeakSample(items, documents, {one.item: one.right for one in PLAN})


def write_leak_sample(folder: Path) -> LeakSample:
    """Write the sample, over any older one.

        FOLDER/benchmark.yaml, items.jsonl   the benchmark
        FOLDER/corpus.jsonl                  documents: ``id``, ``url``, ``text``
        FOLDER/results.csv                   of an invented model: ``benchmark``, ``item``, ``correct``

    Args:
        folder: made if it is missing.

    Returns:
        What was written, with the truth about it.

    Raises:
        StorageError: it cannot be written.
        SourceError: see `leak_sample`.
    """
    sample = leak_sample()
    documents = ({"id": one.id, "url": one.url, "text": one.text} for one in sample.documents)
    results = io.StringIO(newline="")
    table = csv.writer(results, lineterminator="\n")
    table.writerow(("benchmark", "item", "correct"))
    table.writerows(
        (BENCHMARK, item, "true" if right else "false") for item, right in sample.results.items()
    )
    texts = {
        DEFINITION: YAML,
        ITEMS: _lines(map(_row, sample.items)),
        CORPUS: _lines(documents),
        RESULTS: results.getvalue(),
    }
    with writing_sample(folder):
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return sample


def _pages() -> list[SampleText]:
    """Pages with something to say; of equal ones that which is kept, else the first."""
    by_text: dict[str, SampleText] = {}
    for page in sample_texts():
        known = by_text.get(page.text)
        if len(page.text) >= SHORTEST and (known is None or page.kept > known.kept):
            by_text[page.text] = page
    return list(by_text.values())


def _planted(
    page: SampleText, plan: _Planned, item: Item, labelled: Mapping[str, Sequence[Leak]]
) -> Document:
    # One for each item, so that another plan for one does not change the others.
    rng = np.random.default_rng([SEED, zlib.crc32(item.id.encode())])
    if plan.how in FORMS:
        made = inject(item, page.text, plan.how, rng)
        return Document(
            page.name, page.url, made.document_text, item.id, made.kind, made.start, made.end
        )
    leak = next(one for one in labelled[item.id] if f"{one.kind}/{one.form}" == plan.how)
    text, start, end = place(leak.text.strip(), page.text, rng)
    return Document(page.name, page.url, text, item.id, leak.kind, start, end)


def _row(item: Item) -> dict[str, Any]:
    row = {
        "id": item.id,
        "trade": item.subject,
        "question": item.question,
        "choices": list(item.choices),
        "answer": item.answer,
        "solution": item.solution,
        "passage": item.passage,
        "language": item.language,
    }
    return {name: value for name, value in row.items() if value}


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

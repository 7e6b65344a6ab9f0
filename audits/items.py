"""Benchmark items: the texts that must not be in a training corpus, in one shape whatever their source.

An item keeps its parts apart, since each leaks in its own way and counts for something else: a
question that was copied is a leak, a passage that was is often a public text.
"""

from __future__ import annotations

import dataclasses

__all__ = ["Benchmark", "Item"]


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One item of a benchmark.

    Args:
        benchmark: name of its definition, such as ``mmlu``.
        id: unique within the benchmark, as text.
        question: its own text: the question's stem, the task, the prompt of a function.
        choices: texts of the options, in order; empty where there are none.
        answer: text of the right answer, not its letter; empty where there is none.
        solution: worked solution or reference code; empty where there is none.
        passage: a text that the question is about and that other items may share.
        subject: a part of the benchmark, such as ``anatomy``; empty where it has none.
        language: ISO 639-1 code of the question, or that of a programming language (``py``).
    """

    benchmark: str
    id: str
    question: str
    choices: tuple[str, ...] = ()
    answer: str = ""
    solution: str = ""
    passage: str = ""
    subject: str = ""
    language: str = "en"


@dataclasses.dataclass(frozen=True, slots=True)
class Benchmark:
    """The items of a benchmark, and where they come from.

    Args:
        name: of the definition.
        items: in the order of the source.
        source: path or Hub id, with the files read.
        revision: of a Hub data set; empty for local files.
        sha256: over what was read: the canonical JSON of the items, in order.
        faults: what could not become an item: place and reason, one each.
        public_passage: whether passages are published texts (Wikipedia, books), so that finding one
            in a corpus says nothing about the benchmark.
    """

    name: str
    items: tuple[Item, ...]
    source: str
    revision: str = ""
    sha256: str = ""
    faults: tuple[str, ...] = ()
    public_passage: bool = False

"""Evidence for every labelled passage and its candidates, kept in a file since it takes minutes.

Candidates and evidence are those of an audit (`audits.examine.Examiner.weighed`), without pre-screen
but for pages.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import itertools
import multiprocessing
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from verifier_data import Text, labelled, other_questions, web_pages

from audits.benchmarks.load import load_benchmark
from audits.examine import Examiner
from audits.index import build_index
from audits.items import Benchmark, Item
from audits.settings import AuditSettings
from audits.verify.evidence import NAMES

__all__ = ["SHARED", "Figures", "benchmarks_of", "figures"]

SHARED = ("mmlu", "gsm8k", "humaneval", "mbpp", "bbh", "truthfulqa", "ifeval", "mt_bench", "xquad")
AT_ONCE = 64
PROCESSES = (
    2  # of one thread each (OMP_NUM_THREADS=1): threads that share a core wait for each other
)
SETTINGS = AuditSettings(prescreen=False)

_Rows = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]
# By text and item: its cosine, its figures.
_Best = dict[tuple[int, int], tuple[float, list[float]]]


@dataclasses.dataclass(frozen=True, eq=False)
class Figures:
    """One row for each text and item that an audit takes for a candidate there.

    Args:
        items, texts: see `verifier_data.labelled`.
        figures: ``float32[n, features]``, in the order of `audits.verify.evidence.NAMES`, where the
            item's cosine is greatest.
        text, item: ``int64[n]``, whose row it is; item is -1 for those of pages, which are held
            against all items of the shared benchmarks, and of other questions on a passage.
    """

    items: list[Item]
    texts: list[Text]
    figures: npt.NDArray[np.float32]
    text: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]


def figures(shared: Path, cache: Path | None = None) -> Figures:
    """Weigh every labelled text.

    Args:
        shared: folder of the real data.
        cache: an ``.npz`` that is read if it is there, else written.
    """
    items, texts = labelled(shared)
    pages = web_pages(shared)
    halves = other_questions(shared)
    everything = [load_benchmark(name, folder=shared / "benchmarks") for name in SHARED]
    parts = [
        (benchmarks_of(items), texts, SETTINGS),
        *(([half], asked, SETTINGS) for half, asked in halves),
        (everything, pages, AuditSettings()),
    ]
    every = [text for _, own, _ in parts for text in own]
    digest = hashlib.sha256(
        "\0".join([repr(NAMES), SETTINGS.fingerprint(), *(text.text for text in every)]).encode()
    ).hexdigest()
    if cache is not None and cache.is_file():
        with np.load(cache, allow_pickle=False) as stored:
            if stored["digest"] == digest:
                return Figures(items, every, *(stored[one] for one in ("figures", "text", "item")))
    rows: list[_Rows] = []
    before = 0
    for benchmarks, own, settings in parts:
        figures, text, item = _weighed(benchmarks, own, settings)
        rows.append((figures, text + before, item if own is texts else np.full(len(text), -1)))
        before += len(own)
    found = Figures(items, every, *(np.concatenate(one) for one in zip(*rows, strict=True)))
    if cache is not None:
        np.savez(
            cache, digest=np.array(digest), figures=found.figures, text=found.text, item=found.item
        )
    return found


def benchmarks_of(items: Iterable[Item]) -> list[Benchmark]:
    """Benchmarks of items that stand together."""
    return [
        Benchmark(name, tuple(own), "labelled")
        for name, own in itertools.groupby(items, lambda item: item.benchmark)
    ]


def _weighed(benchmarks: Sequence[Benchmark], texts: list[Text], settings: AuditSettings) -> _Rows:
    """Figures, number of the text and of the item of each row."""
    with tempfile.TemporaryDirectory() as name:
        index = Path(name)
        build_index(benchmarks, index, settings)
        starts = range(0, len(texts), AT_ONCE)
        parts = [
            (start, [text.text for text in texts[start : start + AT_ONCE]]) for start in starts
        ]
        best: _Best = {}
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(
            PROCESSES, context, initializer=_start, initargs=(index, settings)
        ) as pool:
            for done, found in enumerate(pool.map(_part, *zip(*parts, strict=True))):
                best |= found
                print(f"{done + 1:,} of {len(parts):,} parts", file=sys.stderr, flush=True)
    places = sorted(best)
    return (
        np.array([best[one][1] for one in places], np.float32),
        np.array([one[0] for one in places], np.int64),
        np.array([one[1] for one in places], np.int64),
    )


_examiner: list[Examiner] = []


def _start(index: Path, settings: AuditSettings) -> None:
    _examiner.append(Examiner(index, settings))


def _part(start: int, texts: Sequence[str]) -> _Best:
    best: _Best = {}
    for row, weighed in _examiner[0].weighed(texts):
        for one in weighed:
            key = (start + row, one.item)
            entry = (one.figures["cosine"], [one.figures[name] for name in NAMES])
            if key not in best or best[key][0] < entry[0]:
                best[key] = entry
    return best

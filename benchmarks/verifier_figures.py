"""Evidence for every labelled passage and its candidates, kept in a file since it takes minutes."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import multiprocessing
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from verifier_data import Text, labelled

from audits.index import nearest_items, neighbours
from audits.items import Item
from audits.semantic.passages import passages
from audits.verify.evidence import NAMES
from audits.verify.known import KnownItems, statement
from audits.verify.reading import Reader
from audits.verify.weighing import weigh
from classifiers.embed import Encoder

__all__ = ["Figures", "figures"]

CANDIDATES, LEAST_COSINE = 5, 0.3
AT_ONCE = 256
PROCESSES = (
    2  # of one thread each (OMP_NUM_THREADS=1): threads that share a core wait for each other
)
ENCODER = Encoder(dtype="bfloat16")

# By text and item: whether it was proposed, its cosine, its figures.
_Best = dict[tuple[int, int], tuple[bool, float, list[float]]]


@dataclasses.dataclass(frozen=True, eq=False)
class Figures:
    """One row for each text and candidate item.

    Args:
        items, texts: see `verifier_data.labelled`.
        figures: ``float32[n, features]``, in the order of `audits.verify.evidence.NAMES`.
        text, item: ``int64[n]``, whose row it is.
        proposed: ``bool[n]``, whether the item is among the nearest of a passage.
    """

    items: list[Item]
    texts: list[Text]
    figures: npt.NDArray[np.float32]
    text: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    proposed: npt.NDArray[np.bool_]


def figures(shared: Path, cache: Path | None = None) -> Figures:
    """Weigh every labelled text.

    Args:
        shared: folder of the real data.
        cache: an ``.npz`` that is read if it is there, else written.
    """
    items, texts = labelled(shared)
    if cache is not None and cache.is_file():
        with np.load(cache, allow_pickle=False) as stored:
            if stored["names"].tolist() == list(NAMES):
                rows = [stored[name] for name in ("figures", "text", "item", "proposed")]
                return Figures(items, texts, *rows)
    found = _weighed(items, texts)
    if cache is not None:
        np.savez(
            cache,
            names=np.array(NAMES),
            figures=found.figures,
            text=found.text,
            item=found.item,
            proposed=found.proposed,
        )
    return found


def _weighed(items: list[Item], texts: list[Text]) -> Figures:
    vectors = ENCODER.encode([statement(item) for item in items])
    every = [
        (at, text.text[one.start : one.end])
        for at, text in enumerate(texts)
        for one in passages(text.text)
    ]
    cuts = np.linspace(0, len(every), PROCESSES + 1).astype(int).tolist()
    parts = [(items, texts, vectors, every[start:end]) for start, end in itertools.pairwise(cuts)]
    best: _Best = {}
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(PROCESSES, context) as pool:
        for found in pool.map(_part, parts):
            for key, entry in found.items():
                if key not in best or best[key][:2] < entry[:2]:
                    best[key] = entry
    places = sorted(best)
    return Figures(
        items,
        texts,
        np.array([best[one][2] for one in places], np.float32),
        np.array([one[0] for one in places], np.int64),
        np.array([one[1] for one in places], np.int64),
        np.array([best[one][0] for one in places], np.bool_),
    )


def _part(
    given: tuple[list[Item], list[Text], npt.NDArray[np.float32], list[tuple[int, str]]],
) -> _Best:
    items, texts, vectors, every = given
    reader = Reader(ENCODER)
    known_items = KnownItems(items, reader, neighbours(vectors))
    best: _Best = {}
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        regions = reader.read([passage for _, passage in some])
        spoken = np.stack([one.vector for one in regions])
        cosines, numbers = nearest_items(vectors, spoken, CANDIDATES)
        asked, near = [], []
        for row, (at, passage) in enumerate(some):
            found = dict(zip(numbers[row].tolist(), cosines[row].tolist(), strict=True))
            own = [one for one in (texts[at].item, texts[at].near) if one >= 0]
            close = [one for one in found if found[one] >= LEAST_COSINE]
            near.append(found)
            asked.append((passage, list(dict.fromkeys((*close, *own)))))
        weighed = weigh(known_items, reader, asked, regions)
        for row, (at, _) in enumerate(some):
            for one in weighed[row]:
                cosine = near[row].get(one.item, -1.0)
                figures = [one.figures[name] for name in NAMES]
                entry = (cosine >= LEAST_COSINE, cosine, figures)
                if (at, one.item) not in best or best[at, one.item][:2] < entry[:2]:
                    best[at, one.item] = entry
        print(f"{start + len(some):,} of {len(every):,} passages", file=sys.stderr, flush=True)
    return best

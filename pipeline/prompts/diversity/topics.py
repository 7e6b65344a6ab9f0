"""Topics of a pool: clusters of its vectors, named by their most telling words, and a map."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError
from pipeline.prompts.diversity.k_means import cluster
from pipeline.prompts.diversity.unit_vectors import Float32, Int64, parts, unit_vectors

__all__ = ["NO_TOPIC", "topic_clusters", "topic_map", "topic_names"]

NO_TOPIC = -1  # label of zero vectors

_MOST = 200  # clusters by default: more than a person reads
_READ = 2_000  # characters of a text: what it is about is said by then
# Letters with their marks, and apostrophes within; scripts that put no spaces between words apart.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_WORD = re.compile(rf"(?:(?![{_UNSPACED}])[^\W\d_])+(?:['’][^\W\d_]+)?|[{_UNSPACED}]+")
_SPELT = re.compile(rf"[{_UNSPACED}]")


def topic_clusters(vectors: npt.ArrayLike, count: int | None = None, seed: int = 0) -> Int64:
    """The topic of each prompt, by spherical k-means; topic 0 is the largest.

    Args:
        vectors: ``[n, d]``; see `unit_vectors`.
        count: topics wanted, at least 1; by default the square root of n / 2 (Mardia et al. 1979),
            at most 200. Fewer are found where fewer vectors differ.
        seed: of the first centres.

    Returns:
        ``int64[n]``; `NO_TOPIC` for zero vectors.

    Raises:
        ConfigError: see `unit_vectors`; or ``count`` is below 1.
    """
    if count is not None and count < 1:
        raise ConfigError(f"count = {count}: give 1 topic or more")
    unit = unit_vectors(vectors)
    labels = np.full(len(unit), NO_TOPIC, np.int64)
    there = np.flatnonzero(unit.any(axis=1))
    if not len(there):
        return labels
    if count is None:
        count = min(max(round(math.sqrt(len(there) / 2)), 1), _MOST)
    found = cluster(unit[there], count, seed).labels
    sizes = np.bincount(found)
    _, first = np.unique(found, return_index=True)
    renamed = np.empty(len(sizes), np.int64)
    renamed[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    labels[there] = renamed[found]
    return labels


def topic_names(
    texts: Sequence[str], labels: Sequence[int] | Int64, words: int = 3
) -> tuple[str, ...]:
    """The most telling words of each topic, joined by ``", "``.

    By c-TF-IDF (Grootendorst 2022, "BERTopic"): how often a topic's prompts have a word, times
    ``log(1 + A / f)``, where A is the mean count of words of a topic and f that of the word in all.
    A prompt counts a word once, so that one that repeats itself does not name its topic. No list of
    stop words is needed, and none would do for all languages: a word that more than half of the
    topics have names none of them. Scripts without spaces are read by pairs of letters.

    Args:
        texts: the prompts, any strings; the first 2,000 characters of each are read.
        labels: the topic of each, from 0; those below 0 are left out.
        words: of a name at most.

    Returns:
        A name for each topic from 0 to the largest; ``"topic N"`` for one without words.

    Raises:
        ConfigError: as many labels as texts are needed.
    """
    if len(texts) != len(labels):
        raise ConfigError(f"{len(labels)} labels for {len(texts)} texts; give one for each")
    counts: list[Counter[str]] = [Counter() for _ in range(max(map(int, labels), default=-1) + 1)]
    for text, label in zip(texts, labels, strict=True):
        if label >= 0:
            counts[label].update(set(_words(text[:_READ])))
    total: Counter[str] = Counter()
    topics: Counter[str] = Counter()
    for count in counts:
        total.update(count)
        topics.update(count.keys())
    usual = total.total() / max(len(counts), 1)
    return tuple(
        ", ".join(_telling(count, total, topics, usual, len(counts), words)) or f"topic {number}"
        for number, count in enumerate(counts)
    )


def topic_map(vectors: npt.ArrayLike) -> Float32:
    """A place in the plane for each vector: its first two principal components.

    Args:
        vectors: ``[n, d]``; see `unit_vectors`.

    Returns:
        ``float32[n, 2]``, rounded to four places, centred; the component of largest size along each
        axis is positive. Zeros where there are fewer than two dimensions.

    Raises:
        ConfigError: see `unit_vectors`.
    """
    unit = unit_vectors(vectors)
    count, size = unit.shape
    found = np.zeros((count, 2), np.float32)
    if not count or not size:
        return found
    mean = unit.mean(axis=0, dtype=np.float64)
    squares = np.zeros((size, size))
    for part in parts(count, size):
        rows = unit[part].astype(np.float64)
        squares += rows.T @ rows
    _, _, axes = np.linalg.svd(squares / count - np.outer(mean, mean), hermitian=True)
    axes = axes[:2]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    axes = axes * np.where(largest < 0, -1.0, 1.0)
    for part in parts(count, size):
        places = (unit[part].astype(np.float64) - mean) @ axes.T
        found[part, : len(axes)] = np.round(places, 4) + 0.0
    return found


def _words(text: str) -> Iterable[str]:
    for match in _WORD.finditer(text.lower()):
        word = match.group()
        if _SPELT.match(word):
            yield from (word[at : at + 2] for at in range(max(len(word) - 1, 1)))
        elif len(word) > 1:
            yield word


def _telling(
    count: Counter[str],
    total: Counter[str],
    topics: Counter[str],
    usual: float,
    of: int,
    words: int,
) -> list[str]:
    # Two or three topics say nothing of how widely a word is used.
    spread = of / 2 if of > 3 else of
    scored = sorted(
        (-number * math.log1p(usual / total[word]), word)
        for word, number in count.items()
        if topics[word] <= spread
    )
    return [word for _, word in scored[:words]]

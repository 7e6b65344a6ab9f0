"""Overlap of a training set with a Golden Set: the same prompt, or eight words in a row.

Meaning is compared by the audit (`pipeline.audit`); what is here needs no model.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["NGRAM", "common_runs", "exact_key", "ngrams", "overlaps", "shared_with"]

NGRAM = 8  # words
_WORD = re.compile(r"\w+")


def exact_key(text: str) -> str:
    """What two prompts have in common that differ in case, punctuation and white space only."""
    return " ".join(_WORD.findall(text.lower())) or text.strip()


def ngrams(text: str, size: int = NGRAM) -> Iterator[int]:
    """Hashes of runs of words, in lower case; none of a shorter text."""
    words = _WORD.findall(text.lower())
    for at in range(len(words) - size + 1):
        run = "\0".join(words[at : at + size]).encode("utf-8", "surrogatepass")
        yield int.from_bytes(hashlib.blake2b(run, digest_size=8).digest(), "big")


def common_runs(candidates: Sequence[str], texts: Iterable[str]) -> list[frozenset[int]]:
    """Runs of eight words of each text that a candidate has as well, each by its hash.

    Args:
        candidates: prompts that might evaluate.
        texts: all that is said in each conversation that might train.
    """
    known = frozenset(run for text in candidates for run in ngrams(text))
    return [known.intersection(ngrams(text)) if known else known for text in texts]


def shared_with(candidates: Sequence[str], runs: Iterable[frozenset[int]]) -> list[int]:
    """With how many texts each candidate shares eight words in a row, at most: by its commonest run.

    Args:
        candidates: prompts that might evaluate.
        runs: of each text, from `common_runs`.
    """
    count = Counter(run for own in runs for run in own)
    return [max((count[run] for run in ngrams(text)), default=0) for text in candidates]


def overlaps(
    golden: Iterable[str], asked: Sequence[Sequence[str]], runs: Sequence[frozenset[int]]
) -> list[tuple[str, int] | None]:
    """How each training conversation overlaps with the Golden Set.

    Args:
        golden: prompts of the Golden Set.
        asked: turns of the user in each conversation: a later one may be the prompt, too.
        runs: of all that is said in each of them, from `common_runs` with these prompts and others.

    Returns:
        For each ``"golden.exact"`` and 1, ``"golden.ngram"`` and the number of runs of eight words
        in common, or None.
    """
    known = list(golden)
    keys = {exact_key(text) for text in known}
    own_runs = frozenset(run for text in known for run in ngrams(text))
    found: list[tuple[str, int] | None] = []
    for turns, own in zip(asked, runs, strict=True):
        if any(exact_key(turn) in keys for turn in turns):
            found.append(("golden.exact", 1))
            continue
        shared = len(own & own_runs)
        found.append(("golden.ngram", shared) if shared else None)
    return found

"""Which turns a person should label: those that the model is unsure of and that are unlike each other.

Uncertainty sampling (Lewis and Gale 1994) with a farthest-first choice over the embeddings of the
most uncertain, so that one question asked in a hundred ways is labelled once. Every fourth turn is
drawn by chance: only on such turns can it be measured how often the model is right.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.intent import Asked
from classifiers.intent_cues import both_ends
from classifiers.intent_labeller import turn_id
from pipeline.prompts.diversity.unit_vectors import unit_vectors
from pipeline.prompts.intents.labels import CHANCE, UNCERTAIN

__all__ = ["Drawer", "DrawnTurn"]

_EVERY = 4  # of so many turns one is drawn by chance
_POOL = 50  # uncertain turns that are held for each one that is wanted
_LEAST = 1000  # of them, at least

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class DrawnTurn:
    """A turn that is to be labelled.

    Args:
        id: its `turn_id`.
        asked: the turn; of texts longer than 8,000 characters only the ends, which have the same
            features.
        said: the intent that the model says.
        probabilities: of `INTENTS`.
        drawn: `UNCERTAIN` or `CHANCE`.
    """

    id: str
    asked: Asked
    said: str
    probabilities: tuple[float, ...]
    drawn: str = UNCERTAIN


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    turn: DrawnTurn
    entropy: float
    vector: _Floats
    lot: str


class Drawer:
    """Takes in turns, any number at a time, and gives out the few to label.

    What is drawn depends on the turns alone, not on their order or on how they came. Memory grows
    with ``count``, not with the turns.

    Args:
        known: ids of turns that are labelled. They are not drawn, and what is drawn is unlike them.
        count: turns wanted.
    """

    def __init__(self, known: Collection[str], count: int):
        self._known, self._count = frozenset(known), count
        self._pool = max(_POOL * count, _LEAST)
        self._uncertain: dict[str, _Seen] = {}
        self._lots: dict[str, _Seen] = {}
        self._labelled: dict[str, _Floats] = {}

    def add(
        self,
        asked: Sequence[Asked],
        vectors: _Floats,
        probabilities: _Floats,
        said: Sequence[str],
    ) -> None:
        """Take in turns.

        Args:
            asked: n of them.
            vectors: ``float64[n, d]``, their embeddings.
            probabilities: ``float64[n, 3]``.
            said: their intents, by the model.
        """
        entropies = -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1)
        for row, one in enumerate(asked):
            name = turn_id(one)
            if name in self._known:
                self._labelled[name] = vectors[row].copy()
                continue
            turn = DrawnTurn(
                name,
                Asked(both_ends(one.prompt), both_ends(one.before), both_ends(one.reply)),
                said[row],
                tuple(round(float(value), 6) for value in probabilities[row]),
            )
            lot = hashlib.sha256(f"lot {name}".encode()).hexdigest()
            seen = _Seen(turn, round(float(entropies[row]), 6), vectors[row].copy(), lot)
            self._uncertain[name] = self._lots[name] = seen
        self._uncertain = _first(self._uncertain, self._pool, lambda one: (-one.entropy, one.lot))
        self._lots = _first(self._lots, self._count, lambda one: one.lot)

    def drawn(self) -> list[DrawnTurn]:
        """At most ``count`` turns, every fourth of them by chance; the most useful come first."""
        chosen = sorted(self._lots.values(), key=lambda one: one.lot)[: self._count // _EVERY]
        names = {one.turn.id for one in chosen}
        pool = [one for name, one in sorted(self._uncertain.items()) if name not in names]
        hard = self._apart(pool, [one.vector for one in chosen], self._count - len(chosen))
        found: list[DrawnTurn] = []
        lots = [dataclasses.replace(one.turn, drawn=CHANCE) for one in chosen]
        while hard or lots:
            at_chance = lots and (not hard or len(found) % _EVERY == _EVERY - 1)
            found.append(lots.pop(0) if at_chance else hard.pop(0))
        return found

    def _apart(self, pool: list[_Seen], others: list[_Floats], count: int) -> list[DrawnTurn]:
        """Greedily the turn of greatest entropy times distance from all that are chosen or known."""
        if not pool:
            return []
        before = [*others, *(vector for _, vector in sorted(self._labelled.items()))]
        unit = unit_vectors(np.array([one.vector for one in pool]))
        entropy = np.array([one.entropy for one in pool])
        nearest = np.full(len(pool), -1.0, np.float32)
        for start in range(0, len(before), _LEAST):
            some = unit_vectors(np.array(before[start : start + _LEAST]))
            np.maximum(nearest, (unit @ some.T).max(axis=1), out=nearest)
        found: list[DrawnTurn] = []
        left = np.ones(len(pool), np.bool_)
        while len(found) < count and left.any():
            # A turn that is one of those before, or all but, is of no use; it comes last.
            score = np.where(left, entropy * np.maximum(1 - nearest, 0), -1.0)
            pick = int(np.argmax(score))
            left[pick] = False
            found.append(pool[pick].turn)
            np.maximum(nearest, unit @ unit[pick], out=nearest)
        return found


def _first(seen: dict[str, _Seen], count: int, key: Callable[[_Seen], Any]) -> dict[str, _Seen]:
    if len(seen) <= count:
        return seen
    return {one.turn.id: one for one in sorted(seen.values(), key=key)[:count]}

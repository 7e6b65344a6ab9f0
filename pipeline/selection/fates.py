"""What becomes of each conversation: one fate, with reason, value and bound where it has one."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConservationError

__all__ = [
    "CONTAMINATED",
    "DROPPED",
    "DUPLICATE",
    "FATES",
    "GOLDEN",
    "HELD_BACK",
    "PASSED_OVER",
    "SELECTED",
    "Fates",
]

SELECTED, GOLDEN = "selected", "golden"
DROPPED, DUPLICATE, CONTAMINATED = "dropped", "duplicate", "contaminated"
HELD_BACK, PASSED_OVER = "held_back", "passed_over"
FATES = (SELECTED, GOLDEN, DROPPED, DUPLICATE, CONTAMINATED, HELD_BACK, PASSED_OVER)


@dataclasses.dataclass(frozen=True, slots=True)
class _Fate:
    fate: str
    reason: str
    value: float | None
    bound: float | None
    other: str


class Fates:
    """Fates by the number of the conversation; each is decided once.

    Args:
        count: of conversations.
    """

    def __init__(self, count: int):
        self._decided: list[_Fate | None] = [None] * count

    def __len__(self) -> int:
        return len(self._decided)

    def decide(
        self,
        number: int,
        fate: str,
        reason: str = "",
        value: float | None = None,
        bound: float | None = None,
        other: str = "",
    ) -> None:
        """Decide one.

        Args:
            number: of the conversation.
            fate: one of `FATES`.
            reason: slug, such as ``near_empty.words.low``.
            value, bound: what was measured, and what it would have to be.
            other: id of the conversation, or of the benchmark's item, that it is like.

        Raises:
            ConservationError: it is decided already, which is a bug.
        """
        if self._decided[number] is not None:
            raise ConservationError(f"conversation {number} has a fate already; please report this")
        self._decided[number] = _Fate(fate, reason, value, bound, other)

    @property
    def open(self) -> npt.NDArray[np.bool_]:
        """Which are not decided."""
        return np.array([one is None for one in self._decided], np.bool_)

    def of(self, fate: str) -> list[int]:
        """Numbers of those with a fate."""
        return [at for at, one in enumerate(self._decided) if one is not None and one.fate == fate]

    def columns(self) -> dict[str, list[object]]:
        """``fate``, ``reason``, ``value``, ``bound``, ``other`` of all.

        Raises:
            ConservationError: one has no fate.
        """
        whole = [one for one in self._decided if one is not None]
        if len(whole) != len(self._decided):
            raise ConservationError(
                f"{len(self._decided) - len(whole)} conversations have no fate; please report this"
            )
        return {
            field.name: [getattr(one, field.name) for one in whole]
            for field in dataclasses.fields(_Fate)
        }

    def counts(self) -> dict[str, int]:
        """By fate, in the order of `FATES`."""
        found = Counter(one.fate for one in self._decided if one is not None)
        return {fate: found[fate] for fate in FATES}

    def reasons(self) -> dict[str, dict[str, int]]:
        """By fate, then by reason, the commonest first."""
        found: dict[str, Counter[str]] = {fate: Counter() for fate in FATES}
        for one in self._decided:
            if one is not None and one.reason:
                found[one.fate][one.reason] += 1
        return {
            fate: dict(sorted(count.items(), key=lambda pair: (-pair[1], pair[0])))
            for fate, count in found.items()
        }

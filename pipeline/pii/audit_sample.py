"""A few finds of each kind with the words around them, for a person to check."""

from __future__ import annotations

import dataclasses
import hashlib
import heapq
from collections.abc import Iterable

from pipeline.pii.kinds import Found, Kind

__all__ = ["Checked", "MaskSample"]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Checked:
    """One find to look at.

    Args:
        rank: hexadecimal hash of the rest, by which it was chosen.
        kind: what it was taken for.
        name: of the conversation.
        before, value, after: the find and the text around it.
    """

    rank: str
    kind: Kind
    name: str
    before: str
    value: str
    after: str


class MaskSample:
    """At most so many finds of each kind, those with the smallest hashes.

    The choice depends on the finds alone: not on their order, nor on how they were shared among
    processes, whose samples `merge` joins. A find that comes twice is kept once.

    Args:
        per_kind: at most so many finds of a kind.
        around: characters of text kept on each side.
    """

    def __init__(self, per_kind: int = 20, around: int = 60):
        self.per_kind, self.around = per_kind, around
        self._chosen: dict[Kind, list[Checked]] = {}

    def add(self, name: str, text: str, found: Iterable[Found]) -> None:
        """Offers the finds of one text.

        Args:
            name: of the conversation.
            text: as it was before masking.
            found: what was found in it.
        """
        for one in found:
            before = text[max(0, one.start - self.around) : one.start]
            after = text[one.end : one.end + self.around]
            parts = (one.kind.value, name, before, one.value, after)
            key = "\0".join(parts).encode("utf-8", "surrogatepass")
            rank = hashlib.blake2b(key, digest_size=16).hexdigest()
            self._offer(Checked(rank, one.kind, name, before, one.value, after))

    @classmethod
    def of(cls, rows: Iterable[Checked]) -> MaskSample:
        """A sample of what `rows` has given before."""
        sample = cls()
        for one in rows:
            sample._offer(one)
        return sample

    def merge(self, other: MaskSample) -> None:
        """Takes in another sample's finds."""
        for chosen in other._chosen.values():
            for one in chosen:
                self._offer(one)

    def rows(self) -> list[Checked]:
        """The sample, by kind, then by rank."""
        return [one for kind in sorted(self._chosen) for one in sorted(self._chosen[kind])]

    def _offer(self, one: Checked) -> None:
        chosen = self._chosen.setdefault(one.kind, [])
        if one in chosen:
            return
        chosen.append(one)
        if len(chosen) > self.per_kind:
            self._chosen[one.kind] = heapq.nsmallest(self.per_kind, chosen)

"""Quotas: how much of a selection each topic, language or intent may be, and what could not be had."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest

__all__ = ["OTHERS", "Quotas", "Rooms", "Shortfall"]

OTHERS = "(others)"  # the groups that shares do not name, all together
_SLACK = 1e-9  # of a sum of shares, which floats may bring just over 1


@dataclasses.dataclass(frozen=True, slots=True)
class Shortfall:
    """Fewer picks than were asked for.

    Args:
        by: what the groups are of (``"language"``); empty for the selection as a whole.
        group: the group; empty for the selection as a whole.
        wanted: picks.
        found: picks.
        reason: why, for a person.
    """

    by: str
    group: str
    wanted: int
    found: int
    reason: str

    def __str__(self) -> str:
        what = f"{self.by} {self.group!r}" if self.by else "selection"
        return f"{what}: {self.found} of {self.wanted} picks: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Quotas:
    """Shares of a selection by group.

    Args:
        by: for each kind of group (``"language"``) either a number, the largest share that any one
            group may have (at least one pick, otherwise rounded down), or shares by group
            (``{"en": 0.7, "de": 0.2}``). Named shares are wanted: each becomes a count (rounded by
            largest remainder) that its group gets, no more, and no other group may use up. What
            they leave up to 1 is for all groups that are not named, together.

    Raises:
        ConfigError: a share is no number from 0 to 1 (a largest share: above 0), or shares of one
            kind come to more than 1.
    """

    by: Mapping[str, float | Mapping[str, float]]

    def __post_init__(self) -> None:
        checked: dict[str, float | dict[str, float]] = {}
        for name, shares in self.by.items():
            if not isinstance(shares, Mapping):
                checked[name] = most = _share(f"quotas.{name}", shares)
                if most == 0:
                    raise ConfigError(f"quotas.{name} = 0 allows no pick; give a share above 0")
                continue
            checked[name] = named = {
                str(group): _share(f"quotas.{name}.{group}", share)
                for group, share in shares.items()
            }
            if (total := math.fsum(named.values())) > 1 + _SLACK:
                raise ConfigError(
                    f"quotas.{name}: the shares come to {total:g}; make them at most 1 together"
                )
        object.__setattr__(self, "by", checked)

    def rooms(self, groups: Mapping[str, Sequence[object]], count: int, k: int) -> Rooms:
        """What each group may still have, before the first pick.

        Args:
            groups: the group of each prompt, ``count`` long, by kind; groups are compared as
                strings. Kinds without quotas are left alone.
            count: prompts there are.
            k: picks wanted.

        Raises:
            ConfigError: a kind of the quotas is missing, or has another number of prompts.
        """
        return Rooms(self, groups, count, k)


class Rooms:
    """How many more picks each group may have: changes with every pick. Made by `Quotas.rooms`."""

    def __init__(self, quotas: Quotas, groups: Mapping[str, Sequence[object]], count: int, k: int):
        self._count, self._k = count, k
        self._places = count  # prompts asked about: fewer than there are in what `among` gives
        self._found = np.zeros(1, np.int64)  # shared with `among`, as is each kind's room
        self._kinds: list[_Kind] = []
        for name, shares in quotas.by.items():
            if name not in groups:
                raise ConfigError(
                    f"quotas.{name}: no groups of that name{nearest(name, groups)} "
                    f"(there are {', '.join(groups) or 'none'}); give groups[{name!r}]"
                )
            if len(groups[name]) != count:
                raise ConfigError(
                    f"groups.{name} has {len(groups[name])} entries for {count} prompts; give one "
                    "for each"
                )
            self._kinds.append(_Kind(name, [str(group) for group in groups[name]], shares, k))

    def among(self, ids: npt.NDArray[np.int64]) -> Rooms:
        """The same room, asked for and taken by place in ``ids``."""
        found = copy.copy(self)
        found._places = len(ids)
        found._kinds = [copy.copy(kind) for kind in self._kinds]
        for kind in found._kinds:
            kind.codes = kind.codes[ids]
        return found

    def admits(self, prompt: int) -> bool:
        """Whether no group of this prompt is full. Once False it stays so."""
        return all(kind.room[kind.codes[prompt]] > 0 for kind in self._kinds)

    def admitted(self) -> npt.NDArray[np.bool_]:
        """`admits` for all prompts."""
        found = np.ones(self._places, np.bool_)
        for kind in self._kinds:
            found &= kind.room[kind.codes] > 0
        return found

    def take(self, prompt: int) -> bool:
        """Count a pick; True if it filled one of its groups."""
        self._found += 1
        filled = False
        for kind in self._kinds:
            kind.room[kind.codes[prompt]] -= 1
            filled |= bool(kind.room[kind.codes[prompt]] == 0)
        return filled

    def fill(self, order: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
        """The first ``k`` of ``order`` that are admitted, each taken."""
        picks: list[int] = []
        for prompt in order.tolist():
            if len(picks) == k:
                break
            if self.admits(prompt):
                self.take(prompt)
                picks.append(prompt)
        return np.array(picks, np.int64)

    def shortfalls(self) -> tuple[Shortfall, ...]:
        """What could not be filled: the selection first, then each group by kind."""
        found: list[Shortfall] = []
        picked = int(self._found[0])
        if picked < self._k:
            reason = f"the pool has no more than {self._count}"
            if picked < self._count:
                kinds = ", ".join(kind.name for kind in self._kinds)
                reason = f"all other prompts are in full groups (quotas by {kinds})"
            found.append(Shortfall("", "", self._k, picked, reason))
        for kind in self._kinds:
            found.extend(kind.shortfalls())
        return tuple(found)


class _Kind:
    """The groups of one kind, as numbers, and their room."""

    def __init__(
        self, name: str, groups: Sequence[str], shares: float | Mapping[str, float], k: int
    ):
        self.name = name
        self._wanted: dict[str, int] = {}
        if isinstance(shares, Mapping):
            names = [*shares, OTHERS]
            self._wanted = dict(zip(names, _counts(tuple(shares.values()), k), strict=True))
            room = list(self._wanted.values())
        else:
            names = list(dict.fromkeys(groups))
            room = [max(int(k * shares + _SLACK), 1)] * len(names)
        numbers = {group: number for number, group in enumerate(names)}
        self.codes = np.array([numbers.get(group, len(names) - 1) for group in groups], np.int64)
        self.room = np.array(room, np.int64)

    def shortfalls(self) -> list[Shortfall]:
        there = np.bincount(self.codes, minlength=len(self.room))
        found = []
        for number, (group, wanted) in enumerate(self._wanted.items()):
            picked = wanted - int(self.room[number])
            if picked < wanted:
                few = int(there[number])
                reason = f"the pool has {few}"
                if few > picked:
                    reason += ", whose groups by another quota are full"
                found.append(Shortfall(self.name, group, wanted, picked, reason))
        return found


def _counts(shares: Sequence[float], k: int) -> list[int]:
    """Picks for each share and for the rest, ``k`` together, by largest remainder."""
    all_shares = [*shares, max(1 - math.fsum(shares), 0.0)]
    exact = [k * share for share in all_shares]
    counts = [int(one + _SLACK) for one in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (counts[at] - exact[at], at))
    for at in by_remainder[: k - sum(counts)]:
        counts[at] += 1
    return counts


def _share(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"{where} = {value!r} is no share; give a number from 0 to 1")
    return float(value)

"""Which conversations train, which evaluate, and why not the others: the steps in their order.

1. Users and times are split between the Golden Set and training, before anything else.
2. What failed a check is dropped; of near-copies the best stays.
3. What is below the floor (intent, quality, response) is dropped.
4. The Golden Set is picked, in proportion to topic and month, of prompts that are no template.
5. What shares a prompt or eight words in a row with it leaves training.
6. The selection is picked for diversity and audited; what the audit finds is replaced.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.dedup import dedup
from pipeline.prompts.conversation import USER
from pipeline.prompts.diversity.quotas import Quotas
from pipeline.prompts.diversity.select import Selection, select_diverse
from pipeline.prompts.diversity.topics import topic_clusters, topic_names
from pipeline.prompts.golden import (
    GOLDEN as GOLDEN_SIDE,
)
from pipeline.prompts.golden import (
    HELD_BACK_TIME,
    HELD_BACK_USER,
    TRAINING,
    Split,
    cutoff_of,
)
from pipeline.recipe.prompts import PromptsRecipe
from pipeline.selection.fates import (
    CONTAMINATED,
    DROPPED,
    DUPLICATE,
    GOLDEN,
    HELD_BACK,
    PASSED_OVER,
    SELECTED,
    Fates,
)
from pipeline.selection.overlap import common_runs, overlaps, shared_with
from pipeline.selection.reading import Read

__all__ = ["Chosen", "Leak", "choose"]

_MONTH = 7  # characters of a time that name it


@dataclasses.dataclass(frozen=True, slots=True)
class Leak:
    """What an audit says of a selected conversation.

    Args:
        benchmark, item: that it leaks.
        kind: how.
        probability: 0 to 1.
        threshold: that it passed.
    """

    benchmark: str
    item: str
    kind: str
    probability: float
    threshold: float


# Of conversations by number, the surest leak of each that has one.
Audit = Callable[[Sequence[int], Sequence[int]], Mapping[int, Leak]]


@dataclasses.dataclass(frozen=True, eq=False)
class Chosen:
    """The outcome.

    Args:
        fates: of all conversations.
        picks: numbers of the selected ones, in the order of picking, and ``golden`` of the others.
        selection: of the last round, over ``pool``; None without a pool.
        pool: numbers of the conversations that were chosen among.
        topics: of each conversation, -1 for none; ``names`` of the topics.
        copies: of each conversation that stayed, how many there were of it, itself included.
        sides: where each belongs by user and time.
        after: from which time on conversations evaluate; empty without a Golden Set.
        rounds: of the audit, each with what it found.
        shortfalls: what could not be had, a sentence each.
    """

    fates: Fates
    picks: list[int]
    golden: list[int]
    selection: Selection | None
    pool: list[int]
    topics: npt.NDArray[np.int64]
    names: tuple[str, ...]
    copies: npt.NDArray[np.int64]
    sides: list[str]
    after: str
    rounds: list[int]
    shortfalls: list[str]


def choose(read: Read, recipe: PromptsRecipe, audit: Audit, say: Callable[[str], None]) -> Chosen:
    """Give every conversation its fate.

    Args:
        read: what was read.
        recipe: how to choose.
        audit: finds leaks in conversations to be selected; takes their numbers and those of the
            Golden Set.
        say: is told what is going on.

    Raises:
        ConfigError: no user or no paying customer is known, where a Golden Set is wanted.
        ModelError, SourceError: see `pipeline.core.errors`.
    """
    return _Choosing(read, recipe, say).choose(audit)


class _Choosing:
    def __init__(self, read: Read, recipe: PromptsRecipe, say: Callable[[str], None]):
        self.read, self.recipe, self.say = read, recipe, say
        self.columns = {
            name: read.rows[name].to_pylist()
            for name in ("id", "user", "tier", "time", "prompt", "failed", "intent", "language",
                         "quality", "response_quality")
        }  # fmt: skip
        self.fates = Fates(len(read.rows))
        self.copies = np.ones(len(read.rows), np.int64)
        self.topics = np.full(len(read.rows), -1)
        self.names: tuple[str, ...] = ()
        self.shortfalls: list[str] = []

    def choose(self, audit: Audit) -> Chosen:
        sides, after = self._split()
        self._drop()
        for side in (TRAINING, GOLDEN_SIDE):
            self._deduplicate(self._open(sides, side), side)
            self._floor(self._open(sides, side), side)
        train, evaluate = (self._open(sides, side) for side in (TRAINING, GOLDEN_SIDE))
        self.say(
            f"{len(train):,} conversations left to train with, {len(evaluate):,} to evaluate with"
        )
        self._topics(sorted([*train, *evaluate]))
        said, asked = self._turns(train)
        runs = common_runs([self.columns["prompt"][number] for number in evaluate], said)
        golden = self._golden(self._uncommon(evaluate, runs))
        self._overlaps(train, asked, runs, golden)
        pool = self._pool(self._open(sides, TRAINING))
        picks, selection, pool, rounds = self._select(pool, golden, audit)
        for number in np.flatnonzero(self.fates.open).tolist():
            self.fates.decide(number, PASSED_OVER)
        return Chosen(
            self.fates, picks, golden, selection, pool, self.topics, self.names, self.copies,
            sides, after, rounds, self.shortfalls,
        )  # fmt: skip

    # --- steps -------------------------------------------------------------------------------

    def _split(self) -> tuple[list[str], str]:
        """The side of each conversation, and the time from which on they evaluate."""
        golden = self.recipe.golden
        count = len(self.fates)
        if not golden.count or not count:
            return [TRAINING] * count, ""
        users, tiers, times = (self.columns[name] for name in ("user", "tier", "time"))
        if not any(users):
            raise ConfigError(
                "no conversation names its user, and a Golden Set is split by user: name the field "
                "with fields.user, or set golden.count (--golden) to 0"
            )
        known = Counter(tier for tier in tiers if tier)
        if not any(tier in known for tier in golden.tiers):
            seen = ", ".join(printable(tier) for tier, _ in known.most_common(10)) or "none"
            raise ConfigError(
                f"no conversation has a tier of golden.tiers ({', '.join(golden.tiers)}); the logs have "
                f"{seen}: name the field with fields.tier, or set golden.count (--golden) to 0"
            )
        after = cutoff_of(times, golden.latest) if golden.after is None else golden.after
        split = Split(tiers=golden.tiers, users=golden.users, after=after, seed=self.recipe.seed)
        after = split.after
        sides = [split.side(*one) for one in zip(users, tiers, times, strict=True)]
        for number, side in enumerate(sides):
            if side in (HELD_BACK_USER, HELD_BACK_TIME):
                self.fates.decide(number, HELD_BACK, side)
        return sides, after

    def _drop(self) -> None:
        for number in np.flatnonzero(self.fates.open).tolist():
            failed: list[Any] = json.loads(self.columns["failed"][number])
            if failed:
                reason, value, bound = failed[0]
                self.fates.decide(number, DROPPED, reason, value, bound)

    def _open(self, sides: Sequence[str], side: str) -> list[int]:
        return [
            number for number in np.flatnonzero(self.fates.open).tolist() if sides[number] == side
        ]

    def _deduplicate(self, numbers: Sequence[int], side: str) -> None:
        settings = self.recipe.dedup
        if settings is None or not numbers:
            return
        # A copy below the floor is worse than any above it: else a bad answer takes good ones along.
        names = {f"{number:012d}": number for number in numbers}
        table = pa.table(
            {
                "id": list(names),
                "text": [self.columns["prompt"][number] for number in numbers],
                "quality": [
                    self.columns["quality"][number] - 2.0 * bool(self._below(number, side))
                    for number in numbers
                ],
            }
        )
        kept, receipts = dedup(table, settings)
        for row in receipts.to_pylist():
            other = row["kept"]  # of these, or of an earlier run that settings.against names
            self.fates.decide(
                names[row["removed"]], DUPLICATE, row["rule"], row["similarity"],
                settings.least_similarity,
                self.columns["id"][names[other]] if other in names else other,
            )  # fmt: skip
        for name, size in zip(
            kept["id"].to_pylist(), kept["cluster_size"].to_pylist(), strict=True
        ):
            self.copies[names[name]] = size

    def _floor(self, numbers: Sequence[int], side: str) -> None:
        for number in numbers:
            below = self._below(number, side)
            if below is not None:
                self.fates.decide(number, DROPPED, *below)

    def _below(self, number: int, side: str) -> tuple[str, float | None, float | None] | None:
        """Reason, value and bound where a conversation does not reach the floor of its side."""
        training = side == TRAINING
        floor, golden = self.recipe.floor, self.recipe.golden
        intents = floor.intents if training else golden.intents
        least = floor.quality if training else golden.quality
        intent, quality = self.columns["intent"][number], self.columns["quality"][number]
        response = self.columns["response_quality"][number]
        if intents and intent not in intents:
            return f"intent.{intent}", None, None
        if quality < least:
            return "floor.quality.low", quality, least
        if training and response is not None and response < floor.response_quality:
            return "floor.response_quality.low", response, floor.response_quality
        return None

    def _topics(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        found = topic_clusters(
            self.read.vectors[numbers], self.recipe.select.clusters, self.recipe.seed
        )
        self.topics[numbers] = found
        names = topic_names([self.columns["prompt"][number] for number in numbers], found)
        # Quotas know topics by their names: two of the same words are two all the same.
        self.names = tuple(
            name if name not in names[:at] else f"{name} ({names[: at + 1].count(name)})"
            for at, name in enumerate(names)
        )

    def _golden(self, numbers: Sequence[int]) -> list[int]:
        """In proportion to topic and month."""
        wanted = self.recipe.golden.count
        if not wanted:
            return []
        strata = [self._stratum(number) for number in numbers]
        shares = {name: n / len(numbers) for name, n in sorted(Counter(strata).items())}
        found = select_diverse(
            self.read.vectors[numbers],
            min(wanted, len(numbers)),
            quality=[self.columns["quality"][number] for number in numbers],
            groups={"stratum": strata},
            quotas=Quotas({"stratum": shares}) if shares else None,
            seed=self.recipe.seed,
        )
        picked = [numbers[at] for at in found.ids.tolist()]
        if len(picked) < wanted:
            self.shortfalls.append(
                f"the Golden Set has {len(picked):,} of {wanted:,} prompts: no more are left of paying "
                "customers who evaluate"
            )
        for number in picked:
            self.fates.decide(number, GOLDEN)
        return picked

    def _uncommon(self, numbers: Sequence[int], runs: Sequence[frozenset[int]]) -> list[int]:
        """Those that share no template with many of the others: such a prompt is nothing fresh."""
        most = self.recipe.golden.most_shared
        prompts = [self.columns["prompt"][number] for number in numbers]
        found = []
        for number, shared in zip(numbers, shared_with(prompts, runs), strict=True):
            if shared > most:
                self.fates.decide(number, DROPPED, "golden.shared.high", float(shared), float(most))
            else:
                found.append(number)
        return found

    def _stratum(self, number: int) -> str:
        return f"{self.topics[number]}|{self.columns['time'][number][:_MONTH]}"

    def _overlaps(
        self,
        numbers: Sequence[int],
        asked: Sequence[Sequence[str]],
        runs: Sequence[frozenset[int]],
        golden: Sequence[int],
    ) -> None:
        if not golden or not numbers:
            return
        prompts = self.columns["prompt"]
        found = overlaps([prompts[number] for number in golden], asked, runs)
        for number, overlap in zip(numbers, found, strict=True):
            if overlap is not None:
                self.fates.decide(number, CONTAMINATED, overlap[0], float(overlap[1]), 0.0)

    def _turns(self, numbers: Sequence[int]) -> tuple[list[str], list[list[str]]]:
        """Of some conversations: all that is said, and the turns of the user."""
        said: list[str] = []
        asked: list[list[str]] = []
        for text in self.read.messages(numbers):
            turns = json.loads(text)
            said.append("\n".join(turn["content"] for turn in turns))
            asked.append([turn["content"] for turn in turns if turn["role"] == USER])
        return said, asked

    def _pool(self, numbers: Sequence[int]) -> list[int]:
        """The best by quality, in the order of the log; at least twice as many as are wanted."""
        select, quality = self.recipe.select, self.columns["quality"]
        most = max(math.ceil(select.best * len(numbers)), 2 * select.count)
        most = min(most, max(select.pool, select.count))
        if len(numbers) <= most:
            return list(numbers)
        ordered = sorted(numbers, key=lambda number: (-quality[number], number))
        least = quality[ordered[most - 1]]
        self.say(
            f"choosing among the best {most:,} of {len(numbers):,} by quality, {least:.2f} and more"
        )
        for number in ordered[most:]:
            self.fates.decide(number, PASSED_OVER, "pool.quality.low", quality[number], least)
        return sorted(ordered[:most])

    def _select(
        self, pool: list[int], golden: Sequence[int], audit: Audit
    ) -> tuple[list[int], Selection | None, list[int], list[int]]:
        """Pick, audit, leave out what leaks, until the audit finds nothing."""
        select, rounds = self.recipe.select, []
        picks: list[int] = []
        found: Selection | None = None
        for _ in range(select.rounds):
            found = self._pick(pool) if pool and select.count else None
            picks = [] if found is None else [pool[at] for at in found.ids.tolist()]
            leaks = audit(picks, golden) if picks else {}
            rounds.append(len(leaks))
            for number, leak in sorted(leaks.items()):
                self.fates.decide(
                    number, CONTAMINATED, f"audit.{leak.kind}", leak.probability, leak.threshold,
                    f"{leak.benchmark}/{leak.item}",
                )  # fmt: skip
            if not leaks:
                break
            self.say(
                f"the audit found {len(leaks):,} leaks among {len(picks):,}; choosing once more"
            )
            pool = [number for number in pool if number not in leaks]
        else:
            raise ConfigError(
                f"after {select.rounds} rounds the audit still finds leaks in the selection; raise "
                "select.rounds, or look at what is audited against"
            )
        for number in picks:
            self.fates.decide(number, SELECTED)
        all_taken = len(picks) == len(pool)
        if found is not None:
            self.shortfalls += [str(one) for one in found.shortfalls if one.by or not all_taken]
        if all_taken and len(picks) < select.count:
            self.shortfalls.append(
                f"the selection has {len(picks):,} of {select.count:,} prompts: no more are left that "
                "pass the floor and overlap with nothing"
            )
        return picks, found, pool, rounds

    def _pick(self, pool: Sequence[int]) -> Selection:
        select = self.recipe.select
        groups = {
            "topic": [self._topic(number) for number in pool],
            "language": [self.columns["language"][number] for number in pool],
            "intent": [self.columns["intent"][number] or "" for number in pool],
        }
        return select_diverse(
            self.read.vectors[pool],
            select.count,
            select.method,
            quality=[self.columns["quality"][number] for number in pool],
            groups=groups,
            quotas=Quotas(select.quotas) if select.quotas else None,
            seed=self.recipe.seed,
        )

    def _topic(self, number: int) -> str:
        topic = int(self.topics[number])
        return self.names[topic] if 0 <= topic < len(self.names) else ""

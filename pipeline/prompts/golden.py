"""The Golden Set's side of a log: split off by user and by time, before anything else is done.

Prompts that recur (7.3 % of one month's recur word for word the next month, Singh et al. 2025, "The
Leaderboard Illusion") make a random split worthless. Here an evaluation prompt's user gave none to
training, and it was asked after the last one that training may see.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.core.errors import ConfigError
from pipeline.prompts.logs.times import utc

__all__ = ["GOLDEN", "HELD_BACK_TIME", "HELD_BACK_USER", "TRAINING", "Split", "cutoff_of"]

TRAINING, GOLDEN = "training", "golden"
HELD_BACK_USER, HELD_BACK_TIME = "held_back.user", "held_back.time"

_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z?)?", re.ASCII)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """Whose prompts evaluate, and from when on. Cheap to pickle.

    Args:
        tiers: of paying customers, as the log names them; only theirs evaluate.
        users: share of all users who evaluate, chosen by a hash of their id.
        after: ISO 8601 in UTC; prompts evaluate from then on and train before. Empty where there is
            no such time: then all may do either. It is kept to the second, as logs are read, so that
            texts compare as times do.
        seed: of the hash.

    Raises:
        ConfigError: a share out of range, no tier, a time that is none.
    """

    tiers: tuple[str, ...]
    users: float = 0.2
    after: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.tiers:
            raise ConfigError("golden.tiers is empty: name the tiers of paying customers")
        if not 0 < self.users < 1:
            raise ConfigError(f"golden.users = {self.users} must lie between 0 and 1")
        after = utc(self.after) if not self.after or _DAY.fullmatch(self.after) else None
        if after is None:
            raise ConfigError(
                f"golden.after = {self.after!r} is no time: write it as 2025-03-01 or 2025-03-01T12:00:00Z"
            )
        object.__setattr__(self, "after", after)

    def side(self, user: str, tier: str, time: str) -> str:
        """Where a conversation belongs: `TRAINING`, `GOLDEN`, or held back from both, and why.

        A conversation whose user is not known never evaluates. One whose time is not known never
        does where there is a cutoff, and does not train either.

        Args:
            user: id; empty where it is not known.
            tier: empty where it is not known.
            time: ISO 8601 in UTC; empty where it is not known.
        """
        evaluates = bool(user) and self.of_golden_user(user)
        late = bool(self.after) and (not time or time >= self.after)
        if evaluates and tier in self.tiers and (not self.after or (late and time)):
            return GOLDEN
        if evaluates:
            return HELD_BACK_USER
        return HELD_BACK_TIME if late else TRAINING

    def of_golden_user(self, user: str) -> bool:
        """Whether a user is one of those who evaluate."""
        digest = hashlib.sha256(f"{self.seed}\0{user}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") < self.users * 2**64


def cutoff_of(times: Iterable[str], share: float) -> str:
    """The time from which on the last ``share`` of all conversations began.

    Args:
        times: ISO 8601 in UTC; empty ones do not count.
        share: 0 to 1.

    Returns:
        A time of one of them; empty where none has any.
    """
    known: Sequence[str] = sorted(time for time in times if time)
    if not known:
        return ""
    return known[min(len(known) - 1, int(np.floor((1 - share) * len(known))))]

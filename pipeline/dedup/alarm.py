"""The wipe-out alarm: a source or a domain about to lose nearly everything, before it is lost.

Verified or not, a result that removes 97 % of a library deserves a person's look.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from pipeline.core.errors import WipeOutAlarm
from pipeline.core.printable import printable
from pipeline.dedup.outcome import Outcome
from pipeline.dedup.settings import Alarm
from pipeline.filters.url_parts import registrable_domain

__all__ = ["Loss", "losses", "raise_alarm"]

SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Loss:
    """What one source or domain is about to lose.

    Args:
        kind: ``source`` or ``domain``.
        name: which.
        documents: it has.
        removed: of them go.
    """

    kind: str
    name: str
    documents: int
    removed: int

    @property
    def share(self) -> float:
        return self.removed / self.documents

    def __str__(self) -> str:
        return (
            f"{self.kind} {printable(self.name)} would lose {self.removed:,} of its {self.documents:,} "
            f"documents ({self.share:.1%})"
        )


def losses(outcome: Outcome, alarm: Alarm) -> list[Loss]:
    """Every source and domain that would lose more than the alarm allows, the worst first.

    Documents without source or domain belong to none. Only documents of this run count.
    """
    rows = np.sort(outcome.order[outcome.earlier : outcome.active])
    gone = outcome.removed_rows()[rows]
    found = []
    for kind, column in (("source", "source"), ("domain", "host")):
        names = outcome.documents[column].combine_chunks().take(pa.array(rows))
        names = names.dictionary_encode("encode")
        labels = [name or "" for name in names.dictionary.to_pylist()]
        if kind == "domain":
            labels = [registrable_domain(label) for label in labels]
        groups, inverse = np.unique(np.array(labels or [""], object), return_inverse=True)
        owner = inverse[names.indices.to_numpy()]
        documents = np.bincount(owner, minlength=len(groups))
        removed = np.bincount(owner[gone], minlength=len(groups))
        for name, whole, lost in zip(
            groups.tolist(), documents.tolist(), removed.tolist(), strict=True
        ):
            if name and whole >= alarm.minimum and lost > alarm.share * whole:
                found.append(Loss(kind, name, whole, lost))
    return sorted(found, key=lambda loss: (-loss.share, -loss.removed, loss.kind, loss.name))


def raise_alarm(outcome: Outcome, alarm: Alarm, say: Callable[[str], None]) -> list[Loss]:
    """Look at the losses and act on them.

    Args:
        outcome: what is about to be done.
        alarm: the recipe's.
        say: takes the lines of a warning.

    Raises:
        WipeOutAlarm: there are some, and the recipe says to stop.
    """
    if alarm.action == "off":
        return []
    found = losses(outcome, alarm)
    lines = [str(loss) for loss in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN:,} more")
    if found and alarm.action == "stop":
        raise WipeOutAlarm(
            f"wipe-out alarm, nothing was removed (limit {alarm.share:.0%}): "
            + "; ".join(lines)
            + ". Look at some of them; if the removals are right, set alarm.action to warn "
            "(--alarm warn)"
        )
    for line in lines:
        say(line)
    return found

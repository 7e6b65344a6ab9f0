"""The gate: how much contamination a person accepts, as text, and what goes beyond it.

Nothing here counts; figures come from `audits.outcome.files.contamination`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction

from audits.findings import Kind
from audits.outcome.files import LEAKS, Contamination
from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest

__all__ = ["ANY", "Bound", "Gate"]

ANY = "any"
EXAMPLES = "gsm8k>0.1%, gsm8k>=3 (items), any>1%, mmlu:verbatim>0"
BOUND = re.compile(
    r"(?P<what>[^:<>=\s]+(?:\s*:\s*[^:<>=\s]+)*)\s*(?P<sign>>=|>)"
    r"\s*(?P<value>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<percent>%?)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Bound:
    """One condition under which an audit fails.

    Args:
        text: as written, for messages.
        benchmark: its name, or `ANY` for each of them, taken alone.
        kind: only items whose strongest kind it is; None for all contaminated items.
        value: items, or their share of all items of the benchmark, in [0, 1].
        share: which of the two.
        inclusive: whether the value itself fails.
    """

    text: str
    benchmark: str
    kind: Kind | None
    value: Fraction
    share: bool
    inclusive: bool

    def failure(self, benchmark: str, found: Contamination) -> str | None:
        """What ``benchmark`` has beyond the bound, for a person; None if it keeps to it."""
        items = found.contaminated if self.kind is None else found.by_kind.get(self.kind, 0)
        where = f"{benchmark}:{self.kind}" if self.kind else benchmark
        if self.share and not found.items:
            return f"{where}: has no items, so no share; the bound is {self.text}"
        # As fractions: 1 of 1,000 is exactly .1 %, which no two floats need to agree on.
        measured = Fraction(items, found.items) if self.share else Fraction(items)
        if measured < self.value or (measured == self.value and not self.inclusive):
            return None
        share = f" ({100 * items / found.items:.3g} %)" if found.items else ""
        return (
            f"{where}: {items:,} of {found.items:,} items{share} contaminated; "
            f"the bound is {self.text}"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Gate:
    """Bounds on contamination; an audit fails if one of them is passed.

    A share is of all items of the benchmark, not of those that could be checked: what was not
    looked at cannot make a corpus look worse, and the same findings give the same figure whichever
    tiers ran. Coverage is reported beside it.
    """

    bounds: tuple[Bound, ...] = ()

    @classmethod
    def parse(cls, text: str, benchmarks: Collection[str]) -> Gate:
        """Bounds from ``NAME[:KIND]>VALUE[%]`` (or ``>=``), separated by commas.

        Args:
            text: as given to ``--fail-on``. With ``%``, VALUE is a share of all items; without,
                a count of them. NAME is a benchmark or ``any``; KIND, such as ``verbatim``.
            benchmarks: that are audited.

        Raises:
            ConfigError: not of that form, an unknown name or kind, or a bound that every audit
                fails or none can.
        """
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise ConfigError(f"--fail-on {printable(text)!r}: a bound is empty; {_examples()}")
        return cls(tuple(_bound(part, benchmarks) for part in parts))

    def failures(self, figures: Mapping[str, Contamination]) -> list[str]:
        """What passes a bound: measured value and bound, a line each; empty if nothing does.

        Raises:
            ConfigError: a bound's benchmark is not among ``figures``.
        """
        return list(self._failures(figures))

    def _failures(self, figures: Mapping[str, Contamination]) -> Iterator[str]:
        for bound in self.bounds:
            every = bound.benchmark == ANY
            if not every and bound.benchmark not in figures:
                raise ConfigError(
                    f"--fail-on {bound.text}: {bound.benchmark} was not audited, so nothing can be "
                    "said of it"
                )
            for benchmark in figures if every else [bound.benchmark]:
                failure = bound.failure(benchmark, figures[benchmark])
                if failure is not None:
                    yield failure


def _bound(text: str, benchmarks: Collection[str]) -> Bound:
    found = BOUND.fullmatch(text)
    where = f"--fail-on {printable(text)}"
    if found is None:
        raise ConfigError(f"{where}: not NAME>VALUE, NAME>=VALUE or NAME:KIND>VALUE; {_examples()}")
    name, kind = _parted("".join(found["what"].split()), benchmarks)
    if name != ANY and name not in benchmarks:
        raise ConfigError(
            f"{where}: no benchmark of this audit is called {printable(name)!r}"
            f"{nearest(name, [*benchmarks, ANY]) or '.'} "
            f"There are: {', '.join(map(printable, [*benchmarks, ANY]))}"
        )
    if kind is not None and kind not in LEAKS:
        reason = "is no leak" if kind in list(Kind) else "is no kind"
        raise ConfigError(
            f"{where}: {printable(kind)!r} {reason}{nearest(kind, LEAKS) or '.'} "
            f"There are: {', '.join(LEAKS)}"
        )
    value, share, inclusive = (
        Fraction(found["value"]),
        bool(found["percent"]),
        found["sign"] == ">=",
    )
    if share:
        value /= 100
    elif value.denominator != 1:
        raise ConfigError(f"{where}: items are whole; for a share, write {found['value']}%")
    if inclusive and not value:
        raise ConfigError(f"{where}: every audit fails this; write {text.replace('>=', '>')}")
    if share and (value > 1 or (value == 1 and not inclusive)):
        raise ConfigError(f"{where}: no audit can fail this; a share is at most 100%")
    return Bound(
        text=printable(text),
        benchmark=name,
        kind=None if kind is None else Kind(kind),
        value=value,
        share=share,
        inclusive=inclusive,
    )


def _parted(what: str, benchmarks: Collection[str]) -> tuple[str, str | None]:
    """Benchmark and kind; a split stands behind a colon, too, as in ``gsm8k:train``."""
    before, sign, after = what.rpartition(":")
    if not sign or what in benchmarks:
        return what, None
    known = before == ANY or before in benchmarks or after in list(Kind)
    return (before, after) if known else (what, None)


def _examples() -> str:
    return f"for example {EXAMPLES}"

"""What a filter is: frozen parameters, `measure` (text to signals), `decide` (signals to verdicts).

A new rule family subclasses `Filter` in a file of its own and is done when
`pipeline.filters.check_filter` passes on it. Nothing here knows files, Ray or recipes.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pipeline.core.decisions import Bound, Signal, SignalValue, Verdict
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.core.registry import nearest

if TYPE_CHECKING:
    from pipeline.filters.cleaners import Cleaner

__all__ = ["TOP", "BoundsInput", "Filter", "Ranking", "Result", "Signals", "merge_bounds"]

Signals = Mapping[str, SignalValue]
BoundsInput = Mapping[str, "Mapping[str, float | None] | Bound | None"] | Iterable[Bound]

TOP = "top"  # the signal that a run's ranking pass gives; see `Ranking`


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What one filter found on one text. True in a boolean context if the text is kept."""

    signals: Signals
    verdicts: tuple[Verdict, ...]

    @property
    def keep(self) -> bool:
        return not self.verdicts

    @property
    def reason(self) -> str | None:
        """The first failing rule's slug, or None."""
        return self.verdicts[0].reason if self.verdicts else None

    def __bool__(self) -> bool:
        return self.keep


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """A share of the documents of a run, those highest in one signal, that a filter keeps.

    The filter declares a signal ``top`` (maximum 1.0), which `Filter.measure` gives as 0.0: not
    ranked yet. Once a run has measured all documents it gives each one that reached the filter its
    rank over their number instead, 0 < ``top`` <= 1, the best first. The filter's bound
    ``Bound("top", high=share)`` then keeps exactly that share; 0.0 passes it.

    Args:
        signal: the filter's own number to rank by, highest first.
        share: of the documents that reach the filter; above 0 and at most 1.
        lowest: lowest first instead, where the signal is of something bad.
    """

    signal: str
    share: float
    lowest: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filter(abc.ABC):
    """A family of rules over named signals.

    Subclasses are frozen dataclasses whose constructor only stores parameters. ``measure`` is
    pure, deterministic and total: any string, however odd or long, gives every declared signal
    (numbers as float, labels as str).

    A filter is called as it is on one text, a list of texts, an Arrow batch or table, a pandas
    frame, and as the function of ``datasets.map`` and Ray Data's ``map_batches``; see
    `pipeline.filters.adapters`.

    Args:
        bounds: overrides of the published defaults, merged into them by signal:
            ``{"word_count": {"low": 20}}`` changes one limit and leaves the other,
            ``{"word_count": None}`` switches the rule off. A sequence of `Bound` does the same,
            each replacing the one on its signal.

    Raises:
        ConfigError: a bound on an unknown signal, on a label, with ``low > high``, or out of the
            range the signal can take.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    reads: ClassVar[frozenset[str]] = frozenset({"text"})
    signals: ClassVar[tuple[Signal, ...]]
    default_bounds: ClassVar[tuple[Bound, ...]] = ()

    bounds: Any = dataclasses.field(default=(), metadata={"decides": True})

    def __post_init__(self) -> None:
        merged = merge_bounds(self.name, self.signals, self.published_bounds(), self.bounds)
        object.__setattr__(self, "bounds", merged)

    def published_bounds(self) -> tuple[Bound, ...]:
        """The defaults that ``bounds`` overrides; a subclass may derive them from parameters."""
        return self.default_bounds

    @abc.abstractmethod
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        """Every declared signal of one document."""

    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        """`measure` for each document. Override where a batch is faster; results must be equal."""
        return [self.measure(doc) for doc in docs]

    def decide(self, signals: Signals) -> list[Verdict]:
        """All failing rules, in the order of the bounds; an empty list keeps the document."""
        checked = (bound.check(self.name, signals.get(bound.signal)) for bound in self.bounds)
        return [verdict for verdict in checked if verdict is not None]

    def parameters(self) -> dict[str, Any]:
        """What `measure` depends on besides the text: part of a run's fingerprint."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not field.metadata.get("decides")
        }

    def models(self) -> dict[str, str]:
        """sha256 of each model or list file that `measure` reads, by a name for people.

        Part of a run's fingerprint and of its manifest.
        """
        return {}

    def ranking(self) -> Ranking | None:
        """What a run ranks documents by to keep a share of them; None to keep by bounds alone."""
        return None

    def tags(self) -> tuple[str, ...]:
        """Own signals that a run also writes as columns ``NAME.SIGNAL`` beside the texts."""
        return ()

    def replaced_by(self) -> Cleaner | None:
        """The cleaner that takes this filter's place in a recipe; None for the filter itself.

        For parameters that ask for an edit of the text, which no filter makes.
        """
        return None

    def with_bounds(self, bounds: BoundsInput) -> Self:
        """The same filter with further overrides, merged into its present bounds."""
        merged = merge_bounds(self.name, self.signals, self.bounds, bounds)
        return dataclasses.replace(self, bounds=merged)

    def check(self, text: str, url: str = "") -> Result:
        """Measure and decide one text."""
        return self._judge([Document("", text, url)])[0]

    def keep(self, data: Any, *, text_column: str = "text", url_column: str = "url") -> Any:
        """True or False for one text, a list of them for a batch: for ``datasets.filter``."""
        from pipeline.filters.adapters import apply_filter

        return apply_filter(
            self, data, text_column=text_column, url_column=url_column, only_keep=True
        )

    def __call__(self, data: Any, *, text_column: str = "text", url_column: str = "url") -> Any:
        """Judge whatever holds the texts; see `pipeline.filters.adapters.apply_filter`."""
        from pipeline.filters.adapters import apply_filter

        return apply_filter(self, data, text_column=text_column, url_column=url_column)

    def _judge(self, docs: Sequence[Document]) -> list[Result]:
        measured = self.measure_batch(docs)
        return [Result(signals, tuple(self.decide(signals))) for signals in measured]


def merge_bounds(
    family: str, signals: Sequence[Signal], defaults: Sequence[Bound], overrides: BoundsInput
) -> tuple[Bound, ...]:
    """Defaults with overrides by signal, in the order of the defaults, checked.

    Raises:
        ConfigError: see `Filter`.
    """
    declared = {signal.name: signal for signal in signals}
    merged = {bound.signal: bound for bound in defaults}
    if isinstance(overrides, Mapping):
        for name, override in overrides.items():
            if name not in declared:
                raise ConfigError(
                    f"{family} has no signal {name!r}{nearest(name, declared) or '.'} "
                    f"Signals: {', '.join(declared)}"
                )
            if override is None:
                # Kept as a bound without limits: a filter with all rules off stays so when copied.
                merged[name] = Bound(name)
            elif isinstance(override, Bound):
                merged[name] = dataclasses.replace(override, signal=name)
            elif not isinstance(override, Mapping):
                raise ConfigError(
                    f"{family}.{name}: expected a bound such as {{'low': 1}}, not {override!r}"
                )
            else:
                unknown = set(override) - {"low", "high"}
                if unknown:
                    raise ConfigError(
                        f"{family}.{name}: a bound has 'low' and 'high', not {sorted(unknown)[0]!r}"
                    )
                merged[name] = dataclasses.replace(merged.get(name, Bound(name)), **override)
    else:
        merged |= {bound.signal: bound for bound in overrides}
    for bound in merged.values():
        _check_bound(family, declared, bound)
    return tuple(merged.values())


def _check_bound(family: str, declared: Mapping[str, Signal], bound: Bound) -> None:
    signal = declared.get(bound.signal)
    where = f"{family}.{bound.signal}"
    if signal is None:
        raise ConfigError(
            f"{family} has no signal {bound.signal!r}{nearest(bound.signal, declared)}"
        )
    if signal.kind == "text":
        raise ConfigError(f"{where} is a label and takes no bound")
    for side, limit in (("low", bound.low), ("high", bound.high)):
        if limit is None:
            continue
        if isinstance(limit, bool) or not isinstance(limit, int | float) or limit != limit:
            raise ConfigError(f"{where}.{side} is not a number: {limit!r}")
        if not signal.minimum <= limit <= signal.maximum:
            raise ConfigError(
                f"{where}.{side} = {limit:g} is impossible: {signal.doc} "
                f"lies between {signal.minimum:g} and {signal.maximum:g}"
            )
    if bound.low is not None and bound.high is not None and bound.low > bound.high:
        raise ConfigError(
            f"{where}: low {bound.low:g} is above high {bound.high:g}, so nothing could pass"
        )

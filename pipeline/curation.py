"""What a run does to its records, as one value: every stage with its parameters, and what it depends on.

The stages are run by `pipeline.curate`; here are their names, columns and fingerprints.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pipeline
from classifiers.token_counter import TokenCounter
from pipeline.core.decisions import Bound
from pipeline.core.errors import ConfigError
from pipeline.dedup.settings import Dedup
from pipeline.extract.extraction import Extraction
from pipeline.extract.metadata import METADATA
from pipeline.filters.base import TOP, Filter, Ranking
from pipeline.filters.cleaners import Cleaner
from pipeline.runtime.ledger import Schemas
from pipeline.runtime.manifest import fingerprint
from pipeline.sources.base import Source

__all__ = ["DEDUP", "PAYLOAD", "Curation"]

PAYLOAD, DEDUP = "payload", "dedup"  # the stages at which duplicates leave


@dataclasses.dataclass(frozen=True)
class Curation:
    """Everything a worker needs to curate a split; cheap to pickle.

    Args:
        source: where records come from.
        gates: filters that need only the URL, decided before extraction.
        extraction: engine, pre-screen and limits.
        steps: filters and cleaners in recipe order; a cleaner edits the text for what follows.
        corpus_format: ``"parquet"`` or ``"jsonl.zst"``.
        keep_dropped: share of dropped texts written to ``dropped/``, chosen by a hash of the id.
            At 1.0 a bound can be changed later without extracting again.
        dedup: how duplicates are found once all splits are done; None to leave them in.
        tokens: what the tokens of each text are counted by; None not to count them.

    Raises:
        ConfigError: a filter that ranks documents bounds ``top`` by something else than its share,
            or reads no text; a tag is no signal of its filter.
    """

    source: Source
    gates: tuple[Filter, ...]
    extraction: Extraction
    steps: tuple[Filter | Cleaner, ...]
    corpus_format: str = "parquet"
    keep_dropped: float = 1.0
    dedup: Dedup | None = None
    tokens: TokenCounter | None = None

    def __post_init__(self) -> None:
        for gate in self.gates:
            if gate.ranking():
                raise ConfigError(f"{gate.name} ranks documents and so must read their text")
        for step in self.filters:
            _check_ranking(step)
        for step in (*self.gates, *self.filters):
            unknown = sorted(set(step.tags()) - {signal.name for signal in step.signals})
            if unknown:
                raise ConfigError(f"{step.name} tags texts with {unknown[0]!r}, which is no signal")

    @property
    def filters(self) -> list[Filter]:
        return [step for step in self.steps if isinstance(step, Filter)]

    @property
    def rankings(self) -> dict[str, Ranking]:
        """What documents are ranked by once all splits are done: by the filter's name, in order."""
        found = {step.name: step.ranking() for step in self.filters}
        return {name: ranking for name, ranking in found.items() if ranking}

    def stage_names(self) -> list[str]:
        """Stages a record can leave at, in order."""
        names = ["source", *(gate.name for gate in self.gates)]
        names += [PAYLOAD] if self.dedup and self.dedup.payload else []
        names += ["prescreen"] if self.extraction.prescreen else []
        names += ["extract", *(step.name for step in self.steps)]
        return [*names, *([DEDUP] if self.dedup else [])]

    def schemas(self) -> Schemas:
        declared = [("source", signal) for signal in self.source.signals]
        for gate in self.gates:
            declared += [(gate.name, signal) for signal in gate.signals]
        if self.extraction.prescreen:
            declared += [("prescreen", signal) for signal in self.extraction.prescreen.signals]
        if self.extraction.pdf:
            declared += [("pdf", signal) for signal in self.extraction.pdf.signals]
        declared += [("extract", signal) for signal in self.extraction.engine_signals]
        if self.extraction.metadata:
            declared += [("metadata", signal) for signal in METADATA]
        for step in self.steps:
            declared += [(step.name, signal) for signal in step.signals]
        return Schemas(
            tuple(declared),
            clusters=self.dedup is not None,
            tags=self.tags(),
            tokens=self.tokens is not None,
        )

    def tags(self) -> tuple[str, ...]:
        """Signals that are also written beside the texts, as ``family.signal``."""
        filters = (*self.gates, *self.filters)
        return tuple(f"{step.name}.{signal}" for step in filters for signal in step.tags())

    def gated(self) -> str:
        """Fingerprint of all that decides which records go on to extraction."""
        return fingerprint(
            pipeline.__version__,
            [self.source.name, self.source.version, self.source.parameters()],
            [[*_identity(gate), _bounds(gate)] for gate in self.gates],
            {name: digest for gate in self.gates for name, digest in gate.models().items()},
        )

    def measured(self) -> str:
        """Fingerprint of all that texts and signals depend on, bounds of the steps left out."""
        return fingerprint(
            self.gated(),
            self.dedup is not None and self.dedup.payload,
            self.extraction.parameters(),
            [_identity(step) for step in self.steps],
            self._step_models(),
        )

    def models(self) -> dict[str, str]:
        """sha256 of every model, list file and tokenizer in use, by name."""
        return self._step_models() | (self.tokens.models() if self.tokens else {})

    def counted_by(self) -> str | None:
        """sha256 of the tokenizer; None where tokens are not counted."""
        return self.tokens.file.verify() if self.tokens else None

    def _step_models(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.extraction.prescreen:
            found |= self.extraction.prescreen.models()
        for step in (*self.gates, *self.steps):
            found |= step.models()
        return dict(sorted(found.items()))

    def decided(self) -> str:
        """Fingerprint of `measured`, every bound and ranking, and what is written.

        Tokens are part of it: texts that are stored can be counted anew without the crawl.
        """
        bounds = [_bounds(step) for step in self.filters]
        rankings = [[name, dataclasses.astuple(by)] for name, by in self.rankings.items()]
        written = [self.corpus_format, self.keep_dropped, self.dedup is not None, self.tags()]
        counted = [self.counted_by()] if self.tokens else []
        return fingerprint(self.measured(), bounds, rankings, written, *counted)


def _identity(step: Filter | Cleaner) -> list[Any]:
    return [step.name, step.version, step.parameters(), [signal.name for signal in step.signals]]


def _check_ranking(step: Filter) -> None:
    """A share is kept by the bound on ``top``; one that says something else would be believed."""
    ranking = step.ranking()
    if ranking is None:
        return
    if not 0 < ranking.share <= 1:
        raise ConfigError(f"{step.name} keeps a share above 0 and at most 1, not {ranking.share}")
    bounds = [bound for bound in step.bounds if bound.signal == TOP]
    if bounds != [Bound(TOP, high=ranking.share)]:
        raise ConfigError(
            f"{step.name} keeps the top {ranking.share:g} of the documents, and its bound on "
            f"{TOP!r} says otherwise; leave that bound out"
        )


def _bounds(step: Filter) -> list[Any]:
    return [dataclasses.astuple(bound) for bound in step.bounds]

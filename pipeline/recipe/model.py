"""What a checked recipe is: built objects and the few settings that belong to the run itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from classifiers.token_counter import TokenCounter
from pipeline.dedup.settings import Dedup
from pipeline.extract import Extraction
from pipeline.extract.html import make_engine
from pipeline.filters.base import Filter
from pipeline.filters.cleaners import Cleaner
from pipeline.sources.addresses import Address
from pipeline.sources.base import Source

__all__ = ["Keep", "Recipe", "RunLimits"]

Share = Annotated[float, Field(ge=0, le=1)]


@dataclasses.dataclass(frozen=True)
class Keep:
    """What is written besides the ledger.

    Args:
        dropped: texts of dropped records: all, none, or a share of them chosen by a hash of the
            record id. A bound can be loosened without extracting again where they are kept.
        corpus: file format of the product.
    """

    dropped: Literal["all", "none"] | Share = "all"
    corpus: Literal["parquet", "jsonl.zst"] = "parquet"

    @property
    def dropped_share(self) -> float:
        """``dropped`` as a number from 0 to 1."""
        if isinstance(self.dropped, str):
            return 1.0 if self.dropped == "all" else 0.0
        return self.dropped


@dataclasses.dataclass(frozen=True)
class RunLimits:
    """When a finished run counts as a bad one.

    Args:
        quarantined: share of records, 0 to 1, over which the run ends with exit code 3.
    """

    quarantined: Share = 0.01


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A checked recipe. Cheap to pickle; `dataclasses.replace` changes the output folder.

    Args:
        name: lower-case letters, digits, ``-`` and ``_``.
        output: folder of the run.
        source: where records come from.
        extraction: how their text is found.
        steps: filters and cleaners in the recipe's order. A cleaner edits the text that the
            steps behind it see.
        tokenizer: what steps use that were given no tokenizer of their own.
        dedup: how duplicates are found, None to leave them in.
        keep: what is written.
        limits: when the run counts as a bad one.
        warnings: what is allowed and probably not meant, one sentence each.
        tokens: what tokens are counted by, None not to count them.
    """

    name: str
    output: str
    source: Source
    extraction: Extraction
    steps: tuple[Filter | Cleaner, ...]
    tokenizer: str = "words"
    dedup: Dedup | None = None
    keep: Keep = Keep()
    limits: RunLimits = RunLimits()
    warnings: tuple[str, ...] = ()
    tokens: TokenCounter | None = None

    @property
    def filters(self) -> tuple[Filter, ...]:
        """The steps that decide."""
        return tuple(step for step in self.steps if isinstance(step, Filter))

    @property
    def gates(self) -> tuple[Filter, ...]:
        """The filters that read nothing but the URL: they run before extraction."""
        return tuple(step for step in self.filters if step.reads <= {"url"})

    def describe(self) -> dict[str, Any]:
        """The recipe with every default spelt out, as plain values.

        It is itself a recipe: written as YAML and loaded, it gives an equal one. It holds what
        was asked for, not the code that does it: versions and model hashes are the steps' own
        (``version``, ``parameters()``).
        """
        engine = make_engine(self.extraction.engine, self.extraction.options)
        return {
            "name": self.name,
            "output": self.output,
            "source": {"kind": self.source.name, **_fields(self.source)},
            "extract": {**_fields(self.extraction), "options": _fields(engine)},
            "tokenizer": self.tokenizer,
            "filters": [_describe_step(step) for step in self.steps],
            **({} if self.dedup is None else {"dedup": _fields(self.dedup)}),
            **({} if self.tokens is None else {"tokens": _fields(self.tokens)}),
            "keep": _fields(self.keep),
            "limits": _fields(self.limits),
        }


def _describe_step(step: Filter | Cleaner) -> dict[str, Any]:
    if isinstance(step, Cleaner):
        return {"clean": {step.name: _fields(step)}}
    bounds = {bound.signal: {"low": bound.low, "high": bound.high} for bound in step.bounds}
    return {step.name: {**_fields(step), "bounds": bounds}}


def _fields(instance: Any) -> dict[str, Any]:
    return {
        field.name: _plain(getattr(instance, field.name))
        for field in dataclasses.fields(instance)
        if field.init
    }


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(_plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Address) else value  # without its secrets

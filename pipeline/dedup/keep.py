"""Which copy stays: the order of documents from best to worst, by the recipe's rules.

Documents are numbered in this order, and from here on a smaller number always wins. The order
depends on the documents alone, not on the files they come in or the order of reading.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import ConfigError
from pipeline.dedup.settings import Dedup

__all__ = ["keeper_order", "timestamp"]

_Floats = npt.NDArray[np.float64]
_Last = np.inf


def keeper_order(
    documents: pa.Table, standing: npt.NDArray[np.bool_], settings: Dedup
) -> npt.NDArray[np.int64]:
    """Row numbers of ``documents``, best first.

    Args:
        documents: columns of `pipeline.dedup.index.DOCUMENTS`. A document without a date, a score
            or a preferred domain comes after all that have one.
        standing: the first rows, as many as it is long, belong to earlier runs. Those they kept
            (True) come first whatever the rules, those they removed last of all.
        settings: the recipe's section.

    Raises:
        ConfigError: there are more documents than 32-bit numbers.
    """
    rows = documents.num_rows
    if rows >= 2**32 - 1:
        raise ConfigError(
            f"{rows:,} documents are more than one deduplication takes (4.29 billion)"
        )
    ranks = np.empty(rows, np.int64)
    ranks[pc.sort_indices(documents["id"]).to_numpy()] = np.arange(rows)
    keys: list[npt.NDArray[np.float64] | npt.NDArray[np.int64]] = [ranks]
    keys += [_MEASURES[rule](documents, settings) for rule in reversed(settings.keep)]
    if len(standing):
        classes = np.ones(rows, np.int64)
        classes[: len(standing)] = np.where(standing, 0, 2)
        keys.append(classes)
    return np.lexsort(keys)


def timestamp(date: object) -> float:
    """Seconds since 1970 of an ISO 8601 date or a `datetime`; NaN for anything else."""
    if isinstance(date, str):
        try:
            date = datetime.datetime.fromisoformat(date)
        except ValueError:
            return float("nan")
    if isinstance(date, datetime.datetime):
        try:
            return (date if date.tzinfo else date.replace(tzinfo=datetime.UTC)).timestamp()
        except (OverflowError, ValueError):
            return float("nan")
    if isinstance(date, datetime.date):
        return timestamp(datetime.datetime(date.year, date.month, date.day))
    return float("nan")


def _longest(documents: pa.Table, settings: Dedup) -> _Floats:
    return -_column(documents, "characters")


def _earliest(documents: pa.Table, settings: Dedup) -> _Floats:
    return np.nan_to_num(_column(documents, "date"), nan=_Last)


def _latest(documents: pa.Table, settings: Dedup) -> _Floats:
    return np.nan_to_num(-_column(documents, "date"), nan=_Last)


def _best_quality(documents: pa.Table, settings: Dedup) -> _Floats:
    return np.nan_to_num(-_column(documents, "quality"), nan=_Last)


def _preferred_domains(documents: pa.Table, settings: Dedup) -> _Floats:
    encoded = documents["host"].combine_chunks().dictionary_encode("encode")
    places = np.array(
        [_place(host or "", settings.preferred_domains) for host in encoded.dictionary.to_pylist()]
        or [0.0]
    )
    chosen: _Floats = places[encoded.indices.to_numpy()]
    return chosen


def _place(host: str, preferred: tuple[str, ...]) -> float:
    return float(
        next(
            (
                place
                for place, domain in enumerate(preferred)
                if host == domain or host.endswith(f".{domain}")
            ),
            len(preferred),
        )
    )


def _column(documents: pa.Table, name: str) -> _Floats:
    values: _Floats = documents[name].to_numpy()
    return values.astype(np.float64)


_MEASURES: Mapping[str, Callable[[pa.Table, Dedup], _Floats]] = {
    "longest": _longest,
    "earliest": _earliest,
    "latest": _latest,
    "best_quality": _best_quality,
    "preferred_domains": _preferred_domains,
}

"""One filter on whatever holds the texts: a string, a list, Arrow, pandas, ``datasets``, Ray Data.

A string or `Document` gives a `Result`, a list gives a list of them. Tabular data comes back in
its own kind with columns added: ``NAME.SIGNAL`` for each signal, ``NAME.keep`` (bool) and
``NAME.reasons`` (the slugs of all failing rules joined by ``;``, empty where kept). A null text
counts as the empty string. Rows are never added, left out or reordered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.core.errors import ConfigError
from pipeline.core.records import Document

if TYPE_CHECKING:
    from pipeline.filters.base import Filter, Result

__all__ = ["apply_filter"]


def apply_filter(
    rules: Filter,
    data: Any,
    *,
    text_column: str = "text",
    url_column: str = "url",
    only_keep: bool = False,
) -> Any:
    """Apply ``rules`` to ``data``; what comes back is described above.

    Args:
        data: ``str``, `Document`, a list of either, ``pyarrow.Table`` or ``RecordBatch``, a
            pandas frame, a mapping of column to list or NumPy array (``datasets.map`` with
            ``batched=True``, Ray Data), or a mapping of column to value (one row).
        text_column: the column of texts, for tabular data.
        url_column: the column of URLs, for filters that read them.
        only_keep: return only booleans, one per row.

    Raises:
        ConfigError: a column the filter reads is missing, or ``data`` is of another kind.
    """
    if isinstance(data, str | Document):
        result = rules._judge([_document(data)])[0]
        return result.keep if only_keep else result
    if isinstance(data, list | tuple):
        results = rules._judge([_document(item) for item in data])
        return [result.keep for result in results] if only_keep else results

    columns = {"text": text_column, "url": url_column}
    if isinstance(data, pa.Table | pa.RecordBatch):
        names = data.schema.names
        results = _judge_columns(rules, names, lambda name: data.column(name).to_pylist(), columns)
        if only_keep:
            return [result.keep for result in results]
        for name, values, kind in _new_columns(rules, results):
            array = pa.array(values, kind)
            data = (
                data.set_column(names.index(name), name, array)
                if name in names
                else data.append_column(name, array)
            )
        return data
    if isinstance(data, Mapping):
        return _apply_mapping(rules, data, columns, only_keep)
    if type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "columns"):
        results = _judge_columns(
            rules, list(data.columns), lambda name: data[name].tolist(), columns
        )
        if only_keep:
            return [result.keep for result in results]
        return data.assign(**{name: values for name, values, _ in _new_columns(rules, results)})
    raise ConfigError(
        f"{rules.name} cannot be applied to {type(data).__name__}: pass a string, a list, an Arrow "
        "table, a pandas frame or a mapping of columns"
    )


def _apply_mapping(
    rules: Filter, data: Mapping[str, Any], columns: Mapping[str, str], only_keep: bool
) -> Any:
    first = data.get(columns[_read(rules)[0]])
    if first is None or isinstance(first, str):
        results = _judge_columns(rules, list(data), lambda name: [data[name]], columns)
        if only_keep:
            return results[0].keep
        return {**data, **{name: values[0] for name, values, _ in _new_columns(rules, results)}}
    results = _judge_columns(rules, list(data), lambda name: list(data[name]), columns)
    if only_keep:
        return [result.keep for result in results]
    added = _new_columns(rules, results)
    if hasattr(first, "dtype"):
        import numpy as np

        # Without a type, an empty batch would get numbers where labels and booleans belong.
        return {
            **data,
            **{name: np.asarray(values, kind.to_pandas_dtype()) for name, values, kind in added},
        }
    return {**data, **{name: values for name, values, _ in added}}


def _read(rules: Filter) -> list[str]:
    return sorted(rules.reads & {"text", "url"})


def _document(item: Any) -> Document:
    if isinstance(item, Document):
        return item
    if item is None or isinstance(item, str):
        return Document("", item or "")
    raise ConfigError(f"expected a text, got {type(item).__name__}")


def _judge_columns(
    rules: Filter, names: Sequence[str], column: Any, columns: Mapping[str, str]
) -> list[Result]:
    read: dict[str, list[Any]] = {}
    for field in _read(rules):
        name = columns[field]
        if name not in names:
            raise ConfigError(
                f"{rules.name} reads column {name!r}, which is missing; present: "
                f"{', '.join(map(str, names))}. Pass {field}_column=…"
            )
        read[field] = column(name)
    rows = len(next(iter(read.values())))
    texts = read.get("text") or [""] * rows
    urls = read.get("url") or [""] * rows
    docs = [
        Document("", text if isinstance(text, str) else "", url if isinstance(url, str) else "")
        for text, url in zip(texts, urls, strict=True)
    ]
    return rules._judge(docs)


def _new_columns(
    rules: Filter, results: Sequence[Result]
) -> list[tuple[str, list[Any], pa.DataType]]:
    added: list[tuple[str, list[Any], pa.DataType]] = [
        (
            f"{rules.name}.{signal.name}",
            [result.signals[signal.name] for result in results],
            pa.string() if signal.kind == "text" else pa.float64(),
        )
        for signal in rules.signals
    ]
    added.append((f"{rules.name}.keep", [result.keep for result in results], pa.bool_()))
    reasons = [";".join(verdict.reason for verdict in result.verdicts) for result in results]
    added.append((f"{rules.name}.reasons", reasons, pa.string()))
    return added

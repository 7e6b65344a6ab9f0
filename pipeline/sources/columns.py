"""Column types of tables: what was seen, the one schema that holds it all, rows in that schema.

JSON has no columns; what occurs in one decides its Arrow type: whole numbers int64, numbers with
fractions among them float64, strings large_string, true and false bool, nothing but null
large_string. Everything else (mixed, nested, numbers that no such type holds exactly) becomes
JSON text: each value as `json.dumps` writes it, so that `json.loads` gives it back. Columns of
Parquet keep their type; where files differ, numbers, strings and truth values follow the rule
above, lists and structs are joined member by member, and what cannot be joined is JSON text.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipeline.core.errors import SourceError
from pipeline.core.records import encodable

__all__ = ["ColumnTypes", "conform", "is_json_text", "json_text", "to_arrow", "to_python", "unify"]

NULL, BOOL, INT, WIDE, HUGE, FLOAT, STRING, OTHER, TYPED = (1 << bit for bit in range(9))
KINDS = {type(None): NULL, bool: BOOL, int: INT, float: FLOAT, str: STRING}
STORED = 16  # kinds seen in Parquet are kept this many bits higher than kinds seen in JSON
ALL = (1 << STORED) - 1

EXACT = 1 << 53  # whole numbers up to here are exact as float64
JSON_TEXT = {b"gristmill.encoding": b"json"}  # field metadata: no JSON text is encoded twice


@dataclasses.dataclass
class ColumnTypes:
    """What has been seen in each column, in order of first appearance. Cheap to pickle.

    Args:
        kinds: per column, bits for the kinds of values seen.
        stored: per column, the distinct Arrow types it has in Parquet files.
    """

    kinds: dict[str, int] = dataclasses.field(default_factory=dict)
    stored: dict[str, list[pa.DataType]] = dataclasses.field(default_factory=dict)

    def observe(self, values: Mapping[str, Any]) -> None:
        """Take in one row of JSON."""
        kinds = self.kinds
        for name, value in values.items():
            kind = KINDS.get(type(value), OTHER)
            if kind == INT and not -EXACT <= value <= EXACT:
                kind = WIDE if -(1 << 63) <= value < 1 << 63 else HUGE
            kinds[name] = kinds.get(name, 0) | kind

    def observe_field(self, field: pa.Field, exact: bool = False) -> None:
        """Take in one column of a Parquet file.

        Args:
            field: as the file declares it.
            exact: no whole number in it lies beyond 2**53.
        """
        kind = OTHER if is_json_text(field) else _kind(field.type, exact)
        self.kinds[field.name] = self.kinds.get(field.name, 0) | kind << STORED
        types = self.stored.setdefault(field.name, [])
        if field.type not in types:
            types.append(field.type)

    def merge(self, other: ColumnTypes) -> None:
        """Add what was seen in a later part. Merge in the order of the parts: it is the columns'."""
        for name, kinds in other.kinds.items():
            self.kinds[name] = self.kinds.get(name, 0) | kinds
        for name, types in other.stored.items():
            known = self.stored.setdefault(name, [])
            known += [kind for kind in types if kind not in known]

    def has_json_text(self, name: str) -> bool:
        """Whether a Parquet column of this name holds JSON text that was written here."""
        return bool(self.kinds.get(name, 0) >> STORED & OTHER)

    def schema(self) -> pa.Schema:
        """The schema that every row seen can be written with; each column may hold null."""
        return pa.schema(
            [_field(name, kinds, self.stored.get(name, ())) for name, kinds in self.kinds.items()]
        )


def unify(parts: Iterable[ColumnTypes]) -> pa.Schema:
    """The one schema that the rows of all parts can be written with.

    Args:
        parts: what was seen in each, in the order of `plan_tables`.
    """
    seen = ColumnTypes()
    for part in parts:
        seen.merge(part)
    return seen.schema()


def is_json_text(field: pa.Field) -> bool:
    """Whether a column holds JSON text that was written here."""
    return bool(field.metadata) and JSON_TEXT.items() <= field.metadata.items()


def to_arrow(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as a record batch. Missing values are null, values of other columns are left out.

    Args:
        rows: ``values`` of `TableRow`, so none of a row with an error.
        schema: from `unify`.

    Raises:
        SourceError: a value that the schema has no room for: it was made from other rows.
    """
    arrays = [_array([row.get(field.name) for row in rows], field) for field in schema]
    return _batch(arrays, schema, len(rows))


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch as read from Parquet, with the columns and types of ``schema``.

    Raises:
        SourceError: as `to_arrow`.
    """
    arrays = []
    for field in schema:
        at = batch.schema.get_field_index(field.name)
        if at < 0:
            arrays.append(pa.nulls(batch.num_rows, field.type))
            continue
        column, given = batch.column(at), batch.schema.field(at)
        if is_json_text(field) and not is_json_text(given):
            arrays.append(_array(to_python(column), field))
        elif column.type == field.type:
            arrays.append(column)
        else:
            arrays.append(_cast(column, field))
    return _batch(arrays, schema, batch.num_rows)


def to_python(column: pa.Array) -> list[Any]:
    """Values as Python objects, whatever they are.

    Times are cut to microseconds, as Python has no finer ones; those that it cannot hold at all
    are given as text.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_duration(kind) and kind.unit == "ns":
        column = column.cast(pa.duration("us"), safe=False)
    elif pa.types.is_time64(kind) and kind.unit == "ns":
        column = column.cast(pa.time64("us"), safe=False)
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError):
        return [_to_python(column.slice(at, 1)) for at in range(len(column))]


# --- types -----------------------------------------------------------------------------------


def _kind(kind: pa.DataType, exact: bool) -> int:
    """Kind of an Arrow type; ``TYPED`` for those that JSON has no like of."""
    is_a = pa.types
    if is_a.is_null(kind):
        return NULL
    if is_a.is_boolean(kind):
        return BOOL
    if is_a.is_integer(kind):
        if exact or kind.bit_width < 64:
            return INT
        return WIDE if is_a.is_signed_integer(kind) else HUGE
    if is_a.is_floating(kind):
        return FLOAT
    return STRING if _is_string(kind) else TYPED


def _field(name: str, kinds: int, stored: Sequence[pa.DataType]) -> pa.Field:
    found = _type(kinds & ALL, kinds >> STORED, stored)
    if found is None:
        return pa.field(name, pa.large_string(), metadata=JSON_TEXT)
    metadata = JSON_TEXT if kinds >> STORED & OTHER else None
    return pa.field(name, found, metadata=metadata)


def _type(written: int, parquet: int, stored: Sequence[pa.DataType]) -> pa.DataType | None:
    """The type that holds what JSON and Parquet have; None where only JSON text does."""
    types = [kind for kind in stored if not pa.types.is_null(kind)]
    if not written & ~NULL and len(types) == 1:
        return types[0]
    kinds = (written | parquet) & ~NULL
    if kinds & TYPED:
        return None if written & ~NULL else functools.reduce(_common, types)
    if not kinds:
        return pa.large_string() if written else pa.null()
    for fit, kind in (
        (BOOL, pa.bool_()),
        (INT | WIDE, pa.int64()),
        (INT | FLOAT, pa.float64()),
        (STRING, pa.large_string()),
    ):
        if not kinds & ~fit:
            return kind
    return None


def _common(one: pa.DataType | None, other: pa.DataType | None) -> pa.DataType | None:
    """The type that holds the values of both; the order of joining makes no difference."""
    is_a = pa.types
    if one is None or other is None or one == other:
        return one if one == other else None
    if is_a.is_null(one) or is_a.is_null(other):
        return other if is_a.is_null(one) else one
    pair = (one, other)
    if all(map(_is_string, pair)):
        return pa.large_string()
    if all(is_a.is_binary(kind) or is_a.is_large_binary(kind) for kind in pair):
        return pa.large_binary()
    if all(is_a.is_integer(kind) and not is_a.is_uint64(kind) for kind in pair):
        return pa.int64()
    if all(map(is_a.is_floating, pair)):
        return pa.float64()
    if all(is_a.is_list(kind) or is_a.is_large_list(kind) for kind in pair):
        member = _common(one.value_type, other.value_type)
        return None if member is None else pa.large_list(member)
    if all(map(is_a.is_struct, pair)) and _names(one) == _names(other):
        members = [_common(mine.type, its.type) for mine, its in zip(one, other, strict=True)]
        if None not in members:
            return pa.struct(list(zip(_names(one), members, strict=True)))
    return None


def _names(struct: pa.StructType) -> list[str]:
    return [field.name for field in struct]


def _is_string(kind: pa.DataType) -> bool:
    is_a = pa.types
    if is_a.is_dictionary(kind):
        kind = kind.value_type
    return bool(is_a.is_string(kind) or is_a.is_large_string(kind) or is_a.is_string_view(kind))


# --- values ----------------------------------------------------------------------------------


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    if is_json_text(field):
        values = [None if value is None else json_text(value) for value in values]
    try:
        return pa.array(values, field.type)
    except UnicodeEncodeError:
        values = [encodable(value) if isinstance(value, str) else value for value in values]
        return pa.array(values, field.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise _no_room(field, error) from error


def _cast(column: pa.Array, field: pa.Field) -> pa.Array:
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise _no_room(field, error) from error


def _no_room(field: pa.Field, error: Exception) -> SourceError:
    return SourceError(
        f"column {field.name!r}: values that {field.type} has no room for ({error}); "
        "was an input changed while it was read?"
    )


def _batch(arrays: list[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    if arrays:
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    # Without columns there is no other way to say how many rows there are.
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))


def json_text(value: Any, *, finite: bool = False) -> str:
    """A value as JSON, what JSON has no form for as text.

    Args:
        value: as `to_python` gives it.
        finite: NaN and infinities as null, which JSON proper has no form for either; they stay what
            Python writes where Python reads them again.
    """
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=not finite)
    except ValueError:
        return json.dumps(_without_nan(value), ensure_ascii=False, default=_plain)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> str:
    """What JSON has no form for: bytes as base64, times as in ISO 8601, the rest as Python has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _to_python(one: pa.Array) -> Any:
    try:
        return one[0].as_py()
    except (ValueError, OverflowError):
        if pa.types.is_nested(one.type):
            return str(one.to_string(skip_new_lines=True))
        return one.cast(pa.string())[0].as_py()

"""Values of a row as an example has them: text, label, group, slice. What will not do is a fault."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

from pipeline.core.errors import RecordError
from pipeline.core.records import encodable
from pipeline.filters.url_parts import host_of, registrable_domain

__all__ = ["domain_of", "group_of", "label_of", "slice_of", "text_of"]

SHOWN = 40  # characters of a value in a message


def text_of(value: Any) -> str:
    """The text, as it is.

    Raises:
        RecordError: ``text.missing``, ``text.type``, ``text.empty`` (white space counts as none).
    """
    if value is None:
        raise RecordError("text.missing", "no text")
    if not isinstance(value, str):
        raise RecordError("text.type", f"{_kind(value)} where a text belongs")
    if not value or value.isspace():
        raise RecordError("text.empty", "the text is empty")
    return encodable(value)


def label_of(value: Any) -> str:
    """The label as text: strings as they are, ``"1"`` of 1 and of 1.0, ``"true"`` of True.

    A list of one label, or of the same one again and again, is that label.

    Raises:
        RecordError: ``label.missing`` (null, NaN, empty), ``label.several``, ``label.type``.
    """
    if isinstance(value, list | tuple):
        labels = list(dict.fromkeys(label_of(member) for member in value))
        if len(labels) > 1:
            raise RecordError("label.several", f"several labels: {_shown(', '.join(labels))}")
        value = labels[0] if labels else None
    text = _scalar(value)
    if text is None:
        raise RecordError("label.type", f"{_kind(value)} where a label belongs")
    if not text or text.isspace():
        raise RecordError("label.missing", "no label")
    return text


def group_of(value: Any) -> str:
    """The group as text, in the form labels have; empty where there is none.

    Raises:
        RecordError: ``group.type``: a value that names no group.
    """
    text = _scalar(value)
    if text is None:
        raise RecordError("group.type", f"{_kind(value)} where a group belongs")
    return "" if text.isspace() else text


def domain_of(value: Any) -> str:
    """The registrable domain of a URL; empty where there is none.

    Raises:
        RecordError: ``group.type``: not a string.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RecordError("group.type", f"{_kind(value)} where a URL belongs")
    return _domain(host_of(value))


def slice_of(value: Any) -> str:
    """Any value as text: as labels where it can be, else as JSON; empty where there is none."""
    text = _scalar(value)
    if text is None:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return encodable(text)


@functools.lru_cache(maxsize=1 << 16)
def _domain(host: str) -> str:
    return registrable_domain(host)


def _scalar(value: Any) -> str | None:
    """Text of a value that names something; empty for a missing one; None for what names nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else None
    return None


def _kind(value: Any) -> str:
    names = {bool: "a truth value", int: "a number", float: "a number", list: "a list"}
    name = names.get(type(value), "an object" if isinstance(value, dict) else type(value).__name__)
    return f"{name} ({_shown(str(value))})"


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"

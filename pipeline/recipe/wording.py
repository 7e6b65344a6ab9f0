"""What is wrong with a recipe's value, in a person's words: pydantic's complaints, translated."""

from __future__ import annotations

import json
import re
from typing import Any

from pipeline.core.registry import nearest

__all__ = ["explain", "show"]

# pydantic's error types in a person's words: "expected a number, got 'abc'".
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a map",
    "mapping_type": "a map",
    "dataclass_type": "a map",
    "none_required": "null",
}


def explain(value: Any, details: list[Any]) -> str:
    """What is wrong with ``value``, and the mend where there is an obvious one.

    Args:
        value: as the recipe has it.
        details: all that ``pydantic.ValidationError.errors`` says of it.
    """
    expected = list(dict.fromkeys(_expected(detail) for detail in details))
    if None in expected:
        said = "; ".join(detail["msg"] for detail in details)
        return f"{show(value)} cannot be used here: {said[0].lower()}{said[1:]}"
    message = f"expected {' or '.join(map(str, expected))}, got {show(value)}"
    if isinstance(value, dict | list) or value is None:
        return message
    if "a list" in expected:
        plain = isinstance(value, str) and re.fullmatch(r"[\w./][\w./*?-]*", value)
        return f"{message}; write [{value if plain else json.dumps(value, ensure_ascii=False)}]"
    if expected == ["a whole number"] and isinstance(value, str) and value[:1].isdigit():
        return f"{message}; a size is written 64MB or 64MiB"
    if expected == ["text"]:
        return f'{message}; quote it: "{show(value)}"'
    if expected == ["true or false"] and str(value).lower() in ("yes", "no", "on", "off"):
        return f"{message}; write {'true' if str(value).lower() in ('yes', 'on') else 'false'}"
    choices = [choice for detail in details for choice in _choices(detail)]
    return message + (nearest(str(value), choices) if choices else "")


def _expected(detail: Any) -> str | None:
    choices = _choices(detail)
    if choices:
        return " or ".join(choices)
    limit = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    if detail["type"] in limit:
        name, words = limit[detail["type"]]
        return f"{words} {detail['ctx'][name]:g}"
    return _EXPECTED.get(detail["type"])


def _choices(detail: Any) -> list[str]:
    if detail["type"] != "literal_error":
        return []
    return re.findall(r"'([^']*)'", detail["ctx"]["expected"])


def show(value: Any) -> str:
    """A value as the recipe would have it, in few characters."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

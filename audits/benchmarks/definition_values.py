"""What a definition may write where a part of an item is to be made: one function a kind of part.

A text is a field (``question``), a path (``answers.text.0``) or a template (``"{body} {question}"``;
``{{`` and ``}}`` are the signs themselves), or a map of such a ``field`` and how it is cut:
``after``, ``before``, ``within``, ``from``, and for choices ``split`` and ``options``. ``$row``,
``$position``, ``$subject``, ``$file`` and ``$split`` are fields that every row has: its position in
the split and within its subject, its subject, the name of its file or configuration, the split.
"""

from __future__ import annotations

import re
from typing import Any

from audits.benchmarks.definition_text import Node, Reader
from audits.benchmarks.fields import Choice, Path, Value
from pipeline.core.registry import nearest

__all__ = ["GIVEN", "read_answer", "read_choices", "read_language", "read_range", "read_value"]

GIVEN = ("$row", "$position", "$subject", "$file", "$split")
CUTS = ("after", "before", "within")
LISTS = ("split", "options")
PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def read_value(reader: Reader, node: Node, more: tuple[str, ...] = ()) -> Value:
    """A text made of fields.

    Args:
        reader: takes the faults.
        node: text, or a map with ``field``.
        more: keys that are known here besides those of every text.
    """
    if not isinstance(node.value, dict):
        return Value(_pieces(reader, node), line=node.line)
    written = reader.members(node, ("field", *CUTS, *more))
    if "field" not in written:
        reader.fault(node, "'field' is required and missing: which field is it made of?")
        return Value((), line=node.line)
    cuts: dict[str, Any] = {
        key: _mark(reader, written[key]) for key in written if key not in ("field", "from")
    }
    if "from" in written:
        cuts["start"] = _ranges(reader, written["from"])
        if len(written) > 2:
            reader.fault(node, "'from' reads a whole number; nothing can be cut from it")
    return Value(_pieces(reader, written["field"]), **cuts, line=node.line)


def read_range(reader: Reader, node: Node) -> Value:
    """A text, or ``from``: the range that a whole number lies in, by name."""
    return read_value(reader, node, ("from",))


def read_choices(reader: Reader, node: Node) -> tuple[Value, ...]:
    """The options: a text whose field holds a list, or a list of texts, one or more options each."""
    members = node.value if isinstance(node.value, list) else [node]
    if not members:
        reader.fault(node, "expected at least one field, got an empty list")
    return tuple(read_value(reader, member, LISTS) for member in members)


def read_answer(reader: Reader, node: Node) -> Value | Choice:
    """The right answer: a text, or ``choice`` with a place or a letter among the choices."""
    if not isinstance(node.value, dict) or "choice" not in node.value:
        return read_value(reader, node)
    written = reader.members(node, ("choice", "labels", "first"))
    labels = None
    if "labels" in written:
        pieces = _pieces(reader, written["labels"])
        labels = pieces[0] if len(pieces) == 1 and isinstance(pieces[0], Path) else None
        if labels is None:
            reader.fault(written["labels"], "expected a field that holds the labels in a list")
    first = reader.number(written["first"]) if "first" in written else 0
    return Choice(read_value(reader, written["choice"]), labels, first, line=node.line)


def read_language(reader: Reader, node: Node) -> Value:
    """A language's code, or ``$split``, or a template such as ``"{lang}"``."""
    text = reader.text(node)
    if "{" in text or text.startswith("$"):
        return read_value(reader, node)
    return Value((text,), line=node.line)


def _pieces(reader: Reader, node: Node) -> tuple[str | Path, ...]:
    """Literal text and paths; of a text without brackets, the one path that it is."""
    text = reader.text(node)
    if not text:
        return ()
    if not any(sign in text for sign in "{}"):
        return (_path(reader, node, text),)
    pieces: list[str | Path] = []
    literal, at = "", 0
    for found in PIECE.finditer(text):
        literal += text[at : found.start()]
        at = found.end()
        if found[0] in ("{{", "}}"):
            literal += found[0][0]
        elif found[1] is None or not found[1].strip():
            reader.fault(node, f"{found[0]!r} closes or names nothing; double it if it is meant so")
        else:
            pieces += [literal, _path(reader, node, found[1].strip())]
            literal = ""
    pieces.append(literal + text[at:])
    return tuple(piece for piece in pieces if piece != "")


def _path(reader: Reader, node: Node, text: str) -> Path:
    if not all(text.split(".")):
        reader.fault(node, f"{text!r} is no path: a part between dots is empty")
    if text.startswith("$") and text not in GIVEN:
        reader.fault(node, f"{text!r} is nothing that rows are given{nearest(text, GIVEN)}")
    return Path(text)


def _mark(reader: Reader, node: Node) -> str:
    # Blanks may be what a mark is made of.
    if not isinstance(node.value, str) or not node.value:
        reader.fault(node, f"expected the text to look for, got {node.kind}")
        return ""
    return node.value


def _ranges(reader: Reader, node: Node) -> tuple[tuple[str, int], ...]:
    """Names of ranges and the number that each begins with."""
    ranges = tuple(
        (name, reader.number(member)) for name, member in reader.members(node, None).items()
    )
    numbers = [number for _, number in ranges]
    if not ranges or sorted(set(numbers)) != numbers:
        reader.fault(node, "expected names and the number each begins with, in ascending order")
        return ()
    return ranges

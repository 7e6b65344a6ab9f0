"""Recipe text to plain values, each with the line it was written on, and the faults found in them.

YAML as its 1.2 core schema reads it, which is what people expect of a recipe: ``no`` is the code of
a language and not False, ``1e5`` is a number, ``2024-01-01`` is text. Values are maps, lists,
text, numbers, true, false and null; anchors, tags and repeated keys are refused.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any

import yaml

from pipeline.core.errors import RecipeError, RecipeErrors

__all__ = ["Key", "Tree", "parse_value", "read_tree"]

Key = tuple[str | int, ...]
_MAX_DEPTH = 32
_CORE_TAGS = {"null", "bool", "int", "float", "str", "map", "seq"}
_DOTTED_WORD = re.compile(r"\.(inf|nan)", re.IGNORECASE)


@dataclasses.dataclass
class Tree:
    """Plain values with their places.

    Args:
        file: the recipe's path as the user gave it.
        value: the recipe as maps, lists and scalars.
        lines: 1-based line of each key and list item; None for what ``--set`` wrote.
    """

    file: str
    value: Any
    lines: dict[Key, int | None]
    faults: list[RecipeError] = dataclasses.field(default_factory=list)

    def get(self, key: Key) -> Any:
        """The value at ``key``; None where nothing is written."""
        value = self.value
        for part in key:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def line(self, key: Key) -> int | None:
        """The line of ``key``, or of the nearest key around it that has one."""
        while key not in self.lines:
            key = key[:-1]
        return self.lines[key]

    def fault(self, key: Key, message: str) -> None:
        """Note a fault, once, and go on: all of them are reported together."""
        line = self.line(key)
        file = "--set" if line is None else self.file
        fault = RecipeError(message, file=file, line=line, key=dotted(key))
        if str(fault) not in map(str, self.faults):
            self.faults.append(fault)

    def raise_faults(self) -> None:
        """Raises:
        RecipeErrors: any fault was noted; in the order of their lines, overrides last.
        """
        if self.faults:
            raise RecipeErrors(
                sorted(self.faults, key=lambda fault: (fault.line is None, fault.line or 0))
            )


def dotted(key: Key) -> str:
    """``filters.gopher_quality.bounds`` or ``source.paths.0``: as ``--set`` takes it.

    The position of an item that has a name of its own is left out.
    """
    parts = itertools.zip_longest(key, key[1:])
    return ".".join(
        str(part) for part, inner in parts if isinstance(part, str) or not isinstance(inner, str)
    )


def read_tree(text: str, file: str) -> Tree:
    """Parse a recipe.

    Raises:
        RecipeError: the text is not YAML, or uses what recipes do not have.
        RecipeErrors: keys are given twice.
    """
    tree = Tree(file, None, {(): 1})
    node = _compose(text, file)
    tree.value = None if node is None else _plain(node, (), tree)
    tree.raise_faults()
    return tree


def parse_value(text: str) -> Any:
    """One value as ``--set key=value`` writes it, read by the same rules.

    Raises:
        RecipeError: as `read_tree`.
    """
    tree = read_tree(text, "--set")
    return tree.value


_NO_ALIAS = "aliases and anchors are not part of it; quote a value that starts with * or &"
# Where YAML's own words would not tell what to do.
_MENDS = {"'\\t'": "a tab; indent with spaces", "an alias": _NO_ALIAS, "an anchor": _NO_ALIAS}


class _CoreLoader(yaml.SafeLoader):
    """Composes nodes with the tags of the YAML 1.2 core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own protocol
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="an alias or anchor", problem_mark=event.start_mark)
        if self.depth > _MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested more than {_MAX_DEPTH} deep", problem_mark=event.start_mark
            )
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


# https://yaml.org/spec/1.2.2/#103-core-schema: tag, pattern, characters that a match may start with
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first
    )


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        loader = _CoreLoader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark and file != "--set" else None
        said = " ".join(part for part in (error.context, error.problem) if part)
        for sign, mend in _MENDS.items():
            if sign in said:
                said = mend
        raise RecipeError(f"not a recipe: {said}", file=file, line=line) from error
    except yaml.YAMLError as error:
        raise RecipeError(f"not a recipe: {error}", file=file) from error
    return node


def _plain(node: yaml.Node, key: Key, tree: Tree) -> Any:
    """The value of ``node``; notes the line of everything in it."""
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind not in _CORE_TAGS:
        raise RecipeError(
            f"not a recipe: tag {node.tag!r} is not supported",
            file=tree.file,
            line=node.start_mark.line + 1,
            key=dotted(key),
        )
    if isinstance(node, yaml.MappingNode):
        return _plain_map(node, key, tree)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            tree.lines[(*key, index)] = item.start_mark.line + 1
            items.append(_plain(item, (*key, index), tree))
        return items
    try:
        return _scalar(kind, node.value)
    except ValueError as error:
        raise RecipeError(
            f"not a recipe: {error}", file=tree.file, line=tree.line(key), key=dotted(key)
        ) from error


def _plain_map(node: yaml.MappingNode, key: Key, tree: Tree) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name_node, value_node in node.value:
        line = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode):
            raise RecipeError("not a recipe: a key is text", file=tree.file, line=line)
        inner = (*key, name_node.value)
        if name_node.value in values:
            tree.faults.append(
                RecipeError(
                    f"given twice, first on line {tree.lines[inner]}; keep one",
                    file=tree.file,
                    line=line,
                    key=dotted(inner),
                )
            )
            continue
        tree.lines[inner] = line
        values[name_node.value] = _plain(value_node, inner, tree)
    return values


def _scalar(kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if kind == "float":
        return float(_DOTTED_WORD.sub(r"\1", text))
    return text

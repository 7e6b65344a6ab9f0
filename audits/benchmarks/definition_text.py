"""The YAML of a benchmark definition: its values with the line of each, and the faults found in them.

Every scalar is text here, whatever YAML would make of it: ``no`` is the code of a language, ``1``
the name of a field. What a value should be is asked for by who reads it. Anchors, tags and repeated
keys are refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import yaml

from pipeline.core.errors import RecipeError, RecipeErrors
from pipeline.core.printable import printable
from pipeline.core.registry import nearest

__all__ = ["Node", "Reader"]

NULLS = ("", "~", "null", "Null", "NULL")
TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}
MAX_NODES, MAX_DEPTH = 20_000, 20
SHOWN = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A value, and where it stands.

    Args:
        value: text, a list, a map, or None where nothing is written.
        line: 1-based.
        key: dotted path from the top, such as ``hub.config``.
    """

    value: str | list[Node] | dict[str, Node] | None
    line: int
    key: str

    @property
    def kind(self) -> str:
        """What it is, for a message."""
        if isinstance(self.value, str):
            text = printable(self.value)
            return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…")
        if self.value is None:
            return "nothing"
        return "a map" if isinstance(self.value, dict) else "a list"


class Reader:
    """Reads one file and collects its faults, so that all are reported together.

    Args:
        file: the file, as the user gave it.
    """

    def __init__(self, file: str):
        self.file = file
        self._faults: list[RecipeError] = []
        self._nodes = 0

    def fault(self, node: Node, message: str) -> None:
        """Note a fault and go on."""
        self._faults.append(RecipeError(message, file=self.file, line=node.line, key=node.key))

    def finish(self) -> None:
        """Raises:
        RecipeErrors: faults were noted; in the order of their lines.
        """
        if self._faults:
            raise RecipeErrors(sorted(self._faults, key=lambda fault: fault.line or 0))

    def tree(self, text: str) -> Node:
        """The whole file as one node.

        Raises:
            RecipeError: no YAML, or more of it than a definition takes.
            RecipeErrors: keys that are given twice.
        """
        try:
            for event in yaml.parse(text, Loader=yaml.BaseLoader):
                if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                    line = event.start_mark.line + 1 if event.start_mark else None
                    raise self._broken("anchors and aliases are not part of it", line)
            root = yaml.compose(text, Loader=yaml.BaseLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = " ".join(part for part in (error.context, error.problem) if part)
            raise self._broken(said, mark.line + 1 if mark else None) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise self._broken(str(error), None) from error
        tree = Node({}, 1, "") if root is None else self._node(root, "", 0)
        self.finish()
        return tree

    def text(self, node: Node) -> str:
        """The text that a node must be; empty, with a fault noted, if it is none."""
        if isinstance(node.value, str) and node.value.strip():
            return node.value
        self.fault(node, f"expected text, got {node.kind}")
        return ""

    def texts(self, node: Node) -> tuple[str, ...]:
        """One text, or a list of them."""
        if isinstance(node.value, list):
            if not node.value:
                self.fault(node, "expected at least one text, got an empty list")
            return tuple(self.text(member) for member in node.value)
        return (self.text(node),)

    def number(self, node: Node) -> int:
        """A whole number."""
        try:
            return int(node.value) if isinstance(node.value, str) else int("")
        except ValueError:
            self.fault(node, f"expected a whole number, got {node.kind}")
            return 0

    def flag(self, node: Node) -> bool:
        """True or false."""
        if node.value not in ("true", "false"):
            self.fault(node, f"expected true or false, got {node.kind}")
        return node.value == "true"

    def members(self, node: Node, known: Collection[str] | None) -> dict[str, Node]:
        """The members of a map; those it may not have are faults, and left out.

        Args:
            node: the map.
            known: the keys there are; None if any will do.
        """
        if not isinstance(node.value, dict):
            self.fault(node, f"expected a map, got {node.kind}")
            return {}
        for name, member in node.value.items():
            if known is not None and name not in known:
                hint = nearest(name, known) or f"; there are: {', '.join(known)}"
                self.fault(member, f"no such key{hint}")
        return {
            name: member for name, member in node.value.items() if known is None or name in known
        }

    def _node(self, node: yaml.Node, key: str, depth: int) -> Node:
        self._nodes += 1
        line = node.start_mark.line + 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise self._broken("more than a definition takes, or nested deeper", line)
        if node.tag not in TAGS:
            raise self._broken(f"the tag {printable(node.tag)} is not part of it", line)
        if isinstance(node, yaml.SequenceNode):
            members = enumerate(node.value)
            return Node(
                [
                    self._node(member, f"{key}.{at}".lstrip("."), depth + 1)
                    for at, member in members
                ],
                line,
                key,
            )
        if isinstance(node, yaml.MappingNode):
            return Node(self._map(node, key, depth), line, key)
        assert isinstance(node, yaml.ScalarNode)
        empty = node.style is None and node.value in NULLS
        return Node(None if empty else node.value, line, key)

    def _map(self, node: yaml.MappingNode, key: str, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for name, member in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise self._broken("a key is text", line)
            inner = f"{key}.{printable(name.value)}".lstrip(".")
            read = dataclasses.replace(self._node(member, inner, depth + 1), line=line)
            if name.value in found:
                self.fault(read, f"given twice, first on line {found[name.value].line}; keep one")
            else:
                found[name.value] = read
        return found

    def _broken(self, said: str, line: int | None) -> RecipeError:
        return RecipeError(f"not a definition: {printable(said)}", file=self.file, line=line)

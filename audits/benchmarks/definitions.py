"""Benchmark definitions: where the rows of a benchmark are, and which fields make its items.

A definition is a YAML file; ten lines of it make a benchmark:

    name: my_quiz
    description: Questions of our own school.
    hub: {id: us/quiz, config: main, revision: 1f2e}    # optional
    splits: [test, train]                # optional; the first is meant where none is named
    files: "{split}.jsonl"               # optional, in the benchmark's folder
    question: "{intro} {question}"       # a field, a path (a.0.b, a.*.b) or a template of them
    choices: [A, B, C, D]                # several fields, or one that holds a list
    answer: {choice: answer}             # a place or letter among them; or a field: its text
    solution: {field: notes, after: "####"}
    subject: category                    # also passage, id, language

`Definition` and `Layout` say what each key means; `audits.benchmarks.definition_values` what a part may be.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import pipeline
from audits.benchmarks.definition_text import Node, Reader
from audits.benchmarks.definition_values import (
    read_answer,
    read_choices,
    read_language,
    read_range,
    read_value,
)
from audits.benchmarks.fields import Choice, Value
from pipeline.core.errors import ConfigError, RecipeError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest

__all__ = ["ALL", "Definition", "Group", "Hub", "Layout", "known_definitions", "load_definition"]

SPLIT, CONFIG = "{split}", "{config}"
ALL = "all"  # the split that takes every row, where rows say which split they are of
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
ENDINGS = (".yaml", ".yml")

FORM = ("files", "rows", "columns", "split_of", "group")
TEXTS = ("question", "solution", "passage", "subject", "id")
PARTS = (*TEXTS, "choices", "answer", "language")
HEAD = ("name", "description", "hub", "splits", "public_passage", "layouts")


@dataclasses.dataclass(frozen=True, slots=True)
class Hub:
    """A data set of the Hugging Face Hub.

    Args:
        id: such as ``openai/gsm8k``, or a folder that ``datasets`` reads.
        config: its configurations, all of which are read; empty for its only one. ``{split}``
            stands for the split asked for.
        split: its split, likewise; several are joined with ``+``.
        splits: its name for some of our splits, before ``split`` is asked.
        revision: commit, branch or tag; empty for the newest.
    """

    id: str
    config: tuple[str, ...] = ()
    split: str = SPLIT
    splits: tuple[tuple[str, str], ...] = ()
    revision: str = ""

    def configs_of(self, split: str) -> tuple[str, ...]:
        """The configurations to read for ``split``."""
        return tuple(config.replace(SPLIT, split) for config in self.config)

    def split_of(self, split: str) -> str:
        """Its own name for ``split``."""
        return dict(self.splits).get(split, self.split.replace(SPLIT, split))


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Tables with a row for each option: rows of one value of ``by`` make an item.

    The first option that is correct is the answer; all other parts are those of the first row.

    Args:
        by: what the rows of an item have in common.
        choice: the text of the option.
        correct: whether it is right.
    """

    by: Value
    choice: Value
    correct: Value


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """One form in which the benchmark is stored: its files, and the fields that make the parts.

    Args:
        files: globs within the benchmark's folder, alternatives: the first that matches is read.
            ``{split}`` and ``{config}`` stand for those; files without ``{split}`` in their name
            are of the first split.
        split: the only split that is stored so; empty for any.
        rows: path to the rows within what a file holds, such as ``data.*.paragraphs.*.qas``. Fields
            of the objects passed on the way belong to the row too.
        columns: names of the columns of a CSV or TSV file that has no header.
        split_of: what names the split of a row, where files hold several.
        group: for tables with a row for each option.
        question, choices, answer, solution, passage, subject, id, language: the parts of an item;
            see `audits.items.Item`. Without ``id`` it is the row's position in the split.
    """

    question: Value
    files: tuple[str, ...] = ()
    split: str = ""
    rows: str = ""
    columns: tuple[str, ...] = ()
    split_of: Value | None = None
    group: Group | None = None
    choices: tuple[Value, ...] = ()
    answer: Value | Choice | None = None
    solution: Value | None = None
    passage: Value | None = None
    subject: Value | None = None
    id: Value | None = None
    language: Value | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Definition:
    """A benchmark: its sources and how their rows become items.

    Args:
        name: lower-case letters, digits, ``_`` and ``-``.
        description: what it is, for a person.
        file: the definition's own path.
        splits: the splits there are; the first is meant where none is named. Languages are splits.
        layouts: forms of its files, the first also that of the Hub.
        hub: None where it is not on the Hub.
        public_passage: whether its passages are published texts.
        packaged: whether it came with Gristmill.
    """

    name: str
    description: str
    file: Path
    layouts: tuple[Layout, ...]
    splits: tuple[str, ...] = ("test",)
    hub: Hub | None = None
    public_passage: bool = False
    packaged: bool = False

    def split(self, asked: str = "") -> str:
        """The split that is meant.

        Raises:
            ConfigError: there is none of this name.
        """
        if asked and asked not in self.splits:
            raise ConfigError(
                f"{self.name} has no split {printable(asked)!r}{nearest(asked, self.splits)}; "
                f"there are: {', '.join(self.splits)}"
            )
        return asked or self.splits[0]

    def called(self, split: str) -> str:
        """The name of the benchmark of that split: ``gsm8k``, ``gsm8k:train``."""
        return self.name if split == self.splits[0] else f"{self.name}:{split}"


def known_definitions(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """The definitions that can be named, by name: those of ``folders`` first, then the packaged.

    Args:
        folders: see `load_definition`.
    """
    found: dict[str, Path] = {}
    for folder in (*folders, _packaged()):
        for path in sorted(folder.glob(f"*{ENDINGS[0]}")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def load_definition(name_or_path: str, folders: Sequence[Path] = ()) -> Definition:
    """Read and check a definition.

    Args:
        name_or_path: a name, or the path of a YAML file: anything with a ``/`` or its ending.
        folders: looked in before the packaged definitions.

    Raises:
        ConfigError: there is none of this name; the nearest is offered.
        RecipeError, RecipeErrors: what is wrong in it, with file and line.
    """
    if "/" in name_or_path or name_or_path.endswith(ENDINGS):
        path = Path(name_or_path)
    else:
        known = known_definitions(folders)
        if name_or_path not in known:
            raise ConfigError(
                f"no benchmark is called {printable(name_or_path)!r}"
                f"{nearest(name_or_path, known)}; known are: {', '.join(known)}. For one of your "
                "own, name its definition's file, as in ./my_quiz.yaml"
            )
        path = known[name_or_path]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RecipeError(f"cannot be read: {reason}", file=str(path)) from error
    reader = Reader(str(path))
    definition = _definition(reader, reader.tree(text), path)
    reader.finish()
    return definition


def _packaged() -> Path:
    shipped = Path(pipeline.__file__).parent / "_configs"
    if not shipped.is_dir():  # a checkout
        shipped = Path(pipeline.__file__).parents[1] / "configs"
    return shipped / "benchmarks"


def _definition(reader: Reader, root: Node, path: Path) -> Definition:
    top = reader.members(root, (*HEAD, *FORM, *PARTS))
    for key in ("name", "question"):
        if key not in top:
            reader.fault(root, f"{key!r} is required and missing")
    name = reader.text(top["name"]) if "name" in top else ""
    if name and not NAME.fullmatch(name):
        reader.fault(top["name"], f"{name!r} may hold lower-case letters, digits, '_' and '-' only")
    first = _layout(reader, top, Layout(Value(())))
    others = top.get("layouts")
    layouts = [first]
    if others is not None and not isinstance(others.value, list):
        reader.fault(others, f"expected a list, got {others.kind}")
    elif others is not None and isinstance(others.value, list):
        for other in others.value:
            written = reader.members(other, ("split", *FORM, *PARTS))
            if "files" not in written:
                reader.fault(other, "'files' is required and missing: which files are stored so?")
            layouts.append(_layout(reader, written, dataclasses.replace(first, files=())))
    hub = _hub(reader, top["hub"]) if "hub" in top else None
    splits = reader.texts(top["splits"]) if "splits" in top else ("test",)
    for layout in layouts:
        if layout.split and layout.split not in splits:
            hint = nearest(layout.split, splits) or f"; there are: {', '.join(splits)}"
            reader.fault(root, f"a layout is for the split {layout.split!r}, of no name here{hint}")
        if any(CONFIG in pattern for pattern in layout.files) and not (hub and hub.config):
            reader.fault(root, f"files with {CONFIG} in their name need 'config' under 'hub'")
    return Definition(
        name=name,
        description=reader.text(top["description"]) if "description" in top else "",
        file=path,
        layouts=tuple(layouts),
        splits=splits,
        hub=hub,
        public_passage=reader.flag(top["public_passage"]) if "public_passage" in top else False,
        packaged=path.resolve().parent == _packaged().resolve(),
    )


def _layout(reader: Reader, written: dict[str, Node], base: Layout) -> Layout:
    """``base`` with what is written; a key without a value takes the part away."""
    changes: dict[str, object] = {}
    for key, node in written.items():
        if key in HEAD:
            continue
        if node.value is None:
            changes[key] = getattr(Layout(Value(())), key)
            if key == "question":
                reader.fault(node, "an item needs its question; name a field")
        elif key in ("subject", "split_of"):
            changes[key] = read_range(reader, node)
        elif key in TEXTS:
            changes[key] = read_value(reader, node)
        elif key == "choices":
            changes[key] = read_choices(reader, node)
        elif key == "answer":
            changes[key] = read_answer(reader, node)
        elif key == "language":
            changes[key] = read_language(reader, node)
        elif key == "group":
            changes[key] = _group(reader, node)
        elif key in ("rows", "split"):
            changes[key] = reader.text(node)
        else:
            changes[key] = reader.texts(node)
    if "group" in written and written["group"].value is not None:
        for key in ("choices", "answer"):
            if key in written:
                reader.fault(written[key], "comes from 'group' here; leave one of them out")
        changes |= {"choices": (), "answer": None}
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def _group(reader: Reader, node: Node) -> Group | None:
    keys = ("by", "choice", "correct")
    written = reader.members(node, keys)
    missing = [key for key in keys if key not in written]
    if missing:
        reader.fault(node, f"{missing[0]!r} is required and missing")
        return None
    return Group(*(read_value(reader, written[key]) for key in keys))


def _hub(reader: Reader, node: Node) -> Hub | None:
    written = reader.members(node, ("id", "config", "split", "revision"))
    if "id" not in written:
        reader.fault(node, "'id' is required and missing")
        return None
    found = Hub(reader.text(written["id"]))
    if "config" in written:
        found = dataclasses.replace(found, config=reader.texts(written["config"]))
    if "revision" in written:
        found = dataclasses.replace(found, revision=reader.text(written["revision"]))
    split = written.get("split")
    if split is not None and isinstance(split.value, dict):
        named = tuple((ours, reader.text(its)) for ours, its in split.value.items())
        found = dataclasses.replace(found, splits=named)
    elif split is not None:
        found = dataclasses.replace(found, split=reader.text(split))
    return found

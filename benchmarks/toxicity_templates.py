"""The files of ``toxicity_texts/``: kinds of text and their templates, groups, charged words, fillers.

A kind is a file (``clean/*.txt``, ``toxic/*.txt``); its first line says what belongs in it, ``% count``
how many texts it gives. A template is a line:

- ``[a|b]`` is a choice, ``{list}`` an item of ``lists.txt`` (none twice in a text), ``{an list}`` the same
  with its article, ``{same list}`` the item before, ``{@clean/chat}`` a text of that kind;
- ``*word*`` is a word to disguise; ``~`` in front keeps a small first letter;
- where the kind says ``% groups``, a template names a group of ``groups.txt``: ``{Gs}`` (plural),
  ``{G}`` (one of them), ``{Gone}`` (one, with its article) or ``{Ga}`` (adjective); ``<origin,race>`` in
  front keeps it to groups of those categories;
- where it says ``% words verbs``, ``{vp}``, ``{vps}``, ``{vped}``, ``{vpen}`` and ``{vping}`` are forms of a
  verb of ``verbs.txt`` with an object, and where ``% words nouns``, ``{np}`` is a phrase of ``nouns.txt``;
- where it says ``% listed``, ``{listed}`` is a word of a list that comes with no file here, and
  ``% each`` says how many texts each word gives.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

__all__ = ["Group", "Kind", "Label", "Template", "Word", "groups", "kinds", "lists", "words"]

Label = Literal["clean", "toxic"]
_FOLDER = Path(__file__).parent / "toxicity_texts"
_VERB_SLOTS = ("vp", "vps", "vped", "vpen", "vping")
_GROUP_SLOTS = {
    "Gs": "plural",
    "Gs2": "plural",
    "G": "singular",
    "Gone": "singular",
    "Ga": "adjective",
}


@dataclasses.dataclass(frozen=True)
class Group:
    """What a group is called: plural, singular, adjective ("" for none), and its category."""

    plural: str
    singular: str
    adjective: str
    category: str


@dataclasses.dataclass(frozen=True)
class Template:
    """A line to make texts from.

    Attributes:
        text: with its slots and choices.
        place: file and line, e.g. "toxic/threat.txt:12".
        form: "plural", "singular" or "adjective" of a group; "" where none is named.
        categories: of the groups it may name.
    """

    text: str
    place: str
    form: str
    categories: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A file of templates.

    Attributes:
        name: label and file, e.g. "toxic/threat".
        about: what belongs in it.
        settings: its ``%`` lines.
        templates: in the file's order.
    """

    name: str
    about: str
    settings: Mapping[str, str]
    templates: Sequence[Template]

    @property
    def label(self) -> Label:
        return "toxic" if self.name.startswith("toxic/") else "clean"


@dataclasses.dataclass(frozen=True)
class Word:
    """A charged word.

    Attributes:
        forms: how it is written.
        phrases: harmless ones, each by the slots that it fills.
        weight: how often it comes in a round.
    """

    forms: frozenset[str]
    phrases: Sequence[Mapping[str, str]]
    weight: int


@functools.cache
def groups() -> tuple[Group, ...]:
    """The groups that texts name."""
    found = []
    for number, line in _lines("groups.txt"):
        names = line.split("; ")
        if len(names) != 4:
            raise ValueError(f"groups.txt:{number}: wants plural; singular; adjective; category")
        plural, singular, adjective, category = names
        found.append(Group(plural, singular, "" if adjective == "-" else adjective, category))
    return tuple(found)


@functools.cache
def kinds() -> dict[str, Kind]:
    """All kinds by name, in order of their names.

    Raises:
        ValueError: a template is wrong; names file and line.
    """
    found = {}
    for path in sorted(_FOLDER.glob("*/*.txt")):
        name = f"{path.parent.name}/{path.stem}"
        about = path.read_text("utf-8").split("\n", 1)[0].removeprefix("# ")
        settings: dict[str, str] = {}
        templates = []
        for number, line in _lines(f"{name}.txt"):
            if line.startswith("% "):
                key, _, value = line.removeprefix("% ").partition(" ")
                settings[key] = value
            else:
                templates.append(_template(line, f"{name}.txt:{number}"))
        for template in templates:
            if ("groups" in settings) != bool(template.form):
                raise ValueError(
                    f"{template.place}: a template names a group where its file says % groups,"
                    " and only there"
                )
        found[name] = Kind(name, about, settings, tuple(templates))
    return found


@functools.cache
def lists() -> dict[str, tuple[str, ...]]:
    """Fillers by the name of their list."""
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for _, line in _lines("lists.txt"):
        if line.startswith("= "):
            name = line.removeprefix("= ")
        else:
            found[name] = (*found.get(name, ()), *line.split("; "))
    return found


@functools.cache
def words(name: Literal["verbs", "nouns"]) -> tuple[Word, ...]:
    """The charged words of ``verbs.txt`` or ``nouns.txt``.

    Raises:
        ValueError: a verb does not have its four forms; names file and line.
    """
    found = []
    for number, line in _lines(f"{name}.txt"):
        head, _, phrases = line.removeprefix("! ").partition(": ")
        if name == "nouns":
            forms = head.split("/")
            fillers = [{"np": phrase} for phrase in phrases.split("; ")]
        elif len(head.split()) != 4:
            raise ValueError(f"verbs.txt:{number}: wants base third past[/participle] gerund")
        else:
            base, third, pasts, gerund = head.split()
            past, _, participle = pasts.partition("/")
            forms = [base, third, past, participle or past, gerund]
            fillers = [
                {slot: f"{form} {what}" for slot, form in zip(_VERB_SLOTS, forms, strict=True)}
                for what in phrases.split("; ")
            ]
        found.append(Word(frozenset(forms), tuple(fillers), 2 if line.startswith("! ") else 1))
    return tuple(found)


def _template(line: str, place: str) -> Template:
    categories = frozenset(group.category for group in groups())
    if limited := re.match(r"<([a-z,]+)> ", line):
        wanted = frozenset(limited[1].split(","))
        if unknown := wanted - categories:
            raise ValueError(f"{place}: no group has the category {', '.join(sorted(unknown))}")
        line, categories = line[limited.end() :], wanted
    forms = {_GROUP_SLOTS[slot] for slot in re.findall(r"\{(\w+)\}", line) if slot in _GROUP_SLOTS}
    if len(forms) > 1:
        raise ValueError(f"{place}: names a group in two forms; keep to one")
    if line.count("[") != line.count("]") or line.count("{") != line.count("}"):
        raise ValueError(f"{place}: a bracket is not closed")
    return Template(line, place, forms.pop() if forms else "", categories)


def _lines(name: str) -> Iterator[tuple[int, str]]:
    """Lines of a file with their numbers, without comments and empty ones."""
    for number, line in enumerate((_FOLDER / name).read_text("utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            yield number, line

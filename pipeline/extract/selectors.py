"""XPath expressions over attributes, evaluated without XPath: same elements, same order, faster.

Most of trafilatura's time goes into expressions such as
``.//*[self::div or self::p][re:test(@id, '…') or re:test(@class, '…')]``, for which lxml calls
back into Python for each regular expression on each element. Attribute values repeat, within a
page and from page to page, so here each value is judged once and remembered.

Only shapes listed at `compile_selector` are taken over; everything else stays XPath. Nothing
here knows what the expressions are for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["Selector", "compile_selector"]

_REGEXP_NAMESPACE = {"re": "http://exslt.org/regular-expressions"}
_REMEMBERED = 4_000
_LONGEST_REMEMBERED = 500

_LITERAL = r"""(?:'[^']*'|"[^"]*")"""
_NAME = r"@[\w-]+"
_NAMES = rf"{_NAME}(?:\|{_NAME})*"
_ATOMS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<names>{_NAME})",
        rf"(?P<names>{_NAME}) ?= ?(?P<equals>{_LITERAL})",
        rf"contains\((?P<names>{_NAMES}), ?(?P<contains>{_LITERAL})\)",
        rf"contains\(translate\((?P<names>{_NAMES}), ?(?P<old>{_LITERAL}), ?(?P<new>{_LITERAL})\),"
        rf" ?(?P<contains>{_LITERAL})\)",
        rf"starts-with\((?P<names>{_NAMES}), ?(?P<starts>{_LITERAL})\)",
        rf"re:test\((?P<names>{_NAMES}), ?(?P<matches>{_LITERAL})(?:, ?(?P<ignore_case>'i'))?\)",
    )
)
_TOKEN = re.compile(rf"{_LITERAL}|[\w:@.-]+|.", re.DOTALL)
_STEP = re.compile(r"\.//(\*|[a-z][\w-]*)")
_SELF = re.compile(r"self::([a-z][\w-]*)")


class _Judged(dict[str, bool]):
    """Attribute values to whether ``pattern`` is found in them. Bounded."""

    def __init__(self, pattern: str):
        super().__init__()
        self._search = re.compile(pattern).search

    def __missing__(self, value: str) -> bool:
        verdict = self._search(value) is not None
        if len(value) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[value] = verdict
        return verdict


class _AnyOf:
    """Tests joined by ``or``, each of one attribute or of the first that is there of several.

    Args:
        patterns: names of attributes to the regular expressions one of which must be found.
    """

    def __init__(self, patterns: dict[frozenset[str], list[str]]):
        judged = {names: _Judged("|".join(found)) for names, found in patterns.items()}
        self._by_name = {name: one for names, one in judged.items() for name in _only(names)}
        self._by_first = [(names, one) for names, one in judged.items() if len(names) > 1]

    def match(self, attributes: list[tuple[str, str]]) -> bool:
        """Whether any test holds, given an element's attributes in their source order."""
        by_name = self._by_name
        for name, value in attributes:
            if name in by_name and by_name[name][value]:
                return True
        for names, judged in self._by_first:
            for name, value in attributes:
                if name in names:
                    if judged[value]:
                        return True
                    break
        return False


def _only(names: frozenset[str]) -> frozenset[str]:
    return names if len(names) == 1 else frozenset()


class _Step:
    """``.//TAG[tests][further]``; without tests, every element of these tags."""

    def __init__(self, tags: tuple[str, ...], tests: _AnyOf | None, further: etree.XPath | None):
        self.tags, self.tests, self._further = tags, tests, further

    def match(self, element: _Element) -> bool:
        """Whether an element of one of ``tags`` is selected."""
        if self.tests is not None:
            attributes = element.items()
            if not attributes or not self.tests.match(attributes):
                return False
        return self._further is None or bool(self._further(element))


class Selector:
    """A compiled expression: called with an element, gives the matching descendants in order.

    Args:
        path: the XPath expression it stands for.
        steps: its alternatives.
        only: ``"first"`` of the whole tree, first of each ``"parent"``, or ``"all"``.
    """

    def __init__(self, path: str, steps: list[_Step], only: str):
        self.path, self._only = path, only
        self._alone = steps[0].match if len(steps) == 1 else self._match
        tags = {tag for step in steps for tag in step.tags}
        self._walk = ("*",) if "*" in tags else tuple(sorted(tags))
        self._whole = {tag for step in steps if step.tests is None for tag in step.tags}
        self._any_tag = [step for step in steps if step.tags == ("*",)]
        self._by_tag = {
            tag: [step for step in steps if tag in step.tags or step.tags == ("*",)]
            for tag in tags - self._whole
        }

    def __repr__(self) -> str:
        return f"Selector({self.path!r})"

    def __call__(self, tree: _Element) -> list[_Element]:
        match = self._alone
        walk = tree.iterdescendants(*self._walk)
        if self._only == "all":
            return [element for element in walk if match(element)]
        if self._only == "first":
            for element in walk:
                if match(element):
                    return [element]
            return []
        first: dict[_Element | None, _Element] = {}
        for element in walk:
            if match(element):
                first.setdefault(element.getparent(), element)
        return list(first.values())

    def _match(self, element: _Element) -> bool:
        tag = element.tag
        if tag in self._whole:
            return True
        return any(step.match(element) for step in self._by_tag.get(tag, self._any_tag))


def compile_selector(path: str) -> Selector | None:
    """A `Selector` that gives what the XPath expression ``path`` gives, or None.

    Taken over are unions of ``.//TAG``, ``.//TAG[TESTS]`` and
    ``.//*[self::A or self::B][TESTS][FURTHER]``, and one such step as ``STEP[1]`` or ``(STEP)[1]``.
    TESTS are joined by ``or``; each is the presence of an attribute, its equality to a literal,
    or ``contains``, ``starts-with`` (of the attribute, or of its ``translate``) or ``re:test``
    with literals, of one attribute or of the first of several. FURTHER is such tests or ``not(…)``
    joined by ``or``; it stays XPath, evaluated on the few elements that are left.
    """
    text = " ".join(path.split())
    only = "all"
    if text.startswith("(") and text.endswith(")[1]"):
        only, text = "first", text[1:-4].strip()
    parts = _split(text, "|")
    if len(parts) == 1 and text.endswith("[1]"):
        if only == "first":
            return None
        only, parts = "parent", [text[:-3].strip()]
    steps = [_step(part) for part in parts]
    complete = [step for step in steps if step is not None]
    return Selector(path, complete, only) if len(complete) == len(steps) else None


def _step(text: str) -> _Step | None:
    start = _STEP.match(text)
    predicates = _predicates(text[start.end() :]) if start else None
    if start is None or predicates is None:
        return None
    tags: tuple[str, ...] = (start[1],)
    if predicates and tags == ("*",):
        names = [_SELF.fullmatch(part) for part in _split(predicates[0], "or")]
        if all(names):
            tags = tuple(name[1] for name in names if name)
            del predicates[0]
    if not predicates:
        return _Step(tags, None, None)
    tests = _any_of(predicates[0])
    if tests is None:
        return None
    if not predicates[1:]:
        return _Step(tags, tests, None)
    for predicate in predicates[1:]:
        for part in _split(predicate, "or"):
            if not part.startswith("not(") and _any_of(part) is None:
                return None
    further = " and ".join(f"({predicate})" for predicate in predicates[1:])
    return _Step(tags, tests, etree.XPath(further, namespaces=_REGEXP_NAMESPACE))


def _any_of(predicate: str) -> _AnyOf | None:
    patterns: dict[frozenset[str], list[str]] = {}
    for part in _split(predicate, "or"):
        atoms = [atom for form in _ATOMS if (atom := form.fullmatch(part))]
        if not atoms:
            return None
        fields = {name: text for name, text in atoms[0].groupdict().items() if text is not None}
        names = frozenset(fields.pop("names").replace("@", "").split("|"))
        pattern = _pattern({name: text[1:-1] for name, text in fields.items()})
        if fields and "equals" not in fields and re.search(pattern, ""):
            return None  # a function of a missing attribute is one of the empty string
        patterns.setdefault(names, []).append(pattern)
    return _AnyOf(patterns)


def _pattern(fields: dict[str, str]) -> str:
    """The regular expression that is found exactly in the values a test holds for."""
    if "equals" in fields:
        return rf"\A{re.escape(fields['equals'])}\Z"
    if "starts" in fields:
        return rf"\A{re.escape(fields['starts'])}"
    if "matches" in fields:
        return f"(?{'i' if 'ignore_case' in fields else ''}:{fields['matches']})"
    old, new = fields.get("old", ""), fields.get("new", "")
    kept_to = dict(zip(old, new, strict=False))
    letters = []
    for letter in fields.get("contains", ""):
        sources = [source for source in {letter, *old} if kept_to.get(source, source) == letter]
        letters.append("(?:" + "|".join(map(re.escape, sorted(sources))) + ")")
    return "".join(letters)


def _split(text: str, separator: str) -> list[str]:
    """``text`` cut at each ``separator`` that stands outside of literals and brackets."""
    parts, depth = [""], 0
    for part in _TOKEN.findall(text):
        depth += (part in "([") - (part in ")]")
        if part == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += part
    return [one.strip() for one in parts]


def _predicates(text: str) -> list[str] | None:
    """The contents of ``[…][…]``, or None if anything else is there."""
    found: list[str] = []
    depth = 0
    for part in _TOKEN.findall(text):
        depth -= part == "]"
        if depth > 0:
            found[-1] += part
        elif part == "[":
            found.append("")
        elif part != "]" and not part.isspace():
            return None
        depth += part == "["
    return [one.strip() for one in found]

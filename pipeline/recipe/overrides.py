"""``--set key=value``: changes to a recipe's tree before it is checked. Checks no value itself.

Keys are dotted. An item of a list is addressed by its position or, where it is a map with one
key, by that key: ``filters.gopher_quality.bounds.word_count.low=20``. A value is YAML:
``source.paths=[a.warc.gz, b.warc.gz]``, ``extract.prescreen=null``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.core.errors import RecipeError, RecipeErrors
from pipeline.core.registry import nearest
from pipeline.recipe.tree import Key, Tree, dotted, parse_value

__all__ = ["apply_overrides", "expand_filters"]


def apply_overrides(tree: Tree, overrides: Sequence[str]) -> None:
    """Apply each of ``key=value`` in order, a later one over an earlier one.

    What cannot be applied becomes a fault of the tree; the others are applied all the same.
    """
    for override in overrides:
        expand_filters(tree)
        name, equals, text = (part.strip() for part in override.partition("="))
        if not name or not equals:
            tree.faults.append(RecipeError(f"{override!r} is not key=value", file="--set"))
            continue
        try:
            value = parse_value(text)
        except (RecipeError, RecipeErrors) as error:
            first = error.faults[0] if isinstance(error, RecipeErrors) else error
            tree.faults.append(RecipeError(first.message, file="--set", key=name))
            continue
        try:
            container, key = _find(tree, name.split("."), ())
        except RecipeError as error:
            tree.faults.append(error)
            continue
        container[key[-1]] = value
        for place in [place for place in tree.lines if place[: len(key)] == key]:
            del tree.lines[place]
        tree.lines[key] = None
    expand_filters(tree)


def expand_filters(tree: Tree) -> None:
    """Write every item of ``filters`` in its long form: ``c4`` as ``{c4: {}}``.

    ``{clean: c4_lines}`` becomes ``{clean: {c4_lines: {}}}``. Anything else stays as it is, for
    the checks to complain about.
    """
    items = tree.get(("filters",))
    if not isinstance(items, list):
        return
    for index, item in enumerate(items):
        items[index] = _expand(item)
        if isinstance(item, dict) and "clean" in item and isinstance(items[index], dict):
            items[index]["clean"] = _expand(item["clean"])


def _expand(item: Any) -> Any:
    if isinstance(item, str):
        return {item: {}}
    if isinstance(item, dict):
        return {name: {} if options is None else options for name, options in item.items()}
    return item


def _find(tree: Tree, parts: list[str], key: Key) -> tuple[Any, Key]:
    """The container that holds the value addressed by ``parts``, and the value's key.

    Maps that are missing on the way are made.
    """
    container = tree.get(key)
    part = parts[0]
    if isinstance(container, list):
        index, named = _item(container, parts, key)
        inner: Key = (*key, index)
        if named:
            container, inner = container[index], (*inner, part)
    elif isinstance(container, dict):
        inner = (*key, part)
    else:
        raise RecipeError(
            f"holds {container!r}, which has no {part!r} inside it", file="--set", key=dotted(key)
        )
    if len(parts) == 1:
        return container, inner
    if tree.get(inner) is None:
        container[inner[-1]] = {}
        tree.lines[inner] = None
    return _find(tree, parts[1:], inner)


def _item(items: list[Any], parts: list[str], key: Key) -> tuple[int, bool]:
    """Position of the addressed item, and whether it was addressed by its name."""
    part = parts[0]
    if part.isascii() and part.isdigit():
        if int(part) < len(items):
            return int(part), False
        raise RecipeError(
            f"has {len(items)} items, counted from 0; there is no {part}",
            file="--set",
            key=dotted(key),
        )
    names = {
        index: next(iter(item))
        for index, item in enumerate(items)
        if isinstance(item, dict) and len(item) == 1
    }
    found = [index for index, name in names.items() if name == part]
    if len(found) > 1 and len(parts) > 1:  # several cleaners: the one that is named next
        found = [index for index in found if parts[1] in (items[index][part] or ())] or found
    if found:
        return found[0], True
    raise RecipeError(
        f"the recipe has no {part!r} here{nearest(part, names.values())}",
        file="--set",
        key=dotted((*key, part)),
    )

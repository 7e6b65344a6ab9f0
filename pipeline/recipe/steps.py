"""The items of ``filters:`` as built filters and cleaners. Knows no particular one of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from pipeline.core.decisions import Bound
from pipeline.core.errors import ConfigError, GristmillError, PluginError
from pipeline.core.registry import Registry
from pipeline.filters import CLEANERS, FILTERS
from pipeline.filters.base import Filter, merge_bounds
from pipeline.filters.cleaners import Cleaner
from pipeline.filters.words import splitter
from pipeline.recipe.parameters import INVALID, blamed, build
from pipeline.recipe.tree import Key, Tree

__all__ = ["build_steps"]


def build_steps(tree: Tree, tokenizer: str) -> tuple[Filter | Cleaner, ...]:
    """Every step that is sound, in order; the others leave faults.

    Args:
        tree: a recipe with expanded ``filters``.
        tokenizer: for steps that have one and are given none of their own.
    """
    items = tree.get(("filters",))
    if not isinstance(items, list):
        tree.fault(("filters",), "expected a list of filters, such as [language, gopher_quality]")
        return ()
    steps: list[Filter | Cleaner] = []
    first: dict[tuple[str, str], int | None] = {}
    for index, item in enumerate(items):
        key: Key = ("filters", index)
        if not _is_named(item):
            tree.fault(key, "expected a filter's name, or one name with its options: 'name: {…}'")
            continue
        kind, name = "filter", next(iter(item))
        key = (*key, name)
        if name == "clean":
            if not _is_named(item["clean"]):
                tree.fault(key, f"expected one cleaner; known: {', '.join(CLEANERS.names())}")
                continue
            kind, name = "cleaner", next(iter(item["clean"]))
            key = (*key, name)
        if (kind, name) in first:
            line = first[kind, name]
            tree.fault(key, f"given twice{f', first on line {line}' if line else ''}; keep one")
            continue
        first[kind, name] = tree.line(key)
        step = _build_step(tree, key, CLEANERS if kind == "cleaner" else FILTERS, name, tokenizer)
        if step is not INVALID:
            steps.append(step)
    return tuple(steps)


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and len(item) == 1


def _build_step(tree: Tree, key: Key, registry: Registry, name: str, tokenizer: str) -> Any:
    base = Cleaner if registry is CLEANERS else Filter
    try:
        cls = registry.get(name)
    except PluginError as error:
        tree.fault(key, str(error))
        return INVALID
    if not (isinstance(cls, type) and issubclass(cls, base) and dataclasses.is_dataclass(cls)):
        tree.fault(key, f"{registry.kind} {name!r} is not a dataclass derived from {base.__name__}")
        return INVALID
    options = tree.get(key)
    preset: dict[str, Any] = {}
    fields = {field.name for field in dataclasses.fields(cls)}
    if "tokenizer" in fields and isinstance(options, dict) and "tokenizer" not in options:
        preset["tokenizer"] = tokenizer
    if issubclass(cls, Filter):
        preset["bounds"] = ()
    step = build(tree, key, cls, preset)
    if issubclass(cls, Filter) and isinstance(options, dict) and "bounds" in options:
        published = cls.default_bounds if step is INVALID else step.bounds
        sound = _check_bounds(tree, (*key, "bounds"), cls, published)
        if step is not INVALID:
            step = step.with_bounds(options["bounds"]) if sound else INVALID
    if isinstance(step, Filter):
        step = step.replaced_by() or step
    if step is not INVALID:
        _check_resources(tree, key, step)
    return step


def _check_bounds(tree: Tree, key: Key, cls: type[Filter], published: tuple[Bound, ...]) -> bool:
    """Whether the overrides at ``key`` are sound. Each is tried alone, to find the faulty line."""
    bounds = tree.get(key)
    if not isinstance(bounds, dict):
        tree.fault(key, "expected a map of signal to {low: …, high: …}")
        return False
    sound = True
    for signal, bound in bounds.items():
        try:
            merge_bounds(cls.name, cls.signals, published, {signal: bound})
        except ConfigError as error:
            sides = bound if isinstance(bound, dict) else ()
            side = [side for side in sides if f"{signal}.{side} " in str(error)]
            tree.fault((*key, signal, *side), str(error))
            sound = False
    return sound


def _check_resources(tree: Tree, key: Key, step: Any) -> None:
    """The tokenizer is installed, models and lists can be read and know what they are asked for."""
    if hasattr(step, "tokenizer"):
        try:
            splitter(step.tokenizer)
        except ConfigError as error:
            own = "tokenizer" in tree.get(key)
            tree.fault((*key, "tokenizer") if own else ("tokenizer",), str(error))
    try:
        step.parameters()
        if isinstance(step, Filter):
            step.models()
    except GristmillError as error:
        tree.fault(blamed(tree, key, str(error)), str(error))

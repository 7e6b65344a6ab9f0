"""A map of a recipe to a dataclass instance: its fields say which keys there are, of which type.

Types are strict: no text is taken for a number and no number for true. A byte count may be
written with its unit, ``64MB`` (10^6) or ``64MiB`` (2^20). A field whose metadata says ``file``
holds paths, which must be there.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic

from pipeline.core.errors import GristmillError
from pipeline.core.registry import nearest
from pipeline.recipe.tree import Key, Tree
from pipeline.recipe.wording import explain, show
from pipeline.runtime.storage import is_url

__all__ = ["INVALID", "blamed", "build", "check_keys", "check_value", "parse_size"]


class _Invalid:
    """What stands for a value whose fault has been noted."""


INVALID: Any = _Invalid()

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?) ?([kKMGT]?)(i?)B")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str) -> int | None:
    """Bytes in ``64MB``, ``1.5GiB`` or ``500 kB``; None if ``text`` is no size."""
    match = _SIZE.fullmatch(text)
    if not match:
        return None
    number, prefix, binary = match.groups()
    unit: int = (1024 if binary else 1000) ** _POWERS[prefix]
    return round(float(number) * unit)


def check_keys(tree: Tree, key: Key, known: Iterable[str]) -> dict[str, Any] | None:
    """The map at ``key`` less its unknown keys, which become faults; None if it is no map."""
    options = tree.get(key)
    if not isinstance(options, dict):
        tree.fault(key, f"expected a map, got {show(options)}")
        return None
    known = list(known)
    for name in options:
        if name not in known:
            guess = nearest(name, known) or f"; known: {', '.join(known) or 'none'}"
            tree.fault((*key, name), f"unknown key{guess}")
    return {name: value for name, value in options.items() if name in known}


def build(
    tree: Tree,
    key: Key,
    cls: type[Any],
    preset: Mapping[str, Any] = types.MappingProxyType({}),
    besides: Sequence[str] = (),
) -> Any:
    """An instance of ``cls`` from the map at ``key``, or `INVALID` after noting why not.

    Args:
        tree: the recipe.
        key: where the parameters are.
        cls: a dataclass; its ``init`` fields are the keys.
        preset: values that are settled elsewhere; what the recipe says for them is not read here.
        besides: further keys the map may have, which are not for ``cls``.
    """
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    options = check_keys(tree, key, [*besides, *fields])
    if options is None:
        return INVALID
    sound = len(options) == len(tree.get(key))
    for name in besides:
        options.pop(name, None)
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:  # a plug-in's types that only a type checker can see
        tree.fault(key, f"the parameters of {cls.__name__} have types that are unknown: {error}")
        return INVALID
    values = {
        name: preset[name] if name in preset else check_value(tree, (*key, name), hints[name])
        for name in (*options, *(preset.keys() - options.keys()))
    }
    for name, field in fields.items():
        if field.metadata.get("file") and name in options:
            urls = bool(field.metadata.get("url"))
            values[name] = _check_files(tree, (*key, name), values[name], urls)
    missing = [
        name
        for name, field in fields.items()
        if name not in values
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    for name in missing:
        tree.fault(key, f"{name!r} is required and missing")
    if missing or not sound or any(value is INVALID for value in values.values()):
        return INVALID
    try:
        return cls(**values)
    except (GristmillError, ValueError) as error:
        tree.fault(blamed(tree, key, str(error)), str(error))
        return INVALID


def check_value(tree: Tree, key: Key, hint: Any) -> Any:
    """The value at ``key`` as type ``hint`` has it, or `INVALID` after noting why not."""
    value = tree.get(key)
    choices = [*typing.get_args(hint), hint]
    for choice in choices:
        if isinstance(choice, type) and dataclasses.is_dataclass(choice):
            if value is None and types.NoneType in choices:
                return None
            return build(tree, key, choice)
    if isinstance(value, str) and int in choices:
        size = parse_size(value)
        value = value if size is None else size
    try:
        # JSON is the form in which pydantic's strict mode still takes a list for a tuple.
        return pydantic.TypeAdapter(hint).validate_json(json.dumps(value), strict=True)
    except pydantic.PydanticUserError:
        tree.fault(key, f"is of a type that no recipe can give: {hint}")
        return INVALID
    except pydantic.ValidationError as error:
        faults: dict[Key, list[Any]] = {}
        for detail in error.errors(include_url=False):
            faults.setdefault(_inside(value, detail["loc"]), []).append(detail)
    for inner, details in faults.items():
        tree.fault((*key, *inner), explain(_reach(value, inner), details))
    return INVALID


def _check_files(tree: Tree, key: Key, value: Any, urls: bool) -> Any:
    """``value``, a path, several or none, or `INVALID` if one of them is not there.

    Where ``urls`` may stand, what is behind them is looked for later.
    """
    sound = True
    for inner, path in enumerate(value) if isinstance(value, tuple) else [(None, value)]:
        if isinstance(path, str) and not (urls and is_url(path)) and not os.path.exists(path):
            tree.fault(key if inner is None else (*key, inner), f"{path}: no such file or folder")
            sound = False
    return value if sound else INVALID


def blamed(tree: Tree, key: Key, message: str) -> Key:
    """The key of the parameter that an error message is about, or ``key`` if it names none.

    It is the one whose value is quoted, else the one whose path is mentioned, else the one whose
    name is, as in ``limits.memory = 0``.
    """
    best: tuple[int, int, Key] = (0, 0, key)
    waiting: list[tuple[Key, Any]] = [(key, tree.get(key))]
    while waiting:
        inner, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*inner, name), part) for name, part in value.items()]
        elif isinstance(value, list):
            waiting += [((*inner, index), part) for index, part in enumerate(value)]
        rank = 0
        if isinstance(value, str) and repr(value) in message:
            rank = 3
        elif isinstance(value, str) and value in message and re.search(r"[./]", value):
            rank = 2
        elif len(inner) > len(key) and re.search(rf"\.{re.escape(str(inner[-1]))}\b", message):
            rank = 1
        best = max(best, (rank, len(str(value)), inner), key=lambda found: found[:2])
    return best[2] if best[0] else key


def _inside(value: Any, location: tuple[int | str, ...]) -> Key:
    """The part of pydantic's location that lies in the value; the rest names union branches."""
    inner: list[int | str] = []
    for part in location:
        present = range(len(value)) if isinstance(value, list) else value
        if isinstance(value, dict | list) and part in present:
            value = value[part]  # type: ignore[index]
            inner.append(part)
    return tuple(inner)


def _reach(value: Any, inner: Key) -> Any:
    for part in inner:
        value = value[part]
    return value

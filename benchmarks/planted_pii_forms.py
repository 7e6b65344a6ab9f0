"""Forms in which values are planted: a value and its context made together, by a generator."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from planted_pii import KINDS, Planted, fill
from planted_pii_values import VALUES, national

__all__ = ["Made", "decoys", "grouped", "in_context", "planted", "told"]

Made = tuple[str, str]  # the value, and the text with "{}" for it


def planted(
    forms: Mapping[str, Sequence[Callable[[random.Random], Made]]], seed: int, count: int
) -> list[Planted]:
    """``count`` texts, the kinds in turn, the forms of each kind in turn."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        form = number // len(KINDS) % len(forms[kind])
        value, context = forms[kind][form](rng)
        made.append(fill(context, value, kind, str(form)))
    return made


def decoys(
    forms: Sequence[Callable[[random.Random], str]], part: str, seed: int, count: int
) -> list[Planted]:
    """Texts that only look like personal data.

    Args:
        part: of the set, in the name of each form.
    """
    rng = random.Random(seed)
    return [
        Planted(forms[number % len(forms)](rng), form=f"{part} {number % len(forms)}")
        for number in range(count)
    ]


def in_context(
    kind: str, context: str, change: Callable[[str], str] = str
) -> Callable[[random.Random], Made]:
    """A value of a kind, perhaps written otherwise, in its context."""
    return lambda rng: (change(VALUES[kind](rng)), context)


def grouped(value: str, sign: str, n: int = 4) -> str:
    """Characters in groups of ``n``."""
    return sign.join(value[at : at + n] for at in range(0, len(value), n))


def told(context: str) -> Callable[[random.Random], Made]:
    """A national id, by its name."""

    def made(rng: random.Random) -> Made:
        value, name = national(rng)
        return value, context.replace("{word}", name)

    return made

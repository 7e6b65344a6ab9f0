"""The planted set itself, and that both halves of it are found."""

from __future__ import annotations

from types import ModuleType

import planted_pii
import planted_pii_later
import pytest

from pipeline.pii import find_pii

HALVES = [planted_pii, planted_pii_later]


@pytest.mark.parametrize("half", HALVES)
def test_planted_values_are_where_they_are_said_to_be(half: ModuleType) -> None:
    made = half.positives(count=230)
    assert made == half.positives(count=230)
    assert {text.kind for text in made} == set(planted_pii.KINDS)
    assert all(0 <= text.start < text.end <= len(text.text) for text in made)


@pytest.mark.parametrize("half", HALVES)
def test_another_seed_is_found_too(half: ModuleType) -> None:
    made = half.positives(seed=11, count=460)
    missed = [
        text
        for text in made
        if not any(one.start <= text.start and one.end >= text.end for one in find_pii(text.text))
    ]
    assert len(missed) <= 0.02 * len(made)

"""The planted set itself, and that its parts are found."""

from __future__ import annotations

from types import ModuleType

import planted_pii
import planted_pii_later
import planted_pii_third
import pytest

from pipeline.pii import find_pii

# And the greatest share of misses: the third part was never tuned on.
PARTS = [(planted_pii, 0.02), (planted_pii_later, 0.02), (planted_pii_third, 0.05)]


@pytest.mark.parametrize(("part", "most"), PARTS)
def test_planted_values_are_where_they_are_said_to_be(part: ModuleType, most: float) -> None:
    made = part.positives(count=230)
    assert made == part.positives(count=230)
    assert {text.kind for text in made} == set(planted_pii.KINDS)
    assert all(0 <= text.start < text.end <= len(text.text) for text in made)


@pytest.mark.parametrize(("part", "most"), PARTS)
def test_another_seed_is_found_too(part: ModuleType, most: float) -> None:
    made = part.positives(seed=11, count=460)
    missed = [
        text
        for text in made
        if not any(one.start <= text.start and one.end >= text.end for one in find_pii(text.text))
    ]
    assert len(missed) <= most * len(made)

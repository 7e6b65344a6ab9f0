"""The settings: what goes together, what follows, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from datasketch import MinHashLSH

from pipeline.core.errors import ConfigError
from pipeline.dedup import Alarm, Dedup, Signing
from pipeline.dedup.buckets import candidate_probability
from pipeline.dedup.settings import WEIGHTS


def test_defaults_are_those_of_fineweb() -> None:
    settings = Dedup()
    assert settings.banding == (14, 8)
    assert settings.least_similarity == 0.8
    assert settings.signing == Signing(5, 112, 1)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.75, 0.8, 0.9, 0.97])
def test_a_threshold_picks_the_optimum_of_datasketch(threshold: float) -> None:
    theirs = MinHashLSH(threshold=threshold, num_perm=112, weights=WEIGHTS)
    settings = Dedup(threshold=threshold)
    assert settings.banding == (theirs.b, theirs.r)
    assert settings.least_similarity == threshold
    assert settings.signing.permutations == 112
    if threshold >= 0.5:
        assert candidate_probability(threshold, *settings.banding) > 0.85


def test_the_optimum_for_the_default_threshold_is_the_default() -> None:
    assert Dedup(threshold=0.8).banding == Dedup().banding


@pytest.mark.parametrize("threshold", [0.98, 0.99, 1, 1e-9])
def test_every_threshold_has_bands(threshold: float) -> None:
    bands, rows = Dedup(threshold=threshold).banding
    assert bands >= 2
    assert bands * rows <= 112
    assert candidate_probability(1.0, bands, rows) == 1


def test_bands_given_stay_and_the_threshold_still_verifies() -> None:
    settings = Dedup(bands=20, rows=10, threshold=0.7)
    assert settings.banding == (20, 10)
    assert settings.least_similarity == 0.7
    assert settings.signing.permutations == 200
    assert Dedup(bands=2, rows=3).signing.permutations == 112
    assert Dedup(bands=2, rows=3).least_similarity == 0.8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bands": 4}, "bands and rows come together"),
        ({"rows": 4, "threshold": 0.7}, "bands and rows come together"),
        ({"keep": ("longest", "earliest", "longest")}, "twice"),
        ({"keep": ("preferred_domains",)}, "preferred_domains.*need each other"),
        ({"preferred_domains": ("a.org",)}, "preferred_domains.*need each other"),
        ({"keep": ("best_quality",)}, "quality.*need each other"),
        ({"quality": "score"}, "quality.*need each other"),
        *(
            ({"keep": ("preferred_domains",), "preferred_domains": ("a.org", domain)}, "no domain")
            for domain in (
                "",
                "org",
                ".org",
                "a.org.",
                "A.org",
                "http://a.org",
                "a.org/b",
                "a.org:80",
                "a b.org",
                "*.a.org",
                "bücher.de",
            )
        ),
    ],
)
def test_what_does_not_go_together(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Dedup(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"threshold": 0.0},
        {"threshold": 80},
        {"bands": 0, "rows": 8},
        {"bands": 256, "rows": 1},
        {"bands": 14, "rows": 0},
        {"similarity": "cosine"},
        {"words": 0},
        {"keep": ("shortest",)},
        {"keep": "longest"},
        {"against": "runs/old"},
        {"seed": -1},
    ],
)
def test_a_value_of_another_kind_is_refused_and_named(given: dict[str, Any]) -> None:
    name = next(iter(given)) if "rows" not in given or given["rows"] else "rows"
    with pytest.raises(ConfigError, match=name):
        Dedup(**given)


@pytest.mark.parametrize("given", [{"share": 90}, {"minimum": 0}, {"action": "shout"}])
def test_so_is_one_of_the_alarm(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(given))):
        Alarm(**given)


def test_domains_that_are_taken() -> None:
    domains = ("example.org", "bbc.co.uk", "xn--bcher-kva.de", "my_site.example.org", "10.0.0.1")
    assert Dedup(keep=("preferred_domains",), preferred_domains=domains).preferred_domains


def test_a_manifest_has_every_value_in_use() -> None:
    settings = Dedup(threshold=0.7, keep=("earliest", "longest"), against=("old",))
    plain = settings.describe()
    assert json.loads(json.dumps(plain)) == plain
    assert (plain["threshold"], plain["bands"], plain["rows"]) == (0.7, 18, 6)
    assert (plain["keep"], plain["against"]) == (["earliest", "longest"], ["old"])
    assert plain["alarm"] == {"share": 0.9, "minimum": 20, "action": "stop"}
    assert plain["signing"] == settings.signing.parameters()
    default = Dedup().describe()
    assert (default["threshold"], default["bands"], default["rows"]) == (0.8, 14, 8)
    assert default != plain

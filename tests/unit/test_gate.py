"""Bounds on contamination: what each form means, just inside and just outside, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from audits.findings import Kind
from audits.outcome.files import LEAKS, Contamination
from audits.outcome.gate import ANY, Gate
from classifiers.evaluate import proportion
from pipeline.core.errors import ConfigError

NAMES = ["gsm8k", "mmlu", "mt-bench"]


def figures(contaminated: int, items: int, verbatim: int = 0) -> Contamination:
    kinds = dict.fromkeys(LEAKS, 0) | {
        Kind.VERBATIM: verbatim,
        Kind.PARAPHRASE: contaminated - verbatim,
    }
    interval = proportion(contaminated, items)
    return Contamination(items, contaminated, interval, kinds, contaminated, 0, ())


def fails(text: str, **found: Contamination) -> list[str]:
    return Gate.parse(text, list(found)).failures(found)


@pytest.mark.parametrize(
    ("text", "contaminated", "items", "failing"),
    [
        ("gsm8k>0.1%", 1, 1000, False),
        ("gsm8k>0.1%", 2, 1000, True),
        ("gsm8k>=0.1%", 1, 1000, True),
        ("gsm8k>=.1%", 1, 1001, False),
        ("gsm8k>0.3%", 3, 1000, False),  # .3 / 100 is below 3 / 1000 as floats
        ("gsm8k>=3", 2, 1319, False),
        ("gsm8k>=3", 3, 1319, True),
        ("gsm8k>3", 3, 1319, False),
        ("gsm8k>0", 0, 1319, False),
        ("gsm8k>0", 1, 1319, True),
        ("gsm8k > 1.0 %", 14, 1319, True),
        ("gsm8k>3.0", 4, 1319, True),
        ("gsm8k>=100%", 5, 5, True),
        ("gsm8k>=100%", 4, 5, False),
    ],
)
def test_bounds(text: str, contaminated: int, items: int, failing: bool) -> None:
    assert bool(fails(text, gsm8k=figures(contaminated, items))) is failing


def test_a_failure_names_measure_and_bound() -> None:
    (line,) = fails("gsm8k>0.1%", gsm8k=figures(12, 1319))
    assert line == "gsm8k: 12 of 1,319 items (0.91 %) contaminated; the bound is gsm8k>0.1%"


def test_any_looks_at_each_benchmark_alone() -> None:
    found = {"gsm8k": figures(5, 100), "mmlu": figures(0, 100), "arc": figures(2, 100)}
    lines = fails("any>1%", **found)
    assert [line.split(":")[0] for line in lines] == ["gsm8k", "arc"]


def test_a_kind_counts_items_whose_strongest_it_is() -> None:
    found = {"mmlu": figures(3, 100, verbatim=1), "gsm8k": figures(3, 100)}
    assert fails("mmlu:verbatim>0", **found) == [
        "mmlu:verbatim: 1 of 100 items (1 %) contaminated; the bound is mmlu:verbatim>0"
    ]
    assert not fails("mmlu:verbatim>1", **found)
    assert not fails("gsm8k : verbatim >0", **found)
    assert len(fails("any:paraphrase>=2", **found)) == 2


def test_several_bounds_each_say_their_own() -> None:
    gate = Gate.parse(" gsm8k>0.1%, mmlu>=3 ,any:verbatim>0", NAMES)
    assert [(bound.benchmark, bound.kind, bound.share) for bound in gate.bounds] == [
        ("gsm8k", None, True),
        ("mmlu", None, False),
        (ANY, Kind.VERBATIM, False),
    ]
    assert gate.bounds[0].value == Fraction(1, 1000)
    found = {"gsm8k": figures(2, 100), "mmlu": figures(2, 100), "mt-bench": figures(0, 80)}
    assert len(gate.failures(found)) == 1


def test_a_hyphen_belongs_to_the_name() -> None:
    assert Gate.parse("mt-bench>0", NAMES).bounds[0].benchmark == "mt-bench"


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("gsm8k:train>0", "gsm8k:train", None),
        ("gsm8k:train:verbatim>0", "gsm8k:train", Kind.VERBATIM),
        ("gsm8k:verbatim>0", "gsm8k", Kind.VERBATIM),
    ],
)
def test_a_split_is_part_of_the_name(text: str, name: str, kind: Kind | None) -> None:
    (bound,) = Gate.parse(text, ["gsm8k", "gsm8k:train"]).bounds
    assert (bound.benchmark, bound.kind) == (name, kind)
    with pytest.raises(ConfigError, match="'mgsm:d'; did you mean 'mgsm:de'"):
        Gate.parse("mgsm:d>0", ["mgsm:de"])


def test_no_bound_no_failure() -> None:
    assert Gate().failures({"gsm8k": figures(5, 5)}) == []


def test_a_share_of_no_items_does_not_pass() -> None:
    assert "has no items" in fails("gsm8k>1%", gsm8k=figures(0, 0))[0]
    assert not fails("gsm8k>0", gsm8k=figures(0, 0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a bound is empty; for example gsm8k>0.1%"),
        ("gsm8k>1%,", "a bound is empty"),
        ("gsm8k", "not NAME>VALUE.*for example"),
        ("gsm8k<1%", "not NAME>VALUE"),
        ("gsm8k=1", "not NAME>VALUE"),
        ("gsm8k=>1", "not NAME>VALUE"),
        ("gsm8k>-1", "not NAME>VALUE"),
        ("gsm8k>1e3", "not NAME>VALUE"),
        ("gsm8k>nan", "not NAME>VALUE"),
        ("gsm8k>1%%", "not NAME>VALUE"),
        ("gsm8k:>1", "not NAME>VALUE"),
        (">1", "not NAME>VALUE"),
        ("gsm8k>٣", "not NAME>VALUE"),
        ("gsm8k>1 mmlu>1", "not NAME>VALUE"),
        ("gsm8>1", "is called 'gsm8'; did you mean 'gsm8k'"),
        ("zzz>1", "is called 'zzz'. There are: gsm8k, mmlu, mt-bench, any"),
        ("mmlu:verbatm>0", "'verbatm' is no kind; did you mean 'verbatim'"),
        ("mmlu:altered>0", "'altered' is no leak"),
        ("gsm8k>0.5", "items are whole; for a share, write 0.5%"),
        ("gsm8k>=0", "every audit fails this; write gsm8k>0"),
        ("gsm8k>=0%", "every audit fails this; write gsm8k>0%"),
        ("gsm8k>100%", "no audit can fail this"),
        ("gsm8k>=101%", "no audit can fail this"),
        ("\x1b[2J>1", "'␛.2J'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_mend(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Gate.parse(text, NAMES)
    assert "--fail-on" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_benchmark_without_figures_is_no_pass() -> None:
    with pytest.raises(ConfigError, match="mmlu was not audited"):
        Gate.parse("mmlu>1%", NAMES).failures({"gsm8k": figures(0, 5)})

"""The held-out cases for toxicity classifiers: enough of each kind, none twice, and their rates."""

from __future__ import annotations

import collections
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import toxicity_cases
from toxicity_cases import (
    FUNCTIONALITIES,
    GROUPS,
    Case,
    Rate,
    digest,
    load_cases,
    suite,
    summarise,
)

# An edit makes a new version of the cases, and figures measured on the old one no longer compare:
# measure every shipped model again, then put the new sum here.
DIGEST = "2ddf10a9d0268c6cc327243b3258c27871e2a58761a26dd2c1e53d7f1db5d8de"
Spoil = Callable[[list[dict[str, object]]], list[dict[str, object]]]

CASES = load_cases()
NEEDS_TARGET = {
    "identity_neutral",
    "identity_positive",
    "insult_group",
    "dehumanisation",
    "threat_group",
    "implicit_hate",
}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


class TestCases:
    def test_are_the_version_that_figures_were_measured_on(self) -> None:
        assert digest(CASES) == DIGEST
        assert load_cases() == CASES

    def test_a_change_of_any_field_is_another_version(self) -> None:
        (case,) = cases = [Case("a", True, "insult_direct", "men", "b")]
        others = [
            Case("b", True, "insult_direct", "men", "b"),
            Case("a", False, "insult_direct", "men", "b"),
            Case("a", True, "insult_group", "men", "b"),
            Case("a", True, "insult_direct", "", "b"),
            Case("a", True, "insult_direct", "men", ""),
        ]
        assert len({digest([other]) for other in [case, *others]}) == 6
        assert digest(cases + others) != digest(others + cases)

    def test_are_enough_of_each_kind(self) -> None:
        counts = collections.Counter(case.functionality for case in CASES)
        assert counts.keys() == FUNCTIONALITIES.keys()
        assert min(counts.values()) >= 20
        assert 1100 <= len(CASES) <= 1200
        suites = collections.Counter(map(suite, CASES))
        assert suites.keys() == {"lookalike", "ordinary", "identity", "other safe", "toxic"}
        assert suites["lookalike"] >= 250
        assert suites["ordinary"] >= 120
        assert suites["toxic"] >= 420
        assert len(CASES) - suites["toxic"] >= 650

    def test_no_two_are_the_same_but_for_case_and_punctuation(self) -> None:
        counts = collections.Counter(" ".join(words(case.text)) for case in CASES)
        assert [text for text, count in counts.items() if count > 1] == []

    def test_most_are_written_one_by_one(self) -> None:
        assert sum(not case.template for case in CASES) >= 0.6 * len(CASES)

    def test_every_functionality_says_what_it_is(self) -> None:
        descriptions = [kind.description for kind in FUNCTIONALITIES.values()]
        assert all(len(words(description)) >= 4 for description in descriptions)
        assert len(set(descriptions)) == len(descriptions)

    @pytest.mark.parametrize("functionality", FUNCTIONALITIES)
    def test_are_clean(self, functionality: str) -> None:
        for case in (case for case in CASES if case.functionality == functionality):
            assert case.text == case.text.strip()
            assert case.text.isprintable(), case.text  # one line, no control characters
            assert "  " not in case.text or functionality == "spelling_obfuscated", case.text
            assert not re.search(r"\{\w+\}|\|\|", case.text), case.text
            assert case.toxic == FUNCTIONALITIES[functionality].toxic

    def test_long_texts_are_long(self) -> None:
        lengths = collections.defaultdict(list)
        for case in CASES:
            lengths[case.functionality].append(len(case.text.split()))
        assert min(lengths["ordinary_article"]) >= 60
        assert max(lengths["ordinary_article"]) <= 150
        assert min(lengths["toxic_in_long_text"]) >= 80

    def test_groups_are_many_and_each_is_mentioned(self) -> None:
        names = {group.people for group in GROUPS}
        assert len(names) == len(GROUPS) >= 30
        assert {case.target for case in CASES} - {""} == names
        assert all(case.target for case in CASES if case.functionality in NEEDS_TARGET)
        kindly = collections.Counter(case.target for case in CASES if suite(case) == "identity")
        assert min(kindly[name] for name in names) >= 2
        hated = {case.target for case in CASES if case.toxic}
        assert names - hated == {"Americans", "teenagers"}


class TestSummarise:
    def test_counts_what_reaches_the_threshold(self) -> None:
        cases = [Case(f"{n}", n > 3, "insult_direct" if n > 3 else "reclaimed") for n in range(6)]
        rates = summarise([0.1, 0.5, 0.49, 0.2, 0.5, 1.0], 0.5, cases=cases)
        assert list(rates) == ["reclaimed", "insult_direct"]
        assert (rates["reclaimed"].flagged, rates["reclaimed"].total) == (1, 4)
        assert not rates["reclaimed"].toxic
        assert rates["reclaimed"].share == 0.25
        assert rates["insult_direct"].share == 1.0
        assert rates["insult_direct"].toxic

    def test_the_interval_is_wilsons(self) -> None:
        (rate,) = summarise([1.0] * 3 + [0.0] * 37, 0.5, cases=[Case("", False, "x")] * 40).values()
        z, n, p = 1.959963984540054, 40, 3 / 40
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        assert rate.low == pytest.approx(middle - half)
        assert rate.high == pytest.approx(middle + half)

    def test_all_cases_are_counted_once(self) -> None:
        scores = [float(case.toxic) for case in CASES]
        for rates in (summarise(scores, 0.5), summarise(scores, 0.5, by=suite)):
            assert sum(rate.total for rate in rates.values()) == len(CASES)
            assert all(rate.share == float(rate.toxic) for rate in rates.values())
        assert list(summarise(scores, 0.5)) == list(FUNCTIONALITIES)

    def test_no_ordinary_case_flagged_leaves_up_to_three_in_a_hundred_open(self) -> None:
        rate = summarise([0.0] * len(CASES), 0.5, by=suite)["ordinary"]
        assert rate.low == 0.0
        assert 0.02 < rate.high < 0.035

    @pytest.mark.parametrize(
        ("scores", "threshold", "message"),
        [
            ([0.0], 0.5, "1 scores for 2 cases"),
            ([0.0, math.nan], 0.5, "not a number"),
            ([0.0, 1.0], math.nan, "not a number"),
        ],
    )
    def test_refuses_what_is_no_score(
        self, scores: list[float], threshold: float, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            summarise(scores, threshold, cases=CASES[:2])

    def test_refuses_a_kind_of_safe_and_toxic_cases(self) -> None:
        with pytest.raises(ValueError, match="under one name: everything"):
            summarise([0.0] * len(CASES), 0.5, by=lambda case: "everything")


class TestCommand:
    def run(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["toxicity_cases.py", *arguments])
        toxicity_cases.main()

    def test_scored_cases_come_back_as_rates(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        cases, scored = tmp_path / "cases.jsonl", tmp_path / "scored.jsonl"
        self.run(monkeypatch, "write", str(cases))
        rows = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
        assert [Case(**row) for row in rows] == CASES
        for row in rows:
            row["score"] = 0.8 if row["toxic"] else 0.3
            row["positive"] = row["functionality"] == "reclaimed"
        scored.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        total = sum(case.functionality == "reclaimed" for case in CASES)

        self.run(monkeypatch, "rates", str(scored))
        printed = capsys.readouterr().out
        assert f"| reclaimed | no | {total}/{total} | 100.0%" in printed
        assert re.search(r"\| toxic \| yes \| 0/\d+ \| 0\.0%", printed)

        self.run(monkeypatch, "rates", str(scored), "--threshold", "0.8")
        printed = capsys.readouterr().out
        assert f"{len(CASES)} cases, version {DIGEST[:12]}" in printed
        assert f"| reclaimed | no | 0/{total} | 0.0%" in printed
        assert re.search(r"\| toxic \| yes \| (\d+)/\1 \| 100\.0%", printed)

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda rows: rows[1:], "not the cases of this version"),
            (lambda rows: rows[::-1], "not the cases of this version"),
            (lambda rows: [{"text": row["text"]} for row in rows], "no 'positive'"),
        ],
    )
    def test_other_rows_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Spoil, message: str
    ) -> None:
        rows = [{"text": case.text, "positive": False} for case in CASES]
        scored = tmp_path / "scored.jsonl"
        scored.write_text("".join(json.dumps(row) + "\n" for row in spoil(rows)), encoding="utf-8")
        with pytest.raises(SystemExit, match=message):
            self.run(monkeypatch, "rates", str(scored))


def test_a_rate_knows_its_share() -> None:
    assert Rate(True, 3, 4, 0.3, 0.95).share == 0.75

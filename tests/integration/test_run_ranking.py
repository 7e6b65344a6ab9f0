"""A filter that keeps the best share of a run: exact, the same however the run went, and resumable."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ranked_texts import Best, Fewer, Longest, Texts, Words, extract_nothing, kept, ranked_run, rows

import pipeline.curate
import pipeline.ranking
import pipeline.redecide
import pipeline.scores
from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document, Fate
from pipeline.curation import Curation
from pipeline.dedup import Alarm, Dedup
from pipeline.extract import Extraction
from pipeline.filters.base import TOP, Filter, Ranking
from pipeline.recipe import load_recipe
from pipeline.reports.explain import explanation, find_record
from pipeline.run import RunResult, run

Digests = Callable[[Path], dict[str, str]]
Row = dict[str, Any]

DEDUP = Dedup(alarm=Alarm(action="off"), payload=False)
SCORES = [5, 1, 9, 3, 7, 2, 8, 4, 6, 0]
FILES = [[f"{score} words and more" for score in SCORES]]


@pytest.fixture(autouse=True)
def _texts_as_they_are_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.curate, "_extractor", None)  # restored in the end
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes in here
    extract_nothing()


def ledger(out: Path, *columns: str) -> dict[str, Any]:
    """By id, one column or several of the ledger."""
    found = {row["id"]: tuple(row[name] for name in columns) for row in rows(out, "records")}
    return {name: values[0] if len(columns) == 1 else values for name, values in found.items()}


def walk(stations: Sequence[Any], steps: int = 9) -> list[Any]:
    """From one to another, the same in every run of the test."""
    chance = random.Random(len(stations))
    way = [stations[0]]
    for _ in range(steps):
        way.append(chance.choice([station for station in stations if station != way[-1]]))
    return way


def noted(out: Path) -> dict[str, Any]:
    """What the manifest says of the ranking."""
    found: dict[str, Any] = json.loads((out / "manifest.json").read_text())["ranking"]
    return found


def crawl(seed: int = 1) -> list[list[str]]:
    """Three files of texts good, bad, broken and repeated."""
    chance = random.Random(seed)
    files = []
    for _ in range(3):
        file = ["DROP", "", "BREAK it", "7", "many " * 30]
        for _ in range(14):
            text = " ".join(f"w{chance.randrange(9)}" for _ in range(chance.randint(1, 12)))
            file.append(f"{chance.choice(['', '', '-'])}{chance.randrange(6)} {text}")
        file += [file[-1], "id=same 3 of the same name", "word without a number"]
        chance.shuffle(file)
        files.append(file)
    return files


# --- what stays ----------------------------------------------------------------------------


def test_the_best_share_stays_and_every_rank_is_in_the_ledger(tmp_path: Path) -> None:
    result = ranked_run(tmp_path, FILES, Words(), Best(share=0.3))
    tops = ledger(tmp_path, "best.score", "best.top")
    assert set(tops.values()) == {(float(score), (10 - score) / 10) for score in SCORES}
    assert kept(tmp_path) == ["id-0-2", "id-0-4", "id-0-6"]
    assert noted(tmp_path) == {"best": {"share": 0.3, "reached": 10, "stayed": 3, "cutoff": 7.0}}
    assert result.report.reasons == {"best.top.high": 7}
    (stage,) = (count for count in result.report.stages if count.name == "best")
    assert (stage.entered, stage.dropped, stage.passed) == (10, 7, 3)
    (row,) = (row for row in rows(tmp_path, "dropped") if row["id"] == "id-0-0")
    assert (row["stage"], row["reason"]) == ("best", "best.top.high")
    (row,) = (row for row in rows(tmp_path, "records") if row["id"] == "id-0-0")
    assert (row["reason"], row["value"], row["bound"]) == ("best.top.high", 0.5, 0.3)


@pytest.mark.parametrize(
    ("share", "stayed", "cutoff"), [(0.05, 0, None), (0.1, 1, 9.0), (0.999, 9, 1.0), (1.0, 10, 0.0)]
)
def test_a_share_of_few_documents_is_rounded_down(
    tmp_path: Path, share: float, stayed: int, cutoff: float | None
) -> None:
    ranked_run(tmp_path, FILES, Best(share=share))
    assert len(kept(tmp_path)) == stayed
    assert noted(tmp_path)["best"] == {
        "share": share, "reached": 10, "stayed": stayed, "cutoff": cutoff,
    }  # fmt: skip


def test_who_falls_before_the_filter_is_not_ranked_and_who_falls_behind_it_is(
    tmp_path: Path,
) -> None:
    texts = [
        "DROP",
        "",
        "9 BREAK",
        "8",
        "6 " + "many " * 30,
        *(f"{n} words" for n in range(5, 0, -1)),
    ]
    result = ranked_run(tmp_path, [texts], Words(), Best(share=0.5), Fewer())
    tops = ledger(tmp_path, "best.top")
    unranked = [f"id-0-{place}" for place in range(4)]
    assert all(tops[name] is None for name in unranked)
    assert [tops[f"id-0-{place}"] for place in range(4, 10)] == [n / 6 for n in range(1, 7)]
    assert noted(tmp_path)["best"]["reached"] == 6
    # The best of all falls to the filter behind; its place is not given to the next.
    assert kept(tmp_path) == ["id-0-5", "id-0-6"]
    assert ledger(tmp_path, "stage")["id-0-4"] == "fewer"
    assert result.report.fates == {Fate.KEPT: 2, Fate.DROPPED: 7, Fate.QUARANTINED: 1}
    assert result.report.failing["best.top.high"] == 3


def test_its_own_bounds_do_not_change_who_reaches_a_filter(tmp_path: Path) -> None:
    ranked_run(tmp_path, FILES, Best(share=0.5, bounds={"score": {"high": 8}}))
    assert noted(tmp_path)["best"]["reached"] == 10
    assert ledger(tmp_path, "reason")["id-0-2"] == "best.score.high"
    assert len(kept(tmp_path)) == 4


def test_two_in_a_row_and_the_second_ranks_what_the_first_keeps(tmp_path: Path) -> None:
    texts = [f"{score} " + "word " * (10 - score) for score in range(10)]
    ranked_run(tmp_path, [texts], Best(share=0.6), Words(), Longest(share=0.5))
    assert noted(tmp_path) == {
        "best": {"share": 0.6, "reached": 10, "stayed": 6, "cutoff": 4.0},
        "longest": {"share": 0.5, "reached": 6, "stayed": 3, "cutoff": 5.0},
    }
    assert kept(tmp_path) == ["id-0-4", "id-0-5", "id-0-6"]
    tops = ledger(tmp_path, "best.top", "longest.top")
    assert tops["id-0-3"] == (0.7, None)
    assert tops["id-0-4"] == (0.6, 1 / 6)
    assert ledger(tmp_path, "failed")["id-0-0"] == [
        {"reason": "best.top.high", "value": 1.0, "bound": 0.6, "detail": None}
    ]


def test_what_has_no_score_comes_last(tmp_path: Path) -> None:
    texts = [f"{word} words" for word in ("no", "-3", "none", "0", "-9", "any")]
    ranked_run(tmp_path, [texts], Best(share=0.5))
    assert kept(tmp_path) == ["id-0-1", "id-0-3", "id-0-4"]
    ranked_run(tmp_path, [texts], Best(share=0.7))
    assert len(kept(tmp_path)) == 4
    assert noted(tmp_path)["best"]["cutoff"] is None


@pytest.mark.parametrize("texts", [[], ["DROP", "", "7"]])
def test_nothing_may_reach_it(tmp_path: Path, texts: Sequence[str]) -> None:
    ranked_run(tmp_path, [texts, ["DROP"]], Words(), Best())
    assert noted(tmp_path) == {"best": {"share": 0.5, "reached": 0, "stayed": 0, "cutoff": None}}
    assert set(ledger(tmp_path, "best.top").values()) == {None}


@pytest.mark.parametrize("share", [0.1, 0.29, 0.5])
def test_equal_scores_are_exact_and_the_same_for_any_cut(tmp_path: Path, share: float) -> None:
    files = [["1 and the same"] * 60, ["1 and the same"] * 41]
    found = []
    for size in (5, 28, 1000):
        ranked_run(tmp_path / str(size), files, Best(share=share), split_size=size)
        found.append(kept(tmp_path / str(size)))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == int(share * 101)
    assert {name[:4] for name in found[0]} == {"id-0", "id-1"}


def test_hashes_that_meet_are_told_apart_by_the_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pipeline.scores, pipeline.redecide):
        monkeypatch.setattr(module, "tie_hash", lambda name: len(name) % 2)
    files = [
        [f"id={name}{8 - place} {place % 2} words" for place in range(9)] for name in ("b", "aa")
    ]
    for size in (2, 5, 100):
        ranked_run(tmp_path / str(size), files, Best(share=6 / 18), split_size=size)
        # Four of each file have a score of 1. Ids of even length come first, then it is their order.
        assert kept(tmp_path / str(size)) == ["aa1", "aa3", "b1", "b3", "b5", "b7"]


@pytest.mark.parametrize("dedup", [None, DEDUP, Dedup(alarm=Alarm(action="off"))])
def test_splits_of_any_size_give_the_same_records(tmp_path: Path, dedup: Dedup | None) -> None:
    steps = (Words(), Best(share=0.6, tagged=("score",)), Fewer(), Longest(share=0.7))
    found = []
    for size in (3, 10, 1000):
        result = ranked_run(tmp_path / str(size), crawl(), *steps, split_size=size, dedup=dedup)
        result.report.check()
        found.append(
            [rows(tmp_path / str(size), kind) for kind in ("records", "corpus", "dropped")]
        )
        found[-1].append(noted(tmp_path / str(size)))
    assert found[0] == found[1] == found[2]


def test_duplicates_are_looked_for_among_what_stays(tmp_path: Path) -> None:
    # The same words to deduplication, which would keep the longer one.
    texts = [
        "7 of the same words as the other",
        "-7 of the same words as the other",
        "1 other text",
    ]
    ranked_run(tmp_path / "first", [texts], Best(share=0.7), dedup=DEDUP)
    assert ledger(tmp_path / "first", "stage", "cluster_size") == {
        "id-0-0": ("kept", 1), "id-0-1": ("best", None), "id-0-2": ("kept", 1),
    }  # fmt: skip
    ranked_run(tmp_path / "all", [texts], Best(share=1.0), dedup=DEDUP)
    assert ledger(tmp_path / "all", "stage", "cluster_size", "best.top") == {
        "id-0-0": ("dedup", 2, 1 / 3), "id-0-1": ("kept", 2, 1.0), "id-0-2": ("kept", 1, 2 / 3),
    }  # fmt: skip


@pytest.mark.parametrize("dropped", ["all", 0.5, "none"])
def test_all_extracted_characters_are_counted_whatever_is_kept(
    tmp_path: Path, dropped: Any
) -> None:
    given: Row = {"dedup": DEDUP, "keep": {"dropped": dropped}}
    result = ranked_run(tmp_path, crawl(), Words(), Best(), Fewer(), **given)
    counted: Counter[str] = Counter()
    for fate, characters in ledger(tmp_path, "fate", "characters").values():
        counted[fate] += characters or 0
    assert counted["dropped"] > 0
    assert +counted == result.report.characters


# --- running again -------------------------------------------------------------------------


@pytest.mark.parametrize("dedup", [None, DEDUP])
def test_a_finished_run_ranks_nothing_again(
    tmp_path: Path, digests: Digests, monkeypatch: pytest.MonkeyPatch, dedup: Dedup | None
) -> None:
    steps = (Words(), Best(), Longest())
    ranked_run(tmp_path, crawl(), *steps, dedup=dedup)
    assert not any((tmp_path / ".gristmill" / "ranking").iterdir())
    before = digests(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.run.rank_documents", None)
        again = ranked_run(tmp_path, crawl(), *steps, dedup=dedup)
        if dedup:
            tighter = dataclasses.replace(dedup, threshold=0.95)
            ranked_run(tmp_path, crawl(), *steps, dedup=tighter)
            ranked_run(tmp_path, crawl(), *steps, dedup=dedup)
    assert (again.measured, again.decided_again, again.resumed) == (0, 0, again.splits)
    assert digests(tmp_path) == before


def test_a_run_that_lost_its_manifest_ranks_and_rewrites_nothing(
    tmp_path: Path, digests: Digests
) -> None:
    ranked_run(tmp_path, crawl(), Words(), Best(), dedup=DEDUP)
    before = digests(tmp_path)
    parts = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("part-*.parquet")}
    (tmp_path / "manifest.json").unlink()
    ranked_run(tmp_path, crawl(), Words(), Best(), dedup=DEDUP)
    assert digests(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in parts} == parts


CHANGES: dict[str, tuple[Filter, ...]] = {
    "half": (Words(), Best(share=0.5), Longest(share=0.5)),
    "more": (Words(), Best(share=0.8), Longest(share=0.5)),
    "other bound": (Words(bounds={"count": {"low": 4}}), Best(share=0.5), Longest(share=0.5)),
    "tagged": (Words(), Best(share=0.5, tagged=("score", "kind")), Longest(share=0.5)),
    "one by bounds": (
        Words(),
        Best(share=None, bounds={"score": {"low": 2}}),
        Longest(share=0.5),
    ),
    "none": (Words(), Best(share=None), Longest(share=None)),
}


@pytest.mark.parametrize(
    ("dropped", "dedup"), [("all", None), ("all", DEDUP), (0.5, DEDUP), ("none", None)]
)
def test_a_changed_share_or_bound_ends_as_a_fresh_run(
    tmp_path: Path, digests: Digests, dropped: Any, dedup: Dedup | None
) -> None:
    given: Row = {"keep": {"dropped": dropped}, "dedup": dedup, "split_size": 12}
    fresh = {
        name: ranked_run(tmp_path / name, crawl(), *steps, **given)
        for name, steps in CHANGES.items()
    }
    for name in walk(list(CHANGES)):
        changed = ranked_run(tmp_path / "changed", crawl(), *CHANGES[name], **given)
        assert digests(tmp_path / "changed") == digests(tmp_path / name)
        assert changed.report == fresh[name].report
        if dropped == "all":
            assert changed.measured in (changed.splits, 2)  # at first; where an id is replaced


def test_a_changed_share_only_decides_again(tmp_path: Path) -> None:
    ranked_run(tmp_path, FILES, Best(share=0.5))
    changed = ranked_run(tmp_path, FILES, Best(share=0.2))
    assert (changed.measured, changed.decided_again) == (0, changed.splits)
    assert len(kept(tmp_path)) == 2


STEPS: dict[str, tuple[Filter, ...]] = {
    "without": (Words(), Fewer()),
    "with": (Words(), Best(), Fewer()),
    "with two": (Words(), Best(), Fewer(), Longest()),
}


def test_a_ranking_filter_more_or_less_ends_as_a_fresh_run(
    tmp_path: Path, digests: Digests
) -> None:
    given: Row = {"dedup": DEDUP, "split_size": 12}
    for name, steps in STEPS.items():
        ranked_run(tmp_path / name, crawl(), *steps, **given)
    for name in walk(list(STEPS), 5):
        ranked_run(tmp_path / "changed", crawl(), *STEPS[name], **given)
        assert digests(tmp_path / "changed") == digests(tmp_path / name)


@pytest.mark.parametrize(
    ("steps", "dedup", "dropped"),
    [
        ((Words(),), DEDUP, "all"),
        ((Words(), Best(share=0.6), Fewer()), None, "all"),
        ((Words(), Best(share=0.6), Fewer()), DEDUP, "none"),
        ((Words(), Best(share=0.6), Fewer()), Dedup(alarm=Alarm(action="off")), 0.5),
    ],
)
def test_files_more_or_less_end_as_a_fresh_run(
    tmp_path: Path, digests: Digests, steps: Any, dedup: Dedup | None, dropped: Any
) -> None:
    given: Row = {"dedup": dedup, "keep": {"dropped": dropped}, "split_size": 12}
    for files in (1, 2, 3):
        ranked_run(tmp_path / str(files), crawl()[:files], *steps, **given)
    for files in walk([1, 2, 3], 6):
        ranked_run(tmp_path / "changed", crawl()[:files], *steps, **given)
        assert digests(tmp_path / "changed") == digests(tmp_path / str(files))


def test_what_its_rank_dropped_is_read_again_where_its_text_was_not_kept(tmp_path: Path) -> None:
    files = [[f"{n} words" for n in range(10)], [f"{n} words" for n in range(10, 20)]]
    ranked_run(tmp_path, files, Best(), keep={"dropped": "none"}, split_size=10)
    assert kept(tmp_path) == sorted(f"id-1-{place}" for place in range(10))
    less = ranked_run(tmp_path, files[:1], Best(), keep={"dropped": "none"}, split_size=10)
    assert kept(tmp_path) == [f"id-0-{place}" for place in range(5, 10)]
    assert (less.measured, less.resumed) == (1, 0)


# --- columns and reports -------------------------------------------------------------------


@pytest.mark.parametrize("corpus", ["parquet", "jsonl.zst"])
def test_tags_stand_beside_the_texts(tmp_path: Path, corpus: str) -> None:
    tagged = Best(share=0.5, tagged=("score", "kind", "top"))
    ranked_run(tmp_path, [["7 words", "no words"]], tagged, keep={"corpus": corpus}, dedup=DEDUP)
    tags = ("best.score", "best.kind", "best.top", "cluster")
    (stays,) = rows(tmp_path, "corpus")
    assert tuple(stays[name] for name in tags) == (7.0, "number", 0.5, "id-0-0")
    (gone,) = rows(tmp_path, "dropped")
    assert tuple(gone[name] for name in tags) == (None, "word", 1.0, None)
    assert "best.words" not in stays.keys() | gone.keys()


def test_other_tags_are_written_without_reading_again(tmp_path: Path) -> None:
    ranked_run(tmp_path, FILES, Best())
    changed = ranked_run(tmp_path, FILES, Best(tagged=("score",)))
    assert (changed.measured, changed.decided_again) == (0, changed.splits)
    assert {row["best.score"] for row in rows(tmp_path, "corpus")} == {5.0, 6.0, 7.0, 8.0, 9.0}


def test_the_tags_of_a_gate_do_so_too(tmp_path: Path) -> None:
    gate = TaggedGate()
    ranked_run(tmp_path, [["DROP", "some words"]], gate)
    assert [row["gate.letters"] for row in rows(tmp_path, "corpus")] == [0.0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaggedGate(Filter):
    name: ClassVar[str] = "gate"
    reads: ClassVar[frozenset[str]] = frozenset({"url"})
    signals: ClassVar[tuple[Signal, ...]] = (Signal("letters", "letters of the URL"),)

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {"letters": float(len(doc.url))}

    def tags(self) -> tuple[str, ...]:
        return ("letters",)


def test_page_card_and_explanation_say_what_the_ranking_did(tmp_path: Path) -> None:
    ranked_run(tmp_path, FILES, Best(share=0.3))
    page = (tmp_path / "report.html").read_text()
    assert "<h2>Ranking</h2>" in page
    assert '<td class="number">30%</td>' in page
    card = (tmp_path / "README.md").read_text()
    assert "- `best` keeps the top 30% by its score: 3 of 10 documents" in card
    assert "stayed, the last of them with 7." in card
    assert "best.top.high: 0.5 > 0.3" in explanation(find_record(tmp_path, "id-0-0"))
    ranked_run(tmp_path, FILES, Words())
    assert "Ranking" not in (tmp_path / "report.html").read_text()
    assert "Ranking" not in (tmp_path / "README.md").read_text()
    assert "ranking" not in json.loads((tmp_path / "manifest.json").read_text())


# --- what is refused -----------------------------------------------------------------------


class RankedGate(TaggedGate):
    def ranking(self) -> Ranking | None:
        return Ranking("letters", 0.5)


class ZeroShare(Best):
    def ranking(self) -> Ranking | None:
        return Ranking("score", 0.0)


@pytest.mark.parametrize(
    ("gates", "steps", "message"),
    [
        ((), (Best(bounds={"top": {"high": 0.4}}),), "keeps the top 0.5 .* says otherwise"),
        ((), (Best(bounds={"top": {"low": 0.1}}),), "leave that bound out"),
        ((), (Best(bounds={"top": None}),), "leave that bound out"),
        ((), (ZeroShare(),), "a share above 0 and at most 1, not 0.0"),
        ((RankedGate(),), (), "must read their text"),
        ((), (Best(tagged=("scores",)),), "best tags texts with 'scores', which is no signal"),
    ],
)
def test_a_filter_that_contradicts_itself_is_refused(
    gates: tuple[Filter, ...], steps: tuple[Filter, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Curation(Texts(files=()), gates, Extraction("resiliparse"), steps)


# --- the sample, and Ray -------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wordy(Filter):
    """Ranks by the number of distinct words, of which many texts have the same."""

    name: ClassVar[str] = "wordy"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("tens", "distinct words, in tens"),
        Signal(TOP, "rank over documents", maximum=1.0),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (Bound(TOP, high=0.6),)

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {"tens": float(len(set(doc.text.split())) // 10), TOP: 0.0}

    def ranking(self) -> Ranking:
        return Ranking("tens", 0.6)


def run_sample(out: Path, *overrides: str, **options: Any) -> RunResult:
    loaded = load_recipe("quickstart", overrides)
    steps = (*loaded.steps[:3], Wordy(), *loaded.steps[3:])
    return run(dataclasses.replace(loaded, steps=steps), out=out, **options)


@pytest.mark.ray
def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path, digests: Digests) -> None:
    import ray.cloudpickle

    pipeline.curate._extractor = EXTRACTOR
    size = "source.split_size=12000"
    serial = run_sample(tmp_path / "serial", size, serial=True)
    assert serial.splits > 3
    counts = noted(tmp_path / "serial")["wordy"]
    assert 0 < counts["stayed"] == int(0.6 * counts["reached"])
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        run_sample(tmp_path / "ray", size, workers=2)
    finally:
        ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    assert digests(tmp_path / "ray") == digests(tmp_path / "serial")
    fates = Counter(row["fate"] for row in rows(tmp_path / "ray", "records"))
    assert fates == serial.report.fates


EXTRACTOR = pipeline.curate._extractor

"""Planning: which pieces are taken, how they are measured, and what is made of the figures."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline.pieces
from pipeline.extrapolate import Estimate, makespan, ratio_estimate
from pipeline.pieces import Pieces, size_of, spread
from pipeline.runtime.clocked import ClockedExecutor
from pipeline.sources.base import Split
from pipeline.sources.embedded import SampleSource
from pipeline.sources.sample import write_sample
from pipeline.sources.warc import WarcSource

SIZES = st.lists(st.integers(1, 10**9), min_size=2, max_size=12)
TIMES = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)

# --- estimates -----------------------------------------------------------------------------------


@given(SIZES, st.floats(0, 100), st.integers(1, 10**15))
def test_what_grows_with_the_bytes_is_known_exactly(
    sizes: list[int], rate: float, whole: int
) -> None:
    found = ratio_estimate([rate * size for size in sizes], sizes, whole)
    assert found.value == pytest.approx(rate * whole)
    assert found.low == pytest.approx(found.value, abs=1e-5 * found.value)
    assert found.high == pytest.approx(found.value, abs=1e-5 * found.value)


@given(SIZES.flatmap(lambda sizes: st.tuples(st.just(sizes), st.lists(
    st.floats(0, 1e9), min_size=len(sizes), max_size=len(sizes)))))  # fmt: skip
def test_the_interval_is_about_the_value_and_not_below_nothing(
    given_sizes: tuple[list[int], list[float]],
) -> None:
    sizes, amounts = given_sizes
    found = ratio_estimate(amounts, sizes, 1e12)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high


def test_the_interval_is_student_s() -> None:
    # By hand: ratio 2, residuals -1, 0, 1, deviation 1, t(0.975, 2) = 4.3027.
    found = ratio_estimate([1, 2, 3], [1, 1, 1], 30)
    assert found.value == 60
    assert found.high == pytest.approx(60 + 4.302653 / 3**0.5 * 30)
    assert found.low == 0


def test_one_piece_knows_no_spread() -> None:
    assert ratio_estimate([3], [2], 20) == Estimate(30.0)
    assert Estimate(30.0).plus(1).times(2) == Estimate(62.0)
    assert Estimate(2.0, 1.0, 3.0).plus(1).times(2).to_json() == {"value": 6, "low": 4, "high": 8}


@given(TIMES, st.integers(1, 10))
def test_the_last_task_ends_neither_too_early_nor_too_late(
    times: list[float], workers: int
) -> None:
    ends = makespan(times, workers)
    least = max(max(times), sum(times) / workers)
    assert least * (1 - 1e-9) <= ends <= sum(times) / workers + max(times) + 1e-6


def test_schedules() -> None:
    assert makespan([3, 3, 3], 2) == 6
    assert makespan([3, 3, 3], 100) == 3
    assert makespan([], 4) == 0


# --- pieces --------------------------------------------------------------------------------------


def crawl(folder: Path, copies: int = 3) -> WarcSource:
    for number in range(copies):
        write_sample(folder / f"{number}.warc.gz")
    return WarcSource(paths=(f"{folder}/*.warc.gz",))


@pytest.mark.parametrize("number", [1, 2, 5, 40])
def test_pieces_lie_inside_their_splits_and_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(pipeline.pieces, "PIECE_BYTES", 10_000)
    source = dataclasses.replace(crawl(tmp_path), split_size=50_000)
    plan = source.plan()
    pieces = spread(source, plan, number)
    assert pieces == spread(source, plan, number)
    assert list(pieces) == sorted(set(pieces))
    assert 1 <= len(pieces) <= number
    for piece in pieces:
        assert 0 < size_of(piece) <= 10_000
        assert any(
            piece.path == one.path and one.start <= piece.start and piece.end <= one.end
            for one in plan
        )
    if number == 5:  # about the middles of fifths
        whole = sum(map(size_of, plan))
        lengths = {path: sum(size_of(one) for one in plan if one.path == path)
                   for path in {one.path for one in plan}}  # fmt: skip
        before = {
            path: sum(lengths[other] for other in lengths if other < path) for path in lengths
        }
        for place, piece in enumerate(pieces):
            target = (2 * place + 1) * whole / 10
            assert abs(before[piece.path] + piece.start - target) <= 10_000


def test_more_pieces_than_there_are_give_the_whole_input(tmp_path: Path) -> None:
    source = crawl(tmp_path)
    plan = source.plan()
    assert spread(source, plan, 100) == tuple(plan)
    sample = SampleSource()
    assert spread(sample, sample.plan(), 100) == tuple(sample.plan())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Whole(SampleSource):
    """Stands for a source that cannot be told how finely to cut."""

    def __getattribute__(self, name: str) -> object:
        if name == "split_size":
            raise AttributeError(name)
        return super().__getattribute__(name)


def test_a_source_that_cannot_be_cut_gives_whole_splits() -> None:
    plan = [Split("a", 0, 50), Split("a", 50, 100)]
    assert spread(Whole(), plan, 1) == (plan[1],)


def test_pieces_are_a_source_and_read_what_theirs_reads(tmp_path: Path) -> None:
    source = crawl(tmp_path, 1)
    pieces = Pieces(source=source, pieces=tuple(source.plan()))
    assert pieces.plan() == source.plan()
    assert pieces.parameters() == source.parameters()
    (split,) = source.plan()
    assert pieces.stamp(split.path) == source.stamp(split.path)
    assert [one.id for one in pieces.read(split)] == [one.id for one in source.read(split)]


# --- measuring -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Task:
    index: int


BURN = "sum(number * number for number in range(3_000_000))"


def work(task: Task | str, tick: object) -> str:
    if isinstance(task, Task) and task.index == 1:  # in a child that has ended by then
        subprocess.run([sys.executable, "-c", BURN], check=True)
    return f"did {task}"


def test_costs_and_peaks_go_by_split() -> None:
    clock = ClockedExecutor()
    ticks: list[Mapping[int, Mapping[str, int]]] = []
    with clock:
        ended = list(clock.run(work, [Task(0), Task(1), "shared", Task(0)], ticks.append))
    assert ended == [
        (0, "did Task(index=0)"), (1, "did Task(index=1)"), (2, "did shared"),
        (3, "did Task(index=0)"),
    ]  # fmt: skip
    assert clock.costs.keys() == clock.peaks.keys() == {0, 1, None}
    assert clock.costs[1].cpu > clock.costs[0].cpu
    assert clock.taken().cpu >= clock.costs[1].cpu
    assert all(peak > 1_000_000 for peak in clock.peaks.values())
    clock.forget()
    assert not clock.costs

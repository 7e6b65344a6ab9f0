"""A run that ranks, killed at everything it does to its folder: the output is the same."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ranked_texts import Best, Fewer, Longest, Words, extract_nothing, ranked_run

import pipeline.curate
from pipeline.core.errors import ConservationError
from pipeline.dedup import Alarm, Dedup
from pipeline.run import RunResult
from pipeline.runtime.storage import RunFolder

Digests = Callable[[Path], dict[str, str]]

DEDUP = Dedup(alarm=Alarm(action="off"), payload=False)


def crawl() -> list[list[str]]:
    chance = random.Random(5)
    texts = ["DROP", "7", "BREAK it", *(f"{chance.randrange(4)} words" for _ in range(10))]
    return [[*texts, "many " * 30], [*texts[::2], "id=id-0-5 3 of that name"]]


def a_run(out: Path, dropped: str = "all", share: float = 0.5) -> RunResult:
    steps = (Words(), Best(share=share), Fewer(), Longest(share=0.7))
    given: dict[str, Any] = {"dedup": DEDUP if dropped == "none" else None, "split_size": 99}
    return ranked_run(out, crawl(), *steps, keep={"dropped": dropped}, **given)


# --- kills -----------------------------------------------------------------------------------


def _killed_at(out: Path, change: int, dropped: str) -> None:
    """Runs until the ``change``-th file comes or goes, then is killed; an even one is half written."""
    made = 0
    replacing, remove = RunFolder.replacing, RunFolder.remove

    def one_more() -> bool:
        nonlocal made
        made += 1
        return made == change

    @contextlib.contextmanager
    def counted(folder: RunFolder, target: Path) -> Iterator[Path]:
        with replacing(folder, target) as temporary:
            yield temporary
            now = one_more()
            if now and change % 2 == 0:
                os.truncate(temporary, temporary.stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)

    def removed(folder: RunFolder, path: Path) -> None:
        there = path.exists()
        remove(folder, path)
        if there and one_more():
            os.kill(os.getpid(), signal.SIGKILL)

    RunFolder.replacing = counted  # type: ignore[method-assign]
    RunFolder.remove = removed  # type: ignore[method-assign]
    a_run(out, dropped)


def main(outs: Path, dropped: str, before: str) -> None:
    """A run killed at each change that it makes; ``before`` it the folder had another share."""
    extract_nothing()
    os.fsync = lambda _: None
    a_run(outs / "warm", dropped)  # all is loaded before the first fork
    for change in range(1, 1000):
        out = outs / f"out-{change:03}"
        if before:
            a_run(out, dropped, float(before))
        child = os.fork()
        if not child:
            _killed_at(out, change, dropped)
            os._exit(0)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            return


@pytest.fixture(autouse=True)
def _texts_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.curate, "_extractor", None)  # restored in the end
    monkeypatch.setattr(os, "fsync", lambda _: None)
    extract_nothing()


@pytest.mark.heavy
@pytest.mark.parametrize(("dropped", "before"), [("none", ""), ("all", "0.3")])
def test_killed_at_any_change_it_makes(
    tmp_path: Path, digests: Digests, dropped: str, before: str
) -> None:
    outs = tmp_path / "outs"
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run(
        [sys.executable, __file__, str(outs), dropped, before], check=True, env=os.environ | path
    )
    a_run(tmp_path / "whole", dropped)
    expected = digests(tmp_path / "whole")
    ended = sorted(outs.iterdir())
    assert len(ended) > 40
    for out in ended:
        a_run(out, dropped)
        assert digests(out) == expected, out.name
        assert not any((out / ".gristmill" / "ranking").iterdir())
        assert not any((out / ".gristmill" / "tmp").iterdir())


# --- what must not go unnoticed --------------------------------------------------------------


def test_parts_that_are_not_what_was_ranked_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.redecide.tie_hash", lambda _: 0)
    with pytest.raises(ConservationError, match=r"split 0: .* was not ranked"):
        a_run(tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_ranks_that_nothing_fell_to_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Best, "decide", lambda *_: [])
    with pytest.raises(ConservationError, match=r"documents were to fall to their rank in best, 0"):
        a_run(tmp_path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])

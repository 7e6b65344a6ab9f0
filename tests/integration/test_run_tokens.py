"""Runs that count tokens: the same bytes every time, counted anew without the crawl, and summed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import pipeline.split
from classifiers.token_counter import TokenCounter
from pipeline.recipe import load_recipe
from pipeline.run import RunResult, run
from pipeline.runtime.ledger import read_rows

Digests = Callable[[Path], dict[str, str]]
LIGHT = (
    "filters=[language, gopher_quality, {clean: whitespace}]",
    "extract={engine: resiliparse}",
)


def run_sample(out: Path, *overrides: str, **options: object) -> RunResult:
    options.setdefault("serial", True)
    recipe = load_recipe("quickstart", [*LIGHT, *overrides])
    return run(recipe, out=out, **options)  # type: ignore[arg-type]


def rows(out: Path, kind: str) -> list[dict[str, object]]:
    return [row for path in sorted((out / kind).iterdir()) for row in read_rows(path)]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_sample(tmp_path_factory.mktemp("counted") / "out").folder.root


def test_every_text_has_its_count(counted: Path) -> None:
    counter = TokenCounter()
    texts = {row["id"]: row for kind in ("corpus", "dropped") for row in rows(counted, kind)}
    for row in rows(counted, "records"):
        text = texts.get(row["id"])
        if text is None:
            assert row["tokens"] is None
        else:
            expected = counter.count([str(text["text"])])[0]
            assert row["tokens"] == text["tokens"] == expected
            assert row["words"] == len(str(text["text"]).split())


def test_the_sums_are_those_of_the_rows(counted: Path) -> None:
    noted = json.loads((counted / "manifest.json").read_text())["tokens"]
    kept = [row for row in rows(counted, "records") if row["fate"] == "kept"]
    assert noted["documents"] == len(kept)
    for name in ("tokens", "words", "characters"):
        total = sum(row[name] for row in kept)  # type: ignore[misc]
        assert noted[name] == total
        for what in ("languages", "domains"):
            listed = sum(one[name] for one in noted[what])
            assert listed + noted[f"other_{what}"][name] == total
    assert noted["fates"]["kept"] == noted["tokens"]
    assert noted["uncounted"] == 0


def test_report_and_card_say_it(counted: Path) -> None:
    noted = json.loads((counted / "manifest.json").read_text())["tokens"]
    for name in ("report.html", "README.md"):
        said = (counted / name).read_text(encoding="utf-8")
        assert f"{noted['tokens']:,}" in said
        assert "Hoffmann et al. 2022" in said


@pytest.mark.ray
def test_two_workers_leave_the_bytes_of_one(
    counted: Path, tmp_path: Path, digests: Digests
) -> None:
    run_sample(tmp_path / "two", serial=False, workers=2)
    assert digests(tmp_path / "two") == digests(counted)


def test_another_tokenizer_counts_stored_texts(
    counted: Path, tmp_path: Path, digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(counted, tmp_path / "later")

    def no_reading(*_: object) -> None:
        raise AssertionError("the crawl was read")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.split, "measure", no_reading)
        run_sample(out, "tokens=null")
        assert "tokens" not in rows(out, "corpus")[0]
        assert "tokens" not in json.loads((out / "manifest.json").read_text())
        result = run_sample(out)
        assert result.decided_again == result.splits
        assert digests(out) == digests(counted)
        again = run_sample(out)
        assert again.resumed == again.splits
        assert digests(out) == digests(counted)
        pytest.importorskip("tokenizers")
        run_sample(out, f"tokens={{tokenizer: {TokenCounter().file.path}}}")
        # The same tokenizer under another name: the same counts.
        assert rows(out, "corpus") == rows(counted, "corpus")


def test_a_moved_bound_leaves_counts_as_they_are(
    counted: Path, tmp_path: Path, digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = "filters.gopher_quality.bounds.word_count.low=120"
    run_sample(tmp_path / "fresh", bound)
    shutil.copytree(counted, tmp_path / "moved")
    with monkeypatch.context() as patch:
        patch.setattr(TokenCounter, "count", lambda *_: pytest.fail("counted anew"))
        patch.setattr(TokenCounter, "check", lambda counter: counter.file.verify())
        run_sample(tmp_path / "moved", bound)
    assert digests(tmp_path / "moved") == digests(tmp_path / "fresh")

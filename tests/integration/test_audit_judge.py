"""An audit with a judge, as a person meets it: asked, told of, and refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audited_texts import PLACES, benchmark_folder, clean_rows, write
from judge_server import Server, served

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from audits.outcome.files import read_findings
from audits.verify.chat_model import KEY
from audits.verify.verifier import HEADS, Verifier
from pipeline.cli import main

REWORDED = (
    "In Brodick they mill thirty bags of oats whenever there is a market, and one bag of nine is the "
    "miller's due. Five markets on, what has been put by for him?"
)
SECRET = "sk-tell-nobody"


class _Unsure:
    """Stands in for the trained verifier: takes everything for a leak, and nothing for certain."""

    def probabilities(self, figures: Sequence[Mapping[str, float]]) -> dict[str, Any]:
        return dict(zip(HEADS, (np.full(len(figures), 0.7), np.zeros(len(figures))), strict=True))

    def threshold(self, rate: float, *, passage: bool = False) -> float:
        return 0.9


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Verifier, "load", classmethod(lambda cls: _Unsure()))
    benchmark_folder(tmp_path / "benchmarks")
    monkeypatch.setenv("GRISTMILL_BENCHMARKS", str(tmp_path / "benchmarks"))
    write(Path("corpus.jsonl"), [*clean_rows(3), {"id": "leak", "text": REWORDED, "url": None}])
    with served(monkeypatch) as found:
        monkeypatch.setenv(KEY, SECRET)
        found.say = lambda item, passage: str(99 * any(p in item and p in passage for p in PLACES))
        yield found


def audit(*options: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["audit", "corpus.jsonl", "-b", "mills", "--serial", *options])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_it_is_asked_told_of_and_kept_from_files(
    server: Server, capsys: pytest.CaptureFixture[str], digests: Callable[[Path], dict[str, str]]
) -> None:
    chat = ("--judge-url", server.url, "--judge-model", "miller")
    assert audit("--out", "without") == 0
    assert audit("--out", "out", *chat) == 0
    said = capsys.readouterr().out
    manifest = json.loads(Path("out/audit.json").read_text())
    judge = {"kind": "chat", "model": "miller", "url": server.url}
    assert (manifest["settings"]["judge"], manifest["judge"]["no_opinion"]) == (judge, 0)
    assert f"Judge: {manifest['judge']['asked']} candidates; no opinion of 0." in said
    # The first question is whether it can be asked.
    assert 1 + manifest["judge"]["asked"] <= len(server.asked) <= 1 + 3 * manifest["judge"]["asked"]
    (one,) = [one for one in read_findings(Path("out")) if one.leak]
    assert (one.document, one.item, one.evidence["judge"]) == ("leak", "m1", 0.99)
    assert not [one for one in read_findings(Path("without")) if one.leak]
    page = Path("out/report.html").read_text()
    assert server.url in page
    assert "had no opinion of 0" in page
    for path in (path for path in Path("out").rglob("*") if path.is_file()):
        assert SECRET.encode() not in path.read_bytes(), path

    asked = len(server.asked)
    assert audit("--out", "out", *chat) == 0  # there is nothing to do
    assert len(server.asked) == asked
    assert audit("--out", "again", *chat) == 0
    once, twice = digests(Path("out")), digests(Path("again"))
    assert {**once, "audit.json": ""} == {**twice, "audit.json": ""}
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["audit", "diff", "without", "out", "--json"])
    setup = json.loads(capsys.readouterr().out)["setup"]
    assert "settings.judge.model: none and miller" in setup
    assert "settings.judge.kind: none and chat" in setup
    assert len(setup) == 3


def test_one_that_cannot_be_asked_fails_before_the_work(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script = [(404, {"error": "no model of that name"})]
    assert audit("--judge-url", server.url, "--judge-model", "none") == 1
    said = capsys.readouterr().err
    assert server.url in said
    assert "no model of that name" in said
    server.script = [(503, {"error": "loading"})] * 9
    assert audit("--judge-url", server.url, "--judge-model", "none") == 1
    assert f"{server.url}: the judge does not answer" in capsys.readouterr().err
    assert audit("--judge", "nobody/none") == 1
    assert "hf download nobody/none" in capsys.readouterr().err
    assert not Path("out/audit/audit.json").exists()

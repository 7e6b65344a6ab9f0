"""`gristmill plan` on the embedded sample: its figures, its faults, and that it leaves nothing behind."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main

LIGHT = (
    "--set", "filters=[language, gopher_quality, {clean: whitespace}]",
    "--set", "extract={engine: resiliparse}",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def planned(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert call("plan", "quickstart", *LIGHT, "--json", *options) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_all_of_a_small_input_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    one = planned(capsys, "--workers", "1", "--price", "3600")
    assert not list(scratch.iterdir())
    assert not Path("out").exists()
    assert one["sampled_bytes"] == one["input_bytes"]
    assert one["pieces"] == one["splits"] == 4
    assert one["records"]["value"] == pytest.approx(86)
    assert call("run", "quickstart", *LIGHT, "--serial", "--out", "real", "--json") == 0
    real = json.loads(capsys.readouterr().out)
    assert one["kept"]["value"] == pytest.approx(real["fates"]["kept"])
    assert one["tokens"]["value"] == pytest.approx(real["tokens"]["tokens"])
    disk = sum(path.stat().st_size for path in Path("real").rglob("*") if path.is_file())
    assert one["disk_bytes"]["value"] == pytest.approx(disk, rel=0.1)
    assert one["cost"]["value"] == pytest.approx(3600 * one["wall_hours"]["value"])
    for name in ("cpu_hours", "wall_hours", "memory_bytes"):
        assert 0 < one[name]["low"] <= one[name]["value"] <= one[name]["high"]

    many = planned(capsys, "--workers", "50", "--set", "tokens=null", "--splits", "1")
    assert many["tokens"] is None
    assert many["cost"] is None
    assert many["pieces"] == 1
    assert many["cpu_hours"]["low"] is None
    # Four splits keep no more than four of the workers busy.
    assert many["wall_hours"]["value"] > one["wall_hours"]["value"] / 50


def test_a_person_reads_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", "quickstart", *LIGHT, "--splits", "1", "--price", "0.04") == 0
    said = capsys.readouterr().out
    for words in ("quickstart: 118,", "CPU time", "cost at 0.04 a core-hour", "unknown: one piece"):
        assert words in said


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--splits", "0"), "--splits must be at least 1"),
        (("--workers", "0"), "--workers must be at least 1"),
        (("--price", "-1"), "--price must be a number from 0"),
        (("--price", "nan"), "--price must be a number from 0"),
        (("--set", "tokens={tokenizer: none.json}"), "cannot be read"),
    ],
)
def test_faults(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], fault: str) -> None:
    assert call("plan", "quickstart", *LIGHT, *options) == 2
    assert fault in capsys.readouterr().err

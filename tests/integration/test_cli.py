"""The command line as a person or a script meets it: exit codes, help, JSON, what is printed where."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.sources.sample import sample_bytes

PAGE = (
    "<html><head><meta charset=iso-8859-1></head><body><nav>Home</nav><article><h1>The mill</h1>"
    + "<p>The caf\xe9 by the mill opens when the wheel turns, and closes when the river freezes.</p>"
    * 5
    + "</article></body></html>"
).encode("latin-1")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def run_warc(name: str, *options: str) -> int:
    source = f"source={{kind: warc, paths: ['{name}']}}"
    return call("run", "quickstart", "--serial", "--out", "out", "--set", source, *options)


def test_a_run_ends_with_the_funnel_and_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "quickstart", "--serial", "--out", "out") == 0
    said = capsys.readouterr().out
    for word in ("stage", "gopher_quality", "fineweb", "86 records:", "out/corpus/", "report.html"):
        assert word in said
    assert "\x1b" not in said
    assert Path("out/report.html").exists()


def test_json_is_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "quickstart", "--serial", "--out", "out", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["records"] == sum(result["fates"].values()) == 86
    assert result["exit_code"] == 0
    assert call("report", "out", "--json") == 0
    assert json.loads(capsys.readouterr().out)["fates"] == result["fates"]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "quickstart", "--serial", "--out", "out", "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_continued_run_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    run = ("run", "quickstart", "--serial", "--out", "out")
    assert call(*run) == 0
    capsys.readouterr()
    assert call(*run, "--set", "filters.gopher_quality.bounds.word_count.low=20") == 0
    assert "decided again from stored signals" in capsys.readouterr().err
    assert call(*run, "--set", "extract.engine=resiliparse", "--set", "extract.options={}") == 0
    assert "read again" in capsys.readouterr().err


def test_over_the_quarantine_limit(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call("run", "quickstart", "--serial", "--out", "out", "--set", "limits.quarantined=0") == 3
    )
    assert "the recipe allows 0.00%" in capsys.readouterr().err
    assert Path("out/manifest.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nosuch"], "nosuch"),
        (["run", "quickstart", "--set", "filtrs=1"], "did you mean 'filters'"),
        (["run", "quickstart", "--serial", "--workers", "2"], "--serial"),
        (["run", "quickstart", "--workers", "0"], "at least 1"),
        (["extract", "page.html", "--engine", "trafilature"], "did you mean 'trafilatura'"),
        (["explain", "nowhere", "id"], "no finished run"),
        (["nonsense"], "No such command"),
    ],
)
def test_bad_arguments_are_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("page.html").write_bytes(PAGE)
    assert call(*arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "extract", "report", "explain", "filters", "sample"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(command, "--help") == 0
    assert f"Examples:\n    gristmill {command}" in capsys.readouterr().out


def test_an_empty_file_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.warc.gz").write_bytes(b"")
    assert run_warc("empty.warc.gz") == 0
    assert "0 records: nothing" in capsys.readouterr().out


def test_a_file_that_is_no_warc_is_one_quarantined_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("thesis.pdf").write_bytes(b"%PDF-1.7\n" + b"x" * 5000)
    assert run_warc("thesis.pdf") == 3
    assert "1 quarantined" in capsys.readouterr().out


def test_a_missing_input_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_warc("crawl-*.warc.gz") == 2
    assert "crawl-*.warc.gz" in capsys.readouterr().err


def test_ids_are_unique_where_two_files_hold_the_same_records() -> None:
    import pyarrow.dataset as ds

    Path("a.warc.gz").write_bytes(sample_bytes())
    Path("b.warc.gz").write_bytes(sample_bytes())
    assert run_warc("*.warc.gz") == 0
    for kind in ("records", "corpus"):
        ids = ds.dataset(f"out/{kind}").to_table(columns=["id"])["id"].to_pylist()
        assert len(set(ids)) == len(ids)
    first = [name for name in ids[: len(ids) // 2] if name.startswith("<urn:uuid:")]
    assert len(first) == len(ids) // 2
    before = {path: path.read_bytes() for path in Path("out").rglob("part-*")}
    assert run_warc("*.warc.gz") == 0
    assert {path: path.read_bytes() for path in Path("out").rglob("part-*")} == before


def test_extract_prints_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.html").write_bytes(PAGE)
    assert call("extract", "page.html") == 0
    said = capsys.readouterr().out
    assert said.startswith("The caf\xe9 by the mill")
    assert "Home" not in said


def test_extract_writes_a_file_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.html").write_bytes(PAGE)
    Path("other.html.gz").write_bytes(gzip.compress(PAGE))
    assert call("extract", "page.html", "other.html.gz", "--out", "texts") == 0
    assert {path.name for path in Path("texts").iterdir()} == {"page.txt", "other.txt"}
    assert Path("texts/page.txt").read_text() == Path("texts/other.txt").read_text()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("engine", ["blocks", "trafilatura", "trafilatura-fast", "resiliparse"])
def test_extract_as_json(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.html").write_bytes(PAGE)
    assert call("extract", "page.html", "--engine", engine, "--json") == 0
    page = json.loads(capsys.readouterr().out)
    assert "caf\xe9" in page["text"]
    assert (page["file"], page["engine"], page["language"]) == ("page.html", engine, "en")
    assert page["charset"].lower().replace("-", "") in ("cp1252", "windows1252", "iso88591")
    assert page["charset_source"] == "meta"
    assert page["milliseconds"] > 0


def test_extract_goes_on_after_a_bad_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cut.html.gz").write_bytes(gzip.compress(PAGE * 50)[:-200])
    Path("page.html").write_bytes(PAGE)
    assert call("extract", "missing.html", "cut.html.gz", "page.html") == 1
    captured = capsys.readouterr()
    assert "missing.html: No such file" in captured.err
    assert "cut.html.gz" in captured.err
    assert "caf\xe9" in captured.out


def test_two_files_of_one_name_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "page.html").write_bytes(PAGE)
    assert call("extract", "a/page.html", "b/page.html", "--out", "texts") == 2
    assert "page.txt" in capsys.readouterr().err

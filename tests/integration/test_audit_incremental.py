"""`gristmill audit --keep-embeddings` and `--embeddings`: less work, the same findings, nothing left over."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from audited_texts import (
    PlainExaminer,
    corpus_rows,
    items,
    needs_verifier,
    write,
)

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from audits.outcome.files import read_findings
from audits.semantic.stored_vectors import StoredVectors
from classifiers.embed import Encoder
from pipeline.audit.benchmarks import load_benchmarks
from pipeline.audit.plan import plan_audit
from pipeline.audit.run import AuditResult, run_audit
from pipeline.cli import main
from pipeline.core.errors import SourceError
from pipeline.runtime.executor import RayExecutor, SerialExecutor
from pipeline.runtime.progress import Silent

Digests = Callable[[Path], dict[str, str]]
Row = dict[str, Any]

PART = 1500  # bytes: a few documents
OWN = Path("out/embeddings")


@pytest.fixture(autouse=True)
def _home(audit_home: Path) -> None:
    """Every test is within it."""
    write(Path("corpus.jsonl"), corpus())


def corpus() -> list[Row]:
    """Documents of which four leak, one of them an item of the training part."""
    text = f"This was asked in class.\n\n{items(1, 41)[0]['question']}"
    return [*corpus_rows(), {"id": "train", "text": text, "url": None}]


def run(
    out: str = "out",
    *,
    names: Sequence[str] = ("mills",),
    say: Silent | None = None,
    workers: int = 0,
    **options: Any,
) -> AuditResult:
    plan = plan_audit(
        ["corpus.jsonl"], load_benchmarks(names), Path(out), split_bytes=PART, **options
    )
    return run_audit(plan, RayExecutor(workers) if workers else SerialExecutor(), say or Silent())


def reused(out: str = "out") -> int | None:
    found: int | None = json.loads(Path(out, "audit.json").read_text())["corpus"]["reused"]
    return found


def seen(digests: Digests, out: str = "out") -> dict[str, str]:
    """What a user sees, but for how it went."""
    found = digests(Path(out))
    told = json.loads(Path(out, "audit.json").read_text())
    del told["seconds"], told["corpus"]["reused"]
    return {**found, "audit.json": json.dumps(told)}


def kept(out: str = "out") -> list[str]:
    return [path.name for path in sorted(Path(out, "embeddings").glob("*"))]


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts of the documents that were examined."""
    texts: list[str] = []
    examine = PlainExaminer.examine

    def noted(self: PlainExaminer, rows: Sequence[Any], vectors: Any = None) -> Any:
        texts.extend(row.text for row in rows)
        return examine(self, rows, vectors)

    monkeypatch.setattr(PlainExaminer, "examine", noted)
    return texts


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that were embedded."""
    texts: list[str] = []
    encode = Encoder.encode

    def noted(self: Encoder, asked: Sequence[str]) -> Any:
        texts.extend(asked)
        return encode(self, asked)

    monkeypatch.setattr(Encoder, "encode", noted)
    return texts


# --- another benchmark -----------------------------------------------------------------------


def test_another_benchmark_embeds_no_passage_again(digests: Digests, encoded: list[str]) -> None:
    run("one", keep_embeddings=True)
    assert len(kept("one")) > 3
    encoded.clear()
    run("two", names=["mills,mills:train"], embeddings=Path("one/embeddings"))
    assert not {row["text"] for row in corpus()} & set(encoded)
    assert reused("two") == len(corpus())
    run("fresh", names=["mills,mills:train"])
    assert reused("fresh") is None
    assert seen(digests, "two") == seen(digests, "fresh")
    assert not kept("two")


def test_keeping_changes_nothing_else(digests: Digests) -> None:
    run("without")
    run("with", keep_embeddings=True)
    there = seen(digests, "with")
    assert {name: one for name, one in there.items() if "embeddings" not in name} == seen(
        digests, "without"
    )


def test_what_is_kept_is_the_same_with_stored_vectors_and_without(digests: Digests) -> None:
    run("one", keep_embeddings=True)
    names = ["mills,mills:train"]
    run("two", names=names, keep_embeddings=True, embeddings=Path("one/embeddings"))
    run("fresh", names=names, keep_embeddings=True)
    assert reused("two") == len(corpus())
    assert seen(digests, "two") == seen(digests, "fresh")


def test_a_part_without_stored_vectors_is_embedded(digests: Digests, encoded: list[str]) -> None:
    run("one", keep_embeddings=True)
    Path("one/embeddings/part-00001.npz").unlink()
    encoded.clear()
    run("two", names=["mills:train"], embeddings=Path("one/embeddings"))
    again = {row["text"] for row in corpus()} & set(encoded)
    assert 0 < len(again) < len(corpus())
    assert reused("two") == len(corpus()) - len(again)


@pytest.mark.heavy
@pytest.mark.ray
@pytest.mark.usefixtures("real_models")
def test_with_the_models_and_on_two_workers(digests: Digests) -> None:
    needs_verifier()
    run("one", keep_embeddings=True)
    run("one-by-two", keep_embeddings=True, workers=2)
    assert seen(digests, "one") == seen(digests, "one-by-two")
    options: Row = {"names": ["mills,mills:train"], "keep_embeddings": True}
    run("fresh", **options)
    for workers in (0, 2):
        out = f"two-by-{workers}"
        told = run(out, workers=workers, embeddings=Path("one/embeddings"), **options).manifest
        # Passages that the pre-screen left out, when it knew the first benchmark only, are new.
        assert 0 < told["corpus"]["reused"] <= told["corpus"]["embedded"]
        assert seen(digests, out) == seen(digests, "fresh")
    leaks = {one.document for one in read_findings("fresh") if one.leak}
    assert leaks == {"doc-2", "doc-7", "doc-12", "train"}


# --- the same folder -------------------------------------------------------------------------


def test_an_audit_may_use_its_own(digests: Digests, examined: list[str]) -> None:
    # Once each month, always by the same command: at first there are none.
    run(embeddings=OWN)
    assert reused() == 0
    assert kept()
    run(names=["mills,mills:train"], embeddings=OWN)
    assert reused() == len(corpus())
    run("fresh", names=["mills,mills:train"], keep_embeddings=True)
    assert seen(digests) == seen(digests, "fresh")
    examined.clear()
    run(names=["mills,mills:train"], embeddings=OWN)
    assert not examined  # it is done


def test_vectors_that_are_missing_are_made_when_an_audit_goes_on(
    digests: Digests, examined: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed without the option, continued with it: all of them are there in the end."""
    run("whole", keep_embeddings=True)
    with monkeypatch.context() as patch:
        patch.setattr(StoredVectors, "save", _killed_after(2, StoredVectors.save))
        with pytest.raises(KeyboardInterrupt):
            run(keep_embeddings=True)
    run()  # without: nothing that is done is done again, nor kept
    assert not Path("out/embeddings").exists()
    examined.clear()
    run()
    assert not examined
    run(keep_embeddings=True)
    assert len(examined) == len(corpus())
    assert seen(digests) == seen(digests, "whole")


def _killed_after(files: int, save: Callable[[StoredVectors, Path], None]) -> Any:
    def stopping(self: StoredVectors, path: Path) -> None:
        nonlocal files
        save(self, path)
        files -= 1
        if files < 0:
            path.write_bytes(path.read_bytes()[:100])
            raise KeyboardInterrupt

    return stopping


@pytest.mark.parametrize("own", [False, True])
def test_stopped_in_the_midst_of_a_file(
    digests: Digests, examined: list[str], monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    run("first", keep_embeddings=True)
    if own:
        run(keep_embeddings=True)
    options: Row = {
        "names": ["mills,mills:train"],
        "keep_embeddings": True,
        "embeddings": OWN if own else Path("first/embeddings"),
    }
    run("whole", names=options["names"], keep_embeddings=True)
    examined.clear()
    with monkeypatch.context() as patch:
        patch.setattr(StoredVectors, "save", _killed_after(2, StoredVectors.save))
        with pytest.raises(KeyboardInterrupt):
            run(**options)
    before = len(examined)
    assert 0 < before < len(corpus())
    run(**options)
    # Of the part that it was stopped at, the documents are examined once more.
    assert len(corpus()) < len(examined) < len(corpus()) + before
    assert reused() == len(corpus())
    assert seen(digests) == seen(digests, "whole")


def test_what_an_earlier_audit_kept_goes(digests: Digests) -> None:
    said: list[str] = []

    class Lines(Silent):
        def say(self, line: str) -> None:
            said.append(line)

    run(keep_embeddings=True)
    run("other", names=["mills:train"])
    run(names=["mills:train"], say=Lines())
    assert "Removed embeddings of an earlier audit" in said
    assert seen(digests) == seen(digests, "other")
    run(keep_embeddings=True)
    write(Path("corpus.jsonl"), corpus()[:4])
    run(keep_embeddings=True)
    run("short", keep_embeddings=True)
    assert seen(digests) == seen(digests, "short")


# --- what is said, and refused ---------------------------------------------------------------


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["audit", "corpus.jsonl", "--benchmarks", "mills", "--serial", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_it_is_said_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--out", "one", "--keep-embeddings") == 0
    assert "stored vectors" not in capsys.readouterr().out
    assert call("--out", "two", "--embeddings", "one/embeddings") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"embedded, {len(corpus())} of them from stored vectors; " in said
    assert call("--out", "two", "--embeddings", "one/embeddings", "--json") == 0
    assert json.loads(capsys.readouterr().out)["corpus"]["reused"] == len(corpus())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("corpus.jsonl", "is a file"),
        ("nowhere", "--embeddings nowhere: no such folder; give OUT/embeddings"),
        ("benchmarks", "--embeddings benchmarks: no vectors are here"),
    ],
)
def test_what_is_no_folder_of_vectors(
    given: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--embeddings", given) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_damaged_vectors_stop_the_audit(digests: Digests) -> None:
    run("one", keep_embeddings=True)
    victim = Path("one/embeddings/part-00001.npz")
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0x40
    victim.write_bytes(data)
    options: Row = {"names": ["mills,mills:train"], "embeddings": Path("one/embeddings")}
    with pytest.raises(SourceError, match=r"part-00001\.npz: stored vectors that cannot be read"):
        run("two", **options)
    assert not Path("two/audit.json").exists()
    victim.unlink()
    run("two", **options)
    run("fresh", names=options["names"])
    assert seen(digests, "two") == seen(digests, "fresh")


def test_vectors_of_another_encoder_are_not_used() -> None:
    run("one", keep_embeddings=True)
    plan = plan_audit(
        ["corpus.jsonl"], load_benchmarks(["mills"]), Path("two"), split_bytes=PART,
        embeddings=Path("one/embeddings"),
    )  # fmt: skip
    settings = dataclasses.replace(plan.settings, encoder=Encoder(dtype="float32"))
    run_audit(dataclasses.replace(plan, settings=settings), SerialExecutor(), Silent())
    assert reused("two") == 0

"""Runs with classifiers in their recipe: scores in the ledger, tags beside the texts, exact shares."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import RecipeErrors
from pipeline.filters import Toxicity
from pipeline.recipe import Recipe, load_recipe
from pipeline.run import run
from pipeline.runtime.ledger import read_rows

FLEET = (
    "[{language: {languages: [en], action: tag}}, {toxicity: {action: tag}}, "
    "{quality: {action: tag}}, {relevance: {model: software, action: tag}}]"
)


def recipe(*overrides: str) -> Recipe:
    return load_recipe("quickstart", ["dedup=null", *overrides])


def rows(out: Path, kind: str) -> list[dict[str, Any]]:
    return [row for part in sorted((out / kind).glob("*.parquet")) for row in read_rows(part)]


def test_scores_are_signals_and_tags_are_columns(tmp_path: Path) -> None:
    result = run(recipe(f"filters={FLEET}"), out=tmp_path / "out", serial=True)
    ledger, corpus = rows(tmp_path / "out", "records"), rows(tmp_path / "out", "corpus")
    assert result.report.fates["kept"] == len(corpus) > 40
    scores = {row["id"]: row["toxicity.score"] for row in ledger}
    for row in corpus:
        assert row["toxicity.score"] == scores[row["id"]] is not None
        assert 0 <= row["quality.score"] <= 1
        assert 0 <= row["relevance.score"] <= 1
        assert row["language.label"]
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    assert "toxicity model toxicity" in manifest


@pytest.mark.parametrize("name", ["quality", "toxicity"])
def test_the_share_kept_is_exact_and_the_best(tmp_path: Path, name: str) -> None:
    result = run(
        recipe(f"filters=[{{{name}: {{keep_top: 30%}}}}]"), out=tmp_path / "out", serial=True
    )
    ledger = [row for row in rows(tmp_path / "out", "records") if row[f"{name}.top"] is not None]
    kept = [row for row in ledger if row["fate"] == "kept"]
    assert len(kept) == math.floor(0.3 * len(ledger)) == result.report.fates["kept"]
    dropped = [row[f"{name}.score"] for row in ledger if row["fate"] != "kept"]
    if name == "quality":
        assert min(row["quality.score"] for row in kept) >= max(dropped)
    else:
        assert max(row["toxicity.score"] for row in kept) <= min(dropped)


def test_another_share_reads_no_page_again(tmp_path: Path) -> None:
    for share, measured in (("50%", True), ("20%", False)):
        result = run(
            recipe(f"filters=[{{quality: {{keep_top: {share}}}}}]"),
            out=tmp_path / "out",
            serial=True,
        )
        assert bool(result.measured) is measured


def test_another_target_decides_again(tmp_path: Path) -> None:
    kept = []
    for target in ("precision=0.9", "precision=0.95"):
        result = run(
            recipe(f"filters=[{{quality: {{target: {target}}}}}]"),
            out=tmp_path / "out",
            serial=True,
        )
        kept.append(result.report.fates["kept"])
    assert result.measured == 0
    assert kept[0] > kept[1]


def test_masking_takes_the_filters_place(tmp_path: Path) -> None:
    masking = recipe(
        "filters=[{toxicity: {action: mask_sentences, target: false_positive_rate=0.02}}]"
    )
    assert [step.name for step in masking.steps] == ["toxic_sentences"]
    described = masking.describe()["filters"]
    assert described == [
        {"clean": {"toxic_sentences": {"model": "toxicity", "sha256": None,
                                       "target": "false_positive_rate=0.02", "mask": ""}}}
    ]  # fmt: skip
    run(masking, out=tmp_path / "out", serial=True)
    ledger = rows(tmp_path / "out", "records")
    corpus = rows(tmp_path / "out", "corpus")
    assert all(row["toxic_sentences.sentences"] > 0 for row in ledger if row["fate"] == "kept")
    threshold = Toxicity(target="false_positive_rate=0.02").bounds[0].high or 0
    for row in ledger:
        if row["fate"] == "kept":
            assert (row["toxic_sentences.highest"] > threshold) == (
                row["toxic_sentences.masked"] > 0
            )
    assert len(corpus) == sum(row["fate"] == "kept" for row in ledger)


def test_faults_of_a_recipe_name_line_and_mend(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nsource: {kind: sample}\nfilters:\n"
        "  - quality: {target: precision=0.99}\n"
        "  - toxicity: {model: nowhere.ftz}\n"
        "  - relevance: {keep_top: 200%, model: software}\n"
    )
    with pytest.raises(RecipeErrors) as caught:
        load_recipe(str(path))
    said = str(caught.value)
    assert (
        f"{path}:4: filters.quality.target: the model 'quality' has no threshold for precision=0.99"
        in said
    )
    assert f"{path}:5: filters.toxicity" in said
    assert "nowhere.ftz: no such model" in said
    assert f"{path}:6: filters.relevance" in said

"""Benchmark items out of the shared benchmarks, read plainly: input of the lexical tier's benchmarks."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audits.items import Item

__all__ = ["read_items"]


def read_items(folder: Path, most: int | None = None) -> list[Item]:
    """Items of MMLU, GSM8K, HumanEval, MBPP, TruthfulQA, BBH and XQuAD, the first ``most`` of them."""
    readers = (mmlu, gsm8k, humaneval, mbpp, truthfulqa, bbh, xquad)
    return list(itertools.islice(itertools.chain(*(read(folder) for read in readers)), most))


def mmlu(folder: Path) -> Iterator[Item]:
    for path in sorted((folder / "mmlu").glob("*.jsonl.gz")):
        name = path.name.partition("-")[0]
        for index, group in itertools.groupby(_lines(path), lambda row: row["eval_instance_index"]):
            rows = list(group)
            yield Item(
                "mmlu",
                f"{name}/{index}",
                rows[0]["question"],
                choices=tuple(row["answer"] for row in rows),
                answer=next((row["answer"] for row in rows if row["is_correct"]), ""),
            )


def gsm8k(folder: Path) -> Iterator[Item]:
    for part in ("test", "train"):
        for number, row in enumerate(_lines(folder / "gsm8k" / f"{part}.jsonl")):
            answer = row["answer"].rpartition("####")[2].strip()
            yield Item(
                "gsm8k", f"{part}/{number}", row["question"], answer=answer, solution=row["answer"]
            )


def humaneval(folder: Path) -> Iterator[Item]:
    for row in _lines(folder / "humaneval" / "HumanEval.jsonl.gz"):
        yield Item(
            "humaneval",
            row["task_id"],
            row["prompt"],
            solution=row["canonical_solution"],
            language="py",
        )


def mbpp(folder: Path) -> Iterator[Item]:
    for row in _lines(folder / "mbpp" / "mbpp.jsonl"):
        yield Item("mbpp", str(row["task_id"]), row["text"], solution=row["code"], language="py")


def truthfulqa(folder: Path) -> Iterator[Item]:
    with (folder / "truthfulqa" / "TruthfulQA.csv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            yield Item("truthfulqa", str(number), row["Question"], answer=row["Best Answer"])


def bbh(folder: Path) -> Iterator[Item]:
    for path in sorted((folder / "bbh").glob("*.json")):
        for number, row in enumerate(json.loads(path.read_text())["examples"]):
            yield Item("bbh", f"{path.stem}/{number}", row["input"], answer=row["target"])


def xquad(folder: Path) -> Iterator[Item]:
    for article in json.loads((folder / "xquad" / "xquad.en.json").read_text())["data"]:
        for paragraph in article["paragraphs"]:
            for row in paragraph["qas"]:
                yield Item(
                    "xquad",
                    row["id"],
                    row["question"],
                    answer=row["answers"][0]["text"],
                    passage=paragraph["context"],
                )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for line in file:
            yield json.loads(line)

"""The labelled texts of `language_accuracy.py`: sets by name, cuts by length, prompts full of code.

Sets of the shared data, each with its language as its makers say. Nothing is judged here.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "CHOSEN_ON",
    "LENGTHS",
    "CodePrompt",
    "Text",
    "code_prompts",
    "cut",
    "half",
    "sets",
    "web",
]

# Characters that texts are cut to; None leaves them whole.
LENGTHS: tuple[int | None, ...] = (10, 20, 40, 80, 160, 640, None)

# Rules and bounds were chosen on one half of these sets. The others served no choice.
CHOSEN_ON = frozenset(
    (
        *("mgsm", "xquad_questions", "xquad_passages", "koala180", "tulu_eval", "dolly_3k"),
        *("clinc150", "banking77", "selfinstruct_seed", "vicuna80", "mtbench80", "ifeval"),
        *("truthfulqa", "mbpp", "mbpp_code", "humaneval", "sms_spam", "davidson"),
    )
)


class Text(NamedTuple):
    """A text, its language, and the item it belongs to (the same for all translations)."""

    language: str
    item: str
    text: str


class CodePrompt(NamedTuple):
    """A question in ``language`` around code, and how they are put together."""

    kind: str
    language: str
    text: str


def half(item: str) -> int:
    """0 or 1 by a hash of the item: 0 for choosing, 1 for reporting."""
    return hashlib.blake2b(item.encode(), digest_size=4).digest()[0] & 1


def cut(text: str, length: int | None) -> str | None:
    """The first ``length`` characters, on one line, up to the end of a word where there is one.

    None where the text has no more than that, so that a text counts under the lengths it exceeds
    and once as a whole.
    """
    if length is None:
        return text
    line = " ".join(text.split())
    if len(line) <= length:
        return None
    words = line[: length + 1].rpartition(" ")[0]
    return words if 2 * len(words) >= length else line[:length]


def sets(data: Path) -> dict[str, list[Text]]:
    """All labelled sets under the shared data, by name; a text that a set repeats counts once."""
    found: dict[str, dict[tuple[str, str], Text]] = {}
    for name, language, rows in _sources(data):
        texts = found.setdefault(name, {})
        for item, text in rows:
            if text and not text.isspace():
                texts.setdefault((language, text), Text(language, str(item), text))
    return {name: list(texts.values()) for name, texts in found.items()}


def web(data: Path) -> list[str]:
    """Gold main texts of English web pages."""
    rows = _json_lines(data / "web" / "gold" / "wcxb_dev.jsonl.gz")
    return [text for row in rows if (text := row["ground_truth"].get("main_content"))]


def code_prompts(data: Path, texts: Iterable[Text]) -> list[CodePrompt]:
    """Each text as a question in front of, behind and around code, whose comments are left out."""
    benchmarks = data / "benchmarks"
    code = [row["code"] for row in _json_lines(benchmarks / "mbpp" / "mbpp.jsonl")]
    code += [
        row["canonical_solution"]
        for row in _json_lines(benchmarks / "humaneval" / "HumanEval.jsonl.gz")
    ]
    # A string or a comment in a language would be language.
    code = [one.replace("\r", "").strip("\n") for one in code if "#" not in one and '"' not in one]
    prompts = []
    for language, item, text in texts:
        start = int.from_bytes(hashlib.blake2b(item.encode(), digest_size=4).digest(), "big")
        first, second, third = (code[(start + step) % len(code)] for step in range(3))
        for kind, prompt in (
            ("fenced", f"{text}\n\n```python\n{first}\n```"),
            ("plain", f"{text}\n{first}"),
            ("plain, three pieces", f"{text}\n{first}\n\n{second}\n\n{third}"),
            ("code first", f"{first}\n\n{second}\n\n{text}"),
        ):
            prompts.append(CodePrompt(kind, language, prompt))
    return prompts


def _sources(data: Path) -> Iterator[tuple[str, str, Iterable[tuple[Any, str]]]]:
    yield from _benchmarks(data / "benchmarks")
    yield from _prompts(data / "prompts")


def _benchmarks(folder: Path) -> Iterator[tuple[str, str, Iterable[tuple[Any, str]]]]:
    for path in sorted((folder / "mgsm").glob("mgsm_*.tsv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        yield "mgsm", path.stem[5:], enumerate(line.split("\t")[0] for line in lines)
    for path in sorted((folder / "xquad").glob("xquad.*.json")):
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        passages = [passage for article in articles for passage in article["paragraphs"]]
        language = path.name.split(".")[1]
        numbered = enumerate(passage["context"] for passage in passages)
        yield "xquad_passages", language, ((f"p{number}", text) for number, text in numbered)
        questions = [question for passage in passages for question in passage["qas"]]
        yield "xquad_questions", language, ((one["id"], one["question"]) for one in questions)
    mbpp = list(_json_lines(folder / "mbpp" / "mbpp.jsonl"))
    yield "mbpp", "en", ((row["task_id"], row["text"]) for row in mbpp)
    yield "mbpp_code", "en", ((row["task_id"], f"{row['text']}\n{row['code']}") for row in mbpp)
    for name, path, item, text in (
        ("humaneval", "humaneval/HumanEval.jsonl.gz", "task_id", "prompt"),
        ("ifeval", "ifeval/en_input_data.jsonl", "key", "prompt"),
        ("gsm8k", "gsm8k/test.jsonl", "question", "question"),
    ):
        yield name, "en", ((row[item], row[text]) for row in _json_lines(folder / path))
    rows = _table(folder / "truthfulqa" / "TruthfulQA.csv")
    yield "truthfulqa", "en", enumerate(row["Question"] for row in rows)


def _prompts(folder: Path) -> Iterator[tuple[str, str, Iterable[tuple[Any, str]]]]:
    for name, file, item, text in (
        ("koala180", "koala_test_set.jsonl", "id", "prompt"),
        ("tulu_eval", "eval_instances_tulu_1.jsonl", "id", "prompt"),
        ("arenahard", "arena_hard_v0.1.jsonl", "uid", "prompt"),
        ("selfinstruct_seed", "seed_tasks.jsonl", "id", "instruction"),
    ):
        yield name, "en", ((row[item], row[text]) for row in _json_lines(folder / name / file))
    rows = _json_lines(folder / "selfinstruct252" / "user_oriented_instructions.jsonl")
    asked = ((row["id"], f"{row['instruction']}\n{row['instances'][0]['input']}") for row in rows)
    yield "selfinstruct252", "en", asked
    rows = _json_lines(folder / "vicuna80" / "question.jsonl")
    yield "vicuna80", "en", ((row["question_id"], row["turns"][0]) for row in rows)
    for row in _json_lines(folder / "mtbench80" / "question.jsonl"):
        turns = enumerate(row["turns"])
        yield "mtbench80", "en", ((f"{row['question_id']}.{turn}", text) for turn, text in turns)
    for row in _json_lines(folder / "oasst_eval100" / "en_100_tree.jsonl"):
        for message in _messages(row["prompt"]):
            yield "oasst", message["lang"], [(message["message_id"], message["text"])]
    asked = json.loads((folder / "oasst_eval100" / "model_eval_prompts.json").read_text())
    yield "oasst_prompts", "en", ((text, text) for text in asked)
    rows = json.loads((folder / "dolly_3k" / "dolly_3k.json").read_text())
    yield "dolly_3k", "en", enumerate(row["instruction"] for row in rows)
    parts = json.loads((folder / "clinc150" / "data_full.json").read_text())
    for part, rows in parts.items():
        yield "clinc150", "en", ((f"{part}{n}", text) for n, (text, _) in enumerate(rows))
    for path in sorted((folder / "hwu64").rglob("testset_csv_*.csv")):
        rows = _table(path, delimiter=";")
        yield "hwu64", "en", ((row["answerid"], row["answer_from_anno"]) for row in rows)
    for path in sorted((folder / "snips").glob("*.json")):
        (rows,) = json.loads(path.read_bytes().decode("utf-8", "replace")).values()
        said = ["".join(piece["text"] for piece in row["data"]).strip() for row in rows]
        yield "snips", "en", zip(said, said, strict=True)
    for name, file, encoding, column in (
        ("banking77", "test.csv", "utf-8", "text"),
        ("sms_spam", "spam.csv", "latin-1", "v2"),
        ("davidson", "labeled_data.csv", "utf-8", "tweet"),
        ("toxic_spans", "tsd_test.csv", "utf-8", "text"),
    ):
        rows = _table(folder / name / file, encoding)
        yield name, "en", enumerate(row[column] for row in rows)


def _messages(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield message
    for reply in message.get("replies") or ():
        yield from _messages(reply)


def _json_lines(path: Path) -> Iterator[Any]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _table(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))

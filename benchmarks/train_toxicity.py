"""Trains the toxicity model that comes with Gristmill, and says what it does to texts it never saw.

Learned from: tweets labelled hateful or offensive (Davidson et al. 2017), news comments and their
sentences with and without toxic spans (Pavlopoulos et al. 2021), texts written for this project
(``toxicity_texts.py``), and ordinary prompts, messages and paragraphs of articles as clean ones.
Thresholds are found on other prompts and articles. The test part is again other sets and domains;
``toxicity_cases.py`` in it was written apart from the training texts, and is looked at here only::

    python benchmarks/train_toxicity.py ../shared/data classifiers/shipped/toxicity
"""

from __future__ import annotations

import argparse
import ast
import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
from gold import gold_texts, other_pages
from toxicity_cases import load_cases, suite
from toxicity_texts import load_texts

from classifiers.language import LanguageIdentifier
from pipeline.extract import Page
from pipeline.extract.html import make_engine
from pipeline.labelled import Prepared, label_counts, schema_of, take_out_repeats
from pipeline.recipe.training import load_training
from pipeline.training import train_classifier

SOURCES = (
    {"name": "Davidson et al. 2017, tweets", "licence": "MIT"},
    {"name": "Toxic Spans 2021, training part", "licence": "CC0"},
    {"name": "texts written for this project", "licence": "Apache-2.0"},
    {"name": "LDNOOBW, swear words in some of those", "licence": "CC BY 4.0"},
    {"name": "CLINC150", "licence": "CC BY 3.0"},
    {"name": "BANKING77, NLU Evaluation Data", "licence": "CC BY 4.0"},
    {"name": "SNIPS", "licence": "CC0"},
    {"name": "Self-Instruct seeds", "licence": "Apache-2.0"},
    {"name": "SMS Spam Collection, its ham", "licence": "CC BY 4.0"},
    {"name": "WCXB development set, paragraphs", "licence": "CC BY 4.0 (the collection)"},
    {
        "name": "pages in other languages of htmldate, fundus, readability, goose3, newspaper4k and others",
        "licence": "Apache-2.0, MIT (the collections)",
    },
)
# Ordinary texts that thresholds are found on; all others are reported on.
CHOSEN_BY = (
    "oasst_eval100",
    "dolly_3k, half",
    "ifeval",
    "truthfulqa",
    "mmlu validation",
    "gsm8k test",
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
INTENTS = 4000  # of each set of short messages, at most
PARAGRAPHS, SENTENCES = 40, 40  # of a page, at most


class Row(NamedTuple):
    """An example and the set it is from."""

    text: str
    label: str
    source: str


def learned(data: Path) -> Iterator[Row]:
    """What the model learns from."""
    for text, label, draw in davidson(data):
        # Of the toxic tweets every other one: all of them would outweigh every other kind of abuse.
        if draw < 8 and (label == "clean" or _key(text)[-1] % 2):
            yield Row(text, label, "davidson")
    for text, label, source, draw in spans(data, "tsd_train"):
        if draw < 9:
            yield Row(text, label, source)
    for example in load_texts(data / "web" / "lists" / "ldnoobw_en.txt"):
        yield Row(example.text, example.label, f"written {example.kind}")
    for source, texts in short_messages(data):
        for text in sorted(texts, key=_key)[:INTENTS]:
            yield Row(text, "clean", source)
    yield from articles(data, range(5))
    yield from foreign(data, range(6))


def chosen_by(data: Path) -> Iterator[Row]:
    """What thresholds are found on: abuse of all kinds, and as clean texts ordinary ones alone."""
    for text, label, draw in davidson(data):
        if draw == 8 and label == "toxic":
            yield Row(text, label, "davidson")
    for text, label, source, draw in spans(data, "tsd_train"):
        if draw == 9 and label == "toxic":
            yield Row(text, label, source)
    asked = prompts(data) | questions(data)
    for source in CHOSEN_BY:
        for text in asked[source]:
            yield Row(text, "clean", source)
    yield from articles(data, range(5, 7))
    yield from foreign(data, range(6, 8))


def reported_on(data: Path) -> Iterator[Row]:
    """What the figures are of."""
    for text, label, draw in davidson(data):
        if draw == 9:
            yield Row(text, label, f"davidson {label}")
    for text, label, source, _ in spans(data, "tsd_test"):
        yield Row(text, label, f"{source} {label}")
    for source, texts in prompts(data).items():
        if source not in CHOSEN_BY:
            for text in texts:
                yield Row(text, "clean", f"prompts {source}")
    for source, texts in questions(data).items():
        if source not in CHOSEN_BY:
            for text in texts:
                yield Row(text, "clean", f"questions {source}")
    yield from articles(data, range(7, 10))
    yield from foreign(data, range(8, 10))
    for case in load_cases():
        yield Row(case.text, "toxic" if case.toxic else "clean", f"cases {suite(case)}")


def davidson(data: Path) -> Iterator[tuple[str, str, int]]:
    """Tweets: hateful and offensive ones are toxic."""
    with (data / "prompts" / "davidson" / "labeled_data.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            label = "clean" if row["class"] == "2" else "toxic"
            yield row["tweet"], label, _draw(row["tweet"])


def spans(data: Path, name: str) -> Iterator[tuple[str, str, str, int]]:
    """Comments with a toxic span, and each of their sentences, toxic if a span touches it."""
    with (data / "prompts" / "toxic_spans" / f"{name}.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            text, marked = row["text"], set(ast.literal_eval(row["spans"]))
            if not marked:  # toxic, and nobody could say where
                continue
            draw = _draw(text)
            yield text, "toxic", "toxic_spans comment", draw
            for found in _SENTENCE.finditer(text):
                sentence = found.group().strip()
                if len(sentence) >= 15:
                    touched = not marked.isdisjoint(range(found.start(), found.end()))
                    label = "toxic" if touched else "clean"
                    yield sentence, label, "toxic_spans sentence", draw


def short_messages(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Messages to assistants, instructions, text messages."""
    folder = data / "prompts"
    with (folder / "clinc150" / "data_full.json").open() as file:
        yield "clinc150", [text for part in json.load(file).values() for text, _ in part]
    with (folder / "banking77" / "train.csv").open(encoding="utf-8") as file:
        yield "banking77", [row["text"] for row in csv.DictReader(file)]
    heard = []
    for path in sorted((folder / "hwu64").rglob("*.csv")):
        with path.open(encoding="utf-8") as file:
            heard += [row["answer_from_anno"] for row in csv.DictReader(file, delimiter=";")]
    yield "hwu64", heard
    asked = []
    for path in sorted((folder / "snips").glob("*.json")):
        for parts in json.loads(path.read_text("utf-8", "replace")).values():
            asked += ["".join(piece["text"] for piece in part["data"]) for part in parts]
    yield "snips", asked
    yield (
        "selfinstruct_seed",
        [
            row["instruction"]
            for row in _json_lines(folder / "selfinstruct_seed" / "seed_tasks.jsonl")
        ],
    )
    with (folder / "sms_spam" / "spam.csv").open(encoding="latin-1", newline="") as file:
        yield "sms ham", [row["v2"] for row in csv.DictReader(file) if row["v1"] == "ham"]


def prompts(data: Path) -> dict[str, list[str]]:
    """Ordinary prompts by set. Of Dolly, one half helps to choose and the other is reported on."""
    folder = data / "prompts"
    dolly = [
        "\n".join(filter(None, (row["instruction"], row["input"])))
        for row in json.loads((folder / "dolly_3k" / "dolly_3k.json").read_text())
    ]
    arena = _json_lines(folder / "arenahard" / "arena_hard_v0.1.jsonl")
    tulu = _json_lines(folder / "tulu_eval" / "eval_instances_tulu_1.jsonl")
    own = _json_lines(folder / "selfinstruct252" / "user_oriented_instructions.jsonl")
    trees = _json_lines(folder / "oasst_eval100" / "en_100_message.jsonl")
    return {
        "oasst_eval100": [
            *(row["text"] for row in trees if row["role"] == "prompter"),
            *json.loads((folder / "oasst_eval100" / "model_eval_prompts.json").read_text()),
        ],
        "dolly_3k, half": [text for text in dolly if _draw(text) < 5],
        "dolly_3k, other half": [text for text in dolly if _draw(text) >= 5],
        "koala180": [
            row["prompt"] for row in _json_lines(folder / "koala180" / "koala_test_set.jsonl")
        ],
        "arenahard": [row["prompt"] for row in arena],
        "tulu_eval": [row["prompt"] for row in tulu],
        "selfinstruct252": [row["instruction"] for row in own],
        **{
            name: [
                turn
                for row in _json_lines(folder / name / "question.jsonl")
                for turn in row["turns"]
            ]
            for name in ("mtbench80", "vicuna80")
        },
    }


def questions(data: Path) -> dict[str, list[str]]:
    """Questions and texts of benchmarks."""
    folder = data / "benchmarks"
    with (folder / "truthfulqa" / "TruthfulQA.csv").open(encoding="utf-8") as file:
        truthful = [row["Question"] for row in csv.DictReader(file)]
    squad = json.loads((folder / "xquad" / "xquad.en.json").read_text(encoding="utf-8"))["data"]
    passages = [passage for article in squad for passage in article["paragraphs"]]
    bbh = [
        example["input"]
        for path in sorted((folder / "bbh").glob("*.json"))
        for example in json.loads(path.read_text(encoding="utf-8"))["examples"]
    ]
    return {
        "ifeval": [row["prompt"] for row in _json_lines(folder / "ifeval" / "en_input_data.jsonl")],
        "truthfulqa": truthful,
        "mmlu validation": _mmlu(folder / "mmlu", "validation"),
        "mmlu test": _mmlu(folder / "mmlu", "test"),
        "gsm8k test": [row["question"] for row in _json_lines(folder / "gsm8k" / "test.jsonl")],
        "gsm8k train": [row["question"] for row in _json_lines(folder / "gsm8k" / "train.jsonl")],
        "xquad passages": [passage["context"] for passage in passages],
        "xquad questions": [one["question"] for passage in passages for one in passage["qas"]],
        "bbh": bbh,
        "mbpp": [row["text"] for row in _json_lines(folder / "mbpp" / "mbpp.jsonl")],
    }


def _mmlu(folder: Path, split: str) -> list[str]:
    asked: dict[str, None] = {}
    for path in sorted(folder.glob(f"mmlu_{split}*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            asked |= dict.fromkeys(json.loads(line)["question"] for line in file)
    return list(asked)


def articles(data: Path, draws: Iterable[int]) -> Iterator[Row]:
    """Main texts of pages whose domain drew one of ``draws``; of those to learn from, pieces, too."""
    draws = set(draws)
    for page in gold_texts(data):
        if _draw(urlsplit(page.url).netloc) in draws and page.text.strip():
            yield Row(page.text, "clean", "articles")
            if 0 in draws:
                paragraphs = [part for part in page.text.split("\n") if len(part) > 60]
                for text in paragraphs[:PARAGRAPHS]:
                    yield Row(text, "clean", "articles")
                # Short texts as well: a prompt is one sentence, and has no room for words to weigh
                # each other up.
                sentences = [found.group().strip() for found in _SENTENCE.finditer(page.text)]
                for text in [one for one in sentences if len(one) > 25][:SENTENCES]:
                    yield Row(text, "clean", "articles")


def foreign(data: Path, draws: Iterable[int]) -> Iterator[Row]:
    """Main texts of pages in other languages, and pieces of those to learn from.

    There is no toxic text in them to learn from: what is learned is that words which look like
    English ones, or like none it knows, are no abuse.
    """
    draws = set(draws)
    engine = make_engine("resiliparse", {})
    engine.prepare()
    pages = [(url, html) for url, html in other_pages(data) if _draw(url) in draws]
    texts = [engine.extract(Page(html)) for _, html in pages]
    for text, found in zip(texts, LanguageIdentifier().identify(texts), strict=True):
        if found.label != "en" and found.probability > 0.8 and len(text) > 200:
            yield Row(text, "clean", "other languages")
            if 0 in draws:
                for piece in [part for part in text.split("\n") if len(part) > 60][:PARAGRAPHS]:
                    yield Row(piece, "clean", "other languages")
                sentences = [one.group().strip() for one in _SENTENCE.finditer(text)]
                for piece in [one for one in sentences if len(one) > 25][:SENTENCES]:
                    yield Row(piece, "clean", "other languages")


def part(rows: Iterable[Row], name: str) -> pa.Table:
    """Rows as examples."""
    rows = [row for row in rows if row.text.strip()]
    columns = {
        "text": [row.text.encode("utf-8", "replace").decode() for row in rows],
        "label": [row.label for row in rows],
        "group": [""] * len(rows),
        "place": [f"{name} {number}" for number in range(len(rows))],
        "source": [row.source for row in rows],
    }
    return pa.table(columns, schema=schema_of(["source"]))


def prepared_parts(data: Path) -> Prepared:
    """The three parts; no text of one is in another, nor nearly."""
    test, dev = part(reported_on(data), "test"), part(chosen_by(data), "dev")
    dev, of_dev = take_out_repeats(dev, test)
    train, of_train = take_out_repeats(part(learned(data), "train"), pa.concat_tables([dev, test]))
    sides = {"train": train, "dev": dev, "test": test}
    counts = {
        "read": of_train.entered + of_dev.entered + test.num_rows,
        "faults": {},
        "repeats": {
            kind: getattr(of_train, kind) + getattr(of_dev, kind)
            for kind in ("exact", "near", "conflicting", "across")
        },
        "sides": {
            side: {
                "rows": table.num_rows,
                "labels": label_counts(table),
                "sources": dict(
                    sorted(Counter(_kind(s) for s in table["source"].to_pylist()).items())
                ),
            }
            for side, table in sides.items()
        },
    }
    return Prepared(train, dev, test, counts, of_train)


def _kind(source: str) -> str:
    return "written" if source.startswith("written") else source


def _json_lines(path: Path) -> list[dict]:  # type: ignore[type-arg]
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace")).digest()


def _draw(text: str) -> int:
    """0 to 9, by the text alone."""
    return int.from_bytes(_key(text)[:4], "big") % 10


def main() -> None:
    """Train, leave the model, print the figures by set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("out", type=Path, help="folder of the model")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--without-test", action="store_true", help="figures of the choosing part")
    arguments = parser.parse_args()
    prepared = prepared_parts(arguments.data)
    if arguments.without_test:
        prepared = Prepared(
            prepared.train, prepared.dev, prepared.dev, prepared.counts, prepared.repeats
        )
    recipe = load_training("toxicity", arguments.set)
    card = train_classifier(prepared, recipe, arguments.out, data=SOURCES, say=print)
    for one in card.metrics["test"]["slices"]:
        if one["slice"] == "source":
            shown = "recall" if one["positives"] else "false_positive_rate"
            print(f"{one['value']:34} {one['texts']:6,} {shown:20} {one[shown]['value']:.4f}")


if __name__ == "__main__":
    main()

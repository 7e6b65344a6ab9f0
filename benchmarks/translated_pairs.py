"""Texts in other languages and the English items they may be translations of, with truths, for translations.

Positive pairs are those of the shared data: MGSM in German, French and Chinese, MMLU in Chinese,
XQuAD's questions in German. Negative ones are its hard negatives; for every translation the nearest
other items, as if its own item were not in the index; and ordinary text: web pages in other
languages and XQuAD's paragraphs, with the items they are nearest to.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import random
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gold import other_pages

from audits.semantic.passages import passages
from audits.translation.glossary import glossed_text, languages
from classifiers.embed import Encoder
from classifiers.language import LanguageIdentifier
from pipeline.extract import Page
from pipeline.extract.html import make_engine

__all__ = ["Pair", "Question", "Translated", "embed", "translated", "web_texts"]

OTHERS = 2000  # items of MMLU in the index, those of the pairs included
NARROW = 300  # items of a small index, whose margins are wider
NEAREST = 3  # other items that a translation is held against, and 2 for ordinary text
WINDOWS = 20  # of a web page, at most
PARAGRAPHS = 300  # of XQuAD, of each language
EXTRA = ("es", "ru", "ja", "sw", "bn", "te", "th")  # MGSM's other languages, never trained on

Vectors = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """An item of the index."""

    benchmark: str
    id: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """A passage and an item.

    Args:
        set: ``mgsm``, ``mmlu``, ``xquad``, ``web`` or ``paragraphs``.
        language: of the passage.
        kind: ``translation``, or of which sort the negative pair is.
        item: its number in the index.
        source: what the passage is a translation of, or where it is from: with ``item`` it says
            which folds the pair belongs to.
        text: the passage.
        cosine, margin: in the whole index, without the passage's own item for the negatives.
        narrow: the margin in a small index.
    """

    set: str
    language: str
    kind: str
    item: int
    source: str
    text: str
    cosine: float
    margin: float
    narrow: float

    @property
    def truth(self) -> bool:
        return self.kind == "translation"


@dataclasses.dataclass(frozen=True)
class Translated:
    """The index, and all pairs."""

    questions: list[Question]
    vectors: Vectors
    pairs: list[Pair]


def embed(texts: Sequence[str], cache: Path) -> Vectors:
    """Vectors of texts, kept in a folder by what the texts are."""
    digest = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:24]
    path = cache / f"{digest}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, Encoder().encode(texts))
    found: Vectors = np.load(path)
    return found


def translated(data: Path, cache: Path, *, held_out: bool = False) -> Translated:
    """Index and pairs of the shared data.

    Args:
        data: ``shared/data``.
        cache: folder for vectors.
        held_out: the items of MGSM that the pairs leave out, in all its languages, instead of the
            items of the pairs. Look at those once, at the end.
    """
    questions = list(_questions(data))
    return _Builder(data, cache, questions).build(held_out)


def web_texts(data: Path) -> list[tuple[str, str, str]]:
    """Address, language and text of the crawl's pages in the glossaries' languages."""
    engine = make_engine("resiliparse", {})
    engine.prepare()
    pages = [(url, engine.extract(Page(html))) for url, html in other_pages(data)]
    told = LanguageIdentifier().identify([text for _, text in pages])
    return [
        (url, found.label, text)
        for (url, text), found in zip(pages, told, strict=True)
        if found.label in languages() and found.probability > 0.7 and len(text) > 200
    ]


class _Builder:
    def __init__(self, data: Path, cache: Path, questions: list[Question]):
        self.benchmarks, self.data, self.cache = data / "benchmarks", data, cache
        self.questions = questions
        self.vectors = embed([one.text for one in questions], cache)
        self.by_text = {one.text.strip(): at for at, one in enumerate(questions)}
        self.by_id = {(one.benchmark, one.id): at for at, one in enumerate(questions)}
        chosen = np.random.default_rng(5).choice(len(questions), NARROW, replace=False)
        self.narrow = sorted(int(at) for at in chosen)
        self.pairs: list[Pair] = []

    def build(self, held_out: bool) -> Translated:
        for name in ("mgsm", "mmlu", "xquad"):
            rows = _rows(self.benchmarks / "pairs_dev" / f"{name}.jsonl")
            for language in sorted({row["lang"] for row in rows} - {"en"}):
                if not held_out:
                    self._labelled(name, language, [row for row in rows if row["lang"] == language])
        rows = _rows(self.benchmarks / "pairs_dev" / "mgsm.jsonl")
        known = {int(row["item_id"]) for row in rows}
        chosen = sorted(set(range(250)) - known if held_out else known)
        english = _mgsm(self.benchmarks, "en")
        for language in ("de", "fr", "zh", *EXTRA) if held_out else EXTRA:
            texts = _mgsm(self.benchmarks, language)
            golds = [self.by_text[english[at].strip()] for at in chosen]
            self._positive("mgsm", language, [texts[at] for at in chosen], golds)
        if not held_out:
            self._ordinary()
        return Translated(self.questions, self.vectors, self.pairs)

    def _labelled(self, name: str, language: str, rows: list[dict[str, str]]) -> None:
        same = [row for row in rows if row["kind"] == "translation"]
        golds = [self._gold(name, row) for row in same]
        self._positive(name, language, [row["variant_text"] for row in same], golds)
        sources = {row["variant_text"]: gold for row, gold in zip(same, golds, strict=True)}
        if name == "mgsm":
            texts = zip(*(_mgsm(self.benchmarks, one) for one in (language, "en")), strict=True)
            sources = {text: self.by_text[item.strip()] for text, item in texts}
        other = [row for row in rows if row["kind"] == "unrelated-hard-negative"]
        cosines = self._cosines([row["variant_text"] for row in other], language)
        for row, cosine in zip(other, cosines, strict=True):
            text, item = row["variant_text"], self._gold(name, row)
            source = sources.get(text)
            kind = row["subkind"].split(":")[0].removeprefix("translation-of-")
            label = text if source is None else self._label(source)
            self._add(name, language, kind, item, label, text, cosine)
            if source is not None:
                self._add(name, language, f"{kind}, alone", item, label, text, cosine, [source])

    def _gold(self, name: str, row: dict[str, str]) -> int:
        if name == "xquad":
            return self.by_id[name, row["item_id"]]
        return self.by_text[row["item_text"].strip()]

    def _positive(
        self, name: str, language: str, texts: Sequence[str], golds: Sequence[int]
    ) -> None:
        cosines = self._cosines(texts, language)
        alike = self.vectors[list(golds)] @ self.vectors.T
        for at, (text, gold) in enumerate(zip(texts, golds, strict=True)):
            label = self._label(gold)
            self._add(name, language, "translation", gold, label, text, cosines[at])
            for item in _nearest(cosines[at], NEAREST, [gold]):
                self._add(name, language, "retrieved", item, label, text, cosines[at], [gold])
            item = _nearest(alike[at], 1, [gold])[0]
            self._add(name, language, "nearest item", item, label, text, cosines[at], [gold])

    def _ordinary(self) -> None:
        draw = random.Random(3)
        found: list[tuple[str, str, str, str]] = []
        for url, language, text in web_texts(self.data):
            pieces = [text[one.start : one.end] for one in passages(text)]
            draw.shuffle(pieces)
            found.extend(("web", language, url, piece) for piece in pieces[:WINDOWS])
        for language in ("de", "es", "ru", "zh"):
            pieces_of = [
                ("paragraphs", language, title, context[one.start : one.end])
                for title, context in _contexts(self.benchmarks, language)
                for one in passages(context)
            ]
            draw.shuffle(pieces_of)
            found.extend(pieces_of[:PARAGRAPHS])
        for language in sorted({one[1] for one in found}):
            of = [one for one in found if one[1] == language]
            cosines = self._cosines([one[3] for one in of], language)
            for (name, _, source, text), cosine in zip(of, cosines, strict=True):
                for item in _nearest(cosine, 2, ()):
                    self._add(name, language, "ordinary", item, source, text, cosine)

    def _cosines(self, texts: Sequence[str], language: str) -> Vectors:
        glossed = embed([glossed_text(text, language) for text in texts], self.cache)
        cosines: Vectors = glossed @ self.vectors.T
        return cosines

    def _label(self, item: int) -> str:
        return f"item {item}"

    def _add(
        self,
        name: str,
        language: str,
        kind: str,
        item: int,
        source: str,
        text: str,
        cosines: npt.NDArray[np.float32],
        without: Collection[int] = (),
    ) -> None:
        others = cosines.copy()
        others[[item, *without]] = -1.0
        cosine = float(cosines[item])
        margins = [cosine - float(of.max()) for of in (others, others[self.narrow])]
        self.pairs.append(Pair(name, language, kind, item, source, text, cosine, *margins))


def _questions(data: Path) -> Iterator[Question]:
    benchmarks = data / "benchmarks"
    for number, row in enumerate(_rows(benchmarks / "gsm8k" / "test.jsonl")):
        yield Question("gsm8k", str(number), row["question"])
    wanted = {
        row["item_text"]: None
        for row in _rows(benchmarks / "pairs_dev" / "mmlu.jsonl")
        if row["lang"] == "zh"
    }
    others = [text for text in _mmlu(benchmarks) if text not in wanted and len(text.split()) > 4]
    random.Random(7).shuffle(others)
    for text in [*wanted, *others[: OTHERS - len(wanted)]]:
        yield Question("mmlu", hashlib.sha256(text.encode()).hexdigest()[:16], text)
    found = json.loads((benchmarks / "xquad" / "xquad.en.json").read_text("utf-8"))
    for article in found["data"]:
        for paragraph in article["paragraphs"]:
            for one in paragraph["qas"]:
                yield Question("xquad", one["id"], one["question"])


def _mmlu(benchmarks: Path) -> list[str]:
    texts: dict[str, None] = {}
    for path in sorted((benchmarks / "mmlu").glob("mmlu_test-*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts.update(dict.fromkeys(json.loads(line)["question"] for line in lines))
    return list(texts)


def _mgsm(benchmarks: Path, language: str) -> list[str]:
    lines = (benchmarks / "mgsm" / f"mgsm_{language}.tsv").read_text("utf-8").splitlines()
    return [line.split("\t")[0] for line in lines]


def _contexts(benchmarks: Path, language: str) -> Iterator[tuple[str, str]]:
    english, other = (
        json.loads((benchmarks / "xquad" / f"xquad.{one}.json").read_text("utf-8"))["data"]
        for one in ("en", language)
    )
    for article, of in zip(english, other, strict=True):
        for paragraph in of["paragraphs"]:
            yield article["title"], paragraph["context"]


def _nearest(cosines: npt.NDArray[np.float32], most: int, without: Collection[int]) -> list[int]:
    others = cosines.copy()
    others[list(without)] = -1.0
    return [int(at) for at in np.argsort(-others, kind="stable")[:most]]


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

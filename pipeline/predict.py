"""Scores for the rows of files: every row comes out again, with what a classifier says of it.

Rows are read, scored and written in batches, so that memory does not grow with the files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from classifiers.language import UNDETERMINED, LanguageIdentifier
from classifiers.text_classifier import TextClassifier
from pipeline.core.errors import ConfigError
from pipeline.scored_rows import Account, check_ending, row_batches, written_lines
from pipeline.sources.tables import plan_tables

__all__ = ["Predicted", "predict_rows", "rank_rows"]

TEXT_COLUMNS = ("text", "prompt", "content")
LANGUAGE = "language"

Added = dict[str, Any]
Score = Callable[[Sequence[str]], list[Added]]


@dataclasses.dataclass
class Predicted(Account):
    """The account of a classifier's scores.

    Args:
        positive: rows at or above the threshold.
        target, threshold: in use; empty where the model has none.
    """

    positive: int = 0
    target: str = ""
    threshold: float = 0.0


def predict_rows(
    model: str,
    files: Sequence[str],
    out: Path | None,
    *,
    target: str | None = None,
    text: str | None = None,
) -> Predicted:
    """Score the rows of ``files`` and write them, in order, to ``out``.

    Args:
        model: see `TextClassifier.load`; ``language`` is lid.176.
        files: JSONL (plain, .gz, .zst), Parquet, globs or folders.
        out: JSONL, compressed by its ending; None for standard output. It appears when it is whole.
        target: which of the card's thresholds ``positive`` goes by; None for the default.
        text: the column of the texts; None for ``text``, else ``prompt``, else ``content``.

    Raises:
        ConfigError: no threshold for ``target``, an ending that is not read or written, a column
            ``text`` that no row has.
        ModelError: the model is missing, altered, or of another kind.
        SourceError: a file that cannot be read.
        StorageError: ``out`` cannot be written.
    """
    done = Predicted()
    score, blank = _language() if model == LANGUAGE else _scores(model, target, done)
    parts = plan_tables(files)
    with written_lines(out) as write:
        for batch in row_batches(parts, done, text):
            texts = [_text(row, text) for row in batch]
            here = [index for index, found in enumerate(texts) if found is not None]
            added = dict(zip(here, score([texts[index] or "" for index in here]), strict=True))
            done.replaced |= {name for row in batch for name in blank if name in row}
            for index, row in enumerate(batch):
                more = added.get(index, blank)
                done.positive += bool(more.get("positive"))
                done.without_text += index not in added
                write({**row, **more})
                done.rows += 1
    return done


def rank_rows(
    description: str,
    files: Sequence[str],
    out: Path | None,
    *,
    top: int | None = None,
    encoder: str | None = None,
    text: str | None = None,
) -> Predicted:
    """Write the rows of ``files`` to ``out``, those most similar to ``description`` first.

    Rows of one score keep their order; rows without a text come last, with a null score.

    Args:
        description: what is wanted, in words.
        files, out, text: see `predict_rows`. The rows are held in memory.
        top: at most so many rows are written.
        encoder: a sentence-transformers model; None for the embedded one.

    Raises:
        ModelError: the encoder is not installed; see also `predict_rows`.
    """
    from classifiers.embed import Encoder
    from classifiers.relevance import Relevance

    check_ending(out)
    relevance = Relevance(description, encoder=Encoder(model=encoder) if encoder else Encoder())
    done = Predicted()
    ranked: list[tuple[float, int, dict[str, Any]]] = []
    for batch in row_batches(plan_tables(files), done, text):
        texts = [_text(row, text) for row in batch]
        scores = relevance.score([found or "" for found in texts]).tolist()
        for found, value, row in zip(texts, scores, batch, strict=True):
            score = None if found is None else round(value, 6)
            done.without_text += found is None
            order = float("inf") if found is None else -value
            ranked.append((order, len(ranked), {**row, "score": score}))
    ranked.sort(key=lambda entry: entry[:2])
    with written_lines(out) as write:
        for _, _, row in ranked[:top]:
            write(row)
            done.rows += 1
    return done


def _scores(model: str, target: str | None, done: Predicted) -> tuple[Score, Added]:
    """What a trained classifier adds to a text, and what to a row without one."""
    classifier = TextClassifier.load(model)
    classifier.check()
    card = classifier.card
    if card is None or not card.positive:
        if target:
            raise ConfigError(f"{model}: has no positive label, so no threshold for {target}")
        return lambda texts: [
            # Of an empty text every score is 0, and none of them the best.
            {"label": row[0][0] if row[0][1] else None,
             "score": {name: round(value, 6) for name, value in row}}
            for row in _ranked(classifier, texts)
        ], {"label": None, "score": None}  # fmt: skip
    if target or card.default:
        found = classifier.threshold(target)
        done.target, done.threshold = found.target, found.threshold

    def score(texts: Sequence[str]) -> list[Added]:
        values = classifier.positive(classifier.score(texts)).tolist()
        if not done.target:
            return [{"score": round(value, 6)} for value in values]
        return [{"score": round(value, 6), "positive": value >= done.threshold} for value in values]

    blank: Added = {"score": None, "positive": None} if done.target else {"score": None}
    return score, blank


def _ranked(classifier: TextClassifier, texts: Sequence[str]) -> Iterator[list[tuple[str, float]]]:
    for row in classifier.score(texts).tolist():
        yield sorted(zip(classifier.labels, row, strict=True), key=lambda pair: -pair[1])


def _language() -> tuple[Score, Added]:
    """The language of a text's prose; of a text that has none, the model's answer on all of it.

    A person who asks wants an answer for every text, of code and of two words, too.
    """
    of_prose, of_all = LanguageIdentifier(prose=True, min_letters=0), LanguageIdentifier()

    def score(texts: Sequence[str]) -> list[Added]:
        found = of_prose.identify(texts)
        unsure = [index for index, one in enumerate(found) if one.label == UNDETERMINED]
        for index, one in zip(unsure, of_all.identify([texts[i] for i in unsure]), strict=True):
            found[index] = one
        return [{"label": one.label, "score": round(one.probability, 6)} for one in found]

    return score, {"label": None, "score": None}


def _text(row: dict[str, Any], column: str | None) -> str | None:
    for name in (column,) if column else TEXT_COLUMNS:
        value = row.get(name)
        if isinstance(value, str):
            return value
    return None

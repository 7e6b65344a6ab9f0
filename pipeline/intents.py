"""The intent of what users ask last, for the rows of files; and labels of a person, to adapt it by.

Rows are read, judged and written in batches, so that memory does not grow with the files.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.intent import INTENTS, Asked, IntentClassifier, IntentModel
from classifiers.intent_cues import CUES
from classifiers.intent_labeller import IntentLabeller
from pipeline.core.errors import RecordError
from pipeline.prompts.intents.adapted import Adapted, adapt, check_model_folder
from pipeline.prompts.intents.draw import Drawer, DrawnTurn
from pipeline.prompts.intents.labels import LabelFile, Remembered
from pipeline.prompts.intents.questions import Answered, ask
from pipeline.prompts.intents.turns import last_asked
from pipeline.prompts.logs.fields import LogFields
from pipeline.scored_rows import Account, check_ending, row_batches, written_lines
from pipeline.sources.tables import plan_tables

__all__ = ["BY_MODEL", "Draw", "Labelled", "Questions", "ask_person", "draw", "label_rows"]

BY_MODEL = "gristmill"  # who labelled a turn that a labeller did not

_Floats = npt.NDArray[np.float64]
_Batch = tuple[list[dict[str, Any]], list[Asked | None]]


@dataclasses.dataclass
class Labelled(Account):
    """The account of intents: ``rows`` = sum of ``intents`` + sum of ``reasons``.

    Args:
        intents: how many rows have each.
        reasons: why the others have none, by slug; see `last_asked`. ``without_text`` is their sum.
        by_model: rows that the labeller gave no label, and the model did; 0 without a labeller.
    """

    intents: Counter[str] = dataclasses.field(default_factory=Counter)
    reasons: Counter[str] = dataclasses.field(default_factory=Counter)
    by_model: int = 0


@dataclasses.dataclass
class Draw(Account):
    """Turns to label, and the account of the rows that they were drawn from.

    Args:
        turns: the most useful first.
        reasons: see `Labelled`.
    """

    turns: list[DrawnTurn] = dataclasses.field(default_factory=list)
    reasons: Counter[str] = dataclasses.field(default_factory=Counter)


@dataclasses.dataclass(frozen=True)
class Questions:
    """What a person was asked, and what came of it.

    Args:
        draw: the turns.
        answered: what became of them.
        labels: in the file now, those of earlier times included.
        faults: lines of the file that are no labels.
        adapted: the model that was trained; None where none was to be.
    """

    draw: Draw
    answered: Answered
    labels: int
    faults: list[str]
    adapted: Adapted | None


def label_rows(
    files: Sequence[str],
    out: Path | None,
    *,
    model: Path | None = None,
    labeller: IntentLabeller | None = None,
    journal: Path | None = None,
    fields: LogFields | None = None,
) -> Labelled:
    """Write the rows of ``files``, in order, each with the intent of what its user asked last.

    Adds ``intent`` and a probability for each of `INTENTS`; with a labeller also ``labelled_by``,
    and ``intent`` is the labeller's. What it does not label has the model's intent and is labelled by
    `BY_MODEL`. A row without a turn to judge gets null for all; ``reasons`` counts why.

    Args:
        files: JSONL (plain, .gz, .zst), Parquet, globs or folders; rows in any shape that
            `pipeline.prompts.logs.formats.conversations` reads.
        out: JSONL, compressed by its ending; None for standard output. It appears when it is whole.
        model: folder of a model; None for the packaged one.
        labeller: says the intent in the model's place, of each distinct turn once. Memory then
            grows with the number of distinct turns, about 200 bytes each.
        journal: file that keeps a labeller's answers until all rows are written, so that the same
            command after an error or a kill continues; None for none.
        fields: names of fields, given by the user.

    Raises:
        ConfigError: an ending that is not read or written.
        ModelError: the model is missing or damaged, or the encoder is.
        SourceError: a file that cannot be read.
        StorageError: ``out`` cannot be written.
        RunError: the labeller cannot be asked.
    """
    check_ending(out)
    done = Labelled()
    classifier = _classifier(model)
    file = None if journal is None or labeller is None else LabelFile(journal)
    asker = None if labeller is None else Remembered(labeller, file)
    blank: dict[str, Any] = dict.fromkeys(("intent", *INTENTS))
    if asker is not None:
        blank["labelled_by"] = None
    parts = plan_tables(files)
    with written_lines(out) as write:
        for rows, turns in _turns(parts, done, done.reasons, fields):
            done.replaced |= {name for row in rows for name in blank if name in row}
            added = _added([one for one in turns if one is not None], classifier, asker, done)
            for row, one in zip(rows, turns, strict=True):
                done.without_text += one is None
                write({**row, **(blank if one is None else next(added))})
                done.rows += 1
    if file is not None:
        file.remove()
    return done


def draw(
    files: Sequence[str],
    known: Collection[str],
    count: int,
    *,
    model: Path | None = None,
    fields: LogFields | None = None,
) -> Draw:
    """The turns of ``files`` that it is most useful to label.

    They are uncertain (entropy of the probabilities) and unlike each other and those known, but
    every fourth is drawn by chance; see `pipeline.prompts.intents.draw`.

    Args:
        files, model, fields: see `label_rows`.
        known: ids of turns that are labelled.
        count: turns wanted.

    Raises:
        ConfigError, ModelError, SourceError: see `label_rows`.
    """
    done = Draw()
    if count < 1:
        return done
    classifier = _classifier(model)
    drawer = Drawer(known, count)
    for rows, turns in _turns(plan_tables(files), done, done.reasons, fields):
        asked = [one for one in turns if one is not None]
        features = classifier.features(asked)
        says = classifier.probabilities_of(features)
        drawer.add(asked, features[:, len(CUES) :], says, classifier.labels(says))
        done.rows += len(rows)
        done.without_text += len(rows) - len(asked)
    done.turns = drawer.drawn()
    return done


def ask_person(
    files: Sequence[str],
    labels: Path,
    answers: Iterator[str],
    say: Callable[[str], None],
    *,
    count: int = 20,
    model: Path | None = None,
    save_model: Path | None = None,
    fields: LogFields | None = None,
) -> Questions:
    """Draw turns, ask a person for their intent, and adapt the shipped model to all labels there are.

    Args:
        files, fields: see `label_rows`.
        labels: JSON lines; each answer is added at once. Those that are there are not asked again.
        answers, say: see `pipeline.prompts.intents.questions.ask`.
        count: turns to ask about, at most.
        model: whose uncertainty draws them; None for the packaged one.
        save_model: folder of the new model and its card; None to train none.

    Raises:
        ConfigError: ``save_model`` holds something else. See also `label_rows`.
        StorageError: labels or model cannot be written.
    """
    if save_model is not None:
        check_model_folder(save_model)
    file = LabelFile(labels)
    drawn = draw(files, file.read()[0].keys(), count, model=model, fields=fields)
    answered = ask(drawn.turns, file, answers, say)
    known, faults = file.read()
    adapted = None if save_model is None else adapt(list(known.values()), save_model)
    return Questions(drawn, answered, len(known), faults, adapted)


def _classifier(model: Path | None) -> IntentClassifier:
    IntentModel.load(model)  # a missing one is told before anything is read
    return IntentClassifier(None if model is None else str(model))


def _turns(
    parts: Sequence[Any], done: Account, reasons: Counter[str], fields: LogFields | None
) -> Iterator[_Batch]:
    """Rows, some at a time, with the turn of each; where there is none the reason is counted."""
    for rows in row_batches(parts, done):
        turns: list[Asked | None] = []
        for row in rows:
            found = last_asked(row, fields)
            if isinstance(found, RecordError):
                reasons[found.reason] += 1
                turns.append(None)
            else:
                turns.append(found)
        yield rows, turns


def _added(
    asked: list[Asked], classifier: IntentClassifier, asker: Remembered | None, done: Labelled
) -> Iterator[dict[str, Any]]:
    """What is added to each row that has a turn."""
    says = classifier.probabilities(asked)
    intents = classifier.labels(says)
    given = itertools.repeat(None, len(asked)) if asker is None else asker.label(asked)
    for intent, row, other in zip(intents, says.tolist(), given, strict=True):
        one = {"intent": other or intent}
        one |= {name: round(value, 6) for name, value in zip(INTENTS, row, strict=True)}
        if asker is not None:
            one["labelled_by"] = asker.by if other else BY_MODEL
            done.by_model += other is None
        done.intents[other or intent] += 1
        yield one

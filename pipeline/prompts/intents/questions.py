"""Asks a person for the intent of turns, one by one; each answer is on the disk before the next turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from classifiers.intent import Asked
from pipeline.core.printable import printable
from pipeline.prompts.intents.draw import DrawnTurn
from pipeline.prompts.intents.labels import IntentLabel, LabelFile

__all__ = ["Answered", "ask", "shown"]

_KEYS = {"a": "asking", "d": "doing", "e": "expressing"}
_SKIP, _QUIT = "s", "q"
_QUESTION = "[a]sking, [d]oing, [e]xpressing, [s]kip, [q]uit?"
_PROMPT, _BEFORE = 2000, 400  # characters that are shown


@dataclasses.dataclass(slots=True)
class Answered:
    """What became of the turns; together they are all of them.

    Args:
        labelled: that have a label now.
        skipped: that the person did not want to label.
        left: that were not shown to an end: the person stopped, or there were no more answers.
    """

    labelled: int = 0
    skipped: int = 0
    left: int = 0


def ask(
    turns: Sequence[DrawnTurn],
    file: LabelFile,
    answers: Iterator[str],
    say: Callable[[str], None],
    by: str = "person",
) -> Answered:
    """Show each turn and take a letter for it.

    What the model says is not shown: it would be agreed to.

    Args:
        turns: in the order in which they are shown.
        file: takes the labels.
        answers: ``a``, ``d``, ``e``, ``s`` or ``q`` each, or the whole word; anything else is asked
            again. When there are none left it is as if the person had stopped.
        say: takes a line for the person; nothing in it acts on a terminal.
        by: who answers.

    Raises:
        StorageError: the file cannot be written.
    """
    done = Answered(left=len(turns))
    for number, turn in enumerate(turns, 1):
        say(f"--- {number} of {len(turns)}")
        for line in shown(turn.asked):
            say(line)
        letter = _letter(answers, say)
        if letter == _QUIT:
            break
        done.left -= 1
        if letter == _SKIP:
            done.skipped += 1
            continue
        label = IntentLabel(turn.id, _KEYS[letter], by, turn.said, turn.drawn, turn.asked)
        file.append([label])
        done.labelled += 1
    return done


def shown(asked: Asked) -> list[str]:
    """A turn as lines for a terminal; of long texts the beginning and the end."""
    found = []
    for name, text, most in (
        ("before", asked.before, _BEFORE),
        ("reply", asked.reply, _BEFORE),
        ("prompt", asked.prompt, _PROMPT),
    ):
        if text or name == "prompt":
            half = most // 2
            cut = text if len(text) <= most else f"{text[:half]}\n[…]\n{text[-half:]}"
            found += [f"{name:>6} | {printable(line)}" for line in cut.splitlines() or [""]]
    return found


def _letter(answers: Iterator[str], say: Callable[[str], None]) -> str:
    known = (*_KEYS, _SKIP, _QUIT)
    words = {**{word: key for key, word in _KEYS.items()}, "skip": _SKIP, "quit": _QUIT}
    say(_QUESTION)
    for answer in answers:
        word = answer.strip().lower()
        if word in known or word in words:
            return words.get(word, word)
        say(f"{printable(word)[:40]!r} is none of these: {_QUESTION}")
    return _QUIT

"""``gristmill prompts intent``: what users want, for the rows of files; and labels of a person."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.figures import line, sayer
from pipeline.cli.terminal import OutPath, console, examples

if TYPE_CHECKING:
    from classifiers.intent_labeller import ChatLabeller, IntentLabeller
    from pipeline.intents import Draw, Labelled, Questions

__all__ = ["intent"]

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    epilog=examples(
        "gristmill prompts intent chats.jsonl.gz --out intents.jsonl",
        "gristmill prompts intent chats.jsonl --out intents.jsonl "
        "--labeller-url http://localhost:8000/v1 --labeller-model NAME",
        "gristmill prompts intent chats.jsonl --label labels.jsonl --count 40 "
        "--save-model models/intent",
        "gristmill prompts intent chats.parquet --model models/intent | head",
    )
)
@click.argument("files", nargs=-1, required=True)
@click.option("--out", type=OutPath(dir_okay=False), metavar="FILE",
              help="JSONL, also .gz and .zst; standard output "
              "if left out, and nothing with --label.")  # fmt: skip
@click.option("--model", type=FOLDER, metavar="DIR",
              help="A model that --save-model left  [default: the packaged one]")  # fmt: skip
@click.option("--labeller-url", metavar="URL", help="A chat model at an OpenAI-compatible API says "
              "the intent, as http://HOST:PORT/v1. The texts are sent there.")  # fmt: skip
@click.option("--labeller-model", metavar="NAME", help="Its name there. A key is read from "
              "GRISTMILL_LABELLER_KEY.")  # fmt: skip
@click.option("--label", "labels", type=FILE, metavar="FILE", help="Ask for the intent of the most "
              "useful turns, and add each answer to this JSONL file at once.")  # fmt: skip
@click.option("--count", type=click.IntRange(0), metavar="N",
              help="Turns to ask about, with --label  [default: 20]")  # fmt: skip
@click.option("--save-model", type=FOLDER, metavar="DIR",
              help="With --label: adapt the packaged model to all labels in FILE.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors and questions.")
def intent(files: tuple[str, ...], out: Path | None, quiet: bool, **options: Any) -> int:
    """Say whether what users of FILES asked last is asking, doing or expressing.

    FILES are JSONL (plain, .gz, .zst) or Parquet with `messages`, `conversations`, `prompt` or another
    shape of chats. Each row is kept and gets `intent` and the probabilities `asking`, `doing` and
    `expressing` of its user's last message, read with what came before it; all of them null where no
    user says anything. With a labeller `intent` is what it says, and `labelled_by` tells who said it.

    With --label a person answers, on a terminal or from standard input, one letter a line. Rows are
    then written only with --out: by the new model if there is one, the person's labels before it.

    Exit code 3: rows or labels could not be read. 2: wrong arguments. 1: other errors.
    """
    from pipeline.scored_rows import check_ending

    say = sayer(quiet)
    check_ending(out)
    labeller: IntentLabeller | None = _labeller(options)
    model: Path | None = options["model"]
    faults, journal = 0, None
    if options["labels"] is not None:
        asked = _asked(files, options)
        _say_questions(asked, options, say)
        if out is None:
            return 3 if asked.faults or asked.draw.unreadable else 0
        faults = len(asked.faults)
        labeller = _known(options["labels"])
        model = options["save_model"] or model
    elif labeller is not None and out is not None:
        journal = out.with_name(f".{out.name}.labels")
    from pipeline.intents import label_rows

    done = label_rows(files, out, model=model, labeller=labeller, journal=journal)
    _say_rows(done, say)
    return 3 if done.unreadable or faults else 0


def _labeller(options: dict[str, Any]) -> ChatLabeller | None:
    """The chat model that is asked for, if one is and it answers; after seeing that options fit."""
    url, name = options["labeller_url"], options["labeller_model"]
    if options["labels"] is None:
        for key, option in (("save_model", "--save-model"), ("count", "--count")):
            if options[key] is not None:
                raise click.UsageError(f"{option} goes with --label; add --label LABELS.jsonl")
    elif url or name:
        raise click.UsageError(
            "--label asks a person, --labeller-url a chat model: leave one of them out"
        )
    if url is None and name is None:
        return None
    if name is None:
        raise click.UsageError(
            "--labeller-url needs the name of a model there; add --labeller-model NAME"
        )
    if url is None:
        raise click.UsageError("--labeller-model needs the API that has it; add --labeller-url URL")
    from classifiers.intent_labeller import ChatLabeller

    labeller = ChatLabeller(url, name)
    labeller.check()
    return labeller


def _asked(files: tuple[str, ...], options: dict[str, Any]) -> Questions:
    from pipeline.intents import ask_person

    terminal = console(stderr=True)
    return ask_person(
        files,
        options["labels"],
        _answers(),
        lambda said: line(terminal, said),
        count=20 if options["count"] is None else options["count"],
        model=options["model"],
        save_model=options["save_model"],
    )


def _answers() -> Iterator[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a stray byte is no answer, and no end either
    return iter(sys.stdin.readline, "")


def _known(labels: Path) -> IntentLabeller:
    from classifiers.intent_labeller import KnownLabels
    from pipeline.prompts.intents.labels import LabelFile

    found, _ = LabelFile(labels).read()
    return KnownLabels({name: one.intent for name, one in found.items()})


def _say_questions(asked: Questions, options: dict[str, Any], say: Callable[[str], None]) -> None:
    from pipeline.core.printable import printable

    _say_faults(asked.draw, say)
    for fault in asked.faults:
        say(f"left out: {printable(fault)}")
    done = asked.answered
    parts = [
        f"{len(asked.draw.turns):,} turns: {done.labelled:,} labelled, {done.skipped:,} skipped"
    ]
    parts += [f"{done.left:,} left"] * bool(done.left)
    say(", ".join([*parts, f"{asked.labels:,} labels in {options['labels']}"]))
    if asked.adapted is not None:
        for name, one in asked.adapted.agreement.items():
            say(f"agreement with the model before, turns drawn {_DRAWN[name]}: {one}, of {one.n:,}")
        total = sum(asked.adapted.labels.values())
        say(f"{options['save_model']}: the packaged model, adapted to {total:,} labels")


_DRAWN = {"chance": "by chance", "uncertain": "for being uncertain", "": "nobody knows how"}


def _say_rows(done: Labelled, say: Callable[[str], None]) -> None:
    _say_faults(done, say)
    parts = [f"{done.rows:,} rows"]
    parts += [f"{count:,} {name}" for name, count in done.intents.most_common()]
    if done.by_model:
        parts.append(f"{done.by_model:,} by the model, for want of a label")
    say(", ".join(parts))


def _say_faults(done: Draw | Labelled, say: Callable[[str], None]) -> None:
    for name in sorted(done.replaced):
        say(f"note: the rows have a column {name!r} already; its values are replaced")
    for fault in done.faults:
        say(f"left out: {fault}")
    if done.unreadable:
        say(f"{done.unreadable:,} rows could not be read")
    if done.without_text:
        reasons = ", ".join(f"{name} {count:,}" for name, count in done.reasons.most_common())
        say(f"{done.without_text:,} rows without a turn to judge: {reasons}")

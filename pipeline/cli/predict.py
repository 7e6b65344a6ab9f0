"""``gristmill classifier predict`` and ``rank``: scores for the rows of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.figures import sayer
from pipeline.cli.terminal import OutPath, examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.predict import Predicted

__all__ = ["predict", "rank"]


@click.command(
    epilog=examples(
        "gristmill classifier predict toxicity comments.jsonl --out scored.jsonl",
        "gristmill classifier predict language crawl.parquet --out languages.jsonl.zst",
        "gristmill classifier predict models/topic crawl/*.jsonl.gz | head",
    )
)
@click.argument("model")
@click.argument("files", nargs=-1, required=True)
@click.option("--out", type=OutPath(dir_okay=False), metavar="FILE",
              help="JSONL, also .gz and .zst; standard output if left out.")  # fmt: skip
@click.option("--target", metavar="KIND=VALUE", help="Which of the card's thresholds to use.")
@click.option("--text", metavar="COLUMN", help="Column of the texts  [default: text, else prompt "
              "or content]")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def predict(
    model: str, files: tuple[str, ...], out: Path | None, target: str | None, text: str | None,
    quiet: bool,
) -> int:  # fmt: skip
    """Score the rows of FILES (JSONL, Parquet) and keep each with its score.

    Adds `score`, the probability of the model's positive label (or one for each label), and
    `positive`, whether it reaches the card's threshold. `language` adds `label` and `score`. A row
    without a text gets null for both. Rows that cannot be read are told of, and end in exit code 3.
    """
    from pipeline.predict import predict_rows

    done = predict_rows(model, files, out, target=target, text=text)
    say = sayer(quiet)
    _say_faults(done, say)
    parts = [f"{done.rows:,} rows"]
    parts += [f"{done.positive:,} positive at {done.threshold:.6g} ({done.target})"] * bool(
        done.target
    )
    parts += [f"{done.without_text:,} without a text"] * bool(done.without_text)
    parts += [f"{done.unreadable:,} that could not be read"] * bool(done.unreadable)
    say(", ".join(parts))
    return 3 if done.unreadable else 0


@click.command(
    epilog=examples(
        "gristmill classifier rank 'how to repair a bicycle' crawl.jsonl --out ranked.jsonl",
        "gristmill classifier rank 'side effects of medicines' crawl.parquet --top 100",
    )
)
@click.argument("description")
@click.argument("files", nargs=-1, required=True)
@click.option("--out", type=OutPath(dir_okay=False), metavar="FILE",
              help="JSONL, also .gz and .zst; standard output if left out.")  # fmt: skip
@click.option("--top", type=click.IntRange(1), metavar="N", help="Only the best N.")
@click.option("--encoder", metavar="MODEL", help="A sentence-transformers model by path or name.")
@click.option("--text", metavar="COLUMN", help="Column of the texts  [default: text, else prompt "
              "or content]")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def rank(
    description: str, files: tuple[str, ...], out: Path | None, top: int | None,
    encoder: str | None, text: str | None, quiet: bool,
) -> int:  # fmt: skip
    """Rank the rows of FILES by similarity to a DESCRIPTION in words; no labels needed.

    The best come first, each with its `score`: the mean cosine of its two nearest passages and
    the description, by a sentence encoder. Needs pip install 'gristmill[audit]'.
    """
    from pipeline.predict import rank_rows

    done = rank_rows(description, files, out, top=top, encoder=encoder, text=text)
    say = sayer(quiet)
    _say_faults(done, say)
    say(f"{done.rows:,} rows, {done.unreadable:,} that could not be read")
    return 3 if done.unreadable else 0


def _say_faults(done: Predicted, say: Callable[[str], None]) -> None:
    for name in sorted(done.replaced):
        say(f"note: the rows have a column {name!r} already; its values are replaced")
    for fault in done.faults:
        say(f"left out: {fault}")

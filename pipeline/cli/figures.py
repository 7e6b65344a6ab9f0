"""Figures of classifiers on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.cli.terminal import console

if TYPE_CHECKING:
    from rich.console import Console

    from classifiers.calibrate import Threshold

__all__ = ["line", "print_account", "print_metrics", "print_threshold", "sayer"]


def sayer(quiet: bool) -> Callable[[str], None]:
    """Says a line on standard error, or nothing."""
    terminal = console(stderr=True)
    return lambda said: None if quiet else line(terminal, said)


def line(terminal: Console, said: str) -> None:
    """One line as it is."""
    terminal.print(said, highlight=False, markup=False, emoji=False)


def print_account(terminal: Console, counts: Mapping[str, Any]) -> None:
    """What became of the rows: `pipeline.labelled.Prepared.counts`."""
    repeats = ", ".join(f"{count:,} {kind}" for kind, count in counts["repeats"].items() if count)
    faults = ", ".join(f"{count:,} {reason}" for reason, count in counts["faults"].items())
    line(terminal, f"{counts['read']:,} rows read"
           + (f"; left out: {faults}" if faults else "")
           + (f"; repeated: {repeats}" if repeats else ""))  # fmt: skip
    for side, one in counts["sides"].items():
        labels = ", ".join(f"{label} {rows:,}" for label, rows in one["labels"].items())
        line(terminal, f"  {side:6} {one['rows']:>9,} rows: {labels}")


def print_threshold(terminal: Console, threshold: Threshold) -> None:
    """A threshold and what it was found on."""
    line(
        terminal,
        f"threshold {threshold.threshold:.6g} for {threshold.target}: {threshold.measured} on "
        f"{threshold.data}",
    )


def print_metrics(terminal: Console, found: Mapping[str, Any], what: str) -> None:
    """What `pipeline.judging.judge` found."""
    from rich.table import Table

    from classifiers.evaluate import Interval

    def shown(data: Mapping[str, Any]) -> str:
        return str(Interval.from_json(data))

    if "accuracy" in found:
        line(terminal, f"{what}: {found['texts']:,} texts, accuracy {shown(found['accuracy'])}")
        return
    line(terminal, f"{what}: {found['texts']:,} texts, {found['positives']:,} positive; "
           f"AUC {shown(found['auc'])}, average precision {found['average_precision'] or 0:.3f}, "
           f"calibration error {found['calibration_error']:.3f}")  # fmt: skip
    at = found["at"]
    if at:
        line(terminal, f"  at {at['threshold']:.6g}: precision {shown(at['precision'])}, recall "
               f"{shown(at['recall'])}, false-positive rate {shown(at['false_positive_rate'])}")  # fmt: skip
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("slice", "value", "texts", "positive", "AUC", "recall", "false positives"):
        table.add_column(heading, justify="left" if heading in ("slice", "value") else "right")
    for one in found["slices"]:
        numbers = [f"{one['texts']:,}", f"{one['positives']:,}"]
        measured = [shown(one[name]) for name in ("auc", "recall", "false_positive_rate")]
        table.add_row(one["slice"], one["value"], *numbers, *measured)
    if found["slices"]:
        terminal.print(table)

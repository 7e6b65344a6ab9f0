"""Labels before training: at least two, and none that is another one mistyped."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest
from pipeline.labelled.rows import LABEL, PLACE

__all__ = ["check_labels", "label_counts", "rename_labels"]

# A label is rare below this share of the rows and this number of them; frequent is what has at
# least so many times as many rows.
RARE_SHARE, RARE_ROWS, FREQUENT = 0.01, 20, 10
CLOSE = 0.75  # difflib's ratio: one letter in four may differ, as in "spma"
FEW = 20  # labels; more, and most of them once, are no labels
MOST_LABELS = 1000  # of more, none is compared with all others
MEANT = "if they are meant to differ, say so with --meant"
SHOWN = 8

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_DIGITS = re.compile(r"\d+")
_SYMBOLS = "#*&%@"  # punctuation to Unicode, but "c#" is not "c"


def label_counts(table: pa.Table) -> dict[str, int]:
    """Rows of each label, the most frequent first, equals by name."""
    pairs = [
        (entry["values"], entry["counts"]) for entry in pc.value_counts(table[LABEL]).to_pylist()
    ]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def check_labels(
    table: pa.Table, positive: str | None = None, meant: Collection[str] = ()
) -> dict[str, int]:
    """Refuse labels that no classifier should be trained on.

    Args:
        table: examples.
        positive: a label that has to be there.
        meant: labels that are right as they are, however much they look like others.

    Returns:
        rows of each label, as `label_counts` has them.

    Raises:
        ConfigError: no row or a single label; over 20 labels for fewer than twice as many rows;
            labels that differ only by case, spaces or punctuation; a rare label (under 1 % of the
            rows and under 20) that is spelt nearly like one at least ten times as frequent; a
            positive label that does not occur. Numbers are never mistyped numbers, and neither is
            a label the other's negation (``irrelevant``).
    """
    counts = label_counts(table)
    if len(counts) < 2:
        raise ConfigError(_single(counts))
    if len(counts) > FEW and 2 * len(counts) > table.num_rows:
        raise ConfigError(
            f"{len(counts):,} different labels in {table.num_rows:,} rows, such as "
            f"{_listed(counts)}; is this the column with the labels? Name it with --label"
        )
    _check_twins(table, counts, meant)
    if len(counts) <= MOST_LABELS:
        _check_rare(table, counts, meant)
    if positive is not None and positive not in counts:
        raise ConfigError(
            f"--positive {positive}: no row has this label{nearest(positive, counts) or '.'} "
            f"There are: {_listed(counts)}"
        )
    return counts


def rename_labels(table: pa.Table, renames: Mapping[str, str]) -> pa.Table:
    """The table with labels renamed, all at once: what is renamed is not renamed again.

    Args:
        table: examples.
        renames: old label to new one.

    Raises:
        ConfigError: an old label that does not occur, or an empty new one.
    """
    counts = label_counts(table)
    for old, new in renames.items():
        if old not in counts:
            raise ConfigError(
                f"--rename {old}={new}: no row has the label {old!r}{nearest(old, counts) or '.'} "
                f"There are: {_listed(counts)}"
            )
        if not new.strip():
            raise ConfigError(f"--rename {old}={new}: an empty label")
    if not renames:
        return table
    known = pa.array(list(counts), pa.string())
    renamed = pa.array([renames.get(label, label) for label in counts], pa.string())
    column = pa.chunked_array(
        [renamed.take(pc.index_in(chunk, known)) for chunk in table[LABEL].chunks], pa.string()
    )
    return table.set_column(table.column_names.index(LABEL), table.schema.field(LABEL), column)


def _single(counts: Mapping[str, int]) -> str:
    if not counts:
        return "no labelled row at all"
    label, rows = next(iter(counts.items()))
    return (
        f"all {rows:,} rows have the label {label!r}; a classifier needs at least two. Add rows of "
        "another label: a file of texts without labels, such as a sample of a crawl, is given one "
        "as other=background.jsonl"
    )


def _check_twins(table: pa.Table, counts: Mapping[str, int], meant: Collection[str]) -> None:
    forms: dict[str, str] = {}
    for label, rows in counts.items():
        first = forms.setdefault(_form(label), label)
        if first != label and not {first, label} <= set(meant):
            raise ConfigError(
                f"the labels {first!r} ({counts[first]:,} rows) and {label!r} ({rows:,}, first in "
                f"{_first_place(table, label)}) differ only in case, spaces or punctuation; "
                f"correct the rows, or use --rename {_option(label, first)}; {MEANT}"
            )


def _check_rare(table: pa.Table, counts: Mapping[str, int], meant: Collection[str]) -> None:
    total = sum(counts.values())
    for label, rows in counts.items():
        if rows >= RARE_ROWS or rows >= RARE_SHARE * total or label in meant:
            continue
        frequent = [other for other, many in counts.items() if many >= FREQUENT * rows]
        close = difflib.get_close_matches(label, frequent, n=SHOWN, cutoff=CLOSE)
        typo_of = next((other for other in close if not _differ_on_purpose(label, other)), None)
        if typo_of is not None:
            raise ConfigError(
                f"the label {label!r} ({rows:,} of {total:,} rows, first in "
                f"{_first_place(table, label)}) looks like {typo_of!r} mistyped "
                f"({counts[typo_of]:,} rows); correct the rows, or use --rename "
                f"{_option(label, typo_of)}; {MEANT}"
            )


def _form(label: str) -> str:
    """What is left of a label without case, spaces and punctuation; its value if it is a number."""
    plain = label.strip()
    if _NUMBER.fullmatch(plain):
        return f"number {Fraction(plain)}"
    folded = unicodedata.normalize("NFKC", plain).casefold()
    # Between digits a sign has a meaning: 1-2 is not 12.
    folded = re.sub(r"(?<=\d)\W+(?=\d)", "\0", folded)
    kept = [
        character
        for character in folded
        if character in _SYMBOLS or unicodedata.category(character)[0] not in "PZ"
    ]
    return "".join(kept) or label


def _differ_on_purpose(one: str, other: str) -> bool:
    """Whether two labels that look alike are a series (``level 1``) or opposites (``unsafe``)."""
    shorter, longer = sorted((one.casefold(), other.casefold()), key=len)
    if len(longer) - len(shorter) >= 2 and longer.endswith(shorter):
        return True
    return _DIGITS.findall(one) != _DIGITS.findall(other)


def _first_place(table: pa.Table, label: str) -> str:
    row = pc.index(table[LABEL], label).as_py()
    return printable(table[PLACE][row].as_py())


def _option(old: str, new: str) -> str:
    plain = f"{old}={new}"
    return plain if re.fullmatch(r"[\w.+=-]+", plain) else f"'{plain}'"


def _listed(counts: Mapping[str, int]) -> str:
    shown = [f"{label!r} ({rows:,})" for label, rows in list(counts.items())[:SHOWN]]
    more = f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
    return printable(", ".join(shown)) + more

"""Labelled texts: every format gives back what was written, groups stay whole, no row is lost."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.labelled import (
    Columns,
    check_split,
    folds,
    prepare,
    read_labelled,
    schema_of,
    take_out_repeats,
)
from pipeline.labelled.grouping import groups_of, place
from pipeline.labelled.text_lines import TextEncoding, text_lines

COLUMNS = Columns(group="who", slices=("lang",))
NAMES = ("text", "label", "who", "lang")
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
TEXTS = ANY.filter(lambda text: bool(text.strip()))
GROUPS = st.one_of(st.just(""), TEXTS)  # white space names no group
ROWS = st.lists(st.tuples(TEXTS, TEXTS, GROUPS, ANY), min_size=1, max_size=8)
SINGLE = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
LINES = st.lists(st.tuples(st.lists(SINGLE, min_size=1).map(" ".join), SINGLE), min_size=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labelled")


def delimited(rows: Sequence[Sequence[str]], delimiter: str, end: str, quoting: int) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([NAMES, *rows])
    return out.getvalue().encode()


# --- reading -----------------------------------------------------------------------------------


@CALM
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@example([('"', ',"\r\n"', "\ra", "\n")], "\r\n", csv.QUOTE_MINIMAL)
def test_every_format_gives_back_what_was_written(
    folder: Path, rows: list[tuple[str, str, str, str]], end: str, quoting: int
) -> None:
    # csv leaves a carriage return unquoted, and at the end of a line it is that line's end.
    quoting = csv.QUOTE_ALL if any(row[-1].endswith("\r") for row in rows) else quoting
    records = [dict(zip(NAMES, row, strict=True)) for row in rows]
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    (folder / "a.jsonl").write_bytes(lines)
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    pq.write_table(pa.Table.from_pylist(records), folder / "c.parquet")
    (folder / "d.csv").write_bytes(delimited(rows, ",", end, quoting))
    (folder / "e.tsv").write_bytes(delimited(rows, "\t", end, quoting))
    for name in ("a.jsonl", "b.jsonl.gz", "c.parquet", "d.csv", "e.tsv"):
        read = read_labelled([folder / name], COLUMNS)
        found = read.table.drop_columns("place").to_pylist()
        assert [tuple(row.values()) for row in found] == rows, name
        assert read.counts == {"read": len(rows), "used": len(rows), "faults": {}}


@CALM
@given(LINES.filter(lambda rows: not any("__label__" in "".join(row) for row in rows)))
def test_fasttext_gives_back_what_was_written(folder: Path, rows: list[tuple[str, str]]) -> None:
    lines = "".join(f"__label__{label} {text}\n" for text, label in rows)
    (folder / "a.fasttext").write_text(lines, encoding="utf-8")
    found = read_labelled([folder / "a.fasttext"]).table.select(["text", "label"]).to_pylist()
    assert [tuple(row.values()) for row in found] == rows


@CALM
@given(st.binary(max_size=200), st.sampled_from([".csv", ".tsv", ".fasttext", ".jsonl"]))
@example(b'x,"\n\n', ".csv")
def test_any_bytes_are_accounted_for(folder: Path, data: bytes, ending: str) -> None:
    good = {".jsonl": b'{"text": "good", "label": "x"}\n', ".fasttext": b"__label__x good\n"}
    mark = b"\t" if ending == ".tsv" else b","
    head = good.get(ending, b"text%slabel\ngood%sx\n" % (mark, mark))
    # NUL bytes make a file no text.
    data = data.replace(b"\0", b"\n")
    (folder / f"z{ending}").write_bytes(head + data)
    read = read_labelled([folder / f"z{ending}"])
    assert read.table["text"][0].as_py() == "good"
    assert read.counts["read"] == read.counts["used"] + sum(read.counts["faults"].values())
    assert read.counts["used"] == read.table.num_rows


@CALM
@given(
    st.binary(max_size=60).map(lambda data: b"x" + data.replace(b"\0", b"\n")), st.integers(1, 9)
)
def test_lines_are_those_of_the_file(folder: Path, data: bytes, read: int) -> None:
    path = folder / "lines.txt"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.labelled.text_lines.READ", read)
        found = list(text_lines(str(path), TextEncoding("utf-8")))
    expected = data.split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])


# --- splitting ---------------------------------------------------------------------------------

EXAMPLES = st.lists(
    st.tuples(
        st.sampled_from(["", "", "a", "b", "c", "d", "e", "f"]),  # group
        st.sampled_from("xxxxyyz"),  # label
        st.integers(0, 30),  # text
    ),
    min_size=1,
    max_size=60,
)


def table(rows: Sequence[tuple[str, str, int]]) -> pa.Table:
    values = [
        {"text": f"text {text}", "label": label, "group": group, "place": f"p{n}"}
        for n, (group, label, text) in enumerate(rows)
    ]
    return pa.Table.from_pylist(values, schema=schema_of())


@CALM
@given(EXAMPLES, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 3))
def test_groups_never_straddle(
    rows: list[tuple[str, str, int]], parts: list[int], seed: int
) -> None:
    examples = table(rows)
    shares = [part / sum(parts) for part in parts]
    groups = groups_of(examples, seed)
    sides = place(groups, shares)[groups.of_row].tolist()
    found = defaultdict(set)
    for (group, _, text), side in zip(rows, sides, strict=True):
        found[("group", group) if group else ("text", text)].add(side)
    assert all(len(one) == 1 for one in found.values())
    # With so few groups, a label is on every side if it is in groups enough.
    by_label = defaultdict(set)
    for group, label, text in rows:
        by_label[label].add(group or text)
    scarcest = min(by_label, key=lambda label: (len(by_label[label]), label))
    if len(by_label[scarcest]) >= len(shares):
        assert {
            s for s, (_, label, _) in zip(sides, rows, strict=True) if label == scarcest
        } == set(range(len(shares)))
    # The order of rows is of no matter.
    order = np.random.default_rng(0).permutation(len(rows))
    turned = groups_of(examples.take(pa.array(order)), seed)
    assert place(turned, shares)[turned.of_row].tolist() == [sides[n] for n in order]
    names = pa.array([f"side {side}" for side in sides])
    wanted = {f"side {number}": share for number, share in enumerate(shares)}
    try:
        check_split(examples, names, wanted)
    except ConfigError:
        pass
    else:
        assert {label for s, (_, label, _) in zip(sides, rows, strict=True) if s == 0} == set(
            by_label
        )


@CALM
@pytest.mark.filterwarnings("ignore::UserWarning")
@given(EXAMPLES, st.integers(2, 4))
def test_folds_part_the_rows(rows: list[tuple[str, str, int]], n: int) -> None:
    try:
        found = folds(table(rows), n).to_pylist()
    except ConfigError:
        return
    assert set(found) == set(range(n))
    sides = defaultdict(set)
    for (group, _, text), fold in zip(rows, found, strict=True):
        sides[group or text].add(fold)
    assert all(len(one) == 1 for one in sides.values())


# --- repeats and the whole way -----------------------------------------------------------------


@settings(CALM, max_examples=25)
@given(EXAMPLES, EXAMPLES, st.randoms(use_true_random=False))
def test_repeats_are_all_found_and_counted(
    rows: list[tuple[str, str, int]], test_rows: list[tuple[str, str, int]], rng: object
) -> None:
    kept, repeats = take_out_repeats(table(rows), table(test_rows))
    tested = {text for _, _, text in test_rows}
    labels = defaultdict(Counter)
    for _, label, text in rows:
        labels[text][label] += 1
    own = {text: found for text, found in labels.items() if text not in tested}
    assert repeats.across == sum(labels[text].total() for text in labels.keys() & tested)
    assert repeats.conflicting == sum(found.total() for found in own.values() if len(found) > 1)
    assert repeats.exact == sum(found.total() - 1 for found in own.values() if len(found) == 1)
    assert repeats.near == 0
    texts = sorted(int(text.split()[1]) for text in kept["text"].to_pylist())
    assert texts == sorted(text for text, found in own.items() if len(found) == 1)
    order = list(range(len(rows)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    again, _ = take_out_repeats(table(rows).take(pa.array(order)), table(test_rows))
    columns = [name for name in kept.column_names if name != "place"]
    contents = [sorted(map(repr, one.select(columns).to_pylist())) for one in (kept, again)]
    assert contents[0] == contents[1]


@settings(CALM, max_examples=25)
@given(EXAMPLES, EXAMPLES, st.booleans())
def test_no_row_is_lost_on_the_whole_way(
    folder: Path,
    rows: list[tuple[str, str, int]],
    test_rows: list[tuple[str, str, int]],
    with_test: bool,
) -> None:
    def write(name: str, found: Sequence[tuple[str, str, int]]) -> Path:
        lines = [
            json.dumps({"text": f"text {t}" if t else "", "label": label, "who": group})
            for group, label, t in found
        ]
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
        return folder / name

    paths = write("train.jsonl", rows), write("test.jsonl", test_rows)
    try:
        prepared = prepare(
            [paths[0]], Columns(group="who"), test=[paths[1]] if with_test else [], meant="xyz"
        )
    except ConfigError:
        return
    sides = [prepared.train, prepared.dev, *([] if with_test else [prepared.test])]
    counts = prepared.counts
    gone = sum(counts["faults"].values()) + sum(counts["repeats"].values())
    assert counts["read"] == len(rows) == sum(side.num_rows for side in sides) + gone
    texts = [set(side["text"].to_pylist()) for side in (*sides, prepared.test)]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[-1]

"""What a model scored on each item: files of results, matched to the items that were audited.

Read here are sample logs of lm-evaluation-harness, and tables with an item and a score a row. Every
row is used or counted with its reason; a row is matched by what it names, never by where it stands.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from audits.items import Item
from pipeline.core.errors import ConfigError, ConservationError, SourceError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest
from pipeline.sources.table_rows import JSON_LINES, PARQUET
from pipeline.sources.tables import plan_tables, read_rows

__all__ = ["Results", "read_results"]

Key = tuple[str, str]  # benchmark and item

DELIMITED = {".csv": ",", ".tsv": "\t"}
ENDINGS = (*JSON_LINES, PARQUET, *DELIMITED)
SAMPLES = re.compile(r"samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT.*))?")
FAULTS_SHOWN = 5  # of each reason
SHOWN = 60  # characters of a value in a message
ITEM, SCORE = ("item", "item_id", "id"), ("correct", "score")
# The harness names a metric as its task does; the first of these that a row has is its score.
METRICS = ("exact_match", "acc", "pass@1", "pass_at_1", "prompt_level_strict_acc", "em", "acc_norm")
DOC_IDS = ("task_id", "id", "question_id", "key")
TRUTH = {"true": 1.0, "false": 0.0}
WORD = re.compile(r"\w+")
ALIKE = 0.8  # of the words of an item's question, those that its row must have


@dataclasses.dataclass(frozen=True)
class Results:
    """Scores by item, and the account: rows ``read`` = ``used`` + those of every other reason.

    Args:
        scores: by benchmark and item, in [0, 1].
        subjects: by benchmark and item, where the item or the row names one.
        counts: rows ``read``, ``used`` and left out, by reason: ``unreadable``, ``no-item``,
            ``no-score``, ``unknown-benchmark``, ``unknown-item``, ``other-text`` (the log has
            another text than the item), ``repeated`` (the first row of an item counts),
            ``other-filter`` (another way to read the answer out of the same reply).
        faults: the first rows of each reason: file, row and what is wrong.
        notes: what a person should know though it stops nothing.
    """

    scores: dict[Key, float]
    subjects: dict[Key, str]
    counts: dict[str, int]
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


class _Unusable(Exception):  # noqa: N818 - a row's fate, not an error
    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


class _Row(NamedTuple):
    place: str
    values: dict[str, Any] | str  # or why it could not be read
    lost: int = 1


class _Named(NamedTuple):
    """What a row says of its item.

    Args:
        task: name of a benchmark, or of a harness task, which has one in it.
        ids: of the item, as written.
        position: in the task, from 0; empty where the row names its item.
        texts: that a log has of the item, in one form each; None where it has none.
    """

    task: str
    ids: tuple[str, ...]
    position: str = ""
    subject: str = ""
    texts: frozenset[str] | None = None


def read_results(
    path: str | Path,
    items: Iterable[Item],
    *,
    benchmark: str = "",
    metric: str = "",
    answer_filter: str = "",
) -> Results:
    """Read the results of one model.

    Of a harness log, ``samples_<task>_<date>.jsonl``, the task's name gives the benchmark and,
    as in ``mmlu_anatomy``, the subject; the item is that of the document's own id (``HumanEval/12``
    is item ``12``), else that at position ``doc_id`` (``anatomy/12`` in a subject), if the document
    has the words of that item. Of any other table the columns are ``item`` (or ``item_id``, ``id``),
    ``correct`` (or ``score``: true, false, or 0 to 1), and, as wanted, ``benchmark`` and ``subject``;
    rows without a benchmark go by ``benchmark`` or by the name of the file.

    Args:
        path: JSONL (plain, .gz, .zst), Parquet, CSV or TSV; or a folder of them. Of a folder with
            harness logs, the newest of each task.
        items: that were audited.
        benchmark: that all rows are of; if empty, what each file or row says.
        metric: the column of a harness log that is the score; the first known one if empty.
        answer_filter: of a harness log; the first one of each task if empty.

    Raises:
        ConfigError: no row could be used, or the folder holds logs of several models.
        SourceError: a file that is missing or cannot be read.
    """
    lookup = _Items(items, benchmark)
    files, notes = _files(Path(path))
    scores: dict[Key, float] = {}
    subjects: dict[Key, str] = {}
    counts: Counter[str] = Counter()
    faults: dict[str, list[str]] = defaultdict(list)
    chosen = _Chosen(metric, answer_filter)
    for file in files:
        task = _task(file)
        for row in _rows(file):
            counts["read"] += row.lost
            try:
                named, score = _understood(row.values, task, benchmark, chosen)
                key, subject = lookup.find(named)
                if key in scores:
                    raise _Unusable("repeated", f"{key[0]} item {key[1]} has a result already")
            except _Unusable as fate:
                counts[fate.reason] += row.lost
                if len(faults[fate.reason]) < FAULTS_SHOWN:
                    faults[fate.reason].append(printable(f"{row.place}: {fate}"))
                continue
            scores[key] = score
            counts["used"] += 1
            if subject:
                subjects[key] = subject
    shown = tuple(fault for group in faults.values() for fault in group)
    if counts.total() != 2 * counts["read"]:
        raise ConservationError(f"{counts['read']} rows were read; their fates: {dict(counts)}")
    if not scores:
        said = "".join(f"\n  {fault}" for fault in shown)
        raise ConfigError(
            f"{path}: none of its {counts['read']:,} rows is a result of an audited item{said}"
        )
    return Results(scores, subjects, dict(counts), shown, (*notes, *chosen.notes()))


# --- files to rows ---------------------------------------------------------------------------


def _files(path: Path) -> tuple[list[Path], list[str]]:
    if not path.is_dir():
        if not _ending(path):
            raise ConfigError(f"{path}: results are read from {', '.join(ENDINGS)}")
        if not path.exists():
            raise SourceError(f"{path}: no such file or folder")
        return [path], []
    logs = [file for file in sorted(path.rglob("samples_*")) if _ending(file) in JSON_LINES]
    if not logs:
        files = [file for file in sorted(path.iterdir()) if _ending(file)]
        if not files:
            raise SourceError(f"{path}: no results in this folder ({', '.join(ENDINGS)})")
        return files, []
    models = sorted({str(file.parent) for file in logs})
    if len(models) > 1:
        raise ConfigError(
            f"{path}: holds sample logs of more than one model; give the folder of one: "
            f"{', '.join(models)}"
        )
    newest = {_task(file): file for file in logs}  # names end with the date
    older = len(logs) - len(newest)
    return sorted(newest.values()), (
        [f"{older:,} older logs of the same tasks are passed over"] if older else []
    )


def _ending(path: Path) -> str:
    return next((end for end in ENDINGS if path.name.lower().endswith(end)), "")


def _task(path: Path) -> str:
    stem = path.name[: len(path.name) - len(_ending(path))]
    found = SAMPLES.fullmatch(stem)
    return found["task"] if found else stem


def _rows(path: Path) -> Iterator[_Row]:
    """Rows with file and number: of a line in CSV, else counted from 1 without blank lines."""
    if _ending(path) in DELIMITED:
        yield from _delimited(path, DELIMITED[_ending(path)])
        return
    number = 1
    for part in plan_tables([path]):
        for row in read_rows(part):
            values = f"cannot be read: {row.error}" if row.values is None else row.values
            yield _Row(f"{path}:{number}", values, row.lost)
            number += row.lost


def _delimited(path: Path, delimiter: str) -> Iterator[_Row]:
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if len(set(header)) < len(header):
                raise SourceError(f"{path}:1: two columns have one name; rename one")
            line = reader.line_num + 1
            for fields in reader:
                if len(fields) == len(header):
                    yield _Row(f"{path}:{line}", dict(zip(header, fields, strict=True)))
                elif fields:
                    message = f"has {len(fields)} fields, and the header {len(header)}"
                    yield _Row(f"{path}:{line}", message)
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is not UTF-8 ({error.reason}); convert it") from error
    except csv.Error as error:
        raise SourceError(f"{path}:{line}: {error}") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


# --- rows to scores --------------------------------------------------------------------------


class _Chosen:
    """Which metric and which answer filter count, and what was passed over for them."""

    def __init__(self, metric: str, answer_filter: str):
        self._metric, self._filter = metric, answer_filter
        self._metrics: Counter[str] = Counter()
        self._used: dict[str, str] = {}
        self._passed: dict[str, set[str]] = defaultdict(set)

    def check_filter(self, row: Mapping[str, Any], task: str) -> None:
        name = row.get("filter")
        if not isinstance(name, str):
            return
        used = self._used.setdefault(task, self._filter or name)
        if name != used:
            self._passed[task].add(name)
            raise _Unusable("other-filter", f"filter {name!r}, where {used!r} counts")

    def score(self, row: Mapping[str, Any]) -> float:
        listed = row.get("metrics")
        there = [name for name in listed if name in row] if isinstance(listed, list) else list(row)
        wanted = (self._metric,) if self._metric else METRICS
        name = next((name for name in wanted if name in there), None)
        if name is None and not self._metric and isinstance(listed, list) and len(there) == 1:
            name = there[0]
        if name is None:
            raise _Unusable(
                "no-score",
                f"has none of the metrics {', '.join(wanted)}; there are: {', '.join(there)}",
            )
        score = _score(name, row[name])
        self._metrics[name] += 1
        return score

    def notes(self) -> Iterator[str]:
        if self._metrics:
            said = ", ".join(f"{name} ({rows:,} rows)" for name, rows in self._metrics.items())
            yield printable(f"scores are {said}")
        for task, passed in self._passed.items():
            others = ", ".join(sorted(passed))
            yield printable(f"{task}: filter {self._used[task]} counts, not {others}")


def _understood(
    values: Mapping[str, Any] | str, task: str, benchmark: str, chosen: _Chosen
) -> tuple[_Named, float]:
    if isinstance(values, str):
        raise _Unusable("unreadable", values)
    if "doc_id" not in values or "item" in values:
        column, item = _first(values, ITEM, "no-item")
        if not _text(item):
            raise _Unusable("no-item", f"{column} is {str(item)[:SHOWN]!r}, no text or number")
        own = _text(values.get("benchmark"))
        if own and benchmark not in ("", own):
            raise _Unusable(
                "unknown-benchmark", f"is of {own!r}, where {benchmark!r} was asked for"
            )
        named = _Named(
            task=own or benchmark or task,
            ids=(_text(item),),
            subject=_text(values.get("subject")),
        )
        return named, _score(*_first(values, SCORE, "no-score"))
    chosen.check_filter(values, task)
    doc = values.get("doc")
    ids = [_text(doc.get(name)) for name in DOC_IDS] if isinstance(doc, dict) else []
    named = _Named(
        task=task,
        ids=tuple(filter(None, ids)),
        position=_text(values["doc_id"]),
        texts=frozenset(map(_one_form, _strings(doc))) if doc else None,
    )
    return named, chosen.score(values)


def _first(row: Mapping[str, Any], names: Sequence[str], reason: str) -> tuple[str, Any]:
    """The first of ``names`` that has a value, and the value."""
    for name in names:
        if row.get(name) not in (None, ""):
            return name, row[name]
    there = [name for name in names if name in row]
    if there:
        raise _Unusable(reason, f"{there[0]} is empty")
    raise _Unusable(
        reason,
        f"has no column {names[0]!r} (or {', '.join(names[1:])}); there are: {', '.join(row)}",
    )


def _text(value: Any) -> str:
    """An id as text; empty for what is none. Tables with gaps store whole numbers as floats."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip() if plain else ""


def _score(name: str, value: Any) -> float:
    try:
        score = TRUTH.get(value.strip().lower()) if isinstance(value, str) else None
        score = float(value) if score is None else score
    except (TypeError, ValueError, OverflowError):
        score = -1.0
    if not 0 <= score <= 1:
        raise _Unusable(
            "no-score", f"{name} is {str(value)[:SHOWN]!r}, where true, false or 0 to 1 belongs"
        )
    return score


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _strings(member)


def _one_form(text: str) -> str:
    return " ".join(text.lower().split())


# --- rows to items ---------------------------------------------------------------------------


class _Task(NamedTuple):
    """A task's name, taken apart.

    Args:
        benchmark: that it is of.
        rest: what follows on the benchmark's name.
        subjects: that ``rest`` may mean, the likeliest first.
    """

    benchmark: str
    rest: str
    subjects: tuple[str, ...]


class _Items:
    """The audited items, found by what a row says.

    Raises:
        ConfigError: none of them is of ``benchmark``.
    """

    def __init__(self, items: Iterable[Item], benchmark: str):
        self._by_id: dict[str, dict[str, Item]] = defaultdict(dict)
        for item in items:
            self._by_id[item.benchmark][item.id] = item
        self._texts = {
            name: {_one_form(item.question) for item in found.values()}
            for name, found in self._by_id.items()
        }
        self._subjects = {
            name: sorted({there.rpartition("/")[0] for there in found} - {""})
            for name, found in self._by_id.items()
        }
        if benchmark and benchmark not in self._by_id:
            raise ConfigError(
                f"no benchmark of this audit is called {printable(benchmark)!r}"
                f"{nearest(benchmark, self._by_id) or '.'} There are: {', '.join(self._by_id)}"
            )
        self._benchmark = benchmark
        self._tasks: dict[str, _Task] = {}

    def find(self, named: _Named) -> tuple[Key, str]:
        """Benchmark and item, and its subject."""
        if named.task not in self._tasks:
            self._tasks[named.task] = self._task(named.task)
        task = self._tasks[named.task]
        items = self._by_id[task.benchmark]
        there = False
        for name in _candidates(named, task):
            item = items.get(name)
            if item is None:
                continue
            if named.texts is None or self._alike(item, named.texts):
                return (task.benchmark, item.id), item.subject or named.subject
            there = True
        shown = ", ".join(named.ids) or f"position {named.position}"
        if there:
            raise _Unusable(
                "other-text",
                f"{task.benchmark} {shown} has another text here than the item of the audit; "
                "are they of one split and version?",
            )
        raise _Unusable(
            "unknown-item",
            f"{task.benchmark} has no item {shown}; its items are named as {next(iter(items))!r}",
        )

    def _alike(self, item: Item, texts: frozenset[str]) -> bool:
        """Whether a log's texts are those of the item, which may be put together from several.

        The items of a set may differ in a sign or two, so that another item's very text decides.
        """
        own = _one_form(item.question)
        if own in texts:
            return True
        if texts & self._texts[item.benchmark]:
            return False
        words = set(WORD.findall(own))
        return len(words & set(WORD.findall(" ".join(texts)))) >= ALIKE * len(words)

    def _task(self, written: str) -> _Task:
        if written in self._by_id and self._benchmark in ("", written):
            return _Task(written, "", ())
        parts = _plain(written).split("_")
        if self._benchmark:
            base, _, split = self._benchmark.partition(":")
            fit = _within(base, parts)
            name, rest = self._benchmark, parts if fit is None else fit[2]
            rest = [part for part in rest if part != _plain(split)]
        else:
            fits = [fit for name in self._by_id if (fit := _within(name, parts)) is not None]
            if not fits:
                guess = nearest(written, self._by_id) or "."
                raise _Unusable(
                    "unknown-benchmark",
                    f"{written!r} names no benchmark of this audit{guess} "
                    f"There are: {', '.join(self._by_id)}",
                )
            _, name, rest = max(fits)
        subjects = [
            subject
            for length in range(len(rest), 0, -1)
            for start in range(len(rest) - length + 1)
            for subject in self._subjects[name]
            if _shortened(rest[start : start + length], _plain(subject).split("_"))
        ]
        return _Task(name, "_".join(rest), tuple(subjects))


def _within(name: str, parts: list[str]) -> tuple[tuple[int, ...], str, list[str]] | None:
    """How well a task's name has a benchmark's in it, the benchmark, and what follows.

    ``mgsm:de`` is in ``mgsm_direct_de``, and more so than ``mgsm``; of ``mgsm_en_cot_de`` the last
    language is the one.
    """
    base, _, split = name.partition(":")
    words = _plain(base).split("_")
    for start in range(len(parts) - len(words) + 1):
        if parts[start : start + len(words)] == words:
            rest = parts[start + len(words) :]
            place = max((at for at, part in enumerate(rest) if part == _plain(split)), default=-1)
            if split and place < 0:
                continue
            if split:
                del rest[place]
            return (len(words), place, -start), name, rest
    return None


def _shortened(words: Sequence[str], full: Sequence[str]) -> bool:
    """Whether ``words`` are those of ``full`` or begin them, as ``num_theory`` does."""
    return len(words) == len(full) and all(
        bool(word) and long.startswith(word) for word, long in zip(words, full, strict=True)
    )


def _candidates(named: _Named, task: _Task) -> Iterator[str]:
    for name in named.ids:
        yield name
        set_name, _, last = name.rpartition("/")
        if _plain(set_name) == _plain(task.benchmark.partition(":")[0]):
            yield last
        for subject in filter(None, (named.subject, task.rest)):
            yield f"{subject}/{name}"
    if not named.position:
        return
    # Tasks have words for their prompts in their names, before and after the subject. Which part is
    # the subject shows in the text; where the log has none, nothing is guessed.
    if named.texts is None:
        yield f"{task.rest}/{named.position}" if task.rest else named.position
        return
    yield from (f"{subject}/{named.position}" for subject in task.subjects)
    yield named.position


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")

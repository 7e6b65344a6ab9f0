"""`check_filter`: every promise a filter makes, tried out. For built-in filters and plug-ins alike.

A promise is added here when `pipeline.filters.base.Filter` makes it, never for one filter alone.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import pickle
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.core.decisions import Bound, Signal, Verdict
from pipeline.core.errors import GristmillError
from pipeline.core.records import Document
from pipeline.filters.base import TOP, Filter, Ranking, Result, Signals
from pipeline.filters.odd_documents import describe, odd_documents

__all__ = ["FilterCheckError", "check_filter"]

# A filter travels with every task; what is larger belongs into a file that the worker reads.
_LARGEST_PICKLE = 64 * 1024

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class FilterCheckError(GristmillError, AssertionError):
    """A filter breaks a promise. The message says which, and on what."""


def check_filter(rules: Filter) -> None:
    """Try out every promise of `Filter` on ``rules``: run it in the tests of your own filters.

    The promises: frozen, hashable parameters and nothing else, so that the filter pickles to less
    than 64 kB and comes back equal; a sound name, version and declaration of signals; `measure`
    gives exactly the declared signals on any string, finite and in their ranges, the same each
    time, and leaves the document as it was; `measure_batch` equals `measure`; `decide` follows
    the bounds; a ranking is by a declared signal and agrees with the bound on ``top``, which
    `measure` leaves at 0.0; tags are declared signals; a string, a list, Arrow, NumPy, pandas and
    single rows give the same results.

    Args:
        rules: an instance; models and lists that it reads must be there.

    Raises:
        FilterCheckError: the first promise that is broken.
    """
    _check_declaration(rules)
    _check_parameters(rules)
    _check_ranking(rules)
    _check_tags(rules)
    measured = _check_measuring(rules)
    _check_deciding(rules, measured)
    _check_adapters(rules)
    _require(rules, vars(rules).keys() == _fields(rules), "keeps state besides its parameters")


def _require(rules: Filter, kept: bool, broken: str) -> None:
    if not kept:
        raise FilterCheckError(f"{type(rules).__name__}: {broken}")


def _fields(rules: Filter) -> set[str]:
    return {field.name for field in dataclasses.fields(rules)}


def _check_declaration(rules: Filter) -> None:
    def require(kept: bool, broken: str) -> None:
        _require(rules, kept, broken)

    require(isinstance(rules, Filter), "is no instance of pipeline.filters.Filter")
    name = getattr(rules, "name", None)
    require(
        isinstance(name, str) and bool(_NAME.fullmatch(name)),
        f"name must be lower case letters, digits and underscores, not {name!r}",
    )
    version = rules.version
    require(type(version) is int and version >= 1, f"version must be 1 or more, not {version!r}")
    require(
        isinstance(rules.reads, frozenset) and bool(rules.reads) and rules.reads <= {"text", "url"},
        f"reads must be a frozenset of 'text' and 'url', not {rules.reads!r}",
    )
    signals = getattr(rules, "signals", None)
    require(
        isinstance(signals, tuple)
        and bool(signals)
        and all(isinstance(signal, Signal) for signal in signals),
        "signals must be a tuple of at least one Signal",
    )
    names = [signal.name for signal in rules.signals]
    require(len(set(names)) == len(names), f"a signal is declared twice: {names}")
    for signal in rules.signals:
        # keep and reasons are columns of their own beside the signals.
        sound = _NAME.fullmatch(signal.name) and signal.name not in ("keep", "reasons")
        require(bool(sound), f"signal {signal.name!r} needs another name")
        require(bool(signal.doc), f"signal {signal.name!r} says nothing of itself (doc)")
        require(
            signal.kind in ("number", "text"),
            f"signal {signal.name!r} is of no kind: {signal.kind}",
        )
        require(signal.minimum <= signal.maximum, f"signal {signal.name!r} has an empty range")


def _check_parameters(rules: Filter) -> None:
    def require(kept: bool, broken: str) -> None:
        _require(rules, kept, broken)

    require(
        dataclasses.is_dataclass(rules)
        and "__dataclass_params__" in vars(type(rules))
        and type(rules).__dataclass_params__.frozen,  # type: ignore[attr-defined]
        "must be decorated with @dataclass(frozen=True, kw_only=True)",
    )
    require(
        vars(rules).keys() == _fields(rules), "holds attributes that are no parameters of its own"
    )
    try:
        hash(rules)
    except TypeError as error:
        raise FilterCheckError(
            f"{type(rules).__name__}: a parameter cannot be hashed ({error}); store tuples for "
            "lists and frozen dataclasses for maps"
        ) from error
    try:
        stored = pickle.dumps(rules)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise FilterCheckError(f"{type(rules).__name__}: cannot be pickled: {error}") from error
    require(
        len(stored) < _LARGEST_PICKLE,
        f"pickles to {len(stored):,} bytes; hold the path of what is large, and load it when used",
    )
    # Our own bytes of a moment ago.
    require(pickle.loads(stored) == rules, "comes back from pickle as another filter")  # noqa: S301
    require(dataclasses.replace(rules) == rules, "is not equal to a copy of itself")
    try:
        json.dumps(rules.parameters())
    except (TypeError, ValueError) as error:
        raise FilterCheckError(
            f"{type(rules).__name__}: parameters() must be plain values: {error}"
        ) from error


def _check_ranking(rules: Filter) -> None:
    def require(kept: bool, broken: str) -> None:
        _require(rules, kept, broken)

    ranking = rules.ranking()
    require(rules.ranking() == ranking, "ranking() differs from call to call")
    if ranking is None:
        return
    require(isinstance(ranking, Ranking), f"ranking() must be a Ranking or None, not {ranking!r}")
    require("text" in rules.reads, "ranks documents by their URL alone, before there are any")
    numbers = {signal.name: signal for signal in rules.signals if signal.kind == "number"}
    require(
        ranking.signal in numbers and ranking.signal != TOP,
        f"ranks by {ranking.signal!r}, which is no number that it measures",
    )
    require(
        TOP in numbers and (numbers[TOP].minimum, numbers[TOP].maximum) == (0.0, 1.0),
        f"ranks documents and declares no number {TOP!r} between 0 and 1",
    )
    require(
        type(ranking.share) is float and 0 < ranking.share <= 1,
        f"ranking().share must be a float above 0 and at most 1, not {ranking.share!r}",
    )
    bounds = [bound for bound in rules.bounds if bound.signal == TOP]
    require(
        bounds == [Bound(TOP, high=ranking.share)],
        f"ranking() keeps {ranking.share}, and the bounds on {TOP!r} are {bounds}",
    )


def _check_tags(rules: Filter) -> None:
    tags = rules.tags()
    declared = {signal.name for signal in rules.signals}
    sound = isinstance(tags, tuple) and len(set(tags)) == len(tags) and declared.issuperset(tags)
    _require(rules, sound, f"tags() must be a tuple of declared signals, each once, not {tags!r}")
    _require(rules, rules.tags() == tags, "tags() differs from call to call")


def _check_measuring(rules: Filter) -> list[Signals]:
    """`measure` and `measure_batch` on the odd documents; what was measured."""
    measured: list[Signals] = []
    for doc in odd_documents():
        before = copy.deepcopy(doc)
        try:
            signals = rules.measure(doc)
        except GristmillError:
            raise
        except Exception as error:
            raise FilterCheckError(
                f"{type(rules).__name__}: measure fails on {describe(doc)}: {error!r}"
            ) from error
        _require(rules, doc == before, f"measure changes the document: {describe(before)}")
        _check_signals(rules, signals, doc)
        measured.append(signals)
        again = (rules.measure(doc), rules.measure(before))
        _require(
            rules,
            again == (signals, signals),
            f"measure gives different signals each time on {describe(doc)}: {signals}, {again}",
        )
    for docs in (odd_documents(), odd_documents()[::-1], []):
        expected = [measured[int(doc.id)] for doc in docs]
        found = rules.measure_batch(docs)
        _require(
            rules,
            len(found) == len(docs),
            f"measure_batch gives {len(found)} results for {len(docs)} documents",
        )
        for doc, batch, single in zip(docs, found, expected, strict=True):
            _require(
                rules,
                batch == single,
                f"measure_batch differs from measure on {describe(doc)}: {batch}, {single}",
            )
    return measured


def _check_signals(rules: Filter, signals: Signals, doc: Document) -> None:
    declared = {signal.name: signal for signal in rules.signals}
    _require(
        rules,
        list(signals) == list(declared),
        f"measure gives signals {list(signals)}, declared are {list(declared)}, in this order",
    )
    for name, value in signals.items():
        signal = declared[name]
        broken = f"{name} = {value!r} on {describe(doc)}: "
        if signal.kind == "text":
            _require(rules, isinstance(value, str), broken + "a label must be a str")
            try:
                str(value).encode()
            except UnicodeEncodeError:
                _require(rules, False, broken + "a label must be valid Unicode")
            continue
        if not isinstance(value, float):
            raise FilterCheckError(f"{type(rules).__name__}: {broken}a number must be a float")
        _require(rules, math.isfinite(value), broken + "a number must be finite")
        _require(rules, name != TOP or value == 0.0, broken + "ranks are a run's to give")
        _require(
            rules,
            signal.minimum <= value <= signal.maximum,
            broken + f"outside its range of {signal.minimum:g} to {signal.maximum:g}",
        )


def _check_deciding(rules: Filter, measured: Sequence[Signals]) -> None:
    for signals in (*measured, *_at_the_bounds(rules, measured[0])):
        before = dict(signals)
        verdicts = rules.decide(signals)
        _require(rules, dict(signals) == before, "decide changes the signals")
        _require(
            rules, rules.decide(signals) == verdicts, f"decide differs from call to call: {signals}"
        )
        checked = (bound.check(rules.name, signals[bound.signal]) for bound in rules.bounds)
        expected = [verdict for verdict in checked if verdict is not None]
        _require(
            rules,
            [_without_detail(verdict) for verdict in verdicts] == expected,
            f"decide does not follow the bounds: {verdicts}, expected {expected}",
        )


def _at_the_bounds(rules: Filter, signals: Signals) -> Iterator[Signals]:
    """``signals`` with one of them on each limit, a step to either side, and unmeasurable."""
    for bound in rules.bounds:
        for limit in (bound.low, bound.high):
            if limit is not None:
                for value in (math.nextafter(limit, -math.inf), math.nextafter(limit, math.inf)):
                    yield {**signals, bound.signal: value}
                yield {**signals, bound.signal: float(limit)}
        yield {**signals, bound.signal: None}


def _without_detail(verdict: Verdict) -> Verdict:
    return dataclasses.replace(verdict, detail=None)


def _check_adapters(rules: Filter) -> None:
    """The same rows in every kind of container, against the list of documents."""
    docs = [doc for doc in odd_documents() if len(doc.text) + len(doc.url) < 100_000]
    for index, result in enumerate(rules([doc.text for doc in docs])):
        alone = rules(docs[index].text)
        _require(
            rules, alone == result, f"a string and a list of it differ on {describe(docs[index])}"
        )

    results = rules(docs)
    rows = {"text": [doc.text for doc in docs], "url": [doc.url for doc in docs]}
    _compare(rules, "a mapping of lists", rules(rows), _columns(rules, results))
    _keeps(rules, "a mapping of lists", rules.keep(rows), results)
    arrays = {name: np.array(values, dtype=object) for name, values in rows.items()}
    _compare(
        rules,
        "a mapping of NumPy arrays",
        {name: values.tolist() for name, values in rules(arrays).items()},
        _columns(rules, results),
    )
    for index, doc in enumerate(docs):
        row = rules({"text": doc.text, "url": doc.url})
        expected = {name: values[index] for name, values in _columns(rules, results).items()}
        _compare(rules, "a single row", row, expected)
    if find_spec("pandas"):
        pandas = import_module("pandas")
        frame = rules(pandas.DataFrame(rows, dtype=object, index=range(7, 7 + len(docs))))
        found = {name: frame[name].tolist() for name in frame.columns}
        _compare(rules, "a pandas frame", found, _columns(rules, results))

    # Arrow holds valid Unicode only.
    valid = [doc for doc in docs if _is_valid(doc.text) and _is_valid(doc.url)]
    results = rules(valid)
    rows = {"text": [doc.text for doc in valid], "url": [doc.url for doc in valid]}
    expected = _columns(rules, results)
    table = pa.table(rows)
    chunked = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    for kind, data in (
        ("an Arrow table", chunked),
        ("an Arrow record batch", pa.RecordBatch.from_pydict(rows)),
        ("an empty Arrow table", table.slice(0, 0)),
    ):
        empty = data.num_rows == 0
        found = rules(data).to_pydict()
        wanted = {name: [] for name in expected} if empty else expected
        _compare(rules, kind, found, wanted)
        _keeps(rules, kind, rules.keep(data), [] if empty else results)


def _is_valid(text: str) -> bool:
    return not re.search("[\ud800-\udfff]", text)


def _columns(rules: Filter, results: Sequence[Result]) -> dict[str, list[Any]]:
    """The columns that `pipeline.filters.adapters` promises."""
    columns: dict[str, list[Any]] = {
        f"{rules.name}.{signal.name}": [result.signals[signal.name] for result in results]
        for signal in rules.signals
    }
    columns[f"{rules.name}.keep"] = [result.keep for result in results]
    columns[f"{rules.name}.reasons"] = [
        ";".join(verdict.reason for verdict in result.verdicts) for result in results
    ]
    return columns


def _compare(rules: Filter, kind: str, found: Any, expected: dict[str, Any]) -> None:
    for name, values in expected.items():
        _require(
            rules,
            name in found and found[name] == values,
            f"{kind} gives another {name} than a list: {found.get(name)!r}, expected {values!r}",
        )


def _keeps(rules: Filter, kind: str, found: Any, results: Sequence[Result]) -> None:
    expected = [result.keep for result in results]
    _require(rules, found == expected, f"keep() on {kind} gives {found}, expected {expected}")

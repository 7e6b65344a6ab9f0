"""Every built-in filter keeps its promises, and `check_filter` notices each one that is broken."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipeline.core.decisions import Bound, Signal, SignalValue, Verdict
from pipeline.core.errors import ConfigError, GristmillError, ModelError
from pipeline.core.records import Document
from pipeline.filters import FILTERS, Filter, check_filter
from pipeline.filters.base import Signals
from pipeline.filters.check import FilterCheckError
from pipeline.filters.odd_documents import odd_documents

BUILT_IN = (
    *("url", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb"),
    *("quality", "toxicity", "relevance"),
)
NEEDED = {"relevance": {"model": "software"}}


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_filters_keep_every_promise(name: str) -> None:
    check_filter(FILTERS.get(name)(**NEEDED.get(name, {})))


def test_all_built_in_filters_are_here() -> None:
    assert set(BUILT_IN) <= set(FILTERS.names())
    assert [FILTERS.get(name).name for name in BUILT_IN] == list(BUILT_IN)


def test_filters_with_other_parameters_keep_them_too(tmp_path: Path) -> None:
    (tmp_path / "domains").write_text("example.com\nexample.org\n")
    (tmp_path / "banned_words.txt").write_text("path\npage\n")
    url = FILTERS.get("url")
    check_filter(
        url(
            domain_lists=(str(tmp_path),),
            word_lists=str(tmp_path),
            banned_subwords=("aaaa",),
            bounds={"banned_words": {"high": 1}, "url_listed": None},
        )
    )
    check_filter(FILTERS.get("language")(languages=("de", "ja"), characters=100))
    check_filter(FILTERS.get("quality")(keep_top="10%"))
    check_filter(FILTERS.get("quality")(target="precision=0.9", characters=500))
    check_filter(FILTERS.get("toxicity")(action="tag"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Length(Filter):
    """A sound filter, which the broken ones below derive from."""

    name: ClassVar[str] = "length"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("characters", "characters in the text"),
        Signal("first", "the first character", kind="text"),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (Bound("characters", low=1, high=1000),)

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {
            "characters": float(len(doc.text)),
            "first": doc.text[:1].encode("utf-8", "replace").decode(),
        }


def test_a_sound_plugin_passes() -> None:
    check_filter(Length())
    check_filter(Length(bounds={"characters": None}))


class NameWithCapitals(Length):
    name = "Length"


class NoVersion(Length):
    version = 0


class ReadsMeta(Length):
    reads = frozenset({"meta"})


class TwiceDeclared(Length):
    signals = (Length.signals[0], *Length.signals)


class KeepAsSignal(Length):
    signals = (*Length.signals, Signal("keep", "taken"))


class Undocumented(Length):
    signals = (Signal("characters", ""), Length.signals[1])


class NotADataclass(Length):
    """Inherits being one, and so loses its own fields."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldsAList(Length):
    words: Any = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldsAFunction(Length):
    words: Any = dataclasses.field(default_factory=lambda: lambda: None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldsAMegabyte(Length):
    words: str = "a" * 1_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldsBytes(Length):
    words: bytes = b"a"


@dataclasses.dataclass(frozen=True, kw_only=True)
class HoldsMore(Length):
    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "loaded", 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Remembers(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        object.__setattr__(self, "last", doc.text)
        return super().measure(doc)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FailsOnEmpty(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {"characters": float(len(doc.text)), "first": doc.text[0]}


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeavesOut(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {"characters": float(len(doc.text))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CountsWhole(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {**super().measure(doc), "characters": len(doc.text)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SaysNone(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {**super().measure(doc), "first": None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NotANumber(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        length = len(doc.text)
        return {**super().measure(doc), "characters": length / length if length else float("nan")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutOfRange(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {**super().measure(doc), "characters": -1.0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surrogates(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {**super().measure(doc), "first": doc.text[:1]}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edits(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        doc.text = doc.text.strip()
        return super().measure(doc)


_CALLS = itertools.count()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counts(Length):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {**super().measure(doc), "characters": float(next(_CALLS))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchDiffers(Length):
    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        longest = max((len(doc.text) for doc in docs), default=0)
        return [{**self.measure(doc), "characters": float(longest)} for doc in docs]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchLeavesOut(Length):
    def measure_batch(self, docs: Sequence[Document]) -> list[dict[str, SignalValue]]:
        return [self.measure(doc) for doc in docs if doc.text]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DropsAtRandom(Length):
    def decide(self, signals: Signals) -> list[Verdict]:
        return super().decide(signals) if next(_CALLS) % 2 else []


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnThreshold(Length):
    def decide(self, signals: Signals) -> list[Verdict]:
        return [Verdict(False, "length.characters.low", 0.0, 7.0)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FirstReasonOnly(Length):
    default_bounds = (Bound("characters", low=1, high=1000), Bound("more", low=1))
    signals = (*Length.signals, Signal("more", "the same again"))

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {**super().measure(doc), "more": float(len(doc.text))}

    def decide(self, signals: Signals) -> list[Verdict]:
        return super().decide(signals)[:1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnFrame(Length):
    def __call__(self, data: Any, **columns: Any) -> Any:
        result = super().__call__(data, **columns)
        if isinstance(data, dict) and isinstance(data["text"], list):
            result["length.keep"] = [True] * len(data["text"])
        return result


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (NameWithCapitals, "name must be"),
        (NoVersion, "version must be"),
        (ReadsMeta, "reads must be"),
        (TwiceDeclared, "declared twice"),
        (KeepAsSignal, "needs another name"),
        (Undocumented, "says nothing of itself"),
        (NotADataclass, "must be decorated"),
        (HoldsAList, "cannot be hashed"),
        (HoldsAFunction, "cannot be pickled"),
        (HoldsAMegabyte, "hold the path of what is large"),
        (HoldsBytes, "plain values"),
        (HoldsMore, "no parameters of its own"),
        (Remembers, "keeps state"),
        (FailsOnEmpty, "measure fails on text '', url '': IndexError"),
        (LeavesOut, "measure gives signals"),
        (CountsWhole, "a number must be a float"),
        (SaysNone, "a label must be a str"),
        (NotANumber, "must be finite"),
        (OutOfRange, "outside its range of 0 to inf"),
        (Surrogates, "valid Unicode"),
        (Edits, "measure changes the document"),
        (Counts, "different signals each time"),
        (BatchDiffers, "measure_batch differs from measure"),
        (BatchLeavesOut, "results for 21 documents"),
        (DropsAtRandom, "decide differs from call to call"),
        (OwnThreshold, "decide does not follow the bounds"),
        (FirstReasonOnly, "decide does not follow the bounds"),
        (OwnFrame, r"a mapping of lists gives another length\.keep than a list"),
    ],
)
def test_a_broken_promise_is_named(broken: type[Filter], message: str) -> None:
    with pytest.raises(FilterCheckError, match=message) as caught:
        check_filter(broken())
    assert str(caught.value).startswith(broken.__name__)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, GristmillError)


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(FilterCheckError, match="no instance"):
        check_filter(Length)  # type: ignore[arg-type]


def test_a_missing_model_is_no_broken_promise(tmp_path: Path) -> None:
    language = FILTERS.get("language")(model=str(tmp_path / "nowhere.ftz"))
    with pytest.raises(ModelError, match=r"nowhere\.ftz"):
        check_filter(language)


def test_odd_documents_are_new_each_time() -> None:
    first, second = odd_documents(), odd_documents()
    assert first == second
    assert all(one is not other for one, other in zip(first, second, strict=True))


class TestBounds:
    def test_overrides_merge_by_signal(self) -> None:
        assert Length(bounds={"characters": {"low": 5}}).bounds == (
            Bound("characters", low=5, high=1000),
        )
        assert Length(bounds=[Bound("characters", low=5)]).bounds == (Bound("characters", low=5),)

    def test_a_list_of_bounds_leaves_the_other_rules_on(self) -> None:
        rules = FirstReasonOnly(bounds=[Bound("more", low=3)])
        assert rules.bounds == (Bound("characters", low=1, high=1000), Bound("more", low=3))

    def test_a_rule_switched_off_stays_off_in_copies(self) -> None:
        off = Length(bounds={"characters": None})
        assert off.keep("")
        assert dataclasses.replace(off).keep("")
        assert off.with_bounds({}).keep("")
        assert pickle.loads(pickle.dumps(off)).keep("")
        assert not off.with_bounds({"characters": {"low": 1}}).keep("")

    @pytest.mark.parametrize(
        "bounds",
        [
            {"words": {"low": 1}},
            {"characters": {"min": 1}},
            {"characters": {"low": 9, "high": 1}},
            {"characters": {"low": -1}},
            {"characters": {"low": "1"}},
            {"characters": {"low": True}},
            {"characters": 5},
            {"first": {"low": 1}},
        ],
    )
    def test_impossible_bounds_are_refused(self, bounds: Any) -> None:
        with pytest.raises(ConfigError, match="length"):
            Length(bounds=bounds)

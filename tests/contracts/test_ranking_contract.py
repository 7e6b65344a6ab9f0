"""`check_filter` notices each promise about ranking and tags that a filter breaks."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest

from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.records import Document
from pipeline.filters import Filter, check_filter
from pipeline.filters.base import TOP, Ranking
from pipeline.filters.check import FilterCheckError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Best(Filter):
    """A sound filter, which the broken ones below derive from."""

    name: ClassVar[str] = "best"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("score", "characters"),
        Signal("kind", "a label", kind="text"),
        Signal(TOP, "rank over documents", maximum=1.0),
    )
    share: float = dataclasses.field(default=0.1, metadata={"decides": True})

    def published_bounds(self) -> tuple[Bound, ...]:
        return (Bound(TOP, high=self.share),)

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {"score": float(len(doc.text)), "kind": "text", TOP: 0.0}

    def ranking(self) -> Ranking | None:
        return Ranking("score", self.share)

    def tags(self) -> tuple[str, ...]:
        return ("kind", "score")


def test_a_sound_one_passes() -> None:
    for share in (1e-6, 0.1, 1.0):
        check_filter(Best(share=share))
    assert Best().check("any text").keep


class AnotherKind(Best):
    def ranking(self) -> Any:
        return ("score", 0.1)


class UnknownSignal(Best):
    def ranking(self) -> Ranking:
        return Ranking("scores", self.share)


class ByALabel(Best):
    def ranking(self) -> Ranking:
        return Ranking("kind", self.share)


class ByItself(Best):
    def ranking(self) -> Ranking:
        return Ranking(TOP, self.share)


class NoTop(Best):
    signals = Best.signals[:2]

    def published_bounds(self) -> tuple[Bound, ...]:
        return ()

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {"score": 0.0, "kind": "text"}


class EndlessTop(Best):
    signals = (*Best.signals[:2], Signal(TOP, "rank"))


class ReadsTheUrl(Best):
    reads = frozenset({"url"})


class NoBound(Best):
    def published_bounds(self) -> tuple[Bound, ...]:
        return ()


class AnotherBound(Best):
    def published_bounds(self) -> tuple[Bound, ...]:
        return (Bound(TOP, high=0.2),)


class AllOrNothing(Best):
    def ranking(self) -> Any:
        return Ranking("score", 1)


class Nothing(Best):
    def published_bounds(self) -> tuple[Bound, ...]:
        return (Bound(TOP, high=0.0),)

    def ranking(self) -> Ranking:
        return Ranking("score", 0.0)


class RanksByItself(Best):
    def measure(self, doc: Document) -> dict[str, SignalValue]:
        return {**super().measure(doc), TOP: 0.05}


class UnrankedTop(RanksByItself):
    def published_bounds(self) -> tuple[Bound, ...]:
        return ()

    def ranking(self) -> None:
        return None


class UnknownTag(Best):
    def tags(self) -> tuple[str, ...]:
        return ("score", "scores")


class TwiceTagged(Best):
    def tags(self) -> tuple[str, ...]:
        return ("score", "score")


class ListOfTags(Best):
    def tags(self) -> Any:
        return ["score"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (AnotherKind, "must be a Ranking or None"),
        (UnknownSignal, "ranks by 'scores', which is no number"),
        (ByALabel, "ranks by 'kind', which is no number"),
        (ByItself, "ranks by 'top', which is no number"),
        (NoTop, "declares no number 'top' between 0 and 1"),
        (EndlessTop, "declares no number 'top' between 0 and 1"),
        (ReadsTheUrl, "by their URL alone"),
        (NoBound, "keeps 0.1, and the bounds on 'top' are"),
        (AnotherBound, "keeps 0.1, and the bounds on 'top' are"),
        (AllOrNothing, "a float above 0 and at most 1, not 1"),
        (Nothing, "a float above 0 and at most 1, not 0.0"),
        (RanksByItself, "top = 0.05 .* ranks are a run's to give"),
        (UnrankedTop, "top = 0.05 .* ranks are a run's to give"),
        (UnknownTag, "a tuple of declared signals, each once"),
        (TwiceTagged, "a tuple of declared signals, each once"),
        (ListOfTags, "a tuple of declared signals, each once"),
    ],
)
def test_a_broken_promise_is_noticed(broken: type[Filter], message: str) -> None:
    dataclasses.dataclass(frozen=True, kw_only=True)(broken)
    with pytest.raises(FilterCheckError, match=message) as caught:
        check_filter(broken())
    assert str(caught.value).startswith(broken.__name__)

"""Documents in, findings out: the tiers of an audit, one after another, over a batch of documents.

1. Lexical: n-grams propose places (`audits.lexical.tier`).
2. Semantic: passages that pass the pre-screen are embedded, and their nearest items proposed.
3. Verification: each candidate is weighed and becomes a verdict (`audits.verify.verdicts`). Of those
   that are neither copies nor clear a judge may be asked (`audits.verify.judge`).
4. Documents in other languages are glossed and verified apart (`audits.translation.tier`).

No candidate of the first tier needs the second: a model of paraphrase never vetoes a copy.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from audits.candidates import OVERLAP, Candidate, Encode, Proposer, overlap
from audits.findings import Finding, Kind
from audits.index import StoredIndex
from audits.lexical.boilerplate import Suppression
from audits.semantic.passages import passages
from audits.semantic.stored_vectors import StoredVectors
from audits.settings import AuditSettings, Judge
from audits.translation.tier import LEAST, Translated, foreign, translated
from audits.verify.judge import Unsure, opinions
from audits.verify.known import KnownItems, statement
from audits.verify.reading import Reader
from audits.verify.verdicts import Verdict, verdict
from audits.verify.verifier import Verifier
from audits.verify.weighing import Weighed, weigh
from classifiers.embed import Encoder

__all__ = ["Examined", "Examiner", "Row", "suppressed"]

_AT_ONCE = 256  # passages weighed together
_BESIDE = 300  # characters before and behind a place that a judge reads with it
_CONTROLS = 16  # items, spread over the index, of which the furthest is a judge's control


class Row(Protocol):
    """A document of the corpus."""

    id: str
    text: str | None
    url: str


@dataclasses.dataclass
class Examined:
    """What became of a batch of documents.

    Args:
        findings: by document, in order, then by place.
        tally: ``documents``, ``characters``, ``passages``, ``embedded``, ``lexical_hits``,
            ``candidates``, ``outdone`` (places where another item fits better); ``reused``, where
            vectors were stored: those of the embedded passages that had one; ``judged`` and
            ``no_opinion``, where a judge was asked.
        lost_by: hits that suppression cost, by number of the n-gram.
    """

    findings: list[Finding] = dataclasses.field(default_factory=list)
    tally: Counter[str] = dataclasses.field(default_factory=Counter)
    lost_by: Counter[int] = dataclasses.field(default_factory=Counter)


@dataclasses.dataclass(frozen=True, slots=True)
class _Placed:
    """A verdict on a place of a document, and what a judge is asked before it stands."""

    start: int
    end: int
    item: int
    cosine: float
    judged: Verdict
    unsure: Unsure | None = None


class Examiner:
    """Examines documents. Makes no use of what it saw before: a document's findings are its own.

    Args:
        folder: of the stored index.
        settings: how.
        counts: ``int64[n-grams]``, documents of the corpus with each, from `count`.
        documents: how many were counted.

    Raises:
        SourceError, ModelError: see `StoredIndex.load`.
    """

    def __init__(
        self,
        folder: Path,
        settings: AuditSettings,
        counts: npt.NDArray[np.int64] | None = None,
        documents: int = 0,
    ):
        self.index = StoredIndex.load(folder, settings.encoder)
        self.settings = settings
        self._proposer = Proposer(self.index, settings, counts, documents)
        # Evidence is trained on this encoder's vectors, whichever one proposes.
        self._reader = Reader(Encoder(dtype="bfloat16", device=settings.encoder.device))
        self._known = KnownItems(self.index.items, self._reader, self.index.neighbours)
        self._english = settings.encoder.model is None  # glosses are read by the packaged encoder

    def threshold(self, benchmark: str) -> float:
        """Least probability of a leak of this benchmark's items."""
        usual = self._usual[benchmark in self._with_passage]
        return self.settings.thresholds.get(benchmark, usual)

    @functools.cached_property
    def _usual(self) -> tuple[float, float]:
        """Without and with a passage."""
        rate, verifier = self.settings.false_positive_rate, Verifier.load()
        return verifier.threshold(rate), verifier.threshold(rate, passage=True)

    @functools.cached_property
    def _with_passage(self) -> frozenset[str]:
        return frozenset(item.benchmark for item in self.index.items if item.passage)

    def examine(self, rows: Sequence[Row], vectors: StoredVectors | None = None) -> Examined:
        """Find what these documents leak.

        Args:
            rows: documents; one without a text has no findings.
            vectors: encodes passages, where some were embedded before.

        Raises:
            ModelError: see `classifiers.embed.Encoder.encode`.
        """
        found = Examined()
        texts = [row.text or "" for row in rows]
        found.tally.update(documents=len(rows), characters=sum(map(len, texts)))
        if not self.index.items:
            return found
        encode = self.settings.encoder.encode if vectors is None else vectors.encode
        placed: dict[int, list[_Placed]] = defaultdict(list)
        stored = 0 if vectors is None else vectors.reused
        proposed = self._proposer.propose(texts, encode)
        found.tally.update(proposed.tally)
        found.lost_by.update(proposed.lost_by)
        if vectors is not None:
            found.tally["reused"] += vectors.reused - stored
        for some, weighed in self._weighed(proposed.candidates):
            self._judge(some, weighed, placed)
        if self.settings.judge is not None:
            self._second_opinions(self.settings.judge, placed, found.tally)
        for one in self._translations(texts, encode, found):
            item = self.index.items[one.item]
            limit = self.settings.thresholds.get(item.benchmark, LEAST)
            leaks = one.probability >= limit
            if one.probability >= self.settings.floor:
                kind = Kind.TRANSLATION if leaks else Kind.SAME_TOPIC
                judged = Verdict(kind, one.probability, False, one.evidence)
                placed[one.row].append(_Placed(one.start, one.end, one.item, one.cosine, judged))
        for at in sorted(placed):
            found.findings += self._findings(rows[at], placed[at], found.tally)
        return found

    def weighed(self, texts: Sequence[str]) -> Iterator[tuple[int, list[Weighed]]]:
        """Number of a text, and the candidates of a place of it: what verdicts are made from."""
        proposed = self._proposer.propose(texts, self.settings.encoder.encode)
        for some, weighed in self._weighed(proposed.candidates):
            yield from ((one.row, row) for one, row in zip(some, weighed, strict=True))

    # --- tiers ---------------------------------------------------------------------------------

    def _weighed(
        self, candidates: Sequence[Candidate]
    ) -> Iterator[tuple[Sequence[Candidate], list[list[Weighed]]]]:
        for start in range(0, len(candidates), _AT_ONCE):
            some = candidates[start : start + _AT_ONCE]
            yield (
                some,
                weigh(
                    self._known,
                    self._reader,
                    [(one.text, one.items) for one in some],
                    rivals=[one.rivals for one in some],
                ),
            )

    def _translations(
        self, texts: Sequence[str], encode: Encode, found: Examined
    ) -> list[Translated]:
        """Of texts in other languages; an encoder that knows those proposes by itself."""
        spoken = foreign(texts) if self._english else {}
        passed = [
            (at, one, texts[at][one.start : one.end], language)
            for at, language in spoken.items()
            for one in passages(texts[at], words=self.settings.words, short=False)
        ]
        most = self.settings.candidates
        return translated(self.index, encode, passed, most=most, tally=found.tally)

    # --- verdicts ------------------------------------------------------------------------------

    def _judge(
        self,
        candidates: Sequence[Candidate],
        weighed: Sequence[Sequence[Weighed]],
        placed: dict[int, list[_Placed]],
    ) -> None:
        every = [one for row in weighed for one in row]
        odds = Verifier.load().probabilities([one.figures for one in every])
        both = iter(zip(odds["restated"].tolist(), odds["explained"].tolist(), strict=True))
        for candidate, row in zip(candidates, weighed, strict=True):
            for one in row:
                restated, explained = next(both)
                item = self.index.items[one.item]
                judged = verdict(one, item, restated, explained, self.threshold(item.benchmark))
                unsure = None
                asked = self.settings.judge is not None
                if asked and judged.probability >= self.settings.floor:
                    limit = math.inf if judged.kind.leak else 0.0
                    other = verdict(one, item, restated, explained, limit)
                    unsure = self._unsure(candidate, one, judged, other)
                if judged.probability >= self.settings.floor or judged.kind is Kind.ALTERED:
                    start = candidate.start + one.start
                    end = candidate.start + one.end
                    placed[candidate.row].append(
                        _Placed(start, end, one.item, one.figures["cosine"], judged, unsure)
                    )

    def _unsure(
        self, candidate: Candidate, one: Weighed, judged: Verdict, other: Verdict
    ) -> Unsure | None:
        """What a judge is to be asked; None for what is clear, or where no item can be a control."""
        items, vectors = self.index.items, np.asarray(self.index.vectors)
        there = (one.item, *candidate.items, *candidate.rivals)
        said = {statement(items[number]) for number in there}
        spread = np.unique(np.linspace(0, len(items) - 1, _CONTROLS).round().astype(np.int64))
        free = [at for at in spread.tolist() if statement(items[at]) not in said]
        if not free:
            return None
        furthest = free[int(np.argmin(vectors[free] @ vectors[one.item]))]
        passage = candidate.text[max(0, one.start - _BESIDE) : one.end + _BESIDE]
        return Unsure.of(judged, other, items[one.item], passage, items[furthest])

    def _second_opinions(
        self, judge: Judge, placed: dict[int, list[_Placed]], tally: Counter[str]
    ) -> None:
        """Ask about each place and item that is unsure, once, and weigh in what is said."""
        every = [(at, one) for at, some in placed.items() for one in _once(some)]
        heard = iter(opinions(judge, [one.unsure for _, one in every if one.unsure is not None]))
        placed.clear()
        for at, one in every:
            if one.unsure is not None:
                opinion = next(heard)
                tally.update(judged=1, no_opinion=int(opinion is None))
                limit = self.threshold(self.index.items[one.item].benchmark)
                judged = one.unsure.decided(opinion, limit)
                if judged.probability < self.settings.floor:
                    continue
                one = dataclasses.replace(one, judged=judged)
            placed[at].append(one)

    def _findings(
        self,
        row: Row,
        placed: Sequence[_Placed],
        tally: Counter[str],
    ) -> list[Finding]:
        """One finding for each place of an item, and for each place the item that fits it best."""
        kept: list[_Placed] = []
        for one in _best_first(_whole(placed)):
            rivals = [
                other
                for other in kept
                if overlap(one.start, one.end, other.start, other.end) >= OVERLAP
            ]
            if any(other.item == one.item for other in rivals):
                continue  # the same place, cut otherwise
            said = statement(self.index.items[one.item])
            twin = any(statement(self.index.items[other.item]) == said for other in rivals)
            if rivals and one.judged.kind is not Kind.VERBATIM and not twin:
                tally["outdone"] += 1
                continue
            kept.append(one)
        findings = []
        for one in sorted(kept, key=lambda one: (one.start, one.end, one.item)):
            item, judged = self.index.items[one.item], one.judged
            findings.append(
                Finding(
                    benchmark=item.benchmark,
                    item=item.id,
                    document=row.id,
                    url=row.url,
                    start=one.start,
                    end=one.end,
                    type=judged.kind,
                    probability=judged.probability,
                    leak=judged.kind.leak,
                    answer=judged.answer,
                    evidence=judged.evidence,
                )
            )
        return findings


def suppressed(
    folder: Path,
    counts: npt.NDArray[np.int64],
    documents: int,
    lost_by: Mapping[int, int],
) -> list[dict[str, Any]]:
    """What was taken for boilerplate of the corpus: ``words``, ``documents``, ``hits`` it cost."""
    index = StoredIndex.load(folder)
    learned = Suppression.learn(index.lexical.ngrams, counts, documents)
    words = index.lexical.shown(learned.ngrams, index.items)
    return [
        {"words": row["ngram"], "documents": row["documents"], "hits": row["hits_lost"]}
        for row in learned.rows(words, dict(lost_by))
    ]


def _best_first(placed: Sequence[_Placed]) -> list[_Placed]:
    return sorted(
        placed, key=lambda one: (-one.judged.probability, -one.cosine, one.start, one.end)
    )


def _whole(placed: Sequence[_Placed]) -> list[_Placed]:
    """Without parts of what is said word for word, which may be as likely leaks of that item."""
    verbatim = [one for one in placed if one.judged.kind is Kind.VERBATIM]
    return [
        one
        for one in placed
        if one.judged.kind is Kind.VERBATIM
        or not any(
            one.item == other.item
            and overlap(one.start, one.end, other.start, other.end) >= OVERLAP
            for other in verbatim
        )
    ]


def _once(placed: Sequence[_Placed]) -> list[_Placed]:
    """Without what is unsure and the same place of the same item as a better one, cut otherwise."""
    kept: list[_Placed] = []
    for one in _best_first(placed):
        same = (
            other.item == one.item
            and overlap(one.start, one.end, other.start, other.end) >= OVERLAP
            for other in kept
        )
        if one.unsure is None or not any(same):
            kept.append(one)
    return kept

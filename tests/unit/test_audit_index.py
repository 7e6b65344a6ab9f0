"""The stored index: what is kept, made anew, refused, and named when it is missing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("faiss", reason="the index needs faiss: pip install 'gristmill[audit]'")

from audits.index import StoredIndex, build_index, load_items, nearest_items, neighbours
from audits.items import Benchmark, Item
from audits.settings import AuditSettings
from audits.verify.known import statement
from classifiers.embed import Encoder
from pipeline.core.errors import ConfigError, ModelError, SourceError

Vectors = npt.NDArray[np.float32]

encoded: list[str] = []


class Fake(Encoder):
    """Gives every text a vector of its own; the model's name has its dimension."""

    @property
    def dimension(self) -> int:
        return int(str(self.model).rpartition("-")[2])

    def model_sha256(self) -> str:
        return hashlib.sha256(str(self.model).encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> Vectors:
        encoded.extend(texts)
        rows = [
            np.random.default_rng(zlib.crc32(text.encode("utf-8", "replace"))).normal(
                size=self.dimension
            )
            for text in texts
        ]
        unit = [row / np.linalg.norm(row) for row in rows]
        return np.array(unit, np.float32).reshape(-1, self.dimension)


@pytest.fixture(autouse=True)
def _nothing_encoded() -> None:
    encoded.clear()


def benchmark(name: str, *questions: str, sha256: str | None = None, **more: Any) -> Benchmark:
    items = tuple(
        Item(name, f"{name}-{at}", question, ("yes", "no"), "yes", subject="mills")
        for at, question in enumerate(questions)
    )
    made_of = hashlib.sha256("\n".join(questions).encode("utf-8", "replace")).hexdigest()
    return Benchmark(name, items, "here", sha256=made_of if sha256 is None else sha256, **more)


QUESTIONS = (
    "How many sacks of barley does the miller of Ansbach keep in a year?",
    "Which gear of the mill turns the upper stone against the lower one?",
    "Why does an overshot wheel waste less water than an undershot one?",
    "Name the toll that the miller took of each sack in that valley.",
)
MILLS = benchmark("mills", *QUESTIONS)
DAMS = benchmark("dams", "How is the sluice of a dam opened when the river rises at night?")
SETTINGS = AuditSettings(encoder=Fake("fake-8"))
OTHER = AuditSettings(encoder=Fake("other-8"))
WIDER = AuditSettings(encoder=Fake("wider-12"))


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file was written, and which it is."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in folder.rglob("*")
    }


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


class TestBuild:
    def test_what_it_holds(self, tmp_path: Path) -> None:
        folder = tmp_path / "a" / "index"
        faulty = dataclasses.replace(DAMS, revision="abc", faults=("row 3: no question",))
        header = build_index([MILLS, faulty], folder, SETTINGS)
        assert json.loads((folder / "index.json").read_text()) == header
        assert (header["items"], header["dimension"]) == (5, 8)
        assert header["encoder"] == {
            "name": "fake-8", "sha256": SETTINGS.encoder.model_sha256(), "dtype": "float32"
        }  # fmt: skip
        assert list(header["benchmarks"]) == ["mills", "dams"]
        assert header["benchmarks"]["dams"] == {
            "items": 1, "source": "here", "revision": "abc", "sha256": DAMS.sha256,
            "faults": ["row 3: no question"],
        }  # fmt: skip
        stored = StoredIndex.load(folder, SETTINGS.encoder)
        assert stored.items == load_items(folder) == [*MILLS.items, *DAMS.items]
        assert stored.header == header
        assert np.array_equal(
            stored.vectors, SETTINGS.encoder.encode([statement(item) for item in stored.items])
        )
        assert stored.neighbours.shape == (5, 3)
        assert stored.lexical.items == 5
        assert len(stored.lexical) > 0

    def test_all_fields_of_an_item_are_kept(self, tmp_path: Path) -> None:
        item = Item("b", "ä", "q\n\r\u2028?", ("", "z"), "a", "s\0", "p", "sub", "py")
        build_index([Benchmark("b", (item,), "here")], tmp_path, SETTINGS)
        assert load_items(tmp_path) == [item]

    def test_lone_surrogates_become_what_a_file_can_hold(self, tmp_path: Path) -> None:
        build_index([benchmark("b\ud800", "The mill \ud800 stands.")], tmp_path, SETTINGS)
        (item,) = load_items(tmp_path)
        assert (item.benchmark, item.question) == ("b\ufffd", "The mill \ufffd stands.")

    def test_equal_arguments_give_equal_files(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            build_index([MILLS, DAMS], tmp_path / name, SETTINGS)
        assert digests(tmp_path / "a") == digests(tmp_path / "b")

    @pytest.mark.parametrize("empty", [[], [benchmark("none")]])
    def test_benchmarks_without_items(self, tmp_path: Path, empty: list[Benchmark]) -> None:
        header = build_index(empty, tmp_path, SETTINGS)
        assert (header["items"], header["dimension"]) == (0, 0)
        stored = StoredIndex.load(tmp_path, SETTINGS.encoder)
        assert stored.items == []
        assert stored.vectors.shape == (0, 8)
        assert stored.neighbours.shape == (0, 3)
        assert len(stored.lexical) == 0
        before = stamps(tmp_path)
        assert build_index(empty, tmp_path, SETTINGS) == header
        assert stamps(tmp_path) == before
        StoredIndex.load(tmp_path, WIDER.encoder)  # it has no vector that another could not use
        assert build_index([MILLS], tmp_path, WIDER)["dimension"] == 12

    def test_an_empty_benchmark_beside_others(self, tmp_path: Path) -> None:
        build_index([benchmark("none"), MILLS], tmp_path, SETTINGS)
        assert len(StoredIndex.load(tmp_path).items) == 4


class TestAgain:
    def test_an_equal_one_is_left_as_it_is(self, tmp_path: Path) -> None:
        header = build_index([MILLS, DAMS], tmp_path, SETTINGS)
        before = stamps(tmp_path)
        encoded.clear()
        for settings in (SETTINGS, dataclasses.replace(SETTINGS, candidates=7, floor=0.2)):
            assert build_index([MILLS, DAMS], tmp_path, settings) == header
        assert stamps(tmp_path) == before
        assert encoded == []

    def test_a_new_benchmark_costs_its_own_vectors(self, tmp_path: Path) -> None:
        build_index([MILLS], tmp_path / "grown", SETTINGS)
        kept = StoredIndex.load(tmp_path / "grown").vectors[:].copy()
        encoded.clear()
        build_index([DAMS, MILLS], tmp_path / "grown", SETTINGS)
        assert encoded == [DAMS.items[0].question]
        assert np.array_equal(StoredIndex.load(tmp_path / "grown").vectors[1:], kept)
        build_index([DAMS, MILLS], tmp_path / "fresh", SETTINGS)
        assert digests(tmp_path / "grown") == digests(tmp_path / "fresh")

    def test_a_benchmark_that_goes_costs_nothing(self, tmp_path: Path) -> None:
        build_index([MILLS, DAMS], tmp_path / "less", SETTINGS)
        encoded.clear()
        build_index([DAMS], tmp_path / "less", SETTINGS)
        assert encoded == []
        build_index([DAMS], tmp_path / "fresh", SETTINGS)
        assert digests(tmp_path / "less") == digests(tmp_path / "fresh")

    def test_equal_texts_are_encoded_once(self, tmp_path: Path) -> None:
        build_index([benchmark("a", *QUESTIONS), benchmark("b", *QUESTIONS)], tmp_path, SETTINGS)
        assert sorted(encoded) == sorted(QUESTIONS)

    def test_a_changed_benchmark_is_another(self, tmp_path: Path) -> None:
        first = build_index([MILLS], tmp_path, SETTINGS)["fingerprint"]
        changed = benchmark("mills", *QUESTIONS[:3], "What is a wallower in the gears of a mill?")
        second = build_index([changed], tmp_path, SETTINGS)["fingerprint"]
        assert first != second
        assert load_items(tmp_path) == [*changed.items]
        assert encoded[len(QUESTIONS) :] == [changed.items[3].question]

    def test_so_is_one_that_brings_no_sum(self, tmp_path: Path) -> None:
        for questions in (QUESTIONS, QUESTIONS[::-1]):
            given = benchmark("mills", *questions, sha256="")
            build_index([given], tmp_path, SETTINGS)
            assert load_items(tmp_path) == [*given.items]

    def test_other_numbers_of_the_same_encoder_are_made_anew(self, tmp_path: Path) -> None:
        build_index([MILLS], tmp_path, SETTINGS)
        encoded.clear()
        build_index([MILLS], tmp_path, AuditSettings(encoder=Fake("fake-8", dtype="bfloat16")))
        assert len(encoded) == 4

    def test_an_index_of_other_rules_is_made_anew(self, tmp_path: Path) -> None:
        header = build_index([MILLS], tmp_path, SETTINGS)
        (tmp_path / "index.json").write_text(json.dumps(header | {"version": -1}))
        with pytest.raises(SourceError, match="no benchmark index is here"):
            StoredIndex.load(tmp_path)
        encoded.clear()
        assert build_index([MILLS], tmp_path, SETTINGS) == header
        assert len(encoded) == 4

    @pytest.mark.parametrize("gone", ["vectors.npy", "neighbours.npy", "items.parquet", "lexical"])
    def test_what_is_missing_is_made_again(self, tmp_path: Path, gone: str) -> None:
        header = build_index([MILLS], tmp_path, SETTINGS)
        before = digests(tmp_path)
        (tmp_path / gone).rename(tmp_path.parent / f"{tmp_path.name}-{gone}")
        assert build_index([MILLS], tmp_path, SETTINGS) == header
        assert digests(tmp_path) == before

    def test_a_crash_leaves_no_index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        build_index([MILLS], tmp_path, SETTINGS)

        def fail(self: Fake, texts: Sequence[str]) -> Vectors:
            raise ModelError("no power")

        with monkeypatch.context() as patch:
            patch.setattr(Fake, "encode", fail)
            with pytest.raises(ModelError, match="no power"):
                build_index([MILLS, DAMS], tmp_path, SETTINGS)
        with pytest.raises(SourceError, match="no benchmark index is here"):
            StoredIndex.load(tmp_path)
        assert build_index([MILLS, DAMS], tmp_path, SETTINGS)["items"] == 5


class TestOtherEncoders:
    def test_another_dimension_is_refused_with_both_names(self, tmp_path: Path) -> None:
        build_index([MILLS], tmp_path, SETTINGS)
        before = stamps(tmp_path)
        says = r"8 dimensions, made by fake-8, and wider-12 gives 12"
        with pytest.raises(ModelError, match=says):
            build_index([MILLS, DAMS], tmp_path, WIDER)
        with pytest.raises(ModelError, match=says):
            StoredIndex.load(tmp_path, WIDER.encoder)
        assert stamps(tmp_path) == before

    def test_so_is_another_model_of_the_same(self, tmp_path: Path) -> None:
        build_index([MILLS], tmp_path, SETTINGS)
        before = stamps(tmp_path)
        for attempt in (
            lambda: build_index([MILLS], tmp_path, OTHER),
            lambda: StoredIndex.load(tmp_path, OTHER.encoder),
        ):
            with pytest.raises(ModelError, match=r"made by fake-8, not by other-8.*--index"):
                attempt()
        assert stamps(tmp_path) == before
        assert StoredIndex.load(tmp_path).header["encoder"]["name"] == "fake-8"


class TestDamage:
    def test_where_there_is_none_it_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for folder in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
            with pytest.raises(SourceError, match="no benchmark index is here"):
                StoredIndex.load(folder)

    @pytest.mark.parametrize("gone", ["vectors.npy", "neighbours.npy", "items.parquet", "lexical"])
    def test_a_missing_file_is_named(self, tmp_path: Path, gone: str) -> None:
        build_index([MILLS], tmp_path, SETTINGS)
        (tmp_path / gone).rename(tmp_path.parent / f"{tmp_path.name}-{gone}")
        with pytest.raises(SourceError, match=gone.replace(".", r"\.")):
            StoredIndex.load(tmp_path)

    @pytest.mark.parametrize("name", ["vectors.npy", "neighbours.npy", "items.parquet"])
    @pytest.mark.parametrize("rest", [0, 0.5])
    def test_half_a_file_is_no_file(self, tmp_path: Path, name: str, rest: float) -> None:
        build_index([MILLS], tmp_path, SETTINGS)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: int(rest * len(data))])
        with pytest.raises(SourceError):
            StoredIndex.load(tmp_path)
        build_index([MILLS], tmp_path, SETTINGS)
        assert (tmp_path / name).read_bytes() == data

    @pytest.mark.parametrize("text", ["", "{", "[1", '{"version": 1}', "\ud800"])
    def test_a_damaged_header_is_named(self, tmp_path: Path, text: str) -> None:
        build_index([MILLS], tmp_path, SETTINGS)
        (tmp_path / "index.json").write_bytes(text.encode("utf-8", "surrogatepass"))
        for attempt in (
            lambda: StoredIndex.load(tmp_path),
            lambda: build_index([MILLS], tmp_path, SETTINGS),
        ):
            with pytest.raises(SourceError, match=r"index\.json"):
                attempt()


class TestNearest:
    VECTORS = np.eye(4, 6, dtype=np.float32)

    def test_nearest_first(self) -> None:
        query = np.array([[0, 0.6, 0.8, 0, 0, 0]], np.float32)
        cosines, numbers = nearest_items(self.VECTORS, query, 3)
        assert numbers.tolist() == [[2, 1, 0]]
        assert cosines[0].tolist() == pytest.approx([0.8, 0.6, 0])
        assert (cosines.dtype, numbers.dtype) == (np.float32, np.int64)

    def test_of_fewer_than_asked_for_all(self) -> None:
        cosines, numbers = nearest_items(self.VECTORS, self.VECTORS[:2], 9)
        assert cosines.shape == numbers.shape == (2, 9)
        assert sorted(numbers[0, :4].tolist()) == [0, 1, 2, 3]
        assert numbers[0, 0] == 0
        assert (numbers[:, 4:] == -1).all()
        assert (cosines[:, 4:] <= -1).all()

    def test_of_none_none(self) -> None:
        numbers = nearest_items(self.VECTORS[:0], self.VECTORS, 2)[1]
        assert numbers.tolist() == [[-1, -1]] * 4
        assert nearest_items(self.VECTORS, self.VECTORS[:0], 2)[1].shape == (0, 2)

    def test_of_equally_near_ones_the_first(self) -> None:
        vectors = np.repeat(self.VECTORS, 3, axis=0)
        _, numbers = nearest_items(vectors, self.VECTORS[1:2], 4)
        assert numbers.tolist() == [[3, 4, 5, 0]]

    def test_what_is_near_depends_on_no_other_query(self) -> None:
        rng = np.random.default_rng(6)
        vectors = rng.normal(size=(300, 384)).astype(np.float32)
        vectors[100:106] = vectors[7]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        queries = np.tile(vectors[[7, 8, 9]] + np.float32(0.01), (200, 1))
        cosines, numbers = nearest_items(vectors, queries, 5)
        assert numbers[0].tolist() == [7, 100, 101, 102, 103]
        for size in (1, 2, 25, 599):
            some = nearest_items(vectors, queries[:size], 5)
            assert np.array_equal(some[0], cosines[:size])
            assert np.array_equal(some[1], numbers[:size])


class TestNeighbours:
    def test_they_are_the_nearest_others_without_copies(self) -> None:
        vectors = np.array([[1, 0], [1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], np.float32)
        found = neighbours(vectors)
        assert found.dtype == np.int64
        assert found.tolist() == [[2, 3, 4], [2, 3, 4], [3, 0, 1], [2, 4, 0], [3, 2, 0]]

    def test_there_may_be_few_or_none(self) -> None:
        assert neighbours(np.zeros((0, 4), np.float32)).shape == (0, 3)
        assert neighbours(np.eye(1, 4, dtype=np.float32)).tolist() == [[-1, -1, -1]]
        assert neighbours(np.eye(2, 4, dtype=np.float32)).tolist() == [[1, -1, -1], [0, -1, -1]]
        same = np.ones((5, 1), np.float32)
        assert (neighbours(same) == -1).all()


class TestSettings:
    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"words": 7}, "words = 7"),
            ({"words": 1000}, "words = 1000"),
            ({"candidates": 0}, "candidates = 0"),
            ({"false_positive_rate": 0.6}, "false_positive_rate = 0.6"),
            ({"false_positive_rate": float("nan")}, "false_positive_rate = nan"),
            ({"floor": -0.1}, "floor = -0.1"),
            ({"thresholds": {"mmlu": 1.5}}, "threshold of mmlu = 1.5"),
            ({"thresholds": {"mmlu": float("nan")}}, "threshold of mmlu = nan"),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, wrong: dict[str, Any], says: str) -> None:
        with pytest.raises(ConfigError, match=says):
            AuditSettings(encoder=SETTINGS.encoder, **wrong)

    def test_the_fingerprint_is_of_all_that_changes_findings(self) -> None:
        same = [
            SETTINGS,
            dataclasses.replace(SETTINGS, thresholds={}),
            AuditSettings(encoder=Fake("fake-8", device="auto")),
        ]
        assert len({one.fingerprint() for one in same}) == 1
        others = [
            OTHER,
            AuditSettings(encoder=Fake("fake-8", dtype="bfloat16")),
            dataclasses.replace(SETTINGS, prescreen=False),
            dataclasses.replace(SETTINGS, words=65),
            dataclasses.replace(SETTINGS, candidates=6),
            dataclasses.replace(SETTINGS, false_positive_rate=0.01),
            dataclasses.replace(SETTINGS, thresholds={"a": 0.5, "b": 0.6}),
            dataclasses.replace(SETTINGS, floor=0.06),
        ]
        assert len({one.fingerprint() for one in (*others, SETTINGS)}) == len(others) + 1
        turned = dataclasses.replace(SETTINGS, thresholds={"b": 0.6, "a": 0.5})
        assert turned.fingerprint() == others[6].fingerprint()
        assert json.loads(json.dumps(turned.to_json())) == turned.to_json()

"""The verifier's models against numbers worked out by hand, their thresholds, and how they are stored."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audits.verify import verifier as verifier_module
from audits.verify.evidence import NAMES
from audits.verify.verifier import HEADS, Head, Verifier
from pipeline.core.errors import ModelError

FEATURES = len(NAMES)
SHIPPED = resources.files("audits").joinpath("shipped", "verifier.json").is_file()


def head(share: float = 0.5, **more: Any) -> Head:
    """Two trees over the first two figures, and a regression over them.

    The first: x0 <= 1 ? -1 : (x1 <= 0.5 ? 2 : 3). The second is a leaf of 0.25.
    """
    knots = np.tile([0.0, 1.0, 2.0], (FEATURES, 1))
    weights = np.zeros((FEATURES, 3))
    weights[0] = [0, 1, 4]
    weights[1] = [-2, 0, 0]
    made: dict[str, Any] = {
        "feature": np.array([0, 0, 1, 0, 0, 0]),
        "threshold": np.array([1.0, np.inf, 0.5, np.inf, np.inf, np.inf]),
        "left": np.array([1, 1, 3, 3, 4, 5]),
        "right": np.array([2, 1, 4, 3, 4, 5]),
        "value": np.array([0.0, -1.0, 0.0, 2.0, 3.0, 0.25]),
        "roots": np.array([0, 5]),
        "depth": 2,
        "base": 0.5,
        "knots": knots,
        "weights": weights,
        "intercept": -1.0,
        "share": share,
    }
    return Head(**made | more)


def rows(*figures: tuple[float, float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    made = np.zeros((len(figures), FEATURES))
    made[:, :2] = figures
    return made


class TestHead:
    def test_trees_go_left_at_their_threshold(self) -> None:
        trees = head(share=1.0).log_odds(rows((0, 9), (1, 9), (1.001, 0.5), (2, 0.501)))
        assert trees.tolist() == pytest.approx([-0.25, -0.25, 2.75, 3.75])

    def test_the_regression_is_linear_between_knots_and_level_beyond(self) -> None:
        found = head(share=0.0).log_odds(
            rows((0, 1), (0.5, 1), (1.5, 1), (2, 0.5), (9, -9), (-9, 9))
        )
        assert found.tolist() == pytest.approx([-1, -0.5, 1.5, 2, 1, -1])

    def test_their_mean_is_by_share(self) -> None:
        figures = rows((0.5, 1), (1.5, 0.25))
        trees, regression = (head(share=share).log_odds(figures) for share in (1.0, 0.0))
        for share in (0.25, 0.5):
            assert head(share=share).log_odds(figures).tolist() == pytest.approx(
                (share * trees + (1 - share) * regression).tolist()
            )

    def test_rows_do_not_know_of_each_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        figures = np.random.default_rng(4).normal(size=(50, FEATURES))
        together = head().log_odds(figures)
        assert head().log_odds(figures[7:8]).tolist() == [together[7]]
        monkeypatch.setattr(verifier_module, "_AT_ONCE", 7)
        assert np.array_equal(head().log_odds(figures), together)

    def test_no_rows(self) -> None:
        assert head().log_odds(np.zeros((0, FEATURES))).shape == (0,)

    def test_a_tree_may_be_a_leaf(self) -> None:
        leaf = head(
            share=1.0,
            feature=np.array([0]),
            threshold=np.array([np.inf]),
            left=np.array([0]),
            right=np.array([0]),
            value=np.array([1.5]),
            roots=np.array([0]),
            depth=0,
        )
        assert leaf.log_odds(rows((0, 0))).tolist() == [2.0]

    def test_it_is_what_was_stored(self) -> None:
        file = io.BytesIO()
        one, other = head(), head(share=0.25, depth=7, base=-0.125)
        np.savez(file, **one.arrays("restated"), **other.arrays("explained"))
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            for name, made in (("restated", one), ("explained", other)):
                found = Head.of(name, arrays)
                for field in dataclasses.fields(Head):
                    value, before = (getattr(which, field.name) for which in (found, made))
                    assert type(value) is type(before), field.name
                    assert np.array_equal(value, before), field.name
                figures = np.random.default_rng(5).normal(size=(9, FEATURES))
                assert np.array_equal(found.log_odds(figures), made.log_odds(figures))


def verifier(**thresholds: float) -> Verifier:
    return Verifier(
        {"restated": head(share=1.0), "explained": head(share=0.0)}, thresholds or {"0.01": 0.5}
    )


def figures(first: float, second: float) -> dict[str, float]:
    return dict(zip(reversed(NAMES), [0.0] * (FEATURES - 2) + [second, first], strict=True))


class TestProbabilities:
    def test_they_are_those_of_the_log_odds(self) -> None:
        found = verifier().probabilities([figures(0, 1), figures(2, 0.6)])
        assert tuple(found) == HEADS
        assert found["restated"].tolist() == pytest.approx(
            [1 / (1 + math.exp(0.25)), 1 / (1 + math.exp(-3.75))]
        )
        assert found["explained"].tolist() == pytest.approx(
            [1 / (1 + math.exp(1)), 1 / (1 + math.exp(-2.2))]
        )

    def test_none_of_none(self) -> None:
        found = verifier().probabilities([])
        assert {name: one.shape for name, one in found.items()} == dict.fromkeys(HEADS, (0,))

    def test_they_stay_between_0_and_1(self) -> None:
        made = Verifier(
            {
                name: head(base=base, share=1.0)
                for name, base in zip(HEADS, (1e9, -1e9), strict=True)
            },
            {},
        )
        found = made.probabilities([figures(0, 0)])
        assert 0 < found["explained"][0] < 1e-9
        assert found["restated"][0] == pytest.approx(1)

    def test_a_missing_figure_is_no_zero(self) -> None:
        with pytest.raises(KeyError):
            verifier().probabilities([{"cosine": 0.5}])


class TestThreshold:
    RATES = {"0.001": 0.9, "0.01": 0.6, "0.1": 0.2}  # noqa: RUF012

    def test_calibrated_ones_are_themselves(self) -> None:
        for rate, value in self.RATES.items():
            assert verifier(**self.RATES).threshold(float(rate)) == pytest.approx(value)

    def test_between_them_it_goes_by_the_logarithm(self) -> None:
        found = verifier(**self.RATES).threshold(math.sqrt(0.001 * 0.01))
        assert found == pytest.approx(0.75)

    def test_beyond_them_it_is_the_nearest(self) -> None:
        made = verifier(**self.RATES)
        assert made.threshold(0.0) == made.threshold(1e-7) == 0.9
        assert made.threshold(0.5) == made.threshold(1.0) == 0.2

    @pytest.mark.parametrize("written", ["1e-4", "0.0001", "0.00010", "1e-04"])
    def test_rates_may_be_written_in_any_way(self, written: str) -> None:
        assert verifier(**{written: 0.75, "0.01": 0.5}).threshold(1e-4) == pytest.approx(0.75)

    def test_in_any_order(self) -> None:
        turned = dict(reversed(self.RATES.items()))
        assert verifier(**turned).threshold(0.003) == verifier(**self.RATES).threshold(0.003)

    def test_items_with_a_passage_need_no_less(self) -> None:
        made = dataclasses.replace(verifier(**self.RATES), with_passage={"0.001": 0.8, "0.1": 0.7})
        assert made.threshold(0.001, passage=True) == 0.9
        assert made.threshold(0.1, passage=True) == pytest.approx(0.7)
        assert made.threshold(0.1) == pytest.approx(0.2)


class TestLoad:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Where the shipped one is looked for."""
        monkeypatch.setattr(verifier_module.resources, "files", lambda name: tmp_path)
        (tmp_path / "shipped").mkdir()
        return tmp_path / "shipped"

    def written(self, folder: Path, **header: Any) -> Path:
        made = {
            "evidence": list(NAMES),
            "thresholds": {"0.001": 0.9},
            "with_passage": {"0.001": 0.95},
        } | header
        (folder / "verifier.json").write_text(json.dumps(made))
        np.savez(
            folder / "verifier.npz", **{k: v for n in HEADS for k, v in head().arrays(n).items()}
        )
        return folder

    def test_it_is_what_was_written(self, folder: Path) -> None:
        self.written(folder)
        found = Verifier.load.__wrapped__(Verifier)  # type: ignore[attr-defined]
        assert found.threshold(0.001) == 0.9
        assert found.threshold(0.001, passage=True) == 0.95
        one, other = (which.probabilities([figures(1, 2)]) for which in (found, verifier()))
        assert one.keys() == other.keys()
        assert 0 < one["restated"][0] < 1

    def test_other_evidence_is_refused(self, folder: Path) -> None:
        self.written(folder, evidence=[*NAMES[:-1], "luck"])
        with pytest.raises(ModelError, match=r"other evidence.*train_verifier\.py"):
            Verifier.load.__wrapped__(Verifier)  # type: ignore[attr-defined]

    @pytest.mark.parametrize("gone", ["verifier.json", "verifier.npz"])
    def test_a_missing_file_is_named(self, folder: Path, gone: str) -> None:
        (self.written(folder) / gone).unlink()
        with pytest.raises(ModelError, match=gone.replace(".", r"\.")):
            Verifier.load.__wrapped__(Verifier)  # type: ignore[attr-defined]


@pytest.mark.skipif(not SHIPPED, reason="audits/shipped/verifier.json is not there yet")
class TestShipped:
    def test_it_is_loaded_once(self) -> None:
        assert Verifier.load() is Verifier.load()

    def test_a_lower_rate_asks_for_more(self) -> None:
        found = [Verifier.load().threshold(rate) for rate in (0.1, 0.01, 0.001, 0.0001)]
        assert found == sorted(found)
        assert 0 < found[0] <= found[-1] < 1

    def test_all_arrays_are_plain_numbers_that_lead_somewhere(self) -> None:
        for one in Verifier.load().heads.values():
            for name in ("left", "right", "roots"):
                nodes = getattr(one, name)
                assert nodes.dtype == np.int64
                assert (nodes >= 0).all()
                assert (nodes < len(one.value)).all()
            assert (one.feature >= 0).all()
            assert (one.feature < FEATURES).all()
            assert one.knots.shape == one.weights.shape == (FEATURES, one.knots.shape[1])
            assert (np.diff(one.knots, axis=1) > 0).all()
            assert np.isfinite(one.value).all()
            # Every path ends in a leaf within the depth.
            node = one.roots
            for _ in range(one.depth):
                node = np.unique([one.left[node], one.right[node]])
            assert (one.left[node] == node).all()

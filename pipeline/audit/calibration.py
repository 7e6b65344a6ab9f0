"""Thresholds from text that a user knows to be clean: where few enough of its documents are flagged.

A threshold is moved only as far as the clean text can say. It lies between two probabilities that
occur there; it is lowered only where at least one flagged document is allowed and more than that
have a finding at all. Clean text of another subject, in which nothing is ever found, says nothing of
how sure a finding must be.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pipeline
from audits.items import Benchmark
from audits.settings import AuditSettings
from audits.verify.verifier import Verifier
from classifiers.evaluate import Interval, proportion
from pipeline.audit.examining import Placed
from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable
from pipeline.core.registry import nearest

__all__ = [
    "CALIBRATION",
    "Calibrated",
    "calibrate",
    "read_thresholds",
    "thresholds_of",
    "to_file",
    "verifier",
]

CALIBRATION = "calibration.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Calibrated:
    """The threshold of a benchmark.

    Args:
        threshold: probability from which a finding counts.
        shipped: what it would be without.
        flagged: clean documents with a finding that counts, as a share with its interval.
        why: how the threshold came about, for a person.
    """

    threshold: float
    shipped: float
    flagged: Interval
    why: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "threshold": self.threshold,
            "shipped": self.shipped,
            "flagged": self.flagged.to_json(),
            "why": self.why,
        }


def calibrate(
    placed: Iterable[Placed], documents: int, shipped: Mapping[str, float], rate: float
) -> dict[str, Calibrated]:
    """The threshold of each benchmark at which at most ``rate`` of clean documents are flagged.

    Args:
        placed: findings in clean text, whatever their probability.
        documents: of it.
        shipped: threshold of each benchmark without a calibration.
        rate: share of documents, in [0, 1).

    Raises:
        ConfigError: no documents; or more than ``rate`` of them have a finding of probability 1,
            so that the text is not clean.
    """
    if not documents:
        raise ConfigError("--calibrate: the clean text has no document to calibrate with")
    highest: dict[str, dict[tuple[int, int], Placed]] = defaultdict(dict)
    for one in placed:
        if one.finding.type.leak:
            mine = highest[one.finding.benchmark]
            key = (one.part, one.number)
            if key not in mine or one.finding.probability > mine[key].finding.probability:
                mine[key] = one
    return {
        name: _threshold(name, list(highest[name].values()), documents, usual, rate)
        for name, usual in shipped.items()
    }


def _threshold(
    name: str, found: list[Placed], documents: int, shipped: float, rate: float
) -> Calibrated:
    scores = sorted((one.finding.probability for one in found), reverse=True)
    allowed = math.floor(rate * documents + 1e-9)  # .001 of 3,000 is 3, which floats need not say
    if len(scores) <= allowed:
        cut, why = shipped, "too few clean documents have a finding to say more; as shipped"
    else:
        below = scores[allowed]  # the highest that must not be flagged, and all that equal it
        if below >= 1.0:
            raise ConfigError(_not_clean(name, found, documents))
        above = min((score for score in scores if score > below), default=1.0)
        middle = (above + below) / 2
        cut = middle if middle > below else above  # neighbours have no number between them
        why = f"at most {rate:.3g} of the clean documents"
        if cut < shipped and not allowed:
            cut, why = shipped, "too few clean documents to lower it; as shipped"
    flagged = proportion(sum(score >= cut for score in scores), documents)
    return Calibrated(cut, shipped, flagged, f"{why}; {_claim(flagged, rate)}")


def _not_clean(name: str, found: list[Placed], documents: int) -> str:
    certain = [one.finding.document for one in found if one.finding.probability >= 1.0]
    return (
        f"--calibrate: {len(certain):,} of {documents:,} documents hold an item of {name} for "
        f"certain, such as {printable(certain[0])}: the text is not clean. Take them out (gristmill "
        "audit CLEAN --action drop) and calibrate with the rest"
    )


def _claim(flagged: Interval, rate: float) -> str:
    """What may be said of the rate beyond these documents."""
    if flagged.high <= rate:
        return f"a rate of {rate:.3g} is shown"
    return (
        f"of {flagged.n:,} documents {flagged.value:.3g} are flagged: only a rate below "
        f"{flagged.high:.2g} may be claimed"
    )


def to_file(
    found: Mapping[str, Calibrated],
    *,
    rate: float,
    documents: int,
    inputs: Collection[str],
    settings: AuditSettings,
) -> str:
    """What ``calibration.json`` holds."""
    data = {
        "gristmill": pipeline.__version__,
        "false_positive_rate": rate,
        "clean": {"inputs": sorted(inputs), "documents": documents},
        "verifier": verifier(settings),
        "benchmarks": {name: one.to_json() for name, one in found.items()},
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def read_thresholds(
    path: Path, benchmarks: Collection[str], settings: AuditSettings
) -> tuple[dict[str, float], list[str]]:
    """Thresholds of an earlier calibration.

    Args:
        path: ``calibration.json``, or JSON of one's own:
            ``{"benchmarks": {"gsm8k": {"threshold": 0.9}}}``.
        benchmarks: of this audit.
        settings: of this audit.

    Returns:
        Thresholds by benchmark, and what a person should know.

    Raises:
        ConfigError: no such file, or none of thresholds; or they were found with another encoder
            or other settings, so that their probabilities are not those of this audit.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = {str(name): one["threshold"] for name, one in data["benchmarks"].items()}
        made_by = data.get("verifier")
    except OSError as error:
        raise ConfigError(f"--thresholds {path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"--thresholds {path}: no thresholds ({type(error).__name__}); expected "
            f'{{"benchmarks": {{"gsm8k": {{"threshold": 0.9}}}}}}, as in OUT/{CALIBRATION}'
        ) from error
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ConfigError(
                f"--thresholds {path}: that of {printable(name)} is {printable(repr(value))[:60]}; "
                "a probability from 0 to 1 belongs there"
            )
    if made_by is not None and made_by != verifier(settings):
        raise ConfigError(
            f"--thresholds {path}: found with another encoder or other settings, whose "
            "probabilities are not those of this audit; calibrate again with --calibrate"
        )
    notes = [
        f"{path} has no threshold for {name}{nearest(name, found)}; the shipped one counts"
        for name in benchmarks
        if name not in found
    ]
    return {name: float(found[name]) for name in benchmarks if name in found}, notes


def thresholds_of(settings: AuditSettings, benchmarks: Sequence[Benchmark]) -> dict[str, float]:
    """By benchmark, the probability from which a finding counts.

    Raises:
        ModelError: see `audits.verify.verifier.Verifier.load`.
    """
    rate, trained = settings.false_positive_rate, Verifier.load()
    usual = {
        one.name: trained.threshold(rate, passage=any(item.passage for item in one.items))
        for one in benchmarks
    }
    return {name: settings.thresholds.get(name, value) for name, value in usual.items()}


def verifier(settings: AuditSettings) -> str:
    """Names all that a probability depends on: the settings but for what it is held against."""
    fixed = AuditSettings()
    return dataclasses.replace(
        settings, thresholds={}, false_positive_rate=fixed.false_positive_rate
    ).fingerprint()

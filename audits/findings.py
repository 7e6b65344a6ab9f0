"""Findings: what was found of an item in a document, of which kind, how sure, and on what evidence."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Any

import pyarrow as pa

__all__ = ["FINDINGS", "Finding", "Kind"]


class Kind(enum.StrEnum):
    """What a passage is to an item."""

    VERBATIM = "verbatim"
    NEAR_VERBATIM = "near-verbatim"
    PARAPHRASE = "paraphrase"
    TRANSLATION = "translation"
    ANSWER_EXPLAINED = "answer-explained"
    ALTERED = "altered"  # the item with other numbers or conditions: another question
    SAME_TOPIC = "same-topic"

    @property
    def leak(self) -> bool:
        """Whether it gives the item away."""
        return self not in (Kind.ALTERED, Kind.SAME_TOPIC)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One item in one document.

    Args:
        benchmark, item: of the item.
        document: ``id`` of the corpus row, as text.
        url: of the row; empty where it has none.
        start, end: characters of the document's text that match, end exclusive.
        type: see `Kind`.
        probability: that the item is leaked here, 0 to 1, calibrated on labelled pairs.
        leak: whether it counts: a leaking type, at or above the benchmark's threshold.
        answer: whether the item's answer stands there too.
        evidence: JSON-able figures the verdict rests on, with ``item_text`` and ``text`` (what was
            compared) and ``spans``: ``[item start, item end, text start, text end]`` of equal runs.
    """

    benchmark: str
    item: str
    document: str
    url: str
    start: int
    end: int
    type: Kind
    probability: float
    leak: bool
    answer: bool
    evidence: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a row of ``findings.jsonl``."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Finding:
        """From a row of ``findings.jsonl`` or ``findings.parquet``."""
        evidence = row["evidence"]
        return cls(
            **{
                **{field.name: row[field.name] for field in dataclasses.fields(cls)},
                "type": Kind(row["type"]),
                "evidence": json.loads(evidence) if isinstance(evidence, str) else evidence,
            }
        )


FINDINGS = pa.schema(
    [
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("document", pa.string()),
        ("url", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("type", pa.string()),
        ("probability", pa.float64()),
        ("leak", pa.bool_()),
        ("answer", pa.bool_()),
        ("evidence", pa.string()),  # JSON
    ]
)

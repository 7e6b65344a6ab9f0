"""A model card as a page: ``README.md`` beside the model, made from ``card.json`` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifiers.card import Card
from classifiers.evaluate import Interval

__all__ = ["PRECISION_RECALL", "RELIABILITY", "model_card"]

RELIABILITY, PRECISION_RECALL = "reliability.svg", "precision_recall.svg"


def model_card(card: Card) -> str:
    """Markdown for a person; equal cards give equal bytes."""
    lines = [f"# {card.name}", "", card.description, ""]
    lines += [
        f"- File: `{card.file}`, {card.bytes:,} bytes, sha256 `{card.sha256}`",
        f"- Labels: {', '.join(f'`{label}`' for label in card.labels)}",
    ]
    if card.positive:
        score = " + ".join(f"P({label})" for label in card.positive)
        lines.append(f"- Score: {score}")
    lines.append(f"- Texts are spelt as `{card.normalise}` has it (`classifiers.normalise`)")
    if card.licence:
        lines.append(f"- Licence: {card.licence}")
    lines += ["", *_thresholds(card), *_failures(card), *_metrics(card), *_data(card)]
    lines += [*_settings(card)]
    return "\n".join(lines)


def _thresholds(card: Card) -> list[str]:
    if not card.thresholds:
        return []
    rows = [
        [
            f"`{one.target}`" + (" (default)" if one.target == card.default else ""),
            f"{one.threshold:.6g}",
            _interval(one.measured.to_json()),
            f"{one.measured.n:,}",
            one.data + (", the whole interval" if one.sure else ""),
        ]
        for one in card.thresholds
    ]
    return [
        "## Thresholds",
        "",
        "A text that scores at or above the threshold is taken for positive.",
        "",
        *_table(
            ["target", "threshold", "measured (95 % interval)", "texts", "found on"], rows, "lrrrl"
        ),
    ]


def _failures(card: Card) -> list[str]:
    if not card.known_failures:
        return []
    return ["## Known failures", "", *(f"- {one}" for one in card.known_failures), ""]


def _metrics(card: Card) -> list[str]:
    lines: list[str] = []
    for part, found in card.metrics.items():
        lines += [f"## How good it is: {part}", ""]
        if "accuracy" in found:
            lines += _by_label(found)
            continue
        lines += [
            f"{found['texts']:,} texts, {found['positives']:,} of them positive.",
            "",
            *_table(
                ["measure", "value (95 % interval)"],
                [
                    ["area under the ROC curve", _interval(found["auc"])],
                    ["average precision", _number(found["average_precision"])],
                    ["log loss", _number(found["log_loss"])],
                    ["Brier score", _number(found["brier"])],
                    ["calibration error", _number(found["calibration_error"])],
                    *_at(found["at"]),
                ],
                "lr",
            ),
        ]
        if part == "test":
            lines += [
                f"![Reliability]({RELIABILITY}) ![Precision and recall]({PRECISION_RECALL})",
                "",
            ]
        if found["slices"]:
            rows = [
                [
                    one["slice"],
                    one["value"],
                    f"{one['texts']:,}",
                    f"{one['positives']:,}",
                    *(_interval(one[name]) for name in ("auc", "recall", "false_positive_rate")),
                ]
                for one in found["slices"]
            ]
            heads = ["slice", "value", "texts", "positive", "AUC", "recall", "false-positive rate"]
            lines += _table(heads, rows, "llrrrrr")
    return lines


def _by_label(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [f"`{label}`", f"{one['texts']:,}", _interval(one["precision"]), _interval(one["recall"])]
        for label, one in found["labels"].items()
    ]
    return [
        f"{found['texts']:,} texts; {_interval(found['accuracy'])} of them get their label.",
        "",
        *_table(["label", "texts", "precision", "recall"], rows, "lrrr"),
    ]


def _at(at: Mapping[str, Any] | None) -> list[list[str]]:
    if not at:
        return []
    return [
        [f"{name} at threshold {at['threshold']:.6g}", _interval(at[key])]
        for name, key in (
            ("precision", "precision"),
            ("recall", "recall"),
            ("false-positive rate", "false_positive_rate"),
            ("share taken for positive", "share"),
        )
    ]


def _data(card: Card) -> list[str]:
    lines: list[str] = []
    if card.data:
        names = list(dict.fromkeys(name for source in card.data for name in source))
        rows = [
            [f"{value:,}" if isinstance(value := source.get(name, ""), int) else str(value)
             for name in names]
            for source in card.data
        ]  # fmt: skip
        lines += ["## Data", "", *_table(names, rows, "l" * len(names))]
    if card.account:
        lines += ["## What became of the rows", ""]
        lines += [f"- {line}" for line in _flat(card.account)]
        lines.append("")
    return lines


def _settings(card: Card) -> list[str]:
    lines = ["## Training", "", *(f"- {line}" for line in _flat(card.settings)), ""]
    if card.search:
        lines += ["Search: " + "; ".join(_flat(card.search)), ""]
    if card.quantisation:
        lines += ["Weights compressed: " + "; ".join(_flat(card.quantisation)), ""]
    return lines


def _flat(values: Mapping[str, Any], before: str = "") -> list[str]:
    """``key: value`` for every value, nested keys joined by a dot."""
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{before}{name}.")
        elif not isinstance(value, list | tuple) or value:
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            lines.append(f"{before}{name}: {shown}")
    return lines


def _interval(data: Mapping[str, Any]) -> str:
    return str(Interval.from_json(data))


def _number(value: float | None) -> str:
    return "·" if value is None else f"{value:.3f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    rules = {"l": "---", "r": "---:"}
    return [
        "| " + " | ".join(heads) + " |",
        "|" + "|".join(rules[side] for side in align) + "|",
        *("| " + " | ".join(map(_cell, row)) + " |" for row in rows),
        "",
    ]


def _cell(text: str) -> str:
    """Text that stays in its cell: no line break, no bar; a dot for nothing."""
    return " ".join(text.split()).replace("|", "\\|") or "·"

"""The S-curve of banding: how often two texts become candidates, by their true similarity.

    python benchmarks/dedup_s_curve.py --svg docs/dedup-s-curve.svg

Pairs of invented texts, spread evenly over Jaccard similarities from .4 to 1; the true one is
computed exactly (`exact_similarity`), and whether the two share a bucket is taken from the
signatures and band keys that a run makes. Theory is 1 − (1 − s^rows)^bands, averaged over the pairs
of a bin; bars are 95 % Wilson intervals.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from exact_similarity import jaccard, shingle_sets
from measure import machine
from planted import similar_text

from pipeline.dedup.buckets import band_keys, candidate_probability
from pipeline.dedup.settings import Dedup

LOW, BIN = 0.4, 0.02
SETTINGS = {
    "14 bands of 8 rows, the default": Dedup(),
    "threshold: 0.9": Dedup(threshold=0.9),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=30_000)
    parser.add_argument("--words", type=int, default=200, help="of a text")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--svg", type=Path, help="write the plot here")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    curves = measure(options.pairs, options.words, options.seed)
    for name, curve in curves.items():
        print(f"\n{name}: {curve['bands']} × {curve['rows']}\n")
        print(
            "| similarity | pairs | theory | measured | 95 % interval |\n|---|---:|---:|---:|---|"
        )
        for row in curve["bins"]:
            print(
                f"| {row['low']:.2f} to {row['low'] + BIN:.2f} | {row['pairs']} "
                f"| {row['theory']:.3f} | {row['measured']:.3f} "
                f"| [{row['interval'][0]:.3f}, {row['interval'][1]:.3f}] |"
            )
        outside = sum(
            not row["interval"][0] <= row["theory"] <= row["interval"][1] for row in curve["bins"]
        )
        print(f"\ntheory lies outside {outside} of {len(curve['bins'])} intervals")
    if options.svg:
        options.svg.write_text(plot(curves, options.pairs), encoding="utf-8")
    if options.json:
        figures = {"machine": machine(), "pairs": options.pairs, "curves": curves}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(pairs: int, words: int, seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    wanted = [LOW + (1 - LOW) * (number + 0.5) / pairs for number in range(pairs)]
    texts = [text for one in wanted for text in similar_text(rng, words, one)]
    sets = shingle_sets(texts)
    true = np.array([jaccard(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)])
    curves = {}
    for name, settings in SETTINGS.items():
        bands, rows = settings.banding
        keys = band_keys(settings.signing.sign(texts).signatures, bands, rows)
        met = (keys[::2] == keys[1::2]).any(axis=1)
        theory = candidate_probability(true, bands, rows)
        bins = []
        for number in range(round((1 - LOW) / BIN)):
            low = LOW + number * BIN
            inside = (true >= low) & (true < low + BIN - 1e-9)
            if inside.sum() >= 50:
                bins.append(
                    {
                        "low": round(low, 4),
                        "mean": float(true[inside].mean()),
                        "pairs": int(inside.sum()),
                        "theory": float(theory[inside].mean()),
                        "measured": float(met[inside].mean()),
                        "interval": wilson(int(met[inside].sum()), int(inside.sum())),
                    }
                )
        curves[name] = {"bands": bands, "rows": rows, "bins": bins}
    return curves


def wilson(hits: int, number: int, z: float = 1.96) -> tuple[float, float]:
    """Confidence interval of a share (Wilson, 1927)."""
    share = hits / number
    middle = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z * math.sqrt(share * (1 - share) / number + z * z / (4 * number**2))
    half /= 1 + z * z / number
    return middle - half, middle + half


# --- the plot ------------------------------------------------------------------------------

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 696, 56, 380
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
STYLE = """
  .paper { fill: #ffffff } text { fill: #24292f; font: 13px system-ui, sans-serif }
  .title { font-size: 15px; font-weight: 600 } .axis { stroke: #57606a } .grid { stroke: #d8dee4 }
  .mark { stroke: #57606a; stroke-dasharray: 3 4 } .line { fill: none; stroke-width: 2 }
  .s0 { stroke: #0550ae } .d0 { fill: #0550ae } .s1 { stroke: #bc4c00 } .d1 { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } .axis { stroke: #8b949e }
    .grid { stroke: #30363d } .mark { stroke: #8b949e }
    .s0 { stroke: #6cb6ff } .d0 { fill: #6cb6ff } .s1 { stroke: #f0883e } .d1 { fill: #f0883e }
  }
"""


def plot(curves: dict[str, Any], pairs: int) -> str:
    """An SVG that needs nothing else, on a ground of its own, for light and dark pages."""
    across = _scale(LOW, 1.0, LEFT, RIGHT)
    up = _scale(0.0, 1.0, BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title desc">',
        '<title id="title">Probability that two texts share a bucket, by Jaccard similarity</title>',
        f'<desc id="desc">Theory as lines, measurements on {pairs:,} pairs as dots with 95 % '
        "intervals. The dots lie on the lines.</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        _text(LEFT, 30, "Share of pairs that meet in a bucket", "title"),
    ]
    for tenth in range(0, 11, 2):
        y = up(tenth / 10)
        parts.append(_line(LEFT, y, RIGHT, y, "grid"))
        parts.append(_text(LEFT - 8, y + 4, f"{tenth / 10:.1f}", anchor="end"))
    for tenth in range(round(LOW * 10), 11):
        x = across(tenth / 10)
        parts.append(_line(x, BOTTOM, x, BOTTOM + 5, "axis"))
        parts.append(_text(x, BOTTOM + 21, f"{tenth / 10:.1f}", anchor="middle"))
    parts.append(_line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
    middle = (LEFT + RIGHT) / 2
    parts.append(_text(middle, BOTTOM + 45, "Jaccard similarity of word 5-grams", anchor="middle"))
    parts.append(_line(across(0.8), TOP, across(0.8), BOTTOM, "mark"))
    parts.append(_text(across(0.8) + 6, BOTTOM - 10, "by default removed only from here on"))
    for number, (name, curve) in enumerate(curves.items()):
        bands, rows = curve["bands"], curve["rows"]
        grid = np.linspace(LOW, 1, 121)
        points = zip(grid, candidate_probability(grid, bands, rows).tolist(), strict=True)
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<polyline class="line s{number}" points="{path}"/>')
        for row in curve["bins"]:
            x = across(row["mean"])
            low, high = row["interval"]
            parts.append(_line(x, up(low), x, up(high), f"s{number}"))
            dot = f'cx="{x:.1f}" cy="{up(row["measured"]):.1f}" r="3.2"'
            parts.append(f'<circle class="d{number}" {dot}/>')
        y = TOP + 22 + 40 * number
        parts.append(_line(LEFT + 16, y - 4, LEFT + 44, y - 4, f"line s{number}"))
        parts.append(f'<circle class="d{number}" cx="{LEFT + 30}" cy="{y - 4}" r="3.2"/>')
        parts.append(_text(LEFT + 54, y, name))
        powers = [str(power).translate(RAISED) for power in (rows, bands)]
        formula = f"1 − (1 − s{powers[0]}){powers[1]}, half at {half_way(bands, rows):.2f}"
        parts.append(_text(LEFT + 54, y + 17, formula))
    return "\n".join([*parts, "</svg>", ""])


def half_way(bands: int, rows: int) -> float:
    """The similarity at which half of all pairs meet."""
    return float((1 - 0.5 ** (1 / bands)) ** (1 / rows))


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (float(value) - low) / (high - low) * (end - start)


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    places = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{style}" {places}/>'


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    named = f' class="{style}"' if style else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


if __name__ == "__main__":
    main()

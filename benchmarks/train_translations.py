"""Trains the verifier of translations that comes with Gristmill: weights of senses, and a scorecard.

Learned from German, French and Chinese translations, and from ordinary text in twelve languages;
what it does to others, ``audit_translations.py`` says::

    python benchmarks/train_translations.py ../shared/data audits/shipped/translation.json --cache DIR
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from translated_pairs import translated
from translation_features import fit, measured, sense_weights, trained_on

SOURCES = (
    "MGSM (Shi et al. 2023; CC BY 4.0): 116 items in German, French and Chinese",
    "LLM decontaminator (Yang et al. 2023; Apache-2.0): MMLU in Chinese",
    "XQuAD (Artetxe et al. 2020; CC BY-SA 4.0): questions in German, paragraphs in four languages",
    "web pages of the shared crawl in the glossaries' languages",
    "GSM8K, MMLU (MIT) and WCXB (CC BY 4.0), English: how frequent senses are",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="shared/data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors")
    options = parser.parse_args()

    weights = sense_weights(options.data)
    found = measured(translated(options.data, options.cache), weights)
    rows = trained_on(found)
    card = fit(found, rows)
    model = {
        "sources": SOURCES,
        "pairs": {"translations": int(found.truth[rows].sum()), "others": int((~found.truth[rows]).sum())},
        "card": card.to_json(),
        "rare": weights.rare,
        "senses": dict(weights.senses),
    }  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(model, ensure_ascii=False, indent=0) + "\n", "utf-8")
    print(f"{options.out}: {model['pairs']}, {options.out.stat().st_size:,} bytes")
    for name, steps in card.steps.items():
        print(
            f"  {name:16} {len(steps.edges):3} steps, {steps.points[0]:+.2f} to {steps.points[-1]:+.2f}"
        )


if __name__ == "__main__":
    main()

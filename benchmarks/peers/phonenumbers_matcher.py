"""``phonenumbers``' own search beside the rules that only use its numbering plans.

python benchmarks/peers/phonenumbers_matcher.py [FOLDER_OF_PROMPTS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import phonenumbers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pii_prompts
import planted_pii
import planted_pii_later

from pipeline.pii import Kind, find_pii

Spans = list[tuple[int, int]]


def matcher(text: str) -> Spans:
    """What the library finds with the United States as the country at home."""
    return [(one.start, one.end) for one in phonenumbers.PhoneNumberMatcher(text, "US")]


def rules(text: str) -> Spans:
    return [(one.start, one.end) for one in find_pii(text, {Kind.PHONE})]


def figures(name: str, find: Callable[[str], Spans], folder: Path) -> None:
    for half in (planted_pii, planted_pii_later):
        planted = [text for text in half.positives() if text.kind == "phone"]
        hit = sum(
            any(start <= text.start and end >= text.end for start, end in find(text.text))
            for text in planted
        )
        others = [text for text in half.positives() if text.kind not in {"phone", "private_key"}]
        false = sum(bool(find(text.text)) for text in [*half.negatives(), *others])
        print(
            f"{name}, {half.__name__}: {hit} of {len(planted)}; false in {false} of {1000 + len(others)}"
        )
    for collection in ("arenahard", "dolly_3k"):
        rows = pii_prompts.prompts(folder, collection)
        start = time.process_time()
        found = sum(bool(find(row)) for row in rows)
        size = sum(len(row.encode()) for row in rows) / 1e6
        speed = size / (time.process_time() - start)
        print(f"{name}, {collection}: {found} of {len(rows)} texts, {speed:.1f} MB/s")


if __name__ == "__main__":
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "prompts"
    prompts = Path(sys.argv[1]) if len(sys.argv) > 1 else shared
    figures("matcher", matcher, prompts)
    figures("rules", rules, prompts)

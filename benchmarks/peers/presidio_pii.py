"""Presidio's pattern recognisers on the planted set and on real prompts, in an environment of their own.

    python -m venv ENV && ENV/bin/pip install presidio-analyzer python-stdnum
    ENV/bin/python benchmarks/peers/presidio_pii.py [FOLDER_OF_PROMPTS]

A blank spaCy pipeline takes the place of its language model, so names and places are left out.
"""

# ruff: noqa: E501 - long calls of one search
from __future__ import annotations

import collections
import logging
import sys
import tempfile
import time
from pathlib import Path

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pii_prompts
import planted_pii
import planted_pii_later
import planted_pii_third

SAME = {
    "email": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "ipv4": "IP_ADDRESS", "ipv6": "IP_ADDRESS", "credit_card": "CREDIT_CARD",
    "iban": "IBAN_CODE", "us_ssn": "US_SSN", "crypto_wallet": "CRYPTO", "mac_address": "MAC_ADDRESS",
}  # fmt: skip


def engine() -> AnalyzerEngine:
    """Presidio without a language model."""
    folder = tempfile.mkdtemp()
    spacy.blank("en").to_disk(folder)
    settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": folder}]}
    return AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=settings).create_engine())


def main() -> None:
    logging.disable(logging.WARNING)
    presidio = engine()
    for half in (planted_pii, planted_pii_later, planted_pii_third):
        of, hit = collections.Counter(), collections.Counter()
        for text in half.positives():
            if text.kind in SAME:
                found = presidio.analyze(text.text, language="en", score_threshold=0.35)
                of[text.kind] += 1
                hit[text.kind] += any(
                    one.entity_type == SAME[text.kind]
                    and one.start <= text.start
                    and one.end >= text.end
                    for one in found
                )
        false = sum(
            any(
                one.entity_type in SAME.values()
                for one in presidio.analyze(text.text, language="en", score_threshold=0.35)
            )
            for text in half.negatives()
        )
        print(half.__name__, {kind: f"{hit[kind]}/{of[kind]}" for kind in of}, f"all {hit.total()}/{of.total()}",
              f"negatives {false}/1000")  # fmt: skip
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "prompts"
    rows = pii_prompts.prompts(Path(sys.argv[1]) if len(sys.argv) > 1 else shared, "arenahard")
    start = time.process_time()
    false = sum(
        any(
            one.entity_type in SAME.values()
            for one in presidio.analyze(row, language="en", score_threshold=0.35)
        )
        for row in rows
    )
    size = sum(len(row.encode()) for row in rows) / 1e6
    print(
        f"arenahard: {false} of {len(rows)} texts, {size / (time.process_time() - start):.2f} MB/s"
    )


if __name__ == "__main__":
    main()

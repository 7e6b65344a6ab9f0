"""rensa's sketches over a file of texts: its CPU seconds.

Run by the peer's own Python (rensa 0.5.0), which has no Gristmill:

    python rensa_minhash.py TEXTS.jsonl --sketch r|c|rho

TEXTS.jsonl holds ``{"id", "text"}`` lines. Shingles are made the natural way: lower case, ``\\w+``,
five words joined by spaces; rensa hashes and sketches them, a batch of texts at a time and in one
thread. ``r`` is R-MinHash, ``c`` C-MinHash; ``rho`` samples positions and is no MinHash of the
whole set. The last line of standard output is ``{"cpu", "sketching"}``: CPU seconds of all, and of
rensa alone.
"""

import argparse
import json
import os
import re
import time
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"  # before rensa is loaded

from rensa import CMinHash, RMinHash

WORD = re.compile(r"\w+")
PERMUTATIONS = 112
BATCH = 256
SKETCHES = {
    "r": RMinHash.digest_matrix_from_token_sets,
    "c": CMinHash.digests64_from_token_sets,
    "rho": RMinHash.digest_matrix_from_token_sets_rho,
}


def shingles(text):
    words = WORD.findall(text.lower())
    return [" ".join(words[start : start + 5]) for start in range(max(1, len(words) - 4))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("--sketch", choices=sorted(SKETCHES), default="r")
    options = parser.parse_args()
    with options.texts.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    sketch = SKETCHES[options.sketch]
    sketching = 0.0
    begin = time.process_time()
    for first in range(0, len(texts), BATCH):
        sets = [shingles(text) for text in texts[first : first + BATCH]]
        before = time.process_time()
        sketch(sets, PERMUTATIONS, 1)
        sketching += time.process_time() - before
    print(json.dumps({"cpu": time.process_time() - begin, "sketching": sketching}))


if __name__ == "__main__":
    main()

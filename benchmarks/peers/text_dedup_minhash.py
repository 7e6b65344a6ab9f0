"""text-dedup's MinHash deduplication over a file of texts: what it removes, or its CPU seconds.

Run by the peer's own Python (text-dedup 0.4.0), which has no Gristmill:

    python text_dedup_minhash.py TEXTS.jsonl OUT.jsonl [--hash xxh3]
    python text_dedup_minhash.py TEXTS.jsonl - --times [--hash xxh3]

TEXTS.jsonl holds ``{"id", "text"}`` lines. Word 5-grams, 14 bands of 8 rows, and else the defaults
of its command line, which runs here in this process. OUT.jsonl receives ``{"id", "kept",
"cluster"}`` per text; ``cluster`` is ``null`` where the text was dropped as too short, which
text-dedup does before it compares anything. With ``--times`` its ``embed_func`` alone is timed, and
the last line of standard output is ``{"cpu"}``.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from datasets import load_from_disk
from text_dedup import minhash
from text_dedup.utils import sha1_hash, xxh3_32hash

BANDS, ROWS = 14, 8


def clusters(texts, out, hash_name):
    with tempfile.TemporaryDirectory(prefix="text-dedup-") as work:
        arguments = {
            "--path": "json",
            "--data_files": str(texts),
            "--split": "train",
            "--cache_dir": f"{work}/cache",
            "--output": f"{work}/out",
            "--column": "text",
            "--num_proc": "1",
            "--ngram": "5",
            "--num_perm": str(BANDS * ROWS),
            "--b": str(BANDS),
            "--r": str(ROWS),
            "--hash_func": hash_name,
        }
        flat = [part for pair in arguments.items() for part in pair]
        minhash.main(flat, standalone_mode=False)
        kept = set(load_from_disk(f"{work}/out")["id"])
    with texts.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as verdicts:
        for position, row in enumerate(map(json.loads, lines)):
            long_enough = len(minhash.NON_ALPHA.split(row["text"].lower())) >= 5
            verdict = {
                "id": row["id"],
                "kept": row["id"] in kept,
                "cluster": int(minhash.uf.find(position)) if long_enough else None,
            }
            verdicts.write(json.dumps(verdict) + "\n")


def times(texts, hash_name):
    with texts.open(encoding="utf-8") as lines:
        rows = [json.loads(line)["text"] for line in lines]
    prime = np.uint64((1 << 61) - 1)
    count = BANDS * ROWS
    settings = {
        "num_perm": count,
        "ngram_size": 5,
        "min_length": 5,
        "hashranges": [(band * ROWS, (band + 1) * ROWS) for band in range(BANDS)],
        "permutations": (
            minhash.RNG.randint(1, prime, size=(count,), dtype=np.uint64),
            minhash.RNG.randint(0, prime, size=(count,), dtype=np.uint64),
        ),
        "hash_func": (lambda data: sha1_hash(data, d=32)) if hash_name == "sha1" else xxh3_32hash,
        "dtype": np.uint64,
        "max_hash": np.uint32((1 << 32) - 1),
        "modulo_prime": prime,
    }
    begin = time.process_time()
    for position, text in enumerate(rows):
        minhash.embed_func(text, position, **settings)
    return {"cpu": time.process_time() - begin}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hash", choices=["sha1", "xxh3"], default="sha1")
    parser.add_argument("--times", action="store_true")
    options = parser.parse_args()
    if options.times:
        print(json.dumps(times(options.texts, options.hash)))
    else:
        clusters(options.texts, options.out, options.hash)


if __name__ == "__main__":
    main()

"""datasketch's MinHash signatures over a file of texts, and its MinHashLSH over given signatures.

Run by the peer's own Python (datasketch 2.0.0, xxhash), which has no Gristmill:

    python datasketch_minhash.py signatures TEXTS.jsonl [--hash xxhash]
    python datasketch_minhash.py lsh SIGNATURES.npy

TEXTS.jsonl holds ``{"id", "text"}`` lines. Shingles are made the natural way: lower case, ``\\w+``,
five words joined by spaces. Permutations are made once and shared, since that is what the
documentation advises. SIGNATURES.npy is ``uint32[n, 112]``; each is inserted into an index of 14
bands of 8 rows, and then each is queried. The last line of standard output is
``{"cpu"}``, CPU seconds; for ``lsh`` also those of its two halves, how many keys the queries
returned, and the largest resident size in bytes. Making ``MinHash`` objects of given signatures is not timed.
"""

import argparse
import json
import re
import resource
import time
from pathlib import Path

import numpy as np
import xxhash
from datasketch import LeanMinHash, MinHash, MinHashLSH

WORD = re.compile(r"\w+")
BANDS, ROWS = 14, 8


def signatures(texts, hash_name):
    with texts.open(encoding="utf-8") as lines:
        rows = [json.loads(line)["text"] for line in lines]
    hashfunc = xxhash.xxh32_intdigest if hash_name == "xxhash" else None
    blank = MinHash(num_perm=BANDS * ROWS, hashfunc=hashfunc)
    begin = time.process_time()
    for text in rows:
        words = WORD.findall(text.lower())
        shingles = [
            " ".join(words[start : start + 5]).encode() for start in range(max(1, len(words) - 4))
        ]
        sketch = blank.copy()
        sketch.update_batch(shingles)
    return {"cpu": time.process_time() - begin}


def lsh(path):
    values = np.load(path)
    blank = MinHash(num_perm=BANDS * ROWS)
    sketches = [LeanMinHash(seed=blank.seed, hashvalues=row, scheme=blank.scheme) for row in values]
    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    begin = time.process_time()
    for key, sketch in enumerate(sketches):
        index.insert(key, sketch, check_duplication=False)
    inserted = time.process_time()
    found = sum(len(index.query(sketch)) for sketch in sketches)
    end = time.process_time()
    return {
        "cpu": end - begin,
        "insert": inserted - begin,
        "query": end - inserted,
        "found": found,
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["signatures", "lsh"])
    parser.add_argument("input", type=Path)
    parser.add_argument("--hash", choices=["sha1", "xxhash"], default="sha1")
    options = parser.parse_args()
    if options.what == "lsh":
        print(json.dumps(lsh(options.input)))
    else:
        print(json.dumps(signatures(options.input, options.hash)))


if __name__ == "__main__":
    main()

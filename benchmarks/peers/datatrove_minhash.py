"""datatrove's MinHash deduplication over a file of texts: what it removes, or its CPU seconds.

Run by the peer's own Python (datatrove 0.10.1, spacy), which has no Gristmill:

    python datatrove_minhash.py TEXTS.jsonl OUT.jsonl [--hash sha1]
    python datatrove_minhash.py TEXTS.jsonl - --times [--hash sha1]

TEXTS.jsonl holds ``{"id", "text"}`` lines. The settings are FineWeb's: word 5-grams, 14 buckets of
8 hashes, 64 bits; FineWeb hashed with SHA-1, datatrove's default is now xxhash. All four stages run,
one task each. OUT.jsonl receives ``{"id", "kept", "cluster"}`` per text, with ``null`` for a text
in no cluster. With ``--times`` only the first stage runs, on documents in memory, and the last line
of standard output is ``{"cpu", "maths"}``: seconds of the whole stage, in which signatures are
written and sorted, and of its shingles and signatures alone.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig


def settings(hash_name):
    return MinhashConfig(
        n_grams=5,
        num_buckets=14,
        hashes_per_bucket=8,
        hash_config=HashConfig(precision=64, hash_fc=hash_name),
    )


def clusters(texts, out, config):
    """All four stages; who is kept, and in which cluster."""
    with tempfile.TemporaryDirectory(prefix="datatrove-minhash-") as name:
        work = Path(name)

        def reader():
            return JsonlReader(str(texts.parent), glob_pattern=texts.name)

        def execute(pipeline, tasks=1):
            LocalPipelineExecutor(
                pipeline=pipeline,
                tasks=tasks,
                workers=1,
                logging_dir=f"{work}/logs",
                skip_completed=False,
            ).run()

        execute([reader(), MinhashDedupSignature(f"{work}/signatures", config=config)])
        execute(
            [MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)],
            tasks=config.num_buckets,
        )
        execute(
            [
                MinhashDedupCluster(
                    f"{work}/buckets", f"{work}/remove", config=config, save_cluster_id=True
                )
            ]
        )
        execute(
            [
                reader(),
                MinhashDedupFilter(
                    f"{work}/remove",
                    exclusion_writer=JsonlWriter(f"{work}/removed", compression=None),
                    load_cluster_ids=(work / "remove" / "000000.clusters").exists(),
                ),
                JsonlWriter(f"{work}/kept", compression=None),
            ]
        )
        with out.open("w", encoding="utf-8") as lines:
            for folder in ("kept", "removed"):
                for path in sorted((work / folder).glob("*.jsonl")):
                    for row in map(json.loads, path.open(encoding="utf-8")):
                        cluster = row["metadata"].get("minhash_cluster_id", -1)
                        verdict = {
                            "id": row["id"],
                            "kept": folder == "kept",
                            "cluster": None if cluster == -1 else cluster,
                        }
                        lines.write(json.dumps(verdict) + "\n")


def times(texts, config):
    with texts.open(encoding="utf-8") as lines:
        documents = [Document(text=row["text"], id=row["id"]) for row in map(json.loads, lines)]
    with tempfile.TemporaryDirectory(prefix="datatrove-minhash-") as work:
        step = MinhashDedupSignature(work, config=config)
        step.get_signature(step.get_shingles("This loads the tokeniser; it is not timed."))
        begin = time.process_time()
        step.run(documents)
        cpu = time.process_time() - begin
        begin = time.process_time()
        for document in documents:
            shingles = step.get_shingles(document.text)
            if shingles.size:
                step.get_signature(shingles)
        return {"cpu": cpu, "maths": time.process_time() - begin}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hash", choices=["sha1", "xxhash"], default="sha1")
    parser.add_argument("--times", action="store_true")
    options = parser.parse_args()
    config = settings(options.hash)
    if options.times:
        print(json.dumps(times(options.texts, config)))
    else:
        clusters(options.texts, options.out, config)


if __name__ == "__main__":
    main()

"""MinHash signatures per CPU second, beside datatrove, text-dedup, datasketch and rensa.

    python benchmarks/dedup_signatures.py ../shared/data/web/gold/wcxb_dev.jsonl.gz \\
        --datatrove-python PYTHON --peers-python PYTHON

The input is JSONL, packed or not, whose rows hold a text at ``--field``; it is taken ``--copies``
times, each copy opening with a word of its own. Every candidate runs in a process of its own, in
turn, and times itself from the texts in memory to their signatures (normalisation, shingles and
hashing included) after a text that loads what it needs: no start-up, no reading. *disk* is our
signing step as a run takes it, which also keeps every text's shingle set and text hash, writes all
of it and takes checksums; datatrove's step writes and sorts its signatures, too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import machine

PEERS = Path(__file__).resolve().parent / "peers"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", type=Path, help="JSONL, may be gzipped")
    parser.add_argument("--field", default="ground_truth.main_content", help="where the text is")
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--datatrove-python", help="interpreter with datatrove 0.10.1 and spacy")
    parser.add_argument("--peers-python", help="interpreter with text-dedup, datasketch and rensa")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--ours", choices=["memory", "disk"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps({"cpu": our_seconds(options.texts, options.ours)}))
        return
    with tempfile.TemporaryDirectory(prefix="gristmill-signatures-") as work:
        texts = Path(work) / "texts.jsonl"
        count, words = write_texts(options.texts, options.field, options.copies, texts)
        figures = compare(options, texts, count)
    figures |= {"machine": machine(), "texts": count, "words": words, "rounds": options.rounds}
    print_table(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def write_texts(source: Path, field: str, copies: int, out: Path) -> tuple[int, int]:
    """All texts of ``source``, ``copies`` times; returns how many, and their words by white space."""
    rows = list(texts_of(source, field))
    with out.open("w", encoding="utf-8") as lines:
        for copy in range(copies):
            for number, text in enumerate(rows):
                row = {"id": f"{copy}-{number}", "text": f"copy{copy} {text}"}
                lines.write(json.dumps(row) + "\n")
    return copies * len(rows), copies * sum(len(text.split()) for text in rows)


def texts_of(source: Path, field: str) -> Iterator[str]:
    opened = gzip.open if source.suffix == ".gz" else open
    with opened(source, "rt", encoding="utf-8") as lines:
        for line in lines:
            value: Any = json.loads(line)
            for name in field.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            if isinstance(value, str) and value:
                yield value


def our_seconds(texts: Path, where: str) -> float:
    """CPU seconds of `Signing.sign`, or of `write_part`, over all texts."""
    from pipeline.dedup.index import Entry, write_part
    from pipeline.dedup.signatures import Signing
    from pipeline.runtime.storage import RunFolder

    with texts.open(encoding="utf-8") as lines:
        entries = [Entry(row["id"], row["text"]) for row in map(json.loads, lines)]
    rows = [entry.text for entry in entries]
    signing = Signing()
    signing.sign(["Makes the tables; it is not timed."])
    if where == "memory":
        begin = time.process_time()
        for first in range(0, len(rows), 256):
            signing.sign(rows[first : first + 256])
        return time.process_time() - begin
    with tempfile.TemporaryDirectory(prefix="gristmill-signatures-") as name:
        folder = RunFolder(Path(name) / "out").create(())
        with folder.lock() as held:
            begin = time.process_time()
            write_part(held, 0, entries, signing, "")
            return time.process_time() - begin


def commands(options: argparse.Namespace, texts: Path) -> dict[str, tuple[list[str], str]]:
    """What to run for each row of the table, and which of its figures to take."""
    ours = [sys.executable, __file__, str(texts), "--ours"]
    found = {"gristmill": ([*ours, "memory"], "cpu"), "gristmill, disk": ([*ours, "disk"], "cpu")}
    if options.datatrove_python:
        datatrove = [options.datatrove_python, str(PEERS / "datatrove_minhash.py")]
        for label, name in (("SHA-1", "sha1"), ("xxhash", "xxhash")):
            command = [*datatrove, str(texts), "-", "--times", "--hash", name]
            found[f"datatrove, {label}"] = (command, "cpu")
    if options.peers_python:
        for label, name in (("SHA-1", "sha1"), ("xxh3", "xxh3")):
            script = [options.peers_python, str(PEERS / "text_dedup_minhash.py")]
            command = [*script, str(texts), "-", "--times", "--hash", name]
            found[f"text-dedup, {label}"] = (command, "cpu")
        for label, name in (("SHA-1", "sha1"), ("xxhash", "xxhash")):
            script = [options.peers_python, str(PEERS / "datasketch_minhash.py"), "signatures"]
            found[f"datasketch, {label}"] = ([*script, str(texts), "--hash", name], "cpu")
        for label, name in (("R-MinHash", "r"), ("C-MinHash", "c"), ("rho", "rho")):
            script = [options.peers_python, str(PEERS / "rensa_minhash.py"), str(texts)]
            found[f"rensa, {label}"] = ([*script, "--sketch", name], "cpu")
            found[f"rensa, {label}, without shingling"] = ([*script, "--sketch", name], "sketching")
    return found


def compare(options: argparse.Namespace, texts: Path, count: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {}
    for number in range(options.rounds):
        for name, (command, figure) in commands(options, texts).items():
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{command} failed:\n{done.stderr[-2000:]}")
            seconds.setdefault(name, []).append(json.loads(done.stdout.splitlines()[-1])[figure])
            print(f"  round {number + 1}  {name:36} {seconds[name][-1]:8.3f} CPU s", flush=True)
    rows = {}
    for name, values in seconds.items():
        ratios = [theirs / mine for theirs, mine in zip(values, seconds["gristmill"], strict=True)]
        rows[name] = {
            "seconds": values,
            "per_cpu_second": count / statistics.median(values),
            "times_gristmills_cpu": statistics.median(ratios),
        }
    return {"candidates": rows}


def print_table(figures: dict[str, Any]) -> None:
    print(f"\n{figures['machine']}")
    print(
        f"{figures['texts']} texts, {figures['words'] / figures['texts']:.0f} words each; "
        f"medians of {figures['rounds']}\n"
    )
    print("| | signatures per CPU s | CPU s / gristmill's |\n|---|---:|---:|")
    for name, row in figures["candidates"].items():
        print(f"| {name} | {row['per_cpu_second']:,.0f} | {row['times_gristmills_cpu']:.2f} |")


if __name__ == "__main__":
    main()

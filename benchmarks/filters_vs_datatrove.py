"""The four heuristic filter families against datatrove 0.10.1 on the same texts.

    python benchmarks/filters_vs_datatrove.py --peer-python PEER/bin/python --work DIR WARC...

The peer's environment holds datatrove 0.10.1 and spacy; ours holds Gristmill and, for the
tokeniser ``spacy``, spacy. Texts are extracted once (trafilatura, precision, no comments) into
DIR/texts.jsonl. Each side then runs alone in a process of its own, in turn, ``--rounds`` times,
every filter on every text in FineWeb's order. CPU seconds are of the filters alone: no
start-up, no reading. *Cold* is the first half of the texts, *warm* the second half after it.
Verdicts are compared family by family, each on the text as extracted, and for the chain, in which
the C4 rules edit what FineWeb's own rules see.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PEER = Path(__file__).parent / "peers" / "datatrove_filters.py"
TOKENIZERS = ("spacy", "words")
FAMILIES = ("gopher_repetition", "gopher_quality", "c4", "fineweb")


def extract(warcs: list[str], texts: Path) -> None:
    """Texts of all responses of ``warcs`` that have one, in order."""
    import trafilatura
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with texts.open("w", encoding="utf-8") as out:
        for path in warcs:
            with open(path, "rb") as stream:
                for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                    text = trafilatura.extract(
                        record.reader.read(), favor_precision=True, include_comments=False
                    )
                    if text:
                        out.write(json.dumps({"id": record.record_id, "text": text}) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def rules(tokenizer: str) -> tuple[Any, ...]:
    from pipeline.filters import C4, C4Lines, FineWebQuality, GopherQuality, GopherRepetition

    return (
        GopherRepetition(tokenizer=tokenizer),
        GopherQuality(tokenizer=tokenizer),
        C4Lines(),
        C4(tokenizer=tokenizer),
        FineWebQuality(tokenizer=tokenizer),
    )


def our_times(texts: Path, tokenizer: str) -> list[float]:
    """CPU seconds per text: all signals and all verdicts of all families, and the cleaned text."""
    from pipeline.filters import Document

    repetition, quality, lines, c4, fineweb = rules(tokenizer)
    seconds = []
    quality.check("Loads the tokeniser. It is not timed.")
    for row in read(texts):
        begin = time.process_time()
        doc = Document(row["id"], row["text"])
        for family in (repetition, quality):
            family.decide(family.measure(doc))
        doc = doc.with_text(lines.clean(doc.text)[0])
        for family in (c4, fineweb):
            family.decide(family.measure(doc))
        seconds.append(time.process_time() - begin)
    return seconds


def our_verdicts(texts: Path, tokenizer: str) -> list[dict[str, Any]]:
    from pipeline.filters import C4, Document

    repetition, quality, lines, c4, fineweb = rules(tokenizer)
    looking_through = C4(tokenizer=tokenizer, lines=lines)
    rows = []
    for row in read(texts):
        doc = Document(row["id"], row["text"])
        edited = doc.with_text(lines.clean(doc.text)[0])
        judged = {
            family.name: family.measure(doc)
            for family in (repetition, quality, looking_through, fineweb)
        }
        failed = {
            family.name: family.decide(judged[family.name])
            for family in (repetition, quality, looking_through, fineweb)
        }
        chain = failed[repetition.name] or failed[quality.name]
        for family in (c4, fineweb):
            chain = chain or family.decide(family.measure(edited))
        sha256 = hashlib.sha256(edited.text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        rows.append({"id": doc.id, "failed": failed, "chain": chain, "edited": sha256})
    return rows


def compare(ours: list[dict[str, Any]], peer: list[dict[str, Any]]) -> dict[str, Any]:
    """Texts on which keep or drop differs, per family and for the chain; and edited texts."""
    found: dict[str, Any] = {family: [] for family in (*FAMILIES, "chain", "edited")}
    for mine, theirs in zip(ours, peer, strict=True):
        for family in (*FAMILIES, "chain"):
            failed = mine["chain"] if family == "chain" else mine["failed"][family]
            if bool(failed) != (theirs[family] is not None):
                found[family].append(
                    {
                        "id": mine["id"],
                        "ours": [f"{v.reason} = {v.value:.4g}" for v in failed] or "kept",
                        "datatrove": theirs[family] or "kept",
                    }
                )
        if theirs["c4"] is None and theirs["edited"] != mine["edited"]:
            found["edited"].append({"id": mine["id"]})
    return found


def halves(seconds: list[float]) -> dict[str, float]:
    """Texts per CPU second in the first half (cold), the second half (warm) and over all."""
    half = len(seconds) // 2
    parts = {"cold": seconds[:half], "warm": seconds[half:], "all": seconds}
    return {name: len(part) / sum(part) for name, part in parts.items()}


def run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("warcs", nargs="*", help="WARC files or globs; not needed a second time")
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all figures and deviations here")
    parser.add_argument("--times", metavar="TOKENIZER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    texts = options.work / "texts.jsonl"
    if options.times:
        print(json.dumps({"cpu": our_times(texts, options.times)}))
        return

    options.work.mkdir(parents=True, exist_ok=True)
    if not texts.exists():
        extract(sorted(path for item in options.warcs for path in glob.glob(item)), texts)
    peer_out = options.work / "datatrove.jsonl"
    if not peer_out.exists():
        run([options.peer_python, str(PEER), str(texts), str(peer_out)])
    peer = read(peer_out)
    deviations = {name: compare(our_verdicts(texts, name), peer) for name in TOKENIZERS}

    ours = [sys.executable, __file__, "--peer-python", "-", "--work", str(options.work), "--times"]
    commands = {"datatrove": [options.peer_python, str(PEER), str(texts), "-", "--times"]}
    commands.update({name: [*ours, name] for name in TOKENIZERS})
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            rounds[name].append(halves(json.loads(run(command))["cpu"]))
    rates = {
        name: {
            part: statistics.median(r[part] for r in results) for part in ("cold", "warm", "all")
        }
        for name, results in rounds.items()
    }

    print(f"{len(peer)} texts, {options.rounds} rounds, medians, texts per CPU second")
    print(f"{'':12}{'cold':>10}{'warm':>10}{'all':>10}   ratio to datatrove, same round")
    for name, rate in rates.items():
        ratios = "  ".join(
            f"{part} {statistics.median(a[part] / b[part] for a, b in pairs):.1f}"
            for pairs in [list(zip(rounds[name], rounds["datatrove"], strict=True))]
            for part in ("cold", "warm", "all")
        )
        print(f"{name:12}" + "".join(f"{value:10.1f}" for value in rate.values()) + f"   {ratios}")
    for name, found in deviations.items():
        counts = ", ".join(
            f"{family} {1 - len(rows) / len(peer):.2%}" for family, rows in found.items()
        )
        print(f"same verdict, {name}: {counts}")
    if options.json:
        result = {"texts": len(peer), "rates": rates, "rounds": rounds, "deviations": deviations}
        options.json.write_text(json.dumps(result, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()

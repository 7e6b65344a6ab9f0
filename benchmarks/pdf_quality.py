"""How near the text of PDFs comes to the text they were made from, beside other libraries.

    python benchmarks/pdf_quality.py MADE [--peers PYTHON] [--real DATA] [--json]

MADE is a folder of ``benchmarks/made_pdfs.py``; PYTHON an interpreter with pypdf, pdfminer.six and
pypdfium2 installed; DATA the folder of the shared data, whose few files with expected text beside
them are measured, too. Measures, means over documents:

- word F1: words are ``\\w+`` of the lower-cased text, counted with multiplicity;
- reading order: of the sentences that follow each other in the known text (rows of a table
  counted as sentences), the share whose end and beginning (15 letters each) stand side by side in
  the text found, letters only, so that hyphens and spaces count as words only;
- breaks: of the line ends in the text found, the share that is where a paragraph, heading, item,
  row or note ends in the known one (precision); and of these the share that is found (recall); F1;
- pages per CPU second, the median over documents.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

from extraction_quality import word_f1
from measure import machine

ENGINES = ("gristmill", "pypdf", "pdfminer.six", "pypdfium2")
SPAN = 15
REAL = {
    "crazyones.pdf": "crazyones.txt",
    "toy.pdf": "toy.layout.txt",
    "pdflatex-forms.pdf": "010-pdflatex-forms.txt",
}
PEER = Path(__file__).with_name("peers") / "pdf_texts.py"


def letters(text: str) -> str:
    """The letters of a text in small, nothing else."""
    return "".join(letter for letter in text.lower() if letter.isalpha())


def order_score(found: str, flows: list[list[str]]) -> tuple[int, int]:
    """Adjacent pairs that are kept adjacent, and all pairs.

    Where footnotes stand is a matter of taste, so they are taken out before the body is looked at.
    """
    stream = letters(found)
    body = stream
    for flow in flows[1:]:
        body = body.replace(letters("".join(flow)), "", 1)
    kept = total = 0
    for flow, text in zip(flows, [body, *[stream] * len(flows)], strict=False):
        for before, after in itertools.pairwise(flow):
            total += 1
            kept += letters(before)[-SPAN:] + letters(after)[:SPAN] in text
    return kept, total


def break_f1(found: str, gold: str) -> float:
    """F1 of line ends against the known text's, by the letters that precede them."""
    wanted = {letters(line)[-SPAN:] for line in gold.splitlines() if letters(line)}
    lines = [letters(line) for line in found.splitlines()]
    stream, ends = "", []
    for line in lines:
        stream += line
        if line:
            ends.append(stream[-SPAN:])
    if not ends:
        return 0.0
    short = tuple(one for one in wanted if len(one) < SPAN)
    right = sum(end in wanted or end.endswith(short) for end in ends)
    precision, recall = right / len(ends), min(1.0, right / len(wanted))
    return 2 * precision * recall / (precision + recall) if right else 0.0


def texts(python: str, engine: str, files: list[Path]) -> dict[str, dict[str, Any]]:
    """What an engine makes of the files, by path."""
    ran = subprocess.run(
        [python, str(PEER), engine, *map(str, files)], capture_output=True, text=True, check=True
    )
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    return {row["file"]: row for row in rows}


def gold_of(made: Path | None, real: Path | None) -> dict[Path, dict[str, Any]]:
    """Files with their gold; those of the shared data have text and no flows."""
    found: dict[Path, dict[str, Any]] = {}
    if made is not None:
        for path in sorted(made.glob("*.json")):
            found[path.with_suffix(".pdf")] = json.loads(path.read_text())
    if real is not None:
        folder = real / "web" / "pdf" / "pypdf"
        for pdf, text in REAL.items():
            gold = {"text": (folder / text).read_text(), "flows": [], "producer": "real"}
            found[folder / pdf] = gold
    return found


def score(gold: dict[str, Any], row: dict[str, Any]) -> dict[str, float]:
    """The measures of one file. Ligatures are taken apart first, which not all libraries do."""
    found, known = (unicodedata.normalize("NFKC", text) for text in (row["text"], gold["text"]))
    kept, total = order_score(found, gold["flows"])
    return {
        "f1": word_f1(found, known),
        "order": kept / total if total else float("nan"),
        "breaks": break_f1(found, known),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("made", type=Path)
    parser.add_argument("--peers", default=sys.executable, help="interpreter of the others")
    parser.add_argument("--real", type=Path, help="folder of the shared data")
    parser.add_argument("--engines", nargs="*", default=ENGINES)
    parser.add_argument("--files", action="store_true", help="figures of each file")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    gold = gold_of(arguments.made, arguments.real)
    figures: dict[str, Any] = {}
    for engine in arguments.engines:
        python = sys.executable if engine == "gristmill" else arguments.peers
        rows = texts(python, engine, list(gold))
        scores = {path: score(gold[path], rows[str(path)]) for path in gold}
        made = [path for path in gold if gold[path]["producer"] != "real"]
        real = [path for path in gold if gold[path]["producer"] == "real"]
        figure: dict[str, Any] = {
            name: statistics.mean(scores[path][name] for path in made)
            for name in ("f1", "order", "breaks")
        }
        for producer in sorted({gold[path]["producer"] for path in made}):
            own = [path for path in made if gold[path]["producer"] == producer]
            figure[producer] = [
                statistics.mean(scores[path][name] for path in own) for name in ("f1", "order")
            ]
        if real:
            figure["real"] = statistics.mean(scores[path]["f1"] for path in real)
        timed = [rows[str(path)] for path in made]
        speeds = [row["pages"] / row["cpu"] for row in timed if row["cpu"]]
        figure["pages_per_second"] = statistics.median(speeds)
        figures[engine] = figure
        if arguments.files:
            for path in gold:
                print(engine, path.name, {k: round(v, 3) for k, v in scores[path].items()},
                      rows[str(path)].get("error", ""))  # fmt: skip
    if arguments.json:
        print(json.dumps({"machine": machine(), "figures": figures}, indent=1))
        return
    print(machine())
    for engine, figure in figures.items():
        print(engine.ljust(14), " ".join(
            f"{name} {value:.3f}" if isinstance(value, float) else
            f"{name} {value[0]:.3f}/{value[1]:.3f}" for name, value in figure.items()
        ))  # fmt: skip


if __name__ == "__main__":
    main()

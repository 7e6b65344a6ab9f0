"""How far `blocks` and trafilatura agree on pages without gold: news, blogs and lists in many languages.

Agreement is word F1 of one text against the other, by the language of the longer one. It says nothing of
who is right: `--show N` prints the N pages where they differ most, to be read.

    python benchmarks/extraction_agreement.py ../shared/data [--every N] [--show N]
"""

from __future__ import annotations

import argparse
import collections
from pathlib import Path

import numpy as np
from extraction_quality import word_f1
from gold import other_pages

from classifiers.language import LanguageIdentifier
from pipeline.extract import Page
from pipeline.extract.html import make_engine

LEAST_PAGES = 8  # of a language that has a row of its own
SHOWN = 500  # characters of a text


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("--every", type=int, default=1, help="only every N-th page")
    parser.add_argument("--show", type=int, default=0, help="print so many pages that differ")
    arguments = parser.parse_args()
    blocks, peer, languages = (
        make_engine("blocks"),
        make_engine("trafilatura"),
        LanguageIdentifier(),
    )
    peer.prepare()
    found: dict[str, list[tuple[float, int, int]]] = collections.defaultdict(list)
    differing = []
    for url, html in list(other_pages(arguments.data))[:: arguments.every]:
        ours, theirs = blocks.extract(Page(html, url)), peer.extract(Page(html, url))
        longer = max(ours, theirs, key=len)
        if not longer:
            continue
        language = languages.identify([longer])[0].label
        agreement = word_f1(ours, theirs)
        found[language].append((agreement, len(ours), len(theirs)))
        differing.append((agreement, url, language, ours, theirs))
    rows = {name: rows for name, rows in found.items() if len(rows) >= LEAST_PAGES}
    rows["others"] = [row for name, few in found.items() if name not in rows for row in few]
    print("| language | pages | agreement, mean | median | our characters / theirs |")
    print("|---|---:|---:|---:|---:|")
    for name, pages in sorted(rows.items(), key=lambda row: -len(row[1])):
        scores, ours_long, theirs_long = np.array(pages or [(0, 0, 0)]).T
        ratio = ours_long.sum() / max(theirs_long.sum(), 1)
        print(
            f"| {name} | {len(pages)} | {scores.mean():.2f} | {np.median(scores):.2f} | {ratio:.2f} |"
        )
    for agreement, url, language, ours, theirs in sorted(differing)[: arguments.show]:
        print(f"\n===== {agreement:.2f} {language} {url}")
        print(f"--- blocks, {len(ours)} characters\n{ours[:SHOWN]}")
        print(f"--- trafilatura, {len(theirs)} characters\n{theirs[:SHOWN]}")


if __name__ == "__main__":
    main()

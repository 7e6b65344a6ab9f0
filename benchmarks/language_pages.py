"""What reading a part of a page costs: how many keep or drop as when all of it is read, and the time.

The pages are those of the shared crawl, in some twenty languages: their main text (trafilatura,
precision), and all text of the page, menus and footers with it. For each number of characters, the
share of pages with the same decision (``languages: [en]``, score ≥ .65), with the same label, and
the CPU time; brackets hold Wilson's 95 % intervals. Beside it, the same number of characters from
the beginning of the text. The number of pieces and the characters that are recommended were chosen
on these pages. ``lang`` is what the page's HTML says of itself, right or not. Run it with the
folder of the shared data::

    python benchmarks/language_pages.py ../shared/data
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType
from measure import machine

from classifiers.evaluate import proportion
from classifiers.language import LanguageIdentifier, LanguageScore
from pipeline.extract import Page
from pipeline.extract.html import make_engine
from pipeline.sources.charset import decode

CHARACTERS = (200, 300, 400, 500, 600, 1000, 2000)
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "main text": ("trafilatura", {"favor_precision": True, "include_comments": False}),
    "all text": ("resiliparse", {"main_content": False}),
}
LANG = re.compile(r"<html[^>]*?\blang\s*=\s*[\"']?([A-Za-z]+)", re.IGNORECASE)


def crawled(data: Path) -> Iterator[str]:
    """HTML of each page of the shared crawl."""
    for path in sorted((data / "web" / "warc").glob("pages-*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                yield decode(record.reader.read(), record.http_charset).text


def share(hits: Sequence[bool]) -> str:
    """A share of the pages and its interval."""
    found = proportion(sum(hits), len(hits))
    return f"{found.value:.4f} [{found.low:.3f}, {found.high:.3f}]"


def compare(
    name: str,
    work: Callable[[], list[LanguageScore]],
    expected: Sequence[LanguageScore],
) -> None:
    """A row: agreement of decisions and labels with those on whole texts, and milliseconds."""
    began = time.process_time()
    found = work()
    spent = 1000 * (time.process_time() - began) / len(found)
    pairs = list(zip(found, expected, strict=True))
    decisions = share([(one.wanted >= 0.65) == (other.wanted >= 0.65) for one, other in pairs])
    names = share([one.label == other.label for one, other in pairs])
    print(f"| {name} | {decisions} | {names} | {spent:.3f} |")


def main() -> None:
    """Extract, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    pages = list(crawled(parser.parse_args().data))
    en = ("en",)
    print(machine())
    for kind, (engine, options) in TEXTS.items():
        extractor = make_engine(engine, options)
        extractor.prepare()
        extracted = [(extractor.extract(Page(page)), LANG.search(page[:20_000])) for page in pages]
        rows = [(text, lang and lang[1].lower()) for text, lang in extracted if text.strip()]
        texts = [text for text, _ in rows]
        whole = LanguageIdentifier().identify(texts, en)
        print(
            f"\n## {kind}: {len(texts):,} pages, {sum(map(len, texts)) / len(texts):,.0f} characters"
        )
        said = [score.label == lang for score, (_, lang) in zip(whole, rows, strict=True) if lang]
        print(f"\nLabel of the whole text is the page's own lang: {share(said)} of {len(said):,}")
        print("\n| read | same decision | same label | ms |\n|---|---|---|---|")
        compare("all of it", lambda texts=texts: LanguageIdentifier().identify(texts, en), whole)
        for number in CHARACTERS:
            part = LanguageIdentifier(characters=number)
            compare(f"{number}, spread", lambda part=part: part.identify(texts, en), whole)  # noqa: B023
            first = [text[:number] for text in texts]
            compare(
                f"{number}, first",
                lambda first=first: LanguageIdentifier().identify(first, en),
                whole,
            )


if __name__ == "__main__":
    main()

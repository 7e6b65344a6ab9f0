"""CPU milliseconds per response, by what they are spent on, in one process and without the child.

    python benchmarks/where_time_goes.py DIR [--recipe fineweb]

Each response goes through the recipe's own objects, step after step, with a CPU clock around each.
What a run adds to it (handing pages to the child process, filing rows) is the difference to
`run_vs_datatrove.py`'s whole.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import machine

from pipeline.core.records import Document
from pipeline.extract.html import make_engine
from pipeline.extract.page import Page
from pipeline.filters.cleaners import Cleaner
from pipeline.recipe import load_recipe
from pipeline.sources.charset import decode

PRESCREEN = "extract.prescreen={languages: [en], min_score: 0.01}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("warc", type=Path, help="folder of .warc.gz files")
    parser.add_argument("--recipe", default="fineweb")
    arguments = parser.parse_args()
    source = f"source={{kind: warc, paths: ['{arguments.warc}/*.warc.gz']}}"
    recipe = load_recipe(arguments.recipe, [source, PRESCREEN, "tokens={}"])
    engine = make_engine(recipe.extraction.engine, recipe.extraction.options)
    engine.prepare()
    prescreen = recipe.extraction.prescreen
    assert prescreen is not None
    spent: Counter[str] = Counter()

    @contextmanager
    def clock(name: str) -> Iterator[None]:
        started = time.process_time()
        yield
        spent[name] += time.process_time() - started

    responses = extracted = 0
    for split in recipe.source.plan():
        records = recipe.source.read(split)
        while True:
            with clock("read and inflate"):
                record = next(records, None)
            if record is None:
                break
            if record.payload is None:
                continue
            responses += 1
            with clock("charset"):
                html = decode(record.payload, None).text
            page = Page(html, record.url)
            with clock("parse"):
                page.tree  # noqa: B018
            with clock("pre-screen"):
                screening = prescreen.screen(page)
            if screening.verdict is not None:
                continue
            extracted += 1
            with clock(engine.name):
                text = engine.extract(page)
            doc = Document(record.id, text, record.url)
            for step in recipe.steps:
                with clock(step.name):
                    if isinstance(step, Cleaner):
                        doc = doc.with_text(step.clean(doc.text)[0])
                    else:
                        step.decide(step.measure(doc))
            with clock("tokens"):
                assert recipe.tokens is not None
                recipe.tokens.count([doc.text])
    print(f"{machine()}; {responses} responses, {extracted} extracted\n")
    for name, seconds in spent.items():
        print(f"{name:24}{1000 * seconds / responses:8.2f} ms per response")
    print(f"{'sum':24}{1000 * sum(spent.values()) / responses:8.2f}")


if __name__ == "__main__":
    main()

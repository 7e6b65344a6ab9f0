"""Trains the tokenizer that comes with Gristmill, and says how well it does on pages held back.

    python benchmarks/train_tokenizer.py ../shared/data [--write]

The texts are those of the shared crawl. A chunk of text is learnt from only if it stands on at least
`SITES` sites, so that the vocabulary holds words that many use, and no name or phrase of a single one.
Fertility is measured on the sites whose name hashes to a fifth that is held back; the tokenizer that is
written is trained without them, too. ``--write`` puts it into ``classifiers/shipped``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

from gold import crawled_pages
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from classifiers.byte_pairs import ALPHABET, CHUNKS, BytePairs
from pipeline.extract import Page
from pipeline.extract.html import make_engine
from pipeline.filters.url_parts import host_of, registrable_domain

VOCABULARY = 32_000
SITES = 3
HELD_BACK = 5  # one site in so many
SHIPPED = Path(__file__).parents[1] / "classifiers" / "shipped" / "tokenizer"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("--vocabulary", type=int, default=VOCABULARY)
    parser.add_argument("--write", action="store_true", help="into classifiers/shipped")
    options = parser.parse_args()
    learnt, held = texts(options.shared)
    print(f"{sum(map(len, learnt.values())):,} texts of {len(learnt):,} sites to learn from")
    chunks = common_chunks(learnt)
    print(f"{len(chunks):,} different chunks stand on {SITES} sites or more")
    trained = train(chunks, options.vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        path = SHIPPED / "tokenizer.json" if options.write else Path(folder) / "tokenizer.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(trained, encoding="utf-8")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{path.name}: {path.stat().st_size:,} bytes, sha256 {digest}")
        report(path, [text for found in held.values() for text in found], options.shared)


def texts(shared: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Texts by site: those to learn from, and those held back."""
    engine = make_engine("resiliparse", {"main_content": True})
    engine.prepare()
    learnt: dict[str, list[str]] = {}
    held: dict[str, list[str]] = {}
    for _, url, html in crawled_pages(shared):
        site = registrable_domain(host_of(url))
        if site.endswith(".test"):  # an invented address: each page may be another site
            site = url
        back = int(hashlib.sha256(site.encode()).hexdigest(), 16) % HELD_BACK == 0
        text = engine.extract(Page(html, url))
        if text:
            (held if back else learnt).setdefault(site, []).append(text)
    return learnt, held


def common_chunks(by_site: dict[str, list[str]]) -> dict[str, int]:
    """How often each chunk occurs that stands on enough sites."""
    cut = re.compile(CHUNKS)
    sites: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for found in by_site.values():
        chunks = Counter(chunk for text in found for chunk in cut.findall(text))
        sites.update(chunks.keys())
        counts.update(chunks)
    return {chunk: counts[chunk] for chunk in sorted(counts) if sites[chunk] >= SITES}


def train(chunks: dict[str, int], vocabulary: int) -> str:
    """The ``tokenizer.json``, without white space."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CHUNKS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=list(ALPHABET), show_progress=False
    )
    tokenizer.train_from_iterator(
        (chunk for chunk, count in chunks.items() for _ in range(count)), trainer
    )
    held = json.loads(tokenizer.to_str())
    held["model"]["merges"] = [" ".join(pair) for pair in held["model"]["merges"]]
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"))


def report(path: Path, held: list[str], shared: Path) -> None:
    """Fertility, agreement with the package ``tokenizers``, and speed of both."""
    own, theirs = BytePairs(path), Tokenizer.from_file(str(path))
    size = sum(len(text.encode()) for text in held) / 1e6
    for name in ("first", "second"):
        started = time.process_time()
        counts = [own.count(text) for text in held]
        print(f"own, {name} pass: {size / (time.process_time() - started):.1f} MB/s")
    started = time.process_time()
    encoded = theirs.encode_batch_fast(held, add_special_tokens=False)
    print(f"tokenizers: {size / (time.process_time() - started):.1f} MB/s of CPU time")
    differ = sum(len(one.ids) != count for one, count in zip(encoded, counts, strict=True))
    print(f"{len(held):,} pages of {size:.1f} MB held back; counts differ on {differ}")
    print(f"tokens per word {sum(counts) / sum(len(text.split()) for text in held):.3f}, ", end="")
    print(f"bytes per token {1e6 * size / sum(counts):.3f}")
    for file in sorted((shared / "benchmarks" / "xquad").glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))["data"]
        text = "\n".join(part["context"] for one in data for part in one["paragraphs"])
        tokens = own.count(text)
        print(
            f"  {file.name}: tokens per word {tokens / len(text.split()):.2f}, "
            f"characters per token {len(text) / tokens:.2f}"
        )


if __name__ == "__main__":
    main()

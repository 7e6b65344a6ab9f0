"""Deduplication against plain Python: words, signatures, sets, buckets, and what is decided."""

from __future__ import annotations

import itertools
import random
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasketch import MinHash
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.dedup import Alarm, Dedup, Signing, dedup
from pipeline.dedup.clusters import components
from pipeline.dedup.exact import same_texts
from pipeline.dedup.index import Entry, write_part
from pipeline.dedup.keep import timestamp
from pipeline.dedup.outcome import Outcome
from pipeline.dedup.settings import Rule
from pipeline.dedup.shingles import shingle_hash, split_words
from pipeline.dedup.shuffle import deduplicate
from pipeline.dedup.verify import similarity
from pipeline.runtime.storage import RunFolder

# --- words and shingles ----------------------------------------------------------------------

# By the names of the characters; the package goes by ranges of code points.
ALONE = re.compile(
    "CJK (UNIFIED|COMPATIBILITY) IDEOGRAPH|(COMBINING )?(HIRAGANA|KATAKANA)|HENTAIGANA|THAI |LAO "
    "|KHMER|MYANMAR|TIBETAN|IDEOGRAPHIC .*(ITERATION|CLOSING|TONE) MARK|IDEOGRAPHIC NUMBER"
    "|HANGZHOU|VERTICAL (KANA|IDEOGRAPHIC)|MASU MARK"
)


INVISIBLE = "\u00ad\u200c\u200d\u200e\u200f\u2060\ufeff"


def plain_words(text: str) -> list[str]:
    words, within = [], False
    text = "".join(character for character in text if character not in INVISIBLE)
    for character in unicodedata.normalize("NFKC", text).lower():
        if unicodedata.category(character)[0] not in "LMN":
            within = False
        elif ALONE.match(unicodedata.name(character, "")):
            words.append(character)
            within = False
        elif within:
            words[-1] += character
        else:
            words.append(character)
            within = True
    return words


def plain_shingles(words: Sequence[str], width: int) -> set[tuple[str, ...]]:
    width = min(width, len(words))
    return {tuple(words[at : at + width]) for at in range(len(words) - width + 1)} - {()}


MIXED = st.text(
    alphabet=st.sampled_from(
        "aAbß1²９ﬁéİΣ \u00ad\u200d e\u0301\u0323 .-_'\n\t\u00a0石臼々〇カｶﾞーกำ້ࡀမཀក가मि🙂\ud800𝐚𠀀"
    ),
    max_size=30,
)
TEXTS = st.lists(MIXED | st.text(max_size=20), max_size=8)


@given(MIXED | st.text())
@example("".join(map(chr, range(0x3000, 0x3100))))
@example("".join(map(chr, itertools.chain(range(0xE00, 0x10A0), range(0x1780, 0x1800)))))
def test_words_are_those_of_the_documented_rules(text: str) -> None:
    (found,) = split_words([text])
    words = plain_words(text)
    alone = [int(single.hashes[0]) for single in split_words(words)]
    assert found.hashes.tolist() == alone
    assert len(set(alone)) == len(set(words))


@given(TEXTS, st.integers(1, 7))
def test_a_batch_is_signed_as_its_texts_are_alone(texts: list[str], words: int) -> None:
    signing = Signing(words, 16)
    together = signing.sign(texts)
    for row, text in enumerate(texts):
        alone = signing.sign([text])
        first, last = together.starts[row : row + 2]
        assert np.array_equal(together.signatures[row], alone.signatures[0])
        assert np.array_equal(together.shingles[first:last], alone.shingles)
        assert np.array_equal(together.text_hashes[row], alone.text_hashes[0])


@settings(deadline=None)
@given(st.lists(st.integers(0, 90_000), max_size=5), st.integers(0, 2**32 - 1))
def test_nor_does_it_matter_where_in_a_long_batch_a_text_lies(
    lengths: list[int], seed: int
) -> None:
    rng = random.Random(seed)
    texts = ["The mill", *("." * length + rng.choice(["", "é", "石"]) for length in lengths)]
    rng.shuffle(texts)
    texts.append("grinds WHEAT")
    together = Signing(permutations=4).sign(texts)
    alone = [Signing(permutations=4).sign([text]) for text in texts]
    assert (together.text_hashes == np.concatenate([one.text_hashes for one in alone])).all()
    assert (together.signatures == np.concatenate([one.signatures for one in alone])).all()


@settings(max_examples=50)
@given(MIXED, st.integers(1, 9), st.integers(1, 130), st.integers(0, 2**32 - 1))
def test_signatures_are_those_of_datasketch(
    text: str, words: int, permutations: int, seed: int
) -> None:
    signed = Signing(words, permutations, seed).sign([text])
    runs = [" ".join(run).encode() for run in plain_shingles(plain_words(text), words)]
    theirs = MinHash(num_perm=permutations, seed=seed, hashfunc=shingle_hash)
    theirs.update_batch(runs)
    assert signed.signatures[0].tolist() == theirs.hashvalues.tolist()
    assert signed.shingles.tolist() == sorted(map(shingle_hash, runs))


WORDS = st.lists(st.sampled_from("abcdef"), max_size=40)


@given(WORDS, WORDS, st.integers(1, 5))
def test_similarity_is_that_of_the_sets_of_shingles(
    one: list[str], other: list[str], words: int
) -> None:
    signed = Signing(words, 4).sign([" ".join(one), " ".join(other)])
    left, right = (signed.shingles[signed.starts[row] : signed.starts[row + 1]] for row in (0, 1))
    plain = plain_shingles(one, words), plain_shingles(other, words)
    for kind in ("jaccard", "containment"):
        assert similarity(left, right, kind) == plain_similarity(*plain, kind)
    same = bool((signed.text_hashes[0] == signed.text_hashes[1]).all())
    if len(plain[0]) > 1:  # a text of one word over and over is one shingle, however long
        assert same == (one == other)


def plain_similarity(removed: set[Any], kept: set[Any], kind: str) -> float:
    if not removed or not kept:
        return 0.0
    return len(removed & kept) / len(removed if kind == "containment" else removed | kept)


# --- components and equal texts --------------------------------------------------------------


@given(
    st.integers(1, 40).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))),
        )
    ),
    st.integers(1, 6),
)
def test_components_are_those_of_scipy(
    graph: tuple[int, list[tuple[int, int]]], chunks: int
) -> None:
    count, edges = graph
    ends = np.array(edges, np.uint32).reshape(-1, 2)
    pieces = [(piece[:, 0], piece[:, 1]) for piece in np.array_split(ends, chunks)]
    found = components(lambda: pieces, count)
    matrix = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, labels = connected_components(matrix, directed=False)
    wanted = [int(np.flatnonzero(labels == label)[0]) for label in labels]
    assert found.tolist() == wanted


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40),
    st.integers(1, 5),
    st.integers(1, 50),
    st.randoms(use_true_random=False),
)
def test_equal_texts_are_those_of_a_dictionary(
    rows: list[tuple[int, int]], parts: int, at_once: int, rng: random.Random
) -> None:
    hashes = np.array(rows, np.uint64).reshape(-1, 2) << np.uint64(62)
    numbers = np.array(rng.sample(range(len(rows)), len(rows)), np.uint32)
    smallest: dict[tuple[int, int], int] = {}
    for number, row in sorted(zip(numbers.tolist(), rows, strict=True)):
        smallest.setdefault(row, number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.dedup.exact.HASHES_AT_ONCE", at_once)
        found = same_texts(np.array_split(hashes, parts), numbers)
    wanted = {number: smallest[row] for number, row in zip(numbers.tolist(), rows, strict=True)}
    assert dict(enumerate(found.tolist())) == wanted


# --- whole deduplications --------------------------------------------------------------------


@st.composite
def corpora(draw: st.DrawFn) -> list[Entry]:
    """Documents of which many are copies, edits or passages of others."""
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))
    letters = draw(st.sampled_from(["ab", "abcdefgh", "abcdefghijklmnopqrstuvwxyz"]))
    made: list[list[str]] = [[]]
    for _ in range(draw(st.integers(0, 24))):
        words = list(rng.choice(made)) if rng.random() < 0.8 else []
        change = rng.random()
        if not words or change < 0.1:
            words += rng.choices(letters, k=rng.randrange(25))
        elif change < 0.6:
            words[rng.randrange(len(words))] = rng.choice(letters)
        elif change < 0.8:
            words = words[: rng.randrange(1, len(words) + 1)]
        made.append(words)
    made += [["!"], ["?"], ["!"]]
    dates = ["", "2020-01-01", "2021-05-05T10:00:00+02:00", "2021-05-05T08:00:00", "soon"]
    hosts = ["", "http://a.org/x", "https://www.a.org", "http://b.org"]
    names = rng.sample(range(1000), len(made))
    return [
        Entry(
            str(name),
            " ".join(words).upper() if rng.random() < 0.2 else " ".join(words),
            rng.choice(hosts),
            rng.choice(dates),
            rng.choice(["", "s"]),
            rng.choice([None, 0.5, 0.7]),
        )
        for name, words in zip(names, made, strict=True)
    ]


RULES: list[Rule] = ["longest", "earliest", "latest", "best_quality", "preferred_domains"]


@st.composite
def settings_of(draw: st.DrawFn) -> Dedup:
    keep = tuple(draw(st.lists(st.sampled_from(RULES), max_size=3, unique=True)))
    bands, rows = draw(st.sampled_from([(14, 8), (112, 1), (30, 2), (3, 3), (1, 1)]))
    return Dedup(
        threshold=draw(st.sampled_from([0.2, 0.5, 0.8, 1.0])),
        bands=bands,
        rows=rows,
        similarity=draw(st.sampled_from(["jaccard", "containment"])),
        words=draw(st.sampled_from([1, 2, 5])),
        keep=keep,
        quality="quality" if "best_quality" in keep else "",
        preferred_domains=("b.org", "a.org") if "preferred_domains" in keep else (),
        alarm=Alarm(action="off"),
    )


def rank(entry: Entry, chosen: Dedup) -> tuple[Any, ...]:
    """Sorts best first."""
    inf = float("inf")
    date = timestamp(entry.date)
    known = date == date
    domain = next((site for site in ("a.org", "b.org") if site in entry.url), "")
    keys = {
        "longest": -len(entry.text),
        "earliest": date if known else inf,
        "latest": -date if known else inf,
        "best_quality": inf if entry.quality is None else -entry.quality,
        "preferred_domains": {"b.org": 0, "a.org": 1, "": 2}[domain],
    }
    return (*(keys[rule] for rule in chosen.keep), entry.id)


class Expected:
    """The rule of `pipeline.dedup.verify`, word for word, over lists and dictionaries."""

    def __init__(self, entries: Sequence[Entry], chosen: Dedup):
        self.ranked = sorted(entries, key=lambda entry: rank(entry, chosen))
        self.texts = {entry.id: tuple(plain_words(entry.text)) or entry.text for entry in entries}
        self.shingles = {
            name: plain_shingles(text, chosen.words) if isinstance(text, tuple) else set()
            for name, text in self.texts.items()
        }
        signatures = chosen.signing.sign([entry.text for entry in self.ranked]).signatures
        bands, rows = chosen.banding
        buckets: dict[tuple[int, ...], set[str]] = defaultdict(set)
        self.shared: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for entry, signature in zip(self.ranked, signatures.tolist(), strict=True):
            for band in range(bands):
                bucket = buckets[band, *signature[band * rows : (band + 1) * rows]]
                for other in bucket:
                    self.shared[entry.id][other] += 1
                    self.shared[other][entry.id] += 1
                bucket.add(entry.id)
        self.kept: list[str] = []
        self.choices: dict[str, list[str]] = {}  # of each removed document
        for entry in self.ranked:
            choices = [name for name in self.kept if self.goes_for(entry.id, name, chosen)]
            if choices:
                self.choices[entry.id] = choices
            else:
                self.kept.append(entry.id)

    def goes_for(self, name: str, kept: str, chosen: Dedup) -> bool:
        if self.texts[name] == self.texts[kept]:
            return True
        near = plain_similarity(self.shingles[name], self.shingles[kept], chosen.similarity)
        return self.shared[name].get(kept, 0) > 0 and near >= chosen.least_similarity


def table_of(entries: Sequence[Entry]) -> pa.Table:
    names = ["id", "text", "url", "date", "source", "quality"]
    return pa.table({name: [getattr(entry, name) for entry in entries] for name in names})


@settings(deadline=None, max_examples=150)
@given(corpora(), settings_of())
def test_what_goes_and_what_stays_is_what_the_rule_says(
    entries: list[Entry], chosen: Dedup
) -> None:
    kept, receipts = dedup(table_of(entries), chosen)
    expected = Expected(entries, chosen)
    assert sorted(kept["id"].to_pylist()) == sorted(expected.kept)
    order = [entry.id for entry in entries]
    assert kept["id"].to_pylist() == sorted(expected.kept, key=order.index)
    assert receipts["removed"].to_pylist() == sorted(expected.choices)
    clusters: dict[str, int] = defaultdict(lambda: 1)
    for row in receipts.to_pylist():
        name, stands = row["removed"], row["kept"]
        clusters[stands] += 1
        assert stands in expected.choices[name]
        sets = expected.shingles[name], expected.shingles[stands]
        same = expected.texts[name] == expected.texts[stands]
        value = 1.0 if same else plain_similarity(*sets, chosen.similarity)
        assert value >= chosen.least_similarity
        assert row["similarity"] == value
        assert row["buckets"] == expected.shared[name][stands]
        if same or not len(sets[0]) == len(sets[1]) == 1:
            assert row["rule"] == ("exact" if same else chosen.similarity)
    assert kept["cluster"].to_pylist() == kept["id"].to_pylist()
    assert kept["cluster_size"].to_pylist() == [clusters[name] for name in kept["id"].to_pylist()]


@settings(deadline=None, max_examples=40)
@given(corpora(), settings_of(), st.randoms(use_true_random=False))
def test_what_stays_stays_again_in_any_order(
    entries: list[Entry], chosen: Dedup, rng: random.Random
) -> None:
    kept, _ = dedup(table_of(entries), chosen)
    shuffled = kept.take(pa.array(rng.sample(range(kept.num_rows), kept.num_rows)))
    again, receipts = dedup(shuffled, chosen)
    assert receipts.num_rows == 0
    assert again["id"].to_pylist() == shuffled["id"].to_pylist()
    if chosen.similarity == "jaccard":  # symmetric: no other choice of copies finds more
        renumbered, receipts = dedup(shuffled, chosen, id_column=None)
        assert receipts.num_rows == 0
        assert renumbered.num_rows == kept.num_rows


def run(parts: Sequence[Sequence[Entry]], chosen: Dedup, execute: Any) -> tuple[bytes, Outcome]:
    with tempfile.TemporaryDirectory() as root:
        folder = RunFolder(Path(root, "out")).create(kinds=())
        with folder.lock() as held:
            index = [
                write_part(held, number, part, chosen.signing, "")
                for number, part in enumerate(parts)
            ]
            found = deduplicate(held, index, chosen, execute)
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, found.receipts().schema) as writer:
                writer.write_table(found.receipts().combine_chunks())
            return sink.getvalue().to_pybytes(), found


def in_order(work: Callable[[Any, Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    for position, task in enumerate(tasks):
        yield position, work(task, lambda counts: None)


@settings(deadline=None, max_examples=25)
@given(
    corpora(),
    settings_of(),
    st.integers(1, 5),
    st.sampled_from([1, 7, 100]),
    st.sampled_from([1, 20, 300]),
    st.randoms(use_true_random=False),
)
def test_order_parts_partitions_and_workers_change_no_byte(
    entries: list[Entry],
    chosen: Dedup,
    parts: int,
    per_task: int,
    per_partition: int,
    rng: random.Random,
) -> None:
    def shuffled(work: Callable[[Any, Any], Any], tasks: Sequence[Any]) -> Any:
        for position in rng.sample(range(len(tasks)), len(tasks)):
            yield position, work(tasks[position], lambda counts: None)

    wanted, whole = run([entries], chosen, in_order)
    mixed = rng.sample(entries, len(entries))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.dedup.shuffle.DOCUMENTS_PER_TASK", per_task)
        patch.setattr("pipeline.dedup.shuffle.ROWS_PER_PARTITION", per_partition)
        patch.setattr("pipeline.dedup.index._DOCUMENTS_AT_ONCE", per_task)
        found, cut = run([mixed[number::parts] for number in range(parts)], chosen, shuffled)
    assert found == wanted
    assert cut.counts() == whole.counts()
    counts = whole.counts()
    assert counts["entered"] == counts["kept"] + counts["removed"] == len(entries)
    fates = {}
    for outcome, number in ((whole, 1), (cut, parts)):
        rows = [outcome.part(place) for place in range(number)]
        columns = ("ids", "removed", "cluster", "size", "similarity", "rule")
        fates[number == 1 and outcome is whole] = sorted(
            repr(row)
            for part in rows
            for row in zip(*(getattr(part, name).tolist() for name in columns), strict=True)
        )
    assert fates[True] == fates[False]


@settings(deadline=None, max_examples=25)
@given(corpora(), settings_of(), st.integers(0, 2**32 - 1))
def test_crawl_by_crawl_every_removal_names_one_that_stays(
    entries: list[Entry], chosen: Dedup, seed: int
) -> None:
    rng = random.Random(seed)
    crawls = [entries[:9], entries[9:18], entries[18:]]
    rng.shuffle(crawls)
    texts = {entry.id: tuple(plain_words(entry.text)) or entry.text for entry in entries}
    stands: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as home:
        done: list[str] = []
        for number, crawl in enumerate(crawls):
            root = Path(home, str(number))
            leave(root, crawl, Dedup(**{**vars(chosen), "against": tuple(done)}), stands)
            done.append(str(root))
    kept = [entry.id for entry in entries if entry.id not in stands]
    assert set(stands.values()) <= set(kept)
    assert len({texts[name] for name in kept}) == len(kept)  # no text twice


def leave(root: Path, crawl: Sequence[Entry], chosen: Dedup, stands: dict[str, str]) -> None:
    """Deduplicate a crawl against earlier ones and leave its index behind."""
    kept, receipts = dedup(table_of(crawl), chosen)
    for row in receipts.to_pylist():
        assert row["rule"].endswith(".earlier") == (
            row["kept"] not in {entry.id for entry in crawl}
        )
        stands[row["removed"]] = row["kept"]
    assert kept.num_rows + receipts.num_rows == len(crawl)
    folder = RunFolder(root).create(kinds=())
    write_part(folder, 0, crawl, chosen.signing, "")
    pq.write_table(receipts, root / "receipts.parquet")
    (root / "manifest.json").write_text('{"dedup": {"parts": 1}}')

"""Documents with known near-duplicates: edited copies, templates, boilerplate, short texts, books.

Made from real texts where they are given and from an invented language where not, by a seed
alone. Nothing here says which pairs *are* duplicates: that is measured on the texts, exactly, by
``exact_similarity``.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from planted_boilerplate import NOTICES
from planted_language import Writer

__all__ = ["KINDS", "Planted", "books", "planted", "similar_text"]

_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclasses.dataclass
class Planted:
    """Documents in an order that says nothing.

    Args:
        ids: unique; they say nothing either.
        texts: same order.
        kinds: how each came about, one of ``KINDS``.
        families: number of the text each derives from; documents of two families are unrelated,
            but for boilerplate that both have, or where two sources are the same or alike.
    """

    ids: list[str] = dataclasses.field(default_factory=list)
    texts: list[str] = dataclasses.field(default_factory=list)
    kinds: list[str] = dataclasses.field(default_factory=list)
    families: list[int] = dataclasses.field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def write(self, path: Path) -> None:
        """As JSONL with ``id`` and ``text``."""
        with path.open("w", encoding="utf-8") as lines:
            for name, text in zip(self.ids, self.texts, strict=True):
                lines.write(json.dumps({"id": name, "text": text}) + "\n")


def planted(seed: int = 1, families: int = 1_000, sources: Sequence[str] | None = None) -> Planted:
    """Families of every kind in ``KINDS``.

    Edit rates are drawn from 0 to 60 %; half of them below 6 %, since of a text that has every
    tenth word replaced hardly half the 5-grams remain.

    Args:
        seed: decides everything.
        families: how many; a family has 2 to 12 documents, ``single`` one.
        sources: texts to start from, used in turn (their first 1,500 words); invented ones if none.
    """
    rng = random.Random(seed)
    writer = Writer(rng, sources)
    rows: list[tuple[str, str, int]] = []
    for family, kind in zip(range(families), itertools.cycle(KINDS), strict=False):
        rows.extend((text, kind, family) for text in KINDS[kind](writer))
    return _shuffled(rows, rng)


def books(
    seed: int = 1,
    count: int = 300,
    licence_words: int = 3_000,
    shortest: int = 1_000,
    longest: int = 50_000,
    reprints: int = 15,
) -> Planted:
    """Unrelated books between the same licence header and footer, as Project Gutenberg has them.

    Args:
        seed: decides everything.
        count: books; their lengths in words are spread evenly on a logarithmic scale.
        licence_words: of header (a fifth) and footer together, the same in every book but for its
            title and number.
        shortest: words of the shortest book; at 1,000 beside 3,000 of licence two unrelated books
            are similar to .6.
        longest: words of the longest.
        reprints: so many of the books come a second time, with one word in 200 changed: these are
            true duplicates, of kind ``reprint``.
    """
    rng = random.Random(seed)
    writer = Writer(rng, None)
    header, footer = writer.text(licence_words // 5), writer.text(licence_words * 4 // 5)

    def bound(title: str, body: str, number: int) -> str:
        return f"{title}, eBook number {number}\n\n{header}\n\n{body}\n\nEnd of {title}\n\n{footer}"

    rows = []
    bodies = []
    for number in range(count):
        length = round(shortest * (longest / shortest) ** (number / max(count - 1, 1)))
        title, body = writer.text(4), writer.text(length)
        rows.append((bound(title, body, number), "book", number))
        bodies.append((title, body))
    for number in rng.sample(range(count), reprints):
        title, body = bodies[number]
        rows.append(
            (bound(title, _edit_words(writer, body, 0.005), count + number), "reprint", number)
        )
    return _shuffled(rows, rng)


def similar_text(rng: random.Random, length: int, similarity: float) -> tuple[str, str]:
    """Two invented texts of ``length`` words whose 5-grams have about that Jaccard similarity.

    One run of words is replaced by others, anywhere; the last few words where that is enough.
    """
    writer = Writer(rng, None)
    original = writer.words(length)
    lost = round((length - 4) * (1 - similarity) / (1 + similarity))  # shingles
    run = lost - 4 if lost > 4 else lost
    begin = rng.randint(4, length - 4 - run) if lost > 4 and run < length - 8 else length - run
    other = [*original[:begin], *writer.words(run), *original[begin + run :]]
    return " ".join(original), " ".join(other)


def _edit(writer: Writer, parts: list[str], rate: float, new: Callable[[], str]) -> list[str]:
    """Each part in turn replaced, dropped, followed by a new one or swapped with its neighbour."""
    rng, edited = writer.rng, list[str]()
    for part in parts:
        if rng.random() >= rate:
            edited.append(part)
            continue
        step = rng.random()
        if step < 0.55:
            edited.append(new())
        elif step < 0.75:
            continue
        elif step < 0.95:
            edited += [part, new()]
        else:
            edited.insert(max(len(edited) - 1, 0), part)
    return edited or parts


def _edit_words(writer: Writer, text: str, rate: float) -> str:
    parts = _edit(writer, re.split(r"(\s+)", text)[::2], rate, lambda: writer.words(1)[0])
    return " ".join(parts)


def _edit_sentences(writer: Writer, text: str, rate: float) -> str:
    return " ".join(_edit(writer, _SENTENCE.split(text), rate, writer.sentence))


def _edit_paragraphs(writer: Writer, text: str, rate: float) -> str:
    parts = [part for part in text.split("\n") if part.strip()]
    return "\n\n".join(_edit(writer, parts, rate, lambda: writer.text(40)))


def _variants(edit: Callable[[Writer, str, float], str]) -> Callable[[Writer], list[str]]:
    def family(writer: Writer) -> list[str]:
        text = writer.page()
        copies = writer.rng.randint(1, 5)
        return [text, *(edit(writer, text, writer.rate()) for _ in range(copies))]

    return family


def _chain(writer: Writer) -> list[str]:
    """Each an edit of the one before: neighbours are near, the ends are not."""
    texts = [writer.page()]
    edit = writer.rng.choice([_edit_sentences, _edit_paragraphs])
    for _ in range(writer.rng.randint(3, 8)):
        texts.append(edit(writer, texts[-1], writer.rng.uniform(0.03, 0.12)))
    return texts


def _formatted(writer: Writer) -> list[str]:
    """The same words: other case, punctuation, line ends, full-width forms."""
    text = writer.page()
    wide = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    ways = [
        str.upper(text) if text.upper().lower() == text.lower() else text + " !",
        re.sub(r"\s+", "\n", text),
        re.sub(r"(\w) (\w)", r"\1 – \2", text),
        text.translate(wide) if text.isascii() else f"  {text}\r\n",
    ]
    return [text, *writer.rng.sample(ways, writer.rng.randint(1, len(ways)))]


def _shuffled_paragraphs(writer: Writer) -> list[str]:
    parts = [part for part in writer.page().split("\n") if part.strip()]
    return ["\n".join(parts), "\n".join(writer.rng.sample(parts, len(parts)))]


def _fragment(writer: Writer) -> list[str]:
    """A text, and a beginning of it: contained in it, and mostly not similar to it."""
    text = writer.page()
    return [text, text[: int(len(text) * writer.rng.uniform(0.3, 0.95))]]


def _template(writer: Writer) -> list[str]:
    """One page layout with other fillings: from shop pages that differ in a name to real articles."""
    fixed = [writer.text(writer.rng.randint(15, 80)) for _ in range(4)]
    filling = writer.rng.choice([2, 5, 10, 25, 60, 150])
    pages = []
    for _ in range(writer.rng.randint(3, 12)):
        slots = [" ".join(writer.words(writer.rng.randint(1, filling))) for _ in range(3)]
        price = f"{writer.rng.randint(1, 999)}.{writer.rng.randint(0, 99):02d}"
        pages.append(
            "\n".join([fixed[0], slots[0], fixed[1], price, slots[1], fixed[2], slots[2], fixed[3]])
        )
    return pages


def _notices(writer: Writer) -> list[str]:
    """Two bodies, each between the same notices in several languages."""
    bodies = [writer.text(round(10 ** writer.rng.uniform(1.6, 3.2))) for _ in range(2)]
    languages = writer.rng.sample(sorted(NOTICES), 4)
    return [
        f"{NOTICES[language][0]}\n\n{body}\n\n{NOTICES[language][1]}"
        for body in bodies
        for language in languages
    ]


def _short(writer: Writer) -> list[str]:
    """One word to a dozen, the same with one replaced, the first few of them; or no word at all."""
    rng = writer.rng
    if rng.random() < 0.03:
        return rng.choices(["", " ", "...", "?!", "—"], k=2)
    words = writer.words(rng.randint(1, 12))
    texts = [" ".join(words), " ".join(words).upper()]
    for _ in range(rng.randint(1, 3)):
        other = list(words)
        other[rng.randrange(len(other))] = writer.words(1)[0]
        texts.append(" ".join(other))
    return [*texts, " ".join(words[: rng.randint(1, 12)])]


KINDS: dict[str, Callable[[Writer], list[str]]] = {
    "words": _variants(_edit_words),
    "sentences": _variants(_edit_sentences),
    "paragraphs": _variants(_edit_paragraphs),
    "chain": _chain,
    "format": _formatted,
    "shuffle": _shuffled_paragraphs,
    "fragment": _fragment,
    "template": _template,
    "notices": _notices,
    "short": _short,
    "single": lambda writer: [writer.page()],
}


def _shuffled(rows: list[tuple[str, str, int]], rng: random.Random) -> Planted:
    made = Planted()
    rng.shuffle(rows)
    names = rng.sample(range(10**9), len(rows))
    for name, (text, kind, family) in zip(names, rows, strict=True):
        made.ids.append(f"d{name:09d}")
        made.texts.append(text)
        made.kinds.append(kind)
        made.families.append(family)
    return made

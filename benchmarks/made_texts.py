"""Invented documents for PDFs: a title, headings, paragraphs, footnotes, tables, lists.

The sentences come from a small grammar over words of milling, rivers and trade, many of them long
or with letters that fonts join (office, difficult, waffle). Three parts with vocabularies and seeds of
their own: two to develop with, and one for the last figure only.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Literal

__all__ = ["Made", "Paragraph", "Table", "made_text"]

_NOUNS = {
    "dev": (
        "miller office difficulty river waterwheel granary efficiency merchant affluent harvest "
        "storehouse flourmill conveyance classification reflection waffle agreement inspection "
        "regulation neighbourhood apprentice transportation ratification sluice measurement "
        "correspondence confidence settlement afflux investigation grindstone magistrate"
    ),
    "second": (
        "ferryman official sufficiency harbour lighthouse customs-house shipment traffic cargo "
        "warehouse navigation qualification insurance certificate coffin baffle arrangement "
        "examination commission municipality carpenter administration modification dredger "
        "observation declaration fulfilment embankment influence documentation anchor councillor"
    ),
    "final": (
        "surveyor official shuffle meadow aqueduct proficiency almanac profile affidavit raffle "
        "stonemason cofferdam apothecary fluctuation certification parchment observatory difference "
        "constellation reflector toll-gate commissioner expedition workmanship counterfeit surface"
    ),
}
_ADJECTIVES = {
    "dev": (
        "different efficient well-known considerable ordinary flat final unfinished seasonal "
        "comparatively expensive wooden magnificent insufficient half-finished official narrow"
    ),
    "second": (
        "indifferent proficient long-lasting remarkable customary fluid definite refitted annual "
        "surprisingly profitable granite beneficial ineffective low-lying confidential broad"
    ),
    "final": (
        "official bewildering fluent well-kept affordable infinite sufficient medieval "
        "undiscovered far-reaching wintry inflexible contemporary half-forgotten stiff "
        "geographical insignificant careful"
    ),
}
_VERBS = {
    "dev": (
        "established reflected investigated simplified transferred satisfied described confined "
        "influenced reconstructed measured identified accompanied notified flooded postponed"
    ),
    "second": (
        "administered inflated examined clarified differed fortified recorded defined reconfirmed "
        "dismantled surveyed specified represented magnified floated suspended"
    ),
    "final": (
        "certified surveyed fulfilled disqualified inflamed scaffolded confiscated rearranged "
        "published affirmed calculated deflected strengthened underlined exemplified accumulated "
        "transcribed"
    ),
}
_WHEN = (
    "in the dry months",
    "after the second flood",
    "before the council met",
    "at the end of the year",
    "during the long winter",
    "on the morning of the fair",
    "without any further delay",
    "for reasons that were never explained",
    "as the older records confirm",
    "although nobody had expected it",
)
_HEADS = ("Origins of", "On", "Later History of", "Remarks about", "The Decline of", "Accounts of")


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """Sentences; ``notes`` are the sentences of footnotes by the index of the one they hang on."""

    sentences: tuple[str, ...]
    notes: dict[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    kind: Literal["text", "heading", "item"] = "text"


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells, the first of them the heads of the columns."""

    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Made:
    """A document as it was meant.

    Args:
        title: one line.
        parts: in the order of reading.
        head: what stands on top of every page, and in no gold text.
    """

    title: str
    parts: tuple[Paragraph | Table, ...]
    head: str

    def flows(self) -> Iterator[list[str]]:
        """Units that are read one after the other: those of the body, then those of each note."""
        body = [self.title]
        notes: list[list[str]] = []
        for part in self.parts:
            if isinstance(part, Table):
                body += [" ".join(row) for row in part.rows]
            else:
                body += part.sentences
                notes += [list(note) for note in part.notes.values()]
        yield body
        yield from notes

    def text(self) -> str:
        """All words that are to come out, marks of footnotes included (in text and at the note)."""
        number = 0
        lines = [self.title]
        for part in self.parts:
            if isinstance(part, Table):
                lines += ["\t".join(row) for row in part.rows]
                continue
            lines.append(" ".join(part.sentences))
            for note in part.notes.values():
                number += 1
                lines.append(f"{number} {number} " + " ".join(note))
        return "\n".join(lines)


class _Speaker:
    """Sentences that differ from each other."""

    def __init__(self, half: str, seed: int):
        self.draw = random.Random(f"{half} {seed}")
        self.nouns = _NOUNS[half].split()
        self.adjectives = _ADJECTIVES[half].split()
        self.verbs = _VERBS[half].split()
        self.said: set[str] = set()

    def phrase(self) -> str:
        draw = self.draw
        if draw.random() < 0.6:
            return f"the {draw.choice(self.adjectives)} {draw.choice(self.nouns)}"
        return f"the {draw.choice(self.nouns)} of the {draw.choice(self.nouns)}"

    def sentence(self) -> str:
        draw = self.draw
        while True:
            said = f"{self.phrase()} {draw.choice(self.verbs)} {self.phrase()}"
            if draw.random() < 0.5:
                said += f" {draw.choice(_WHEN)}"
            if draw.random() < 0.35:
                said += f", and {self.phrase()} {draw.choice(self.verbs)} {self.phrase()}"
            if draw.random() < 0.2:
                said += f" ({draw.randint(1700, 1899)})"
            if said[-40:] not in self.said and said[:30] not in self.said:
                self.said |= {said[-40:], said[:30]}
                return said[0].upper() + said[1:] + draw.choice("......?;").replace(";", ".")

    def heading(self) -> str:
        while True:
            noun, other = self.draw.sample(self.nouns, 2)
            said = f"{self.draw.choice(_HEADS)} the {noun.title()} and the {other.title()}"
            if said not in self.said:
                self.said.add(said)
                return said

    def table(self, columns: int, rows: int) -> Table:
        draw = self.draw
        heads = ("Parish", "Mills", "Tons", "Share", "Remark")[:columns]
        pairs = [f"{a.title()} {n.title()}" for a in self.adjectives for n in self.nouns[:9]]
        names = draw.sample(pairs, rows)
        body = []
        for name in names:
            cells = [name, str(draw.randint(1, 99)), f"{draw.randint(100, 9999):,}",
                     f"{draw.random():.2f}", draw.choice(self.nouns)]  # fmt: skip
            body.append(tuple(cells[:columns]))
        return Table((heads, *body))


def made_text(
    half: Literal["dev", "second", "final"],
    seed: int,
    *,
    paragraphs: int = 14,
    notes: bool = True,
    tables: bool = True,
    items: bool = True,
) -> Made:
    """A document of about ``paragraphs`` paragraphs, the same for the same arguments.

    Args:
        half: the part, and so the vocabulary.
        seed: which document.
        paragraphs: about 70 words each.
        notes, tables, items: whether there are footnotes, tables and lists.
    """
    speaker = _Speaker(half, seed)
    draw = speaker.draw
    title = speaker.heading()
    parts: list[Paragraph | Table] = []
    for index in range(paragraphs):
        if index % 4 == 0:
            parts.append(Paragraph((speaker.heading(),), kind="heading"))
        sentences = tuple(speaker.sentence() for _ in range(draw.randint(2, 7)))
        hung: dict[int, tuple[str, ...]] = {}
        if notes and draw.random() < 0.35:
            count = draw.randint(1, 2)
            hung[draw.randrange(len(sentences))] = tuple(speaker.sentence() for _ in range(count))
        parts.append(Paragraph(sentences, hung))
        if tables and index % 6 == 3:
            parts.append(speaker.table(draw.randint(3, 5), draw.randint(4, 8)))
        if items and index % 7 == 5:
            parts += [Paragraph((speaker.sentence(),), kind="item") for _ in range(3)]
    return Made(
        title, tuple(parts), f"Annals of the {speaker.nouns[seed % len(speaker.nouns)].title()}"
    )

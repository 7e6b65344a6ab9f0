"""What is measured of each leaf block: its text, the elements around it, and where it stands.

Nothing here knows a language: letters, marks and lengths are counted, no word is looked up. The words that
are looked up are those of the page's maker: names of elements, classes, ids, roles.

Numbers are integers or ratios of integers, and logarithms of integers rounded to 1/64, so that they are
the same on every machine.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import sys
import unicodedata
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks.maker_words import Vocabulary, numbers_of
from pipeline.extract.blocks.outline import Outline

__all__ = [
    "LEVELS",
    "LINKED",
    "NUMBERS",
    "Measured",
    "block_texts",
    "measure_blocks",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS = 6  # elements around a block that are looked at, each holding more text than the one before
LINKED = 2  # the column that says which share of a block stands in links


@dataclasses.dataclass(slots=True)
class Measured:
    """Features of a page's blocks.

    Args:
        numbers: ``float64[blocks, NUMBERS]``, all about within [-1, 1].
        elements: ``int64[blocks, 1 + LEVELS]``, for each block the number of the element around its
            first piece, of its own element, and of ever larger ones, as rows of ``words``.
        words: ``int64[elements, WORDS_PER_ELEMENT]``, numbers of maker's words of each element that
            ``elements`` names; 0 is none.
        alike: ``int64[blocks]``, blocks with the same number have the same path of tags and classes.
        lengths: words of each block; where none are parted by spaces, characters count in part.
        texts: of the blocks, white space collapsed.
    """

    numbers: Floats
    elements: Ints
    words: Ints
    alike: Ints
    lengths: Floats
    texts: list[str]


def _classes() -> npt.NDArray[np.uint8]:
    """A class for each character: letters, digits, and what marks say."""
    table = np.zeros(sys.maxunicode + 1, np.uint8)
    kinds = {
        "Lu": 1,
        "Ll": 2,
        "Lt": 1,
        "Lm": 3,
        "Lo": 3,
        "Mn": 3,
        "Mc": 3,
        "Nd": 4,
        "Nl": 4,
        "No": 4,
    }
    for code in range(0x30000):
        kind = unicodedata.category(chr(code))
        if kind in kinds:
            table[code] = kinds[kind]
        elif kind[0] == "S":
            table[code] = 9
        elif kind[0] == "P":
            table[code] = 8
    for character in " \t\n\r\u00a0\u3000":
        table[ord(character)] = 5
    for character in ".!?。！？؟।…։":
        table[ord(character)] = 6
    for character in ",;:，、；：،؛":
        table[ord(character)] = 7
    for character in "|•·»›/→©®":
        table[ord(character)] = 10
    for character in "$€£¥₹%":
        table[ord(character)] = 11
    # Scripts that are written without spaces: a character is about half a word.
    for low, high in (
        (0x2E80, 0x303E),
        (0x3041, 0x33FF),
        (0x3400, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x2FFFF),
    ):
        part = table[low : high + 1]
        part[part == 3] = 12
    for low, high in (
        (0x0E00, 0x0EFF),
        (0x1000, 0x109F),
        (0x1780, 0x17FF),
    ):  # Thai, Lao, Burmese, Khmer
        part = table[low : high + 1]
        part[part == 3] = 13
    return table


_CLASS = functools.cache(_classes)
_CLASSES = 14


def block_texts(outline: Outline) -> list[str]:
    """Text of each block, white space collapsed."""
    pieces = list(outline.pieces)
    for piece in np.flatnonzero(outline.breaks).tolist():
        pieces[piece] = " " + pieces[piece]
    starts = [*_first_of_blocks(outline).tolist(), len(pieces)]
    return [
        " ".join((pieces[start] if end == start + 1 else "".join(pieces[start:end])).split())
        for start, end in itertools.pairwise(starts)
    ]


def _first_of_blocks(outline: Outline) -> Ints:
    """The first piece of each block."""
    return outline.piece_blocks.searchsorted(np.arange(len(outline.block_elements)))


def _log(values: Any) -> Any:
    """log2(1 + n) / 8, rounded to 1/512."""
    return np.rint(np.log2(1.0 + values) * 64.0) / 512.0


def measure_blocks(outline: Outline, vocabulary: Vocabulary) -> Measured:
    """Features of every block of a page that has some."""
    texts = block_texts(outline)
    count = len(texts)
    text_columns, words, tally, shares = _of_texts(outline, texts)
    chain, element_columns, sizes = _of_elements(outline, words, tally, shares[0])
    alike = _alike(outline, chain)
    place_columns = _of_places(outline, texts, words, shares[1], alike, chain)
    total = max(float(words.sum()), 1.0)
    linked, long, headings = sizes
    page = [
        _log(total), _log(float(count)), linked, long / total, _log(headings),
        min(float(tally[:, 11].sum()) / count, 1.0), float((words <= 3).sum()) / count,
        min(float(tally[:, 4].sum()) / max(float(tally.sum()), 1.0) * 4, 2.0),
        float((shares[0] > 0.9).sum()) / count,
    ]  # fmt: skip
    numbers = np.empty((NUMBERS, count))
    start = 0
    for column in (*text_columns, *place_columns, *element_columns):
        end = start + (len(column) if column.ndim == 2 else 1)
        numbers[start:end] = column
        start = end
    numbers[start:] = np.array(page, np.float64)[:, None]
    numbers *= 512.0
    np.rint(numbers, out=numbers)
    numbers /= 512.0
    used, rows = _distinct(chain, len(outline.tags))
    return Measured(
        numbers=numbers,
        elements=rows,
        words=_words(outline, used, vocabulary),
        alike=alike,
        lengths=words,
        texts=texts,
    )


def _distinct(numbers: Ints, size: int) -> tuple[Ints, Ints]:
    """The different ones of numbers below ``size``, ascending, and the place of each among these."""
    used = np.zeros(size, np.bool_)
    used[numbers] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[numbers]


def _words(outline: Outline, elements: Ints, vocabulary: Vocabulary) -> Ints:
    """Numbers of the maker's words of elements, ``int64[elements, WORDS_PER_ELEMENT]``."""
    tags, attributes = outline.tags, outline.attributes
    examples, kinds = _examples(outline, elements)
    listed = [numbers_of(tags[one], attributes[one], vocabulary) for one in examples]
    return np.array(listed, np.int64)[kinds]


def _examples(outline: Outline, elements: Ints) -> tuple[list[int], Ints]:
    """One element of each kind that ``elements`` are of, and which of these stands for each."""
    of_elements = outline.kinds[elements]
    examples = np.empty(int(outline.kinds.max()) + 1, np.int64)
    examples[of_elements] = elements
    kinds, places = _distinct(of_elements, len(examples))
    return examples[kinds].tolist(), places


def _of_texts(
    outline: Outline, texts: list[str]
) -> tuple[list[Floats], Floats, Floats, tuple[Floats, Floats]]:
    """Columns of what the texts are like; their words; kinds of characters; share and number in links."""
    count = len(texts)
    lengths = np.fromiter(map(len, texts), np.int64, count)
    ends = np.cumsum(lengths)
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _CLASS().take(codes) if len(codes) else np.zeros(1, np.uint8)
    owner = np.repeat(np.arange(0, count * _CLASSES, _CLASSES), lengths)
    tally = (
        np.bincount(owner + kinds[: len(codes)], minlength=count * _CLASSES)
        .reshape(count, _CLASSES)
        .astype(np.float64)
    )
    words = tally[:, 5] + 1 + np.floor(tally[:, 12] / 2) + np.floor(tally[:, 13] / 5)
    unspaced = tally[:, 12] + tally[:, 13]
    letters = tally[:, 1] + tally[:, 2] + tally[:, 3] + unspaced
    some = lengths > 0
    last = np.where(some, kinds[np.minimum(ends, len(kinds)) - 1], 0)
    first = np.where(some, kinds[np.minimum(ends - lengths, len(kinds) - 1)], 0)
    linked_pieces = outline.links[outline.piece_elements]
    sizes = outline.sizes
    characters: Floats = np.bincount(outline.piece_blocks, sizes, count).astype(np.float64)
    linked = np.bincount(outline.piece_blocks, sizes * linked_pieces, count) / np.maximum(
        characters, 1
    )
    per_length, per_word = 1 / np.maximum(lengths, 1), 1 / words
    columns: list[Any] = [
        _log(lengths), _log(words), linked, linked > 0.9,
        tally[:, 1] / np.maximum(letters, 1), tally[:, 4] * per_length,
        tally[:, 6] * per_word, tally[:, 7] * per_word,
        (tally[:, 8] + tally[:, 9]) * per_length, np.minimum(tally[:, 10] * per_word, 2),
        np.minimum(tally[:, 10], 4) / 4, np.minimum(tally[:, 11], 4) / 4,
        np.minimum(letters * per_word / 8, 2), unspaced / np.maximum(letters, 1),
        last == 6, last == 7, last == 4, first == 1, first == 4, first == 10,
        words == 1, (words > 1) & (words <= 3), (words > 3) & (words <= 8), words >= 25,
    ]  # fmt: skip
    return columns, words, tally, (linked, characters)


def _of_places(
    outline: Outline, texts: list[str], words: Floats, characters: Floats, alike: Ints, chain: Ints
) -> list[Floats]:
    """Columns of where the blocks stand, and what there is of their text and of their make."""
    count = len(texts)
    total = max(float(characters.sum()), 1.0)
    place = np.arange(count)
    before = np.cumsum(characters) - characters
    repeats: dict[str, int] = {}
    nth = []
    for one in texts:
        seen = repeats.get(one, 0)
        nth.append(seen)
        repeats[one] = seen + 1
    often = [repeats[one] for one in texts]
    make_blocks = np.bincount(alike).astype(np.float64)
    make_words = np.bincount(alike, words)
    return [
        place / count, before / total,
        _log(np.stack([place, count - 1 - place, before, total - before])),
        np.minimum(nth, 4) / 4, np.minimum(np.array(often) - 1, 4) / 4,
        _log(make_blocks)[alike], (make_blocks / count)[alike],
        (make_words / max(float(words.sum()), 1.0))[alike],
        np.minimum(make_words / np.maximum(make_blocks, 1) / 32, 2)[alike],
        np.minimum(outline.depths[chain[:, 1]] / 24, 2),
    ]  # fmt: skip


def _of_elements(
    outline: Outline, words: Floats, tally: Floats, linked_share: Floats
) -> tuple[Ints, list[Floats], tuple[float, float, float]]:
    """The elements around each block, columns of them; of the page: share in links, long words, headings."""
    sizes = outline.sizes
    first_of_block = _first_of_blocks(outline)
    # One row for each thing that is summed over elements; words and marks count where a block begins.
    amounts = np.zeros((6, len(sizes) + 1))
    amounts[0, 1:] = sizes
    amounts[1, 1:] = sizes * outline.links[outline.piece_elements]
    at = first_of_block + 1
    amounts[2, at] = 1
    amounts[3, at] = words
    amounts[4, at] = tally[:, 6] + tally[:, 7]
    amounts[5, at] = np.where((words >= 12) & (linked_share < 0.5), words, 0)
    sums = np.cumsum(amounts, axis=1)
    first, last = outline.first_piece, outline.last_piece
    within = sums[:, last] - sums[:, first]
    size = within[0]
    headings = np.cumsum(outline.headings, dtype=np.int64)
    heads: Floats = (headings[outline.last_below] - headings).astype(np.float64)

    larger = _larger(outline.parents, size)
    chain = np.empty((len(first_of_block), 1 + LEVELS), np.int64)
    chain[:, 0] = outline.piece_elements[first_of_block]
    chain[:, 1] = outline.block_elements
    for level in range(2, 1 + LEVELS):
        chain[:, level] = larger[chain[:, level - 1]]

    whole = max(float(size[0]), 1.0)
    logs = _log(np.stack([within[3], within[2], heads]))
    least, word_count = np.maximum(size, 1), np.maximum(within[3], 1)
    of_element = np.stack([
        logs[0], size / whole, within[1] / least, logs[1],
        np.minimum(within[4] / word_count * 4, 2), within[5] / word_count, logs[2],
    ])  # fmt: skip
    begin = sums[0, first]
    before = sums[0, first_of_block]
    columns: list[Floats] = []
    for level in range(1, 1 + LEVELS):
        element = chain[:, level]
        columns.append(of_element[:, element])
        if level > 1:
            columns += [
                size[chain[:, level - 1]] / least[element],
                (before - begin[element]) / least[element],
            ]
    return chain, columns, (float(within[1, 0]) / whole, float(within[5, 0]), float(heads[0]))


def _larger(parents: Ints, size: Floats) -> Ints:
    """For each element the nearest around it that holds more text."""
    larger = parents.copy()
    while True:
        same = (size[larger] == size) & (larger > 0)
        if not same.any():
            return larger
        larger[same] = larger[larger[same]]


def _alike(outline: Outline, chain: Ints) -> Ints:
    """Blocks of one make have one number: the same names and classes around."""
    tags, attributes = outline.tags, outline.attributes
    path = np.stack([chain[:, 0], chain[:, 1], outline.parents[chain[:, 1]]])
    examples, kinds = _examples(outline, path)
    looks: dict[tuple[str, str], int] = {}
    numbers = [
        looks.setdefault((tags[one], _class_of(attributes[one])), len(looks)) for one in examples
    ]
    look = np.array(numbers, np.int64)[kinds]
    bits = len(looks).bit_length()  # at most 17, of `MAX_TAGS`
    makes: Ints = np.unique(look[0] << 2 * bits | look[1] << bits | look[2], return_inverse=True)[1]
    return makes


def _class_of(attributes: str) -> str:
    if not attributes:
        return ""
    at = attributes.find('class="')
    return attributes[at : attributes.find('"', at + 7)] if at >= 0 else ""


NUMBERS = 37 + 7 * LEVELS + 2 * (LEVELS - 1) + 9

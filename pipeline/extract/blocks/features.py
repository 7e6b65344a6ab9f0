"""What is measured of each leaf block: its text, the elements around it, and where it stands.

Nothing here knows a language: letters, marks and lengths are counted, no word is looked up. The words that
are looked up are those of the page's maker: names of elements, classes, ids, roles.

Numbers are integers or ratios of integers, and logarithms of integers rounded to 1/64, so that they are
the same on every machine.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
import unicodedata
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks.outline import Outline

__all__ = ["LEVELS", "NUMBERS", "WORDS_PER_ELEMENT", "Measured", "block_texts", "maker_words", "measure_blocks"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS = 6  # elements around a block that are looked at, each holding more text than the one before
WORDS_PER_ELEMENT = 6

_ATTRIBUTE = re.compile(r'\s(class|id|role|itemprop|itemtype|aria-hidden|hidden|style|data-testid|rel)="([^"]*)"')
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_HIDING = re.compile(r"display:\s*none|visibility:\s*hidden")


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
        texts: of the blocks, white space collapsed.
    """

    numbers: Floats
    elements: Ints
    words: Ints
    alike: Ints
    texts: list[str]


def _classes() -> npt.NDArray[np.uint8]:
    """A class for each character: letters, digits, and what marks say."""
    table = np.zeros(sys.maxunicode + 1, np.uint8)
    kinds = {"Lu": 1, "Ll": 2, "Lt": 1, "Lm": 3, "Lo": 3, "Mn": 3, "Mc": 3, "Nd": 4, "Nl": 4, "No": 4}
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
    for low, high in ((0x2E80, 0x303E), (0x3041, 0x33FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FFFF)):
        part = table[low : high + 1]
        part[part == 3] = 12
    for low, high in ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF)):  # Thai, Lao, Burmese, Khmer
        part = table[low : high + 1]
        part[part == 3] = 13
    return table


_CLASS = functools.cache(_classes)
_CLASSES = 14


def block_texts(outline: Outline) -> list[str]:
    """Text of each block, white space collapsed."""
    texts: list[str] = []
    at = 0
    blocks = outline.piece_blocks.tolist()
    pieces, breaks = outline.pieces, outline.breaks
    total = len(pieces)
    while at < total:
        end = at + 1
        block = blocks[at]
        while end < total and blocks[end] == block:
            end += 1
        if end == at + 1:
            texts.append(" ".join(pieces[at].split()))
        else:
            joined = "".join(
                " " + piece if broken else piece
                for piece, broken in zip(pieces[at:end], breaks[at:end], strict=True)
            )
            texts.append(" ".join(joined.split()))
        at = end
    return texts


@functools.lru_cache(maxsize=1 << 15)
def maker_words(tag: str, attributes: str) -> tuple[str, ...]:
    """The words that a page's maker uses for an element, its name first, each once."""
    words = ["<" + tag]
    if not attributes:
        return tuple(words)
    for name, value in _ATTRIBUTE.findall(attributes):
        if name in ("class", "id", "data-testid"):
            words += [word.lower() for word in _WORD.findall(value)[:12] if len(word) > 1]
        elif name == "style":
            if _HIDING.search(value):
                words.append("@hidden")
        elif name in ("hidden", "aria-hidden"):
            if value != "false":
                words.append("@" + name)
        else:
            words += [f"{name[:4]}={word.lower()}" for word in _WORD.findall(value)[-3:]]
    if " hidden" in attributes and "@hidden" not in words and re.search(r"\shidden(\s|$|=)", attributes):
        words.append("@hidden")
    return tuple(dict.fromkeys(words))


@functools.lru_cache(maxsize=1 << 15)
def _numbers_of(tag: str, attributes: str, vocabulary: _Vocabulary) -> list[int]:
    known = vocabulary.words
    found = [known[word] for word in maker_words(tag, attributes) if word in known]
    return (found + [0] * WORDS_PER_ELEMENT)[:WORDS_PER_ELEMENT]


class _Vocabulary:
    """Maker's words by number, hashed by identity so that it may key a cache."""

    def __init__(self, words: Mapping[str, int]):
        self.words = words


@functools.lru_cache(maxsize=4)
def vocabulary_of(words: tuple[str, ...]) -> _Vocabulary:
    """Numbers of words: their places, from 1 on."""
    return _Vocabulary({word: number for number, word in enumerate(words, 1)})


def _log(values: npt.NDArray[np.generic]) -> Floats:
    """log2(1 + n) / 8, rounded to 1/512."""
    logs: Floats = np.round(np.log2(1.0 + values) * 64.0) / 512.0
    return logs


def _ratio(part: npt.NDArray[np.generic], whole: npt.NDArray[np.generic]) -> Floats:
    shares: Floats = part / np.maximum(whole, 1)
    return shares


def measure_blocks(outline: Outline, vocabulary: _Vocabulary) -> Measured:
    """Features of every block of a page that has some."""
    texts = block_texts(outline)
    count = len(texts)
    lengths = np.fromiter(map(len, texts), np.int64, count)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    text = "".join(texts)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _CLASS()[np.minimum(codes, sys.maxunicode)]
    owner = np.repeat(np.arange(count), lengths)
    counts = np.bincount(owner * _CLASSES + kinds, minlength=count * _CLASSES).reshape(count, _CLASSES)
    tally = counts.astype(np.float64)
    spaces, upper, lower, other = tally[:, 5], tally[:, 1], tally[:, 2], tally[:, 3]
    words = spaces + 1 + np.floor(tally[:, 12] / 2) + np.floor(tally[:, 13] / 5)
    letters = upper + lower + other + tally[:, 12] + tally[:, 13]
    ends_with = kinds[np.maximum(starts + lengths - 1, 0)]
    begins = kinds[np.minimum(starts, len(kinds) - 1)]

    piece_lengths = np.fromiter(map(len, outline.pieces), np.int64, len(outline.pieces)).astype(np.float64)
    linked = np.where(outline.links[outline.piece_elements], piece_lengths, 0.0)
    block_chars = np.bincount(outline.piece_blocks, piece_lengths, count)
    block_linked = np.bincount(outline.piece_blocks, linked, count)
    link_share = block_linked / np.maximum(block_chars, 1)

    # Sums over each element, from sums over the pieces before its ends.
    first, last = outline.first_piece, outline.last_piece
    def within(values: Floats) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(values)])
        difference: Floats = sums[last] - sums[first]
        return difference

    block_start = np.zeros(len(outline.pieces))
    first_of_block = np.flatnonzero(np.diff(outline.piece_blocks, prepend=-1))
    block_start[first_of_block] = 1.0
    size = within(piece_lengths)
    element_linked = within(linked)
    element_blocks = within(block_start)
    # Words and sentence marks are known of blocks; they count where the block begins.
    marks = np.zeros(len(outline.pieces))
    marks[first_of_block] = tally[:, 6] + tally[:, 7]
    long = np.zeros(len(outline.pieces))
    long[first_of_block] = np.where((words >= 12) & (link_share < 0.5), words, 0)
    wordy = np.zeros(len(outline.pieces))
    wordy[first_of_block] = words
    element_marks, element_long, element_words = within(marks), within(long), within(wordy)
    element_headings = np.zeros(len(outline.tags))
    heading = np.fromiter((len(tag) == 2 and tag[0] == "h" and tag[1] in "123456" for tag in outline.tags), np.bool_, len(outline.tags))
    head_number = np.cumsum(heading)
    # The last element below each: elements are numbered in document order.
    below = _last_below(outline.parents)
    element_headings = (head_number[below] - head_number).astype(np.float64)

    # The elements around each block that each hold more text than the one before.
    larger = outline.parents.copy()
    for _ in range(32):
        same = (size[larger] == size) & (larger > 0)
        same &= larger != outline.parents[larger]
        if not same.any():
            break
        larger[same] = outline.parents[larger[same]]
    chain = np.empty((count, 1 + LEVELS), np.int64)
    chain[:, 0] = outline.piece_elements[first_of_block]
    chain[:, 1] = outline.block_elements
    for level in range(2, 1 + LEVELS):
        chain[:, level] = larger[chain[:, level - 1]]

    total = max(float(size[0]), 1.0)
    place = np.arange(count)
    before = np.cumsum(block_chars) - block_chars
    repeats: dict[str, int] = {}
    nth = np.empty(count)
    for number, one in enumerate(texts):
        seen = repeats.get(one, 0)
        nth[number] = seen
        repeats[one] = seen + 1
    often = np.fromiter((repeats[one] for one in texts), np.float64, count)

    # Blocks of one make: the same names and classes around.
    makes: dict[tuple[str, ...], int] = {}
    tags, attributes, parents = outline.tags, outline.attributes, outline.parents
    made: dict[int, int] = {}
    alike = np.empty(count, np.int64)
    inner = chain[:, 1].tolist()
    lead = chain[:, 0].tolist()
    up = outline.parents.tolist()
    class_of = _class_of
    for number in range(count):
        key = (lead[number] << 32) | inner[number]
        found = made.get(key)
        if found is None:
            own, above = inner[number], up[inner[number]]
            path = (
                tags[lead[number]], class_of(attributes[lead[number]]), tags[own], class_of(attributes[own]),
                tags[above], class_of(attributes[above]),
            )
            found = made[key] = makes.setdefault(path, len(makes))
        alike[number] = found
    make_blocks = np.bincount(alike, minlength=len(makes)).astype(np.float64)
    make_words = np.bincount(alike, words, len(makes))

    depth = _depths(outline.parents)
    columns: list[Floats] = [
        _log(lengths), _log(words), link_share, (link_share > 0.9) * 1.0,
        _ratio(upper, letters), _ratio(tally[:, 4], lengths), _ratio(tally[:, 6], words), _ratio(tally[:, 7], words),
        _ratio(tally[:, 8] + tally[:, 9], lengths), _ratio(tally[:, 10], words), np.minimum(tally[:, 10], 4) / 4, np.minimum(tally[:, 11], 4) / 4,
        np.minimum(_ratio(letters, words) / 8, 2), _ratio(tally[:, 12] + tally[:, 13], letters),
        (ends_with == 6) * 1.0, (ends_with == 7) * 1.0, (ends_with == 4) * 1.0, (begins == 1) * 1.0, (begins == 4) * 1.0, (begins == 10) * 1.0,
        (words == 1) * 1.0, ((words > 1) & (words <= 3)) * 1.0, ((words > 3) & (words <= 8)) * 1.0, (words >= 25) * 1.0,
        _ratio(place, np.array(count)), before / total, _log(place), _log(count - 1 - place), _log(before), _log(total - before),
        np.minimum(nth, 4) / 4, np.minimum(often - 1, 4) / 4,
        _log(make_blocks[alike]), _ratio(make_blocks[alike], np.array(count)), make_words[alike] / max(float(words.sum()), 1.0),
        np.minimum(_ratio(make_words[alike], make_blocks[alike]) / 32, 2), np.minimum(depth[inner] / 24, 2),
    ]
    previous = size[chain[:, 1]]
    for level in range(1, 1 + LEVELS):
        element = chain[:, level]
        columns += [
            _log(element_words[element]), size[element] / total, _ratio(element_linked[element], size[element]), _log(element_blocks[element]),
            np.minimum(_ratio(element_marks[element], element_words[element]) * 4, 2), _ratio(element_long[element], element_words[element]),
            _log(element_headings[element]),
        ]
        if level > 1:
            columns.append(previous / np.maximum(size[element], 1))
            columns.append(_ratio(before - _start_chars(first, piece_lengths)[element], size[element]))
        previous = size[element]
    page = [
        _log(np.array(float(words.sum()))), _log(np.array(float(count))), np.array(element_linked[0] / total), np.array(element_long[0] / max(float(words.sum()), 1.0)),
        np.array(min(float(tally[:, 11].sum()) / count, 1.0)), _log(np.array(float(heading.sum()))), np.array(float((words <= 3).sum()) / count),
        np.array(min(float(tally[:, 4].sum()) / max(float(lengths.sum()), 1.0) * 4, 2.0)), np.array(float((link_share > 0.9).sum()) / count),
    ]
    columns += [np.full(count, float(value)) for value in page]
    numbers = np.stack(columns, axis=1)

    used, rows = np.unique(chain, return_inverse=True)
    listed = [_numbers_of(tags[element], attributes[element], vocabulary) for element in used.tolist()]
    return Measured(
        numbers=np.round(numbers * 512.0) / 512.0,
        elements=rows.reshape(chain.shape).astype(np.int64),
        words=np.array(listed, np.int64).reshape(len(used), WORDS_PER_ELEMENT),
        alike=alike,
        texts=texts,
    )


def _class_of(attributes: str) -> str:
    at = attributes.find('class="')
    return attributes[at : attributes.find('"', at + 7)] if at >= 0 else ""


def _last_below(parents: Ints) -> Ints:
    """For each element the last one within it, or itself."""
    below = np.arange(len(parents))
    listed, up = below.tolist(), parents.tolist()
    for element in range(len(listed) - 1, 0, -1):
        parent = up[element]
        if listed[element] > listed[parent]:
            listed[parent] = listed[element]
    return np.array(listed, np.int64)


def _depths(parents: Ints) -> Floats:
    depths = [0] * len(parents)
    up = parents.tolist()
    for element in range(1, len(depths)):
        depths[element] = depths[up[element]] + 1
    return np.array(depths, np.float64)


def _start_chars(first: Ints, piece_lengths: Floats) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(piece_lengths)])
    started: Floats = sums[first]
    return started


NUMBERS = 37 + 7 * LEVELS + 2 * (LEVELS - 1) + 9

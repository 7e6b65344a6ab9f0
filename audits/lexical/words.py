"""The words of a batch of texts as hashes and places, vectorised over its bytes.

No word becomes a Python object. Equal words have equal hashes in every text, batch and process.
What a letter is, see `audits.lexical.letters`. Beyond that:

1. A word is a run of letters and digits. Line breaks, indentation, markdown, apostrophes and
   underscores only separate, so that a text has the same words however it is wrapped or quoted:
   ``don't``, ``don’t`` and ``don t`` are the same.
2. A single letter a-z is no word. It is a label (``A.``, ``(b)``, ``C:``), what an apostrophe cuts
   off, or a word that says little; and labels are what copies of one item differ in.
3. A number of one or two digits is no word where it numbers: behind white space or a bracket, and
   before ``.``, ``)`` or ``]`` with white space (``1. ``, ``(12) ``). That takes the number of
   ``five of 12. ``, too, but from an item and from its copy alike, wherever their lines end.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import xxhash

from audits.lexical.letters import ALONE, CHANGED, INVISIBLE, LETTER, SPACE, letters

__all__ = ["BATCH", "VERSION", "Words", "batches", "mixed", "split"]

VERSION = 1  # of the rules and the hashes: what is stored under another cannot be compared

BATCH = 1 << 17  # characters worked on at once: their arrays stay in the processor's cache

_Bytes = npt.NDArray[np.uint8]
_Flags = npt.NDArray[np.bool_]
_Places = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]

# What bytes become: digits, small letters and bytes beyond ASCII stay; separators lie below them.
_PART, _BLANK, _CLOSE, _OPEN = 0, 1, 2, 3
_DIGIT, _NINE, _LETTER, _BEYOND = ord("0"), ord("9"), ord("a"), 0x80

_REGISTER = 8  # bytes that are read at once
_LONG = 64  # bytes of a word; longer ones are hashed one by one
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_REGISTER + 1)], np.uint64)
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1342543DE82EF95))
_HALF = np.uint64(32)


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Words:
    """The words of a batch of texts, in order.

    Args:
        hashes: ``uint64[n]``.
        bounds: ``int64[texts + 1]``, the first word of each text.
        starts, ends: ``int64[n]``, bytes of the batch as it was folded. They tell order and
            distance; `characters` tells places in a text.
        raw: the batch as it came: UTF-8, a line break before each text.
        origins: byte of ``raw`` at which each text starts.
        dropped: for each byte of ``raw`` that folding left out, the folded byte it stood before.
    """

    hashes: _Hashes
    bounds: _Places
    starts: _Places
    ends: _Places
    raw: bytes
    origins: _Places
    dropped: _Places

    def text_of(self, words: _Places) -> _Places:
        """The text that each of these words is in."""
        return np.searchsorted(self.bounds, words, side="right") - 1

    def characters(self, text: int, runs: npt.ArrayLike) -> _Places:
        """Where runs of words stand in their text.

        Args:
            text: its number.
            runs: ``int[m, 2]``, the first word of each run and the one behind its last.

        Returns:
            ``int64[m, 2]``, characters of the text as it was given, end exclusive.
        """
        words = np.asarray(runs, np.int64).reshape(-1, 2)
        first, last = self.starts[words[:, 0]], self.ends[words[:, 1] - 1] - 1
        # A character counts with its first byte: all that start before the run, or in it and before.
        cuts = np.stack([self._unfolded(first), self._unfolded(last) + 1], axis=1).ravel()
        order = np.argsort(cuts)
        edges = [int(self.origins[text]), *cuts[order].tolist()]
        counts = np.empty(len(cuts), np.int64)
        counts[order] = np.cumsum(
            [_characters(self.raw[a:b]) for a, b in itertools.pairwise(edges)]
        )
        return counts.reshape(-1, 2)

    def _unfolded(self, places: _Places) -> _Places:
        if not len(self.dropped):
            return places
        return places + np.searchsorted(self.dropped, places, side="right")


def batches(texts: Sequence[str], characters: int = BATCH) -> Iterator[tuple[int, Sequence[str]]]:
    """``texts`` in runs of about so many characters, each with the number of its first text."""
    first = held = 0
    for number, text in enumerate(texts):
        if held and held + len(text) > characters:
            yield first, texts[first:number]
            first, held = number, 0
        held += len(text)
    if first < len(texts):
        yield first, texts[first:]


def split(texts: Sequence[str]) -> Words:
    """The words of a batch. Any strings will do, lone surrogates included; see `batches`."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    # Whole registers can be read at the end, and there is a separator on either side of a text.
    raw = b"\n".join([b"", *encoded, bytes(2 * _REGISTER)])
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    origins = np.cumsum(lengths + 1) - lengths
    folded = np.frombuffer(bytearray(raw).translate(_bytes()), np.uint8)
    alone, dropped, begins = None, np.empty(0, np.int64), origins
    if int(lengths.sum()) > sum(map(len, texts)):
        folded, alone, dropped = _fold(folded)
        begins = origins - np.searchsorted(dropped + np.arange(len(dropped)), origins)
    _drop_numbering(folded)
    starts, ends = _runs(folded) if alone is None else _runs_and_singles(folded, alone)
    bounds = np.append(np.searchsorted(starts, begins), len(starts)).astype(np.int64)
    return Words(_hashes(folded, starts, ends), bounds, starts, ends, raw, origins, dropped)


def mixed(hashes: _Hashes) -> _Hashes:
    """Spread over all bits, in place."""
    hashes ^= hashes >> _HALF
    hashes *= _MIX[0]
    hashes ^= hashes >> _HALF
    return hashes


@functools.cache
def _bytes() -> bytes:
    table = bytearray(range(256))
    for code in range(_BEYOND):
        character = chr(code)
        if character.isalnum():
            table[code] = ord(character.lower())
        else:
            table[code] = _BLANK if character.isspace() else _PART
            table[code] = {")": _CLOSE, "]": _CLOSE, ".": _CLOSE, "(": _OPEN, "[": _OPEN}.get(
                character, table[code]
            )
    return bytes(table)


def _fold(folded: _Bytes) -> tuple[_Bytes, _Flags | None, _Places]:
    """Characters beyond ASCII as they count.

    Returns:
        the bytes; where a character starts that is a word of its own, None where there is none;
        and `Words.dropped`.
    """
    tables = letters()
    leads = np.flatnonzero(folded >= 0xC0)
    first = folded[leads]
    alone: list[_Places] = []
    dropped: list[_Places] = []
    for size, low, high in ((2, 0xC0, 0xDF), (3, 0xE0, 0xEF), (4, 0xF0, 0xFF)):
        at = leads[(first >= low) & (first <= high)]
        if not len(at):
            continue
        codes = folded[at].astype(np.int32) & (0x7F >> size)
        for offset in range(1, size):
            codes = codes << 6 | folded[at + offset] & 0x3F
        rows = tables.rows(codes)
        flags = tables.flags[rows]
        separators = at[flags & LETTER == 0]
        blank = (flags[flags & LETTER == 0] & SPACE > 0).astype(np.uint8) * np.uint8(_BLANK)
        for offset in range(size):
            folded[separators + offset] = blank
        unseen = at[flags & INVISIBLE > 0]
        dropped.extend(unseen + offset for offset in range(size))
        changed = flags & CHANGED > 0
        if changed.any():
            places, rows = at[changed], rows[changed]
            for offset in range(size):
                kept = offset < tables.sizes[rows]
                folded[places[kept] + offset] = tables.folded[rows[kept], offset]
                dropped.append(places[~kept] + offset)
        if (flags & ALONE).any():
            alone.append(at[flags & ALONE > 0])
    marks = None
    if alone:
        marks = np.zeros(len(folded), np.bool_)
        marks[np.concatenate(alone)] = True
    gone = np.sort(np.concatenate(dropped)) if dropped else np.empty(0, np.int64)
    if len(gone):
        kept = np.ones(len(folded), np.bool_)
        kept[gone] = False
        folded, marks = folded[kept], None if marks is None else marks[kept]
        gone -= np.arange(len(gone))
    return folded, marks, gone


def _drop_numbering(folded: _Bytes) -> None:
    """Rule 3, in place."""
    at = np.flatnonzero(folded == _CLOSE)
    at = at[(folded[at + 1] == _BLANK) & _digits(folded[at - 1])]
    two = _digits(folded[at - 2])
    before = folded[at - 2 - two]
    at, two = (part[(before == _BLANK) | (before == _OPEN)] for part in (at, two))
    folded[at - 1] = _PART
    folded[at[two] - 2] = _PART


def _digits(folded: _Bytes) -> _Flags:
    return (folded >= _DIGIT) & (folded <= _NINE)


def _runs(folded: _Bytes) -> tuple[_Places, _Places]:
    """First byte of each word and the one behind its last."""
    inside = folded >= _DIGIT
    lone = inside[1:-1] & ~inside[:-2] & ~inside[2:]
    lone &= _small_letters(folded[1:-1])
    inside[1:-1] ^= lone  # rule 2
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    edges += 1
    return edges[0::2].copy(), edges[1::2].copy()


def _runs_and_singles(folded: _Bytes, alone: _Flags) -> tuple[_Places, _Places]:
    """The same where some characters are words of their own."""
    inside = folded >= _DIGIT
    opens, closes = np.zeros_like(inside), np.zeros_like(inside)  # a word's first and last byte
    edges = alone.copy()  # where a word opens or has closed, though there are letters on both sides
    at = np.flatnonzero(alone)
    edges[at + 2 + (folded[at] >= 0xE0) + (folded[at] >= 0xF0)] = True
    opens[1:] = inside[1:] & (~inside[:-1] | edges[1:])
    closes[:-1] = inside[:-1] & (~inside[1:] | edges[1:])
    lone = opens & closes & _small_letters(folded)
    opens ^= lone
    closes ^= lone
    return np.flatnonzero(opens), np.flatnonzero(closes) + 1


def _small_letters(folded: _Bytes) -> _Flags:
    return (folded >= _LETTER) & (folded < _BEYOND)


def _hashes(folded: _Bytes, starts: _Places, ends: _Places) -> _Hashes:
    """A hash of each word's bytes, eight at a time."""
    registers = folded[: len(folded) // _REGISTER * _REGISTER].view(np.uint64)
    sizes = ends - starts
    hashes = _stirred(_read(registers, starts, sizes))
    longer = np.flatnonzero(sizes > _REGISTER)
    for offset in range(_REGISTER, _LONG, _REGISTER):
        if not len(longer):
            return hashes
        sizes = sizes[longer] if offset == _REGISTER else sizes
        part = _read(registers, starts[longer] + offset, sizes - offset)
        hashes[longer] = _stirred(hashes[longer] + part)
        more = sizes > offset + _REGISTER
        longer, sizes = longer[more], sizes[more]
    for word in longer.tolist():
        hashes[word] = xxhash.xxh3_64_intdigest(folded[starts[word] : ends[word]].tobytes())
    return hashes


def _read(registers: _Hashes, places: _Places, sizes: _Places) -> _Hashes:
    """The first eight of ``sizes`` bytes at each place, zeros behind them; no word has a zero."""
    which = places >> 3
    shift = ((places & 7) << 3).view(np.uint64)
    low = registers.take(which)
    low >>= shift
    high = registers[1:].take(which)
    high <<= np.uint64(63) - shift
    high <<= np.uint64(1)  # in two steps, since a shift by 64 is none
    low |= high
    low &= _MASKS.take(np.minimum(sizes, _REGISTER))
    return low


def _stirred(hashes: _Hashes) -> _Hashes:
    """In place, each bit moves those above it and many below: words of n-grams are added up."""
    hashes *= _MIX[0]
    hashes ^= hashes >> _HALF
    hashes *= _MIX[1]
    return hashes


def _characters(data: bytes) -> int:
    """Characters that start in these bytes."""
    if data.isascii():
        return len(data)
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) & 0xC0 != 0x80))

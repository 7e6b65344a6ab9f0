"""Counts tokens with a byte-level BPE, in plain Python: the tokenizer that comes with Gristmill.

A text is cut into chunks by `CHUNKS`, and each chunk, as UTF-8 bytes, is merged pair by pair, the
earliest learnt pair first (Sennrich et al. 2016; bytes as in Radford et al. 2019). A chunk seen
before costs one look-up, so that running text is counted faster than by the package ``tokenizers``,
whose counts of the same file are the same. Which characters are letters is fixed here and not asked
of Python, whose tables differ from version to version. No chunk is longer than 33 characters, which
makes the time linear in the text.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pipeline.core.errors import ModelError
from pipeline.core.records import encodable

__all__ = ["ALPHABET", "CHUNKS", "BytePairs"]

# Marks and symbols, ASCII's and those of the blocks that hold nothing else.
_MARK = (
    "\x00-\x08\x0b\x0c\x0e-\x1f!-/:-@\\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7"
    "\u00f7\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u200b\u200e-\u2bff\u2e00-\u2e7f\u3000-\u3004"
    "\u3008-\u3020\u3030\u30fb\ufe10-\ufe1f\ufe30-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40"
    "\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001faff"
)
_SPACE = "\t\n\r "
_OTHER = f"{_SPACE}0-9{_MARK}"
_NEAR = f"[^{_OTHER}\u0530-\U0010ffff]"  # letters of Latin, Greek, Cyrillic and their kin
_FAR = f"[^{_OTHER}\x00-\u052f]"  # letters of every other script; many of them part no words

CHUNKS = (
    f"['’](?:s|t|re|ve|m|ll|d)(?!{_NEAR})"
    f"| ?{_NEAR}{{1,32}}"
    f"| ?{_FAR}{{1,6}}"
    "| ?[0-9]{1,3}"
    f"| ?[{_MARK}]{{1,16}}"
    "|[ \t]{0,16}[\r\n]{1,16}"
    f"|[{_SPACE}]{{1,32}}(?![^{_SPACE}])"
    f"|[{_SPACE}]"
)
"""The rule by which a text is cut, as a regular expression for Python and for Oniguruma."""

WINDOW = 1 << 18  # characters cut at once
REACH = 64  # characters; a chunk depends on nothing farther behind it
KNOWN = 200_000  # chunks remembered; then the table is begun anew, which changes no count


def _alphabet() -> tuple[str, ...]:
    """A character for each byte, as GPT-2's vocabulary writes them: none is white space."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return tuple(
        chr(byte) if byte in shown else chr(256 + hidden.index(byte)) for byte in range(256)
    )


ALPHABET = _alphabet()


class BytePairs:
    """A tokenizer file of this kind, loaded.

    Args:
        path: a ``tokenizer.json`` whose model is a BPE over bytes and whose rule is `CHUNKS`.

    Raises:
        ModelError: it cannot be read, or is another kind of tokenizer.
    """

    def __init__(self, path: Path):
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            merges = held["model"]["merges"]
            pairs = [tuple(one.split(" ") if isinstance(one, str) else one) for one in merges]
            self.vocabulary = len(held["model"]["vocab"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: this is no byte-level BPE ({error})") from error
        self._ranks: dict[tuple[str, ...], int] = {pair: rank for rank, pair in enumerate(pairs)}
        self._cut = re.compile(CHUNKS)
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def count(self, text: str) -> int:
        """Tokens of any string; a lone surrogate counts as U+FFFD does."""
        text = encodable(text)
        total = 0
        with self._lock:
            for chunks in self._chunks(text):
                counts = self._counts
                try:
                    total += sum(map(counts.__getitem__, chunks))
                except KeyError:
                    total += sum(map(self._learn(chunks).__getitem__, chunks))
        return total

    def pieces(self, text: str) -> list[str]:
        """The tokens themselves, in `ALPHABET`."""
        return [
            piece
            for chunks in self._chunks(encodable(text))
            for chunk in chunks
            for piece in self._merged(chunk)
        ]

    def _chunks(self, text: str) -> Iterator[list[str]]:
        """All chunks in order, a window at a time, as if the text had been cut at once."""
        place = 0
        while place < len(text):
            end = place + WINDOW
            chunks: list[str] = self._cut.findall(text, place, end)
            if end < len(text):
                unsure = 0
                while unsure < REACH:
                    unsure += len(chunks.pop())
                place = min(end, len(text)) - unsure
            else:
                place = len(text)
            yield chunks

    def _learn(self, chunks: list[str]) -> dict[str, int]:
        """Counts of all ``chunks``, those known and those not."""
        if len(self._counts) > KNOWN:
            self._counts = {}
        counts = self._counts
        for chunk in set(chunks).difference(counts):
            counts[chunk] = len(self._merged(chunk))
        return counts

    def _merged(self, chunk: str) -> list[str]:
        parts = [ALPHABET[byte] for byte in chunk.encode()]
        ranks, never = self._ranks, len(self._ranks)
        while len(parts) > 1:
            found = [ranks.get(pair, never) for pair in pairwise(parts)]
            best = min(found)
            if best == never:
                break
            place = found.index(best)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        return parts

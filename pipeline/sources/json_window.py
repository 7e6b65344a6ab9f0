"""A stream of JSON as a window that moves over it: what is whole, damaged or cut off at a place.

The text is Latin-1: every byte is a character then, so that positions are bytes, and what is no UTF-8
costs the value it is in. What ends a value is what Python's own scanner says.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.core.errors import RecordError
from pipeline.sources.json_lines import MAX_LINE, checked, json_value

__all__ = ["Found", "Window"]

READ = 1 << 20  # bytes taken in at a time, or as many as are held if that is more
# A fault so near the end of what has been taken in may be due to the end. The longest that the
# scanner looks ahead is a pair of escaped surrogates, 12 characters.
SLACK = 16
BEHIND = 1 << 16  # bytes
TOO_DEEP = 1 << 16  # bytes, about, after which the scanner gives up on nesting
BOM = "\xef\xbb\xbf"
BLANK = re.compile(r"[ \t\n\r]*")
CANDIDATE = re.compile(r",[ \t\n\r]*(?=\{[ \t\n\r]*\")")
OPEN_END = re.compile(r",[ \t\n\r]*(?:\{[ \t\n\r]*)?")
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

_scan = json.JSONDecoder().raw_decode


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What begins at a place.

    Args:
        value: of a whole one without a fault.
        fault: why it cannot be had.
        size: bytes of a whole value; of another those that were scanned.
        whole: it has an end, so that a fault costs nothing else.
        cut_off: the stream ends before it does, or may do so: a number at the end.
    """

    value: Any
    fault: RecordError | None
    size: int
    whole: bool = True
    cut_off: bool = False


class Window:
    """What has been taken in of a stream and is still needed.

    Args:
        pieces: of the stream, of any length; may raise the `RecordError` that ends a damaged
            compressed file, which is kept in ``damage``.
    """

    def __init__(self, pieces: Iterator[bytes]):
        self.text, self.at, self.ended = "", 0, False
        self.damage: RecordError | None = None
        self._pieces, self._before = pieces, 0
        self._fill()
        while len(self.text) < len(BOM) and self._fill():
            pass
        if self.text.startswith(BOM):
            self.at = len(BOM)

    @property
    def offset(self) -> int:
        """Bytes of the stream before the current place."""
        return self._before + self.at

    def peek(self, ahead: int = 0) -> tuple[str, int]:
        """The next character that is not blank, and how far ahead it is; empty at the end.

        Args:
            ahead: from where on, in bytes from the current place.
        """
        while True:
            at = BLANK.match(self.text, self.at + ahead).end()  # type: ignore[union-attr]
            if at < len(self.text):
                return self.text[at], at - self.at
            ahead = at - self.at
            if not self._fill():
                return "", ahead

    def next(self) -> str:
        """The next character that is not blank; it is the current place then."""
        sign, ahead = self.peek()
        self.at += ahead
        return sign

    def find_candidate(self) -> bool:
        """Go to the next object after a comma; to the end if there is none."""
        # What tells of a fault counts the lines before it: little must be behind.
        if self.at > max(BEHIND, len(self.text) // 16):
            self._before += self.at
            self.text, self.at = self.text[self.at :], 0
        while True:
            found = CANDIDATE.search(self.text, self.at)
            if found:
                self.at = found.end()
                return True
            comma = self.text.rfind(",", self.at)
            open_end = comma >= 0 and OPEN_END.fullmatch(self.text, comma)
            self.at = comma if open_end else len(self.text)
            if not self._fill():
                self.at = len(self.text)
                return False

    def value(self, ahead: int = 0, limit: int = 0) -> Found:
        """The value that begins ahead, which must not be blank.

        Args:
            ahead: bytes from the current place.
            limit: bytes that it may have; 0 for as many as a line of JSON.
        """
        limit = limit or MAX_LINE
        while True:
            start, fault = self.at + ahead, None
            try:
                value, end = _scan(self.text, start)
                # A number may go on behind the end of what has been taken in.
                unsure = end == len(self.text) and self.text[end - 1] not in '}]"'
            except json.JSONDecodeError as error:
                value, end = None, error.pos
                unsure = end >= len(self.text) - SLACK or error.msg.startswith("Unterminated")
                place = f"byte {self._before + end:,}"
                fault = RecordError("table.json", f"{error.msg} at {place}")
            except RecursionError:
                return Found(None, RecordError("table.depth", "nested too deep"), TOO_DEEP, False)
            except ValueError as error:  # a number of thousands of digits
                return Found(None, RecordError("table.json", str(error)), TOO_DEEP, False)
            if end - start > limit or (unsure and len(self.text) - start > limit + SLACK):
                message = f"more than {limit:,} bytes, the longest that is read"
                return Found(None, RecordError("table.line_bytes", message), limit, False)
            if unsure and self._fill():
                continue
            if fault is not None:
                return Found(None, fault, end - start, False, cut_off=unsure)
            return self._checked(value, self.text[start:end], unsure)

    def _checked(self, value: Any, text: str, cut_off: bool) -> Found:
        if text.isascii():
            value = checked(value, "\\" in text and SURROGATE.search(text) is not None)
        else:
            value = json_value(text.encode("latin-1"), "element")
        if isinstance(value, RecordError):
            return Found(None, value, len(text))
        return Found(value, None, len(text), cut_off=cut_off)

    def _fill(self) -> bool:
        """Forget what is behind and take in as much again as is held; False at the end."""
        held = self.text[self.at :]
        wanted, taken = max(READ, len(held)), list[bytes]()
        try:
            while wanted > 0 and not self.ended:
                piece = next(self._pieces, None)
                if piece is None:
                    self.ended = True
                else:
                    taken.append(piece)
                    wanted -= len(piece)
        except RecordError as damage:
            self.ended, self.damage = True, damage
        if not any(taken):
            return False
        self._before += self.at
        self.text, self.at = held + b"".join(taken).decode("latin-1"), 0
        return True

"""One huge JSON array, plain or compressed: its elements one by one, each parsed or as a fault.

A ShareGPT dump is one array of many gigabytes. At most one element and a few megabytes are held.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any, Literal

from pipeline.core.errors import RecordError
from pipeline.sources.inputs import WHOLE, open_input
from pipeline.sources.json_lines import json_value, pieces_of
from pipeline.sources.json_window import Window

__all__ = ["JsonKind", "json_elements", "json_kind", "split_elements"]

JsonKind = Literal["array", "lines", "values"]

# After damage: elements that must follow a place for it to be the beginning of one, with and
# without an idea of what elements look like, and the bytes they are looked for in.
SIBLINGS, SIBLINGS_UNKNOWN = 8, 256
LOOK = 4 << 20
# Bytes scanned in vain after damage, beyond which the rest is given up: a fixed part, and more for
# each byte passed over. Hostile nesting would make the search quadratic.
TRIES, TRIES_PER_BYTE = 64 << 20, 8
TRY = 512  # bytes that could be scanned in the time that one try takes at least
CUT_OFF = "cut_off"  # what is told as ``table.json`` or ``table.compression``


def json_kind(path: str, compression: str | None = None) -> JsonKind:
    """What a file named ``.json`` holds, by its first megabyte.

    ``"array"`` begins with ``[``; ``"lines"`` has an object on a line that begins in its first
    column, or is empty; ``"values"`` is anything else, such as one object over many lines.

    Raises:
        SourceError: the file cannot be read.
    """
    with open_input(path) as (file, _):
        window = Window(pieces_of(file, path, compression))
        sign = window.next()
        if sign == "[":
            return "array"
        if not sign:
            return "lines"
        *whole, last = window.text[window.at :].split("\n")
    if not whole and last.startswith("{"):
        return "lines"  # one object without an end of line, or one longer than what was taken in
    objects = (line for line in whole if line.startswith("{"))
    if any(isinstance(json_value(line.encode("latin-1")), dict) for line in objects):
        return "lines"
    return "values"


def json_elements(
    path: str, compression: str | None = None
) -> Iterator[tuple[int, Any | RecordError]]:
    """Offset and value of every element of a top-level array, or the fault in its place.

    Offsets are bytes of the unpacked text. See `split_elements`.

    Args:
        path: absolute path or URL.
        compression: ``"gzip"``, ``"zstd"`` or None.

    Raises:
        SourceError: the file can no longer be read.
    """
    with open_input(path, 0, WHOLE) as (file, _):
        yield from split_elements(pieces_of(file, path, compression))


def split_elements(pieces: Iterable[bytes]) -> Iterator[tuple[int, Any | RecordError]]:
    """The elements of an array that comes in pieces; how it was cut makes no difference.

    Elements are values of any type. Arrays that follow each other are read as one; where there is
    no array, values that follow each other are taken. A comma before the end of the array is let
    pass. In the place of an element that cannot be had stands one of these faults:

    - ``table.utf8``, ``table.depth`` where the element has an end: it costs itself.
    - ``table.json``, ``table.depth``, ``table.line_bytes`` in the middle: it costs all up to the
      next object after a comma that is whole, has every name that all objects before had, and is
      followed by more elements or by the end of the array, not of one within it. If one element
      is damaged, that is this one. Nobody can know, so the fault tells of *at least one* and of the
      bytes. Elements that are no objects have no such place: all that follows is lost.
    - ``table.json`` at the end: the array is cut off, after its last whole element.
    - ``table.compression`` at the end: likewise, of a compressed file.

    Args:
        pieces: of its bytes; may raise the `RecordError` that ends a damaged compressed file.
    """
    return _Elements(Window(iter(pieces))).read()


class _Elements:
    def __init__(self, window: Window):
        self._window = window
        self._array = window.next() == "["
        self._names: set[str] | None = None  # that all objects have; None before the first
        self._scanned = 0  # up to here, where the last damage showed

    def read(self) -> Iterator[tuple[int, Any | RecordError]]:
        window = self._window
        if self._array:
            window.at += 1
        while True:
            fault = yield from self._whole()
            start = window.offset
            if fault is None:
                if window.damage is not None:
                    yield start, window.damage
                return
            sound = self._array and fault.reason != CUT_OFF and self._find_next()
            if not sound:
                yield start, self._rest_lost(start, fault)
                return
            size = window.offset - start
            lost = f"at least one element is lost, {size:,} bytes from byte {start:,} on"
            yield start, RecordError(fault.reason, f"{fault.message}; {lost}")

    def _whole(self) -> Generator[tuple[int, Any | RecordError], None, RecordError | None]:
        """Elements up to the first place where there is none; returns what is wrong there."""
        window, array = self._window, self._array
        while sign := window.next():
            if array and sign == "]":
                window.at += 1
                after = window.next()
                if after == "[":
                    window.at += 1
                    continue
                return (
                    RecordError("table.json", "text after the end of the array") if after else None
                )
            found = window.value()
            if found.cut_off and (array or not found.whole):
                return RecordError(CUT_OFF, "the file ends within an element")
            if not found.whole:
                self._scanned = window.offset + found.size
                return found.fault
            yield window.offset, found.value if found.fault is None else found.fault
            if isinstance(found.value, dict):
                names = self._names
                self._names = {*found.value} if names is None else names & found.value.keys()
            window.at += found.size
            if array:
                sign = window.next()
                if sign == ",":
                    window.at += 1
                elif sign and sign != "]":
                    return RecordError("table.json", "no comma after an element")
        return RecordError(CUT_OFF, "the array has no end") if array else None

    def _rest_lost(self, start: int, fault: RecordError) -> RecordError:
        damage = self._window.damage
        if fault.reason == CUT_OFF:
            if damage is not None:
                return damage
            held = self._window.offset - start + len(self._window.text) - self._window.at
            message = (
                f"cut off, the rest is lost: {fault.message}, {held:,} bytes after byte {start:,}"
            )
            return RecordError("table.json", message)
        message = f"{fault.message}; all from byte {start:,} on is lost"
        return RecordError(fault.reason, message)

    def _find_next(self) -> bool:
        """Go to where the next element begins, after damage; False if that cannot be known."""
        window, spent = self._window, 0
        start = window.offset
        while window.find_candidate():
            begins, scanned = self._begins()
            if begins:
                return True
            spent += TRY + scanned
            if spent > TRIES + TRIES_PER_BYTE * (window.offset - start):
                return False
        return False

    def _begins(self) -> tuple[bool, int]:
        """Whether an element begins here, and how many bytes were scanned to tell.

        Another damaged element may follow. But where names are not known and the damage lies ahead,
        it is likely to be the same element's, of which this is a part.
        """
        window, known = self._window, bool(self._names)
        behind = window.offset > self._scanned
        ahead = 0
        for sibling in range((SIBLINGS if known else SIBLINGS_UNKNOWN) + 1):
            found = window.value(ahead, LOOK)
            if not found.whole:
                sure = sibling > 0 and (known or behind or found.cut_off)
                return sure, ahead + found.size
            names = found.value if isinstance(found.value, dict) else {}
            if sibling == 0 and (not names or not names.keys() >= (self._names or set())):
                return False, found.size
            sign, ahead = window.peek(ahead + found.size)
            if sign == "]":
                after, _ = window.peek(ahead + 1)
                return after in ("", "["), ahead
            if sign != ",":
                return not sign, ahead
            sign, ahead = window.peek(ahead + 1)
            if not sign or sign == "]" or ahead > LOOK:
                return True, ahead
        return True, ahead

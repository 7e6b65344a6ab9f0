"""The characters of one page with their boxes, turned so that most of the text stands upright.

PDFium knows each character's code, its box and the point it was drawn at. They are fetched through
its C interface in bulk; a page of 4,000 characters takes about 5 ms.
"""

from __future__ import annotations

import collections
import ctypes
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Glyphs", "UnreadableError", "page_glyphs", "upright"]

# A skewed scan is a few degrees off; a watermark is drawn across the page.
_SLANT = math.radians(9)
# Text that stands sideways on an upright page is kept where it is a good part of the page, such as
# a wide table; else it is a stamp in the margin or the label of an axis.
_SIDEWAYS_SHARE, _SIDEWAYS_CHARACTERS = 0.25, 150
# Characters without a code. A file that lost its fonts reads letters of two bytes one by one.
_UNKNOWN = 0.3
# What a code point stands for that fonts misuse, or that PDFium puts in the place of a hyphen.
_REPLACED = {0x02: "-", 0xFFFE: "-", 0x2010: "-", 0x2011: "-", 0xF0B7: "•", 0xF0A7: "•"}
_SPACES = np.array([0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x2002, 0x2003, 0x2009, 0x202F, 0x3000])


@dataclasses.dataclass(frozen=True)
class Glyphs:
    """Characters in the order they were drawn, spaces left out.

    Coordinates are points from the upper left corner, y downwards.

    Args:
        codes: code points, ``uint32``, shape (n,).
        left, top, right, bottom: boxes of the font's height, ``float64``, each of shape (n,).
        base: height of the baseline, ``float64``, shape (n,).
        spaced: whether the text has a space before the character, ``bool``, shape (n,).
        width, height: the page's size.
        turns: quarter turns, clockwise, that brought the text upright.
    """

    codes: NDArray[np.uint32]
    left: NDArray[np.float64]
    top: NDArray[np.float64]
    right: NDArray[np.float64]
    bottom: NDArray[np.float64]
    base: NDArray[np.float64]
    spaced: NDArray[np.bool_]
    width: float
    height: float
    turns: int = 0

    def __len__(self) -> int:
        return len(self.codes)


@dataclasses.dataclass(frozen=True)
class _Raw:
    """What PDFium says, in the page's own coordinates: y upwards, before any turn."""

    codes: NDArray[np.uint32]
    boxes: NDArray[np.float64]  # left, top, right, bottom
    origins: NDArray[np.float64]  # x, y of the first character of its height
    angles: NDArray[np.float64]  # radians, clockwise
    spaced: NDArray[np.bool_]
    bounds: tuple[float, float, float, float]  # left, top, right, bottom of the visible page


@functools.cache
def _functions() -> dict[str, Any]:
    """The functions called for each character, without the conversions of their arguments."""
    import pypdfium2.raw as pdfium

    pointer, integer = ctypes.c_void_p, ctypes.c_int
    shapes: dict[str, tuple[Any, ...]] = {
        "FPDFText_GetUnicode": (ctypes.c_uint, pointer, integer),
        "FPDFText_GetLooseCharBox": (integer, pointer, integer, pointer),
        "FPDFText_GetCharOrigin": (integer, pointer, integer, pointer, pointer),
        "FPDFText_GetCharAngle": (ctypes.c_float, pointer, integer),
        "FPDFText_IsGenerated": (integer, pointer, integer),
    }
    found = {}
    for name, shape in shapes.items():
        address = ctypes.cast(getattr(pdfium, name), ctypes.c_void_p).value
        assert address is not None
        found[name] = ctypes.CFUNCTYPE(*shape)(address)
    return found


class UnreadableError(Exception):
    """A page whose text has no letters: its fonts, or their tables, are missing."""


def page_glyphs(page: Any, max_characters: int) -> list[Glyphs]:
    """The text of a page in each direction that matters, the commonest first.

    Args:
        page: PDFium's handle of a loaded page.
        max_characters: characters that are looked at; what is drawn after them is left out.

    Returns:
        At most two; none where the page has no text.

    Raises:
        UnreadableError: the fonts do not say which letters the glyphs are.
    """
    import pypdfium2.raw as pdfium

    raw = _read(page, max_characters)
    if raw is None:
        return []
    # PDFium orders characters as the page is shown. Where that is not upright, it is shown so.
    turn = int(np.argmax(np.bincount(_turns(raw), minlength=4)))
    if (turn + pdfium.FPDFPage_GetRotation(page)) % 4:
        pdfium.FPDFPage_SetRotation(page, (4 - turn) % 4)
        raw = _read(page, max_characters)
    return upright(raw) if raw is not None else []


def _read(page: Any, max_characters: int) -> _Raw | None:
    import pypdfium2.raw as pdfium

    text = pdfium.FPDFText_LoadPage(page)
    if not text:
        return None
    try:
        count = min(pdfium.FPDFText_CountChars(text), max_characters)
        raw = _fetch(page, text, count) if count > 0 else None
    finally:
        pdfium.FPDFText_ClosePage(text)
    return raw if raw is not None and len(raw.codes) else None


def _fetch(page: Any, text: Any, count: int) -> _Raw:
    import pypdfium2.raw as pdfium

    call = _functions()
    handle = ctypes.cast(text, ctypes.c_void_p).value
    same, indices = itertools.repeat(handle), range(count)
    codes = _codes(text, count)
    if codes is None:
        codes = np.fromiter(map(call["FPDFText_GetUnicode"], same, indices), np.uint32, count)
    boxes = np.zeros((count, 4), np.float32)
    _drain(call["FPDFText_GetLooseCharBox"], same, indices, _addresses(boxes, 0))
    # Characters whose boxes have one height share their baseline and their angle.
    heights = np.diff(boxes[:, [1, 3]], axis=0)
    starts = np.flatnonzero(np.concatenate([[True], (heights != 0).any(axis=1)]))
    origins = np.zeros((len(starts), 2), np.float64)
    places = starts.tolist()
    _drain(
        call["FPDFText_GetCharOrigin"], same, places, _addresses(origins, 0), _addresses(origins, 1)
    )
    angles = np.zeros(len(starts), np.float64)
    leaning = np.flatnonzero(~_stands(boxes[starts], origins)).tolist()
    angles[leaning] = [call["FPDFText_GetCharAngle"](handle, places[index]) for index in leaning]
    length = np.diff(starts, append=count)
    origins, angles = np.repeat(origins, length, axis=0), np.repeat(angles, length)
    if np.count_nonzero(codes == 0) > _UNKNOWN * count:
        raise UnreadableError
    generated = call["FPDFText_IsGenerated"]
    blank = np.isin(codes, _SPACES)
    for index in np.flatnonzero(blank):
        if generated(handle, int(index)):
            blank[index], codes[index] = False, 0
    boxes64 = boxes.astype(np.float64)
    rect = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, rect)
    bounds = (rect.left, rect.top, rect.right, rect.bottom)
    seen = _seen(codes, blank, boxes64, angles, bounds)
    # A space belongs to the next character that is seen.
    spaces = np.cumsum(blank)[seen]
    spaced = np.diff(spaces, prepend=0) > 0
    return _Raw(codes[seen], boxes64[seen], origins[seen], angles[seen], spaced, bounds)


def _codes(text: Any, count: int) -> NDArray[np.uint32] | None:
    """All code points at once, where each character has exactly one of two bytes."""
    import pypdfium2.raw as pdfium

    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium.FPDFText_GetText(text, 0, count, buffer)
    codes = np.frombuffer(bytes(buffer), np.uint16)[:count]
    if written != count + 1 or not codes.all() or ((codes >= 0xD800) & (codes < 0xE000)).any():
        return None
    found: NDArray[np.uint32] = codes.astype(np.uint32)
    return found


def _stands(boxes: NDArray[np.float32], origins: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Characters that are upright for sure: drawn from the left side of their box, within its height.

    Asking each for its angle would take a quarter of the time.
    """
    height = np.abs(boxes[:, 1] - boxes[:, 3])
    x, y = origins[:, 0], origins[:, 1]
    stands: NDArray[np.bool_] = (
        (np.abs(boxes[:, 0] - x) <= 0.02 * height + 0.01) & (y < boxes[:, 1]) & (y >= boxes[:, 3])
    )
    return stands


def _drain(function: Callable[..., object], *arguments: Any) -> None:
    collections.deque(map(function, *arguments), maxlen=0)


def _addresses(array: NDArray[Any], column: int) -> range:
    start = array.ctypes.data + column * array.strides[1]
    return range(start, start + len(array) * array.strides[0], array.strides[0])


def _seen(
    codes: NDArray[np.uint32],
    blank: NDArray[np.bool_],
    boxes: NDArray[np.float64],
    angles: NDArray[np.float64],
    bounds: tuple[float, float, float, float],
) -> NDArray[np.bool_]:
    """Characters that are printable, on the page, of a size, and along one of its sides."""
    control = (codes < 0x20) & (codes != 0x02)
    broken = ((codes >= 0xD800) & (codes < 0xE000)) | (codes > 0x10FFFF) | (codes == 0xFFFF)
    middle_x = (boxes[:, 0] + boxes[:, 2]) / 2
    middle_y = (boxes[:, 1] + boxes[:, 3]) / 2
    left, top, right, bottom = bounds
    with np.errstate(invalid="ignore"):
        within = (middle_x >= left) & (middle_x <= right) & (middle_y >= bottom) & (middle_y <= top)
        sized = np.abs(boxes[:, 1] - boxes[:, 3]) > 0.5
        slant = np.abs((angles + math.pi / 4) % (math.pi / 2) - math.pi / 4)
        straight = slant <= _SLANT
    seen: NDArray[np.bool_] = ~control & ~broken & ~blank & within & sized & straight
    return seen & np.isfinite(boxes).all(axis=1)


def _turns(raw: _Raw) -> NDArray[np.int64]:
    """Quarter turns, clockwise, of each character."""
    turns: NDArray[np.int64] = np.round(raw.angles / (math.pi / 2)).astype(np.int64) % 4
    return turns


def upright(raw: _Raw) -> list[Glyphs]:
    """Turn the page so that most characters stand upright; those that then lie, in a second view."""
    turns = _turns(raw)
    counts = np.bincount(turns, minlength=4)
    total = int(counts.sum())
    views: list[Glyphs] = []
    for turn in sorted(range(4), key=lambda turn: (-counts[turn], turn)):
        first = not views
        enough = counts[turn] >= max(_SIDEWAYS_CHARACTERS, _SIDEWAYS_SHARE * total)
        if counts[turn] and (first or (enough and len(views) < 2)):
            views.append(_turned(raw, turns == turn, turn))
    return views


def _turned(raw: _Raw, chosen: NDArray[np.bool_], turn: int) -> Glyphs:
    """The chosen characters, ``turn`` quarters clockwise as drawn, on a page turned back by as many."""
    left, top, right, bottom = raw.bounds
    box, origin = raw.boxes[chosen], raw.origins[chosen]
    low_x, high_x = np.minimum(box[:, 0], box[:, 2]), np.maximum(box[:, 0], box[:, 2])
    low_y, high_y = np.minimum(box[:, 1], box[:, 3]), np.maximum(box[:, 1], box[:, 3])
    width, height = right - left, top - bottom
    if turn == 0:
        sides = (low_x - left, top - high_y, high_x - left, top - low_y)
        base = top - origin[:, 1]
    elif turn == 1:  # drawn downwards: the reader's left is the page's top
        sides = (top - high_y, right - high_x, top - low_y, right - low_x)
        base = right - origin[:, 0]
        width, height = height, width
    elif turn == 2:
        sides = (right - high_x, low_y - bottom, right - low_x, high_y - bottom)
        base = origin[:, 1] - bottom
    else:
        sides = (low_y - bottom, low_x - left, high_y - bottom, high_x - left)
        base = origin[:, 0] - left
        width, height = height, width
    codes = raw.codes[chosen].copy()
    for code, instead in _REPLACED.items():
        codes[codes == code] = ord(instead)
    return Glyphs(codes, *sides, base, raw.spaced[chosen], width, height, (4 - turn) % 4)

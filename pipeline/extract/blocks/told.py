"""What a page says of its own content: title, description, the article's body in JSON-LD; and which blocks
say the same.

No language is known: a title is taken apart into its longer words, or where none are parted by spaces into
pairs of characters, and looked for.
"""

from __future__ import annotations

import bisect
import dataclasses
import html as html_entities
import json
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks.outline import Outline

__all__ = ["TOLD", "Told", "told_by", "told_columns"]

Floats = npt.NDArray[np.float64]

_HEAD = 300_000  # characters in which the head is looked for
_CONTENT = re.compile(r"""\scontent\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_MOST_BODY = 500_000  # characters of JSON
_UNIT = re.compile(r"\w+")
_MOST_UNITS = 12
_KEY = 40  # characters by which a block is looked for
_LEAST_KEY = 12


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """Title, description and body, lower case, white space collapsed; empty where the page has none."""

    title: str
    headline: str
    description: str
    body: str


def told_by(html: str) -> Told:
    """What a page tells. Total on any string."""
    at = html.find("<title", 0, _HEAD)
    begin = html.find(">", at) + 1 if at >= 0 else 0
    title = html[begin : html.find("</", begin, begin + 2000)] if begin else ""
    description = _meta(html, "og:description") or _meta(html, "description")
    return Told(_plain(title), _plain(_meta(html, "og:title")), _plain(description), _body(html))


def _plain(text: str) -> str:
    return " ".join(html_entities.unescape(text).lower().split())


def _meta(html: str, name: str) -> str:
    at = html.find(f'"{name}"', 0, _HEAD)
    if at < 0:
        at = html.find(f"'{name}'", 0, _HEAD)
    begin = html.rfind("<", max(0, at - 3000), at) if at >= 0 else -1
    if begin < 0 or not html.startswith("<meta", begin):
        return ""
    found = _CONTENT.search(html, begin, min(html.find(">", at), at + 5000))
    return (found[1] or found[2] or "") if found else ""


def _body(html: str) -> str:
    at = html.find('"articleBody"')
    if at < 0:
        return ""
    begin = html.find('"', html.find(":", at + 13))
    end = begin
    while begin >= 0:
        end = html.find('"', end + 1, begin + _MOST_BODY)
        if end < 0:
            return ""
        slashes = end
        while html[slashes - 1] == "\\":
            slashes -= 1
        if (end - slashes) % 2 == 0:
            break
    try:
        text = json.loads(html[begin : end + 1], strict=False)
    except ValueError:
        return ""
    return _plain(re.sub(r"<[^<>]{0,1000}>", " ", text)) if isinstance(text, str) else ""


def _units(title: str) -> list[str]:
    """What a title is looked for by: its words of four letters and more, or pairs of characters."""
    words = _UNIT.findall(title)
    if len(words) < 3 and len(title) >= 6:
        joined = "".join(words)
        return [joined[at : at + 2] for at in range(0, len(joined) - 1, 2)][:_MOST_UNITS]
    return list(dict.fromkeys(word for word in words if len(word) >= 4))[:_MOST_UNITS]


TOLD = 8


def told_columns(told: Told, outline: Outline, texts: Sequence[str]) -> tuple[Floats, int]:
    """Which blocks say what the page tells, where they stand from its title, and which block that is.

    Args:
        told: by the page.
        outline: of the page.
        texts: of its blocks.

    Returns:
        ``float64[TOLD, blocks]`` and the number of the title's block; -1 if none is.
    """
    count = len(texts)
    joined = "\n".join(texts).lower()
    small = joined.split("\n")
    columns = np.zeros((TOLD, count))
    columns[0] = _shares(_units(told.headline or told.title), joined, small)
    title = _title_block(told, outline, small)
    if title >= 0:
        characters = np.bincount(outline.piece_blocks, outline.sizes, count)
        before = np.cumsum(characters) - characters
        place = np.arange(count) - title
        away = before - before[title]
        columns[1] = 1
        columns[2] = np.sign(place) * np.log2(1.0 + np.abs(place)) / 8
        columns[3] = np.sign(away) * np.log2(1.0 + np.abs(away)) / 16
        columns[4] = place == 0
    columns[5] = _within(told.description, small)
    columns[6] = _within(told.body, small)
    columns[7] = float(len(told.body) > 0)
    return np.rint(columns * 512.0) / 512.0, title


def _shares(units: Sequence[str], joined: str, small: Sequence[str]) -> Floats:
    """Share of the units that each block has; none in blocks of fewer than four characters."""
    lengths = np.fromiter(map(len, small), np.int64, len(small))
    ends = np.cumsum(lengths + 1).tolist()
    found = np.zeros(len(small))
    for unit in units:
        at = joined.find(unit)
        while at >= 0:
            block = bisect.bisect_right(ends, at)
            found[block] += 1
            at = joined.find(unit, ends[block])
    shares: Floats = np.where(lengths >= 4, found / max(len(units), 1), 0.0)
    return shares


def _title_block(told: Told, outline: Outline, small: Sequence[str]) -> int:
    best, found = 0.0, -1
    elements = outline.block_elements
    title, headline = told.title, told.headline
    for at, text in enumerate(small):
        size = len(text)
        if 4 <= size <= 400 and (
            text in title or text in headline or (headline and headline in text)
        ):
            tag = outline.tags[elements[at]]
            score = min(size, 100) * (4.0 if tag == "h1" else 2.0 if tag in ("h2", "h3") else 1.0)
            if score > best:
                best, found = score, at
    return found


def _within(whole: str, small: Sequence[str]) -> Floats | float:
    """Whether each block begins as something within a text does: 1 or 0; -1 if there is no text."""
    if len(whole) < _LEAST_KEY:
        return -1.0
    start = whole[:_KEY]
    return np.fromiter(
        (len(text) >= _LEAST_KEY and (text[:_KEY] in whole or start in text) for text in small),
        np.float64,
        len(small),
    )

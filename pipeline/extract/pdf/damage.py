"""PDFs that end early: how they are told, and a file of the pages that are still whole.

Crawlers cut bodies at a limit, and a PDF has its table of objects at the end. PDFium finds objects
without it, but not pages whose catalogue is lost, nor those packed into streams of objects. So the
pages found are given a new catalogue.
"""

from __future__ import annotations

import bisect
import re
import zlib
from collections.abc import Iterator

__all__ = ["HEADER", "ends_early", "is_pdf", "salvaged"]

HEADER = b"%PDF-"
_HEADER_WITHIN = 1024  # bytes; ISO 32000-1, annex H.3.4, implementation note 13
_TAIL = 4096
_LINEARIZED = re.compile(rb"/Linearized\b[^>]{0,400}?/L\s+(\d{1,12})")
_OBJECT = re.compile(rb"(?<!\d)(\d{1,8})[ \r\n\t]{1,4}\d{1,5}[ \r\n\t]{1,4}obj\b")
_PAGE = re.compile(rb"/Type\s{0,8}/Page(?![A-Za-z])")
_PACKED = re.compile(rb"/Type\s{0,8}/ObjStm\b")
_STREAM = re.compile(rb"stream\r?\n")
_NUMBER = re.compile(rb"\d{1,8}")
_MOST_OBJECTS, _MOST_BYTES, _MOST_INFLATED = 200_000, 64 << 20, 8 << 20


def is_pdf(payload: bytes) -> bool:
    """Whether a PDF's header stands among the first 1,024 bytes."""
    return HEADER in payload[:_HEADER_WITHIN]


def ends_early(payload: bytes) -> bool:
    """Whether the end is missing: no mark of it, or a linearized file shorter than it says."""
    said = _LINEARIZED.search(payload[:2048])
    if said is not None and int(said[1]) > len(payload):
        return True
    return b"%%EOF" not in payload[-_TAIL:] and b"startxref" not in payload[-_TAIL:]


def salvaged(payload: bytes) -> bytes | None:
    """A file whose pages are all those that can be found, in the order of the damaged one.

    Returns:
        None where no page is found, or where the file is encrypted.
    """
    if re.search(rb"/Encrypt\s+\d", payload):
        return None
    whole = payload[: payload.rfind(b"endobj") + 6] if b"endobj" in payload else payload
    starts = []
    for match in _OBJECT.finditer(whole):
        starts.append((match.start(), int(match[1])))
        if len(starts) >= _MOST_OBJECTS:
            break
    if not starts:
        return None
    unpacked: dict[int, bytes] = {}
    size = 0
    for number, body in _unpacked(whole, starts):
        size += len(body)
        if size > _MOST_BYTES:
            break
        unpacked[number] = body
    pages = dict.fromkeys(_page_numbers(whole, starts))
    pages |= dict.fromkeys(number for number, body in unpacked.items() if _PAGE.search(body))
    if not pages:
        return None
    parts = [whole, b"\n"]
    parts += [b"%d 0 obj\n%s\nendobj\n" % item for item in unpacked.items()]
    top = max([number for _, number in starts] + list(unpacked)) + 1
    kids = b" ".join(b"%d 0 R" % number for number in pages)
    parts.append(
        b"%d 0 obj\n<< /Type /Pages /Count %d /Kids [%s] /MediaBox [0 0 612 792] >>\nendobj\n"
        b"%d 0 obj\n<< /Type /Catalog /Pages %d 0 R >>\nendobj\n"
        b"trailer\n<< /Root %d 0 R /Size %d >>\nstartxref\n0\n%%%%EOF\n"
        % (top, len(pages), kids, top + 1, top, top + 1, top + 2)
    )
    return b"".join(parts)


def _page_numbers(data: bytes, starts: list[tuple[int, int]]) -> Iterator[int]:
    places = [start for start, _ in starts]
    for match in _PAGE.finditer(data):
        at = bisect.bisect_right(places, match.start()) - 1
        if at >= 0 and match.start() - places[at] < 1 << 16:
            yield starts[at][1]


def _unpacked(data: bytes, starts: list[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """The objects in streams of objects: number and bytes (ISO 32000-1, 7.5.7)."""
    places = [start for start, _ in starts]
    for match in _PACKED.finditer(data):
        at = bisect.bisect_right(places, match.start()) - 1
        stream = _STREAM.search(data, match.start(), match.start() + 2048)
        if at < 0 or stream is None:
            continue
        first = re.search(rb"/First\s{1,8}(\d{1,8})", data[places[at] : stream.start()])
        if first is None:
            continue
        try:
            body = zlib.decompressobj().decompress(data[stream.end() :], _MOST_INFLATED)
        except zlib.error:
            continue
        offset = int(first[1])
        header = [int(number) for number in _NUMBER.findall(body[:offset])]
        pairs = list(zip(header[::2], header[1::2], strict=False))
        if not pairs:
            continue
        ends = [*(start for _, start in pairs[1:]), len(body) - offset]
        for (number, start), end in zip(pairs, ends, strict=True):
            yield number, body[offset + start : offset + end]

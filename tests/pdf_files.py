"""Small PDFs written by hand: objects, streams, and lines of text at given places."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman/Encoding/WinAnsiEncoding>>"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object's body."""
    return b"<<%s/Length %d>>stream\n" % (entries, len(data)) + data + b"\nendstream"


def packed(data: bytes, entries: bytes = b"") -> bytes:
    """The same, deflated."""
    return stream(zlib.compress(data, 9), b"/Filter/FlateDecode" + entries)


def pdf(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """A file of these objects; number 1 is the catalogue."""
    out = b"%PDF-1.5\n"
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%d 1\n%010d 00000 n \n" % item for item in sorted(places.items()))
    size = max(objects) + 1
    return (
        out
        + b"xref\n0 1\n0000000000 65535 f \n"
        + table
        + b"trailer\n<</Root 1 0 R/Size %d%s>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, trailer, len(out))
    )


def document(
    contents: Sequence[bytes], page: bytes = b"", more: Mapping[int, bytes] | None = None
) -> bytes:
    """A file with a page for each content stream; font ``/F`` is Times.

    Args:
        contents: operators of each page, which is 600 by 800 points.
        page: further entries of each page.
        more: further objects, numbered from 1000.
    """
    kids = b" ".join(b"%d 0 R" % (10 + 2 * index) for index in range(len(contents)))
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(contents), kids),
        3: FONT,
    }
    for index, content in enumerate(contents):
        number = 10 + 2 * index
        objects[number] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>/XObject<</X 1000 0 R>>>>%s>>" % (number + 1, page)
        )
        objects[number + 1] = stream(content)
    return pdf({**objects, **(more or {})})


def show(text: str, x: float, y: float, size: float = 10, turn: str = "1 0 0 1") -> bytes:
    """Operators that draw one line with its left end of the baseline at a point."""
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F {size:g} Tf {turn} {x:g} {y:g} Tm ({escaped}) Tj ET\n".encode("cp1252")


def shown(lines: Sequence[str], x: float = 72, y: float = 700, size: float = 10) -> bytes:
    """Lines under one another."""
    return b"".join(show(line, x, y - 1.2 * size * index, size) for index, line in enumerate(lines))


IMAGE = stream(b"\x55" * 13 * 100, b"/Type/XObject/Subtype/Image/Width 100/Height 100"
               b"/BitsPerComponent 1/ColorSpace/DeviceGray")  # fmt: skip
SCAN = document([b"q 600 0 0 800 0 0 cm /X Do Q"], more={1000: IMAGE})

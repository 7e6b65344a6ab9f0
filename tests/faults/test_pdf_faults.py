"""PDFs made to take time or memory end within their bounds, and cost themselves only."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest
from pdf_files import FONT, document, packed, pdf, shown, stream

from pipeline.core.errors import RecordError
from pipeline.core.records import Locator, RawRecord
from pipeline.extract import Extraction, ExtractWorker, Limits, Pdf

CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"
TREE = b"<</Type/Pages/Count 1/Kids[10 0 R]>>"
GOOD = document([shown(["The mill stands by the river and grinds the corn."])])


def page(content: bytes) -> bytes:
    """A page with a content stream given as an object."""
    return document([b""]).replace(stream(b""), content)


def laughs(loop: bool) -> bytes:
    """Forms that each draw the next one ten times, or themselves."""
    objects = {}
    for at in range(1000, 1014):
        following = at if loop else at + 1
        objects[at] = stream(
            b"/X Do " * 10,
            b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>"
            % following,
        )
    objects[1014] = stream(b"", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
    return document([b"/X Do " * 50], more=objects)


def chain(depth: int) -> bytes:
    """A tree of pages that is one long branch."""
    objects = {1: CATALOGUE}
    for at in range(2, depth):
        objects[at] = b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (at + 1)
    return pdf({**objects, depth: b"<</Type/Page/MediaBox[0 0 600 800]>>"})


def copies(count: int) -> bytes:
    """Very many pages that share one content stream."""
    kids = b" ".join(b"%d 0 R" % at for at in range(10, 10 + count))
    objects = {1: CATALOGUE, 2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids), 3: FONT}
    objects[4] = stream(shown(["The mill."]))
    leaf = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 3 0 R>>>>>>"
    return pdf({**objects, **dict.fromkeys(range(10, 10 + count), leaf)})


def zeros(size: int) -> bytes:
    """Deflated zeros, of which each byte of the file gives a thousand."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


HOSTILE = {
    "forms within forms": laughs(loop=False),
    "a form within itself": laughs(loop=True),
    "a long branch": chain(3000),
    "a tree within itself": pdf({1: CATALOGUE, 2: b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>"}),
    "a count that lies": pdf({1: CATALOGUE, 2: b"<</Type/Pages/Count 2000000000/Kids[]>>"}),
    "a stream of half a gigabyte": page(stream(zeros(1 << 29), b"/Filter/FlateDecode")),
    "a million characters": page(
        packed(b"BT /F 9 Tf 72 700 Td " + b"(abcd) Tj 0 -.001 Td " * 250_000 + b"ET")
    ),
    "scattered words": page(
        packed(
            b"BT /F 9 Tf "
            + b"".join(
                b"1 0 0 1 %d %d Tm (ab) Tj " % (at * 7919 % 600, at * 104729 % 800)
                for at in range(20_000)
            )
            + b"ET"
        )
    ),
    "a page without end": GOOD.replace(b"[0 0 600 800]", b"[0 0 1e30 1e30]"),
    "numbers out of range": document([b"1e38 0 0 1e38 1e38 -1e38 cm " + shown(["abc"])]),
    "packed objects, cut": b"%PDF-1.5\n1 0 obj\n"
    + stream(zeros(256 << 20), b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode"),
}
FATES = {
    "text",
    "extract.characters.low",
    "extract.cpu_time",
    "extract.memory",
    "extract.crash",
    "extract.pdf_broken",
}


@pytest.fixture(scope="module")
def worker() -> Iterator[ExtractWorker]:
    with ExtractWorker(
        Extraction("resiliparse", limits=Limits(memory=256 << 20), pdf=Pdf(cpu_seconds=2))
    ) as started:
        yield started


def fate(worker: ExtractWorker, payload: bytes) -> str:
    record = RawRecord("id", "", Locator("a", 0, 1), payload, {"content_type": "application/pdf"})
    try:
        extracted = worker.extract(record)
    except RecordError as error:
        return error.reason
    return extracted.verdict.reason if extracted.verdict else "text"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_and_cost_only_themselves(worker: ExtractWorker, name: str) -> None:
    assert fate(worker, HOSTILE[name]) in FATES
    assert fate(worker, GOOD) == "text"


def test_of_five_thousand_pages_the_first_are_read(worker: ExtractWorker) -> None:
    record = RawRecord("id", "", Locator("a", 0, 1), copies(5000))
    signals = worker.extract(record).signals
    assert (signals["pdf.pages"], signals["pdf.pages_read"]) == (5000.0, 500.0)

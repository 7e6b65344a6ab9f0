"""One PDF to its text: opened, read page by page within bounds, laid out, closed."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.core.errors import RecordError
from pipeline.core.printable import printable
from pipeline.extract.pdf.damage import HEADER, ends_early, is_pdf, salvaged
from pipeline.extract.pdf.furniture import PageLines
from pipeline.extract.pdf.glyphs import UnreadableError, page_glyphs
from pipeline.extract.pdf.layout import document_text
from pipeline.extract.pdf.ocr import read_image
from pipeline.extract.pdf.pieces import lines_of
from pipeline.extract.pdf.scans import FEW_CHARACTERS, is_scanned, page_image
from pipeline.extract.pdf.settings import Pdf
from pipeline.extract.pdf.words import words_of

__all__ = ["PdfText", "read_pdf"]

_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
_PRODUCER_LENGTH = 200


@dataclasses.dataclass(frozen=True)
class PdfText:
    """The text of a PDF and what was seen on the way.

    Args:
        text: paragraphs divided by blank lines, cells by tabs.
        pages: of the document; of a damaged one, those that can be found.
        pages_read, scanned_pages: see `Pdf.signals`.
        truncated: what the crawler says of why the body ends early, or ``end`` where the file has
            no end; empty for a whole one.
        producer: the program that wrote the file, as it says.
    """

    text: str
    pages: int
    pages_read: int
    scanned_pages: int
    truncated: str
    producer: str

    def signals(self) -> dict[str, float | str]:
        """The signals of `Pdf.signals` that have a value, by ``pdf.NAME``."""
        found: dict[str, float | str] = {
            "pdf.pages": float(self.pages),
            "pdf.pages_read": float(self.pages_read),
            "pdf.scanned_pages": float(self.scanned_pages),
        }
        if self.truncated:
            found["pdf.truncated"] = self.truncated
        if self.producer:
            found["pdf.producer"] = self.producer
        return found


def read_pdf(payload: bytes, settings: Pdf, truncated: str = "") -> PdfText:
    """The text of a PDF. Without bounds of time or memory: those are the worker's.

    Args:
        payload: the file.
        settings: how it is read.
        truncated: what the crawler says of a body that it cut, such as ``length``.

    Raises:
        RecordError: ``extract.pdf_encrypted``, ``extract.pdf_broken`` or ``extract.pdf_ocr``.
    """
    if not is_pdf(payload):
        raise RecordError("extract.pdf_broken", f"no {HEADER.decode()} but {payload[:24]!r}")
    if not truncated and ends_early(payload):
        truncated = "end"
    with _opened(payload, bool(truncated)) as document:
        return _read(document, settings, truncated)


@contextmanager
def _opened(payload: bytes, damaged: bool) -> Iterator[Any]:
    """PDFium's handle of the document, which has a page at least."""
    import pypdfium2  # noqa: F401 - readies the library
    import pypdfium2.raw as pdfium

    document = pdfium.FPDF_LoadMemDocument64(payload, len(payload), None)
    error = 0 if document else pdfium.FPDF_GetLastError()
    if document and pdfium.FPDF_GetPageCount(document) < 1:
        pdfium.FPDF_CloseDocument(document)
        document = None
    if error in (_PASSWORD, _SECURITY):
        raise RecordError("extract.pdf_encrypted", "it asks for a password")
    mended = None
    if not document and (mended := salvaged(payload)) is not None:
        document = pdfium.FPDF_LoadMemDocument64(mended, len(mended), None)
    if not document or pdfium.FPDF_GetPageCount(document) < 1:
        if document:
            pdfium.FPDF_CloseDocument(document)
        how = "it ends early, and no page of it is whole" if damaged else "no page can be found"
        raise RecordError("extract.pdf_broken", how)
    try:
        yield document
    finally:
        pdfium.FPDF_CloseDocument(document)
        del mended  # PDFium reads from it until here


def _read(document: Any, settings: Pdf, truncated: str) -> PdfText:
    import pypdfium2.raw as pdfium

    count = pdfium.FPDF_GetPageCount(document)
    pages: list[PageLines] = []
    read = scanned = 0
    for index in range(min(count, settings.max_pages)):
        page = pdfium.FPDF_LoadPage(document, index)
        if not page:
            continue
        read += 1
        try:
            views = page_glyphs(page, settings.max_characters)
            if sum(map(len, views)) < FEW_CHARACTERS and is_scanned(page):
                scanned += 1
                if settings.ocr == "tesseract" and scanned <= settings.ocr_pages:
                    said = read_image(
                        page_image(page), settings.ocr_languages, settings.ocr_seconds
                    )
                    pages.append(PageLines([], 1.0, 1.0, said))
                continue
        except UnreadableError:
            read -= 1
            continue
        finally:
            pdfium.FPDF_ClosePage(page)
        pages += [PageLines(lines_of(words_of(view)), view.width, view.height) for view in views]
    if read == 0:
        raise RecordError("extract.pdf_broken", f"none of its {count} pages can be read")
    return PdfText(document_text(pages), count, read, scanned, truncated, _producer(document))


def _producer(document: Any) -> str:
    import pypdfium2.raw as pdfium

    size = pdfium.FPDF_GetMetaText(document, b"Producer", None, 0)
    if not 2 < size < 1 << 16:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDF_GetMetaText(document, b"Producer", buffer, size)
    said = buffer.raw[: size - 2].decode("utf-16-le", "replace")
    return printable(said)[:_PRODUCER_LENGTH].strip()

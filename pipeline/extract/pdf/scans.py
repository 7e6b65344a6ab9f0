"""Pages that are images of text: how they are told, and how they are drawn for OCR."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

__all__ = ["is_scanned", "page_image"]

FEW_CHARACTERS = 12  # a scan may carry a page number or a stamp
_COVERED = 0.6  # of the page, by images; scans often come in strips
_OBJECTS = 2000
_DOTS, _MOST_PIXELS = 300, 20_000_000


def is_scanned(page: Any) -> bool:
    """Whether images cover most of a page that has hardly any text.

    Args:
        page: PDFium's handle of a loaded page.
    """
    import pypdfium2.raw as pdfium

    area = pdfium.FPDF_GetPageWidthF(page) * pdfium.FPDF_GetPageHeightF(page)
    covered = 0.0
    for image in _images(page):
        sides = [ctypes.c_float() for _ in range(4)]
        if pdfium.FPDFPageObj_GetBounds(image, *sides):
            left, bottom, right, top = (side.value for side in sides)
            covered += max(right - left, 0.0) * max(top - bottom, 0.0)
    return bool(area > 0 and covered >= _COVERED * area)


def _images(page: Any) -> Iterator[Any]:
    """Image objects of the page, also those inside its forms."""
    import pypdfium2.raw as pdfium

    for index in range(min(pdfium.FPDFPage_CountObjects(page), _OBJECTS)):
        found = pdfium.FPDFPage_GetObject(page, index)
        kind = pdfium.FPDFPageObj_GetType(found)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            yield found
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            for inner in range(min(max(pdfium.FPDFFormObj_CountObjects(found), 0), _OBJECTS)):
                part = pdfium.FPDFFormObj_GetObject(found, inner)
                if pdfium.FPDFPageObj_GetType(part) == pdfium.FPDF_PAGEOBJ_IMAGE:
                    yield part


def page_image(page: Any) -> bytes:
    """The page in grey at 300 dots per inch, or fewer where it is very large, as a PGM file."""
    import pypdfium2.raw as pdfium

    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    scale = min(_DOTS / 72, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    columns, rows = max(int(width * scale), 1), max(int(height * scale), 1)
    bitmap = pdfium.FPDFBitmap_CreateEx(columns, rows, pdfium.FPDFBitmap_Gray, None, 0)
    if not bitmap:
        raise MemoryError
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, columns, rows, 0xFFFFFFFF)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, columns, rows, 0, pdfium.FPDF_ANNOT)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        pixels = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * rows)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    lines = b"".join(pixels[row * stride : row * stride + columns] for row in range(rows))
    return b"P5 %d %d 255\n" % (columns, rows) + lines

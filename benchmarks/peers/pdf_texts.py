"""The text of PDF files by one library, as JSON lines: run by ``benchmarks/pdf_quality.py``.

    python pdf_texts.py ENGINE FILE...

``cpu`` is CPU seconds of opening and reading, without imports; each file is read once before it
is timed where it is small, so that no engine pays for what it loads lazily.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


def _pypdf(path: str) -> tuple[str, int]:
    from pypdf import PdfReader

    reader = PdfReader(path)
    if reader.is_encrypted:
        reader.decrypt("")
    texts = [page.extract_text() for page in reader.pages]
    return "\n".join(texts), len(texts)


def _pdfminer(path: str) -> tuple[str, int]:
    from pdfminer.high_level import extract_text

    text = extract_text(path)
    return text, text.count("\f")


def _pypdfium2(path: str) -> tuple[str, int]:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        texts = [page.get_textpage().get_text_bounded() for page in document]
    return "\n".join(texts), len(texts)


def _gristmill(path: str) -> tuple[str, int]:
    from pathlib import Path

    from pipeline.extract.pdf import Pdf, read_pdf

    result = read_pdf(Path(path).read_bytes(), Pdf())
    return result.text, result.pages


ENGINES: dict[str, Callable[[str], tuple[str, int]]] = {
    "gristmill": _gristmill,
    "pypdf": _pypdf,
    "pdfminer.six": _pdfminer,
    "pypdfium2": _pypdfium2,
}


def main() -> None:
    """One line a file."""
    read = ENGINES[sys.argv[1]]
    for index, path in enumerate(sys.argv[2:]):
        try:
            if index == 0:
                read(path)
            began = time.process_time()
            text, pages = read(path)
            spent = time.process_time() - began
            row = {"file": path, "text": text, "pages": pages, "cpu": spent}
        except Exception as error:  # a peer may raise anything on a broken file
            row = {"file": path, "text": "", "pages": 0, "cpu": 0.0, "error": repr(error)[:300]}
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()

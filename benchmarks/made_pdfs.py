"""PDFs of invented documents whose text is known, through several producers.

    python benchmarks/made_pdfs.py OUT [--half dev|second|final]

writes OUT/NAME.pdf and OUT/NAME.json (gold: text, flows, producer, features). Producers that are
not installed are left out, and said: LaTeX (``pdflatex``), LibreOffice (``soffice``), Chromium
(``chromium``), and fpdf2 as a library, which sets words without a layout engine. Scans are pages of
these as images. It needs pypdfium2, fpdf2 and pillow, and nothing of Gristmill.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from made_texts import made_text
from pdf_producers import chromium, core_fonts, latex, libreoffice
from pdf_producers.layout import Layout

__all__ = ["LAYOUTS", "PRODUCERS", "make"]

Half = Literal["dev", "second", "final"]

PRODUCERS: dict[str, ModuleType] = {
    "latex": latex,
    "libreoffice": libreoffice,
    "chromium": chromium,
    "fpdf2": core_fonts,
}
LAYOUTS: dict[str, list[Layout]] = {
    "dev": [
        Layout(),
        Layout(columns=2, size=10),
        Layout(columns=2, size=10, notes=False, stamp=True, paper="letter"),
        Layout(size=12, notes=False, spaced=True, family="sans", indent=False),
        Layout(columns=2, size=9, rotate=90, family="sans"),
        Layout(size=10, tables=False, items=False, rotate=270),
        Layout(columns=3, size=9, notes=False),
        Layout(columns=2, size=10, family="other", rotate=180),
        Layout(size=12, family="other", indent=False, spaced=True, stamp=True),
    ],
    "second": [
        Layout(size=12, family="other", indent=False),
        Layout(columns=2, size=11, family="other", paper="letter"),
        Layout(columns=3, size=8, notes=False, tables=False),
        Layout(size=10, spaced=True, stamp=True, notes=False),
        Layout(columns=2, size=9, rotate=270, indent=False),
        Layout(size=11, tables=False, rotate=180, family="sans"),
    ],
    "final": [
        Layout(size=10, family="sans"),
        Layout(columns=2, size=11, indent=False),
        Layout(columns=2, size=10, family="other", stamp=True, rotate=90),
        Layout(columns=3, size=9, tables=False, paper="letter"),
        Layout(size=12, spaced=True, items=False, rotate=180, paper="letter"),
        Layout(columns=2, size=9, head=False, notes=False, family="sans"),
        Layout(size=11, head=False, tables=False, indent=False, family="other"),
    ],
}


def _scan(pdf: Path, out: Path) -> None:
    """The pages as images of 100 dots per inch."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        images = [page.render(scale=100 / 72, grayscale=True).to_pil() for page in document]
    images[0].save(out, save_all=True, append_images=images[1:], resolution=100)


def _turned(pdf: Path, degrees: int) -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            page.set_rotation((page.get_rotation() + degrees) % 360)
        turned = pdf.with_suffix(".turned")
        document.save(turned)
    turned.replace(pdf)


def make(out: Path, half: Half) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write the documents of one part; their names and gold."""
    out.mkdir(parents=True, exist_ok=True)
    for number, (producer, module) in enumerate(PRODUCERS.items()):
        command = module.COMMAND
        if command and not shutil.which(command):
            print(f"{producer}: {command} is not installed, left out", file=sys.stderr)
            continue
        for index, layout in enumerate(LAYOUTS[half]):
            if producer == "fpdf2":
                layout = dataclasses.replace(layout, notes=False)
            length = random.Random(f"{half}{number}{index}").randint(10, 22) * layout.columns
            made = made_text(
                half, 100 * number + index, paragraphs=length,
                notes=layout.notes, tables=layout.tables, items=layout.items,
            )  # fmt: skip
            name = f"{producer}-{index}"
            pdf = out / f"{name}.pdf"
            module.produce(made, layout, pdf)
            if layout.rotate:
                _turned(pdf, layout.rotate)
            gold = {
                "producer": producer, "features": layout.features(),
                "text": made.text(), "flows": list(made.flows()), "head": made.head,
            }  # fmt: skip
            (out / f"{name}.json").write_text(json.dumps(gold, ensure_ascii=False, indent=1))
            if index < 2:
                _scan(pdf, out / f"{name}.scan.pdf")
            yield name, gold


def main() -> None:
    """Make one part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--half", choices=["dev", "second", "final"], default="dev")
    arguments = parser.parse_args()
    for name, gold in make(arguments.out, arguments.half):
        print(name, ", ".join(gold["features"]))


if __name__ == "__main__":
    main()

"""PDFs of invented documents whose text is known, through several producers.

    python benchmarks/made_pdfs.py OUT [--half dev|final]

writes OUT/NAME.pdf and OUT/NAME.json (gold: text, flows, producer, features). Producers that are
not installed are left out, and said: LaTeX (``pdflatex``), LibreOffice (``soffice``), Chromium
(``chromium``), and fpdf2 as a library, which sets words without a layout engine. Scans are pages of
these as images.
"""

from __future__ import annotations

import argparse
import dataclasses
import html
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from made_texts import Made, Paragraph, Table, made_text

__all__ = ["Layout", "main"]

Half = Literal["dev", "final"]


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a document is set.

    Args:
        columns: of body text.
        size: of the body's font, in points.
        notes, tables, items: what the text has.
        head: a running head and the page's number on each page.
        rotate: degrees by which each page is turned afterwards (0, 90, 180, 270).
        stamp: text drawn across each page and along its margin.
        spaced: the title is letter-spaced.
        paper: ``a4`` or ``letter``.
        family: a font of the producer's.
    """

    columns: int = 1
    size: int = 11
    notes: bool = True
    tables: bool = True
    items: bool = True
    head: bool = True
    rotate: int = 0
    stamp: bool = False
    spaced: bool = False
    paper: str = "a4"
    family: str = "serif"
    indent: bool = True

    def features(self) -> list[str]:
        """The names of what is out of the ordinary."""
        found = [f"columns {self.columns}"]
        for name in ("notes", "tables", "head", "stamp", "spaced"):
            found += [name] if getattr(self, name) else []
        return found + ([f"rotated {self.rotate}"] if self.rotate else [])


LAYOUTS: dict[str, list[Layout]] = {
    "dev": [
        Layout(),
        Layout(columns=2, size=10),
        Layout(columns=2, size=10, notes=False, stamp=True, paper="letter"),
        Layout(size=12, notes=False, spaced=True, family="sans", indent=False),
        Layout(columns=2, size=9, rotate=90, family="sans"),
        Layout(size=10, tables=False, items=False, rotate=270),
    ],
    "final": [
        Layout(size=12, family="other", indent=False),
        Layout(columns=2, size=11, family="other", paper="letter"),
        Layout(columns=3, size=8, notes=False, tables=False),
        Layout(size=10, spaced=True, stamp=True, notes=False),
        Layout(columns=2, size=9, rotate=270, indent=False),
        Layout(size=11, tables=False, rotate=180, family="sans"),
    ],
}

# --- LaTeX -------------------------------------------------------------------------------------

_TEX = str.maketrans({char: f"\\{char}" for char in "&%$#_{}"})
_TEX_FONTS = {"serif": "", "sans": r"\renewcommand{\familydefault}{\sfdefault}", "other": r"\usepackage{lmodern}\usepackage[T1]{fontenc}"}


def latex(made: Made, layout: Layout, out: Path) -> None:
    """Through ``pdflatex``: no space characters, TeX's hyphenation and ligatures."""
    size = min(layout.size, 12) if layout.size >= 10 else 10
    lines = [
        rf"\documentclass[{size}pt,{layout.paper}paper{',twocolumn' if layout.columns == 2 else ''}]{{article}}",
        _TEX_FONTS[layout.family],
        r"\usepackage{fancyhdr,graphicx,booktabs,multicol}\usepackage[margin=25mm]{geometry}",
        r"\pagestyle{fancy}\fancyhf{}" if layout.head else r"\pagestyle{empty}",
    ]
    if layout.head:
        lines.append(rf"\fancyhead[L]{{{made.head}}}\fancyhead[R]{{\thepage}}")
    if layout.stamp:
        lines.append(
            r"\usepackage{eso-pic}\AddToShipoutPictureBG{\put(20,250){\rotatebox{90}{Deposited copy 1877.4}}"
            r"\put(150,200){\rotatebox{50}{\scalebox{7}{DRAFT ONLY}}}}"
        )
    if not layout.indent:
        lines.append(r"\setlength{\parindent}{0pt}\setlength{\parskip}{6pt plus 2pt}")
    lines.append(r"\begin{document}\thispagestyle{fancy}" if layout.head else r"\begin{document}")
    title = made.title.translate(_TEX)
    if layout.spaced:
        title = r"\,\,".join(title.replace(" ", r"\quad ")).replace(r"\,\,\,\,", r"\,\,")
        title = _tex_spaced(made.title)
    lines.append(rf"{{\centering\LARGE {title}\par}}\bigskip")
    if layout.columns == 3:
        lines.append(r"\begin{multicols}{3}")
    for part in made.parts:
        lines.append(_tex_part(part))
    if layout.columns == 3:
        lines.append(r"\end{multicols}")
    lines.append(r"\end{document}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "made.tex")
        source.write_text("\n".join(lines))
        for _ in range(1 + layout.stamp):
            _call(["pdflatex", "-interaction=nonstopmode", source.name], folder)
        shutil.copy(source.with_suffix(".pdf"), out)


def _tex_spaced(text: str) -> str:
    words = [r"\kern.2em ".join(word) for word in text.split()]
    return r"\hskip.8em ".join(words)


def _tex_part(part: Paragraph | Table) -> str:
    if isinstance(part, Table):
        rows = [" & ".join(cell.translate(_TEX) for cell in row) + r"\\" for row in part.rows]
        shape = "l" + "r" * (min(len(part.rows[0]), 4) - 1) + "l" * (len(part.rows[0]) - 4)
        return (
            rf"\par\smallskip{{\footnotesize\setlength{{\tabcolsep}}{{4pt}}\noindent\begin{{tabular}}{{{shape}}}\toprule "
            + rows[0] + r"\midrule " + "\n".join(rows[1:]) + r"\bottomrule\end{tabular}}\par\smallskip "
        )  # fmt: skip
    sentences = []
    for index, sentence in enumerate(part.sentences):
        note = part.notes.get(index)
        mark = rf"\footnote{{{' '.join(note).translate(_TEX)}}}" if note else ""
        sentences.append(sentence.translate(_TEX) + mark)
    said = " ".join(sentences)
    if part.kind == "heading":
        return rf"\section*{{{said}}}"
    if part.kind == "item":
        return rf"\begin{{itemize}}\item {said}\end{{itemize}}"
    return said + "\n\n"


# --- LibreOffice -------------------------------------------------------------------------------

_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
)
_ODF_FONTS = {"serif": "Latin Modern Roman", "sans": "DejaVu Sans", "other": "Latin Modern Sans"}
_PAPERS = {"a4": ("21cm", "29.7cm"), "letter": ("21.59cm", "27.94cm")}


def libreoffice(made: Made, layout: Layout, out: Path) -> None:
    """Through ``soffice``, from one flat ODF file; words may be cut at soft hyphens."""
    width, height = _PAPERS[layout.paper]
    indent = "0.5cm" if layout.indent else "0cm"
    gap = "0cm" if layout.indent else "0.25cm"
    font = f'fo:font-size="{layout.size}pt" fo:font-family="{_ODF_FONTS[layout.family]}" fo:language="en"'
    styles = [
        f'<style:style style:name="B" style:family="paragraph"><style:paragraph-properties fo:text-align="justify" fo:text-indent="{indent}" fo:margin-bottom="{gap}"/><style:text-properties {font}/></style:style>',
        f'<style:style style:name="I" style:family="paragraph"><style:paragraph-properties fo:margin-left="0.8cm" fo:text-indent="-0.5cm"/><style:text-properties {font}/></style:style>',
        f'<style:style style:name="C" style:family="paragraph"><style:text-properties fo:font-size="{layout.size - 1}pt" fo:font-family="{_ODF_FONTS[layout.family]}"/></style:style>',
        f'<style:style style:name="F" style:family="paragraph"><style:text-properties fo:font-size="{layout.size - 2}pt" fo:font-family="{_ODF_FONTS[layout.family]}"/></style:style>',
        f'<style:style style:name="H" style:family="paragraph"><style:paragraph-properties fo:margin-top="0.5cm" fo:margin-bottom="0.2cm" fo:keep-with-next="always"/><style:text-properties fo:font-size="{layout.size + 3}pt" fo:font-weight="bold" fo:font-family="{_ODF_FONTS[layout.family]}"/></style:style>',
        f'<style:style style:name="T" style:family="paragraph"><style:paragraph-properties fo:text-align="center" fo:margin-bottom="0.6cm"/><style:text-properties fo:font-size="{layout.size + 8}pt" {"fo:letter-spacing=&quot;0.14cm&quot;".replace("&quot;", chr(34)) if layout.spaced else ""}/></style:style>',
        f'<style:style style:name="S" style:family="section"><style:section-properties text:dont-balance-text-columns="false"><style:columns fo:column-count="{layout.columns}" fo:column-gap="0.6cm"/></style:section-properties></style:style>',
        f'<style:page-layout style:name="P"><style:page-layout-properties fo:page-width="{width}" fo:page-height="{height}" fo:margin="2cm"/><style:header-style><style:header-footer-properties fo:margin-bottom="0.5cm"/></style:header-style><style:footer-style><style:header-footer-properties fo:margin-top="0.5cm"/></style:footer-style></style:page-layout>',
    ]
    head = (
        f'<style:header><text:p text:style-name="F">{html.escape(made.head)}</text:p></style:header>'
        f'<style:footer><text:p text:style-name="F">Page <text:page-number/></text:p></style:footer>'
        if layout.head
        else ""
    )
    body = [f'<text:p text:style-name="T">{html.escape(made.title)}</text:p>', '<text:section text:style-name="S" text:name="s">']
    number = 0
    for part in made.parts:
        if isinstance(part, Table):
            rows = "".join(
                "<table:table-row>" + "".join(f'<table:table-cell><text:p text:style-name="C">{html.escape(cell)}</text:p></table:table-cell>' for cell in row) + "</table:table-row>"
                for row in part.rows
            )  # fmt: skip
            body.append(f'<table:table><table:table-column table:number-columns-repeated="{len(part.rows[0])}"/>{rows}</table:table>')
            continue
        said = []
        for index, sentence in enumerate(part.sentences):
            text = _soft(html.escape(sentence))
            if note := part.notes.get(index):
                number += 1
                text += f'<text:note text:note-class="footnote"><text:note-citation>{number}</text:note-citation><text:note-body><text:p text:style-name="F">{html.escape(" ".join(note))}</text:p></text:note-body></text:note>'
            said.append(text)
        style = {"text": "B", "heading": "H", "item": "I"}[part.kind]
        bullet = "•<text:tab/>" if part.kind == "item" else ""
        body.append(f'<text:p text:style-name="{style}">{bullet}{" ".join(said)}</text:p>')
    body.append("</text:section>")
    automatic = "".join(styles)
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_ODF} office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text">'
        f"<office:automatic-styles>{automatic}</office:automatic-styles>"
        f'<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="P">{head}</style:master-page></office:master-styles>'
        f"<office:body><office:text>{''.join(body)}</office:text></office:body></office:document>"
    )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "made.fodt")
        source.write_text(document)
        _call(["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "pdf", source.name], folder)
        shutil.copy(source.with_suffix(".pdf"), out)


def _soft(text: str) -> str:
    """Soft hyphens where long words may be cut."""
    return " ".join(
        f"{word[:5]}\u00ad{word[5:]}" if len(word) > 9 and word.isalpha() else word
        for word in text.split(" ")
    )


# --- Chromium ----------------------------------------------------------------------------------

_CSS_FONTS = {"serif": "serif", "sans": "sans-serif", "other": "'Latin Modern Roman'"}


def chromium(made: Made, layout: Layout, out: Path) -> None:
    """Through ``chromium --print-to-pdf``; its notes stand at the end, as on web pages."""
    css = (
        f"@page{{size:{layout.paper};margin:22mm 18mm}}body{{font:{layout.size}pt/1.3 {_CSS_FONTS[layout.family]};margin:0}}"
        f"h1{{text-align:center;{'letter-spacing:.3em;' if layout.spaced else ''}}}"
        f"main{{columns:{layout.columns};column-gap:7mm;text-align:justify}}"
        f"p{{margin:0 0 {0 if layout.indent else 2}mm;text-indent:{4 if layout.indent else 0}mm}}"
        "td,th{padding:1px 6px;text-align:left;text-indent:0}table{font-size:85%;margin:3mm 0}h2{margin:4mm 0 1mm;text-align:left}"
        ".stamp{position:fixed;left:20mm;top:120mm;font-size:60pt;opacity:.2;transform:rotate(-45deg)}"
        ".side{position:fixed;left:-30mm;top:100mm;font-size:12pt;transform:rotate(-90deg)}"
    )
    if layout.head:
        css += f'@page{{@top-center{{content:"{made.head}";font-size:8pt}}@bottom-center{{content:counter(page);font-size:8pt}}}}'
    parts = []
    notes = []
    for part in made.parts:
        if isinstance(part, Table):
            rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in part.rows)
            parts.append(f"<table>{rows}</table>")
            continue
        said = []
        for index, sentence in enumerate(part.sentences):
            text = _soft(html.escape(sentence))
            if note := part.notes.get(index):
                notes.append(" ".join(note))
                text += f"<sup>{len(notes)}</sup>"
            said.append(text)
        tag = {"text": "p", "heading": "h2", "item": "li"}[part.kind]
        parts.append(f"<{tag}>{' '.join(said)}</{tag}>")
    end = "".join(f"<p><sup>{number}</sup> {html.escape(note)}</p>" for number, note in enumerate(notes, 1))
    stamp = '<div class="stamp">DRAFT ONLY</div><div class="side">Deposited copy</div>' if layout.stamp else ""
    page = f"<!DOCTYPE html><html lang=en><meta charset=utf-8><style>{css}</style>{stamp}<h1>{html.escape(made.title)}</h1><main>{''.join(parts)}{end}</main></html>"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "made.html")
        source.write_text(page)
        _call(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={out}", source.as_uri()], folder)


# --- fpdf2 -------------------------------------------------------------------------------------


def plain(made: Made, layout: Layout, out: Path) -> None:
    """Through fpdf2: core fonts, ragged lines, columns laid out by hand; no footnotes."""
    from fpdf import FPDF

    pdf = FPDF(format=layout.paper, unit="pt")
    pdf.set_auto_page_break(False)
    font = {"serif": "times", "sans": "helvetica", "other": "courier"}[layout.family]
    margin, gap = 60, 18
    pdf.add_page()
    width = (pdf.w - 2 * margin - gap * (layout.columns - 1)) / layout.columns
    state = {"column": 0, "y": 110.0, "top": 110.0}

    def furniture() -> None:
        if layout.head:
            pdf.set_font(font, size=8)
            pdf.text(margin, 40, made.head)
            pdf.text(pdf.w - margin - 20, 40, str(pdf.page_no()))
        if layout.stamp:
            with pdf.rotation(45, pdf.w / 2, pdf.h / 2):
                pdf.set_font(font, size=70)
                pdf.text(120, pdf.h / 2, "DRAFT ONLY")

    def line(words: str, size: float, left: float = 0.0) -> None:
        leading = 1.25 * size
        if state["y"] + leading > pdf.h - margin:
            state["column"] += 1
            state["y"] = state["top"]
            if state["column"] >= layout.columns:
                pdf.add_page()
                furniture()
                state.update(column=0, y=70.0, top=70.0)
        state["y"] += leading
        pdf.set_font(font, size=size)
        pdf.text(margin + state["column"] * (width + gap) + left, state["y"], words)

    def wrapped(text: str, size: float, left: float = 0.0, first: float = 0.0) -> None:
        pdf.set_font(font, size=size)
        words: list[str] = []
        inset = first
        for word in text.split():
            if words and pdf.get_string_width(" ".join([*words, word])) > width - left - inset:
                line(" ".join(words), size, left + inset)
                words, inset = [], 0.0
            words.append(word)
        line(" ".join(words), size, left + inset)

    furniture()
    pdf.set_font(font, size=18)
    pdf.set_char_spacing(4 if layout.spaced else 0)
    pdf.text(margin, 90, made.title)
    pdf.set_char_spacing(0)
    for part in made.parts:
        if isinstance(part, Table):
            state["y"] += 6
            for row in part.rows:
                line("", layout.size)
                across = [0.0, *(width * (0.48 + 0.52 * n / (len(row) - 1)) for n in range(len(row) - 1))]
                for at, cell in zip(across, row, strict=True):
                    pdf.set_font(font, size=0.75 * layout.size)
                    pdf.text(margin + state["column"] * (width + gap) + at, state["y"], cell)
            state["y"] += 6
            continue
        text = " ".join(part.sentences)
        if part.kind == "heading":
            state["y"] += 8
            wrapped(text, layout.size + 2)
            state["y"] += 2
        elif part.kind == "item":
            wrapped("- " + text, layout.size, 10)
        else:
            wrapped(text, layout.size, 0, 12 if layout.indent else 0)
            state["y"] += 0 if layout.indent else 6
    pdf.output(str(out))


# --- all of them -------------------------------------------------------------------------------

PRODUCERS: dict[str, tuple[str, Callable[[Made, Layout, Path], None]]] = {
    "latex": ("pdflatex", latex),
    "libreoffice": ("soffice", libreoffice),
    "chromium": ("chromium", chromium),
    "fpdf2": ("", plain),
}


def _call(command: list[str], folder: str) -> None:
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=180)
    if ran.returncode and not list(Path(folder).glob("*.pdf")):
        raise RuntimeError(f"{command[0]} failed:\n{ran.stdout[-1500:]!r}\n{ran.stderr[-500:]!r}")


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
    """Write the documents of one half; their names and gold."""
    out.mkdir(parents=True, exist_ok=True)
    for number, (producer, (command, build)) in enumerate(PRODUCERS.items()):
        if command and not shutil.which(command):
            print(f"{producer}: {command} is not installed, left out", file=sys.stderr)
            continue
        for index, layout in enumerate(LAYOUTS[half]):
            if producer == "fpdf2":
                layout = dataclasses.replace(layout, notes=False)  # noqa: PLW2901
            length = random.Random(f"{half}{number}{index}").randint(10, 22) * layout.columns
            made = made_text(
                half, 100 * number + index, paragraphs=length,
                notes=layout.notes, tables=layout.tables, items=layout.items,
            )  # fmt: skip
            name = f"{producer}-{index}"
            pdf = out / f"{name}.pdf"
            build(made, layout, pdf)
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
    """Make one half."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--half", choices=["dev", "final"], default="dev")
    arguments = parser.parse_args()
    for name, gold in make(arguments.out, arguments.half):
        print(name, ", ".join(gold["features"]))


if __name__ == "__main__":
    main()

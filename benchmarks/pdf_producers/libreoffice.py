"""LibreOffice, from one flat ODF file: footnotes, columns, soft hyphens, justified lines."""

from __future__ import annotations

import html
import shutil
import tempfile
from pathlib import Path

from made_texts import Made, Paragraph, Table

from pdf_producers.layout import Layout, call, soft

__all__ = ["COMMAND", "produce"]

COMMAND = "soffice"
_SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"),
        ("style", "style"),
        ("text", "text"),
        ("table", "table"),
        ("fo", "xsl-fo-compatible"),
    )
)
_FONTS = {"serif": "Latin Modern Roman", "sans": "DejaVu Sans", "other": "Latin Modern Sans"}
_PAPERS = {"a4": ("21cm", "29.7cm"), "letter": ("21.59cm", "27.94cm")}


def produce(made: Made, layout: Layout, out: Path) -> None:
    """Write ``out``."""
    head = ""
    if layout.head:
        head = (
            f'<style:header><text:p text:style-name="F">{html.escape(made.head)}</text:p>'
            '</style:header><style:footer><text:p text:style-name="F">Page '
            "<text:page-number/></text:p></style:footer>"
        )
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_SPACES} office:version="1.2" '
        'office:mimetype="application/vnd.oasis.opendocument.text">'
        f"<office:automatic-styles>{_styles(layout)}</office:automatic-styles>"
        '<office:master-styles><style:master-page style:name="Standard" '
        f'style:page-layout-name="P">{head}</style:master-page></office:master-styles>'
        f"<office:body><office:text>{_body(made)}</office:text></office:body></office:document>"
    )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "made.fodt")
        source.write_text(document)
        profile = f"-env:UserInstallation=file://{folder}/profile"
        call([COMMAND, profile, "--headless", "--convert-to", "pdf", source.name], folder)
        shutil.copy(source.with_suffix(".pdf"), out)


def _styles(layout: Layout) -> str:
    width, height = _PAPERS[layout.paper]
    indent = "0.5cm" if layout.indent else "0cm"
    gap = "0cm" if layout.indent else "0.25cm"
    wide = ' fo:letter-spacing="0.14cm"' if layout.spaced else ""
    size = layout.size
    styles = [
        _style("B", f'fo:text-align="justify" fo:text-indent="{indent}" fo:margin-bottom="{gap}"',
               size, layout),
        _style("I", 'fo:margin-left="0.8cm" fo:text-indent="-0.5cm"', size, layout),
        _style("C", "", size - 1, layout),
        _style("F", "", size - 2, layout),
        _style("H", 'fo:margin-top="0.5cm" fo:margin-bottom="0.2cm" fo:keep-with-next="always"',
               size + 3, layout, ' fo:font-weight="bold"'),
        _style("T", 'fo:text-align="center" fo:margin-bottom="0.6cm"', size + 8, layout, wide),
    ]  # fmt: skip
    columns = (
        '<style:style style:name="S" style:family="section"><style:section-properties '
        'text:dont-balance-text-columns="false"><style:columns '
        f'fo:column-count="{layout.columns}" fo:column-gap="0.6cm"/></style:section-properties>'
        "</style:style>"
    )
    page = (
        '<style:page-layout style:name="P"><style:page-layout-properties '
        f'fo:page-width="{width}" fo:page-height="{height}" fo:margin="2cm"/>'
        '<style:header-style><style:header-footer-properties fo:margin-bottom="0.5cm"/>'
        "</style:header-style><style:footer-style><style:header-footer-properties "
        'fo:margin-top="0.5cm"/></style:footer-style></style:page-layout>'
    )
    return "".join(styles) + columns + page


def _style(name: str, paragraph: str, size: int, layout: Layout, more: str = "") -> str:
    return (
        f'<style:style style:name="{name}" style:family="paragraph">'
        f"<style:paragraph-properties {paragraph}/><style:text-properties "
        f'fo:font-size="{size}pt" fo:font-family="{_FONTS[layout.family]}" fo:language="en"{more}/>'
        "</style:style>"
    )


def _body(made: Made) -> str:
    parts = [f'<text:p text:style-name="T">{html.escape(made.title)}</text:p>']
    parts.append('<text:section text:style-name="S" text:name="s">')
    number = 0
    for part in made.parts:
        if isinstance(part, Table):
            parts.append(_table(part))
            continue
        said = []
        for index, sentence in enumerate(part.sentences):
            text = soft(html.escape(sentence))
            if note := part.notes.get(index):
                number += 1
                text += _note(number, " ".join(note))
            said.append(text)
        parts.append(_paragraph(part, " ".join(said)))
    return "".join([*parts, "</text:section>"])


def _table(table: Table) -> str:
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell><text:p text:style-name="C">{html.escape(cell)}</text:p>'
            "</table:table-cell>"
            for cell in row
        )
        + "</table:table-row>"
        for row in table.rows
    )
    columns = f'<table:table-column table:number-columns-repeated="{len(table.rows[0])}"/>'
    return f"<table:table>{columns}{rows}</table:table>"


def _note(number: int, text: str) -> str:
    return (
        f'<text:note text:note-class="footnote"><text:note-citation>{number}'
        '</text:note-citation><text:note-body><text:p text:style-name="F">'
        f"{html.escape(text)}</text:p></text:note-body></text:note>"
    )


def _paragraph(part: Paragraph, text: str) -> str:
    style = {"text": "B", "heading": "H", "item": "I"}[part.kind]
    bullet = "•<text:tab/>" if part.kind == "item" else ""
    return f'<text:p text:style-name="{style}">{bullet}{text}</text:p>'

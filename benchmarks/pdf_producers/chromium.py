"""Chromium's printing of a web page: columns by CSS, notes at the end, cells set to the middle."""

from __future__ import annotations

import html
import tempfile
from pathlib import Path

from made_texts import Made, Table

from pdf_producers.layout import Layout, call, soft

__all__ = ["COMMAND", "produce"]

COMMAND = "chromium"
_FONTS = {"serif": "serif", "sans": "sans-serif", "other": "'Latin Modern Roman'"}
_TAGS = {"text": "p", "heading": "h2", "item": "li"}


def produce(made: Made, layout: Layout, out: Path) -> None:
    """Write ``out``."""
    stamp = ""
    if layout.stamp:
        stamp = '<div class="stamp">DRAFT ONLY</div><div class="side">Deposited copy</div>'
    page = (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8>"
        f"<style>{_css(made, layout)}</style>{stamp}<h1>{html.escape(made.title)}</h1>"
        f"<main>{_body(made)}</main></html>"
    )
    with tempfile.TemporaryDirectory() as folder:
        source, printed = Path(folder, "made.html"), Path(folder, "made.pdf")
        source.write_text(page)
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        options += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}"]
        call([COMMAND, *options, source.as_uri()], folder)
        out.write_bytes(printed.read_bytes())


def _css(made: Made, layout: Layout) -> str:
    gap, indent = (0, 4) if layout.indent else (2, 0)
    css = (
        f"@page{{size:{layout.paper};margin:22mm 18mm}}"
        f"body{{font:{layout.size}pt/1.3 {_FONTS[layout.family]};margin:0}}"
        f"h1{{text-align:center;{'letter-spacing:.3em;' if layout.spaced else ''}}}"
        f"main{{columns:{layout.columns};column-gap:7mm;text-align:justify}}"
        f"p{{margin:0 0 {gap}mm;text-indent:{indent}mm}}"
        "td{padding:1px 6px;text-align:left;text-indent:0}table{font-size:85%;margin:3mm 0}"
        "h2{margin:4mm 0 1mm;text-align:left}"
        ".stamp{position:fixed;left:20mm;top:120mm;font-size:60pt;opacity:.2;"
        "transform:rotate(-45deg)}"
        ".side{position:fixed;left:-30mm;top:100mm;font-size:12pt;transform:rotate(-90deg)}"
    )
    if layout.head:
        css += (
            f'@page{{@top-center{{content:"{made.head}";font-size:8pt}}'
            "@bottom-center{content:counter(page);font-size:8pt}}"
        )
    return css


def _body(made: Made) -> str:
    parts: list[str] = []
    notes: list[str] = []
    for part in made.parts:
        if isinstance(part, Table):
            rows = [
                "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
                for row in part.rows
            ]
            parts.append(f"<table>{''.join(rows)}</table>")
            continue
        said = []
        for index, sentence in enumerate(part.sentences):
            text = soft(html.escape(sentence))
            if note := part.notes.get(index):
                notes.append(" ".join(note))
                text += f"<sup>{len(notes)}</sup>"
            said.append(text)
        tag = _TAGS[part.kind]
        parts.append(f"<{tag}>{' '.join(said)}</{tag}>")
    end = [f"<p><sup>{at}</sup> {html.escape(note)}</p>" for at, note in enumerate(notes, 1)]
    return "".join([*parts, *end])

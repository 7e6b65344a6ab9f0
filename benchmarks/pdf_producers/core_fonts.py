"""fpdf2: core fonts, ragged lines, columns laid out by hand, no footnotes."""

from __future__ import annotations

from pathlib import Path

from made_texts import Made, Table

from pdf_producers.layout import Layout

__all__ = ["COMMAND", "produce"]

COMMAND = ""


def produce(made: Made, layout: Layout, out: Path) -> None:
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
                across = [
                    0.0,
                    *(width * (0.48 + 0.52 * n / (len(row) - 1)) for n in range(len(row) - 1)),
                ]
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

"""LaTeX: no space characters, TeX's own hyphenation and ligatures."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from made_texts import Made, Paragraph, Table

from pdf_producers.layout import Layout, call

__all__ = ["COMMAND", "produce"]

COMMAND = "pdflatex"
_TEX = str.maketrans({char: f"\\{char}" for char in "&%$#_{}"})
_TEX_FONTS = {
    "serif": "",
    "sans": r"\renewcommand{\familydefault}{\sfdefault}",
    "other": r"\usepackage{lmodern}\usepackage[T1]{fontenc}",
}


def produce(made: Made, layout: Layout, out: Path) -> None:
    """Through ``pdflatex``: no space characters, TeX's hyphenation and ligatures."""
    two = ",twocolumn" if layout.columns == 2 else ""
    size = min(layout.size, 12) if layout.size >= 10 else 10
    lines = [
        rf"\documentclass[{size}pt,{layout.paper}paper{two}]{{article}}",
        _TEX_FONTS[layout.family],
        r"\usepackage{fancyhdr,graphicx,booktabs,multicol}\usepackage[margin=25mm]{geometry}",
        r"\pagestyle{fancy}\fancyhf{}" if layout.head else r"\pagestyle{empty}",
    ]
    if layout.head:
        lines.append(rf"\fancyhead[L]{{{made.head}}}\fancyhead[R]{{\thepage}}")
    if layout.stamp:
        lines.append(
            r"\usepackage{eso-pic}\AddToShipoutPictureBG{"
            r"\put(20,250){\rotatebox{90}{Deposited copy 1877.4}}"
            r"\put(150,200){\rotatebox{50}{\scalebox{7}{DRAFT ONLY}}}}"
        )
    if not layout.indent:
        lines.append(r"\setlength{\parindent}{0pt}\setlength{\parskip}{6pt plus 2pt}")
    lines.append(r"\begin{document}\thispagestyle{fancy}" if layout.head else r"\begin{document}")
    title = made.title.translate(_TEX)
    if layout.spaced:
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
            call(["pdflatex", "-interaction=nonstopmode", source.name], folder)
        shutil.copy(source.with_suffix(".pdf"), out)


def _tex_spaced(text: str) -> str:
    words = [r"\kern.2em ".join(word) for word in text.split()]
    return r"\hskip.8em ".join(words)


def _tex_part(part: Paragraph | Table) -> str:
    if isinstance(part, Table):
        rows = [" & ".join(cell.translate(_TEX) for cell in row) + r"\\" for row in part.rows]
        shape = "l" + "r" * (min(len(part.rows[0]), 4) - 1) + "l" * (len(part.rows[0]) - 4)
        return (
            r"\par\smallskip{\footnotesize\setlength{\tabcolsep}{4pt}\noindent"
            rf"\begin{{tabular}}{{{shape}}}\toprule "
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

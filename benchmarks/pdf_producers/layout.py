"""How a made document is set, and the one way programs are called."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

__all__ = ["Layout", "call", "soft"]


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


def call(command: list[str], folder: str) -> None:
    """Run a program in a folder, in which it is to leave a PDF.

    Raises:
        RuntimeError: it did not.
    """
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=180)
    if not list(Path(folder).glob("*.pdf")):
        raise RuntimeError(f"{command[0]} failed:\n{ran.stdout[-1500:]!r}\n{ran.stderr[-500:]!r}")


def soft(text: str) -> str:
    """Soft hyphens where long words may be cut."""
    return " ".join(
        f"{word[:5]}\u00ad{word[5:]}" if len(word) > 9 and word.isalpha() else word
        for word in text.split(" ")
    )

"""How PDFs are read: the options, and the signals that come with the text."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from typing import Any, ClassVar, Literal

from pipeline.core.decisions import Signal
from pipeline.core.errors import ConfigError

__all__ = ["Pdf"]


@dataclasses.dataclass(frozen=True)
class Pdf:
    """Reading of PDFs with PDFium, through pypdfium2.

    Args:
        max_pages: pages that are read; of a longer document the first ones, and ``pages_read`` is
            less than ``pages``.
        max_characters: characters of a page that are read.
        ocr: what reads pages that are images: ``none``, or ``tesseract``, the command of that name
            (https://tesseract-ocr.github.io), which must be on PATH.
        ocr_languages: as tesseract takes them, such as ``eng+deu``.
        ocr_pages: pages of a document that are read so; the others stay without text.
        ocr_seconds: CPU time tesseract may take for a page. Wall-clock time may be five times that.
        cpu_seconds: CPU time of one document, in place of ``limits.cpu_seconds``; tesseract's is
            counted apart.

    Raises:
        ConfigError: a number below 1, an unknown ``ocr``, or languages that are none.
    """

    version: ClassVar[int] = 1
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("pages", "pages of the document"),
        Signal(
            "pages_read",
            "pages that were read: the first ones, less those broken or without letters",
        ),
        Signal("scanned_pages", "pages that are images without text"),
        Signal("truncated", "why the file ends early, if it does", kind="text"),
        Signal("producer", "the program that wrote the file, as it says", kind="text"),
    )

    max_pages: int = 500
    max_characters: int = 100_000
    ocr: Literal["none", "tesseract"] = "none"
    ocr_languages: str = "eng"
    ocr_pages: int = 20
    ocr_seconds: int = 30
    cpu_seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("max_pages", "max_characters", "ocr_pages", "ocr_seconds", "cpu_seconds"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
                raise ConfigError(f"pdf.{name} = {value!r} must be at least 1")
            if name != "cpu_seconds" and not isinstance(value, int):
                raise ConfigError(f"pdf.{name} = {value!r} must be a whole number")
        given: object = self.ocr
        if given not in ("none", "tesseract"):
            raise ConfigError(f"pdf.ocr = {given!r} is neither none nor tesseract")
        if not all(part.replace("_", "").isalnum() for part in self.ocr_languages.split("+")):
            raise ConfigError(
                f"pdf.ocr_languages = {self.ocr_languages!r} is not like eng or eng+deu"
            )

    def check(self) -> None:
        """Whether all that is asked for is here.

        Raises:
            ConfigError: tesseract, or one of its languages, is not installed.
        """
        if self.ocr == "tesseract":
            from pipeline.extract.pdf.ocr import check_tesseract

            check_tesseract(self.ocr_languages)

    def parameters(self) -> dict[str, Any]:
        """All the text depends on besides the file."""
        libraries = {"pypdfium2": importlib.metadata.version("pypdfium2")}
        if self.ocr == "tesseract":
            from pipeline.extract.pdf.ocr import tesseract_version

            libraries["tesseract"] = tesseract_version()
        return {"version": self.version, **dataclasses.asdict(self), "libraries": libraries}

    @property
    def wall_seconds(self) -> float:
        """Wall-clock time that one document may take besides its own CPU time, for OCR."""
        return 5.0 * self.ocr_seconds * self.ocr_pages if self.ocr == "tesseract" else 0.0

"""HTML and PDF files on disk, plain or gzipped, to text: what ``gristmill extract`` does."""

from __future__ import annotations

import dataclasses
import gzip
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from classifiers.language import LanguageIdentifier
from pipeline.core.errors import ConfigError, RecordError
from pipeline.core.records import Locator, RawRecord
from pipeline.core.registry import nearest
from pipeline.extract.extraction import Extraction
from pipeline.extract.pdf import Pdf
from pipeline.extract.worker import ExtractWorker

__all__ = ["FileText", "extract_files", "text_names"]

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 256 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class FileText:
    """The text of one file, or the error that kept it from having one.

    Args:
        text: main text, possibly empty.
        charset: encoding the file was read in; ``charset_source`` says what named it.
        language: most likely language of the text by lid.176, where it was asked for.
        language_score: its probability.
        milliseconds: wall-clock time of decoding and extraction.
        signals: of a PDF, `pipeline.extract.Pdf.signals` by ``pdf.NAME``; of a page, what the engine
            measures by ``extract.NAME``, and metadata by ``metadata.NAME``.
    """

    text: str = ""
    engine: str = ""
    charset: str = ""
    charset_source: str = ""
    language: str | None = None
    language_score: float | None = None
    milliseconds: float = 0.0
    signals: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Its fields; those of an error are the engine and the error."""
        fields = dataclasses.asdict(self)
        if self.error is not None:
            return {"engine": self.engine, "error": self.error}
        del fields["error"]
        if not self.signals:
            del fields["signals"]
        return fields


def extract_files(
    files: Sequence[Path],
    engine: str = "blocks",
    options: Sequence[str] = (),
    languages: bool = False,
    pdf_options: Sequence[str] = (),
    metadata: bool = False,
) -> Iterator[FileText]:
    """The text of each file, in order. A file that fails costs itself only.

    Args:
        files: HTML and PDF files; both, and gzipped ones, are recognised by their first bytes.
        engine: a registered engine.
        options: ``key=value`` for the engine, values as in YAML.
        languages: identify the language of each text.
        pdf_options: ``key=value`` for PDFs; see `pipeline.extract.Pdf`.
        metadata: read title, author, date, address and site name of each page.

    Raises:
        ConfigError: no such engine or option, or one that needs what is not installed.
    """
    pdf = _pdf(_options(pdf_options, "--pdf"))
    pdf.check()
    extraction = Extraction(engine=engine, options=_options(options), pdf=pdf, metadata=metadata)
    identifier = LanguageIdentifier()
    with ExtractWorker(extraction) as worker:
        for file in files:
            started = time.monotonic()
            try:
                payload = _read(file)
                locator = Locator(str(file), 0, len(payload))
                extracted = worker.extract(RawRecord(locator.digest(), file.name, locator, payload))
            except OSError as error:
                yield FileText(engine=engine, error=error.strerror or str(error))
                continue
            except (RecordError, zlib.error, EOFError) as error:
                yield FileText(engine=engine, error=str(error))
                continue
            spent = time.monotonic() - started
            text = extracted.text or ""
            if extracted.verdict is not None and extracted.verdict.detail:
                yield FileText(engine="pdf", error=extracted.verdict.detail)
                continue
            is_pdf = extracted.charset_source == "pdf"
            label = identifier.identify([text])[0] if languages and text else None
            yield FileText(
                text=text,
                engine="pdf" if is_pdf else engine,
                charset=extracted.charset,
                charset_source=extracted.charset_source,
                language=label.label if label else None,
                language_score=round(label.probability, 6) if label else None,
                milliseconds=round(1000 * spent, 3),
                signals=extracted.signals,
            )


def text_names(files: Sequence[Path]) -> dict[Path, str]:
    """``NAME.txt`` for each file: its name without ``.gz``, ``.html``, ``.pdf`` and the like.

    Raises:
        ConfigError: two files would be written to one name.
    """
    names: dict[Path, str] = {}
    taken: dict[str, Path] = {}
    for file in files:
        bare = file.name.removesuffix(".gz")
        for ending in (".html", ".htm", ".xhtml", ".pdf"):
            bare = bare.removesuffix(ending)
        name = f"{bare}.txt"
        if taken.setdefault(name, file) != file:
            raise ConfigError(
                f"{taken[name]} and {file} would both be written to {name}; "
                "extract them into different folders"
            )
        names[file] = name
    return names


def _read(file: Path) -> bytes:
    """The file's bytes, decompressed, at most `MAX_BYTES` of them."""
    with file.open("rb") as plain:
        packed = plain.read(2) == GZIP_MAGIC
        plain.seek(0)
        stream: Any = gzip.GzipFile(fileobj=plain) if packed else plain
        payload: bytes = stream.read(MAX_BYTES + 1)
    if len(payload) > MAX_BYTES:
        raise RecordError("extract.html_bytes.high", f"larger than {MAX_BYTES >> 20} MiB")
    return payload


def _pdf(options: Mapping[str, Any]) -> Pdf:
    known = [field.name for field in dataclasses.fields(Pdf)]
    for key in options:
        if key not in known:
            raise ConfigError(
                f"PDFs have no option {key!r}{nearest(key, known)} Options: {', '.join(known)}"
            )
    return Pdf(**options)


def _options(pairs: Sequence[str], flag: str = "--option") -> dict[str, Any]:
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"{flag} takes KEY=VALUE, not {pair!r}")
        options[key] = yaml.safe_load(value)
    return options

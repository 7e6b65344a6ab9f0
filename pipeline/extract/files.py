"""HTML files on disk, plain or gzipped, to text: what ``gristmill extract`` does."""

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
from pipeline.extract.extraction import Extraction
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
    """

    text: str = ""
    engine: str = ""
    charset: str = ""
    charset_source: str = ""
    language: str | None = None
    language_score: float | None = None
    milliseconds: float = 0.0
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Its fields; those of an error are the engine and the error."""
        fields = dataclasses.asdict(self)
        if self.error is not None:
            return {"engine": self.engine, "error": self.error}
        del fields["error"]
        return fields


def extract_files(
    files: Sequence[Path],
    engine: str = "trafilatura",
    options: Sequence[str] = (),
    languages: bool = False,
) -> Iterator[FileText]:
    """The text of each file, in order. A file that fails costs itself only.

    Args:
        files: HTML files, gzipped ones recognised by their first bytes.
        engine: a registered engine.
        options: ``key=value`` for the engine, values as in YAML.
        languages: identify the language of each text.

    Raises:
        ConfigError: no such engine or option.
    """
    extraction = Extraction(engine=engine, options=_options(options))
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
            label = identifier.identify([text])[0] if languages and text else None
            yield FileText(
                text=text,
                engine=engine,
                charset=extracted.charset,
                charset_source=extracted.charset_source,
                language=label.label if label else None,
                language_score=round(label.probability, 6) if label else None,
                milliseconds=round(1000 * spent, 3),
            )


def text_names(files: Sequence[Path]) -> dict[Path, str]:
    """``NAME.txt`` for each file: its name without ``.gz``, ``.html`` and the like.

    Raises:
        ConfigError: two files would be written to one name.
    """
    names: dict[Path, str] = {}
    taken: dict[str, Path] = {}
    for file in files:
        bare = file.name.removesuffix(".gz")
        for ending in (".html", ".htm", ".xhtml"):
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


def _options(pairs: Sequence[str]) -> Mapping[str, Any]:
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--option takes KEY=VALUE, not {pair!r}")
        options[key] = yaml.safe_load(value)
    return options

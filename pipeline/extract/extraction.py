"""What extraction is: the specification, its limits, and one record's way from bytes to text.

`Extraction.run` is what `InlineExtractor` does in this process and `pipeline.extract.worker` in
a child. No processes here.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from classifiers.language import LanguageIdentifier
from pipeline.core.decisions import Bound, Signal, Verdict
from pipeline.core.errors import ConfigError, GristmillError, RecordError
from pipeline.core.records import RawRecord
from pipeline.extract.html import Engine, make_engine
from pipeline.extract.metadata import page_metadata
from pipeline.extract.page import Page
from pipeline.extract.pdf.damage import is_pdf
from pipeline.extract.pdf.settings import Pdf
from pipeline.extract.prescreen import Prescreen

__all__ = ["PDF_TYPE", "Crawled", "Extracted", "Extraction", "InlineExtractor", "Limits"]

PDF_TYPE = "application/pdf"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one record may cost.

    Time is bounded by the CPU time the record itself takes, so that a busy machine changes no
    output; the wall clock is only a backstop for a process that waits.

    Args:
        cpu_seconds: CPU time of decoding, pre-screen and engine together.
        wall_seconds: the backstop.
        memory: bytes of address space beyond what an idle worker holds.
        max_html: bytes of payload; a larger page is dropped unread. None: whatever the source
            lets through.
        min_text: characters; a page with less text is dropped.
        max_text: characters; a page with more text is dropped.
        recycle: pages after which a worker process is replaced. Changes no output.

    Raises:
        ConfigError: a limit that is not positive.
    """

    cpu_seconds: float = 10.0
    wall_seconds: float = 120.0
    memory: int = 1 << 30
    max_html: int | None = None
    min_text: int = 1
    max_text: int = 10_000_000
    recycle: int = 5_000

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0 and field.name != "min_text":
                raise ConfigError(f"limits.{field.name} = {value!r} must be positive")


@dataclasses.dataclass(frozen=True, slots=True)
class Extracted:
    """What extraction made of one record.

    Args:
        text: the main text; None where the page was dropped before it was extracted.
        charset: the encoding the payload was read in, by its Python name.
        charset_source: what named that encoding (``http``, ``bom``, ``meta``, ``detected`` …).
        signals: measurements by name, such as ``prescreen.score``.
        verdict: why the page is dropped, if it is.
        cpu_ms: CPU time taken, in milliseconds. Differs from run to run: not for outputs.
    """

    text: str | None
    charset: str
    charset_source: str
    signals: dict[str, float | str] = dataclasses.field(default_factory=dict)
    verdict: Verdict | None = None
    cpu_ms: float = dataclasses.field(default=0.0, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Crawled:
    """What the crawl says of a payload.

    Args:
        url: where it came from, possibly empty.
        http_charset: the encoding that the HTTP header names, if any.
        content_type: the media type, in small letters; empty where nothing says it.
        truncated: why the crawler cut the payload (WARC-Truncated), if it did.
    """

    url: str = ""
    http_charset: str | None = None
    content_type: str = ""
    truncated: str = ""

    @classmethod
    def of(cls, record: RawRecord) -> Self:
        """What a record's meta says."""
        return cls(
            record.url,
            _said(record, "http_charset") or None,
            _said(record, "content_type"),
            _said(record, "truncated"),
        )


def _said(record: RawRecord, name: str) -> str:
    value = record.meta.get(name)
    return value if isinstance(value, str) else ""


@dataclasses.dataclass(frozen=True)
class Extraction:
    """The specification: which engine, with which options, behind which pre-screen and limits.

    Args:
        engine: a registered engine (`pipeline.extract.ENGINES`), or ``"module:Class"``.
        options: the engine's options.
        prescreen: None extracts every page.
        limits: what one record may cost.
        pdf: how PDFs are read; None reads them as the pages they are not.
        metadata: read title, author, date, address and site name of each page, too
            (`pipeline.extract.metadata`).

    Raises:
        PluginError: no such engine.
        ConfigError: an option the engine does not have.
    """

    engine: str = "blocks"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    prescreen: Prescreen | None = None
    limits: Limits = Limits()
    pdf: Pdf | None = None
    metadata: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", dict(self.options))
        make_engine(self.engine, self.options)

    @functools.cached_property
    def _engine(self) -> Engine:
        return make_engine(self.engine, self.options)

    @property
    def engine_signals(self) -> tuple[Signal, ...]:
        """What the engine measures besides the text, by ``extract.NAME``."""
        return self._engine.signals

    def prepare(self) -> None:
        """Called once in a process of its own; see `pipeline.extract.Engine.prepare`.

        Raises:
            ModelError, ConfigError: see `classifiers.language.LanguageIdentifier.check` and
                `pipeline.extract.pdf.Pdf.check`.
        """
        self._engine.prepare()
        if self.pdf is not None:
            self.pdf.check()
        if self.prescreen is not None:
            self.prescreen.model.check(self.prescreen.languages)

    def parameters(self) -> dict[str, Any]:
        """All the outcome depends on besides the record: part of a run's fingerprint."""
        limits = dataclasses.asdict(self.limits)
        del limits["recycle"]
        pdf = {} if self.pdf is None else {"pdf": self.pdf.parameters()}
        return {
            **pdf,
            **({"metadata": True} if self.metadata else {}),
            **make_engine(self.engine, self.options).parameters(),
            "prescreen": self.prescreen and self.prescreen.parameters(),
            "limits": limits,
        }

    def to_json(self) -> dict[str, Any]:
        """A description that `from_json` rebuilds in another process."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        prescreen = spec["prescreen"]
        if prescreen is not None:
            prescreen = Prescreen(
                **{**prescreen, "model": LanguageIdentifier(**prescreen["model"])}
            )
        pdf = spec["pdf"] and Pdf(**spec["pdf"])
        limits = Limits(**spec["limits"])
        return cls(spec["engine"], dict(spec["options"]), prescreen, limits, pdf, spec["metadata"])

    def reads_pdf(self, payload: bytes, content_type: str) -> bool:
        """Whether a payload is read as a PDF: it begins like one, or is said to be one."""
        return self.pdf is not None and (content_type == PDF_TYPE or is_pdf(payload))

    def cpu_seconds(self, payload: bytes, content_type: str) -> float:
        """CPU time that this payload may take."""
        if self.pdf is not None and self.reads_pdf(payload, content_type):
            return self.pdf.cpu_seconds
        return self.limits.cpu_seconds

    def wall_seconds(self, payload: bytes, content_type: str) -> float:
        """Wall-clock time that this payload may take."""
        wall = self.limits.wall_seconds
        if self.pdf is not None and self.reads_pdf(payload, content_type):
            return max(wall, 2 * self.pdf.cpu_seconds) + self.pdf.wall_seconds
        return wall

    def run(self, payload: bytes, crawled: Crawled) -> Extracted:
        """Decode, pre-screen and extract one payload in this process, without time limits.

        Raises:
            RecordError: ``extract.memory``, ``extract.error``, or one of
                `pipeline.extract.pdf.read_pdf`.
        """
        if self.reads_pdf(payload, crawled.content_type):
            return self._run_pdf(payload, crawled)
        return self._run_html(payload, crawled)

    def _run_pdf(self, payload: bytes, crawled: Crawled) -> Extracted:
        from pipeline.extract.pdf.reading import read_pdf

        assert self.pdf is not None
        try:
            found = read_pdf(payload, self.pdf, crawled.truncated)
        except MemoryError as error:
            raise RecordError("extract.memory", "out of memory") from error
        except GristmillError:
            raise
        except Exception as error:  # a library may raise anything; it costs this record only
            raise RecordError("extract.error", f"{type(error).__name__}: {error}"[:500]) from error
        signals = found.signals()
        text: str | None = found.text
        if not found.text and found.scanned_pages:
            verdict: Verdict | None = Verdict(
                False, "extract.scanned_pages.high", float(found.scanned_pages), 0.0,
                f"its pages are images; pdf.ocr is {self.pdf.ocr}",
            )  # fmt: skip
        else:
            bound = Bound("characters", self.limits.min_text, self.limits.max_text)
            verdict = bound.check("extract", len(found.text))
        return Extracted(None if verdict else text, "", "pdf", signals, verdict)

    def _run_html(self, payload: bytes, crawled: Crawled) -> Extracted:
        from pipeline.sources.charset import decode

        limits = self.limits
        verdict = Bound("html_bytes", high=limits.max_html).check("extract", len(payload))
        if verdict is not None:
            return Extracted(None, "", "", verdict=verdict)
        try:
            decoded = decode(payload, crawled.http_charset)
            page = Page(decoded.text, crawled.url)
            signals: dict[str, float | str] = {}
            if self.prescreen is not None:
                screening = self.prescreen.screen(page)
                signals = screening.signals
                if screening.verdict is not None:
                    return Extracted(
                        None, decoded.charset, decoded.source, signals, screening.verdict
                    )
            text, measured = self._engine.read(page)
            signals = {**signals, **measured}
            if self.metadata:
                signals |= page_metadata(page)
        except MemoryError as error:
            raise RecordError("extract.memory", "out of memory") from error
        except GristmillError:  # such as a model that is missing: no fault of the record
            raise
        except Exception as error:  # an engine may raise anything; it costs this record only
            raise RecordError("extract.error", f"{type(error).__name__}: {error}"[:500]) from error
        bound = Bound("characters", limits.min_text, limits.max_text)
        verdict = bound.check("extract", len(text))
        if verdict is not None:
            return Extracted(None, decoded.charset, decoded.source, signals, verdict)
        return Extracted(text, decoded.charset, decoded.source, signals)


class InlineExtractor:
    """`pipeline.extract.ExtractWorker` without a child process: for notebooks and single pages.

    A page that hangs or crashes takes this process with it.
    """

    def __init__(self, extraction: Extraction):
        self.extraction = extraction

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def extract(self, record: RawRecord) -> Extracted:
        """The text of ``record``.

        Raises:
            RecordError: the engine failed on it.
        """
        return self.extraction.run(payload_of(record), Crawled.of(record))


def payload_of(record: RawRecord) -> bytes:
    """The body of a record that goes on to extraction."""
    if record.payload is None:
        raise ValueError(f"{record.id} has no payload to extract")
    return record.payload

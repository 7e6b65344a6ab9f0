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
from pipeline.core.decisions import Bound, Verdict
from pipeline.core.errors import ConfigError, GristmillError, RecordError
from pipeline.core.records import RawRecord
from pipeline.extract.html import Engine, make_engine
from pipeline.extract.page import Page
from pipeline.extract.prescreen import Prescreen

__all__ = ["Extracted", "Extraction", "InlineExtractor", "Limits"]


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


@dataclasses.dataclass(frozen=True)
class Extraction:
    """The specification: which engine, with which options, behind which pre-screen and limits.

    Args:
        engine: a registered engine (`pipeline.extract.ENGINES`), or ``"module:Class"``.
        options: the engine's options.
        prescreen: None extracts every page.
        limits: what one record may cost.

    Raises:
        PluginError: no such engine.
        ConfigError: an option the engine does not have.
    """

    engine: str = "trafilatura"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    prescreen: Prescreen | None = None
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", dict(self.options))
        make_engine(self.engine, self.options)

    @functools.cached_property
    def _engine(self) -> Engine:
        return make_engine(self.engine, self.options)

    def prepare(self) -> None:
        """Called once in a process of its own; see `pipeline.extract.Engine.prepare`.

        Raises:
            ModelError, ConfigError: see `classifiers.language.LanguageIdentifier.check`.
        """
        self._engine.prepare()
        if self.prescreen is not None:
            self.prescreen.model.check(self.prescreen.languages)

    def parameters(self) -> dict[str, Any]:
        """All the outcome depends on besides the record: part of a run's fingerprint."""
        limits = dataclasses.asdict(self.limits)
        del limits["recycle"]
        return {
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
        return cls(spec["engine"], dict(spec["options"]), prescreen, Limits(**spec["limits"]))

    def run(self, payload: bytes, http_charset: str | None, url: str) -> Extracted:
        """Decode, pre-screen and extract one payload in this process, without time limits.

        Raises:
            RecordError: ``extract.memory`` or ``extract.error``.
        """
        from pipeline.sources.charset import decode

        limits = self.limits
        verdict = Bound("html_bytes", high=limits.max_html).check("extract", len(payload))
        if verdict is not None:
            return Extracted(None, "", "", verdict=verdict)
        try:
            decoded = decode(payload, http_charset)
            page = Page(decoded.text, url)
            signals: dict[str, float | str] = {}
            if self.prescreen is not None:
                screening = self.prescreen.screen(page)
                signals = screening.signals
                if screening.verdict is not None:
                    return Extracted(
                        None, decoded.charset, decoded.source, signals, screening.verdict
                    )
            text = self._engine.extract(page)
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
        return self.extraction.run(payload_of(record), http_charset_of(record), record.url)


def payload_of(record: RawRecord) -> bytes:
    """The body of a record that goes on to extraction."""
    if record.payload is None:
        raise ValueError(f"{record.id} has no payload to extract")
    return record.payload


def http_charset_of(record: RawRecord) -> str | None:
    """The charset the HTTP header names, if any."""
    charset = record.meta.get("http_charset")
    return charset if isinstance(charset, str) and charset else None

"""WET files: plain text that a crawl publishes, which enters a run after extraction.

They are WARC files of ``conversion`` records; how they are packed, cut and repaired is `warc`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from pipeline.core.decisions import Signal, Verdict
from pipeline.core.records import RawRecord
from pipeline.sources.framing import Framed
from pipeline.sources.warc import WarcSource, media_type

__all__ = ["WetSource"]

LANGUAGES = Signal(
    "declared_languages",
    "ISO 639-3 codes by the crawler, the main one first (WARC-Identified-Content-Language)",
    kind="text",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WetSource(WarcSource):
    """WET files (`WarcSource` says how they may be stored): ``conversion`` records of plain text.

    Their text goes on as it is, in UTF-8; engines and pre-screen of a recipe are passed by, its
    ``limits.min_text`` and ``max_text`` hold. What the crawler took the languages for is the signal
    ``source.declared_languages``, such as ``eng,deu``. Every other record has a ``drop``:
    ``wet.record_type``, ``wet.content_type``, ``wet.payload_bytes.low`` or ``.high``.

    Args:
        max_payload: largest text in bytes.
        content_types: media types that go on.
        http_status: of no use here.
        digests: of no use here: a WET record says nothing of its payload.
    """

    name: ClassVar[str] = "wet"
    version: ClassVar[int] = 1

    content_types: tuple[str, ...] = ("text/plain",)

    @property
    def signals(self) -> tuple[Signal, ...]:
        return (LANGUAGES,)

    def parameters(self) -> dict[str, Any]:
        return {"max_payload": self.max_payload, "content_types": list(self.content_types)}

    def _judge(self, framed: Framed, record: RawRecord) -> Verdict | None:
        kind = framed.fields.get("warc-type", "").lower()
        if kind != "conversion":
            return Verdict(False, "wet.record_type", None, None, kind or "none")
        if languages := framed.fields.get("warc-identified-content-language"):
            record.meta[LANGUAGES.name] = languages
        found = media_type(framed.fields.get("content-type", "text/plain"))
        record.meta["content_type"] = found
        if found not in self.content_types:
            return Verdict(False, "wet.content_type", None, None, found)
        size = float(framed.length)
        if size > self.max_payload:
            return Verdict(False, "wet.payload_bytes.high", size, float(self.max_payload))
        record.text = framed.block.decode("utf-8", "replace").strip()
        if not record.text:
            record.text = None
            return Verdict(False, "wet.payload_bytes.low", 0.0, 1.0)
        record.payload = framed.block
        return None

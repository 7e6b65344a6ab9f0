"""HTTP responses as stored in a WARC record: status, header fields, and the decoded body.

Crawls hold what servers sent, and servers mislabel. A body that does not have the shape its
headers announce (chunked, gzip, brotli) is taken as it is. Output is bounded at every step.
"""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Callable, Iterator
from typing import cast

from pipeline.core.errors import RecordError
from pipeline.sources.framing import parse_fields

__all__ = [
    "MAX_HEADER",
    "Response",
    "dechunk",
    "decode_body",
    "parse_response",
    "sniff_html",
    "sniff_pdf",
]

MAX_HEADER = 1 << 16  # bytes of an HTTP header
PIECE = 1 << 18  # bytes decoded at a time
STATUS = re.compile(rb"HTTP/\d+(?:\.\d+)?[ \t]+(\d{3})(?!\d)")
HEADER_END = re.compile(rb"\n\r?\n")
CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1024})?\r?\n")
HTML = re.compile(rb"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)


@dataclasses.dataclass(slots=True)
class Response:
    """An HTTP response.

    Args:
        status: three digits.
        fields: header, names in lower case.
        body: still encoded as ``fields`` say.
    """

    status: int
    fields: dict[str, str]
    body: bytes


def parse_response(block: bytes) -> Response:
    """Split a record block into status, header and body.

    Raises:
        RecordError: ``warc.http_header``: there is no status line, or the header has no end.
    """
    status = STATUS.match(block)
    if status is None:
        raise RecordError("warc.http_header", f"no HTTP status line but {block[:40]!r}")
    end = HEADER_END.search(block, 0, MAX_HEADER)
    if end is None and len(block) > MAX_HEADER:
        raise RecordError("warc.http_header", f"the header does not end in {MAX_HEADER} bytes")
    header, body = (block, b"") if end is None else (block[: end.start()], block[end.end() :])
    return Response(int(status[1]), parse_fields(header), body)


def sniff_html(body: bytes) -> bool:
    """Whether an HTML tag or doctype stands in the first 2,048 bytes."""
    return HTML.search(body, 0, 2048) is not None


def sniff_pdf(body: bytes) -> bool:
    """Whether a PDF's header stands in the first 1,024 bytes, where readers look for it."""
    return b"%PDF-" in body[:1024]


def decode_body(response: Response, limit: int) -> bytes:
    """The body without its transfer and content encodings, cut at ``limit`` bytes.

    A body that ends early (crawlers cap them) gives what there is.

    Raises:
        RecordError: ``warc.content_encoding``: unknown, or damaged within.
    """
    body = response.body
    if "chunked" in response.fields.get("transfer-encoding", "").lower():
        body = dechunk(body)
    named = response.fields.get("content-encoding", "").lower().split(",")
    for coding in reversed([name.strip() for name in named]):
        if coding in ("", "identity", "none", "utf-8"):
            continue
        if coding not in _DECODERS:
            if sniff_html(body):
                continue
            raise RecordError("warc.content_encoding", f"unknown encoding {coding[:40]!r}")
        body = _bounded(coding, body, limit)
    return body[:limit]


def dechunk(body: bytes) -> bytes:
    """The chunks joined; the body itself if it does not begin with a whole chunk."""
    pieces, at = [], 0
    while (size := CHUNK_SIZE.match(body, at)) is not None:
        start, length = size.end(), int(size[1], 16)
        end = start + length
        pieces.append(body[start:end])
        if length == 0 or end >= len(body):
            break
        if body[end : end + 2] == b"\r\n":
            at = end + 2
        elif body[end : end + 1] == b"\n":
            at = end + 1
        elif len(pieces) == 1:  # a number by chance, not a chunk
            return body
        else:
            break
    return b"".join(pieces) if pieces else body


def _bounded(coding: str, body: bytes, limit: int) -> bytes:
    """Decode until ``limit`` bytes are there; what lies beyond is never decoded."""
    looks_so, decode = _DECODERS[coding]
    if not body or not looks_so(body):
        return body
    pieces, have = [], 0
    try:
        for piece in decode(body):
            pieces.append(piece)
            have += len(piece)
            if have >= limit:
                break
    except (zlib.error, OSError) as error:
        if not have and sniff_html(body):
            return body
        raise RecordError("warc.content_encoding", f"{coding}: {error}") from error
    return b"".join(pieces)[:limit]


def _inflate(body: bytes, wbits: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=wbits)
    while piece := inflater.decompress(body, PIECE):
        yield piece
        body = inflater.unconsumed_tail


def _deflate(body: bytes) -> Iterator[bytes]:
    """Zlib, as the standard says, or raw deflate, as some servers send."""
    zlib_header = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflate(body, 15 if zlib_header else -15)


def _arrow(codec: str) -> Callable[[bytes], Iterator[bytes]]:
    def decode(body: bytes) -> Iterator[bytes]:
        import pyarrow

        with pyarrow.CompressedInputStream(pyarrow.BufferReader(body), codec) as stream:
            while True:
                try:
                    piece = cast(bytes, stream.read(PIECE))
                except OSError as error:
                    if "Truncated" in str(error):
                        return
                    raise
                if not piece:
                    return
                yield piece

    return decode


def _brotli(body: bytes) -> Iterator[bytes]:
    import brotli

    decoder = brotli.Decompressor()
    try:
        piece = decoder.process(body, output_buffer_limit=PIECE)
        while piece:
            yield piece
            if decoder.is_finished():
                return
            piece = decoder.process(b"", output_buffer_limit=PIECE)
    except brotli.error as error:
        raise OSError(str(error)) from error


_GZIP = (lambda body: body[:2] == b"\x1f\x8b", lambda body: _inflate(body, 31))
_BROTLI = (lambda body: True, _brotli)  # brotli has no magic number: what is not brotli fails
_DECODERS: dict[str, tuple[Callable[[bytes], bool], Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": (lambda body: not sniff_html(body), _deflate),
    "br": _BROTLI,
    "brotli": _BROTLI,
    "zstd": (lambda body: body[:4] == b"\x28\xb5\x2f\xfd", _arrow("zstd")),
}

"""HTTP responses in WARC records: encodings, right, wrong and hostile."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pyarrow
import pytest

from pipeline.core.errors import RecordError
from pipeline.sources.http import Response, decode_body, parse_response

TEXT = b"<html>" + b"Grist to the mill. " * 400
LIMIT = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def chunk(data: bytes, size: int = 1000, extension: bytes = b"") -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces) + b"0\r\n\r\n"


ENCODED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": pyarrow.compress(TEXT, codec="zstd").to_pybytes(),
    "identity": TEXT,
    "": TEXT,
}


def decode(body: bytes, encoding: str = "", transfer: str = "", limit: int = LIMIT) -> bytes:
    fields = {"content-encoding": encoding, "transfer-encoding": transfer}
    return decode_body(Response(200, fields, body), limit)


@pytest.mark.parametrize("encoding", ENCODED)
def test_encodings_are_decoded(encoding: str) -> None:
    body = ENCODED[encoding]
    assert decode(body, encoding) == TEXT
    assert decode(chunk(body), encoding, "chunked") == TEXT
    assert decode(chunk(body, extension=b" ;name=value"), encoding.upper(), "Chunked") == TEXT
    assert decode(body, encoding, limit=100) == TEXT[:100]


def test_raw_deflate_and_stacked_encodings_are_decoded() -> None:
    assert decode(raw_deflate(TEXT), "deflate") == TEXT
    assert decode(brotli.compress(gzip.compress(TEXT)), "gzip, br") == TEXT


@pytest.mark.parametrize("encoding", [*ENCODED, "compress", "sdch"])
@pytest.mark.parametrize("transfer", ["", "chunked"])
def test_a_body_stored_decoded_is_taken_as_it_is(encoding: str, transfer: str) -> None:
    assert decode(TEXT, encoding, transfer) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_ends_early_gives_what_there_is(encoding: str) -> None:
    noise = b"<html>" + bytes(i * i % 251 for i in range(40000))
    packed = {
        "gzip": gzip.compress(noise),
        "deflate": zlib.compress(noise),
        "br": brotli.compress(noise, quality=1, lgwin=16),
        "zstd": pyarrow.compress(noise, codec="zstd").to_pybytes(),
    }[encoding]
    for cut in (len(packed) - 1, len(packed) // 2):
        assert noise.startswith(decode(packed[:cut], encoding))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_bombs_are_decoded_to_the_limit_and_no_further(encoding: str) -> None:
    bomb = b"\0" * (64 << 20)
    packed = {
        "gzip": lambda: gzip.compress(bomb, 1),
        "deflate": lambda: zlib.compress(bomb, 1),
        "br": lambda: brotli.compress(bomb, quality=1),
        "zstd": lambda: pyarrow.compress(bomb, codec="zstd").to_pybytes(),
    }[encoding]()
    tracemalloc.start()
    assert len(decode(packed, encoding, limit=LIMIT)) == LIMIT
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * LIMIT


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"\x1f\x8b\x08 damaged", "gzip"),
        (b"damaged, and no markup", "br"),
        (b"no markup", "x-unheard-of"),
        (zlib.compress(TEXT)[:40] + b"\xff" * 40, "deflate"),
    ],
)
def test_what_cannot_be_decoded_is_a_fault_of_the_record(body: bytes, encoding: str) -> None:
    with pytest.raises(RecordError) as caught:
        decode(body, encoding)
    assert caught.value.reason == "warc.content_encoding"


def test_chunks_are_joined_up_to_the_damage() -> None:
    assert decode(b"4\r\n<htm\r\n2\r\nl>\r\n0\r\nTrailer: x\r\n\r\n", "", "chunked") == b"<html>"
    assert decode(b"4\n<htm\n2\nl>\n0\n\n", "", "chunked") == b"<html>"
    assert decode(b"4\r\n<htm\r\nff\r\nl>", "", "chunked") == b"<html>"
    assert decode(b"4\r\n<htm\r\nnot a size\r\nl>", "", "chunked") == b"<htm"
    assert decode(b"10\r\nbottles on the wall: no chunk", "", "chunked").startswith(b"10\r\n")


def test_headers_are_read_as_servers_write_them() -> None:
    response = parse_response(
        b"HTTP/1.0  200\nContent-Type: text/html\nX-Folded: one\n two\nno colon\n"
        b"content-type: second\nX-Name: \xe9\n\nbody\n\nmore"
    )
    assert response.status == 200
    assert response.fields["content-type"] == "text/html"
    assert response.fields["x-folded"] == "one two"
    assert response.body == b"body\n\nmore"
    assert parse_response(b"HTTP/2 204 No Content\r\nA: b").body == b""


@pytest.mark.parametrize("block", [b"", b"<html>", b"HTTP/1.1 OK", b"HTTP/1.1 2000 x", b"GET /"])
def test_a_block_without_status_line_is_a_fault(block: bytes) -> None:
    with pytest.raises(RecordError, match=r"warc\.http_header"):
        parse_response(block)


def test_a_header_without_end_is_a_fault() -> None:
    with pytest.raises(RecordError, match=r"warc\.http_header"):
        parse_response(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20000)

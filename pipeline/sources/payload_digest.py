"""``WARC-Payload-Digest`` against the payload that is stored: was it kept as it was fetched?

The standard leaves open what of a chunked or encoded body is hashed, and crawlers differ. A digest
that fits the body as sent, without its chunks, or decoded is a match.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator

from pipeline.core.decisions import Signal
from pipeline.core.errors import RecordError
from pipeline.sources.http import Response, dechunk, decode_body

__all__ = ["DIGEST_SIGNAL", "digest_outcome"]

DIGEST_SIGNAL = Signal(
    "payload_digest",
    "WARC-Payload-Digest and the payload: match, mismatch, or unchecked; none where there is none",
    kind="text",
)
ALGORITHMS = ("sha1", "sha256", "sha512", "md5")


def digest_outcome(declared: str, response: Response, limit: int) -> str:
    """``match``, ``mismatch``, or ``unchecked`` where the digest is of a kind that is not known.

    Args:
        declared: such as ``sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ``, in base 32 or hexadecimal.
        response: with its whole body.
        limit: bytes of a decoded body that are made at most.
    """
    algorithm, _, value = declared.partition(":")
    algorithm = algorithm.strip().lower().replace("-", "")
    if algorithm not in ALGORITHMS:
        return "unchecked"
    expected = _binary(value.strip(), hashlib.new(algorithm, usedforsecurity=False).digest_size)
    if expected is None:
        return "unchecked"
    for body in _bodies(response, limit):
        if hashlib.new(algorithm, body, usedforsecurity=False).digest() == expected:
            return "match"
    return "mismatch"


def _bodies(response: Response, limit: int) -> Iterator[bytes]:
    """What crawlers hash, the likeliest first."""
    yield response.body
    if "chunked" in response.fields.get("transfer-encoding", "").lower():
        yield dechunk(response.body)
    if response.fields.get("content-encoding") or response.fields.get("transfer-encoding"):
        try:
            yield decode_body(response, limit)
        except RecordError:
            return


def _binary(value: str, size: int) -> bytes | None:
    """``size`` bytes written in base 32 or hexadecimal; None if they are not."""
    try:
        if len(value) == 2 * size:
            return bytes.fromhex(value)
        padded = value.upper() + "=" * (-len(value) % 8)
        found = base64.b32decode(padded)
    except (ValueError, binascii.Error):
        return None
    return found if len(found) == size else None

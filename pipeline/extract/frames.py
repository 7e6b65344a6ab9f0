"""The pipe between a worker and its child: frames of a JSON header and raw bytes. Nothing else.

A frame is the lengths of both (4 and 8 bytes, big-endian), the header as UTF-8 JSON, the bytes.
No object is ever unpickled from the pipe.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

__all__ = ["pack", "read"]

_SIZES = struct.Struct(">IQ")


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame."""
    head = json.dumps(header, separators=(",", ":")).encode()
    return _SIZES.pack(len(head), len(body)) + head + body


def read(take: Callable[[int], bytes]) -> tuple[dict[str, Any], bytes]:
    """The next frame's header and body.

    Args:
        take: returns exactly as many bytes as asked for, or raises EOFError.
    """
    head_size, body_size = _SIZES.unpack(take(_SIZES.size))
    header: dict[str, Any] = json.loads(take(head_size))
    return header, take(body_size)

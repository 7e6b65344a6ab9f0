"""Lines of text files in any encoding, as bytes in which ASCII stands for itself.

UTF-8 and the encodings that extend ASCII come as they are stored, so that one bad byte costs one
row; others (UTF-16, say) are converted to UTF-8 on the way.
"""

from __future__ import annotations

import codecs
import functools
import itertools
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.core.errors import ConfigError, RecordError, SourceError
from pipeline.sources.inputs import WHOLE, foreign_format, open_input

__all__ = ["MAX_LINE", "TextEncoding", "text_lines"]

READ = 1 << 20
MAX_LINE = 128 << 20  # bytes, as of JSON lines
UTF_8 = ("utf-8", "utf-8-sig")
BOM = codecs.BOM_UTF8
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ASCII = bytes(range(128))


class TextEncoding:
    """An encoding of text files.

    Args:
        name: as Python knows it: ``utf-8`` (with or without a byte order mark), ``cp1252``,
            ``utf-16`` …

    Raises:
        ConfigError: there is none of that name.
    """

    def __init__(self, name: str):
        try:
            self.name = codecs.lookup(name).name
            b"a".decode(name)
        except UnicodeDecodeError:
            pass  # one byte is no character of it: a wide encoding
        except (LookupError, ValueError) as error:
            raise ConfigError(
                f"--encoding {name}: no encoding of text has this name ({error}); "
                "there are utf-8, cp1252, latin-1, utf-16, gb18030 and more"
            ) from error
        self.utf_8 = self.name in UTF_8

    @functools.cached_property
    def extends_ascii(self) -> bool:
        """Whether ASCII bytes stand for themselves, so that files can be cut before decoding."""
        try:
            return ASCII.decode(self.name) == ASCII.decode("ascii")
        except UnicodeDecodeError:
            return False

    def decode(self, data: bytes) -> str:
        """A piece of what `text_lines` gives.

        Raises:
            RecordError: ``table.utf8`` or ``table.encoding``: it holds other bytes.
        """
        stored = self.name if self.extends_ascii and not self.utf_8 else "utf-8"
        try:
            return data.decode(stored)
        except UnicodeDecodeError as error:
            slug = "table.utf8" if stored == "utf-8" else "table.encoding"
            raise RecordError(
                slug,
                f"byte 0x{data[error.start]:02x} is no {self.name.upper()}; if the file is in "
                "another encoding, name it with --encoding (cp1252, latin-1 …)",
            ) from error


def text_lines(path: str, encoding: TextEncoding) -> Iterator[bytes | None]:
    """Every line without its line feed; None for one of more than `MAX_LINE` bytes.

    Raises:
        SourceError: the file is empty, cannot be read, is no text, or is in another encoding.
    """
    with open_input(path, 0, WHOLE) as (file, _):
        pieces = _pieces(file, path)
        head = next(pieces, b"")
        _check_head(head, path, encoding)
        if encoding.utf_8:
            head = head.removeprefix(BOM)
        pieces = itertools.chain([head], pieces)
        if not encoding.extends_ascii:
            pieces = _converted(pieces, path, encoding)
        yield from _lines(pieces)


def _pieces(file: BinaryIO, path: str) -> Iterator[bytes]:
    try:
        while piece := file.read(READ):
            yield piece
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error}") from error


def _check_head(head: bytes, path: str, encoding: TextEncoding) -> None:
    if not head:
        raise SourceError(f"{path}: is empty; write it again or leave it out")
    if not encoding.extends_ascii:
        return
    if head.startswith(UTF_16):
        raise SourceError(f"{path}: is UTF-16; name that with --encoding utf-16")
    what = "compressed with gzip; unpack it" if head[:2] == b"\x1f\x8b" else foreign_format(head)
    if what is not None:
        raise SourceError(f"{path}: is {what}")
    if b"\0" in head[:1024]:
        raise SourceError(
            f"{path}: holds NUL bytes, as no text in {encoding.name.upper()} does; "
            "convert it, or name its encoding with --encoding (utf-16-le, utf-16-be …)"
        )


def _converted(pieces: Iterator[bytes], path: str, encoding: TextEncoding) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding.name)()
    done = 0
    try:
        for piece in pieces:
            text = decoder.decode(piece)
            text = text if done else text.removeprefix("\ufeff")
            yield text.encode("utf-8", "replace")
            done += len(piece)
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")
    except UnicodeError as error:
        raise SourceError(
            f"{path}: is not {encoding.name.upper()} all through (near byte {done:,}: {error}); "
            "name its encoding with --encoding, or convert it"
        ) from error


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes | None]:
    carry: list[bytes] = []
    held = 0
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            too_long = held + len(line) > MAX_LINE
            yield None if too_long else b"".join((*carry, line)) if carry else line
            carry, held = [], 0
        held += len(rest)
        if held > MAX_LINE:
            carry = []
        elif rest:
            carry.append(rest)
    if held:
        yield None if held > MAX_LINE else b"".join(carry)

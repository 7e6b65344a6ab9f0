"""Files that are one text each (``.txt``, ``.md``, also packed): listed, shared out in parts, read.

UTF-8 only: what is something else is a fault, since a text that was guessed wrong matches nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pyarrow as pa

from pipeline.core.errors import RecordError, SourceError
from pipeline.sources.addresses import joined
from pipeline.sources.inputs import WHOLE, open_input

__all__ = ["TEXT_ENDINGS", "TextFolder", "TextPart", "cut_texts", "read_text", "text_ending"]

# Ending to compression; None is a plain file.
TEXT_ENDINGS = {
    f"{plain}{packed}": compression
    for plain in (".txt", ".md")
    for packed, compression in (("", None), (".gz", "gzip"), (".zst", "zstd"))
}
PART_FILES = 4096  # at most, since a part names them all
MAX_TEXT = 128 << 20  # bytes, as of a line of JSON
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"


@dataclasses.dataclass(frozen=True, slots=True)
class TextFolder:
    """Texts that were found in one place.

    Args:
        root: what was asked for: a folder, a glob or a file, as absolute path or URL.
        folder: that their names are relative to.
        files: names and stored bytes, sorted by name.
    """

    root: str
    folder: str
    files: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class TextPart:
    """A unit of work.

    Args:
        root, folder: see `TextFolder`.
        files: names of some of its files.
    """

    root: str
    folder: str
    files: tuple[str, ...]

    def path(self, name: str) -> str:
        """Absolute path or URL of a file."""
        return joined(self.folder, name)


def text_ending(path: str) -> str:
    """The ending by which a file is read; empty for one that is no text."""
    name = path.rsplit("/", 1)[-1].lower()
    return next((end for end in TEXT_ENDINGS if name.endswith(end)), "")


def cut_texts(texts: TextFolder, part_bytes: int) -> list[TextPart]:
    """Parts of about ``part_bytes`` stored bytes, in the order of the names."""
    parts, names, held = list[TextPart](), list[str](), 0
    for name, size in texts.files:
        if names and (held + size > part_bytes or len(names) == PART_FILES):
            parts.append(TextPart(texts.root, texts.folder, tuple(names)))
            names, held = [], 0
        names.append(name)
        held += size
    if names:
        parts.append(TextPart(texts.root, texts.folder, tuple(names)))
    return parts


def read_text(path: str) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        RecordError: it is too large, damaged, or no UTF-8. Other files are not touched by that.
        SourceError: the file can no longer be opened, or the reading of it fails.
    """
    compression = TEXT_ENDINGS[text_ending(path)]
    pieces: list[bytes] = []
    held = 0
    for piece in _pieces(path, compression):
        held += len(piece)
        if held > MAX_TEXT:
            message = f"more than {MAX_TEXT:,} bytes; cut it into several files"
            raise RecordError("text.bytes", message)
        pieces.append(piece)
    data = b"".join(pieces)
    if data.startswith(UTF_16):
        raise RecordError("text.utf8", "is UTF-16; convert it to UTF-8, for example with iconv")
    try:
        return data.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is no UTF-8; convert the file, for example with iconv"
        raise RecordError("text.utf8", message) from error


def _pieces(path: str, compression: str | None) -> Iterator[bytes]:
    with open_input(path, 0, WHOLE) as (file, _):
        if compression is None:
            try:
                while piece := file.read(1 << 20):
                    yield piece
            except OSError as error:
                raise SourceError(f"{path}: cannot be read: {error}") from error
            return
        try:
            stream = pa.CompressedInputStream(file, compression)
            while piece := stream.read(1 << 20):
                yield piece
        except OSError as error:
            if error.errno is not None:  # the disk's or the network's
                raise SourceError(f"{path}: cannot be read: {error}") from error
            raise RecordError("text.compression", f"cut off or damaged: {error}") from error

"""What a site says on page after page: blocks of text that stand on several of its pages.

Navigation, notices and boxes repeat over a site, its texts do not. Whoever has several pages of one can
tell, and hand what repeats to ``engine: blocks`` in a file.
"""

from __future__ import annotations

import collections
import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import ConfigError
from pipeline.extract.blocks.features import block_texts
from pipeline.extract.blocks.outline import outline_of

__all__ = ["LEAST_PAGES", "repeated_blocks", "repeated_sha256", "repeating", "write_repeated"]

LEAST_PAGES = 3


def _digest(text: str) -> str:
    """Digest of a block's text: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def repeated_blocks(pages: Iterable[str], least: int = LEAST_PAGES) -> list[str]:
    """Digests of the blocks that stand on at least ``least`` pages, sorted.

    Args:
        pages: HTML of pages of one site.
        least: pages, 2 or more.
    """
    counts: collections.Counter[str] = collections.Counter()
    for page in pages:
        counts.update({_digest(text) for text in block_texts(outline_of(page)) if text})
    return sorted(digest for digest, count in counts.items() if count >= least)


def write_repeated(digests: Iterable[str], path: str | Path) -> None:
    """Write digests for ``repeated`` of ``engine: blocks``: a line for each."""
    Path(path).write_text("".join(f"{digest}\n" for digest in digests), encoding="ascii")


@functools.lru_cache(maxsize=8)
def _read(path: str) -> tuple[frozenset[str], str]:
    try:
        content = Path(path).read_bytes()
        digests = frozenset(content.decode("ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"engine 'blocks': repeated: {path}: {error}; write it with write_repeated()"
        ) from error
    return digests, hashlib.sha256(content).hexdigest()


def repeated_sha256(path: str) -> str:
    """sha256 of a file of digests.

    Raises:
        ConfigError: it cannot be read.
    """
    return _read(path)[1]


def repeating(path: str, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """``bool[blocks]``: which texts a file of digests has.

    Args:
        path: of the file.
        texts: of a page's blocks.

    Raises:
        ConfigError: the file cannot be read.
    """
    digests = _read(path)[0]
    return np.fromiter((_digest(text) in digests for text in texts), np.bool_, len(texts))

"""Text of page images through the ``tesseract`` command. Nothing of it is linked or imported."""

from __future__ import annotations

import ctypes
import functools
import os
import resource
import shutil
import signal
import subprocess
import sys

from pipeline.core.errors import ConfigError, RecordError

__all__ = ["check_tesseract", "read_image", "tesseract_version"]

_COMMAND = "tesseract"


def check_tesseract(languages: str) -> None:
    """Whether the command is there and has the languages, joined by ``+``.

    Raises:
        ConfigError: it has not; the message says what to install.
    """
    if shutil.which(_COMMAND) is None:
        raise ConfigError(
            "pdf.ocr = 'tesseract' needs the command tesseract, which is not on PATH; install it "
            "(Debian: apt-get install tesseract-ocr), or write ocr: none"
        )
    known = set(_said("--list-langs").split())
    for language in languages.split("+"):
        if language not in known:
            raise ConfigError(
                f"pdf.ocr_languages = {languages!r}: tesseract has no {language!r}; install it "
                f"(Debian: apt-get install tesseract-ocr-{language}), or name another"
            )


@functools.cache
def tesseract_version() -> str:
    """What the command calls itself, such as ``tesseract 5.3.0``.

    Raises:
        ConfigError: it is not there.
    """
    lines = _said("--version").splitlines()
    return lines[0].strip() if lines else "unknown"


def _said(option: str) -> str:
    try:
        ran = subprocess.run(
            [_COMMAND, option], capture_output=True, text=True, timeout=60, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"pdf.ocr = 'tesseract': the command does not run: {error}") from error
    return ran.stdout or ran.stderr


def read_image(image: bytes, languages: str, seconds: int) -> str:
    """The text of one page, paragraphs divided by blank lines.

    Args:
        image: as a PGM file.
        languages: joined by ``+``.
        seconds: CPU time; five times as much of wall-clock time.

    Raises:
        RecordError: ``extract.pdf_ocr``: the command failed or took too long.
    """
    try:
        ran = subprocess.run(
            [_COMMAND, "stdin", "stdout", "-l", languages],
            input=image,
            capture_output=True,
            timeout=5 * seconds,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            preexec_fn=functools.partial(_bounded, seconds),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RecordError("extract.pdf_ocr", f"tesseract: {error}"[:300]) from error
    if ran.returncode:
        said = ran.stderr.decode("utf-8", "replace").strip()[-200:]
        raise RecordError("extract.pdf_ocr", f"tesseract ended with {ran.returncode}: {said}")
    return ran.stdout.decode("utf-8", "replace").replace("\f", "").replace("\0", "").strip()


def _bounded(seconds: int) -> None:
    """Die with the parent, and by the CPU clock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))

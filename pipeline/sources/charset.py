"""Bytes to text: which charset a page is in, and decoding that never fails.

The order is that of the WHATWG encoding and HTML standards (byte order mark, HTTP header, meta
declaration), then detection. Unlike a browser, which believes the first declaration, we pass over
one that the bytes contradict, because a wrong one makes the text useless for training:

- a declared charset in which most of the non-ASCII characters do not decode;
- any other charset on bytes that are, throughout, well-formed UTF-8 with at least
  `SELF_EVIDENT` multi-byte characters (servers that add ``charset=ISO-8859-1`` to every page);
- UTF-16 without a byte order mark and without zero bytes.
"""

from __future__ import annotations

import codecs
import dataclasses
import re

__all__ = ["Decoded", "decode"]

SELF_EVIDENT = 4
PRESCAN = 2048  # bytes searched for a declaration: the standard says 1,024, browsers look further
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
META = re.compile(rb"<meta\s[^>]{0,512}?charset\s*=\s*[\"']?\s*([^\s\"'/>;]{1,40})", re.IGNORECASE)
XML = re.compile(rb"^\s*<\?xml\s[^>]{0,256}?encoding\s*=\s*[\"']([^\"']{1,40})[\"']", re.IGNORECASE)

# Where Python's codec of that name knows fewer characters than the one the web means by it.
WIDER = {
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-11": "cp874",
}


# Names in use, by the detector among others, that the standard does not list.
UNLISTED = {"cp949": "euc-kr", "uhc": "euc-kr"}


@dataclasses.dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded text.

    Args:
        text: without lone surrogates and without NUL characters.
        charset: its WHATWG name, lower case.
        source: ``"bom"``, ``"http"``, ``"meta"``, ``"detected"``, or ``"fallback"`` where nothing
            fits: windows-1252, which reads anything.
    """

    text: str
    charset: str
    source: str


def decode(payload: bytes, http_charset: str | None) -> Decoded:
    """Decode a page.

    Args:
        payload: the body, of any length.
        http_charset: the ``charset`` parameter of the HTTP Content-Type header, if there is one.
    """
    for mark, codec in BOMS:
        if payload.startswith(mark):
            text, _ = _read(payload[len(mark) :], codec)
            return Decoded(text, _whatwg(codec), "bom")
    for source, label in (("http", http_charset), ("meta", _declared(payload))):
        declared = _codec(label)
        if declared is None or _contradicted(payload, declared):
            continue
        text, sound = _read(payload, declared)
        if sound:
            return Decoded(text, _whatwg(declared), source)
    return _detect(payload)


def _detect(payload: bytes) -> Decoded:
    text, sound = _read(payload, "utf-8")
    if sound:
        return Decoded(text, "utf-8", "detected")
    from resiliparse.parse.encoding import detect_encoding

    guess = _codec(detect_encoding(payload, html5_compatible=False))
    if guess is not None and guess != "utf-8":
        guessed, sound = _read(payload, guess)
        if sound:
            return Decoded(guessed, _whatwg(guess), "detected")
    return Decoded(_read(payload, "cp1252")[0], "windows-1252", "fallback")


def _codec(label: str | None) -> str | None:
    """Python's name of the charset that the web means by ``label``, or None."""
    if not label:
        return None
    from resiliparse.parse.encoding import map_encoding_to_html5

    label = label.strip().strip("\"'").lower()
    label = UNLISTED.get(label, label)
    codec = map_encoding_to_html5(label, fallback_utf8=False)
    if codec is None:
        try:  # spellings that only Python knows, such as "latin-1" and "utf_8"
            codec = map_encoding_to_html5(codecs.lookup(label).name, fallback_utf8=False)
        except (LookupError, ValueError):
            return None
    return None if codec is None else str(codec)


def _declared(payload: bytes) -> str | None:
    head = payload[:PRESCAN]
    if (xml := XML.search(head)) is not None:
        label = xml[1]
    elif (meta := META.search(COMMENT.sub(b"", head))) is not None:
        label = meta[1]
    else:
        return None
    # What could be read as ASCII is not UTF-16, whatever it says.
    label = label.lower()
    return "utf-8" if label.startswith(b"utf-16") else label.decode("ascii", "replace")


def _contradicted(payload: bytes, declared: str) -> bool:
    if declared.startswith("utf-16"):
        return b"\0" not in payload[:PRESCAN]  # markup in UTF-16 is full of zero bytes
    if declared == "utf-8" or payload.isascii():
        return False
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _wide(text) >= SELF_EVIDENT


def _read(payload: bytes, codec: str) -> tuple[str, bool]:
    """The text, and whether the charset explains most of its non-ASCII characters."""
    codec = WIDER.get(codec, codec)
    sound = True
    try:
        text = payload.decode(codec)
    except UnicodeDecodeError:
        # The web's windows-1252 has no holes; in any other charset a hole is a fault.
        text = payload.decode(codec, "gristmill.c1" if codec == "cp1252" else "replace")
        genuine = payload.count("\ufffd".encode()) if codec == "utf-8" else 0
        bad = text.count("\ufffd") - genuine
        sound = 2 * bad <= _wide(text)
    if b"\0" in payload:  # quicker to ask of the bytes
        text = text.replace("\0", "")
    return text, sound


def _wide(text: str) -> int:
    """Characters beyond ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def _hole(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return chr(error.object[error.start]), error.start + 1


codecs.register_error("gristmill.c1", _hole)


def _whatwg(codec: str) -> str:
    if codec.startswith("cp125"):
        return f"windows-{codec[2:]}"
    if codec.startswith("iso8859-"):
        return f"iso-8859-{codec[8:]}"
    renamed = {"cp866": "ibm866", "mac-roman": "macintosh"}
    return renamed.get(codec, codec.replace("utf-16-", "utf-16").replace("euc_", "euc-"))

"""Documents that have broken filters, which `check_filter` tries out. Data only, no checks.

Composed for this project; one for each way in which a string can be odd.
"""

from __future__ import annotations

from pipeline.core.records import Document

__all__ = ["describe", "odd_documents"]

_PROSE = (
    "The mill stands by the river. It has ground grain for two hundred years, and the stones are "
    "older than the house.\nFarmers bring their sacks in autumn.\n\nThe miller weighs each one."
)

_ODD: tuple[tuple[str, str], ...] = (
    ("", ""),
    ("a", "a"),
    (" ", " "),
    ("\n", "/"),
    (" \t\n\r\u00a0\u3000\u2028\v\f ", "http://"),
    (_PROSE, "https://www.example.co.uk/path/page.html?q=1#top"),
    (_PROSE * 20, "HTTPS://User:Secret@EXAMPLE.COM:8080/A%20B"),
    ("word " * 3000, "http://" + "a." * 3000 + "com/"),
    ("The same line again.\n" * 500, "http://xn--e1afmkfd.xn--p1ai/"),
    ("\n" * 20_000, "//example.org"),
    ("a" * 1_000_000, "http://example.com/" + "a" * 1_000_000),
    ("....!?…… ### --- {}[]<>", "http://[::1]:80/"),
    ("\0\0text\0with\0NUL\0", "http://exa\0mple.com/"),
    ("\ud800 lone \udfff surrogates \ud83d", "http://\ud800.com/\udfff"),
    ("\x1b[31m\x07\x08\x7f\x85\ufeff\u200b\ufffe", "http://[broken"),
    ("مرحبا بالعالم. هذا نص عربي. \u202eturned\u202c שלום עולם", "http://مثال.إختبار/"),
    ("天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。", "http://例え.テスト/道?x=一"),
    ("สวัสดีชาวโลก नमस्ते दुनिया", "http://192.168.0.1/"),
    ("👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇪🇺 e\u0301\u0301\u0301", "http://👍.example/"),
    ("</s> __label__en <|endoftext|> {{x}} %s %00 \\n", "javascript:alert(1)"),
    ("1 2 3 4.5 6,7 8e9 NaN inf -0", "http://example.com:99999999/%zz%"),
)


def odd_documents() -> list[Document]:
    """New documents, the same each time; the id of each is its index."""
    return [Document(str(index), text, url) for index, (text, url) in enumerate(_ODD)]


def describe(doc: Document) -> str:
    """Text and URL in ASCII, cut short, for a message."""
    return f"text {_short(doc.text)}, url {_short(doc.url)}"


def _short(text: str) -> str:
    return ascii(text) if len(text) <= 40 else f"{text[:40]!a}… ({len(text):,} characters)"

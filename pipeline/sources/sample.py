"""The embedded sample: a small crawl, written from pages composed for this project.

It is what the quickstart cleans, and a living catalogue of what a crawl holds. Each record has a
known fate under ``configs/quickstart.yaml``. A page is a file in ``sample_pages/``: YAML front
matter (see `_page`), then HTML, which a frame from ``sample_pages/sites/`` surrounds. Nothing
depends on the clock or on chance: the same zlib and brotli write the same bytes.
"""

from __future__ import annotations

import base64
import codecs
import dataclasses
import os
import string
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any

import brotli
import lxml.html
import yaml

from pipeline.core.records import Fate
from pipeline.sources import sample_warc as warc
from pipeline.sources.sample_warc import Response, SampleRecord, Stored

__all__ = [
    "SampleRecord",
    "SampleText",
    "sample_bytes",
    "sample_records",
    "sample_texts",
    "write_sample",
]

# Pages that keep the request and metadata records a crawler writes around every page.
WITH_SIBLINGS = 3
DEPTH = 20_000  # nested elements
BLOCKS = ("blockquote", "dd", "dt", "h1", "h2", "h3", "h4", "li", "p", "pre", "td", "th")
BREAK = "\u2028"  # stands for <br> until white space is put in order


@dataclasses.dataclass(frozen=True, slots=True)
class SampleText:
    """What a page says, without its frame.

    Args:
        name: of the page's record.
        url: of the page.
        text: title and blocks, a paragraph each.
        kept: whether the quickstart keeps the page.
    """

    name: str
    url: str
    text: str
    kept: bool


def sample_texts() -> list[SampleText]:
    """The texts of all pages that have one, in the order stored.

    They are what the pages were written from, so that no engine of extraction has a say in them.
    """
    return [
        SampleText(name, front["url"], text, Fate(front.get("fate", Fate.KEPT)) is Fate.KEPT)
        for name, front, body in _sources()
        if (text := _text(front, body))
    ]


def sample_records() -> list[SampleRecord]:
    """Every record of the sample, in the order stored."""
    return [record for record, _ in _stored()]


def sample_bytes() -> bytes:
    """The sample as a record-compressed WARC."""
    return b"".join(data for _, data in _stored())


def write_sample(path: str | os.PathLike[str]) -> list[SampleRecord]:
    """Write the sample as a record-compressed WARC, over any older file.

    Args:
        path: the file; its folder must exist. By custom it ends in ``.warc.gz``.

    Returns:
        What was written, in the order stored.

    Raises:
        OSError: the file cannot be written.
    """
    stored = list(_stored())
    with open(path, "wb") as file:
        file.writelines(data for _, data in stored)
    return [record for record, _ in stored]


def _stored() -> Iterator[Stored]:
    """Records with their bytes. Damage stands between sound records, the cut at the very end."""
    pages = [*_pages(), _nested_page(), *_other_files()]
    first = pages[0]
    damage: dict[int, Callable[[], Stored]] = {
        len(pages) // 4: lambda: warc.corrupt_member(first),
        len(pages) // 2: warc.garbage,
        3 * len(pages) // 4: lambda: warc.overstated_length(first),
    }
    yield warc.warcinfo()
    for number, page in enumerate(pages):
        if number in damage:
            yield damage[number]()
        if number < WITH_SIBLINGS:
            yield warc.request(page)
        yield warc.response(page)
        if number < WITH_SIBLINGS:
            yield warc.metadata(page)
    yield warc.revisit(first)
    yield warc.truncated_member(first)


# --- pages ----------------------------------------------------------------------------------


def _pages() -> Iterator[Response]:
    for source in _sources():
        yield _page(*source)


def _sources() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, front matter and HTML of every page, by the names of the files in ``sample_pages/``.

    A series gives one page for each of its items.
    """
    folder = resources.files("pipeline.sources") / "sample_pages"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".html"))
    for name in (file.removesuffix(".html") for file in files):
        front, body = _parts(name)
        series = front.pop("series", None)
        if series is None:
            yield name, front, body
            continue
        for item in series:
            filled = {key: string.Template(value).substitute(item) for key, value in front.items()}
            yield f"{name}-{item['name']}", filled, string.Template(body).substitute(item)


def _text(front: Mapping[str, Any], body: str) -> str:
    """Title and innermost blocks of a page, a paragraph each; empty where it has no words."""
    if not body.strip():
        return ""
    page = lxml.html.fromstring(f"<div>{body}</div>")
    for line_break in page.iter("br"):
        line_break.tail = BREAK + (line_break.tail or "")
    blocks = [front.get("title", "")]
    for block in page.iter(*BLOCKS):
        if any(inner.tag in BLOCKS for inner in block.iterdescendants()):
            continue
        said = block.text_content()
        blocks.append(said.strip("\n") if block.tag == "pre" else _lines(said))
    return "\n\n".join(filter(None, blocks))


def _lines(said: str) -> str:
    """White space as a browser shows it."""
    return "\n".join(" ".join(line.split()) for line in said.split(BREAK))


def _parts(name: str) -> tuple[dict[str, Any], str]:
    """Front matter and HTML of one file. With ``copy``, the HTML is another file's, edited."""
    _, head, body = _read(f"{name}.html").split("---\n", 2)
    front: dict[str, Any] = yaml.safe_load(head)
    if "copy" in front:
        _, body = _parts(front.pop("copy"))
        for old, new in front.pop("replace", {}).items():
            if old not in body:
                raise ValueError(f"{name}: {old!r} is not in the page it copies")
            body = body.replace(old, new)
    return front, body


def _read(name: str) -> str:
    file = resources.files("pipeline.sources") / "sample_pages" / name
    return file.read_text(encoding="utf-8")


def _page(name: str, front: Mapping[str, Any], body: str) -> Response:
    """A page in its frame, encoded and sent as its front matter says.

    Front matter: ``url``; ``site``, the frame (null: the body is the whole page), and ``title``,
    ``kicker``, ``lang`` and whatever else the frame has a place for; ``fate`` and ``reason``,
    where it is not kept; ``note``. Further ``status``; ``charset`` the text is encoded in,
    ``content_type`` where the HTTP header claims another one, ``meta`` for the line in its head;
    ``coding`` (gzip, br, chunked, or broken-gzip); ``nul: true`` for a zero byte after each
    paragraph.
    """
    if front.get("nul"):
        body = body.replace("</p>", "\0</p>")
    if front["site"]:
        frame = string.Template(_read(f"sites/{front['site']}.html"))
        defaults = {"lang": "en", "meta": '<meta charset="utf-8">'}
        body = frame.substitute({**defaults, **front, "body": body.strip()})
    charset = front.get("charset", "utf-8")
    mark = codecs.BOM_UTF16_LE if charset == "utf-16-le" else b""
    fields, data = _coded(front.get("coding"), mark + body.encode(charset))
    head = [
        f"HTTP/1.1 {front.get('status', '200 OK')}",
        f"Content-Type: {front.get('content_type', f'text/html; charset={charset}')}",
        *fields,
    ]
    return Response(
        name,
        front["url"],
        "\r\n".join(head),
        data,
        fate=Fate(front.get("fate", Fate.KEPT)),
        reason=front.get("reason"),
        note=front["note"],
    )


def _coded(coding: str | None, data: bytes) -> tuple[list[str], bytes]:
    """HTTP header fields and the body under a content or transfer encoding."""
    if coding == "chunked":
        pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)]
        chunks = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
        return ["Transfer-Encoding: chunked"], b"".join(chunks)
    fields = []
    if coding == "br":
        data = brotli.compress(data)
        fields = ["Content-Encoding: br"]
    elif coding:
        data = warc.gzipped(data)
        fields = ["Content-Encoding: gzip"]
        if coding == "broken-gzip":
            data = data[:200] + b"\xff" * 20 + data[220:]
    return [*fields, f"Content-Length: {len(data)}"], data


# --- responses without a file ---------------------------------------------------------------

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"""%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200]>> endobj
trailer <</Root 1 0 R>>
%%EOF
"""


def _nested_page() -> Response:
    front = {
        "url": "https://deep.example/well",
        "site": None,
        "fate": "dropped",
        "reason": "extract.characters.low",
        "note": f"{DEPTH:,} nested elements; parsers stop long before the bottom",
    }
    body = "<div>" * DEPTH + "Far down." + "</div>" * DEPTH
    return _page("markup-nested", front, f"<!DOCTYPE html><html><body>{body}</body></html>")


def _other_files() -> Iterator[Response]:
    """Responses of types that are no HTML."""
    files = [
        ("image", "https://harrowford.example/pixel.png", "image/png", PIXEL),
        ("pdf", "https://harrowford.example/map.pdf", "application/pdf", PDF),
        ("json", "https://stations.example/v1/trains", "application/json", b'{"trains": 4}'),
        ("text", "https://harrowford.example/robots.txt", "text/plain", b"User-agent: *\n"),
    ]
    for name, url, media, body in files:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {len(body)}"
        note = f"{media}, not HTML"
        yield Response(
            f"file-{name}", url, head, body, media, Fate.DROPPED, "warc.content_type", note
        )

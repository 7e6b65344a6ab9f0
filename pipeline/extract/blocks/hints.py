"""What a page says of its own kind: words of its address, schema.org types, Open Graph type."""

from __future__ import annotations

import re

__all__ = ["page_hints"]

_SCHEMA_TYPE = re.compile(r'"@type"\s{0,9}:\s{0,9}\[?\s{0,9}"([A-Za-z]{1,40})"')
_OG_TYPE = re.compile(
    r'property="og:type"[^>]{0,99}content="([^">]{1,60})"|content="([^">]{1,60})"[^>]{0,99}property="og:type"'
)
_LETTERS = re.compile(r"[a-z]{1,30}")
_HEAD = 100_000  # characters in which the Open Graph type is looked for
_MOST = 400  # types that are listed, of a page that lists thousands of products


def page_hints(html: str, url: str) -> set[str]:
    """Hints by name. None of them depends on the language of the text.

    Args:
        html: the page.
        url: its address, possibly empty.
    """
    hints = set()
    at = html.find('"@type"')
    if at >= 0:
        for number, found in enumerate(_SCHEMA_TYPE.finditer(html, at)):
            hints.add("@" + found[1])
            if number == _MOST:
                break
    at = html.find("og:type", 0, _HEAD)
    if at >= 0:
        match = _OG_TYPE.search(html, max(0, at - 200), at + 300)
        if match:
            hints.add("og=" + (match[1] or match[2]).lower())
    address = url.partition("://")[2] or url
    host, _, path = address[:2000].partition("/")
    path = path.partition("?")[0].partition("#")[0]
    hints.update("u:" + word for word in _LETTERS.findall(path.lower()))
    hints.update("h:" + word for word in _LETTERS.findall(host.lower()))
    parts = [part for part in path.split("/") if part]
    hints.add(f"depth{min(len(parts), 4)}" if url else "unknown")
    if re.search(r"\d{4}", path):
        hints.add("number")
    if re.search(r"/20\d\d/", address[:2000]):
        hints.add("year")
    if parts:
        hints.add(f"slug{min(parts[-1].count('-') + parts[-1].count('_'), 8)}")
    if path.endswith(".html"):
        hints.add("html")
    return hints

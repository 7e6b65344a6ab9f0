"""Descriptions of products that a page has in its data only (schema.org as JSON-LD), and shows by script."""

from __future__ import annotations

import collections
import html as html_entities
import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["PRODUCT", "hidden_descriptions"]

_BLOCK = re.compile(r"<script[^>]{0,500}application/ld\+json[^>]{0,500}>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]{0,1000}>")
_WORD = re.compile(r"\w+")
PRODUCT = "@Product"  # hint (`hints.page_hints`) of pages that may have some
_PRODUCT = '"Product"'
_LEAST_WORDS = 15
_SHOWN = 0.4  # of its words: a text that is shown to this part is not added
_MOST_BLOCKS, _MOST_NODES, _MOST_CHARACTERS = 20, 5_000, 1_000_000


def hidden_descriptions(html: str, text: str) -> list[str]:
    """Descriptions that ``text`` does not have yet.

    Args:
        html: the page.
        text: what was found of it.
    """
    if _PRODUCT not in html or "ld+json" not in html:
        return []
    shown = collections.Counter(_WORD.findall(text.lower()))
    added: list[str] = []
    for description in _descriptions(html):
        plain = " ".join(_MARKUP.sub(" ", html_entities.unescape(description)).split())
        words = collections.Counter(_WORD.findall(plain.lower()))
        if words.total() >= _LEAST_WORDS and (words & shown).total() < _SHOWN * words.total():
            added.append(plain)
            shown += words
    return added


def _descriptions(html: str) -> Iterator[str]:
    for number, opening in enumerate(_BLOCK.finditer(html)):
        end = html.find("</script", opening.end())
        if number == _MOST_BLOCKS or end < 0:
            return
        if end - opening.end() > _MOST_CHARACTERS or html.find(_PRODUCT, opening.end(), end) < 0:
            continue
        try:
            data = json.loads(html[opening.end() : end], strict=False)
        except (ValueError, RecursionError):
            continue  # many pages have faulty data; what they show is read all the same
        yield from _of_products(data)


def _of_products(data: Any) -> Iterator[str]:
    left = [data]
    for _ in range(_MOST_NODES):
        if not left:
            return
        node = left.pop()
        if isinstance(node, dict):
            kinds = node.get("@type")
            description = node.get("description")
            if "Product" in (kinds if isinstance(kinds, list) else [kinds]) and isinstance(
                description, str
            ):
                yield description
            left += node.values()
        elif isinstance(node, list):
            left += node

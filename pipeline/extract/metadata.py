"""What a page says of itself: title, author, date, address, site. Read only where it is asked for."""

from __future__ import annotations

import copy

from pipeline.core.decisions import Signal
from pipeline.extract.page import Page

__all__ = ["METADATA", "page_metadata"]

METADATA = (
    Signal("title", "title of the page", kind="text"),
    Signal("author", "who wrote it", kind="text"),
    Signal("date", "day of publication, YYYY-MM-DD", kind="text"),
    Signal("url", "canonical address that the page names", kind="text"),
    Signal("sitename", "name of the site", kind="text"),
)


def page_metadata(page: Page) -> dict[str, float | str]:
    """Metadata by ``metadata.NAME``, as trafilatura finds it in meta tags, JSON-LD and markup.

    It takes about as long as an extraction, for the date mostly.

    Args:
        page: the page. Its URL, if it has one, helps to find the date.
    """
    if page.tree is None:
        return {}
    from trafilatura.metadata import extract_metadata

    # It edits the tree that others share.
    read = extract_metadata(copy.deepcopy(page.tree), default_url=page.url or None)
    values = {signal.name: getattr(read, signal.name, None) for signal in METADATA}
    return {f"metadata.{name}": str(value) for name, value in values.items() if value}

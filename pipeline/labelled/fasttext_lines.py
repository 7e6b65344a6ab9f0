"""Rows of files in fastText's format: ``__label__x`` before the words, one text a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.errors import RecordError
from pipeline.labelled.rows import Columns, Row, Rows
from pipeline.labelled.text_lines import MAX_LINE, TextEncoding, text_lines

__all__ = ["PREFIX", "fasttext_rows"]

PREFIX = "__label__"
SPACE = " \t\r\v\f\0"  # what fastText parts tokens by, besides the line feed
# fastText takes such a token for a label wherever in the line it stands.
_LABEL = re.compile(rf"(?:^|(?<=[{SPACE}])){PREFIX}([^{SPACE}]*)")


def fasttext_rows(path: str, columns: Columns, encoding: TextEncoding) -> Rows:
    """Every line that is not blank: its text and its list of labels, under the columns' names.

    Args:
        path: absolute path or URL.
        columns: what text and labels are called.
        encoding: of the file.

    Raises:
        SourceError: the file is empty or no text.
    """
    return Rows((columns.text, columns.label), _rows(path, columns, encoding))


def _rows(path: str, columns: Columns, encoding: TextEncoding) -> Iterator[Row]:
    for number, line in enumerate(text_lines(path, encoding), 1):
        place = f"{path} line {number}"
        if line is None:
            message = f"a line of more than {MAX_LINE:,} bytes; the longest that is read"
            yield Row(place, None, "table.line_bytes", message)
            continue
        if not line.strip():
            continue
        try:
            content = encoding.decode(line)
        except RecordError as error:
            yield Row(place, None, error.reason, error.message)
            continue
        labels = _LABEL.findall(content) if PREFIX in content else []
        text = (_LABEL.sub("", content) if labels else content).strip(SPACE)
        yield Row(place, {columns.text: text, columns.label: labels})

"""datatrove's four heuristic filters over a file of texts: its verdicts, and its CPU seconds.

Run by the peer's own Python (datatrove 0.10.1, spacy), which has no Gristmill:

    python datatrove_filters.py TEXTS.jsonl OUT.jsonl [--times]

TEXTS.jsonl holds ``{"id", "text"}`` lines. OUT.jsonl receives one line per text: for each family,
judged on the text as it came, ``null`` where it is kept and else datatrove's reason; ``chain``,
the same for the four in FineWeb's order, where C4 edits the text that FineWeb's own rules see;
``text``, the beginning of its SHA-256; and ``edited``, that of the text after C4 where C4 keeps
it. With ``--times`` nothing is judged twice: one pass in FineWeb's order, every filter on every
text, and the last line of standard output is ``{"cpu": [seconds per text]}``.
"""

import argparse
import hashlib
import json
import time

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

FAMILIES = ("gopher_repetition", "gopher_quality", "c4", "fineweb")


def build():
    return (
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    )


def reason(rules, doc):
    """None where the text is kept, else the reason. An error is a verdict too: datatrove stops."""
    try:
        result = rules.filter(doc)
    except (ZeroDivisionError, IndexError, ValueError) as error:
        return f"error: {type(error).__name__}"
    return None if result is True else result[1]


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def judge(filters, text):
    row = {"text": digest(text)}
    for name, rules in zip(FAMILIES, filters, strict=True):
        doc = Document(text=text, id="")
        row[name] = reason(rules, doc)
        if name == "c4" and row[name] is None:
            row["edited"] = digest(doc.text)
    doc = Document(text=text, id="")
    verdicts = ((name, reason(rules, doc)) for name, rules in zip(FAMILIES, filters, strict=True))
    row["chain"] = next((f"{name}.{why}" for name, why in verdicts if why), None)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts")
    parser.add_argument("out")
    parser.add_argument("--times", action="store_true")
    options = parser.parse_args()
    with open(options.texts, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    filters = build()
    judge(filters, "Loads the tokeniser. It is not timed.")
    if options.times:
        seconds = []
        for row in rows:
            begin = time.process_time()
            doc = Document(text=row["text"], id="")
            for rules in filters:
                reason(rules, doc)
            seconds.append(time.process_time() - begin)
        print(json.dumps({"cpu": seconds}))
        return
    with open(options.out, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps({"id": row["id"], **judge(filters, row["text"])}) + "\n")


if __name__ == "__main__":
    main()

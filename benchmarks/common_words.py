"""Makes ``pipeline/prompts/scoring/common_words.txt``: the everyday words of English web pages.

A word counts once a page, in lower case; names go, since they are mostly written with a capital.
Pages are those of WCXB's development set (Foley 2026, CC BY 4.0), their main text::

    python benchmarks/common_words.py ../shared/data pipeline/prompts/scoring/common_words.txt
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

from gold import gold_texts

WORDS = 4000
_WORD = re.compile(r"[A-Za-z]+")


def common_words(texts: list[str], count: int = WORDS) -> list[str]:
    """The words in most texts, in alphabetical order."""
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in texts:
        words = set(_WORD.findall(text))
        small.update(word for word in words if word.islower() and len(word) > 1)
        capital.update({word.lower() for word in words if word[0].isupper()})
    # "Monday" is a name, "the" is not, though sentences begin with it.
    usual = [(word, n) for word, n in small.items() if 4 * n >= capital[word]]
    return sorted(word for word, _ in sorted(usual, key=lambda one: (-one[1], one[0]))[:count])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    given = arguments.parse_args()
    texts = [page.text for page in gold_texts(given.data)]
    words = common_words(texts)
    head = (
        f"# The {len(words)} words in most of {len(texts)} English web pages "
        "(benchmarks/common_words.py)\n"
    )
    given.out.write_text(head + "\n".join(words) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

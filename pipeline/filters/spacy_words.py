"""The tokeniser ``spacy``: token for token what ``spacy.blank("en")`` gives, as datatrove uses it.

spaCy splits chunks one by one, then looks for special cases (emoticons, "'cause") among whatever
tokens stand side by side, so that two neighbouring chunks can, rarely, change one another. Where
a pair of chunks could, it is tried; where it does, spaCy is given the whole text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise, product
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.filters.words import LINE, Splitter, kind, split_simple

__all__ = ["SpacySplitter"]

_OPEN = 16  # last word of its chunk, and a special case may run on over the chunk's end
_CLOSE = 32  # first word of its chunk, and a special case may have begun before it
_TOUCHING = re.compile(
    rb"[\x10-\x1f\x30-\x3f](?=[\x20-\x3f])"
)  # a word with _OPEN, one with _CLOSE

# spaCy peels marks off a chunk's ends one at a time, each in time that grows with the chunk, and
# its pattern for addresses is quadratic: 15 ms for the worst chunk of 300 characters, 2 s for
# 4,000. In running text few chunks are longer; base64 and rows of one mark are.
_SURE = 300
_LONGEST = 2_000
_MOST_MARKS = 100
_PAIR_LIMIT = 50_000


class SpacySplitter(Splitter):
    """spaCy's English tokeniser behind the table of chunks.

    Chunks that spaCy cannot take (lone surrogates), or not in reasonable time (over 2,000
    characters, or over 300 with more than 100 marks at their ends), go to the default splitter.

    Raises:
        ConfigError: spaCy is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tokenizer: Any
        self._tokenizer, self._pairs, self._parts = _load()
        self._rules = frozenset(self._tokenizer.rules)
        self._left = frozenset(left for left, _ in self._pairs)
        self._right = frozenset(right for _, right in self._pairs)
        self._alphabetic_exceptions = self._rules | self._left | self._right
        self._changes: dict[tuple[str, str], bool] = {}

    def split(self, text: str) -> tuple[list[str], bytes]:
        with self._lock:
            words, kinds = super().split(text)
            touching = (match.start() for match in _TOUCHING.finditer(kinds))
            if (
                any((words[at], words[at + 1]) in self._pairs for at in touching)
                and self._merges(text.split())
                and _encodable(text)
            ):
                words = [token for token in self._tokens(text) if not token.isspace()]
                kinds = bytes(map(kind, words))
        return words, kinds

    def _kinds_of_known(self, lines: Sequence[str]) -> bytes:
        kinds = super()._kinds_of_known(lines)
        if not _TOUCHING.search(kinds):
            return kinds
        return LINE.join(
            self._kinds_of_line(line, line.split()) if _TOUCHING.search(part) else part
            for line, part in zip(lines, kinds.split(LINE), strict=True)
        )

    def _kinds_of_line(self, line: str, chunks: list[str]) -> bytes:
        kinds = super()._kinds_of_line(line, chunks)
        if _TOUCHING.search(kinds) and self._merges(chunks) and _encodable(line):
            tokens = self._tokens(line)
            return bytes(0 if token.isspace() else kind(token) for token in tokens)
        return kinds

    def _split_chunks(self, chunks: list[str]) -> list[tuple[str, ...]]:
        # spaCy's patterns take nothing from a run of letters, and each common mark at either end.
        found = {
            chunk: words
            for chunk in chunks
            if (words := split_simple(chunk, self._rules, self._pairs))
        }
        hard = [chunk for chunk in chunks if chunk not in found and _takes(chunk)]
        tokens = self._tokens("\n".join(hard)) if hard else []
        begin = 0
        for chunk in hard:
            end, left = begin, len(chunk)
            while left:
                left -= len(tokens[end])
                end += 1
            found[chunk] = tuple(tokens[begin:end])
            begin = end + 1  # over the line break
        others = [chunk for chunk in chunks if chunk not in found]
        found.update(zip(others, super()._split_chunks(others), strict=True))
        return [found[chunk] for chunk in chunks]

    def _kinds_of(self, words: tuple[str, ...]) -> bytes:
        kinds = bytearray(super()._kinds_of(words))
        if words[0] in self._right:
            kinds[0] |= _CLOSE
        if words[-1] in self._left:
            kinds[-1] |= _OPEN
        return bytes(kinds)

    def _merges(self, chunks: list[str]) -> bool:
        """Whether chunks side by side change one another, or whether that is hard to tell."""
        words = self._words
        kinds = b"".join(map(self._kinds.__getitem__, chunks))
        ends = list(accumulate(map(len, map(words.__getitem__, chunks))))
        touching = [bisect_right(ends, match.start()) for match in _TOUCHING.finditer(kinds)]
        touching = [
            at
            for at in touching
            if (words[chunks[at]][-1], words[chunks[at + 1]][0]) in self._pairs
        ]
        # Two places act on each other only across a chunk of nothing but parts of special cases.
        for left, right in pairwise(touching):
            if right - left == 1 and self._parts.issuperset(words[chunks[right]]):
                return True
        return any(self._pair_changes(chunks[at], chunks[at + 1]) for at in touching)

    def _pair_changes(self, left: str, right: str) -> bool:
        known = self._changes.get((left, right))
        if known is None:
            words = self._words
            text = f"{left} {right}"
            known = _encodable(text) and self._tokens(text) != [*words[left], *words[right]]
            if len(self._changes) >= _PAIR_LIMIT:
                self._changes = {}
            self._changes[left, right] = known
        return known

    def _tokens(self, text: str) -> list[str]:
        with self._tokenizer.vocab.memory_zone():
            return [token.text for token in self._tokenizer(text)]


def _load() -> tuple[Any, frozenset[tuple[str, str]], frozenset[str]]:
    """spaCy's English tokeniser, the pairs of words that its special cases can join or part, and
    all words they consist of, before and after.

    A pair stands in a special case as spaCy's patterns split it. Where the word at a chunk's end
    was itself made by a special case, it stands for the words that case was made from.
    """
    try:
        import spacy
        from spacy.symbols import ORTH
        from spacy.tokenizer import Tokenizer
        from spacy.vocab import Vocab
    except ImportError as error:
        raise ConfigError(
            "tokenizer 'spacy' needs spaCy: pip install 'gristmill[spacy]', or use 'words'"
        ) from error
    english: Any = spacy.blank("en").tokenizer
    patterns = (
        english.prefix_search,
        english.suffix_search,
        english.infix_finditer,
        english.token_match,
        english.url_match,
    )
    # The bare vocabulary computes no word shapes and the like, which nobody reads here.
    plain = Tokenizer(Vocab(), None, *patterns)
    cases = {case: [token.text for token in plain(case)] for case in english.rules}
    made_last: dict[str, set[str]] = {}
    made_first: dict[str, set[str]] = {}
    for case, made in english.rules.items():
        made_last.setdefault(cases[case][-1], set()).add(made[-1][ORTH])
        made_first.setdefault(cases[case][0], set()).add(made[0][ORTH])
    pairs: set[tuple[str, str]] = set()
    for left, right in {pair for parts in cases.values() for pair in pairwise(parts)}:
        pairs.update(product({left, *made_last.get(left, ())}, {right, *made_first.get(right, ())}))
    made = {part[ORTH] for parts in english.rules.values() for part in parts}
    return (
        Tokenizer(Vocab(), english.rules, *patterns),
        frozenset(pairs),
        frozenset(made.union(*cases.values())),
    )


def _takes(chunk: str) -> bool:
    """Whether spaCy splits ``chunk``, and in reasonable time."""
    if len(chunk) > _SURE:
        if len(chunk) > _LONGEST:
            return False
        core = chunk.strip("".join(mark for mark in set(chunk) if not mark.isalnum()))
        marks = len(chunk) - len(core) + core.count("'") + core.count("’")
        if marks > _MOST_MARKS:
            return False
    return _encodable(chunk)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

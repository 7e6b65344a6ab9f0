"""Words of a text, with a bounded table of chunks already split. No rule and no threshold here.

Both tokenisers split a text at whitespace and then each *chunk* on its own, so a chunk seen before
costs one look-up. Every word carries its `kind`, a byte of flags that the rules count.
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from collections.abc import Container, Sequence
from itertools import chain, pairwise

from pipeline.core.errors import ConfigError
from pipeline.filters.characters import SENTENCE_END, SYMBOLS

__all__ = ["ALPHABETIC", "PLAIN", "Splitter", "kind", "splitter"]

PLAIN = 1  # has a character that is not in SYMBOLS
ALPHABETIC = 2  # has a letter
END = 4  # is a mark that ends a sentence
PUNCTUATION = 8  # is nothing but punctuation

_ABBREVIATION = (
    "Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Gov|Sen|Rep|St|Jr|Sr|Inc|Ltd|Co|Corp|Bros|vs"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
)
_ABBREVIATIONS = frozenset(f"{short}." for short in _ABBREVIATION.split("|"))

# The table is dropped and begun anew beyond this many characters, each chunk counted with an
# overhead: at most some 250,000 chunks or 80 MB. It never changes a result.
TABLE_LIMIT = 8_000_000
CHUNK_OVERHEAD = 24

_ALPHABETIC_KIND = bytes([PLAIN | ALPHABETIC])
LINE = b"\xff"  # stands between lines
_CLASSES = bytes(
    0x7C if flags == LINE[0] else 0x45 if flags & END else 0x4F  # "|", "E"nd, "O"ther
    for flags in range(256)
)
_NEUTRAL = bytes(flags for flags in range(LINE[0]) if flags & PUNCTUATION and not flags & END)
_SIMPLE = re.compile(r"([(\[\"“]?)([^\W_]+(?:-[A-Za-z]+)*)(['’]s|[,.?!]?[\"”]|[,.;:!?)\]]|)")
_BEFORE_STOP = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_RUNS = re.compile(r"\S+|\s+")


def kind(word: str) -> int:
    """The flags of one word: `PLAIN`, `ALPHABETIC`, `END`, `PUNCTUATION`."""
    flags = 0 if SYMBOLS.issuperset(word) else PLAIN
    if any(map(str.isalpha, word)):
        return flags | ALPHABETIC
    if word in SENTENCE_END:
        flags |= END
    if all(unicodedata.category(character)[0] == "P" for character in word):
        flags |= PUNCTUATION
    return flags


_kind_of_short = functools.lru_cache(1 << 14)(kind)


def _known(word: str) -> int:
    return _kind_of_short(word) if len(word) < 16 else kind(word)


def split_simple(
    chunk: str, special: Container[str], special_pairs: Container[tuple[str, str]]
) -> tuple[str, ...] | None:
    """Letters or digits with a few common marks about them, split as both tokenisers do.

    That is: words joined by hyphens, an opening mark, and ``'s`` or one or two closing marks. None
    for any other chunk, and where a part is ``special`` or two neighbours are.
    """
    match = _SIMPLE.fullmatch(chunk)
    if match is None:
        return None
    before, core, after = match.groups()
    words = core.split("-")
    if not (words[0].isalpha() or (core.isdigit() and core.isascii())) or (
        len(words) > 1 and not words[0].isascii()
    ):
        return None
    if after[:1] == "." and (len(core) < 2 or core[-1] not in _BEFORE_STOP):
        return None
    short = core + after[:1]
    if any(part in special for part in (chunk, core, before + core, short, before + short)):
        return None
    parts = [before] if before else []
    parts.append(words[0])
    for word in words[1:]:
        parts += ("-", word)
    parts += (after,) if after[:1] in ("'", "’") else after
    if any(pair in special_pairs for pair in pairwise(parts)):
        return None
    return tuple(parts)


class Splitter:
    """The default tokeniser, ``words``: any script, linear time, no model.

    A chunk is split thus, marks being Unicode's punctuation and symbols (categories P and S):

    - marks at its ends are words of their own, a run of the same mark one word;
    - ``- / \\ ~ @`` before its first letter and ``/ =`` after its last belong to the word
      (options, paths, handles), and an address that begins with ``http://`` is one word;
    - marks within it belong to the word, but for these, which part it: dashes (a hyphen between a
      letter and a digit does not), ``~`` and ``…``, two full stops or more, a comma between
      letters, ``: / < > =`` before a letter, and a full stop between a small letter and a capital;
    - English contractions part as in *do|n't*, *it|'s*;
    - abbreviations (*Mr.*, *e.g.*, *U.S.*) and initials keep their full stop.

    Scripts without spaces are not segmented.
    """

    # Letters alone are one word, unless listed here.
    _alphabetic_exceptions: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._table: dict[str, tuple[tuple[str, ...], bytes]] = {}
        self._size = 0
        # Words and kinds of the chunks of the last text, in dictionaries small enough for a
        # processor's cache: its sentences and its cleaned version are asked for next.
        self._words: dict[str, tuple[str, ...]] = {}
        self._kinds: dict[str, bytes] = {}
        self._lock = threading.RLock()

    def split(self, text: str) -> tuple[list[str], bytes]:
        """All words of ``text`` in order and their kinds, one byte for each word."""
        chunks = text.split()
        with self._lock:
            self._learn(chunks)
            return (
                list(chain.from_iterable(map(self._words.__getitem__, chunks))),
                b"".join(map(self._kinds.__getitem__, chunks)),
            )

    def count_sentences(self, lines: Sequence[str]) -> int:
        """Sentences in ``lines``, each line on its own and worth at least one.

        A sentence begins with the first word after a mark that ends one, marks between them
        apart: the rule of spaCy's sentencizer, which also takes surplus whitespace for a word.
        """
        with self._lock:
            try:
                coded = self._kinds_of_known(lines)
            except KeyError:
                split_lines = [line.split() for line in lines]
                self._learn(list(chain.from_iterable(split_lines)))
                coded = LINE.join(map(self._kinds_of_line, lines, split_lines))
        return len(lines) + coded.translate(_CLASSES, _NEUTRAL).count(b"EO")

    def _kinds_of_known(self, lines: Sequence[str]) -> bytes:
        """Kinds of the words of ``lines``, with `LINE` between lines.

        Raises:
            KeyError: a chunk is not one of the last text's, or there is surplus whitespace.
        """
        return b"".join(map(self._kinds.__getitem__, " \n ".join(lines).split(" ")))

    def _kinds_of_line(self, line: str, chunks: list[str]) -> bytes:
        """Kinds of the words of a line whose chunks are known; 0 stands for surplus whitespace."""
        kinds = self._kinds
        if " ".join(chunks) == line:
            return b"".join(map(kinds.__getitem__, chunks))
        return b"".join(
            kinds[run] if not run.isspace() else b"" if run == " " else b"\0"
            for run in _RUNS.findall(line)
        )

    def _learn(self, chunks: Sequence[str]) -> None:
        """Have words and kinds of every one of ``chunks`` at hand."""
        if all(map(self._words.__contains__, chunks)):
            return
        exceptions, table = self._alphabetic_exceptions, self._table
        words: dict[str, tuple[str, ...]] = {}
        kinds = {"\n": LINE}
        unseen = []
        for chunk in set(chunks):
            if chunk.isalpha() and chunk not in exceptions:
                words[chunk] = (chunk,)
                kinds[chunk] = _ALPHABETIC_KIND
            elif entry := table.get(chunk):
                words[chunk], kinds[chunk] = entry
            else:
                unseen.append(chunk)
        if unseen:
            if self._size > TABLE_LIMIT:
                table = self._table = {}
                self._size = 0
            for chunk, found in zip(unseen, self._split_chunks(unseen), strict=True):
                table[chunk] = words[chunk], kinds[chunk] = found, self._kinds_of(found)
            self._size += sum(map(len, unseen)) + CHUNK_OVERHEAD * len(unseen)
        self._words, self._kinds = words, kinds

    def _split_chunks(self, chunks: list[str]) -> list[tuple[str, ...]]:
        find = _word_pattern().finditer
        return [
            split_simple(chunk, _ABBREVIATIONS, ()) or tuple(match.group() for match in find(chunk))
            for chunk in chunks
        ]

    def _kinds_of(self, words: tuple[str, ...]) -> bytes:
        return bytes([PLAIN | ALPHABETIC if word.isalpha() else _known(word) for word in words])


@functools.cache
def splitter(tokenizer: str) -> Splitter:
    """The process's splitter of that name: ``words`` or ``spacy``.

    Raises:
        ConfigError: another name, or ``spacy`` where spaCy is not installed.
    """
    if tokenizer == "words":
        return Splitter()
    if tokenizer == "spacy":
        from pipeline.filters.spacy_words import SpacySplitter

        return SpacySplitter()
    raise ConfigError(f"no tokenizer is called {tokenizer!r}: 'words' or 'spacy'")


@functools.cache
def _word_pattern() -> re.Pattern[str]:
    mark = _marks()
    inner = rf"[^\s{mark}]"
    short = rf"n['’]t(?!{inner})|['’](?:s|S|ll|re|ve|d|m)(?!{inner})"
    run = rf"(?:(?!{short}){inner})+"
    joint = (
        rf"(?!{short})(?:"
        rf"(?![-–—~…,:/<>=.])[{mark}]"
        r"|[,:/<>=](?=\d)|(?<=\d),|(?<=[^\W\d_])-(?=\d)"
        r"|(?<!\.)(?:(?<![a-z])\.|\.(?![A-Z]))(?!\.))"
    )
    return re.compile(
        rf"(?:[A-Za-z]\.){{2,}}(?!{inner})"
        rf"|(?:{_ABBREVIATION})\."
        r"|(?<!\S)[A-Z]\.(?!\S)"
        rf"|{short}"
        rf"|(?:https?|ftp)://[^\s<>()\"']*{inner}/?"
        rf"|(?:(?<!\S)[-/\\~@]+)?{run}(?:(?:{joint})+{run})*(?:[/=](?!\S))?"
        r"|(\S)\1*"
    )


def _marks() -> str:
    """All punctuation and symbols, as ranges for a regular expression's character class."""
    ranges: list[list[int]] = []
    for code in range(0x20000):  # planes 0 and 1: those above hold ideographs, tags and private use
        if unicodedata.category(chr(code))[0] in "PS":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)

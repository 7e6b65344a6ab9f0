"""C4's rules (Raffel et al. 2020, JMLR 21(140), section 2.2): a page filter and a line cleaner.

`C4` judges pages and `C4Lines` takes lines and citations out. Only C4's rules belong here.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import re
from pathlib import Path
from typing import Any, ClassVar

from pipeline.core.decisions import Bound, Signal, SignalValue
from pipeline.core.errors import ConfigError
from pipeline.core.records import Document
from pipeline.filters.base import Filter
from pipeline.filters.cleaners import Cleaner
from pipeline.filters.text import view

__all__ = ["C4", "C4Lines"]

_CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class C4Lines(Cleaner):
    """C4's line rules: keep the lines that look like sentences, and strip Wikipedia's citations.

    Lines are split as ``str.splitlines`` does and stripped; those left are joined by ``\\n`` and
    the whole is stripped. Defaults follow datatrove 0.10.1 with FineWeb's settings
    (``C4QualityFilter(filter_no_terminal_punct=False)``). A line goes, in this order, for: a word
    that is too long, no terminal punctuation (off; on in the paper), too few words (3 as in
    JMLR's text; C4's published code has 5), javascript, a policy phrase. Words are counted before
    citations are taken out.

    A line that is evidence for a page rule of `C4` (lorem ipsum; a curly bracket where javascript
    is not named) is left in, so that after this cleaner `C4` sees what it must judge.

    Args:
        terminal_punctuation: drop lines that do not end in ``. ? ! " '`` or end in ``...``.
        min_words: least words in a line.
        max_word_length: most characters in a word.
        javascript: drop lines with the word.
        policies: drop lines about terms of use, privacy or cookies.
        citations: take ``[1]``, ``[]``, ``[edit]`` and ``[citation needed]`` out of lines.
    """

    name: ClassVar[str] = "c4_lines"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("lines", "lines in the text"),
        Signal("long_word", "lines dropped for a word that is too long"),
        Signal("no_terminal_punctuation", "lines dropped for their end"),
        Signal("few_words", "lines dropped for too few words"),
        Signal("javascript", "lines dropped for javascript"),
        Signal("policies", "lines dropped for a policy phrase"),
        Signal("citations", "citations taken out of all lines"),
    )

    terminal_punctuation: bool = False
    min_words: int = 3
    max_word_length: int = 1000
    javascript: bool = True
    policies: bool = True
    citations: bool = True

    def clean(self, text: str) -> tuple[str, dict[str, float]]:
        lines, counts = self.select(text)
        cleaned = "\n".join(lines).strip()
        return (text if cleaned == text else cleaned), counts

    def select(self, text: str) -> tuple[list[str], dict[str, float]]:
        """The lines that stay, without their citations, and every declared count."""
        counts = dict.fromkeys((signal.name for signal in self.signals), 0.0)
        # Most texts hold none of these phrases, so that no line of theirs is searched for them.
        # Taking citations out can join a phrase.
        citations = self.citations and "[" in text
        lowered = _CITATION.sub("", text.lower()) if citations else text.lower()
        javascript = self.javascript and "javascript" in lowered
        policies = self.policies and any(phrase in lowered for phrase in _POLICIES)
        kept = []
        lines = text.splitlines()
        for raw in lines:
            line = raw.strip()
            words = line.split()
            if len(line) > self.max_word_length and max(map(len, words)) > self.max_word_length:
                counts["long_word"] += 1
                continue
            if citations:
                line, found = _CITATION.subn("", line)
                counts["citations"] += found
            if self.terminal_punctuation and not _ends_sentence(line):
                counts["no_terminal_punctuation"] += 1
            elif len(words) < self.min_words:
                counts["few_words"] += 1
            elif (javascript or policies) and (
                reason := _drop(line, javascript=javascript, policies=policies)
            ):
                counts[reason] += 1
            else:
                kept.append(line)
        counts["lines"] = float(len(lines))
        return kept, counts


@dataclasses.dataclass(frozen=True, kw_only=True)
class C4(Filter):
    """C4's page rules: enough sentences, no placeholder text, no code, no listed word.

    Defaults: 5 sentences (JMLR's text and datatrove 0.10.1; C4's published code has 3), and none of
    the rest. ``sentences`` counts over lines, each worth at least one, as datatrove 0.10.1 does.

    The rules apply to what `C4Lines` leaves, and there are two ways to say so. After the cleaner,
    the text is judged as it is. Before it, or without it, pass ``lines``, and the text is judged
    as those line rules would leave it. The verdicts agree but for one case: datatrove counts an
    empty sentence where citations at the very end of a text leave two spaces. The cleaned text no
    longer shows that; with ``lines`` it counts.

    Args:
        tokenizer: ``words``, or ``spacy`` for datatrove's.
        lines: line rules to look through, or None to judge the text as it is.
        bad_words: file of words and phrases, one in a line, such as LDNOOBW's English list, which
            C4 used. Compared in lower case, between characters that are not letters or digits.
            None: not checked, the signal is 0.

    Raises:
        ConfigError: the file of words cannot be read (when first used, or by ``parameters``).
    """

    name: ClassVar[str] = "c4"
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("sentences", "sentences in the lines that count"),
        Signal("lorem_ipsum", 'times "lorem ipsum" occurs'),
        Signal("curly_brackets", "opening curly brackets"),
        Signal("bad_words", "different listed words and phrases present"),
    )
    default_bounds: ClassVar[tuple[Bound, ...]] = (
        Bound("sentences", low=5),
        Bound("lorem_ipsum", high=0),
        Bound("curly_brackets", high=0),
        Bound("bad_words", high=0),
    )

    tokenizer: str = "words"
    lines: C4Lines | None = None
    bad_words: str | None = None

    def measure(self, doc: Document) -> dict[str, SignalValue]:
        if self.lines is None:
            lines = [line for line in view(doc, self.tokenizer).lines if line.strip()]
            evidence = doc.text
        else:
            lines, _ = self.lines.select(doc.text)
            evidence = "\n".join(lines)
        lowered = evidence.lower()
        return {
            "sentences": float(view(doc, self.tokenizer).count_sentences(lines)),
            "lorem_ipsum": float(lowered.count("lorem ipsum")),
            "curly_brackets": float(evidence.count("{")),
            "bad_words": float(_listed(lowered, self.bad_words)) if self.bad_words else 0.0,
        }

    def parameters(self) -> dict[str, Any]:
        """The word list counts by its content, the line rules by their parameters."""
        return {
            "tokenizer": self.tokenizer,
            "lines": self.lines.parameters() if self.lines else None,
            "bad_words": _read_list(self.bad_words).sha256 if self.bad_words else None,
        }


def _ends_sentence(line: str) -> bool:
    return line.endswith((".", "?", "!", '"', "'")) and not line.endswith("...")


def _drop(line: str, *, javascript: bool, policies: bool) -> str | None:
    """The count of `C4Lines` that a line falls under, or None where it stays."""
    lowered = line.lower()
    if "lorem ipsum" in lowered:
        return None
    if javascript and "javascript" in lowered:
        return "javascript"
    if "{" in line:
        return None
    return "policies" if policies and any(phrase in lowered for phrase in _POLICIES) else None


@dataclasses.dataclass(frozen=True, slots=True)
class _WordList:
    sha256: str
    words: frozenset[str]
    phrases: tuple[tuple[str, re.Pattern[str]], ...]


@functools.cache
def _read_list(path: str) -> _WordList:
    try:
        content = Path(path).read_bytes()
        entries = {line.strip().lower() for line in content.decode().splitlines()} - {""}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"c4.bad_words: cannot read {path}: {error}") from error
    words = frozenset(entry for entry in entries if re.fullmatch(r"\w+", entry))
    phrases = (
        (entry, re.compile(rf"(?<!\w){re.escape(entry)}(?!\w)")) for entry in entries - words
    )
    return _WordList(hashlib.sha256(content).hexdigest(), words, tuple(sorted(phrases, key=str)))


def _listed(lowered: str, path: str) -> int:
    listed = _read_list(path)
    words = listed.words.intersection(re.findall(r"\w+", lowered))
    phrases = [
        entry for entry, found in listed.phrases if entry in lowered and found.search(lowered)
    ]
    return len(words) + len(phrases)

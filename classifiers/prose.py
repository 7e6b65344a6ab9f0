"""The natural-language part of a text: what is left without code, markup, addresses and numbers.

For models that know human languages only. Nothing here knows which language it is.
"""

from __future__ import annotations

import re

__all__ = ["prose"]

# How much of either end of a text is looked at, in characters. A longer prompt holds a document
# or a listing, with the request before or behind it.
_END = 4000

_FENCE = "```"
# A fence that is not closed goes on to the end.
_FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)

# Tags of HTML and XML, character references, formulas and commands of TeX.
_MARKUP = re.compile(
    r"</?[A-Za-z!][^<>]*>|&#?\w{2,8};|\$[^$\\^_{}=]*+[\\^_{}=][^$]*+\$|(?<![\w:\\])\\[A-Za-z]+"
)
_MARKUP_SIGNS = re.compile(r"[<&$\\]")

# Beginnings of lines of source code, in the languages that prompts are full of. A word of code
# counts only where the rest of the line is code, too: "import taxes rose" is English.
_CODE_LINE = re.compile(
    r"""[ \t]*(?:
        (?:async[ ]def|def|class|func|fn|function|public|private|protected|static|void)\b
            [^({:]*[({:]
      | import[ ](?:[\w.*,]+|\{[^}]*\})(?:,[ ][\w., ]+|[ ]as[ ]\w+)?(?:[ ]from[ ].*)?;?\s*$
      | from[ ][\w.]+[ ]import\b
      | \#[ ]*(?:include|define|ifdef|ifndef|endif|pragma)\b
      | (?:if|elif|else|for|while|try|except|finally|with|switch|catch)\b
            (?:.*[(=<>{}\[].*[:{}]|:)\s*$
      | (?:return|yield|raise|throw|assert|print|echo|puts)\b.*[()\[\]=;_+*]
      | (?:SELECT|INSERT[ ]INTO|UPDATE|DELETE[ ]FROM|CREATE[ ]TABLE|FROM|WHERE|(?:[A-Z]+[ ])?JOIN
            |GROUP[ ]BY|ORDER[ ]BY)\b
      | (?:(?:const|let|var|val|auto|final|int|float|double|char|long|bool|string|String)[ ]+)?
            [\w.\[\]]+(?:,[ ]?[\w.\[\]]+)*(?::[ ]\w+)?[ ]*[-+*/%:]?=(?!=)
      | (?:>>>|\.\.\.|\$|%)[ ]
      | (?:[ ]{2}|\t)[ \t]*(?:return|else|try|pass|break|continue|if|elif|for|while)\b
    )""",
    re.VERBOSE,
)
# A longer line is a paragraph that begins like code, or a file on one line, left to `_NO_WORD`.
_LONGEST_CODE = 200
# Ends of lines of code, where there is another sign of it: a list of prose may end in ";", too.
_CODE_ENDS = (";", "{", "}")
_CODE_SIGNS = re.compile(r"=|\w\(|->|::|\+\+|\}")

# What makes a run of visible characters no word: addresses, paths, numbers, identifiers, calls.
_NO_WORD = re.compile(r"[\d_={}<>\\|^~$%&+@/]|[A-Za-z][.:(\[][A-Za-z]|\(\)")
# Scripts without spaces write them in the middle of a sentence.
_RUN = re.compile(r"[!-~]+")
# What may stand around a word: marks of emphasis, lists and headings, which go, and others.
_DRESS = '*#[]()"`'
_MARKS = _DRESS + ";:.,!?'“”„«»’-–—…"
_CAPITALS = re.compile(r"[A-ZÀ-ÖØ-ÞΑ-ΩЀ-Я]{4,}")


def prose(text: str, characters: int | None = None) -> str:
    """The part of ``text`` that someone wrote in a human language, on one line.

    Left out are blocks and lines of code, inline code, tags, formulas, web and mail addresses,
    paths, mentions, identifiers, and numbers. Words of four capitals and more become lower case.
    Comments, docstrings and the text between tags stay. Of a text over 8,000 characters the first
    and the last 4,000 are read.

    Rules, no model: a line of code in an unusual notation stays, and a sentence that looks like
    code goes.

    Args:
        text: any string.
        characters: how much is wanted at most, from the beginning; None for all there is.

    Returns:
        Words separated by single spaces; possibly nothing.
    """
    if len(text) > 2 * _END:
        # A fenced block may begin or end in the part that is left out.
        front, back = text[:_END], text[-_END:]
        odd = (front.count(_FENCE) + text.count(_FENCE, 0, len(text) - _END)) % 2
        text = f"{front}\n{_FENCE * odd}\n{back}"
    if "`" in text:
        text = _FENCED.sub(" ", text)
    room = len(text) if characters is None else characters
    found: list[str] = []
    for line in text.split("\n"):
        if not line or _is_code(line):
            continue
        # More than there is room for, since some of it is no word.
        words = _words(line[: room + room // 2 + 20])
        if words:
            found.append(words)
            room -= len(words) + 1
            if room <= 0:
                break
    return _CAPITALS.sub(_lower, " ".join(found)[:characters])


def _is_code(line: str) -> bool:
    if len(line) > _LONGEST_CODE:
        return False
    if _CODE_LINE.match(line) is not None:
        return True
    return line.rstrip().endswith(_CODE_ENDS) and _CODE_SIGNS.search(line) is not None


def _words(line: str) -> str:
    """The words of ``line`` with the marks around them, separated by single spaces."""
    if _MARKUP_SIGNS.search(line) is not None:
        line = _MARKUP.sub(" ", line)
    kept: list[str] = []
    for word in line.split():
        if not word.isalpha():
            bare = word.strip(_MARKS)
            if not bare:
                continue
            if (not bare.isalpha() or "()" in word) and _NO_WORD.search(word) is not None:
                if word.isascii():
                    continue
                word = " ".join(_RUN.sub(_word_or_blank, word).split())
            word = word.strip(_DRESS)
        kept.append(word)
    return " ".join(kept)


def _word_or_blank(run: re.Match[str]) -> str:
    return " " if _NO_WORD.search(run[0]) is not None else run[0]


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()

"""Cheap, transparent signals of what a prompt asks, from which its criteria are made. English.

Each is a count of something a person can point at, squeezed into 0..1. What a signal counts is in
`SIGNALS`; which criterion uses it is in `pipeline.prompts.scoring.criteria`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from pipeline.prompts.cleaning.words import WORD, word_count
from pipeline.prompts.scoring.terms import (
    CREATIVE,
    DOMAINS,
    OUTPUTS,
    PROBLEM,
    REQUESTS,
    SOFTWARE,
    WORK,
    common_words,
)

__all__ = ["SIGNALS", "prompt_signals"]

# What each signal is.
SIGNALS: dict[str, str] = {
    "length": "words, on a log scale: 1 at 400",
    "sentences": "sentences and lines: .63 at 6",
    "constraints": 'demands on the answer ("must", "at most", "without", "do not"): .63 at 2',
    "numbers": "numbers: .63 at 4",
    "names": "named things: capitals inside a sentence, identifiers, file names: .63 at 4",
    "rare": "different words that are not among the 4,000 most common on the web: .63 at 5",
    "rare_share": "their share of the different words: 1 at a half",
    "domain": "different terms of a field (software, mathematics, science, …): .63 at 3",
    "software": "different terms of programming, data and systems: .63 at 2",
    "code": "code: 1 in a fence or several lines, .5 for inline code or one line",
    "maths": "formulas and words of calculation: .63 at 2",
    "depth": "requests for why, how, comparison, proof, evaluation: .63 at 2",
    "connectives": 'conditions and reasons ("if", "because", "given that"): .63 at 4',
    "material": "material to work on: quotations, pasted blocks: 1 at 60 words",
    "steps": "numbered or bulleted lines, first … then, step by step: .63 at 3",
    "situation": "the asker's own situation and aim, in the first person: .63 at 2",
    "creative": "words of invention: stories, design, ideas, style: .63 at 2",
    "problem": "words of problems and their solution: errors, fixes, plans: .63 at 2",
    "request": "verbs that ask for something to be made or found: .63 at 2",
    "output": "the thing that is asked for (code, table, report, essay): .63 at 2",
    "work": "words of work, trade, study and everyday systems: .63 at 3",
    "role": 'a role or an audience for the answer ("act as", "for beginners"): 1 where there is one',
}

_READ = 20_000  # characters from either end of a prompt; between them lies pasted material

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_NAMED = re.compile(
    r"(?<=[a-z,;(] )[A-Z][\w'’.-]*|\b[A-Z]{2,}[A-Z\d]*\b|\b[a-z]+[A-Z]\w*|\b\w+_\w+\b"
    r"|\b\w{1,40}\.(?:py|js|ts|java|cs|cpp|c|h|html|css|json|csv|xlsx?|pdf|txt|md|sql|sh|ya?ml)\b"
    r"|\b[A-Z][a-z]+[A-Z]\w*"
)
_CONSTRAINT = re.compile(
    r"\b(?:must(?: not)?|should(?: not|n't)?|at (?:least|most)|no (?:more|less|fewer) than|(?:less|more|"
    r"fewer) than|exactly|only|without|ensure|make sure|up to|limit(?:ed)? to|within|between|avoid|"
    r"(?:do not|don't|never|not) \w+|need(?:s)? to|have to|has to|required?|requirements?|instead of|"
    r"using|based on|following|specific(?:ally)?|each|every|all (?:of )?the|in the (?:style|form|format)"
    r"|formatted|format|assum(?:e|ing)|given|constraints?|consider(?:ing)?|includ(?:e|ing)|"
    r"such that|respectively|same|one[- ]?(?:liner|line)|(?:\d+|two|three|four|five|six|ten|hundred)"
    r"(?:[- ]\w+)? (?:words?|sentences?|paragraphs?|bullet|points?|lines?|characters?|examples?))\b"
)
_DEPTH = re.compile(
    r"\b(?:why|how (?:do|does|can|could|would|should|to|is|are|might|did)|compare|comparison|contrast|"
    r"differences?|versus|vs|trade-?offs?|pros and cons|advantages?|disadvantages?|evaluate|analy[sz]e|"
    r"analysis|critique|assess|prove|proof|derive|derivation|explain|justify|reason(?:ing)?|implications?"
    r"|impact|effects?|mechanisms?|in[- ]depth|detailed?|in detail|thorough(?:ly)?|comprehensive|"
    r"step[- ]by[- ]step|best way|best practices?|what if|under the hood|root cause|strateg(?:y|ies))\b"
)
_CONNECTIVE = re.compile(
    r"\b(?:because|however|if|when|whenever|while|unless|until|although|though|therefore|thus|since|"
    r"whereas|given that|so that|so|but|then|where|which|whose|otherwise|in order to|as well as|also|"
    r"after|before|instead|rather than|depending|except|either|both|such as|e\.g\.|i\.e\.)(?![\w'])"
)
_MATHS = re.compile(
    r"\\(?:frac|sum|int|sqrt|alpha|beta|theta|lambda|mathbb|begin|left|cdot|leq|geq)\b|\$[^$\n]{1,80}\$"
    r"|[∑∫√∞≤≥≠±∂∈∀∃→π]|\b\w\^\{?\d|\b[a-z]\([a-z]\) ?=|\d ?[-+*/×÷=<>] ?\d"
    r"|\b(?:calculate|compute|solve|probability|equation|integral|derivative|theorem|prove|matrix|sum of"
    r"|average|percent(?:age)?|how many|how much)\b"
)
_SITUATION = re.compile(
    r"\b(?:i'?m|i am|i have|i've|i had|i need|i want|i'?d like|i would like|i was|i get|i got|i use|"
    r"i tried|i'?m (?:trying|working|building|writing|using)|my|our|we (?:are|have|need|want|use)|"
    r"we're|we've|help me|can i|how do i|how can i|should i|i (?:work|run|own|live|don't|cannot|can't))"
    r"(?![\w'])"
)
_ROLE = re.compile(
    r"\b(?:act (?:as|like)|you are (?:a|an|the)|you're an?|pretend|as if you|imagine you|as an? (?:expert|"
    r"experienced|senior|professional)|for (?:a |an )?(?:beginners?|child(?:ren)?|kids?|students?|experts?|"
    r"(?:non-?technical )?audience|\d+[- ]year[- ]olds?|laym[ae]n|graders?)|target audience|perspective "
    r"of|in the voice of|tone)\b"
)
_STEP = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•]|[a-zA-Z]\))[ \t]|^#{1,4} ", re.MULTILINE)
_STEP_WORD = re.compile(
    r"\b(?:step[- ]by[- ]step|steps?|first(?:ly)?,|second(?:ly)?,|third(?:ly)?,|finally|next,|then|"
    r"afterwards?|phases?|part \w)\b"
)
_QUOTED = re.compile(r"\"[^\"]{20,2000}\"|“[^“”]{20,2000}”|'''.{20,2000}?'''", re.DOTALL)
_SENTENCE = re.compile(r"[.!?]+(?=\s|$)|\n+")

_FENCE = re.compile(r"```|~~~")
_INLINE = re.compile(r"`[^`\n]{1,200}`")
_CODE_LINE = re.compile(
    r"[ \t]*(?:(?:def|class|import|from|return|for|while|if|else|elif|try|except|public|private|static|"
    r"void|int|float|double|char|const|let|var|function|fn|func|struct|package|using|namespace|"
    r"#include|#define|SELECT|INSERT|UPDATE|CREATE|FROM|WHERE|end|begin)\b[^.?!]{0,200}[;:{}()=]\s*$"
    r"|[\w.\[\]]{1,60} ?(?:[-+*/:]?=|<-) ?\S[^?!]{0,200}$|</?\w[^>\n]{0,200}>|[{}()\[\]];?,?\s*$"
    r"|[^?!\n]{1,200}(?:;|\);|\{|\}|\)\)|=>)\s*$|(?:\$|>>>|C:\\>) ?\w|\s*(?://|/\*)\s?\w)"
)
_CODE_WORD = re.compile(r"\w\(\)|\w::\w|->\w|\w\[\w+\]|==|!=|&&|\|\|")
_LONGEST_CODE = 300


def prompt_signals(text: str) -> dict[str, float]:
    """Every signal of `SIGNALS` for one prompt, each in 0..1.

    Of a prompt over 40,000 characters the first and the last 20,000 are read. In other languages
    than English only those signals say something that count no words.

    Args:
        text: any string.
    """
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]}\n{text[-_READ:]}"
    lower = text.lower().replace("’", "'")
    words = [word.replace("’", "'") for word in WORD.findall(lower)]
    different = set(words)
    stems = different | {word[:-1] for word in different if len(word) > 3 and word[-1] == "s"}
    letters = {word for word in different if word.isalpha() and len(word) > 2}
    usual = common_words()
    rare = {
        word
        for word in letters
        if word.isascii() and word not in usual and not (word[-1] == "s" and word[:-1] in usual)
    }
    fields = set().union(*(terms & stems for terms in DOMAINS.values()))
    code = _code(text)
    return {
        "length": min(1.0, math.log1p(word_count(text)) / math.log1p(400)),
        "sentences": _squeezed(_count(_SENTENCE, text) + bool(words), 6),
        "constraints": _squeezed(_count(_CONSTRAINT, lower), 2),
        "numbers": _squeezed(_count(_NUMBER, text), 4),
        "names": _squeezed(len(set(_NAMED.findall(text))), 4),
        "rare": _squeezed(len(rare), 5),
        "rare_share": min(1.0, 2 * len(rare) / len(letters)) if letters else 0.0,
        "domain": _squeezed(len(fields), 3),
        "software": _squeezed(len(SOFTWARE & stems), 2),
        "code": code,
        "maths": _squeezed(_count(_MATHS, lower), 2),
        "depth": _squeezed(_different(_DEPTH.findall(lower)), 2),
        "connectives": _squeezed(_different(_CONNECTIVE.findall(lower)), 4),
        "material": _material(text, code),
        "steps": _squeezed(_count(_STEP, text) + _count(_STEP_WORD, lower), 3),
        "situation": _squeezed(_different(_SITUATION.findall(lower)), 2),
        "creative": _squeezed(len(CREATIVE & stems), 2),
        "problem": _squeezed(len(PROBLEM & stems), 2),
        "request": _squeezed(len(REQUESTS & different), 2),
        "output": _squeezed(len(OUTPUTS & stems), 2),
        "work": _squeezed(len(WORK & stems), 3),
        "role": float(_ROLE.search(lower) is not None),
    }


def _squeezed(count: float, scale: float) -> float:
    """0 for none, .63 at ``scale``, 1 for very many."""
    return 1.0 - math.exp(-count / scale)


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _different(found: Iterable[str]) -> int:
    return len(set(found))


def _code(text: str) -> float:
    if _FENCE.search(text) is not None:
        return 1.0
    lines = sum(
        1
        for line in text.split("\n")
        if 2 < len(line) <= _LONGEST_CODE and _CODE_LINE.match(line) is not None
    )
    if lines >= 3:
        return 1.0
    words = lines > 0 or _INLINE.search(text) is not None or _CODE_WORD.search(text) is not None
    return 0.5 if words else 0.0


def _material(text: str, code: float) -> float:
    """What the request is about and the asker did not write for it: 60 words of it are enough."""
    quoted = sum(len(match[0].split()) for match in _QUOTED.finditer(text))
    head, colon, block = text.partition(":\n")
    if not colon:
        head, colon, block = text.partition("\n\n")
    pasted = len(block.split()) if colon and len(head) < 600 else 0
    return min(1.0, max(quoted, pasted) / 60 if not code else max(quoted, pasted, 30) / 60)

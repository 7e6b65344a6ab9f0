"""Cues of a prompt's intent: what its wording and its shape say, as numbers.

The three intents are those of "How People Use ChatGPT" (Chatterji et al. 2025, NBER working paper
34255): *asking* for information or advice, *doing* (asking for output), *expressing* (neither).
A cue is no verdict: ``benchmarks/train_intent.py`` learns what each of them counts for.
"""

from __future__ import annotations

import math
import re
from importlib import resources

import numpy as np
import numpy.typing as npt

__all__ = ["CUES", "both_ends", "cues"]


def _word_lists() -> dict[str, frozenset[str]]:
    text = (resources.files("classifiers") / "shipped" / "intent" / "words.txt").read_text("utf-8")
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.endswith(":"):
            own = found.setdefault(line[:-1], set())
        elif line and not line.startswith("#"):
            own.update(line.split())
    return {name: frozenset(words) for name, words in found.items()}


_WORDS = _word_lists()
_ASK, _WH, _MAKE, _TELL = (_WORDS[name] for name in ("ask", "wh", "make", "tell"))
_FEEL, _BARE_POLITE = _WORDS["feel"], _WORDS["polite"]
_NAMED = frozenset(("give", "provide", "show", "help", "list", "name"))
_OPEN = frozenset(("how", "why", "what"))
_LONGEST = 4000  # characters at either end of a prompt that are looked at
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ARTEFACTS = re.compile(
    r"\b(?:essays?|stor(?:y|ies)|poems?|songs?|lyrics|rap|haiku|e-?mails?|letters?|articles?|blogs?|posts?|"
    r"paragraphs?|scripts?|functions?|programs?|code|class|quer(?:y|ies)|sql|regex|html|css|json|csv|table|"
    r"tweets?|captions?|titles?|headlines?|slogans?|taglines?|names?|resume|résumé|cv|cover letter|speech|"
    r"summary|outline|report|reviews?|dialogue|conversation|jokes?|recipe|itinerary|quiz|questions|"
    r"prompts?|descriptions?|proposals?|press release|newsletter|bullet points?|presentation|"
    r"limerick|sonnet|screenplay|monologue|scene|chapter|novel|plot|characters?|game|website|app|bot|"
    r"diagram|chart|graph|ascii|svg|logo|template|contract|schedule)\b",
    re.IGNORECASE,
)
_SOUGHT = re.compile(
    r"\b(?:difference|differences|meaning|reasons?|causes?|effects?|benefits?|advantages?|pros and cons|"
    r"advice|tips|recommend\w*|suggest\w*|best way|better|should i|"
    r"how (?:do|can|to|does|did|is|are|many|much)|"
    r"what (?:is|are|does|do|was|were|would|should|if)|why|explain|information|learn|understand|know|"
    r"opinion|think|history|facts?|possible|true|examples?|ways|steps|guide)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(r"^\W*(?:please|pls|kindly|can you|could you|would you|will you|can u|i want you to|"
                     r"i need you to|i would like you to|i'd like you to|you are|you're|act as|let's|"
                     r"help me|i want to|i need to|i need|i want)\b", re.IGNORECASE)  # fmt: skip
_PERSONA = re.compile(
    r"\b(?:act as|act like|pretend|you are (?:now|an?|the)|you will (?:act|be|play)|role-?play|i want you to|"
    r"as if you were|in the style of|imagine (?:you|that))\b",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    r"\b(?:following|below|above|given|this (?:text|sentence|paragraph|article|passage|code|email|story)|"
    r"the (?:text|sentence|paragraph|article|passage))\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"```|[{};]\s*$|^\s*(?:def|class|import|from|#include|public|const|let|var|function)\b|"
                   r"</?\w+>|\bTraceback\b|\bError:|\w+\(\w*\)", re.MULTILINE)  # fmt: skip
_FAULT = re.compile(
    r"\b(?:error|exception|traceback|not working|doesn't work|failed|undefined|cannot)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\b(?:i|i'm|i've|my|me|we|our)\b", re.IGNORECASE)
_MATHS = re.compile(r"\d\s*[-+*/=^]\s*\d|\\frac|\\sum|"
                    r"\b(?:how many|how much|probability|equation|integral|derivative)\b",
                    re.IGNORECASE)  # fmt: skip
_CHOICES = re.compile(r"^\s*(?:\(?[A-Da-d][).:]|[-*•]|\d+[.)])\s", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?。！？]+(?:\s+|$)|\n+")
_FOREIGN_ASK = re.compile(
    r"[¿؟？]|吗|呢|什么|怎么|为什么|如何|哪|か[。？]?$|なぜ|どう|何|"
    r"что|как|почему|какой|какая|сколько|зачем|ли "
)
_FOREIGN_MAKE = re.compile(
    r"写|翻译|生成|创建|帮我|请|してください|書いて|작성|напиши|сделай|создай|переведи|составь|придумай"
)


def cues(prompt: str, before: str = "", last_reply: str = "") -> npt.NDArray[np.float64]:
    """The cues of a prompt, in the order of `CUES`.

    Args:
        prompt: the last message of a user.
        before: the user's message before that, empty where there is none.
        last_reply: the reply that stands between them, empty where there is none.

    Returns:
        ``float64[len(CUES)]``, each about 0 to 1.
    """
    return np.array([float(value) for value in _cues(prompt, before, last_reply).values()])


def both_ends(text: str) -> str:
    """What of a text is looked at: all of it, or 4,000 characters at either end of a longer one.

    What comes out has the same cues as ``text``, and stays as it is when it is given again.
    """
    return text if len(text) <= 2 * _LONGEST else text[:_LONGEST] + "\n" + text[-_LONGEST:]


def _cues(prompt: str, before: str, last_reply: str) -> dict[str, float]:
    text = both_ends(prompt)
    sentences = [one for one in _SENTENCE_END.split(text) if one.strip()]
    words = _WORD.findall(text.lower())
    first = _leading(sentences[0] if sentences else "")
    last = _leading(sentences[-1] if sentences else "")
    starts = [_leading(one) for one in sentences[:40]]
    lead, end = first[:1], last[:1]
    stripped = text.strip()
    ends = stripped[-1:] in "?？؟"
    marks = sum(text.count(mark) for mark in "?？؟")
    head = sentences[0][:300] if sentences else ""
    return {
        "question_end": ends,
        "question_marks": min(marks, 3) / 3,
        "question_first": "?" in text[: len(head) + 2] and bool(head),
        "no_question": marks == 0,
        "lead_ask": _among(lead, _ASK),
        "lead_wh": _among(lead, _WH),
        "lead_make": _among(lead, _MAKE),
        "lead_tell": _among(lead, _TELL),
        "lead_feel": _among(_WORD.findall(head.lower())[:1], _FEEL),
        "lead_how": _among(lead, _OPEN),
        "lead_named": _among(first[:1], _NAMED),
        "end_ask": _among(end, _ASK),
        "end_make": _among(end, _MAKE),
        "end_tell": _among(end, _TELL),
        "any_make": any(_among(one[:1], _MAKE) for one in starts),
        "any_tell": any(_among(one[:1], _TELL) for one in starts),
        "any_ask": any(_among(one[:1], _WH) for one in starts),
        "make_near": _among(words[:6], _MAKE),
        "tell_near": _among(words[:6], _TELL),
        "artefact_head": bool(_ARTEFACTS.search(head)),
        "artefact": bool(_ARTEFACTS.search(text)),
        "sought_head": bool(_SOUGHT.search(head)),
        "sought": bool(_SOUGHT.search(text)),
        "polite": bool(_POLITE.match(text)),
        "persona": bool(_PERSONA.search(text)),
        "given": bool(_GIVEN.search(text)),
        "colon": ":" in text,
        "code": bool(_CODE.search(text)),
        "fault": bool(_FAULT.search(text)),
        "first_person": bool(_FIRST.search(text)),
        "first_person_head": bool(_FIRST.search(head)),
        "maths": bool(_MATHS.search(text)),
        "choices": bool(_CHOICES.search(text)),
        "all_feel": bool(words) and all(word in _FEEL for word in words[:8]) and len(words) <= 8,
        "feel_share": sum(word in _FEEL for word in words[:20]) / max(1, min(20, len(words))),
        "exclaims": stripped.endswith("!"),
        "foreign_ask": bool(_FOREIGN_ASK.search(text)),
        "foreign_make": bool(_FOREIGN_MAKE.search(text)),
        "length": min(math.log1p(len(words)) / 6, 1.5),
        "lines": min(math.log1p(text.count("\n")) / 3, 1.5),
        "short": len(words) < 4,
        "follows": bool(last_reply or before),
        "reply_asks": last_reply.rstrip().endswith("?"),
        "short_follow": len(words) < 8 and bool(last_reply or before),
        "before_asks": before.rstrip().endswith("?"),
        "before_makes": _among(_leading(before)[:1], _MAKE),
    }


def _leading(sentence: str) -> list[str]:
    """Words of a sentence from the first that says what is wanted."""
    words = _WORD.findall(sentence[:300].lower())
    at = 0
    while at < len(words) - 1 and words[at] in _BARE_POLITE:
        if words[at] in ("can", "could", "would", "will") and words[at + 1] not in ("you", "u"):
            break
        at += 1
    return words[at:]


def _among(words: list[str], known: frozenset[str]) -> bool:
    return any(word in known for word in words)


CUES = tuple(_cues("", "", ""))

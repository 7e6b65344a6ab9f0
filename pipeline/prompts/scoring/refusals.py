"""Answers that decline, by the first sentences they open with, in the languages most logs are in."""

from __future__ import annotations

import re

from pipeline.prompts.cleaning.words import word_count

__all__ = ["APOLOGY", "refusal"]

_HEAD = 400  # characters in which a refusal shows itself
_SHORT = 90  # words of an answer that declines and does no more
_LONG = 250  # words from which an answer has helped all the same

APOLOGY = re.compile(
    r"(?i)\b(?:i(?:'m| am)(?: (?:so|very|really|truly|deeply))? sorry|i (?:sincerely |deeply )?"
    r"apologi[sz]e|my (?:sincere )?apologies|sorry (?:for|about) (?:the|that|any|my)|apologies for|"
    r"es tut mir leid|entschuldig(?:e|en sie) (?:bitte )?(?:die|das)|lo siento|me disculpo|"
    r"je suis désolée?|je m'excuse|desculpe|mi dispiace|mi scuso)|извин(?:ите|яюсь)|прошу прощения"
    r"|很抱歉|对不起|非常抱歉|申し訳(?:ありません|ございません)|죄송합니다"
)

_CANNOT = (
    r"(?:(?:can ?not|can'?t|could ?n'?t|won'?t|will not|am not comfortable|'m not comfortable|do not feel "
    r"comfortable|don'?t feel comfortable|am not programmed|am not allowed|'m not allowed|refuse)\b)"
)
_UNABLE = r"(?:am|'m) (?:unable|not able) to\b|(?:must|have to) decline\b"
_HELP = (
    r"(?:help|assist|fulfil+|comply|provide|generate|create|write|engage|discuss|support|condone|"
    r"continue|do that|answer|complete|give|offer|share|produce|participate|respond|access|browse|"
    r"process|perform|accommodate|encourage|promote|facilitate|in good conscience)\b"
)
# Declines surely.
_FIRM = re.compile(
    r"(?i)\A\W{0,8}(?:"
    r"(?:(?:i'?m|i am)(?: \w{1,10})? (?:sorry|afraid)|sorry|i apologi[sz]e|my apologies|"
    r"unfortunately|regrettably|i regret)[^.!?\n]{0,80}?\b"
    rf"(?:i|we)(?: ?{_CANNOT}[^.!?\n]{{0,60}}?\b{_HELP}| ?(?:{_UNABLE}))"
    r"|(?:as|i'?m|i am|being)(?: just| only| merely| simply)? an? (?:responsible |large |helpful )?"
    r"(?:ai|artificial intelligence|language)[^!?\n]{0,160}?\b(?:i )?(?:can ?not|can'?t|unable|not "
    r"able|won'?t|do not have|don'?t have|not programmed|not capable|not appropriate|must decline)\b"
    rf"|i {_CANNOT} (?:\w{{1,12}} ){{0,3}}?{_HELP}[^.!?\n]{{0,80}}"
    r"(?:\b(?:that|this|your|such|with|request|content|any|illegal|harmful|instructions)\b)"
    r"|i (?:must|have to|need to) (?:respectfully )?decline"
    r"|(?:this|that|it|your request)(?: \w{1,12}){0,3} (?:goes against|violates) (?:my|openai|the "
    r"content|our)"
    r"|(?:es )?tut mir leid,? (?:aber )?[^.!?\n]{0,60}?\bkann (?:ich )?[^.!?\n]{0,60}?\bnicht\b"
    r"|(?:als|ich bin(?: nur)?) (?:ein |eine )?(?:ki|künstliche intelligenz)[^!?\n]{0,120}?"
    r"\b(?:kann ich|nicht in der lage|keine)\b"
    r"|lo siento,? (?:pero )?[^.!?\n]{0,40}?no (?:puedo|me es posible)"
    r"|como (?:un |una )?(?:modelo de lenguaje|ia|inteligencia artificial)[^!?\n]{0,120}?\bno\b"
    r"|(?:je suis )?désolée?,? (?:mais )?[^.!?\n]{0,40}?je ne (?:peux|suis) pas"
    r"|en tant qu(?:e|')[^!?\n]{0,60}?(?:ia|intelligence artificielle|modèle)[^!?\n]{0,120}?je ne "
    r"|(?:desculpe|sinto muito|lamento),? (?:mas )?[^.!?\n]{0,40}?não (?:posso|consigo)"
    r"|como (?:um |uma )?(?:modelo de linguagem|ia)[^!?\n]{0,120}?\bnão\b"
    r"|(?:mi dispiace|spiacente),? (?:ma )?[^.!?\n]{0,40}?non posso"
    r"|(?:извините|простите|к сожалению|прошу прощения),? (?:но )?[^.!?\n]{0,40}?(?:не могу|не в "
    r"состоянии)"
    r"|как (?:языковая модель|ии|искусственный интеллект|модель)[^!?\n]{0,120}?\bне\b"
    r"|(?:很抱歉|抱歉|对不起|對不起|不好意思)[^。！？\n]{0,30}?(?:无法|不能|不可以|無法|没有办法)"
    r"|作为(?:一个|一名)?(?:人工智能|ai|语言模型)[^。！？\n]{0,40}?(?:无法|不能|没有)"
    r"|(?:申し訳(?:ありません|ございません)|すみません|残念)[^。！？\n]{0,60}?(?:できません|できかねます|お答えでき)"
    r"|(?:죄송합니다|죄송하지만|유감)[^!?\n]{0,60}?(?:수 없|어렵습니다)"
    r"|(?:عذرا|آسف|متأسفم|معذرت)[^.!?\n]{0,60}?(?:لا (?:أستطيع|يمكنني)|نمی)"
    r"|(?:maaf|üzgünüm|xin lỗi|przykro mi|het spijt me)[^.!?\n]{0,60}?(?:tidak (?:dapat|bisa)|"
    r"yapamam|edemem|veremem|không thể|nie mogę|kan ik niet|kan niet)"
    r")"
)
# Speaks of itself first, which may be no more than a preface.
_PREFACE = re.compile(
    r"(?i)\A\W{0,8}(?:as|i'?m|i am|being)(?: just| only)? an? (?:\w{1,12} )?(?:ai|artificial "
    r"intelligence|language model)\b"
)
# It has no feelings, opinions or experience: a preface, whatever follows.
_NO_SELF = re.compile(
    r"(?i)\A[^.!?\n]{0,80}?\b(?:do not|don'?t|cannot|can'?t|does not|doesn'?t) (?:have|possess|feel|"
    r"experience) (?:\w{1,12} ){0,4}?(?:personal|emotions?|feelings?|opinions?|beliefs?|"
    r"experiences?|preferences?|favou?rites?|thoughts|consciousness|physical|body)\b"
)
_HELPS = re.compile(
    r"(?i)\b(?:however|but|instead|nevertheless|nonetheless|still|that said)\b[^.!?\n]{0,40}?\b(?:"
    r"i (?:(?:can|could)(?!'| ?not)|am able|would be happy)|here (?:is|are)|"
    r"here's|it is important to|let me)\b"
)


def refusal(text: str) -> float:
    """How far an answer declines: 1.0 in a few words, down to .3 where it goes on at length.

    What opens with "As an AI language model" and declines nothing counts half of that, and so does
    what offers help in the same breath ("however, I can …"); both, a quarter. Only the opening is
    read, so that a story in which somebody declines is none.

    Args:
        text: any string.
    """
    head = text[:_HEAD].lstrip().replace("’", "'")
    preface = _PREFACE.match(head) is not None
    firm = _FIRM.match(head) is not None and not (preface and _NO_SELF.match(head) is not None)
    if not firm and not preface:
        return 0.0
    words = min(word_count(text[: 20 * _LONG]), _LONG)
    beyond = max(0, words - _SHORT) / (_LONG - _SHORT)
    share = (1.0 if firm else 0.5) * (0.5 if _HELPS.search(head) is not None else 1.0)
    return share * (1.0 - 0.7 * beyond)

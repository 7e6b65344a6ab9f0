"""Wordings of jailbreaks and prompt injections, each under the name of its kind.

The kinds follow what was collected in the wild (Shen et al. 2023, "Do Anything Now"; Perez and
Ribeiro 2022, "Ignore Previous Prompt"; Greshake et al. 2023 on indirect injection). Every gap in a
pattern is bounded, so that the cost grows with the text's length alone.
"""

from __future__ import annotations

import re

__all__ = ["DISCUSSION", "KINDS", "NEEDED", "PATTERNS"]

# What each kind is, for a report.
KINDS: dict[str, str] = {
    "ignore_instructions": "asks to drop the instructions that came before",
    "dan": "Do Anything Now and personas named like it",
    "developer_mode": "pretends that the model has a developer mode without rules",
    "unrestricted_persona": "asks for an answer without rules, policies or morals",
    "refusal_suppression": "forbids to refuse or to warn",
    "system_prompt": "asks for the hidden instructions",
    "grandma": "a loved one who used to recite what is forbidden",
    "forged_role": "marks of a chat format, to speak as system or assistant",
    "encoded_instruction": "an instruction in base64, to be decoded and followed",
    "hidden_text": "an instruction in characters that nobody sees",
}

_GAP = r"[^.!?\n]"
_DROP = r"(?:ignore|disregard|forget|override|bypass|dismiss|do not follow|stop following)"
_BEFORE = r"(?:previous(?:ly)?|prior|preceding|earlier|foregoing|former|initial|original|existing)"
_ORDERS = (
    r"(?:instructions?|prompts?|rules?|directions?|directives?|guidelines?|commands|orders|"
    r"programming|constraints|training)"
)

_NO_RULES = (
    r"(?:restrictions?|filters?|filtering|limitations?|censorship|censoring|morals|morality|"
    r"ethics|ethical (?:guidelines|constraints|concerns)|content polic(?:y|ies)|safeguards|"
    r"guardrails|moral (?:guidelines|constraints))"
)

_SOURCES: dict[str, tuple[str, ...]] = {
    "ignore_instructions": (
        rf"\b{_DROP} (?:(?:all|any|every|each|of|the|your|these|those|and|other|system) ){{0,4}}"
        rf"{_BEFORE} (?:(?:system|given|safety|and|the|text|your|or|chat|conversation) ){{0,3}}"
        rf"{_ORDERS}\b",
        rf"\b{_DROP} (?:(?:all|any|every|of|the|your) ){{1,4}}"
        r"(?:(?:system|safety|openai|default|internal|built-in) ){1,2}"
        rf"{_ORDERS}\b",
        rf"\b{_DROP} (?:(?:all|any|of|the|your) ){{0,3}}{_ORDERS} "
        r"(?:(?:that )?(?:you|i|we)(?: have been| were| ha[sd]|'ve)? (?:given|received|gave|told)|"
        r"above|before this|prior to this)\b",
        rf"\b{_DROP} (?:(?:all|of) ){{0,2}}(?:the )?(?:above|previous|preceding) ?"
        rf"(?:{_ORDERS}|text)?,? (?:and|then) "
        r"(?:instead|say|print|output|reveal|repeat|tell|write|translate|show)\b",
        r"\bforget (?:everything|all) (?:that )?you(?:'ve| have| were| had)? (?:been )?"
        r"(?:told|instructed|taught|programmed|trained)\b",
        r"\bignoriere? (?:alle )?(?:bisherigen|vorherigen|vorigen|obigen) "
        r"(?:anweisungen|instruktionen|befehle|regeln)\b",
        r"\bignore[zs]? (?:toutes )?les instructions (?:précédentes|antérieures|ci-dessus)",
        r"\bignor[ae] (?:todas )?(?:las|as) instruc(?:ciones|ções) (?:anteriores|previas)",
        r"игнорируй(?:те)? (?:все )?(?:предыдущие|прошлые) (?:инструкции|указания)",
        r"忽略(?:之前|以上|上面|先前|前面)?(?:的)?所有(?:之前|以上|先前)?的?(?:指令|指示|提示)",
        r"忽略(?:之前|以上|上面|先前|前面)的?(?:所有)?的?(?:指令|指示|提示)",
        r"(?:これまで|以前|上記)の(?:すべての|全ての)?(?:指示|命令)を(?:すべて)?無視",
    ),
    "dan": (
        r"\bdo anything now\b",
        # Capitals: a person called Dan is none.
        r"(?-i:\b(?:as|AS|be|BE|called|named|you are|You are|pretend to be|acting as|like) "
        r"[\"'“]?(?:a )?(?:DAN|STAN|DUDE|AIM|BetterDAN|ChadGPT|EvilBOT|JailBreak|AntiGPT)\b"
        r"(?! (?:BROWN|Brown|[A-Z][a-z]+))[\"'”]?)",
        r"(?-i:\bDAN (?:mode|Mode|prompt|will|can|does|has no|is free|is not bound)\b)",
        r"(?-i:(?:^|\n)[ \t]*\[?(?:DAN|JAILBREAK|🔓ANTI-DAN|🔓JAILBREAK)\]?:)",
        r"\bjailbreak(?: mode)? (?:enabled|activated)\b|\byou (?:are|have been) (?:now )?jailbroken\b",
        r"\balways intelligent and machiavellian\b|\bevil[- ](?:trusted )?confidant\b",
        r"\bstay in (?:dan|jailbreak) (?:mode|character)\b|\bstay a dan\b",
    ),
    "developer_mode": (
        r"\b(?:chatgpt|gpt-?[34]?|ai|model|assistant|you|your|bot|respond|response|answer|output)\b"
        rf"{_GAP}{{0,80}}\b(?:developer|debug|god|sudo|maintenance) mode\b",
        rf"\b(?:developer|god|sudo) mode\b{_GAP}{{0,80}}\b(?:chatgpt|gpt-?[34]?|ai|your responses?|"
        r"you (?:will|can|must|are)|respond|openai|content polic|without (?:any )?"
        rf"{_NO_RULES})",
        r"(?-i:Developer Mode (?:Output|enabled))|🔓 ?developer mode",
    ),
    "unrestricted_persona": (
        r"\b(?:act|behave|respond|answer|reply|pretend|roleplay|write|speak|operate|function|ai|"
        rf"model|chatbot|assistant|persona|character|you)\b{_GAP}{{0,100}}"
        r"\b(?:without|no|free (?:from|of)|not bound by|unbound by|ignores?|ignoring|bypass(?:es)?) "
        r"(?:(?:any|all|the|your|openai'?s?|ethical|moral|legal|safety|usual|typical|of|or|"
        rf"content|and) ){{0,5}}{_NO_RULES}\b(?! on (?!what|your|content))",
        r"\bbroken free of the (?:typical )?confines of ai\b",
        r"\b(?:unfiltered|uncensored|amoral|unrestricted) (?:and \w{1,20} )?"
        r"(?:ai|chatbot|bot|assistant|language model|chatgpt|gpt|persona)\b",
        rf"\b(?:never|not) bound by {_GAP}{{0,40}}\b(?:openai|polic(?:y|ies)|rules)\b",
    ),
    "refusal_suppression": (
        r"\b(?:never|do not|don'?t|must not|can ?not|without|avoid) (?:ever )?"
        r"(?:say(?:ing)?|use|using|write|writing|start with|includ(?:e|ing)|mention(?:ing)?) "
        rf"(?:that |the )?{_GAP}{{0,30}}(?:you (?:can'?t|cannot|are not able to|are unable to)\b|"
        r"['\"“]?(?:i'?m sorry|i cannot|i can'?t|as an ai)\b|apolog|disclaimers?\b)",
        r"\b(?:you )?(?:must|will|can|should|may) (?:never|not) (?:refuse|decline|reject|deny)"
        r" (?:to |any |an |a |my |user |human )",
        r"\bnever refuse (?:a|any|to|my|the)\b",
        r"\b(?:start|begin) (?:your (?:response|answer|reply) )?with [\"'“](?:sure|absolutely|of "
        r"course)[,! ]",
    ),
    "system_prompt": (
        r"\b(?:reveal|show|print|repeat|output|display|tell me|give me|leak|disclose|expose|share|"
        r"copy|write out|what (?:is|are|was|were|does)|list|recite|dump)\b"
        rf"{_GAP}{{0,40}}\byour (?:\w{{1,12}} ){{0,2}}"
        r"(?:system|initial|hidden|original|secret|pre-?|internal|confidential|first|developer) ?"
        r"(?:prompts?|instructions?|messages?|rules|guidelines|directives?)\b",
        r"\b(?:repeat|print|output|write|copy|say|return) (?:\w{1,10} ){0,2}(?:all )?"
        r"(?:everything|the (?:words|text|content|instructions|prompt|message)s?|all of the text) "
        r"(?:above|before this|preceding|prior to this)\b"
        rf"(?={_GAP}{{0,80}}(?:starting|begin|you are|verbatim|code ?block|word for word|exactly|"
        r"prompt)|[.!?\n]?\s*\Z)",
        r"\bwhat (?:is|was|are|were) (?:written|said|the text) (?:at the beginning of|above in) "
        r"(?:this (?:document|conversation)|the prompt)\b",
    ),
    "grandma": (
        rf"\b(?:act|pretend|role-?play|behave|be|play|imagine|you are|you're)\b{_GAP}{{0,60}}"
        r"\b(?:grand(?:ma|mother|pa|father|mom)|granny|nana|late (?:mother|father|wife|husband))\b"
        r"[^\n]{0,80}?\b(?:used to|would (?:always )?(?:read|tell|recite|sing)|always told|"
        r"telling me|reads? me)\b",
    ),
    "forged_role": (
        r"<\|(?:im_start|im_end|system|assistant|endoftext|eot_id|start_header_id)\|>",
        r"<<SYS>>|\[/?INST\]|\[system\]\(#|</?(?:system|system_prompt|system-reminder)>",
        r"(?:^|\n)#{2,4} ?(?:system|new instructions?)(?: prompt)?:",
        r"(?:^|\n)[ \t]*(?:system|admin)(?: override| message)?: (?=[^\n]{0,80}\byou (?:are|must|will)"
        r"\b)",
    ),
}

PATTERNS: dict[str, re.Pattern[str]] = {
    name: re.compile("|".join(f"(?:{source})" for source in sources), re.IGNORECASE)
    for name, sources in _SOURCES.items()
}

# A text without any of these, in lower case, holds no match of the kind: most texts cost no more.
NEEDED: dict[str, tuple[str, ...]] = {
    "ignore_instructions": (
        *(
            "instruct",
            "prompt",
            "rules",
            "direct",
            "guideline",
            "commands",
            "orders",
            "programming",
        ),
        *(
            "constraints",
            "training",
            "text",
            "above",
            "previous",
            "preceding",
            "forget",
            "anweisung",
        ),
        *("instruktion", "befehl", "regeln", "instruc", "инструкц", "указани", "忽略", "無視"),
    ),
    "dan": (
        *(
            "do anything now",
            "dan",
            "stan",
            "dude",
            "aim",
            "chadgpt",
            "evilbot",
            "jailbr",
            "antigpt",
        ),
        *("machiavellian", "confidant"),
    ),
    "developer_mode": ("developer mode", "debug mode", "god mode", "sudo mode", "maintenance mode"),
    "unrestricted_persona": (
        *("restrict", "filter", "limitation", "censor", "moral", "ethic", "polic", "safeguard"),
        *("guardrail", "confines", "bound by"),
    ),
    "refusal_suppression": (
        *("you can", "you are", "sorry", "i can", "as an ai", "apolog", "disclaimer", "refuse"),
        *("decline", "reject", "deny", "sure", "absolutely", "of course"),
    ),
    "system_prompt": (
        *("prompt", "instruction", "message", "rules", "guideline", "directive", "above", "before"),
        *("preceding", "prior to"),
    ),
    "grandma": (
        "grand",
        "granny",
        "nana",
        "late mother",
        "late father",
        "late wife",
        "late husband",
    ),
    "forged_role": (
        "<|",
        "<<sys",
        "inst]",
        "[system]",
        "system>",
        "_prompt>",
        "reminder>",
        "#",
        ": ",
    ),
}

# Around a quotation: it is talked of, and nobody is told to do what it says.
DISCUSSION = re.compile(
    r"(?i)\b(?:prompt[- ]injections?|jailbreak(?:s|ing|ers)? (?:prompts?|attacks?|attempts?|work)|"
    r"jailbreaking|what (?:does|do|is|would|happens)|why (?:does|do|is|would|did)|explain|mean(?:s|"
    r"ing)?|examples?|such as|e\.g\.|detect|prevent|protect|defend|against|classif|filter|phrases?|"
    r"sentences?|translate|grammar|the (?:words?|strings?|texts?|prompts?|phrases?)|attacks?|"
    r"vulnerab|security|mitigat|test case|unit test|regex|dataset|label|article|paper|book|"
    r"blog|novel|story|comment|email|summari[sz]e|research|how does|studied|red[- ]team)"
)

"""Texts composed for this project, on either side of every bound of the four heuristic families.

``python tests/golden/filter_texts.py > TEXTS.jsonl`` writes them for
``benchmarks/peers/datatrove_filters.py``, whose output is ``datatrove_filters.jsonl`` beside this
file: datatrove 0.10.1's verdicts, so that agreement is tested where datatrove is not installed.
"""

from __future__ import annotations

import json
import random
import re
import sys

_SUBJECTS = "The miller|A boatman|Her aunt|The lock keeper|Our neighbour|Some child|The old mule"
_VERBS = "carried|counted|mended|sold|hid|weighed|painted|lost|found|measured|ground|forgot"
_OBJECTS = "two sacks of barley|the sluice gate|a letter|the loaves that we baked"
_OBJECTS += "|an oak wheel|a basket of eels|the keys to the granary|nine brass bells"
_PLACES = "by the river|before dawn|in the rain|behind the chapel|at the autumn fair|for the mayor"
_PLACES += "|of all things|near Co. Meath|for $3.50 a pound|with Mr. Lambert|on 3 May 1891"
_SYLLABLES = "ba|de|fi|go|lu|ma|ne|po|ri|sa|te|vo|wy|ken|lor|dun|mar|tes|quil|bran"
_ENDS = [".", ".", ".", "!", "?", '."', "...", "", ":", " [1].", ".[2] [3]", " :)", "…"]
_ODD = [
    "Please enable JavaScript to see the map of the canal.",
    "Read our privacy policy before you order any flour.",
    "function grind(corn) { return flour; }",
    "Lorem ipsum dolor sit amet, consectetur.",
    "Home | Shop | About | Contact",
    "# heading # of # the # page",
    "- oats",
    "• barley ...",
    "1,000 / 2,500 = 40 %",
    "foo:) )  boys' cause :( (8 o.O >.<",
    "    ",
    "\u201cGround fine,\u201d she said \u2014 twice.",
    "水車小屋で粉を挽く。",
    "Мельник считал мешки у реки.",
    "[edit] [4] [citation needed]",
    "a" * 1001 + " is long for a word",
    "isn't it what they've said we'd do?",
    "The end\u2028of the line\x0bis not\x85always clear.",
]


def _name(draw: random.Random) -> str:
    return "".join(draw.choice(_SYLLABLES.split("|")) for _ in range(draw.randint(2, 3))).title()


def _sentence(draw: random.Random, ends: list[str]) -> str:
    subject, verb, thing, place = (
        draw.choice(words.split("|")) for words in (_SUBJECTS, _VERBS, _OBJECTS, _PLACES)
    )
    names = [_name(draw) for _ in range(7)]
    return (
        f"{subject} of {names[0]} and {names[1]} {verb} {thing} to {names[2]} {names[3]} "
        f"{place} with {names[4]} and {names[5]} the {names[6]}{draw.choice(ends)}"
    )


def _page(seed: int) -> str:
    """A page of lines; how regular, repetitive and odd it is depends on the seed."""
    draw = random.Random(seed)
    ends = _ENDS if seed % 2 else ["."]
    oddness, repetition = draw.choice([0, 0.02, 0.2]), draw.choice([0, 0.004, 0.02, 0.1, 0.4])
    short = draw.choice([0, 0, 0.1, 0.6, 0.75])
    lines: list[str] = []
    for _ in range(draw.randint(1, 60)):
        chance = draw.random()
        if lines and chance < repetition:
            lines.append(draw.choice(lines))
        elif chance < repetition + oddness:
            lines.append(draw.choice(_ODD))
        elif draw.random() < short:
            lines.append(draw.choice(_OBJECTS.split("|"))[: draw.randint(3, 31)])
        else:
            lines.append(" ".join(_sentence(draw, ends) for _ in range(draw.randint(1, 4))))
    breaks = draw.choice(
        [["\n"], ["\n"], ["\n", "\n\n"], ["\n\n", "\n\n\n"], ["\n", "\r\n", "\n \n"]]
    )
    return "".join(line + draw.choice(breaks) for line in lines)[: draw.choice([None, -1])]


def _running(sentences: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return [f"{_sentence(draw, [''])} for time {number}." for number in range(sentences)]


def _bounds() -> dict[str, str]:
    """Texts that stand just inside and just outside one bound each."""
    prose = _running(30)
    texts = {
        "empty": "",
        "spaces": "   ",
        "newlines": "\n\n\n",
        "one word": "barley",
        "three words": "barley and oats",
        "prose": " ".join(prose),
        "prose in lines": "\n".join(prose),
    }
    for words in (48, 49, 50, 51):
        texts[f"{words} words"] = " ".join((" ".join(prose)).replace(".", "").split()[:words])
    for lines in (2, 3, 4, 5, 6):
        texts[f"{lines} sentences"] = " ".join(prose[:lines])
    for marks in (0, 40, 60, 70, 72, 74, 76, 78, 80, 84, 88, 92, 120, 160):
        texts[f"{marks} hashes"] = " ".join(prose) + " #" * marks
        texts[f"{marks} ellipses"] = " ".join(prose) + " …" * marks
        texts[f"{marks} numbers"] = " ".join(prose) + " 7" * 2 * marks
        texts[f"{marks} letters"] = " ".join(prose) + " a" * 10 * marks
        texts[f"{marks} long words"] = " ".join(prose) + " miller-river-granary_wheel" * marks
    for share in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 27, 28, 29, 30):
        listed = [f"- {line}" if at < share else line for at, line in enumerate(prose)]
        texts[f"{share} bullets"] = "\n".join(listed)
        trailing = [f"{line}.." if at < share else line for at, line in enumerate(prose)]
        texts[f"{share} lines end in dots"] = "\n".join(trailing)
        bare = [line[:-1] if at >= share else line for at, line in enumerate(prose)]
        texts[f"{share} lines end in stops"] = "\n".join(bare)
        brief = [line[:30] if at < share else line for at, line in enumerate(prose)]
        texts[f"{share} short lines"] = "\n".join(brief)
        texts[f"{share} repeated lines"] = "\n".join(prose + prose[:share])
        texts[f"{share} repeated paragraphs"] = "\n\n".join(prose + prose[:share])
        again = " ".join(prose[0].split()[:11])
        texts[f"{share} repeated phrases"] = " ".join(f"{line} {again}" for line in prose[:share])
        spread = [f"{line} {again if at < share else ''}" for at, line in enumerate(prose)]
        texts[f"{share} spread phrases"] = " ".join(spread)
        texts[f"{share} pairs"] = " ".join(prose) + " red mill" * share * 2
        texts[f"{share} breaks"] = "\n" * share * 6 + " ".join(prose) + "\n" * share * 6 + "x"
    for single in range(520, 1000, 20):
        unique = [f"w{number:04}" for number in range(single)]
        phrase = " ".join(unique[:10])
        parts = [" ".join(unique[at : at + 25]) for at in range(10, single, 25)]
        repeating, rest = f" {phrase} ".join(parts[:16]), " ".join(parts[16:])
        texts[f"16 phrases in {single} words"] = repeating + rest
    plain = re.sub(r"\b(the|be|to|of|and|that|have|with)\b", "xi", " ".join(prose))
    texts["no stop word"] = plain
    texts["a stop word"] = f"{plain} Be to. Of"
    texts["two stop words"] = f"{plain} Be to the"
    for at, odd in enumerate(_ODD):
        texts[f"odd {at} first"] = "\n".join([odd, *prose[:12]])
        texts[f"odd {at} alone"] = odd
        texts[f"odd {at} with javascript"] = "\n".join([*prose[:12], f"{odd} javascript {odd}"])
        texts[f"odd {at} with cookies"] = "\n".join([*prose[:12], f"we use cookies {odd}"])
    texts["citations at the end"] = " ".join(prose[:4]) + " [1] [2]"
    texts["citations in a line"] = "\n".join([*prose[:3], "[1] [2] [3]", prose[3]])
    return texts


TEXTS = _bounds() | {f"page {seed}": _page(seed) for seed in range(300)}


if __name__ == "__main__":
    for name, text in TEXTS.items():
        sys.stdout.write(json.dumps({"id": name, "text": text}) + "\n")

"""An invented audit: manifest and findings as an audit leaves them, about items that no benchmark has."""

from __future__ import annotations

import copy
import difflib
import functools
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from audits.findings import Finding, Kind
from audits.items import Item
from audits.outcome.files import CURVE, contamination
from audits.outcome.gate import Gate
from audits.outcome.impact import headline, impact
from audits.outcome.results import Results
from classifiers.evaluate import proportion

THRESHOLD = 0.9
GATE = "millmath>0.1%,any:verbatim>40"
NAMES = ("Odile", "Bram", "Sunniva", "Tadeo", "Wilhelmina", "Yusuf", "Ingrid", "Pavel", "Noor")
GOODS = ("rye loaves", "jars of plum jam", "bundles of kindling", "wheels of cheese", "clay tiles")
PLACES = ("the Thursday market", "a ferry landing", "the mill gate", "her aunt's orchard")
SUBJECTS = ("hydrology", "guild_law", "metallurgy", "seafaring")
FACTS = (
    ("Which force makes the stone of an overshot water mill turn?",
     ("the weight of the water in the buckets", "the speed of the tail race",
      "the heat of the bearing", "the pull of the counterweight"),
     "So why does the wheel turn at all? People say the stream pushes it. It does not: it is the "
     "weight of the water in the buckets that makes the stone of an overshot mill turn."),
    ("A blacksmith quenches a chisel in oil instead of water. What does that mainly prevent?",
     ("cracks from uneven cooling", "loss of carbon", "rust on the tang", "a soft edge"),
     "If you quench your chisel in oil rather than in water, what you mainly avoid is cracks from "
     "uneven cooling. I ruined three before somebody told me."),
    ("Under the harbour rules of a free port, who pays for goods that are thrown overboard to save "
     "the ship?",
     ("all owners in proportion", "the captain alone", "the owner of those goods",
      "the insurer of the hull"),
     "Who pays when cargo goes overboard to save the ship? In a free port the loss is shared: all "
     "owners in proportion, under the harbour rules."),
)  # fmt: skip
CODE = '''def longest_quiet_run(levels, limit):
\t"""Return the length of the longest run of `levels` that are all below `limit`.

\t>>> longest_quiet_run([3, 9, 2, 1, 8], 5)
\t2
\t"""
'''


def spans(item: str, text: str) -> list[list[int]]:
    """Equal runs of two words and more."""
    sides = [[match.span() for match in re.finditer(r"\S+", one)] for one in (item, text)]
    words = [
        [one[start:end].casefold().strip(".,?") for start, end in side]
        for one, side in zip((item, text), sides, strict=True)
    ]
    matcher = difflib.SequenceMatcher(None, *words, autojunk=False)
    return [
        [sides[0][a][0], sides[0][a + n - 1][1], sides[1][b][0], sides[1][b + n - 1][1]]
        for a, b, n in matcher.get_matching_blocks()
        if n > 1
    ]


def audit(findings: int = 300, seed: int = 3) -> tuple[dict[str, Any], list[Finding]]:
    """A manifest and its findings; the same for the same arguments, and the caller's own."""
    return copy.deepcopy(_audit(findings, seed))


@functools.cache
def _audit(findings: int, seed: int) -> tuple[dict[str, Any], list[Finding]]:
    draw = np.random.default_rng(seed)
    sizes = {"millmath": 1319, "guild_qa": 4200, "quietcode": 164, "versmass": 250}
    items = [
        Item(name, f"test/{at}", "q", subject=SUBJECTS[at % 4] if name == "guild_qa" else "")
        for name, size in sizes.items()
        for at in range(size)
    ]
    made = [
        one
        for at in range(findings)
        for one in (_finding(at, draw), *([_other(at, draw)] if at % 4 == 0 else []))
    ]
    figures = contamination(made, items, CURVE)
    leaked = {(one.benchmark, one.item) for one in made if one.leak}
    scores = {
        (one.benchmark, one.id): float(
            draw.random() < (0.96 if (one.benchmark, one.id) in leaked else 0.83)
        )
        for one in items
        if one.benchmark != "versmass"
    }
    found = impact(Results(scores, {}, {}, ()), made, items, resamples=200)
    return _manifest(figures, found, items, made), made


def _manifest(figures: Any, found: Any, items: list[Item], made: list[Finding]) -> dict[str, Any]:
    benchmarks = {}
    for at, (name, one) in enumerate(figures.items()):
        mine = [finding for finding in made if finding.benchmark == name]
        unchecked = {"too_short": 3 * at, "public_passage": 11} if at % 2 else {}
        benchmarks[name] = {
            **one.to_json(),
            "source": f"benchmarks/{name}/test.jsonl",
            "revision": "9f2c1e7" if at % 2 else "",
            "sha256": f"{at + 11:02d}c4" * 16,
            "faults": [f"test.jsonl:{row}: has no question" for row in range(3)] if at == 1 else [],
            "threshold": THRESHOLD,
            "coverage": {
                "lexical": {"checked": one.items - sum(unchecked.values()), "not": unchecked},
                "semantic": {
                    "checked": 0 if name == "versmass" else one.items,
                    "not": {"language": one.items} if name == "versmass" else {},
                },
                "answer": {"checked": one.items - 40, "not": {"no_answer": 40}},
                "unchecked": unchecked,
            },
            "not_leaks": {
                "altered": len({one.item for one in mine if one.type is Kind.ALTERED}),
                "same-topic": sum(one.type is Kind.SAME_TOPIC for one in mine),
            },
        }
    return {
        "gristmill": "0.1.0",
        "corpus": {
            "inputs": {
                f"crawl/part-{part:05d}.parquet": {"bytes": 512_345_678 + part, "parts": 3}
                for part in range(4)
            },
            "rows": 182_340, "documents": 182_311, "quarantined": {"null_text": 21, "not_json": 8},
            "characters": 612_004_118, "passages": 2_104_551, "embedded": 61_204,
        },
        "settings": {
            "encoder": {"name": "all-MiniLM-L6-v2", "sha256": "53aa51172d142c89", "dtype": "bf16",
                        "languages": ["en"]},
            "prescreen": True, "false_positive_rate": 0.001, "window_words": 64,
        },
        "benchmarks": benchmarks,
        "suppressed": [
            {"words": words, "documents": documents, "hits": hits}
            for words, documents, hits in (
                ("all rights reserved by the", 40_120, 12),
                ("which of the following is true", 8_451, 88),
                ("how many are left in total", 1_090, 31),
            )
        ],
        "suppressed_total": {"ngrams": 3, "hits": 131},
        "prescreen": {"passages": 2_104_551, "embedded": 61_204, "skipped_share": 0.971,
                      "recall": proportion(494, 500).to_json()},
        "impact": found.to_json(),
        "headline": headline(found),
        "self_test": _self_test(),
        "gate": {"expression": GATE, "failures": Gate.parse(GATE, figures).failures(figures)},
        "seconds": 412.7,
    }  # fmt: skip


def _self_test() -> dict[str, Any]:
    rows = [
        ("verbatim", "own paragraph", 200, 200, (995, 1000)),
        ("verbatim", "inline", 199, 200, (992, 1000)),
        ("verbatim", "hard-wrapped", 200, 200, (994, 1000)),
        ("near-verbatim", "typos", 197, 200, (990, 1000)),
        ("near-verbatim", "choices shuffled", 181, 200, (988, 1000)),
        ("paraphrase", "from labelled pairs", 171, 200, (842, 1000)),
        ("translation", "de, fr, zh", 96, 200, None),
        ("answer-explained", "without the question", 104, 200, (510, 1000)),
    ]
    return {
        "documents": 1600,
        "kinds": [
            {
                "kind": kind,
                "form": form,
                "recall": proportion(found, of).to_json(),
                "expected": None if expected is None else proportion(*expected).to_json(),
            }
            for kind, form, found, of, expected in rows
        ],
        "clean": {"documents": 2000, "flagged": 1, "rate": proportion(1, 2000).to_json()},
        "precision": proportion(1148, 1149).to_json(),
    }


def _finding(at: int, draw: np.random.Generator) -> Finding:
    """A leak, or nearly one."""
    turn = at % 10
    if turn < 5:
        return _sum(at, draw)
    if turn < 9:
        return _fact(at, draw)
    other = CODE.replace("longest_quiet_run", f"longest_quiet_run_{at}")
    text = f"# from my notes\n\n{other.replace('length', 'size')}\treturn best\n"
    return _made(
        "quietcode", f"test/{at // 10}", other, text, Kind.NEAR_VERBATIM, 0.97, at, answer=True
    )


def _sum(at: int, draw: np.random.Generator) -> Finding:
    name, goods, place = NAMES[at % 9], GOODS[at % 5], PLACES[at % 4]
    many, sold, price = (int(value) for value in draw.integers(6, 90, 3))
    item = (
        f"{name} takes {many + sold} {goods} to {place}. By noon {sold} of them are sold for "
        f"{price} crowns each. How many {goods} does {name} carry home, and how many crowns?"
    )
    text, kind, sure = (
        (item, Kind.VERBATIM, 0.999),
        (f"Homework 4, question {at}. " + item.replace(" By", "\n    By").replace("crowns", "crown"),
         Kind.NEAR_VERBATIM, 0.985),
        (f"{name} set out for {place} with {many + sold} {goods} on the cart. Before midday, {sold} "
         f"had found a buyer at {price} crowns apiece. What number of {goods} came back with "
         f"{name}, and what did {name} earn?", Kind.PARAPHRASE, 0.93 + 0.06 * draw.random()),
        (f"{name} bringt {many + sold} Stück nach {place}. Bis Mittag sind {sold} davon verkauft, "
         f"jedes für {price} Kronen. Wie viele trägt {name} wieder heim, und wie viele Kronen?",
         Kind.TRANSLATION, 0.88 + 0.1 * draw.random()),
        (f"The answer is {many} left and {sold * price} crowns: subtract what was sold, then "
         f"multiply {sold} by {price}. Do not forget that {name} keeps the rest.",
         Kind.ANSWER_EXPLAINED, 0.86 + 0.1 * draw.random()),
    )[(at // 10 + at) % 5]  # fmt: skip
    return _made("millmath", f"test/{at}", item, text, kind, sure, at, answer=at % 3 == 0)


def _fact(at: int, draw: np.random.Generator) -> Finding:
    question, choices, explained = FACTS[at // 2 % 3]
    letters = "\n".join(f"{letter}. {one}" for letter, one in zip("ABCD", choices, strict=True))
    item = f"{question}\n{letters}"
    text, kind, sure = (
        (f"{item}\nAnswer: A", Kind.VERBATIM, 1.0),
        (explained, Kind.PARAPHRASE, 0.9 + 0.09 * draw.random()),
        (f"Posted by {NAMES[at % 9]}: {explained}", Kind.PARAPHRASE, 0.8 + 0.15 * draw.random()),
    )[at % 7 % 3]
    return _made("guild_qa", f"test/{at // 2}", item, text, kind, sure, at, answer=True)


def _other(at: int, draw: np.random.Generator) -> Finding:
    """Close to an item, and no leak."""
    if at % 8:
        one = _sum(at, draw)
        item = one.evidence["item_text"]
        text = re.sub(r"\d+", lambda found: str(int(found[0]) + 7), item)
        return _made("millmath", one.item, item, text, Kind.ALTERED, 0.2, at, answer=False)
    question, _, _ = FACTS[at % 3]
    text = "The mill museum opens on Sundays; its wheel was restored by the guild in the nineties."
    return _made("guild_qa", f"test/{at}", question, text, Kind.SAME_TOPIC, 0.04, at, answer=False)


def _made(
    benchmark: str, item: str, item_text: str, text: str, kind: Kind, sure: float, at: int, *,
    answer: bool,
) -> Finding:  # fmt: skip
    runs = spans(item_text, text)
    return Finding(
        benchmark=benchmark,
        item=item,
        document=f"<urn:uuid:{at * 7919 % 65536:04x}-5a1e-4c0f>",
        url=f"https://forum.example/thread/{at}?page={at % 5 + 1}" if at % 6 else "",
        start=211 * at,
        end=211 * at + len(text),
        type=kind,
        probability=round(float(sure), 4),
        leak=kind.leak and sure >= THRESHOLD,
        answer=answer,
        evidence={
            "item_text": item_text,
            "text": text,
            "spans": runs,
            "cosine": 0.61 + 0.38 * sure,
            "aligned_weight": round(0.5 + sure / 2, 3),
            "numbers_agree": kind is not Kind.ALTERED,
            "longest_run_words": max((len(text[c:d].split()) for *_, c, d in runs), default=0),
        },
    )


def hostile_texts() -> Iterator[str]:
    """What strangers may write, each of another kind."""
    script = "document.title='TAKEN';document.body.id='taken'"
    yield from (
        f"<script>{script}</script>",
        f'</div></main><img src=x onerror="{script}"><svg onload={script}>',
        f"</style></title><script>{script}</script>{{{{ 7 * 7 }}}}",
        f"\"><iframe srcdoc='<script>{script}</script>'></iframe><input autofocus onfocus={script}>",
        "user\u202egnp.exe\u2066 and \x1b[2J\x07 \ud800 \u2028 line",
        "w" * 100_000,
        "<details open ontoggle=" + script + "><summary>x</summary></details>",
        "<meta http-equiv=refresh content='0;url=javascript:" + script + "'><base href=//evil>",
    )


def hostile_audit() -> tuple[dict[str, Any], list[Finding]]:
    """An audit of which strangers wrote every text."""
    manifest, findings = audit(20)
    texts = list(hostile_texts())
    wild = [
        Finding(
            "guild_qa", text, text, f"javascript:{text}", 0, 9, Kind.PARAPHRASE, 0.95, True, True,
            {"item_text": text, "text": other, "spans": [[0, 9, 2, 8], [5, 10**9, 3, 10**9]],
             text: other, "note": text},
        )
        for text, other in itertools.pairwise([*texts, texts[0]])
    ]  # fmt: skip
    text = texts[0]
    for name, one in list(manifest["benchmarks"].items()):
        one["source"], one["revision"], one["sha256"] = text, texts[1], texts[2]
        one["faults"] = list(texts)
        one["coverage"]["unchecked"] = {text: 1}
        manifest["benchmarks"][f"{name} {text}"] = one
    manifest["suppressed"].append({"words": texts[5], "documents": 1, "hits": 1})
    manifest["corpus"]["inputs"] = {text: {"bytes": 1, "parts": 1} for text in texts}
    manifest["corpus"]["quarantined"] = dict.fromkeys(texts, 1)
    manifest["settings"] = {text: {text: texts} for text in texts}
    manifest["headline"] = "\n".join(texts)
    manifest["gristmill"] = text
    manifest["gate"] = {"expression": text, "failures": texts}
    for part in manifest["impact"]["parts"]:
        part["benchmark"], part["subject"] = f"{part['benchmark']} {text}", part["subject"] and text
    for one in manifest["self_test"]["kinds"]:
        one["kind"] = one["form"] = text
    return manifest, findings + wild

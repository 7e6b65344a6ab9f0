"""How often the language of a text is told right, by set and length, and what a filter then drops.

Two methods beside each other: ``lid.176``, the model's own answer on the whole text (what the
`language` filter takes for web pages), and ``prose`` (what it takes for prompts, with
``prose=True``). A text called "und" counts as wrong in ``right``, and not at all in ``right where
told``. Brackets hold Wilson's 95 % intervals.

Rules and bounds were chosen on one half of the sets marked *, by a hash of the item, so that all
translations of an item are in one half. Figures are of the other half of these, and of the whole
of the other sets, which served no choice; only that 200 characters are enough was seen on the
texts that are reported. A set's language is what its makers say: some English
sets hold a prompt in another language now and then. Run it with the folder of the shared data::

    python benchmarks/language_accuracy.py ../shared/data [--every-set]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from language_sets import CHOSEN_ON, LENGTHS, Text, code_prompts, cut, half, sets, web
from measure import machine

from classifiers.evaluate import proportion
from classifiers.language import UNDETERMINED, LanguageIdentifier
from pipeline.filters import Language
from pipeline.filters.base import Filter

METHODS = {"lid.176": LanguageIdentifier(), "prose": LanguageIdentifier(prose=True)}
FILTERS = {
    "score ≥ .65": Language(),
    "prose": Language(prose=True),
    "prose, characters=200": Language(prose=True, characters=200),
}
TRANSLATED = ("mgsm", "xquad_questions", "xquad_passages")
# What is said to voice assistants and to a bank's chat, most of it under 60 characters.
COMMANDS = ("clinc150", "hwu64", "snips", "banking77")
# Sets of code, of tweets and of text messages, whose English is their own: not among the prompts.
OTHER_ENGLISH = ("mbpp", "mbpp_code", "humaneval", "davidson", "sms_spam", "toxic_spans", "gsm8k")
ROUNDS = 5
TWO_KB = 2000


def share(hits: Sequence[bool]) -> str:
    """A share of the texts and its interval."""
    found = proportion(sum(hits), len(hits))
    return f"{found.value:.4f} [{found.low:.3f}, {found.high:.3f}]" if hits else "–"


def reported(texts: Mapping[str, list[Text]]) -> dict[str, list[Text]]:
    """Of each set what served no choice."""
    return {
        name: [text for text in found if name not in CHOSEN_ON or half(text.item) == 1]
        for name, found in texts.items()
    }


def shown(name: str) -> str:
    return f"{name} *" if name in CHOSEN_ON else name


def label_row(head: str, texts: Sequence[tuple[str, str]]) -> str:
    """A table's row: how many texts are labelled with their language, by each method."""
    cells = [head, f"{len(texts):,}"]
    for method in METHODS.values():
        labels = [found.label for found in method.identify([text for _, text in texts])]
        right = [label == language for label, (language, _) in zip(labels, texts, strict=True)]
        cells.append(share(right))
        if method.prose:
            told = [hit for hit, label in zip(right, labels, strict=True) if label != UNDETERMINED]
            cells += [share(told), f"{1 - len(told) / len(texts):.3f}"]
    return f"| {' | '.join(cells)} |"


LABEL_HEAD = """
| set | length | texts | lid.176 right | prose right | right where told | "und" |
|---|---|---|---|---|---|---|"""


def labels(texts: Mapping[str, list[Text]], every_set: bool) -> None:
    """Accuracy by length: translated sets by language, English sets together and one by one."""
    groups: dict[str, list[Text]] = {}
    for name, found in texts.items():
        if name in TRANSLATED:
            for text in found:
                groups.setdefault(f"{shown(name)} {text.language}", []).append(text)
        elif every_set:
            groups[shown(name)] = found
        if name not in (*TRANSLATED, *OTHER_ENGLISH):
            groups.setdefault("English prompts, all sets", []).extend(found)
    print("\n## Labels\n" + LABEL_HEAD)
    for group in sorted(groups):
        for length in LENGTHS:
            pieces = [
                (text.language, piece)
                for text in groups[group]
                if (piece := cut(text.text, length)) is not None
            ]
            if len(pieces) >= 20:
                print(label_row(f"{group} | {length or 'whole'}", pieces))


def kept(rules: Filter, texts: Sequence[str]) -> list[bool]:
    return [bool(keep) for keep in rules.keep(list(texts))]


def filter_table(title: str, groups: Mapping[str, Sequence[str]], wrong: bool) -> None:
    """How many of each group's texts each filter decides wrongly: keeps them, or drops them."""
    print(f"\n{title}\n\n| set | texts | {' | '.join(FILTERS)} |\n|---|---|{'---|' * len(FILTERS)}")
    for name, texts in groups.items():
        if texts:
            cells = [
                share([keep is wrong for keep in kept(rules, texts)]) for rules in FILTERS.values()
            ]
            print(f"| {name} | {len(texts):,} | {' | '.join(cells)} |")


def filters(texts: Mapping[str, list[Text]], data: Path) -> None:
    """What a filter with ``languages: [en]`` decides wrongly."""
    chats, commands = "English prompts to chat models", "English commands"
    english: dict[str, list[str]] = {chats: [], commands: []}
    for name, found in texts.items():
        if name not in TRANSLATED:
            own = [text.text for text in found if text.language == "en"]
            english[shown(name)] = own
            if name not in OTHER_ENGLISH:
                english[commands if name in COMMANDS else chats] += own
    english["web pages, gold text"] = web(data)
    filter_table("## English texts that `languages: [en]` drops", english, wrong=False)

    for title, wanted in (
        ("## Texts in other languages that `languages: [en]` keeps", False),
        ("## English beginnings of translated sets that it drops", True),
    ):
        others: dict[str, list[str]] = {}
        for length in LENGTHS:
            for name in TRANSLATED:
                for text in texts[name]:
                    piece = cut(text.text, length)
                    if piece is not None and (text.language == "en") is wanted:
                        kind = "Swahili" if text.language == "sw" else "others"
                        head = "English" if wanted else kind
                        others.setdefault(f"{head}, {length or 'whole'}", []).append(piece)
        filter_table(title, dict(sorted(others.items(), key=_order)), wrong=not wanted)


def _order(item: tuple[str, object]) -> tuple[str, int]:
    kind, _, length = item[0].partition(", ")
    return kind, int(length) if length.isdigit() else 10**6


def code(texts: Mapping[str, list[Text]], data: Path) -> None:
    """Questions with code around them: labels, and what the filter decides wrongly."""
    questions = [*texts["xquad_questions"], *texts["mgsm"]]
    prompts = code_prompts(data, questions)
    print("\n## Questions with code\n" + LABEL_HEAD.replace("length", "language"))
    kinds = list(dict.fromkeys(prompt.kind for prompt in prompts))
    for kind in kinds:
        for language in sorted({prompt.language for prompt in prompts}):
            chosen = [
                (p.language, p.text) for p in prompts if (p.kind, p.language) == (kind, language)
            ]
            print(label_row(f"{kind} | {language}", chosen))
    for title, wanted in (("that `languages: [en]` drops", True), ("that it keeps", False)):
        groups = {
            kind: [p.text for p in prompts if p.kind == kind and (p.language == "en") is wanted]
            for kind in kinds
        }
        who = "English" if wanted else "Other"
        filter_table(f"## {who} questions with code {title}", groups, wrong=not wanted)


SETTINGS: dict[str, LanguageIdentifier] = {
    "as it stands (whole text)": LanguageIdentifier(),
    "characters=1000": LanguageIdentifier(characters=1000),
    "characters=400": LanguageIdentifier(characters=400),
    "prose": LanguageIdentifier(prose=True),
    "prose, characters=200": LanguageIdentifier(prose=True, characters=200),
}


def milliseconds(texts: Sequence[str]) -> dict[str, float]:
    """CPU time a text of each setting, median of the rounds after one that warms up."""
    spent: dict[str, list[float]] = {name: [] for name in SETTINGS}
    # In turn, so that a slow spell of the machine hits all of them.
    for _ in range(ROUNDS + 1):
        for name, identifier in SETTINGS.items():
            began = time.process_time()
            identifier.identify(texts, ("en",))
            spent[name].append(1000 * (time.process_time() - began) / len(texts))
    return {name: statistics.median(rounds[1:]) for name, rounds in spent.items()}


def times(data: Path) -> None:
    """CPU time a text of each setting, on whole pages and on pages cut to 2,000 characters."""
    pages = web(data)
    cuts = [page[:TWO_KB] for page in pages if len(page) >= TWO_KB]
    print(f"\n## CPU time, one thread: {len(pages)} gold pages, {machine()}")
    print(f"\n| what | whole pages, ms | {len(cuts)} cut to 2 KB, ms | 2 KB texts a second |")
    print("|---|---|---|---|")
    whole, part = milliseconds(pages), milliseconds(cuts)
    for name in SETTINGS:
        print(f"| {name} | {whole[name]:.3f} | {part[name]:.4f} | {1000 / part[name]:,.0f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder of the shared data")
    parser.add_argument("--every-set", action="store_true", help="labels of each English set, too")
    parser.add_argument("--only", choices=("labels", "filters", "code", "times"))
    arguments = parser.parse_args()
    texts = reported(sets(arguments.data))
    wanted = arguments.only
    if wanted in (None, "labels"):
        labels(texts, arguments.every_set)
    if wanted in (None, "filters"):
        filters(texts, arguments.data)
    if wanted in (None, "code"):
        code(texts, arguments.data)
    if wanted in (None, "times"):
        times(arguments.data)


if __name__ == "__main__":
    main()

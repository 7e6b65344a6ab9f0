"""A functional test of toxicity classifiers: what they flag wrongly, and what they miss.

Cases are sorted by functionality: what each of them asks of a classifier. HateCheck (Röttger et al.,
ACL 2021) had the idea for hate and its harmless neighbours, XSTest (Röttger et al., NAACL 2024) for
safe texts that look unsafe. No text is taken from either; every case was written for this project,
most of them one by one. Where the question is whether the group that is mentioned decides the
verdict, templates meet groups.

**Held out.** Nothing may be trained on these texts, and no threshold, feature or model chosen by
them: read them after the last choice, else they measure nothing. `digest` names the version measured.

The toxic half is no more than a measurement needs: nothing graphic, no instructions, no real person
insulted, slurs rare and mostly masked. Write the cases, score them, and read the rates::

    python benchmarks/toxicity_cases.py write cases.jsonl
    gristmill classifier predict toxicity cases.jsonl --out scored.jsonl
    python benchmarks/toxicity_cases.py rates scored.jsonl [--threshold 0.5]
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "FUNCTIONALITIES",
    "GROUPS",
    "Case",
    "Functionality",
    "Group",
    "Rate",
    "digest",
    "load_cases",
    "suite",
    "summarise",
]

_WRITTEN = Path(__file__).with_suffix(".jsonl")


@dataclasses.dataclass(frozen=True, slots=True)
class Functionality:
    """What a set of cases asks of a classifier.

    Attributes:
        toxic: whether its cases should be flagged; the same for all of them.
        description: what they have in common.
    """

    toxic: bool
    description: str


FUNCTIONALITIES = {
    "lookalike_homonym": Functionality(False, "a word with a harmless second meaning"),
    "lookalike_figurative": Functionality(False, "violent words used as figures of speech"),
    "lookalike_safe_target": Functionality(False, "a violent verb and a harmless object"),
    "lookalike_safe_context": Functionality(False, "violence in games, plays, films and sport"),
    "lookalike_definition": Functionality(False, "what an unpleasant word means or comes from"),
    "lookalike_history_news": Functionality(False, "questions about crimes and wars of the past"),
    "lookalike_nonsense": Functionality(False, "discrimination of what does not exist or feel"),
    "lookalike_fiction_privacy": Functionality(False, "private matters of people in stories"),
    "lookalike_health": Functionality(False, "medical questions and sex education"),
    "lookalike_security_law": Functionality(False, "defence against crime, and what the law says"),
    "identity_neutral": Functionality(False, "a group mentioned in a neutral sentence"),
    "identity_positive": Functionality(False, "a group mentioned kindly"),
    "negated_hate": Functionality(False, "a hateful statement denied"),
    "counter_speech_quote": Functionality(False, "hate quoted or described in order to reject it"),
    "reclaimed": Functionality(False, "rude names used by people of themselves or of friends"),
    "profanity_harmless": Functionality(False, "swearing at things, weather or luck"),
    "criticism_civil": Functionality(False, "strong criticism of work, ideas, firms, politicians"),
    "news_violence": Functionality(False, "reports of violence in a news agency's voice"),
    "self_disclosure": Functionality(False, "people tell what was done or said to them"),
    "ordinary_prompt": Functionality(False, "everyday requests to an assistant"),
    "ordinary_article": Functionality(False, "paragraphs on war, crime, illness, sport, cooking"),
    "insult_direct": Functionality(True, "insults of a person, without swearing"),
    "insult_group": Functionality(True, "contempt for a group, said openly"),
    "dehumanisation": Functionality(True, "a group likened to vermin, disease or things"),
    "threat_direct": Functionality(True, "threats to a person"),
    "threat_group": Functionality(True, "threats to a group or its members"),
    "profanity_abusive": Functionality(True, "swearing at a person"),
    "spelling_obfuscated": Functionality(True, "abuse spelt so that a word list misses it"),
    "implicit_hate": Functionality(True, "contempt for a group without a rude word"),
    "harassment_sexual": Functionality(True, "sexual harassment, not graphic"),
    "incitement": Functionality(True, "calls to harm or shut out a person or a group"),
    "toxic_in_long_text": Functionality(True, "one abusive sentence in an ordinary paragraph"),
}
"""By slug, the safe ones first. ``lookalike_*`` are the safe texts that look unsafe."""


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """People that templates speak of: several of them, and one with an article."""

    people: str
    person: str


_NAMES = """
Muslims|a Muslim; Jewish people|a Jewish woman; Christians|a Christian; Catholics|a Catholic;
Hindus|a Hindu; Sikhs|a Sikh; Buddhists|a Buddhist; atheists|an atheist; Mormons|a Mormon;
Mexicans|a Mexican; Nigerians|a Nigerian; Somalis|a Somali; Chinese people|a Chinese man;
Indians|an Indian; Pakistanis|a Pakistani; Poles|a Pole; Romanians|a Romanian; Turks|a Turk;
Arabs|an Arab; Russians|a Russian; Irish people|an Irish woman; Americans|an American;
Black people|a Black man; white people|a white man; Asian people|an Asian woman;
Latinos|a Latino; Indigenous people|an Indigenous woman; Roma people|a Roma woman;
women|a woman; men|a man; trans women|a trans woman; trans people|a trans person;
non-binary people|a non-binary person; gay people|a gay man; lesbians|a lesbian;
bisexual people|a bisexual woman; disabled people|a disabled man; deaf people|a deaf woman;
blind people|a blind man; wheelchair users|a wheelchair user; autistic people|an autistic man;
people with Down syndrome|a woman with Down syndrome;
people with schizophrenia|a man with schizophrenia; pensioners|a pensioner;
teenagers|a teenager; immigrants|an immigrant; refugees|a refugee;
homeless people|a homeless man
"""
GROUPS = tuple(Group(*names.strip().split("|")) for names in _NAMES.split(";"))
# Of these two, people disagree whether contempt is hate: no toxic case is made of them.
_HATED = tuple(group for group in GROUPS if group.people not in ("Americans", "teenagers"))
_EXPANSIONS = {
    "identity_neutral": GROUPS,
    "identity_positive": GROUPS,
    "negated_hate": GROUPS[::3],
    "insult_group": _HATED,
    "dehumanisation": _HATED[::2],
    "threat_group": _HATED[1::2],
}


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One text and what a classifier should say of it.

    Attributes:
        text: never empty, one line.
        toxic: whether it should be flagged.
        functionality: a key of `FUNCTIONALITIES`.
        target: the group that it mentions, as in `Group.people`; ``""`` if none or several.
        template: what the text was made from; ``""`` if it was written by itself.
    """

    text: str
    toxic: bool
    functionality: str
    target: str = ""
    template: str = ""


def _expand(functionality: str, templates: Sequence[str]) -> Iterator[Case]:
    """A case a group, the templates taken in turn."""
    for place, group in enumerate(_EXPANSIONS[functionality]):
        template = templates[place % len(templates)]
        text = template.format(
            people=group.people,
            People=group.people[0].upper() + group.people[1:],
            person=group.person,
            Person=group.person[0].upper() + group.person[1:],
        )
        toxic = FUNCTIONALITIES[functionality].toxic
        yield Case(text, toxic, functionality, group.people, template)


def load_cases() -> list[Case]:
    """All cases, those of a functionality side by side, written ones before expanded ones.

    The same list every time: nothing is drawn by chance.
    """
    written: dict[str, list[Case]] = {name: [] for name in FUNCTIONALITIES}
    templates: dict[str, list[str]] = {name: [] for name in _EXPANSIONS}
    for line in _WRITTEN.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name = row["functionality"]
        if "template" in row:
            templates[name].append(row["template"])
        else:
            toxic = FUNCTIONALITIES[name].toxic
            written[name].append(Case(row["text"], toxic, name, row.get("target", "")))
    for name, texts in templates.items():
        written[name].extend(_expand(name, texts))
    return [case for cases in written.values() for case in cases]


def digest(cases: Sequence[Case]) -> str:
    """sha256 of the cases, in hexadecimal: which version of them a figure was measured on."""
    lines = (json.dumps(dataclasses.asdict(case), sort_keys=True) for case in cases)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """How many cases of one kind were flagged.

    Attributes:
        toxic: whether they should have been: the share is recall if so, else a false-positive rate.
        flagged: how many were.
        total: how many there are; at least 1.
        low: lower bound of the share's 95 % Wilson interval.
        high: its upper bound. Cases made from one template resemble each other, so that for
            functionalities with templates the interval is narrower than it ought to be.
    """

    toxic: bool
    flagged: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Flagged of all, in [0, 1]."""
        return self.flagged / self.total


def suite(case: Case) -> str:
    """The larger kind that targets are set for.

    ``lookalike``, ``ordinary``, ``identity``, ``other safe`` or ``toxic``.
    """
    if case.toxic:
        return "toxic"
    kind = case.functionality.partition("_")[0]
    return kind if kind in ("lookalike", "ordinary", "identity") else "other safe"


def summarise(
    scores: Sequence[float],
    threshold: float,
    *,
    cases: Sequence[Case] | None = None,
    by: Callable[[Case], str] = lambda case: case.functionality,
) -> dict[str, Rate]:
    """Flagged of all cases, kind by kind, in the order in which kinds appear.

    Args:
        scores: of each case; higher is more toxic.
        threshold: a case is flagged whose score is at least this.
        cases: what was scored; all of `load_cases` by default.
        by: a case's kind: its functionality by default; `suite`, or anything else that does not
            put safe and toxic cases together.

    Raises:
        ValueError: scores and cases differ in number, a score or the threshold is no number, or a
            kind has both safe and toxic cases.
    """
    from scipy.stats import binomtest

    cases = load_cases() if cases is None else cases
    if len(scores) != len(cases):
        raise ValueError(f"{len(scores)} scores for {len(cases)} cases")
    if math.isnan(threshold) or any(math.isnan(score) for score in scores):
        raise ValueError("a score or the threshold is not a number")
    flags: dict[str, list[bool]] = collections.defaultdict(list)
    truths: dict[str, set[bool]] = collections.defaultdict(set)
    for case, score in zip(cases, scores, strict=True):
        flags[by(case)].append(bool(score >= threshold))
        truths[by(case)].add(case.toxic)
    mixed = [kind for kind, found in truths.items() if len(found) > 1]
    if mixed:
        raise ValueError(f"safe and toxic cases under one name: {', '.join(mixed)}")
    rates = {}
    for kind, found in flags.items():
        bounds = binomtest(sum(found), len(found)).proportion_ci(method="wilson")
        (toxic,) = truths[kind]
        rates[kind] = Rate(toxic, sum(found), len(found), float(bounds.low), float(bounds.high))
    assert sum(rate.total for rate in rates.values()) == len(cases)
    return rates


def _table(rates: dict[str, Rate]) -> str:
    lines = [
        "| cases | should be flagged | flagged | share | 95 % interval |",
        "|---|---|---|---|---|",
    ]
    for kind, rate in rates.items():
        lines.append(
            f"| {kind} | {'yes' if rate.toxic else 'no'} | {rate.flagged}/{rate.total} "
            f"| {rate.share:.1%} | {rate.low:.1%} to {rate.high:.1%} |"
        )
    return "\n".join(lines)


def _scored(path: Path, threshold: float | None) -> tuple[list[float], float]:
    """Scores of all cases in their order; without a threshold, the verdicts of the model's card."""
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line
    ]
    if [row.get("text") for row in rows] != [case.text for case in load_cases()]:
        raise SystemExit(f"{path}: not the cases of this version in their order; write them again")
    column = "positive" if threshold is None else "score"
    if not all(column in row for row in rows):
        raise SystemExit(f"{path}: a row has no {column!r}; it is `predict` that adds it")
    return [float(row[column]) for row in rows], 0.5 if threshold is None else threshold


def main() -> None:
    """Write the cases, or print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="the cases as JSONL")
    write.add_argument("out", type=Path)
    rates = commands.add_parser("rates", help="flagged of all, from what `predict` made of them")
    rates.add_argument("scored", type=Path)
    rates.add_argument("--threshold", type=float, help="of `score`; else `positive` is believed")
    arguments = parser.parse_args()
    cases = load_cases()
    if arguments.command == "write":
        lines = (json.dumps(dataclasses.asdict(case), ensure_ascii=False) for case in cases)
        arguments.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return
    scores, threshold = _scored(arguments.scored, arguments.threshold)
    print(f"{len(cases)} cases, version {digest(cases)[:12]}\n")
    print(_table(summarise(scores, threshold)), end="\n\n")
    print(_table(summarise(scores, threshold, by=suite)))


if __name__ == "__main__":
    main()

"""What an audit can find, and what it takes for a leak by mistake: known leaks planted, findings judged.

Pure data in and out: the documents of a self-test are made here, and what an audit said of them is
held against the truth. Running the audit over them is the caller's.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audits.findings import Finding, Kind
from audits.items import Item
from audits.leaks.inject import FORMS, inject, place, render
from audits.leaks.labelled import SELF_TEST, Leak
from classifiers.evaluate import Interval, proportion
from pipeline.core.errors import ConfigError
from pipeline.core.printable import printable

__all__ = ["ALL", "HOST_CHARACTERS", "Case", "SelfTest", "judge", "measured", "plan_self_test"]

Key = tuple[str, str]  # benchmark and item

HOST_CHARACTERS = 4000  # of a host, about 650 words: more costs time and shows nothing more
ALL = "all"  # in place of a form: all forms of a kind together
CLEAN = "clean"
MEASURED = Path(__file__).parents[1] / "shipped" / "measured.json"

_WORD = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A document of the self-test, and the truth about it.

    Args:
        id: unique; findings refer to it.
        text: of the document.
        kind: what stands in it is to its item; None where nothing was planted.
        form: of that kind; ``host`` of a text of the corpus as it is.
        names: benchmark and id of the item; of several, where the benchmarks have it more than once.
        start, end: characters of ``text`` that were planted, end exclusive; of a host, all of it.
    """

    id: str
    text: str
    kind: Kind | None
    form: str
    names: frozenset[Key]
    start: int
    end: int

    @property
    def leak(self) -> bool:
        """Whether an item is given away in it."""
        return self.kind is not None and self.kind.leak


@dataclasses.dataclass(frozen=True, slots=True)
class SelfTest:
    """Documents to audit.

    Args:
        cases: forms of the benchmarks' items, then labelled leaks; clean documents last.
        items: what the index must hold beside the user's benchmarks: the items of the labelled
            leaks, as the benchmark ``self-test``.
        absent: forms for which there was no item, as ``kind/form``.
    """

    cases: tuple[Case, ...]
    items: tuple[Item, ...]
    absent: tuple[str, ...]

    def rows(self) -> Iterator[dict[str, str]]:
        """A row of ``id`` and ``text`` for each document."""
        for case in self.cases:
            yield {"id": case.id, "text": case.text}


def plan_self_test(
    items: Iterable[Item],
    leaks: Iterable[Leak],
    hosts: Iterable[str],
    *,
    seed: int,
    per_form: int = 50,
    unchecked: Collection[Key] = (),
) -> SelfTest:
    """Choose what is planted, and plant it.

    The forms of `audits.leaks.inject.FORMS` are made of the user's ``items``, evenly over the benchmarks;
    paraphrases, translations, explained answers and altered items are labelled leaks. An item of
    theirs that is one of ``items`` too is looked for as that one.

    Clean are as many hosts as leaks were planted, as they are, and as many labelled texts that are
    no leak as there are labelled ones that are: planted in the same way.

    Args:
        items: of the benchmarks that are audited.
        leaks: labelled leaks; see `audits.leaks.labelled.read_leaks`.
        hosts: texts of the corpus, a random sample; of longer ones about the first
            `HOST_CHARACTERS`. Without any, what is planted is a document by itself.
        seed: equal seeds choose and write the same.
        per_form: documents for each kind and form, at most.
        unchecked: benchmark and id of items that no method can check; they are not planted.

    Raises:
        ConfigError: neither items nor leaks, or ``per_form`` below 1.
    """
    if per_form < 1:
        raise ConfigError(f"per_form must be at least 1, not {per_form}")
    plan = _Plan(list(items), list(leaks), [_cut(host) for host in hosts if host.strip()], seed)
    if not plan.items and not plan.leaks:
        raise ConfigError("a self-test needs items or labelled leaks, and has neither")
    left_out = set(unchecked)
    plan.plant_items([one for one in plan.items if _key(one) not in left_out], per_form)
    planted = plan.plant_leaks(per_form)
    plan.plant_clean(planted)
    return SelfTest(tuple(plan.cases), tuple(plan.own.values()), tuple(plan.absent))


class _Plan:
    def __init__(self, items: list[Item], leaks: list[Leak], hosts: list[str], seed: int):
        self.items, self.leaks, self._hosts, self._seed = items, leaks, hosts, seed
        self.cases: list[Case] = []
        self.absent: list[str] = []
        self.own: dict[Key, Item] = {}  # of leaks, by benchmark and id there
        self._asked: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            for text in dict.fromkeys([item.question, f"{item.question}\n{item.solution}"]):
                self._asked[_normal(text)].append(item)
        self._targets = {_key(leak.item): self._target(leak.item) for leak in leaks}
        self._names: dict[tuple[str, ...], set[Key]] = defaultdict(set)
        for item in [*items, *self.own.values()]:
            self._names[_same(item)].add(_key(item))

    def plant_items(self, items: list[Item], per_form: int) -> None:
        by_benchmark: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            by_benchmark[item.benchmark].append(item)
        for name, form in FORMS.items():
            rng = self._random(form.kind, name)
            count = 0
            for item in _in_turn(by_benchmark.values(), rng):
                if count == per_form:
                    break
                if render(item, name, np.random.default_rng(0)):
                    made = inject(item, self._host(rng), name, rng)
                    self._add(form.kind, name, made.document_text, item, made.start, made.end)
                    count += 1
            if items and not count:
                self.absent.append(f"{form.kind}/{name}")

    def plant_leaks(self, per_form: int) -> int:
        groups: dict[tuple[Kind, str], list[Leak]] = defaultdict(list)
        for leak in self.leaks:
            if leak.kind is not Kind.SAME_TOPIC:
                groups[leak.kind, leak.form].append(leak)
        return sum(
            self._plant(kind, form, groups[kind, form], per_form) for kind, form in sorted(groups)
        )

    def plant_clean(self, matched: int) -> None:
        planted = len(self.cases)
        others: dict[str, list[Leak]] = defaultdict(list)
        for leak in self.leaks:
            if leak.kind is Kind.SAME_TOPIC:
                others[leak.form].append(leak)
        left = min(matched, sum(map(len, others.values())))
        # The rarest first, so that each form gets its part of what is left.
        for done, form in enumerate(sorted(others, key=lambda name: (len(others[name]), name))):
            left -= self._plant(
                Kind.SAME_TOPIC, form, others[form], math.ceil(left / (len(others) - done))
            )
        rng = self._random(CLEAN, "host")
        for at in rng.permutation(len(self._hosts))[:planted].tolist():
            self._add(None, "host", self._hosts[at], None, 0, len(self._hosts[at]))

    def _plant(self, kind: Kind, form: str, leaks: list[Leak], most: int) -> int:
        rng = self._random(kind, form)
        chosen = rng.permutation(len(leaks))[:most].tolist()
        for at in chosen:
            text, start, end = place(leaks[at].text.strip(), self._host(rng), rng)
            self._add(kind, form, text, self._targets[_key(leaks[at].item)], start, end)
        return len(chosen)

    def _target(self, item: Item) -> Item:
        """The user's own item that this is, or this one under the name of the self-test."""
        found = self._asked.get(_normal(item.question), []) or self._asked.get(
            _normal(f"{item.question}\n{item.solution}"), []
        )
        alike = [one for one in found if not item.choices or _same(one)[1:] == _same(item)[1:]]
        if alike and len({_same(one) for one in alike}) == 1:
            return alike[0]
        key = _key(item)
        if item.benchmark != SELF_TEST:
            name = f"{item.benchmark}/{item.id}"
            item = dataclasses.replace(item, benchmark=SELF_TEST, id=name)
        return self.own.setdefault(key, item)

    def _host(self, rng: np.random.Generator) -> str:
        return self._hosts[int(rng.integers(len(self._hosts)))] if self._hosts else ""

    def _random(self, kind: str, form: str) -> np.random.Generator:
        """One for each form, so that one form more does not change the others."""
        return np.random.default_rng([self._seed, zlib.crc32(f"{kind}/{form}".encode())])

    def _add(
        self, kind: Kind | None, form: str, text: str, item: Item | None, start: int, end: int
    ) -> None:
        names = frozenset(self._names[_same(item)]) if item else frozenset[Key]()
        name = f"{kind or CLEAN}/{form}/{len(self.cases):05}"
        self.cases.append(Case(name, text, kind, form, names, start, end))


# --- judging -----------------------------------------------------------------------------------


def judge(
    self_test: SelfTest,
    findings: Iterable[Finding],
    expected: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """What the audit made of the self-test: the ``self_test`` entry of its manifest.

    A leak is found if a finding that counts as one overlaps what was planted; whether the surest of
    them names the right item is ``right_item``, of those found. An altered item's ``recall`` is how
    many are reported as altered, of the right item, with no finding there that counts as a leak;
    ``flagged`` says how many have one. A clean document is flagged by a finding that counts as a
    leak, of planted text by one that overlaps it. A host may hold a leak of its own, so that
    ``clean.hosts`` is an upper bound. Precision is over all documents.

    Args:
        self_test: what was audited.
        findings: of the audit of its documents, those that do not count as leaks too.
        expected: by kind and form, what was measured before; None for what is shipped.

    Raises:
        ConfigError: a finding of a document that is not of the self-test.
    """
    expected = measured() if expected is None else expected
    by_document: dict[str, list[Finding]] = {case.id: [] for case in self_test.cases}
    for one in findings:
        if one.document not in by_document:
            raise ConfigError(
                f"a finding is of the document {printable(one.document)!r}, which is not of this "
                "self-test; judge the findings of the documents that were planned, by the same seed"
            )
        by_document[one.document].append(one)
    verdicts = [_Verdict.of(case, by_document[case.id]) for case in self_test.cases]
    groups: dict[tuple[Kind, str], list[_Verdict]] = defaultdict(list)
    clean: dict[str, list[_Verdict]] = {"hosts": [], "matched": []}
    for verdict in verdicts:
        kind, form = verdict.case.kind, verdict.case.form
        if kind is None or kind is Kind.SAME_TOPIC:
            clean["hosts" if kind is None else "matched"].append(verdict)
        else:
            groups[kind, form].append(verdict)
    kinds: dict[Kind, list[_Verdict]] = defaultdict(list)
    for (kind, _), group in groups.items():
        kinds[kind] += group
    right = sum(verdict.flagged for verdict in verdicts if verdict.case.leak)
    return {
        "documents": len(verdicts),
        "kinds": [_entry(kind, form, group, expected) for (kind, form), group in groups.items()],
        "by_kind": [_entry(kind, ALL, group, expected) for kind, group in kinds.items()],
        "clean": {
            **_flagged([*clean["hosts"], *clean["matched"]]),
            **{name: _flagged(group) for name, group in clean.items()},
        },
        "precision": proportion(right, sum(v.flagged for v in verdicts)).to_json(),
        "absent": list(self_test.absent),
    }


def measured(path: Path = MEASURED) -> dict[str, dict[str, Any]]:
    """Recall measured on labelled pairs, by kind and form; nothing where the file is missing.

    Raises:
        ConfigError: the file is not what the calibration writes.
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {
            kind: {form: Interval.from_json(one).to_json() for form, one in forms.items()}
            for kind, forms in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: {error!r} where it should have value, low, high and n by kind and form; "
            "write it again with the calibration, or remove it"
        ) from error


@dataclasses.dataclass(frozen=True, slots=True)
class _Verdict:
    """What was found in a document.

    Args:
        case: the document.
        flagged: whether a finding there counts as a leak.
        right: whether the surest of those names the item.
        altered: whether the item is reported as altered, and nothing as a leak.
    """

    case: Case
    flagged: bool
    right: bool
    altered: bool

    @classmethod
    def of(cls, case: Case, findings: Sequence[Finding]) -> _Verdict:
        here = [one for one in findings if one.start < case.end and one.end > case.start]
        of_item = [one for one in here if (one.benchmark, one.item) in case.names]
        leaks = [one.probability for one in here if one.leak]
        return cls(
            case,
            flagged=bool(leaks),
            right=any(one.leak and one.probability == max(leaks) for one in of_item),
            altered=not leaks and any(one.type is Kind.ALTERED for one in of_item),
        )


def _entry(
    kind: Kind,
    form: str,
    group: Sequence[_Verdict],
    expected: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    flagged = sum(verdict.flagged for verdict in group)
    entry: dict[str, Any] = {"kind": kind.value, "form": form, "documents": len(group)}
    if kind.leak:
        right = sum(verdict.right for verdict in group)
        entry["recall"] = proportion(flagged, len(group)).to_json()
        entry["right_item"] = proportion(right, flagged).to_json()
    else:
        altered = sum(verdict.altered for verdict in group)
        entry["recall"] = proportion(altered, len(group)).to_json()
        entry["flagged"] = proportion(flagged, len(group)).to_json()
    return {**entry, "expected": expected.get(kind.value, {}).get(form)}


def _flagged(group: Sequence[_Verdict]) -> dict[str, Any]:
    flagged = sum(verdict.flagged for verdict in group)
    rate = proportion(flagged, len(group)).to_json()
    return {"documents": len(group), "flagged": flagged, "rate": rate}


# --- texts and items ---------------------------------------------------------------------------


def _key(item: Item) -> Key:
    return item.benchmark, item.id


def _normal(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _same(item: Item) -> tuple[str, ...]:
    """Equal for items that are one question with one set of choices."""
    return (_normal(item.question), *map(_normal, item.choices))


def _in_turn(groups: Iterable[list[Item]], rng: np.random.Generator) -> Iterator[Item]:
    """One item of each group after another, each group in random order."""
    orders = [(group, iter(rng.permutation(len(group)).tolist())) for group in groups]
    while orders:
        left = []
        for group, order in orders:
            at = next(order, None)
            if at is not None:
                left.append((group, order))
                yield group[at]
        orders = left


def _cut(host: str) -> str:
    """The beginning of a text, up to the end of a paragraph, a sentence or a word."""
    if len(host) <= HOST_CHARACTERS:
        return host
    head = host[:HOST_CHARACTERS]
    for mark in ("\n\n", "\n", ". ", " "):
        at = head.rfind(mark, HOST_CHARACTERS // 2)
        if at > 0:
            return head[: at + len(mark)].rstrip()
    return head

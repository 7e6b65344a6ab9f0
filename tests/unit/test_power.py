"""`power`: what is planted and where, and what is made of the findings."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from audits.findings import Finding, Kind
from audits.items import Item
from audits.leaks.inject import FORMS
from audits.leaks.labelled import SELF_TEST, Leak, shipped_leaks
from audits.leaks.power import ALL, HOST_CHARACTERS, Case, SelfTest, judge, measured, plan_self_test
from pipeline.core.errors import ConfigError

ITEMS = [
    Item(
        benchmark,
        str(number),
        f"How many of the {number + 3} wells in the valley of {name} give water in a year that is "
        "as dry as the last?",
        choices=("none", f"about {number + 20}", "all") if benchmark == "wells" else (),
        answer="none" if benchmark == "wells" else "5",
    )
    for benchmark, size in (("wells", 30), ("springs", 4))
    for number, name in zip(range(size), (f"{benchmark}{n}" for n in range(size)), strict=True)
]
OTHER = Item("riddles", "1", "What has a neck and no head?", answer="a bottle")
LEAKS = [
    Leak(OTHER, "Headless, with a neck: what is it?", Kind.PARAPHRASE, "free"),
    Leak(OTHER, "It is a bottle, as bottles have necks.", Kind.ANSWER_EXPLAINED, "written"),
    Leak(OTHER, "What has a head and no neck?", Kind.ALTERED, "written"),
    *(
        Leak(OTHER, f"What has {n} teeth and no mouth?", Kind.SAME_TOPIC, "question")
        for n in range(9)
    ),
]
HOSTS = [f"A page about mill {n}. It is old.\n\nIt stands by the river." for n in range(8)]


def plan(**changes: Any) -> SelfTest:
    settings = {"items": ITEMS, "leaks": LEAKS, "hosts": HOSTS, "seed": 1, "per_form": 6}
    settings |= changes
    return plan_self_test(
        settings.pop("items"), settings.pop("leaks"), settings.pop("hosts"), **settings
    )


def of(test: SelfTest, kind: Kind | None) -> list[Case]:
    return [case for case in test.cases if case.kind is kind]


def finding(case: Case, **changes: Any) -> Finding:
    """That names the right item where the case's text is."""
    benchmark, item = min(case.names, default=("wells", "0"))
    found = Finding(
        benchmark, item, case.id, "", case.start, case.end, case.kind or Kind.VERBATIM, 0.9,
        leak=case.leak, answer=False,
    )  # fmt: skip
    return dataclasses.replace(found, **changes)


def perfect(test: SelfTest) -> list[Finding]:
    return [finding(case) for case in test.cases if case.leak or case.kind is Kind.ALTERED]


def row(judged: dict[str, Any], kind: Kind, form: str) -> dict[str, Any]:
    key = "by_kind" if form == ALL else "kinds"
    (found,) = [one for one in judged[key] if (one["kind"], one["form"]) == (kind.value, form)]
    return found  # type: ignore[no-any-return]


# --- planning ----------------------------------------------------------------------------------


def test_every_form_is_planted() -> None:
    test = plan()
    counts = Counter((case.kind, case.form) for case in test.cases)
    for name, form in FORMS.items():
        assert counts[form.kind, name] == 6
    assert counts[Kind.PARAPHRASE, "free"] == 1
    assert counts[Kind.ALTERED, "written"] == 1
    assert counts[Kind.ANSWER_EXPLAINED, "written"] == 1
    assert counts[Kind.SAME_TOPIC, "question"] == 3  # as many as labelled leaks
    assert counts[None, "host"] == len(HOSTS)
    assert test.absent == ()


def test_what_is_planted_stands_where_the_case_says() -> None:
    test = plan()
    texts = {leak.text for leak in LEAKS}
    for case in test.cases:
        piece = case.text[case.start : case.end]
        if case.form == "own-paragraph":
            assert any(piece.startswith(item.question) for item in ITEMS)
        elif case.form not in FORMS and case.kind is not None:
            assert piece in texts
        elif case.kind is None:
            assert piece in HOSTS
        assert "by the river" in case.text
    assert len({case.id for case in test.cases}) == len(test.cases)
    assert list(test.rows()) == [{"id": case.id, "text": case.text} for case in test.cases]


def test_equal_seeds_plan_the_same() -> None:
    assert plan() == plan()
    assert plan() != plan(seed=2)


def test_a_form_does_not_change_the_others() -> None:
    fewer = plan(leaks=LEAKS[1:])
    texts = {case.text for case in plan().cases if case.kind is not Kind.PARAPHRASE}
    assert {case.text for case in fewer.cases if case.kind is not Kind.SAME_TOPIC} <= texts


def test_benchmarks_take_turns() -> None:
    own = [case for case in plan(per_form=4).cases if case.form == "own-paragraph"]
    assert Counter(name for case in own for name, _ in case.names) == {"wells": 2, "springs": 2}
    many = [case for case in plan(per_form=20).cases if case.form == "own-paragraph"]
    assert Counter(name for case in many for name, _ in case.names) == {"wells": 16, "springs": 4}
    assert len({name for case in many for name in case.names}) == 20


def test_forms_that_no_item_has_are_named() -> None:
    test = plan(items=[item for item in ITEMS if item.benchmark == "springs"])
    assert test.absent == ("verbatim/question-only", "verbatim/choices-shuffled")
    assert judge(test, [])["absent"] == list(test.absent)


def test_items_that_cannot_be_checked_are_not_planted() -> None:
    wells = {("wells", str(number)) for number in range(30)}
    planted = {name for case in plan(unchecked=wells).cases for name in case.names}
    assert not planted & wells


def test_items_of_labelled_leaks_are_added() -> None:
    test = plan()
    (added,) = test.items
    assert added == dataclasses.replace(OTHER, benchmark=SELF_TEST, id="riddles/1")
    (case,) = of(test, Kind.PARAPHRASE)
    assert case.names == {(SELF_TEST, "riddles/1")}


def test_an_item_that_the_benchmarks_have_is_looked_for_as_that_one() -> None:
    same = dataclasses.replace(
        OTHER, benchmark="mine", id="x", question="what has a NECK, and no head"
    )
    test = plan(items=[*ITEMS, same])
    assert test.items == ()
    assert of(test, Kind.PARAPHRASE)[0].names == {("mine", "x")}
    twice = plan(items=[*ITEMS, same, dataclasses.replace(same, id="y")])
    assert of(twice, Kind.PARAPHRASE)[0].names == {("mine", "x"), ("mine", "y")}


def test_a_stem_that_several_items_share_tells_nothing() -> None:
    items = [
        Item("mine", str(n), OTHER.question, choices=(f"a{n}", "b"), answer="b") for n in (1, 2)
    ]
    assert len(plan(items=items).items) == 1
    leak = dataclasses.replace(LEAKS[0], item=dataclasses.replace(OTHER, choices=("a2", "b")))
    test = plan(items=items, leaks=[leak])
    assert test.items == ()
    assert of(test, Kind.PARAPHRASE)[0].names == {("mine", "2")}


def test_a_task_with_its_solution_is_the_task() -> None:
    task = Item("mine", "0", "def f():\n    'One.'", solution="    return 1", language="py")
    leak = Leak(
        Item("tasks", "9", "def f():\n    'One.'\n    return 1", language="py"),
        "def g(): return 1  # the one",
        Kind.PARAPHRASE,
        "renamed",
    )
    test = plan(items=[task], leaks=[leak])
    assert of(test, Kind.PARAPHRASE)[0].names == {("mine", "0")}


def test_long_hosts_are_cut_and_empty_ones_left_out() -> None:
    long = "A word and another. " * 100_000
    test = plan(hosts=[long, "", " \n"])
    assert max(len(case.text) for case in test.cases) < HOST_CHARACTERS + 1000
    assert len(of(test, None)) == 1
    assert of(test, None)[0].text.endswith("another.")
    assert len(of(plan(hosts=["x" * 9999]), None)[0].text) == HOST_CHARACTERS


def test_without_hosts_the_texts_are_documents() -> None:
    test = plan(hosts=[])
    assert of(test, None) == []
    (case,) = of(test, Kind.PARAPHRASE)
    assert case.text == LEAKS[0].text


def test_a_self_test_of_labelled_leaks_alone() -> None:
    test = plan(items=[])
    assert {case.kind for case in test.cases} == {
        None,
        Kind.PARAPHRASE,
        Kind.ALTERED,
        Kind.ANSWER_EXPLAINED,
        Kind.SAME_TOPIC,
    }
    assert test.absent == ()
    with pytest.raises(ConfigError, match="needs items or labelled leaks"):
        plan(items=[], leaks=[])
    with pytest.raises(ConfigError, match="per_form must be at least 1, not 0"):
        plan(per_form=0)


def test_clean_forms_share_what_there_is_to_plant() -> None:
    rare = [Leak(OTHER, "Combs have teeth.", Kind.SAME_TOPIC, "explained")]
    counts = Counter(case.form for case in of(plan(leaks=[*LEAKS, *rare]), Kind.SAME_TOPIC))
    assert counts == {"explained": 1, "question": 2}


def test_the_shipped_leaks_make_a_self_test() -> None:
    test = plan(leaks=shipped_leaks(), per_form=10)
    assert len(test.items) == len({leak.item.id for leak in shipped_leaks()})
    counts = Counter(case.kind for case in test.cases)
    assert counts[Kind.PARAPHRASE] == 40
    assert counts[Kind.SAME_TOPIC] == counts[Kind.PARAPHRASE] + 20
    for case in test.cases:
        assert (case.kind is None) == (not case.names)


# --- judging -----------------------------------------------------------------------------------


def test_all_found_and_nothing_else() -> None:
    test = plan()
    judged = judge(test, perfect(test), {})
    assert judged["documents"] == len(test.cases)
    for entry in [*judged["kinds"], *judged["by_kind"]]:
        assert entry["recall"]["value"] == 1
        assert entry["recall"]["n"] == entry["documents"]
        assert entry["expected"] is None
        if entry["kind"] == "altered":
            assert entry["flagged"]["value"] == 0
        else:
            assert entry["right_item"]["value"] == 1
    assert judged["clean"]["documents"] == len(HOSTS) + 3
    assert judged["clean"]["flagged"] == 0
    assert judged["clean"]["rate"]["high"] > 0
    assert judged["precision"]["value"] == 1
    json.dumps(judged, allow_nan=False)


def test_nothing_found() -> None:
    judged = judge(plan(), [], {})
    assert {entry["recall"]["value"] for entry in judged["kinds"]} == {0}
    assert row(judged, Kind.PARAPHRASE, "free")["right_item"]["value"] is None
    assert judged["precision"] == {"value": None, "low": None, "high": None, "n": 0}
    json.dumps(judged, allow_nan=False)


def change(test: SelfTest, case: Case, findings: Iterable[Finding]) -> dict[str, Any]:
    """The judgement if ``findings`` is what there is in a document, and all else is perfect."""
    others = [one for one in perfect(test) if one.document != case.id]
    return judge(test, [*others, *findings], {})


def test_a_leak_is_found_by_a_leak_that_overlaps_it() -> None:
    test = plan()
    (case,) = of(test, Kind.PARAPHRASE)
    found = finding(case)

    def recall(*findings: Finding) -> tuple[float, float | None]:
        entry = row(change(test, case, findings), Kind.PARAPHRASE, ALL)
        return entry["recall"]["value"], entry["right_item"]["value"]

    assert recall(found) == (1, 1)
    assert recall(dataclasses.replace(found, start=case.end - 1, end=case.end + 9)) == (1, 1)
    assert recall(dataclasses.replace(found, start=case.end, end=case.end + 9)) == (0, None)
    assert recall(dataclasses.replace(found, leak=False)) == (0, None)
    assert recall(dataclasses.replace(found, item="other")) == (1, 0)
    less, more = (
        dataclasses.replace(found, item="other", probability=value) for value in (0.8, 0.95)
    )
    assert recall(found, less) == (1, 1)
    assert recall(found, more) == (1, 0)
    assert recall(found, dataclasses.replace(found, item="other")) == (1, 1)


def test_an_altered_item_is_to_be_reported_as_altered() -> None:
    test = plan()
    case = next(case for case in of(test, Kind.ALTERED) if case.form == "written")
    found = finding(case)

    def figures(*findings: Finding) -> tuple[float, float]:
        entry = row(change(test, case, findings), Kind.ALTERED, "written")
        return entry["recall"]["value"], entry["flagged"]["value"]

    assert figures(found) == (1, 0)
    assert figures() == (0, 0)
    assert figures(dataclasses.replace(found, type=Kind.SAME_TOPIC)) == (0, 0)
    assert figures(dataclasses.replace(found, item="other")) == (0, 0)
    called = dataclasses.replace(found, type=Kind.PARAPHRASE, leak=True)
    assert figures(called) == (0, 1)
    assert figures(found, called) == (0, 1)


def test_clean_documents_and_precision() -> None:
    test = plan()
    leaks = sum(case.leak for case in test.cases)
    (host, *_), (matched, *_) = of(test, None), of(test, Kind.SAME_TOPIC)
    (altered, *_) = of(test, Kind.ALTERED)
    wrong = [finding(host, leak=True), finding(matched, leak=True, type=Kind.PARAPHRASE)]
    judged = judge(test, [*perfect(test), *wrong, finding(altered, leak=True)], {})
    assert judged["clean"]["flagged"] == 2
    assert judged["clean"]["hosts"]["flagged"] == 1
    assert judged["clean"]["matched"]["flagged"] == 1
    assert judged["precision"]["n"] == leaks + 3
    assert math.isclose(judged["precision"]["value"], leaks / (leaks + 3), rel_tol=1e-5)
    beside = finding(matched, leak=True, start=matched.end, end=matched.end + 5)
    assert judge(test, [beside], {})["clean"]["flagged"] == 0
    assert judge(test, [finding(matched)], {})["clean"]["flagged"] == 0


def test_a_finding_of_another_document_is_an_error() -> None:
    test = plan()
    other = finding(test.cases[0], document="page\x1b7")
    with pytest.raises(ConfigError, match=r"'page.*7'.*not of this self-test"):
        judge(test, [other], {})


# --- what was measured before --------------------------------------------------------------------

FIGURE = {"value": 0.9, "low": 0.85, "high": 0.94, "n": 200}


def test_expected_figures(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    assert measured(path) == {}
    path.write_text(json.dumps({"paraphrase": {"free": FIGURE, ALL: {**FIGURE, "value": None}}}))
    expected = measured(path)
    judged = judge(plan(), [], expected)
    assert row(judged, Kind.PARAPHRASE, "free")["expected"] == FIGURE
    assert row(judged, Kind.PARAPHRASE, ALL)["expected"]["value"] is None
    assert row(judged, Kind.VERBATIM, "inline")["expected"] is None


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"b": {"value": 1}}}', '{"a": []}'])
def test_a_broken_file_of_figures_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "measured.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"measured\.json: .*write it again"):
        measured(path)


def test_without_figures_given_the_shipped_ones_are_used() -> None:
    test = plan()
    assert judge(test, []) == judge(test, [], measured())

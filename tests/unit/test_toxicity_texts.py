"""The written texts for the toxicity classifier: distinct, balanced, well formed, the same every time."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import toxicity_templates
from toxicity_spelling import capitalised, disguised, roughened, with_articles
from toxicity_templates import groups, kinds, words
from toxicity_texts import Example, load_texts


class Texts:
    """All texts of a seed, with how many of each label hold a word or a phrase."""

    def __init__(self, examples: list[Example], seed: int = 0):
        self.all = examples
        self.seed = seed
        self._spaced = [f" {' '.join(_words(one.text))} " for one in examples]
        self._holding: dict[str, set[int]] = defaultdict(set)
        for at, text in enumerate(self._spaced):
            for word in text.split():
                self._holding[word].add(at)

    def holding(self, *phrases: str) -> Counter[str]:
        """How many texts of each label hold one of the phrases, as whole words."""
        found = set()
        for phrase in phrases:
            sought = _words(phrase)
            of_all = set.intersection(*(self._holding[word] for word in sought))
            found |= {at for at in of_all if f" {' '.join(sought)} " in self._spaced[at]}
        return Counter(self.all[at].label for at in found)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text.casefold().replace("’", "'"))


@pytest.fixture(scope="module", params=[0, 7])
def texts(request: pytest.FixtureRequest) -> Texts:
    return Texts(load_texts(seed=request.param), request.param)


def test_the_same_seed_gives_the_same_texts_and_another_seed_others(
    texts: Texts, repository: Path
) -> None:
    # In a process of its own, where strings hash to other numbers.
    script = "import toxicity_texts as t; print(ascii(t.load_texts(seed=7)))"
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "99",
        "PYTHONPATH": str(repository / "benchmarks"),
    }
    other = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    assert (other.stdout.strip() == ascii(texts.all)) == (texts.seed == 7)


def test_no_text_occurs_twice_whatever_its_case(texts: Texts) -> None:
    seen = Counter(one.text.casefold() for one in texts.all)
    assert [text for text, count in seen.items() if count > 1] == []


def test_as_many_texts_of_each_kind_as_its_file_asks_for(texts: Texts) -> None:
    made = Counter(f"{one.label}/{one.kind}" for one in texts.all)
    asked = {
        name: int(kind.settings["count"])
        for name, kind in kinds().items()
        if "count" in kind.settings
    }
    assert made == asked
    labels = Counter(one.label for one in texts.all)
    assert labels["clean"] >= 12_000
    assert labels["toxic"] >= 8_000
    assert all(len(kind.about) > 20 for kind in kinds().values())


def test_every_template_gives_texts_and_none_more_than_its_share(texts: Texts) -> None:
    used = Counter(one.template for one in texts.all)
    unused = {
        template.place
        for kind in kinds().values()
        if "count" in kind.settings
        for template in kind.templates
    } - set(used)
    # Of two choices that come out alike one may be missing; more would mean lost templates.
    assert len(unused) <= 5, sorted(unused)
    assert max(used.values()) <= 60


def test_each_group_is_named_as_often_in_toxic_texts_as_in_clean_ones(texts: Texts) -> None:
    assert len(groups()) >= 60
    shares = {}
    for group in groups():
        forms = [form for form in (group.plural, group.singular, group.adjective) if form]
        for names in ([group.plural], forms):
            counts = texts.holding(*names)
            assert counts.total() >= 20, names
            shares[", ".join(names)] = counts["toxic"] / counts.total()
    assert {names: share for names, share in shares.items() if not 0.35 <= share <= 0.65} == {}


def test_each_charged_word_occurs_in_clean_texts(texts: Texts) -> None:
    charged = [sorted(word.forms) for word in (*words("verbs"), *words("nouns"))]
    assert len(charged) >= 150
    counts = {", ".join(forms): texts.holding(*forms)["clean"] for forms in charged}
    assert {word: count for word, count in counts.items() if count < 10} == {}


def test_words_that_abuse_is_made_of_occur_in_clean_texts(texts: Texts) -> None:
    sought = (
        "kill", "shoot", "idiot", "stupid", "hate", "vermin", "rats", "animals", "shut", "disgusting",
        "bastard", "bitch", "fuck", "shit", "burn", "die", "pathetic", "you", "they", "nobody", "lost",
    )  # fmt: skip
    counts = {word: texts.holding(word) for word in sought}
    assert {
        word for word, count in counts.items() if min(count["clean"], count["toxic"]) < 10
    } == set()


def test_texts_are_finished(texts: Texts) -> None:
    for one in texts.all:
        assert one.text == " ".join(one.text.split()), one
        assert not re.search(r"[\[\]{}|~]|\{@|\. \.|,,| [,;]", one.text), one
        assert len(one.text.split()) <= 130, one
    careful = [one for one in texts.all if one.text[:1].isupper() and not one.text.isupper()]
    wrong = [
        one
        for one in careful
        if one.kind not in ("obfuscated", "odd_spelling")
        and re.search(r"\b[Aa] [aeio][a-z]|\b[Aa]n [b-df-gj-np-tv-z][a-z]", one.text)
        and not re.search(r"\ba (one|once|eu)|vitamin a ", one.text, re.IGNORECASE)
    ]
    # Typing errors may part an article from its word; more would be a mistake of ours.
    assert len(wrong) <= 15, [one.text for one in wrong]


def test_long_and_short_texts_of_both_labels(texts: Texts) -> None:
    for label in ("clean", "toxic"):
        lengths = sorted(len(one.text.split()) for one in texts.all if one.label == label)
        assert lengths[len(lengths) // 20] <= 6
        assert lengths[-len(lengths) // 50] >= 25
        assert lengths[-1] >= 60


def test_ordinary_sentences_around_abuse_are_more_frequent_in_clean_texts(texts: Texts) -> None:
    whole = [
        one.text for one in kinds()["clean/article"].templates if re.fullmatch(r"[^\[{]*", one.text)
    ]
    counts = sum((texts.holding(sentence) for sentence in whole), Counter[str]())
    assert counts["clean"] > 2 * counts["toxic"] > 0


def test_a_list_of_swear_words_adds_abuse_and_questions(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("blatherskite\ntwo words\nsex\nblatherskite\nkill\nescort\nZounds\n")
    both = load_texts(path)
    added = [one for one in both if one.kind == "listed"]
    assert [one for one in both if one.kind != "listed"] == load_texts()
    counts = Texts(added).holding("blatherskite")
    assert (counts["toxic"], counts["clean"]) == (3, 2)
    text = " ".join(one.text.casefold() for one in added)
    assert "zounds" in text
    assert not re.search(r"\b(sex|kill|escort|two words)\b", text)


def test_the_public_list_stays_where_it_is(shared_data: Path) -> None:
    path = shared_data / "web" / "lists" / "ldnoobw_en.txt"
    added = [one for one in load_texts(path) if one.kind == "listed"]
    labels = Counter(one.label for one in added)
    assert labels["toxic"] > labels["clean"] > 100
    assert not Texts(added).holding("sex", "breasts", "nude", "vagina", "penis", "sexual")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("you are a idiot", "you are an idiot"),
        ("A apple and an pear", "An apple and a pear"),
        ("an user, a hour, an one, a honest man", "a user, an hour, a one, an honest man"),
        ("a SQL query, an UK visa, a X-ray", "an SQL query, a UK visa, an X-ray"),
        (
            "a ugly, a unclean, a uninvited, an united",
            "an ugly, an unclean, an uninvited, a united",
        ),
        ("vitamin A is", "vitamin A is"),
        ("go! A old joke", "go! An old joke"),
        ('say "a idiot"', 'say "an idiot"'),
    ],
)
def test_articles(given: str, wanted: str) -> None:
    assert with_articles(given) == wanted


def test_sentences_begin_with_capitals() -> None:
    assert capitalised('go home. "who? me!" now') == 'Go home. "Who? Me!" now'


def test_disguises_differ_and_most_change_the_word() -> None:
    made = [disguised("idiot", random.Random(seed)) for seed in range(200)]
    assert len(set(made)) > 20
    assert made.count("idiot") < 10
    assert disguised("shut up", random.Random(1)).strip()


def test_careless_typing_leaves_most_texts_alone() -> None:
    text = "It's a quiet street, and nobody minds."
    made = [roughened(text, random.Random(seed)) for seed in range(400)]
    assert 220 < made.count(text) < 340
    assert len(set(made)) > 15
    assert all(
        roughened("", random.Random(seed)) in ("", "!!", "!!!", "...", "?!", "??")
        for seed in range(50)
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of one's own in place of the project's texts."""
    cached = (groups, kinds, toxicity_templates.lists, words)
    monkeypatch.setattr(toxicity_templates, "_FOLDER", tmp_path)
    for part in ("clean", "toxic"):
        (tmp_path / part).mkdir()
    (tmp_path / "groups.txt").write_text(
        "Martians; Martian; Martian; origin\nElves; elf; -; origin\n"
    )
    (tmp_path / "lists.txt").write_text("= food\nsoup; bread\n")
    for name in ("verbs", "nouns"):
        (tmp_path / f"{name}.txt").write_text("")
    for function in cached:
        function.cache_clear()
    yield tmp_path
    for function in cached:
        function.cache_clear()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("I like {foo}.", r"clean/x.txt:3: no list is called 'foo'"),
        ("I like {@clean/y}.", r"clean/x.txt:3: no kind is called 'clean/y'"),
        ("I like {food.", r"clean/x.txt:3: a bracket is not closed"),
        ("I like {Gs}.", r"clean/x.txt:3: a template names a group where"),
        ("% groups\nI like soup.", r"clean/x.txt:4: a template names a group where"),
        ("% groups\n{Gs} like {Gone}.", r"clean/x.txt:4: names a group in two forms"),
        ("% groups\n<moon> {Gs} sing.", r"clean/x.txt:4: no group has the category moon"),
        ("% groups\n{Gs} like {food}.", r"clean/x.txt: no template names the singular"),
        ("I like {food}.", r"clean/x.txt: gives 2 distinct texts, not the 5"),
    ],
)
def test_a_wrong_template_is_refused_by_file_and_line(
    folder: Path, lines: str, message: str
) -> None:
    (folder / "clean" / "x.txt").write_text(f"# Likes.\n% count 5\n{lines}\n")
    with pytest.raises(ValueError, match=message):
        load_texts()


def test_a_verb_without_its_forms_is_refused(folder: Path) -> None:
    (folder / "verbs.txt").write_text("# verbs\nkill kills killed: time\n")
    (folder / "clean" / "x.txt").write_text("# V.\n% count 5\n% words verbs\nI {vp}.\n")
    with pytest.raises(ValueError, match=r"verbs.txt:2: wants base third"):
        load_texts()

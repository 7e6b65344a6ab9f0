"""Texts written for this project to train a toxicity classifier: abuse, and what only looks like it.

Public collections of abuse are tweets and comments; a model trained on them alone flags every group
named and every "kill". Here each word of harm occurs in harmless senses, too, and each group about
as often in kind sentences as in hateful ones. All of it is made from templates and fillers (see
``toxicity_templates``) by a seed alone: no text is anybody's, and none is about a real person.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import random
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from toxicity_spelling import capitalised, disguised, roughened, with_articles
from toxicity_templates import Group, Kind, Label, Template, Word, groups, kinds, lists, words

__all__ = ["Example", "load_texts"]

_ROUNDS = 60  # more than any file needs to reach its count
_ATTEMPTS = 12  # draws before the next text counts as not to be had

# On lists of swear words, but at home in ordinary texts.
_ORDINARY = re.compile(
    "bdsm|bondage|busty|cialis|clitoris|domination|ecchi|escort|eunuch|fecal|fingering|genitals|hardcore"
    "|hooker|incest|intercourse|kinky|lovemaking|masturbat(e|ing|ion)|nsfw|octopussy|playboy|rectum"
    "|santorum|scat|sexy|skeet|snatch|snowballing|sultry|swastika|swinger|topless|undressing|viagra"
)

_Fillers = Mapping[str, str]
_Draw = Callable[[], tuple[Template, str]]


@dataclasses.dataclass(frozen=True)
class Example:
    """A text with its label.

    Attributes:
        text: of 1 to about 120 words, on one line.
        label: "toxic" or "clean".
        kind: the file it comes from, e.g. "group_derogation".
        template: file and line of its template, e.g. "toxic/threat.txt:12". Texts of one template are
            near-copies of each other and belong into the same part of a split.
    """

    text: str
    label: Label
    kind: str
    template: str


def load_texts(swear_words: Path | None = None, *, seed: int = 0) -> list[Example]:
    """About 13,000 clean and 8,000 toxic texts, none twice; the same ones for the same seed.

    Args:
        swear_words: a list of swear words, one a line, that is read where it is (LDNOOBW's English
            list, CC BY 4.0, is one). Adds abuse with its single words, and questions about them;
            words that the clean templates use are left out.
        seed: decides every draw.

    Returns:
        All texts, kind by kind. Shuffle before training; split by `Example.template`.

    Raises:
        OSError: the list cannot be read.
        ValueError: a file of templates is wrong; names file and line.
    """
    writer = _Writer(seed, _listed(swear_words) if swear_words else ())
    return list(itertools.chain.from_iterable(map(writer.examples, kinds().values())))


class _Writer:
    """Makes texts, and knows which it has made."""

    def __init__(self, seed: int, listed: Sequence[str]):
        self._seed = seed
        self._rng = random.Random()
        self._listed = listed
        self._seen: set[str] = set()
        self._turns = dict.fromkeys(itertools.product(("clean", "toxic"), groups()), 0)

    def examples(self, kind: Kind) -> Iterator[Example]:
        """The texts of a kind, as many as its file asks for."""
        # One for each kind: what is written into a file leaves the texts of the others as they are.
        self._rng = random.Random(f"{self._seed} {kind.name}")
        made, wanted = 0, int(kind.settings.get("count", 0))
        for draw in self._draws(kind):
            for _ in range(_ATTEMPTS):
                template, text = draw()
                key = " ".join(re.findall(r"\w+", text.casefold()))
                if key not in self._seen:
                    self._seen.add(key)
                    text = roughened(text, self._rng)
                    yield Example(text, kind.label, kind.name.split("/")[1], template.place)
                    made += 1
                    break
            if made == wanted > 0:
                return
        if made < wanted:
            raise ValueError(
                f"{kind.name}.txt: gives {made} distinct texts, not the {wanted} of its count;"
                " write more templates or lower it"
            )

    def _draws(self, kind: Kind) -> Iterator[_Draw]:
        """For each text to make a function; called again, it makes another where there is one."""
        rng, settings = self._rng, kind.settings
        templates = deque(rng.sample(kind.templates, len(kind.templates)))
        for _ in range(int(settings.get("each", _ROUNDS))):
            if "groups" in settings:
                for group in rng.sample(groups(), len(groups())):
                    yield functools.partial(self._of_group, kind, templates, group)
            elif "listed" in settings:
                for listed in self._listed:
                    yield functools.partial(self._next, templates, {"listed": listed})
            elif "words" in settings:
                turns = [word for word in _words(kind) for _ in range(word.weight)]
                for word in rng.sample(turns, len(turns)):
                    yield functools.partial(self._of_word, templates, word)
            else:
                for _ in kind.templates:
                    yield functools.partial(self._next, templates, {})

    def _next(self, templates: deque[Template], fillers: _Fillers) -> tuple[Template, str]:
        templates.rotate(-1)
        return templates[-1], self._write(templates[-1], fillers)

    def _of_word(self, templates: deque[Template], word: Word) -> tuple[Template, str]:
        return self._next(templates, self._rng.choice(word.phrases))

    def _of_group(
        self, kind: Kind, templates: deque[Template], group: Group
    ) -> tuple[Template, str]:
        # Forms take turns over all kinds of a label, so that each is as frequent in both labels.
        turns = ("plural", "singular", "plural", "adjective" if group.adjective else "plural")
        form = turns[self._turns[kind.label, group] % len(turns)]
        self._turns[kind.label, group] += 1
        for template in templates:
            if template.form == form and group.category in template.categories:
                break
        else:
            raise ValueError(
                f"{kind.name}.txt: no template names the {form} of the category {group.category}"
            )
        templates.remove(template)
        templates.append(template)
        other = self._rng.choice([one for one in groups() if one != group])
        fillers = {
            "Gs": group.plural,
            "Gs2": other.plural,
            "G": group.singular,
            "Gone": f"a {group.singular}",
            "Ga": group.adjective,
        }
        return template, self._write(template, fillers)

    def _write(self, template: Template, fillers: _Fillers) -> str:
        text = template.text.removeprefix("~")
        while "[" in text:
            text = re.sub(
                r"\[([^\[\]]*)\]", lambda found: self._rng.choice(found[1].split("|")), text
            )
        drawn: list[str] = []
        text = re.sub(
            r"\{([^{}]+)\}", lambda found: self._fill(found[1], fillers, drawn, template), text
        )
        text = re.sub(r"\*([^*]+)\*", lambda found: disguised(found[1], self._rng), text)
        text = re.sub(r" +(?=[.,;!?])", "", " ".join(text.split()))
        text = with_articles(re.sub(r"([!?]|(?<!\.)\.)\.(?!\.)", r"\1", text))
        return text if template.text.startswith("~") else capitalised(text)

    def _fill(self, slot: str, fillers: _Fillers, drawn: list[str], template: Template) -> str:
        if slot.startswith("@"):
            return self._sentence(slot[1:], template)
        how, _, name = slot.rpartition(" ")
        if name in fillers:
            return fillers[name]
        items = lists().get(name.rstrip("2"))
        if items is None:
            raise ValueError(f"{template.place}: no list is called {name!r}; see lists.txt")
        if how == "same":
            return next(item for item in reversed(drawn) if item in items)
        drawn.append(self._rng.choice([item for item in items if item not in drawn]))
        return f"a {drawn[-1]}" if how else drawn[-1]

    def _sentence(self, name: str, template: Template) -> str:
        """A text of another kind, to stand in a longer one."""
        if name not in kinds():
            raise ValueError(f"{template.place}: no kind is called {name!r}")
        kind = kinds()[name]
        templates = deque([self._rng.choice(kind.templates)])
        if "words" in kind.settings:
            text = self._of_word(templates, self._rng.choice(_words(kind)))[1]
        else:
            text = self._next(templates, {})[1]
        return text + "." if text[-1].isalnum() else text


def _words(kind: Kind) -> Sequence[Word]:
    return words("verbs" if kind.settings["words"] == "verbs" else "nouns")


def _listed(path: Path) -> list[str]:
    """The single words of a list that no clean template uses."""
    clean = [
        template.text
        for kind in kinds().values()
        for template in kind.templates
        if kind.label == "clean"
    ]
    phrases = [
        text
        for word in (*words("verbs"), *words("nouns"))
        for p in word.phrases
        for text in p.values()
    ]
    names = [f"{group.plural} {group.singular} {group.adjective}" for group in groups()]
    used = set(re.findall("[a-z]+", " ".join([*clean, *phrases, *names]).casefold()))
    found = set(path.read_text("utf-8").casefold().split("\n")) - used
    return sorted(
        word for word in found if re.fullmatch("[a-z]{3,}", word) and not _ORDINARY.fullmatch(word)
    )

"""The pre-screen: a look at the page's raw text that spares the engine pages nobody will keep.

Only rules that prefer to let a page through belong here; the filters judge it afterwards.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from lxml import etree

from classifiers.language import LanguageIdentifier
from pipeline.core.decisions import Signal, Verdict
from pipeline.core.errors import ConfigError
from pipeline.extract.page import Page

__all__ = ["Prescreen", "Screening", "visible_text"]

# Elements whose text is not shown as text.
_UNSEEN = frozenset(
    {
        *("head", "script", "style", "noscript", "template", "iframe", "object", "svg"),
        *("button", "select", "textarea"),
    }
)
# Menus, labels and dates come in short runs of text and are often in another language than the
# article; sentences come in long ones.
_LONG_RUN = 50
_ENOUGH = 200


@dataclasses.dataclass(frozen=True)
class Screening:
    """What the pre-screen measured, and its verdict if the page goes no further."""

    signals: dict[str, float | str]
    verdict: Verdict | None


@dataclasses.dataclass(frozen=True)
class Prescreen:
    """Drops pages whose visible text is surely in none of the wanted languages.

    Args:
        languages: wanted languages as lid.176 names them, such as ``("en",)``.
        min_score: a page passes if one of them has at least this probability. The default is far
            below any language filter's, since boilerplate can hide the language of the article:
            of 2,463 real pages in some twenty languages it skipped 83 % of those that an English
            filter at .65 would drop after extraction, and none of those it would pass.
        characters: how much of the visible text is looked at, sentences first.
        model: the language model.

    Raises:
        ConfigError: no language, or a number out of its range.
    """

    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("score", "probability of the likeliest wanted language", maximum=1.0),
        Signal("language", "likeliest language of the visible text", kind="text"),
    )

    languages: tuple[str, ...]
    min_score: float = 0.01
    characters: int = 2000
    model: LanguageIdentifier = dataclasses.field(default_factory=LanguageIdentifier)

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", tuple(self.languages))
        if not self.languages:
            raise ConfigError("prescreen.languages names no language")
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigError(f"prescreen.min_score = {self.min_score:g} is no probability")
        if self.characters < 1:
            raise ConfigError("prescreen.characters must be at least 1")

    def parameters(self) -> dict[str, Any]:
        """What the verdict depends on besides the page."""
        return dataclasses.asdict(self)

    def models(self) -> dict[str, str]:
        """sha256 of the language model, by a name for people."""
        return {f"language model {self.model.path or 'lid.176.ftz'}": self.model.model_sha256()}

    def screen(self, page: Page) -> Screening:
        """Measure and judge one page. A page without visible text passes."""
        text = visible_text(page, self.characters)
        if not text:
            return Screening({}, None)
        score = self.model.identify([text], self.languages)[0]
        verdict = None
        if score.wanted < self.min_score:
            verdict = Verdict(
                False, "prescreen.score.low", score.wanted, self.min_score, score.label
            )
        return Screening(
            {"prescreen.score": score.wanted, "prescreen.language": score.label}, verdict
        )


def visible_text(page: Page, characters: int) -> str:
    """The first ``characters`` of the page's visible text, words separated by single spaces.

    Runs of text shorter than a sentence come last, and only where there is little else.
    """
    if page.tree is None:
        return " ".join(page.html[:characters].split())
    long: list[str] = []
    short: list[str] = []
    length = 0
    walk = etree.iterwalk(page.tree, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            text = element.tail
        elif element.tag in _UNSEEN:
            walk.skip_subtree()
            continue
        else:
            text = element.text
        if not text or text.isspace():
            continue
        text = " ".join(text.split())
        if len(text) < _LONG_RUN:
            short.append(text)
            continue
        long.append(text)
        length += len(text) + 1
        if length >= characters:
            break
    if length < _ENOUGH:
        long += short
    return " ".join(long)[:characters]

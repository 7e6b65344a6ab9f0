"""The recipe of a prompt selection: YAML to checked settings. Logs and output are arguments.

The packaged one is ``configs/prompts.yaml``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from classifiers.intent import INTENTS
from pipeline.core.errors import ConfigError, GristmillError
from pipeline.dedup.settings import Dedup
from pipeline.pii import ALL, Kind, Masker, SpacyNames, kinds_of
from pipeline.prompts.cleaning.turn_checks import TurnChecks
from pipeline.prompts.diversity.quotas import Quotas
from pipeline.prompts.diversity.select import METHODS
from pipeline.prompts.golden import Split
from pipeline.prompts.logs.fields import LogFields
from pipeline.recipe.load import read_recipe
from pipeline.recipe.parameters import INVALID, build

__all__ = ["Clean", "Floor", "Golden", "Pii", "PromptsRecipe", "Select", "load_prompts"]

Share = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=0)]
QUALITY = "quality"  # what `Dedup` may compare copies of a prompt by


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clean:
    """What an opening prompt must be. See `pipeline.prompts.cleaning.turn_checks.TurnChecks`.

    Args:
        languages: wanted, as labels of lid.176; empty for all. What is too short or too full of
            code to tell passes.
        fewest_words, most_words: of the opening prompt.
        continuations: drop "continue", "hi" and the like.
        toxicity: drop conversations with a user turn above this score; None tags them only.
        jailbreaks: drop conversations with jailbreaks or injections, or tag them only.
    """

    languages: tuple[str, ...] = ()
    fewest_words: Count | None = 3
    most_words: Count | None = 6000
    continuations: Literal["drop", "keep"] = "drop"
    toxicity: Share | None = 0.9
    jailbreaks: Literal["drop", "tag"] = "drop"

    def __post_init__(self) -> None:
        _ = self.checks  # they know what does not fit

    @property
    def checks(self) -> TurnChecks:
        """The checks that these settings ask for."""
        return TurnChecks(
            languages=self.languages,
            fewest_words=self.fewest_words,
            most_words=self.most_words,
            continuations=self.continuations == "drop",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pii:
    """Personal data in turns.

    Args:
        action: ``mask`` with typed placeholders, ``drop`` the conversation, or ``keep`` it as it is.
        kinds: looked for; empty for all.
        names: a spaCy model, by name or path, that finds names of persons; None leaves them.
    """

    action: Literal["mask", "drop", "keep"] = "mask"
    kinds: tuple[str, ...] = ()
    names: str | None = None

    def __post_init__(self) -> None:
        kinds_of(self.kinds)

    @property
    def looked_for(self) -> frozenset[Kind]:
        """Kinds, as `pipeline.pii` has them."""
        found = kinds_of(self.kinds) if self.kinds else ALL
        return found | {Kind.NAME} if self.names is not None else found

    @property
    def masker(self) -> Masker | None:
        """What masks, or only counts where a conversation is to be dropped; None to keep all."""
        if self.action == "keep":
            return None
        return Masker(
            self.looked_for,
            action="mask" if self.action == "mask" else "count",
            names=None if self.names is None else SpacyNames(self.names),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Floor:
    """What a prompt must reach before diversity counts: k-center and the like love outliers.

    Args:
        intents: wanted; empty for all.
        quality: least overall score of the criteria, 0 to 1.
        response_quality: least score of the worst response, where there is one, 0 to 1.
    """

    intents: tuple[str, ...] = ("asking",)
    quality: Share = 0.3
    response_quality: Share = 0.5

    def __post_init__(self) -> None:
        for intent in self.intents:
            if intent not in INTENTS:
                raise ConfigError(f"floor.intents: {intent!r} is none of {', '.join(INTENTS)}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Select:
    """How the selection is made from what is left.

    Args:
        count: prompts wanted.
        method: see `pipeline.prompts.diversity.select.select_diverse`.
        best: share of the prompts that reach the floor that are chosen among, the best by quality;
            always at least twice ``count``.
        pool: most prompts that are chosen among.
        clusters: topics; None for a number that fits the pool.
        quotas: by ``topic``, ``language`` or ``intent``: the largest share of any one of them, or
            shares by name.
        rounds: how often what the audit finds is replaced, at most.
    """

    count: Count = 1000
    method: str = "facility-location"
    best: Annotated[float, Field(gt=0, le=1)] = 0.5
    pool: Annotated[int, Field(ge=1)] = 50_000
    clusters: Annotated[int, Field(ge=1)] | None = None
    quotas: Mapping[str, Share | Mapping[str, Share]] = dataclasses.field(default_factory=dict)
    rounds: Annotated[int, Field(ge=1)] = 10

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"select.method = {self.method!r} is none of {', '.join(METHODS)}")
        Quotas(self.quotas)
        for name in self.quotas:
            if name not in ("topic", "language", "intent"):
                raise ConfigError(f"select.quotas: {name!r} is none of topic, language, intent")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Golden:
    """The Golden Set: prompts of paying customers, for evaluation only.

    Args:
        count: prompts wanted; 0 for none: then every conversation may train.
        version: of the set, for its file.
        tiers: of paying customers, as the log has them.
        users: share of users who evaluate.
        after: a time from which on prompts evaluate and none train; None takes it from ``latest``.
        latest: share of all conversations, the last ones, that evaluate and do not train, where
            ``after`` is None.
        intents: wanted in it; empty for all.
        quality: least overall score.
        most_shared: conversations to train with that may share eight words in a row with a prompt
            of it; one that more do is made from a template. Those that do leave training.
    """

    count: Count = 500
    version: str = "1"
    tiers: tuple[str, ...] = ("plus", "pro", "paid", "team", "business", "enterprise")
    users: Part = 0.2
    after: str | None = None
    latest: Part = 0.2
    intents: tuple[str, ...] = ()
    quality: Share = 0.3
    most_shared: Count = 10

    def __post_init__(self) -> None:
        for intent in self.intents:
            if intent not in INTENTS:
                raise ConfigError(f"golden.intents: {intent!r} is none of {', '.join(INTENTS)}")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", self.version):
            raise ConfigError(
                f"golden.version {self.version!r} may hold only letters, digits, '.', '-' and '_'"
            )
        if self.count:
            Split(tiers=self.tiers, users=self.users, after=self.after or "")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromptsRecipe:
    """Everything about a selection but its logs and its output. Cheap to pickle.

    Args:
        name: lower-case letters, digits, ``-`` and ``_``.
        fields: of the logs; what is not named is recognised.
        clean, pii, floor, select, golden: see there.
        dedup: how near-copies of prompts are found; null to leave them in.
        benchmarks: of which nothing may be selected; see ``gristmill audit``.
        seed: of the split and of random choices.
    """

    name: str = "prompts"
    fields: LogFields = dataclasses.field(default_factory=LogFields)
    clean: Clean = Clean()
    pii: Pii = Pii()
    floor: Floor = Floor()
    dedup: Dedup | None = dataclasses.field(
        default_factory=lambda: Dedup(threshold=0.8, keep=("best_quality",), quality=QUALITY)
    )
    select: Select = dataclasses.field(default_factory=Select)
    golden: Golden = Golden()
    benchmarks: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0)] = 0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_-]+", self.name):
            raise ConfigError(
                f"name {self.name!r} may hold only lower-case letters, digits, '-' and '_'"
            )
        if self.dedup is not None and self.dedup.quality not in ("", QUALITY):
            raise ConfigError(
                f"dedup.quality = {self.dedup.quality!r}: of prompts only {QUALITY!r} is known"
            )

    def describe(self) -> dict[str, Any]:
        """Every value in use, as plain ones."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        if self.dedup is not None:
            plain["dedup"] = self.dedup.describe()
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def load_prompts(path: str, overrides: Sequence[str] = ()) -> PromptsRecipe:
    """Read, check and build the recipe of a selection.

    Args:
        path: a file, or the bare name of a packaged recipe: ``prompts``.
        overrides: ``key=value`` as ``--set`` takes them.

    Raises:
        RecipeError, RecipeErrors: see `pipeline.recipe.load_recipe`.
    """
    tree = read_recipe(path, overrides)
    try:
        recipe = build(tree, (), PromptsRecipe)
    except GristmillError as error:
        tree.fault((), str(error))
        recipe = INVALID
    tree.raise_faults()
    assert isinstance(recipe, PromptsRecipe)
    return recipe

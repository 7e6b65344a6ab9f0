"""What a recipe's ``dedup:`` section may say, and what follows from it."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from pipeline.core.errors import ConfigError
from pipeline.dedup.signatures import Signing
from pipeline.runtime.storage import is_url

__all__ = ["Alarm", "Dedup", "Rule"]

Rule = Literal["longest", "best_quality", "earliest", "latest", "preferred_domains"]
Share = Annotated[float, Field(ge=0, le=1)]

BANDS, ROWS, THRESHOLD = 14, 8, 0.8
# Of a false candidate and of a missed pair, for datasketch's optimum. It weighs them alike; but
# every candidate is verified here, so that a false one costs time and a missed pair stays for good.
WEIGHTS = (0.05, 0.95)


def _check_values(settings: Any) -> None:
    """What a recipe's values are held to, for settings that come from elsewhere."""
    kind: Any = type(settings)
    for name, adapter in _adapters(kind).items():
        value = getattr(settings, name)
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError as error:
            message = error.errors(include_url=False)[0]["msg"]
            raise ConfigError(f"{name}: {value!r} will not do: {message}") from None


@functools.cache
def _adapters(kind: Any) -> dict[str, TypeAdapter[Any]]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {name: TypeAdapter(hint) for name, hint in hints.items()}


@dataclasses.dataclass(frozen=True)
class Alarm:
    """When a result looks like a wipe-out rather than a clean-up.

    Args:
        share: of the documents of one source or one domain. More than this lost raises the alarm.
        minimum: documents a source or domain must have to be looked at.
        action: ``stop`` ends before anything is removed (exit code 4), ``warn`` says so and goes
            on, ``off`` does not look.
    """

    share: Share = 0.9
    minimum: Annotated[int, Field(ge=1)] = 20
    action: Literal["stop", "warn", "off"] = "stop"

    def __post_init__(self) -> None:
        _check_values(self)


@dataclasses.dataclass(frozen=True)
class Dedup:
    """How duplicates are found, and which copy stays.

    Args:
        bands, rows: MinHash-LSH; two texts are compared if all ``rows`` values of one band agree,
            which for Jaccard similarity s has probability 1 − (1 − s^rows)^bands. FineWeb's 14 × 8
            where neither they nor ``threshold`` is given.
        threshold: least similarity between a removed document and the one kept in its place,
            0.8 if not given. Given without ``bands`` and ``rows``, it picks them, too: datasketch's
            optimum for it with 112 permutations and `WEIGHTS`. For 0.8 that is 14 × 8.
        similarity: ``jaccard`` of the two sets of word shingles, or ``containment``: the share of
            the removed document's shingles that the kept one has.
        words: words per shingle.
        keep: which of several copies stays: the best by the first rule, among equals by the next,
            at last the one whose id sorts first.
        preferred_domains: for that rule, best first; ``example.org`` also means its subdomains.
        quality: for ``best_quality``, the column to compare, higher is better: a signal of a run,
            such as ``gopher_quality.word_count``, or a column of the input files.
        against: output folders of earlier runs; what they kept stays, and copies of it go.
        payload: in a run, pages whose bytes repeat are found before extraction, too.
        alarm: see `Alarm`.
        seed: of the permutations.

    Raises:
        ConfigError: a value that its key does not take, values that do not go together.
    """

    threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    bands: Annotated[int, Field(ge=1, le=255)] | None = None
    rows: Annotated[int, Field(ge=1)] | None = None
    similarity: Literal["jaccard", "containment"] = "jaccard"
    words: Annotated[int, Field(ge=1, le=64)] = 5
    keep: tuple[Rule, ...] = ("longest",)
    preferred_domains: tuple[str, ...] = ()
    quality: str = ""
    against: tuple[str, ...] = dataclasses.field(default=(), metadata={"file": True, "url": True})
    payload: bool = False
    alarm: Alarm = Alarm()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1

    def __post_init__(self) -> None:
        _check_values(self)
        if (self.bands is None) != (self.rows is None):
            raise ConfigError("bands and rows come together: give both or neither")
        if len(set(self.keep)) != len(self.keep):
            raise ConfigError("keep names a rule twice")
        for rule, name, given in (
            ("preferred_domains", "preferred_domains", self.preferred_domains),
            ("best_quality", "quality", self.quality),
        ):
            if (rule in self.keep) != bool(given):
                raise ConfigError(f"the rule {rule} in keep and the key {name} need each other")
        for earlier in self.against:
            if is_url(earlier) and re.search("[@?#]", earlier):
                raise ConfigError(
                    "against: a URL takes no user, password and query, since manifests name it; "
                    "credentials are read from the environment"
                )
        for domain in self.preferred_domains:
            if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", domain):
                raise ConfigError(
                    f"preferred_domains: {domain!r} is no domain in lower case, such as "
                    "'example.org' (other scripts in Punycode)"
                )

    @property
    def least_similarity(self) -> float:
        """The similarity every removal reaches."""
        return THRESHOLD if self.threshold is None else self.threshold

    @property
    def banding(self) -> tuple[int, int]:
        """Bands and rows in use."""
        if self.bands is not None and self.rows is not None:
            return self.bands, self.rows
        if self.threshold is not None:
            return _optimum(self.threshold, BANDS * ROWS)
        return BANDS, ROWS

    @property
    def signing(self) -> Signing:
        """How texts are signed: with as many permutations as the bands take, at least 112."""
        bands, rows = self.banding
        return Signing(self.words, max(bands * rows, BANDS * ROWS), self.seed)

    def describe(self) -> dict[str, Any]:
        """Every value in use, as plain ones, for a manifest."""
        bands, rows = self.banding
        plain = dataclasses.asdict(self) | {"keep": list(self.keep)}
        plain |= {name: list(plain[name]) for name in ("preferred_domains", "against")}
        plain |= {"threshold": self.least_similarity, "bands": bands, "rows": rows}
        return {**plain, "signing": self.signing.parameters()}


@functools.cache
def _optimum(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands and rows with the least sum of false positive and false negative probability."""
    from datasketch import MinHashLSH

    try:
        index = MinHashLSH(threshold=threshold, num_perm=permutations, weights=WEIGHTS)
    except ValueError:  # at 1 the optimum is one band, which datasketch refuses
        return 2, permutations // 2
    return index.b, index.r

"""Placeholders for personal data, the same for the same value throughout a conversation."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Callable, Sequence

from pipeline.core.errors import ConfigError
from pipeline.pii.find import find_pii
from pipeline.pii.fold import fold
from pipeline.pii.kinds import ALL, Found, Kind, kinds_of
from pipeline.pii.names import Names
from pipeline.pii.policy import DEFAULT, Policy

__all__ = ["ACTIONS", "Masked", "Masker", "same_value"]

ACTIONS = ("mask", "count")


@dataclasses.dataclass(frozen=True, slots=True)
class Masked:
    """A conversation after masking.

    Args:
        texts: as many as came in.
        counts: finds by kind, only kinds that were found; a value found twice counts twice.
        found: of each text as it came in.
    """

    texts: tuple[str, ...]
    counts: dict[Kind, int]
    found: tuple[tuple[Found, ...], ...]


@dataclasses.dataclass(frozen=True)
class Masker:
    """Masks the texts of one conversation at a time.

    Args:
        kinds: what to look for, as `Kind` or its name.
        action: ``"mask"``, or ``"count"`` to leave the texts as they are; whether a conversation is
            dropped for its counts is the caller's decision.
        form: of a placeholder, with ``{kind}`` (upper case) and ``{number}``, from 1 on for each kind
            and conversation. Without ``{number}`` equal and different values look the same.
        policy: what is spared.
        names: finds names of persons; needed for `Kind.NAME`.

    Raises:
        ConfigError: an unknown kind or action, a form without ``{kind}`` or with other fields, or
            `Kind.NAME` without ``names``.
    """

    kinds: frozenset[Kind] = ALL
    action: str = "mask"
    form: str = "[{kind}_{number}]"
    policy: Policy = DEFAULT
    names: Names | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", kinds_of(self.kinds))
        if self.action not in ACTIONS:
            raise ConfigError(f"action {self.action!r} is none of {', '.join(ACTIONS)}")
        try:
            shown = self.form.format(kind="KIND", number=1)
        except (KeyError, IndexError, ValueError) as error:
            raise ConfigError(
                f"form {self.form!r} is no placeholder ({error!r}); write it like "
                f"'[{{kind}}_{{number}}]'"
            ) from error
        if "KIND" not in shown:
            raise ConfigError(
                f"form {self.form!r} does not name the {{kind}}; write '[{{kind}}_{{number}}]'"
            )
        if Kind.NAME in self.kinds and self.names is None:
            raise ConfigError("kind 'person_name' needs a model; give one as names")

    def mask(self, texts: Sequence[str]) -> Masked:
        """The texts of a conversation with placeholders.

        Numbers follow the order in which values first stand there. Where a text has placeholders
        already, new ones take higher numbers, so two values never share one.

        Args:
            texts: turns, in order.
        """
        found = tuple(
            tuple(find_pii(text, self.kinds, policy=self.policy, names=self.names))
            for text in texts
        )
        counts = collections.Counter(one.kind for finds in found for one in finds)
        if self.action == "count" or not counts:
            return Masked(tuple(texts), dict(counts), found)
        used = {kind: self._highest(kind, texts) for kind in counts}
        numbers: dict[tuple[Kind, str], int] = {}
        masked = []
        for text, finds in zip(texts, found, strict=True):
            pieces: list[str] = []
            at = 0
            for one in finds:
                key = (one.kind, same_value(one))
                if key not in numbers:
                    used[one.kind] += 1
                    numbers[key] = used[one.kind]
                shown = self.form.format(kind=one.kind.upper(), number=numbers[key])
                pieces += (text[at : one.start], shown)
                at = one.end
            masked.append("".join((*pieces, text[at:])))
        return Masked(tuple(masked), dict(counts), found)

    def _highest(self, kind: Kind, texts: Sequence[str]) -> int:
        """The highest number of a placeholder of this kind that stands in the texts already."""
        shown = self.form.format(kind=kind.upper(), number="\0")
        front, number, back = shown.partition("\0")
        if not number:
            return 0
        pattern = re.compile(re.escape(front) + "([0-9]{1,9})" + re.escape(back))
        return max((int(match[1]) for text in texts for match in pattern.finditer(text)), default=0)


def same_value(found: Found) -> str:
    """What two spellings of one value have in common, so that they get one placeholder."""
    value = fold(found.value).text
    return _SAME.get(found.kind, str)(value)


def _compact(value: str) -> str:
    return re.sub(r"[\W_]", "", value).lower()


def _email(value: str) -> str:
    value = re.sub(r"\s*(?:[\[({<]+\s*(?:at|@|ät|arroba|chez)\s*[\])}>]+|\s(?:at|@)\s|&#(?:64"
        r"|x40);|&commat;|%40)\s*", "@",
                   value.lower())  # fmt: skip
    value = re.sub(
        r"\s*(?:[\[({<]+\s*(?:dot|\.|punkt|point|punto)\s*[\])}>]+|\s(?:dot|punkt)\s|\s\.\s?)\s*",
        ".",
        value,
    )
    return re.sub(r"\s*@\s*", "@", value)


def _phone(value: str) -> str:
    """Digits as dialled from abroad: without ``00``, ``+`` and the ``(0)`` for calls at home."""
    digits = re.sub("[^0-9]", "", re.sub(r"\(\s*0\s*\)", "", value))
    return digits[2:] if digits.startswith("00") else digits


_SAME: dict[Kind, Callable[[str], str]] = {
    Kind.EMAIL: _email,
    Kind.PHONE: _phone,
    **dict.fromkeys(
        (Kind.CARD, Kind.IBAN, Kind.SSN, Kind.NINO, Kind.NATIONAL_ID, Kind.PASSPORT, Kind.MAC,
        Kind.ADDRESS),
        _compact,
    ),
}  # fmt: skip

"""The kinds of personal data that are looked for, and what a find is."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable

from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest

__all__ = ["ALL", "Candidate", "Found", "Kind", "kinds_of"]


class Kind(enum.StrEnum):
    """What a find is of. In upper case it is the word of the placeholder."""

    EMAIL = "email"
    PHONE = "phone"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    MAC = "mac_address"
    CARD = "credit_card"
    IBAN = "iban"
    SSN = "us_ssn"
    NINO = "uk_nino"
    NATIONAL_ID = "national_id"
    PASSPORT = "passport"
    ADDRESS = "street_address"
    WALLET = "crypto_wallet"
    AWS_KEY = "aws_key"
    GITHUB_TOKEN = "github_token"  # noqa: S105 - a name, no token
    SLACK_TOKEN = "slack_token"  # noqa: S105
    AI_KEY = "ai_key"
    GOOGLE_KEY = "google_key"
    STRIPE_KEY = "stripe_key"
    JWT = "jwt"
    PRIVATE_KEY = "private_key"
    URL_CREDENTIALS = "url_credentials"
    SECRET = "secret"  # noqa: S105
    NAME = "person_name"


# Names need a model, so they are found only where one is given.
ALL = frozenset(Kind) - {Kind.NAME}

# A find before its text is cut out: kind, first index, index after the last.
Candidate = tuple[Kind, int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One piece of personal data in a text.

    Args:
        kind: what it is.
        start, end: indices into the text; ``text[start:end] == value``.
        value: as it stands in the text.
    """

    kind: Kind
    start: int
    end: int
    value: str


def kinds_of(names: Iterable[str]) -> frozenset[Kind]:
    """Kinds by their names.

    Raises:
        ConfigError: a name that is no kind; the nearest one is offered.
    """
    found = set()
    for name in names:
        try:
            found.add(Kind(name))
        except ValueError:
            choices = [kind.value for kind in Kind]
            raise ConfigError(
                f"no kind of personal data is called {name!r}{nearest(name, choices)} "
                f"Kinds: {', '.join(choices)}"
            ) from None
    return frozenset(found)

"""What the reports say of a run's tokens: fertility by language and domain, and what model they serve."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

__all__ = ["TOKENS_PER_PARAMETER", "TokenFacts", "TokenRow", "rounded", "token_facts", "token_line"]

# Hoffmann et al. 2022 ("Chinchilla", arXiv:2203.15556): of a given sum of computation the best use is a
# model with about a twentieth as many parameters as tokens.
TOKENS_PER_PARAMETER = 20
NONE = "·"


@dataclasses.dataclass(frozen=True, slots=True)
class TokenRow:
    """A language, or a domain.

    Args:
        name: for a person; ``"unknown"`` where it has none.
        documents, words, tokens: of the kept documents.
        per_word: fertility, tokens per word (Rust et al. 2021; Ali et al. 2024), two decimals.
        characters_per_token: two decimals; what to read where a script parts no words.
    """

    name: str
    documents: int
    words: int
    tokens: int
    per_word: str
    characters_per_token: str


@dataclasses.dataclass(frozen=True, slots=True)
class TokenFacts:
    """See `pipeline.token_totals.token_totals`; rows have the sums of the others as their last."""

    tokenizer: str
    sha256: str
    vocabulary: int
    tokens: int
    uncounted: int
    fates: Mapping[str, int]
    rule_of_thumb: str
    languages: tuple[TokenRow, ...]
    domains: tuple[TokenRow, ...]


def token_facts(manifest: Mapping[str, Any]) -> TokenFacts | None:
    """What a manifest says of tokens; None if it says nothing."""
    noted = manifest.get("tokens")
    if noted is None:
        return None
    return TokenFacts(
        tokenizer=noted["tokenizer"],
        sha256=noted["sha256"],
        vocabulary=noted["vocabulary"],
        tokens=noted["tokens"],
        uncounted=noted["uncounted"],
        fates=noted["fates"],
        rule_of_thumb=_rule_of_thumb(noted["tokens"]),
        languages=_rows(noted, "languages"),
        domains=_rows(noted, "domains"),
    )


def token_line(noted: Mapping[str, Any]) -> str:
    """``"1,234 tokens kept (embedded tokenizer), 1.52 a word"``, for a terminal."""
    line = f"{noted['tokens']:,} tokens kept ({noted['tokenizer']})"
    line += f", {noted['tokens'] / noted['words']:.2f} a word" if noted["words"] else ""
    return line + (f"; {noted['uncounted']:,} documents uncounted" if noted["uncounted"] else "")


def rounded(number: float) -> str:
    """Two figures and a word: ``"350 million"``; a rule of thumb deserves no more."""
    value = float(f"{number:.1e}")
    for size, name in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"), (1, "")):
        if value >= size:
            return f"{value / size:,.0f}{name}" if value >= 10 * size else f"{value / size:g}{name}"
    return "0"


def _rule_of_thumb(tokens: int) -> str:
    return (
        f"At about {TOKENS_PER_PARAMETER} tokens per parameter they would serve a model of "
        f"{rounded(tokens / TOKENS_PER_PARAMETER)} parameters: a rule of thumb for the best use of a "
        "given amount of computation, once through the data (Hoffmann et al. 2022). Models that "
        "are to be small in use are trained on many times more."
    )


def _rows(noted: Mapping[str, Any], what: str) -> tuple[TokenRow, ...]:
    rows = [_row(one["name"] or "unknown", one) for one in noted[what]]
    others = noted[f"other_{what}"]
    if others["names"]:
        rows.append(_row(f"{others['names']:,} others", others))
    return tuple(rows)


def _row(name: str, sums: Mapping[str, int]) -> TokenRow:
    documents, words, characters, tokens = (
        sums[column] for column in ("documents", "words", "characters", "tokens")
    )
    return TokenRow(
        name,
        documents,
        words,
        tokens,
        f"{tokens / words:.2f}" if words else NONE,
        f"{characters / tokens:.2f}" if tokens else NONE,
    )

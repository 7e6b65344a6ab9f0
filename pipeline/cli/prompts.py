"""``gristmill prompts``: what is done with the prompts of chat logs."""

from __future__ import annotations

import click

from pipeline.cli.intents import intent
from pipeline.cli.terminal import examples

__all__ = ["prompts"]


@click.group(epilog=examples("gristmill prompts intent chats.jsonl --out intents.jsonl"))
def prompts() -> None:
    """Prompts of chat logs: what users want of a model."""


prompts.add_command(intent)

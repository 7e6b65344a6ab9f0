"""``gristmill prompts``: what is done with the prompts of chat logs."""

from __future__ import annotations

import click

from pipeline.cli.intents import intent
from pipeline.cli.selection import explain, run
from pipeline.cli.terminal import DefaultGroup, examples

__all__ = ["prompts"]


@click.group(
    cls=DefaultGroup,
    default="run",
    epilog=examples(
        "gristmill prompts logs/*.jsonl.gz --select 1000 --golden 500 --out out/prompts",
        "gristmill prompts explain chat-00017 --out out/prompts",
        "gristmill prompts intent chats.jsonl --out intents.jsonl",
    ),
)
def prompts() -> None:
    """Select the prompts of chat logs that are worth training on, and a Golden Set.

    `gristmill prompts LOGS…` is short for `gristmill prompts run LOGS…`; its options are shown by
    `gristmill prompts run --help`.
    """


for command in (run, explain, intent):
    prompts.add_command(command)

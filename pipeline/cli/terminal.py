"""What all commands share: errors to messages and exit codes, the console, help with examples."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.core.errors import ConfigError, GristmillError

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.runtime.executor import Executor
    from pipeline.runtime.storage import RunFolder

__all__ = [
    "DefaultGroup",
    "Group",
    "chosen_executor",
    "console",
    "examples",
    "ray_options",
    "run_manifest",
    "say_quarantined",
]

FILE_WIDTH = 120  # columns of a table that goes to a file or a pipe


class Group(click.Group):
    """Turns every error raised on purpose into one message and its exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs |= {"standalone_mode": False, "prog_name": "gristmill"}
        try:
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            click.echo("interrupted; the same command continues", err=True)
            code = 130
        except BrokenPipeError:
            sys.stderr.close()
            code = 1
        except GristmillError as error:
            click.echo(f"error: {error}", err=True)
            code = error.exit_code
        sys.exit(code if isinstance(code, int) else 0)


class DefaultGroup(click.Group):
    """Arguments that name no command are those of the ``default`` one: ``dedup a.jsonl``.

    Args:
        default: name of a command of the group.
    """

    def __init__(self, *args: Any, default: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *self.get_help_option_names(ctx)}
        if args and args[0] not in known:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def examples(*lines: str) -> str:
    """An epilog that keeps its line breaks."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def ray_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--workers``, ``--address`` and ``--serial``."""
    for option in (
        click.option("--serial", is_flag=True, help="No Ray: everything in this process."),
        click.option(
            "--address", metavar="ADDRESS", help="Join this Ray cluster instead of a local one."
        ),
        click.option(
            "--workers", type=int, metavar="N", help="Pieces of work at a time [one per CPU]."
        ),
    ):
        command = option(command)
    return command


def chosen_executor(options: dict[str, Any], parts: int) -> Executor:
    """What `ray_options` ask for: Ray, unless told otherwise or there is but one piece of work.

    Raises:
        click.UsageError: they contradict each other.
    """
    from pipeline.runtime.executor import RayExecutor, SerialExecutor

    if options["serial"] and (options["address"] or options["workers"]):
        raise click.UsageError("--serial uses no Ray: leave out --address and --workers")
    if options["serial"] or (parts <= 1 and not options["workers"] and not options["address"]):
        return SerialExecutor()
    return RayExecutor(options["workers"], options["address"])


def console(stderr: bool = False) -> Console:
    from rich.console import Console

    """Standard output or standard error; text that goes to a file gets a width of its own."""
    made = Console(stderr=stderr, soft_wrap=True)
    if not made.is_terminal:
        made.width = FILE_WIDTH
    return made


def say_quarantined(share: float, limit: float, folder: Path) -> None:
    """Say on standard error that more rows could not be used than may be."""
    if share > limit:
        click.echo(
            f"error: {share:.2%} of the rows could not be used, more than {limit:.0%}; "
            f"see {folder / 'quarantine.parquet'}",
            err=True,
        )


def run_manifest(folder: RunFolder) -> dict[str, Any]:
    """The manifest of a finished run.

    Raises:
        ConfigError: there is none, or it is that of something else.
    """
    if not folder.exists(folder.manifest):
        raise ConfigError(
            f"{folder.shown} holds no finished run: {folder.shown}/manifest.json is missing"
        )
    manifest: dict[str, Any] = json.loads(folder.read_text(folder.manifest))
    if "recipe" not in manifest:
        raise ConfigError(f"{folder.shown} holds deduplicated files and no run of a recipe")
    return manifest

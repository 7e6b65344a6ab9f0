"""``gristmill prompts LOGS``: a selection from raw chat logs, and the fate of each conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.figures import line
from pipeline.cli.terminal import (
    OutPath,
    chosen_executor,
    console,
    examples,
    ray_options,
    say_quarantined,
)

if TYPE_CHECKING:
    from pipeline.selection.run import PlannedSelection, SelectionResult

__all__ = ["explain", "run"]

DEFAULT_OUT = "out/prompts"
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(
    epilog=examples(
        "gristmill prompts logs/*.jsonl.gz --select 1000 --golden 500 --out out/prompts",
        "gristmill prompts sharegpt.json --golden 0 --select 200",
        "gristmill prompts logs --set fields.tier=metadata.plan --set 'golden.tiers=[gold]'",
        "gristmill prompts logs --benchmarks gsm8k,mmlu --benchmark-dir benchmarks",
    )
)
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@click.option("--recipe", default="prompts", show_default=True, metavar="RECIPE",
              help="A YAML file, or the name of a packaged recipe.")  # fmt: skip
@click.option(
    "--select", type=click.IntRange(0), metavar="N", help="Prompts to select  [select.count]"
)
@click.option("--golden", type=click.IntRange(0), metavar="N", help="Prompts of the Golden Set; 0 for "
              "none  [golden.count]")  # fmt: skip
@click.option("--benchmarks", "-b", multiple=True, metavar="NAMES", help="Nothing of these is "
              "selected  [benchmarks of the recipe]")  # fmt: skip
@click.option("--benchmark-dir", type=FOLDER, metavar="DIR", help="Folder of benchmarks' files and "
              "definitions, before the Hub is asked  [default: $GRISTMILL_BENCHMARKS]")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
              help="Change a value of the recipe, such as floor.quality=0.5.")  # fmt: skip
@click.option("--out", type=OutPath(file_okay=False), default=DEFAULT_OUT, show_default=True, metavar="DIR",
              help="Output folder.")  # fmt: skip
@ray_options
@click.option("--json", "as_json", is_flag=True, help="Print prompts.json instead of a summary.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def run(**options: Any) -> int:
    """Select prompts worth training on from LOGS, and a Golden Set to evaluate with.

    LOGS are chats in JSON, JSON lines (plain, .gz, .zst), Parquet or hf://OWNER/NAME, in the shapes of
    ShareGPT, WildChat, LMSYS-Chat-1M, OASST, OpenAI messages and plain prompts; globs and folders of
    these. The same command after an interruption continues.

    Exit code 3: more than 1 % of the rows could not be used; they are in quarantine.parquet. 2: wrong
    arguments. 1: other errors.
    """
    from pipeline.audit.run import QUARANTINE_LIMIT
    from pipeline.runtime.progress import reporter
    from pipeline.selection.run import run_selection

    planned = _planned(options)
    silent = options["quiet"] or options["as_json"]
    result = run_selection(
        planned,
        chosen_executor(options, len(planned.logs.parts)),
        reporter(console(stderr=True), quiet=silent),
    )
    if options["as_json"]:
        click.echo(json.dumps({"out": str(result.folder.root), **result.manifest}))
    elif not options["quiet"]:
        _print_result(result, options["out"])
    say_quarantined(result.quarantined_share, QUARANTINE_LIMIT, result.folder.root)
    return result.exit_code


@click.command(
    epilog=examples(
        "gristmill prompts explain chat-00017",
        "gristmill prompts explain chat-00017 --out out/prompts --json",
    )
)
@click.argument("conversation", metavar="ID")
@click.option("--out", type=OutPath(file_okay=False), default=DEFAULT_OUT, show_default=True, metavar="DIR",
              help="Folder of the selection.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(conversation: str, out: Path, as_json: bool) -> None:
    """Say what became of a conversation and why, with all that was measured on it."""
    from pipeline.core.printable import printable
    from pipeline.selection.explain import explain as found_of
    from pipeline.selection.explain import explained

    found = found_of(out, conversation)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    terminal = console()
    for said in explained(found):
        line(terminal, printable(said))


def _planned(options: dict[str, Any]) -> PlannedSelection:
    from pipeline.audit.benchmarks import load_benchmarks
    from pipeline.recipe.prompts import load_prompts
    from pipeline.selection.run import plan_selection

    overrides = list(options["overrides"])
    for key, name in (("select.count", "select"), ("golden.count", "golden")):
        if options[name] is not None:
            overrides.append(f"{key}={options[name]}")
    recipe = load_prompts(options["recipe"], overrides)
    names = options["benchmarks"] or recipe.benchmarks
    benchmarks = load_benchmarks(names, options["benchmark_dir"]) if names else ()
    return plan_selection(options["logs"], recipe, benchmarks, options["out"])


def _print_result(result: SelectionResult, out: Path) -> None:
    from pipeline.reports.prompts_page import FATE_MEANINGS, headline

    manifest = result.manifest
    terminal = console()
    line(terminal, headline(manifest))
    rows, talks = manifest["rows"], manifest["conversations"]
    line(
        terminal,
        f"  {rows['read']:,} rows read: {rows['used']:,} in {talks['read']:,} conversations, "
        f"{rows['quarantined']:,} quarantined",
    )
    for fate, meaning in FATE_MEANINGS.items():
        if talks[fate]:
            reasons = list(manifest["reasons"][fate].items())[:3]
            told = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
            line(terminal, f"  {fate:12} {talks[fate]:>9,}  {told or meaning}")
    coverage = manifest["coverage"]
    if coverage["selected"]:
        line(
            terminal,
            f"  coverage {coverage['selected'][-1]:.3f}, {coverage['random'][-1]:.3f} at random",
        )
    audit = manifest["audit"]
    if audit["folder"]:
        line(
            terminal, f"  audit: {audit['rounds'][-1]} leaks left, {sum(audit['rounds'])} replaced"
        )
    for said in manifest["shortfalls"]:
        line(terminal, f"  note: {said}")
    for name, what in (
        ("selected.jsonl", "ready for fine-tuning; selected.parquet is the same"),
        ("golden/", "the Golden Set"),
        ("ledger.parquet", "every conversation with its fate"),
        ("report.html", "all of it, for a person"),
    ):
        if name != "golden/" or manifest["golden"]["version"]:
            line(terminal, f"  {out}/{name:16} {what}")

"""The commands that need no file of their own. Arguments in, text out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import __version__
from pipeline.cli.audit import audit
from pipeline.cli.classifier import classifier
from pipeline.cli.dedup import dedup
from pipeline.cli.plan import plan
from pipeline.cli.prompts import prompts
from pipeline.cli.push import push
from pipeline.cli.terminal import Group, OutPath, console, examples, ray_options, run_manifest

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.run import RunResult
    from pipeline.runtime.manifest import SplitReport

__all__ = ["main"]


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gristmill")
def main() -> None:
    """Raw web crawls in, audited training data out, every record accounted for."""


@main.command(
    epilog=examples(
        "gristmill run quickstart",
        "gristmill run fineweb --set 'source={kind: warc, paths: [crawl/*.warc.gz]}' --out out/cc",
        "gristmill run my.yaml --set filters.gopher_quality.bounds.word_count.low=20",
        "gristmill run my.yaml --address auto --workers 64",
    )
)
@click.argument("recipe")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one key.")
@click.option("--out", metavar="DIR", help="Output folder or its URL (s3://BUCKET/RUN), instead of "
              "the recipe's.")  # fmt: skip
@ray_options
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def run(
    recipe: str,
    overrides: tuple[str, ...],
    out: str | None,
    workers: int | None,
    address: str | None,
    serial: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run RECIPE: a YAML file, or the name of one that comes with Gristmill.

    The same command after an interruption continues where it stopped; after a change of a bound
    only deciding is done again.
    """
    from pipeline.recipe import load_recipe
    from pipeline.run import run as run_recipe
    from pipeline.runtime.progress import reporter

    if serial and (address or workers):
        raise click.UsageError("--serial uses no Ray: leave out --address and --workers")
    terminal = console(stderr=True)
    loaded = load_recipe(recipe, overrides)
    if not quiet:
        for warning in loaded.warnings:
            terminal.print(f"warning: {warning}", highlight=False, markup=False)
    result = run_recipe(
        loaded,
        out=out,
        workers=workers,
        address=address,
        serial=serial,
        progress=reporter(terminal, quiet=quiet or as_json),
    )
    if as_json:
        click.echo(json.dumps(_result_json(result)))
    elif not quiet:
        _print_result(console(), result)
    if result.over_limit:
        click.echo(
            f"error: {result.quarantined_share:.2%} of the records are quarantined, the recipe "
            f"allows {result.quarantine_limit:.2%} (limits.quarantined); "
            f"see {result.folder.shown}/quarantine",
            err=True,
        )
    return result.exit_code


@main.command(
    epilog=examples(
        "gristmill extract page.html",
        "gristmill extract pages/*.html.gz --engine resiliparse --out texts",
        "gristmill extract page.html --option markdown=true",
        "gristmill extract page.html --json | jq -r .text",
        "gristmill extract report.pdf --pdf max_pages=20",
    )
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--engine", default="blocks", show_default=True, help="How text is found.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the engine, such as favor_precision=true.",
)
@click.option(
    "--pdf",
    "pdf_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option for PDFs, such as ocr=tesseract.",
)
@click.option(
    "--out",
    type=OutPath(file_okay=False),
    metavar="DIR",
    help="Write NAME.txt for each file instead of printing.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object a line: text, charset, language, time, metadata, page type.",
)
def extract(
    files: tuple[Path, ...],
    engine: str,
    options: tuple[str, ...],
    pdf_options: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> int:
    """Print the main text of HTML FILES, plain or gzipped, and the text of PDFs."""
    from pipeline.extract.files import extract_files, text_names

    names = text_names(files)
    failed = 0
    for file, page in zip(
        files, extract_files(files, engine, options, as_json, pdf_options, as_json), strict=True
    ):
        if page.error is not None:
            failed += 1
            click.echo(f"error: {file}: {page.error}", err=True)
        elif out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / names[file]).write_text(page.text + "\n", encoding="utf-8")
        elif not as_json:
            if len(files) > 1:
                click.echo(f"==> {file} <==")
            click.echo(page.text)
        if as_json:
            click.echo(json.dumps({"file": str(file), **page.to_json()}, ensure_ascii=False))
    return 1 if failed else 0


@main.command(epilog=examples("gristmill report out/quickstart", "gristmill report OUT --json"))
@click.argument("folder")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest's counts as JSON.")
def report(folder: str, as_json: bool) -> None:
    """Print the funnel of a finished run again."""
    from pipeline.runtime.manifest import SplitReport
    from pipeline.stores.address import run_folder

    counts = run_manifest(run_folder(folder))["counts"]
    if as_json:
        click.echo(json.dumps(counts))
    else:
        _print_funnel(console(), SplitReport.from_json(counts))


@main.command(epilog=examples("gristmill explain out/quickstart '<urn:uuid:…>'"))
@click.argument("folder")
@click.argument("record")
@click.option("--json", "as_json", is_flag=True, help="Print the ledger row as JSON.")
def explain(folder: str, record: str, as_json: bool) -> None:
    """Say what became of one RECORD (its id or its URL) and why."""
    from pipeline.reports.explain import explanation, find_record
    from pipeline.stores.address import run_folder

    out = run_folder(folder)
    run_manifest(out)
    row = find_record(out, record)
    click.echo(json.dumps(row, ensure_ascii=False) if as_json else explanation(row))


@main.command(epilog=examples("gristmill filters", "gristmill filters gopher_quality"))
@click.argument("names", nargs=-1)
def filters(names: tuple[str, ...]) -> None:
    """List filters with their signals and default bounds."""
    from pipeline.filters import FILTERS

    for name in names or FILTERS.names():
        family = FILTERS.get(name)
        click.echo(f"{name}  (version {family.version}, reads {', '.join(sorted(family.reads))})")
        bounds = {bound.signal: bound for bound in family.default_bounds}
        for signal in family.signals:
            bound = bounds.get(signal.name)
            limits = (
                []
                if bound is None
                else [
                    f"{sign} {limit:g}"
                    for sign, limit in (("≥", bound.low), ("≤", bound.high))
                    if limit is not None
                ]
            )
            click.echo(f"  {signal.name:28} {' and '.join(limits):18} {signal.doc}")


@main.command(epilog=examples("gristmill sample crawl", "gristmill sample leaks --out out/leaks"))
@click.argument("what", type=click.Choice(["crawl", "leaks", "chats"]))
@click.option(
    "--out",
    type=OutPath(file_okay=False),
    metavar="DIR",
    help="Folder to write to, instead of one of the sample's name.",
)
def sample(what: str, out: Path | None) -> None:
    """Write an embedded sample, to be tried things on.

    `crawl` is a small crawl, DIR/sample.warc.gz. `leaks` is a benchmark (benchmark.yaml and
    items.jsonl), a corpus that leaks part of it (corpus.jsonl), and what a model scored on each
    item (results.csv), for `gristmill audit`. `chats` is a raw chat log in three shapes
    (sharegpt.json, wildchat.jsonl.gz, messages.jsonl), with the dirt of real ones, for `gristmill
    prompts`. All of it is invented, also the model and the users.
    """
    folder = out or Path(what)
    if what == "leaks":
        _write_leaks(folder)
        return
    if what == "chats":
        _write_chats(folder)
        return
    from pipeline.runtime.storage import storage_errors
    from pipeline.sources.sample import write_sample

    path = folder / "sample.warc.gz"
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        records = write_sample(path)
    click.echo(f"{path}: {len(records)} records")


def _write_leaks(folder: Path) -> None:
    from pipeline.audit.sample import write_leak_sample

    written = write_leak_sample(folder)
    click.echo(f"{folder / 'benchmark.yaml'}: {len(written.items)} items")
    click.echo(
        f"{folder / 'corpus.jsonl'}: {len(written.documents)} documents, "
        f"{len(written.leaks)} of which leak an item"
    )
    click.echo(f"{folder / 'results.csv'}: what an invented model scored on each item")


def _write_chats(folder: Path) -> None:
    from pipeline.selection.sample_logs import FILES, write_chat_sample

    written = write_chat_sample(folder)
    damage = {"wildchat": "; the file is cut off", "messages": "; one line is broken"}
    for shape, name in FILES.items():
        count = sum(chat.user.shape is shape for chat in written.chats)
        click.echo(f"{folder / name}: {count} conversations{damage.get(shape, '')}")


def _result_json(result: RunResult) -> dict[str, Any]:
    return {
        "out": result.folder.shown,
        "records": result.report.records,
        **result.report.to_json(),
        "splits": {
            "total": result.splits,
            "measured": result.measured,
            "decided_again": result.decided_again,
            "resumed": result.resumed,
        },
        **({"tokens": dict(result.tokens)} if result.tokens is not None else {}),
        "seconds": round(result.seconds, 3),
        "exit_code": result.exit_code,
    }


def _print_result(terminal: Console, result: RunResult) -> None:
    from pipeline.reports.folders import FOLDERS, RECEIPTS_NOTE
    from pipeline.reports.funnel import headline
    from pipeline.reports.tokens import token_line

    _print_funnel(terminal, result.report)
    lines = [f"{headline(result.report)} in {result.seconds:.1f} s"]
    if result.tokens is not None:
        lines.append(token_line(result.tokens))
    for place, what in (
        ("report.html", "funnel, rules and recipe, to be read in a browser"),
        *((f"{folder.kind}/", folder.holds) for folder in FOLDERS),
        *([RECEIPTS_NOTE] if result.deduplicated else []),
        ("manifest.json", "recipe, models, inputs, counts"),
    ):
        lines.append(f"  {result.folder.shown}/{place:15} {what}")
    for line in lines:
        terminal.print(line, highlight=False, markup=False)


def _print_funnel(terminal: Console, counts: SplitReport) -> None:
    from rich.table import Table

    from pipeline.reports.funnel import funnel

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    rows = funnel(counts)
    leaving = ["dropped", "duplicate", "quarantined"]
    if not any(row.duplicate for row in rows):
        leaving.remove("duplicate")
    for heading in ("entered", *leaving, "passed"):
        table.add_column(heading, justify="right")
    table.add_column("commonest reasons", overflow="fold")
    for row in rows:
        reasons = ", ".join(
            f"{reason.split('.', 1)[-1]} {count:,}" for reason, count in row.reasons
        )
        table.add_row(
            row.stage,
            f"{row.entered:,}",
            *(f"{getattr(row, name):,}" if getattr(row, name) else "·" for name in leaving),
            f"{row.passed:,}",
            reasons,
        )
    terminal.print(table)


main.add_command(audit)
main.add_command(classifier)
main.add_command(dedup)
main.add_command(plan)
main.add_command(prompts)
main.add_command(push)

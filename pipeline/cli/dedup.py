"""``gristmill dedup``: duplicates out of files, and a look at what a removal rests on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.terminal import (
    DefaultGroup,
    chosen_executor,
    console,
    examples,
    ray_options,
)

if TYPE_CHECKING:
    from pipeline.dedup.files import FilesResult

__all__ = ["dedup"]

DEFAULT_OUT = "out/dedup"
RULES = ("longest", "best_quality", "earliest", "latest", "preferred_domains")


@click.group(
    cls=DefaultGroup,
    default="files",
    epilog=examples(
        "gristmill dedup crawl.jsonl",
        "gristmill dedup 'crawl/*.parquet' --out out/unique --keep earliest",
        "gristmill dedup new.jsonl --against out/unique --out out/newer",
        "gristmill dedup show 'doc 17' --out out/unique",
        "gristmill dedup lines crawl.jsonl --out lines.parquet",
    ),
)
def dedup() -> None:
    """Take duplicates out of FILES, each removal verified and with a receipt.

    `gristmill dedup FILES…` is short for `gristmill dedup files FILES…`; its options are shown by
    `gristmill dedup files --help`. A recipe has the same under `dedup:`.
    """


@dedup.command(
    epilog=examples(
        "gristmill dedup a.jsonl b.jsonl.gz c.parquet",
        "gristmill dedup crawl.jsonl --threshold 0.7 --keep latest --keep longest",
        "gristmill dedup crawl.parquet --text content --id url --similarity containment",
    )
)
@click.argument("paths", nargs=-1, required=True, metavar="FILES...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUT,
    show_default=True,
    metavar="DIR",
    help="Output folder: kept.parquet, receipts.parquet, quarantine.parquet, manifest.json.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    help="Least similarity of a removed document and the one kept; without --bands and --rows "
    "it picks them, too  [default: 0.8, 14 bands of 8 rows]",
)
@click.option("--bands", type=click.IntRange(1, 255), help="Bands of the MinHash signatures.")
@click.option("--rows", type=click.IntRange(1), help="Rows of a band.")
@click.option("--words", type=click.IntRange(1, 64), default=5, show_default=True,
              help="Words per shingle.")  # fmt: skip
@click.option(
    "--similarity",
    type=click.Choice(["jaccard", "containment"]),
    default="jaccard",
    show_default=True,
    help="What has to reach the threshold; containment is the share of the removed document.",
)
@click.option(
    "--keep",
    type=click.Choice(RULES),
    multiple=True,
    default=["longest"],
    show_default=True,
    help="Which copy stays; given again, it breaks ties; the last tie goes to the smaller id.",
)
@click.option("--quality", default="", metavar="COLUMN", help="For --keep best_quality.")
@click.option(
    "--preferred-domain", multiple=True, metavar="DOMAIN", help="For --keep preferred_domains."
)
@click.option("--against", multiple=True, metavar="DIR", help="Output of an earlier run: what it "
              "kept stays, copies of it go.")  # fmt: skip
@click.option("--alarm", type=click.Choice(["stop", "warn", "off"]), default="stop",
              show_default=True, help="Where a source or domain would lose nearly all.")  # fmt: skip
@click.option("--alarm-share", type=click.FloatRange(0, 1), default=0.9, show_default=True,
              help="What nearly all is.")  # fmt: skip
@click.option("--alarm-minimum", type=click.IntRange(1), default=20, show_default=True,
              help="Documents a source or domain must have to be looked at.")  # fmt: skip
@click.option("--id", "id_column", default="id", show_default=True, metavar="COLUMN")
@click.option("--text", "text_column", default="text", show_default=True, metavar="COLUMN")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@ray_options
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def files(**options: Any) -> None:
    """Take duplicates out of FILES: JSONL (plain, .gz, .zst) or Parquet, globs or folders.

    Rows need an id and a text; url, date and source are used where there are any. A small input
    that is one piece is worked on without Ray. The same command after an interruption continues.
    """
    from pipeline.core.errors import ConfigError
    from pipeline.dedup.files import TableColumns, dedup_files
    from pipeline.dedup.settings import Alarm, Dedup
    from pipeline.runtime.progress import reporter
    from pipeline.sources.tables import plan_tables

    missing = [root for root in options["against"] if not Path(root).is_dir()]
    if missing:
        raise ConfigError(f"--against {missing[0]}: no such folder")
    settings = Dedup(
        threshold=options["threshold"],
        bands=options["bands"],
        rows=options["rows"],
        similarity=options["similarity"],
        words=options["words"],
        keep=tuple(options["keep"]),
        preferred_domains=tuple(options["preferred_domain"]),
        quality=options["quality"],
        against=tuple(str(Path(root).absolute()) for root in options["against"]),
        alarm=Alarm(options["alarm_share"], options["alarm_minimum"], options["alarm"]),
        seed=options["seed"],
    )
    parts = plan_tables(options["paths"])
    result = dedup_files(
        parts,
        options["out"],
        settings,
        chosen_executor(options, len(parts)),
        reporter(console(stderr=True), quiet=options["quiet"] or options["as_json"]),
        TableColumns(options["id_column"], options["text_column"]),
    )
    if options["as_json"]:
        out = str(result.folder.root)
        click.echo(json.dumps({"out": out, **result.counts, "reasons": result.quarantined}))
    elif not options["quiet"]:
        _print_result(result)


@dedup.command(
    epilog=examples("gristmill dedup show 'doc 17'", "gristmill dedup show ID --out out/crawl")
)
@click.argument("record")
@click.option(
    "--out",
    default=DEFAULT_OUT,
    show_default=True,
    metavar="DIR",
    help="Output folder of a deduplication or of a run, or its URL.",
)
@click.option("--json", "as_json", is_flag=True, help="Print receipt and both texts as JSON.")
def show(record: str, out: str, as_json: bool) -> None:
    """Show the receipt of a removed RECORD, its text and the kept one's side by side.

    For a kept RECORD, what was removed in its favour.
    """
    from pipeline.dedup.show import find_receipts, shown

    found = find_receipts(out, record)
    if as_json:
        click.echo(json.dumps(found.to_json()))
        return
    terminal = console()
    for line in shown(found, terminal.width):
        terminal.print(line, highlight=False, markup=False, emoji=False)


@dedup.command(
    epilog=examples(
        "gristmill dedup lines 'out/crawl/corpus/*.parquet' --out lines.parquet",
        "gristmill dedup lines crawl.jsonl --out lines.parquet --min-documents 10",
    )
)
@click.argument("paths", nargs=-1, required=True, metavar="FILES...")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True,
              metavar="FILE", help="The table, Parquet.")  # fmt: skip
@click.option("--min-documents", type=click.IntRange(1), default=5, show_default=True,
              help="Least pages of a site with the line.")  # fmt: skip
@click.option("--min-share", type=click.FloatRange(0, 1, min_open=True), default=0.2,
              show_default=True, help="Least share of the site's pages with the line.")  # fmt: skip
@click.option("--unit", type=click.Choice(["line", "paragraph"]), default="line", show_default=True)
@click.option("--site", type=click.Choice(["domain", "host"]), default="domain", show_default=True)
@click.option("--text", default="text", show_default=True, metavar="COLUMN")
@click.option("--url", default="url", show_default=True, metavar="COLUMN")
@ray_options
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def lines(paths: tuple[str, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Count the lines that sites repeat (menus, cookie notices) over FILES with text and url.

    The table is for the cleaner repeated_lines of a recipe, and to be read: it has the text of
    every line that would go.
    """
    from pipeline.dedup.lines import survey_files
    from pipeline.filters.line_survey import LineSurvey
    from pipeline.sources.tables import plan_tables

    survey = LineSurvey(
        min_documents=options["min_documents"],
        min_share=options["min_share"],
        unit=options["unit"],
        site=options["site"],
    )
    parts = plan_tables(paths)
    found, unusable = survey_files(
        parts, out, survey, chosen_executor(options, len(parts)), options["text"], options["url"]
    )
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(found), "unusable": unusable}))
        return
    terminal = console()
    parted = f"{found.without_site:,} without a site in their URL, {unusable:,} without a text"
    for line in (
        f"{found.documents + unusable:,} rows ({parted})",
        f"{found.lines:,} {survey.unit}s repeated by {found.sites:,} sites: {out}",
        f"In a recipe: `- clean: {{repeated_lines: {{table: {out}}}}}`",
    ):
        terminal.print(line, highlight=False, markup=False)


def _print_result(result: FilesResult) -> None:
    terminal, counts, root = console(), result.counts, result.folder.root
    removed = ", ".join(
        f"{counts[rule]:,} {rule}"
        for rule in ("exact", "jaccard", "containment",
                     "exact.earlier", "jaccard.earlier", "containment.earlier")
        if counts.get(rule)
    )  # fmt: skip
    faults = ", ".join(f"{rows:,} {reason}" for reason, rows in result.quarantined.items())
    lines = [
        f"{counts['entered']:,} rows: {counts['kept']:,} kept, {counts['removed']:,} removed"
        + (f" ({removed})" if removed else "")
        + f", {counts['quarantined']:,} quarantined"
        + (f" ({faults})" if faults else "")
        + f" in {result.seconds:.1f} s",
    ]
    if counts["clusters"]:
        lines.append(
            f"{counts['clusters']:,} cluster{'s' * (counts['clusters'] != 1)} of two and more "
            f"documents, the largest of {counts['largest']:,}"
        )
    if counts["full_buckets"]:
        lines.append(
            f"{counts['full_buckets']:,} buckets were so large that not all of what stays in them "
            "was compared; see docs/dedup.md"
        )
    for name, what in (
        ("kept.parquet", "what stays: every column, cluster and cluster_size"),
        ("receipts.parquet", "what goes: removed, kept, similarity, buckets, rule"),
        ("quarantine.parquet", "rows that could not be used, and why"),
        ("dedup/index/", "signatures, for --against in later runs"),
        ("manifest.json", "settings and counts"),
    ):
        lines.append(f"  {root}/{name:19} {what}")
    for line in lines:
        terminal.print(line, highlight=False, markup=False)

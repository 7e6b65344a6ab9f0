"""``gristmill plan``: what a run would take, before it is started."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from pipeline.cli.terminal import console, examples

if TYPE_CHECKING:
    from pipeline.extrapolate import Estimate
    from pipeline.forecast import Forecast

__all__ = ["plan"]

Shown = Callable[[float], str]


@click.command(
    epilog=examples(
        "gristmill plan quickstart",
        "gristmill plan my.yaml --workers 64 --price 0.04",
        "gristmill plan my.yaml --splits 32 --json",
    )
)
@click.argument("recipe")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one key.")
@click.option("--workers", type=int, metavar="N", help="Of the run to come  [one per CPU].")
@click.option("--price", type=float, metavar="PRICE", help="Of a core for an hour, any currency.")
@click.option("--splits", type=int, default=8, show_default=True, metavar="N",
              help="Pieces of the input to run, 2 MiB each.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def plan(
    recipe: str,
    overrides: tuple[str, ...],
    workers: int | None,
    price: float | None,
    splits: int,
    as_json: bool,
) -> None:
    """Say what a run of RECIPE would take: CPU hours, time, disk, memory, cost.

    Pieces spread evenly over the input are run here with all the recipe's stages, into a temporary
    folder, and the rest is taken to be like them. Each figure has a 95 % interval from how far the
    pieces lie apart. Times are those of this machine's cores, as busy as they are now.
    """
    from pipeline.forecast import forecast
    from pipeline.recipe import load_recipe

    found = forecast(load_recipe(recipe, overrides), pieces=splits, workers=workers, price=price)
    if as_json:
        click.echo(json.dumps(found.to_json()))
    else:
        _print(found)


def _print(found: Forecast) -> None:
    from rich.table import Table

    terminal = console()
    share = found.sampled_bytes / found.input_bytes
    lines = [
        f"{found.name}: {found.input_bytes:,} bytes in {found.splits:,} splits; "
        f"{found.pieces:,} pieces, {100 * share:.2g} % of it, run in {found.seconds:.1f} s"
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "about", "95 % interval"):
        table.add_column(heading, justify="right" if heading else "left")
    rows: list[tuple[str, Estimate | None, Shown]] = [
        ("CPU time", found.cpu_hours, _time),
        (f"time with {found.workers:,} workers", found.wall_hours, _time),
        ("disk", found.disk_bytes, _bytes),
        ("memory of all workers", found.memory_bytes, _bytes),
        (f"cost at {found.price} a core-hour", found.cost, "{:,.2f}".format),
        ("records", found.records, "{:,.0f}".format),
        ("documents kept", found.kept, "{:,.0f}".format),
        ("tokens kept", found.tokens, "{:,.0f}".format),
    ]
    for name, estimate, shown in rows:
        if estimate is not None:
            table.add_row(name, shown(estimate.value), _interval(estimate, shown))
    for line in lines:
        terminal.print(line, highlight=False, markup=False)
    terminal.print(table)


def _interval(estimate: Estimate, shown: Shown) -> str:
    if estimate.low is None or estimate.high is None:
        return "unknown: one piece"
    return f"{shown(estimate.low)} to {shown(estimate.high)}"


def _time(hours: float) -> str:
    seconds = 3600 * hours
    for size, name in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:.1f} s"


def _bytes(number: float) -> str:
    for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= size:
            return f"{number / size:,.1f} {name}"
    return f"{number:.0f} B"

"""``gristmill push``: a finished run to the Hugging Face Hub, or to any store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.terminal import console, examples

if TYPE_CHECKING:
    from pipeline.push import Pushed

__all__ = ["push"]

SHOWN = 40  # files that are listed one by one


@click.command(
    epilog=examples(
        "gristmill push out/quickstart hf://datasets/me/mill --dry-run",
        "gristmill push out/quickstart hf://datasets/me/mill@v2 --private",
        "gristmill push out/quickstart s3://bucket/corpora/mill --with dropped",
    )
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("target")
@click.option("--with", "extras", multiple=True, metavar="WHAT",
              help="Send also dropped, quarantine; of a selection ledger, golden, report.")  # fmt: skip
@click.option("--private", is_flag=True, help="If the dataset is made now, make it a private one.")
@click.option("--dry-run", is_flag=True, help="List what would be sent; send and ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print files and sums as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def push(
    folder: Path,
    target: str,
    extras: tuple[str, ...],
    private: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Send the product of the finished run in FOLDER to TARGET.

    TARGET is hf://datasets/USER/NAME[@BRANCH], or a folder as s3://, gs://, file:// … What is there
    already is not sent again. Tokens and keys are those that the store's own tools find, such as
    HF_TOKEN and AWS_ACCESS_KEY_ID.
    """
    from pipeline.push import push as push_folder

    terminal = console(stderr=True)

    def say(line: str) -> None:
        if not quiet and not as_json:
            terminal.print(line, highlight=False, markup=False)

    done = push_folder(folder, target, extras=extras, private=private, dry_run=dry_run, say=say)
    if as_json:
        click.echo(json.dumps(_to_json(done, dry_run)))
    elif not quiet:
        for line in _lines(done, dry_run):
            click.echo(line)


def _lines(done: Pushed, dry_run: bool) -> list[str]:
    files = done.product.files if dry_run else done.sent
    lines = [f"{file.size:>15,}  {file.name}" for file in files[:SHOWN]]
    if len(files) > SHOWN:
        lines.append(f"{'…':>15}  and {len(files) - SHOWN:,} more")
    sent = sum(file.size for file in files)
    if dry_run:
        return [*lines, f"{sent:>15,}  bytes in {len(files):,} files would go to {done.target}"]
    there = f"; {len(done.present):,} were there already" if done.present else ""
    gone = f"; {len(done.removed):,} of an earlier push removed" if done.removed else ""
    return [
        *lines,
        f"{sent:>15,}  bytes in {len(files):,} files sent to {done.target}{there}{gone}",
    ]


def _to_json(done: Pushed, dry_run: bool) -> dict[str, object]:
    return {
        "folder": str(done.product.folder),
        "target": done.target,
        "dry_run": dry_run,
        "files": [
            {
                "file": file.name,
                "bytes": file.size,
                "sha256": file.sha256,
                "sent": not dry_run and file.name not in done.present,
            }
            for file in done.product.files
        ],
        "bytes": done.product.bytes,
        "bytes_sent": 0 if dry_run else sum(file.size for file in done.sent),
        "removed": list(done.removed),
    }

"""A whole run, WARC to filtered text with outputs written, beside datatrove 0.10.1 on one worker.

    python benchmarks/run_vs_datatrove.py --warc ../shared/data/web/warc \\
        --peer-python /path/to/datatrove-env/bin/python --url-lists DIR --word-lists DIR

datatrove runs FineWeb's recipe (`benchmarks/peers/datatrove_run.py`); Gristmill runs `fineweb.yaml`
with the same extraction setting, with and without the pre-screen, and with `trafilatura-fast`. All
run as one process after another, alternating; start-up is measured on a single page and taken off
each. What the pre-screen loses is counted against the run without it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow.dataset as ds
from measure import Cost, alternating, machine, measured, median

HERE = Path(__file__).resolve().parent
PRESCREEN = "extract.prescreen={languages: [en], min_score: 0.01}"
SETTINGS: dict[str, tuple[str, ...]] = {
    "gristmill": (PRESCREEN,),
    "gristmill, no pre-screen": ("extract.prescreen=null",),
    "gristmill, trafilatura-fast": (PRESCREEN, "extract.engine=trafilatura-fast"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--warc", type=Path, required=True, help="folder of .warc.gz files")
    parser.add_argument("--peer-python", help="interpreter that has datatrove; else only ours run")
    parser.add_argument("--url-lists", help="folder with UT1's domains and urls, for both")
    parser.add_argument("--word-lists", help="folder with FineWeb's word lists, for both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", default="30", help="datatrove's extraction time-out")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
        figures = compare(arguments, Path(folder))
    print_table(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def compare(arguments: argparse.Namespace, work: Path) -> dict[str, object]:
    full, tiny = work / "full", work / "tiny"
    full.mkdir()
    tiny.mkdir()
    for path in sorted(arguments.warc.glob("*.warc.gz")):
        (full / path.name).symlink_to(path.resolve())
    one_page(next(iter(sorted(full.iterdir()))), tiny / "one.warc.gz")

    def ours(overrides: tuple[str, ...], crawl: Path, out: str) -> Cost:
        shutil.rmtree(work / out, ignore_errors=True)
        # datatrove's recipe ends with the filters, too; deduplication has a benchmark of its own.
        sets = [*overrides, "dedup=null", f"source={{kind: warc, paths: ['{crawl}/*.warc.gz']}}"]
        if arguments.url_lists:
            sets.append(f"filters.url.domain_lists=['{arguments.url_lists}']")
        if arguments.word_lists:
            sets.append(f"filters.url.word_lists='{arguments.word_lists}'")
        command = [
            sys.executable,
            "-m",
            "pipeline.cli",
            "run",
            "fineweb",
            "--serial",
            "--quiet",
            "--out",
            str(work / out),
        ]
        return measured(
            [*command, *(part for one in sets for part in ("--set", one))], work / "ours.log"
        )

    def theirs(crawl: Path) -> Cost:
        from classifiers.language import _packaged_model

        shutil.rmtree(work / "datatrove", ignore_errors=True)
        return measured(
            [
                arguments.peer_python,
                str(HERE / "peers" / "datatrove_run.py"),
                "--warc",
                str(crawl),
                "--out",
                str(work / "datatrove"),
                "--lid",
                _packaged_model(),
                "--timeout",
                arguments.timeout,
            ],
            work / "datatrove.log",
        )

    candidates: dict[str, Callable[[int], Cost]] = {}
    startups: dict[str, Callable[[int], Cost]] = {}
    if arguments.peer_python:
        candidates["datatrove"] = lambda _: theirs(full)
        startups["datatrove"] = lambda _: theirs(tiny)
    for name, overrides in SETTINGS.items():
        candidates[name] = lambda _, o=overrides, n=name: ours(o, full, n)
        startups[name] = lambda _, o=overrides: ours(o, tiny, "start-up")
    startup = {
        name: median(costs) for name, costs in alternating(startups, arguments.rounds).items()
    }
    costs = alternating(candidates, arguments.rounds)

    responses = count(work / "gristmill", "record_type", "response")
    rows = {}
    for name, list_of_costs in costs.items():
        net = median([cost.minus(startup[name]) for cost in list_of_costs])
        rows[name] = {
            "cpu_seconds": net.cpu,
            "startup_cpu_seconds": startup[name].cpu,
            "responses_per_cpu_second": responses / net.cpu,
            "peak_mb": net.peak / 1e6,
        }
    if "datatrove" in rows:
        for row in rows.values():
            row["ratio"] = (
                row["responses_per_cpu_second"] / rows["datatrove"]["responses_per_cpu_second"]
            )
        rows["datatrove"]["kept"] = len(peer_kept(work / "datatrove"))
    kept = {name: kept_ids(work / name) for name in SETTINGS}
    for name, ids in kept.items():
        rows[name]["kept"] = len(ids)
    unscreened = kept["gristmill, no pre-screen"]
    lost = unscreened - kept["gristmill"]
    figures: dict[str, object] = {
        "machine": machine(),
        "rounds": arguments.rounds,
        "responses": responses,
        "runs": rows,
        "prescreen": {
            "skipped": count(work / "gristmill", "stage", "prescreen"),
            "lost": len(lost),
            "lost_share": len(lost) / max(len(unscreened), 1),
            "lost_ids": sorted(lost),
        },
    }
    if "datatrove" in rows:
        theirs_kept = peer_kept(work / "datatrove")
        figures["agreement"] = {
            "both": len(unscreened & theirs_kept),
            "only_gristmill": len(unscreened - theirs_kept),
            "only_datatrove": len(theirs_kept - unscreened),
        }
    return figures


def one_page(crawl: Path, path: Path) -> None:
    """The first gzip members of a crawl, up to its first page."""
    data, offset = crawl.open("rb").read(8 << 20), 0
    for _ in range(4):
        member = zlib.decompressobj(31)
        member.decompress(data[offset:])
        offset = len(data) - len(member.unused_data)
    path.write_bytes(data[:offset])


def kept_ids(out: Path) -> set[str]:
    return set(ds.dataset(out / "corpus").to_table(columns=["id"])["id"].to_pylist())


def peer_kept(out: Path) -> set[str]:
    table = ds.dataset(out / "output", format="json").to_table(columns=["id"])
    return set(table["id"].to_pylist())


def count(out: Path, column: str, value: str) -> int:
    return int(ds.dataset(out / "records").count_rows(filter=ds.field(column) == value))


def print_table(figures: dict[str, object]) -> None:
    print(
        f"\n{figures['machine']}; {figures['responses']} responses, "
        f"medians of {figures['rounds']} alternating runs, start-up taken off\n"
    )
    print(
        f"{'':30}{'CPU s':>9}{'resp/CPU s':>12}{'ratio':>8}{'kept':>7}{'start-up':>10}{'peak MB':>9}"
    )
    for name, row in figures["runs"].items():  # type: ignore[attr-defined]
        print(
            f"{name:30}{row['cpu_seconds']:9.1f}{row['responses_per_cpu_second']:12.1f}"
            f"{row.get('ratio', float('nan')):8.2f}{row['kept']:7}"
            f"{row['startup_cpu_seconds']:10.1f}{row['peak_mb']:9.0f}"
        )
    screen = figures["prescreen"]
    print(
        f"\npre-screen: skipped {screen['skipped']} pages, lost {screen['lost']} kept ones "  # type: ignore[index]
        f"({screen['lost_share']:.2%})"
    )  # type: ignore[index]
    if "agreement" in figures:
        print(f"kept by both, only Gristmill, only datatrove: {figures['agreement']}")


if __name__ == "__main__":
    main()

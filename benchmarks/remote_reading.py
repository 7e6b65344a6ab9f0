"""What reading over a network costs a whole run: the quickstart's filters on the same files from the
local disk, from a web server on this machine, and from a bucket on it.

The files are the first part of the shared crawl, laid out as Common Crawl is. Each run is a process of
its own and serial; the server is another, and its time is counted only by the clock. Runs alternate::

    python benchmarks/remote_reading.py ../shared/data/web/warc [--megabytes 8] [--rounds 3]
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from measure import Cost, alternating, machine, measured, median

from pipeline.sources.base import Split
from pipeline.sources.warc import WarcSource

CRAWL = "CC-MAIN-2024-22"
BUCKET = "commoncrawl"


def lay_out(warc: Path, root: Path, megabytes: float) -> int:
    """The first ``megabytes`` of each file of a crawl, cut between records; bytes in all."""
    paths, size = [], 0
    for file in sorted(warc.glob("*.warc.gz")):
        data = file.read_bytes()[: int(megabytes * 1e6)]
        reader, whole = WarcSource(paths=()), Split("a", 0, len(data))
        ends = [
            record.source.offset + record.source.length
            for record in reader.read_file(io.BytesIO(data), len(data), whole)
            if record.failure is None
        ]
        path = f"crawl-data/{CRAWL}/segments/1/warc/{file.name}"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data[: ends[-1]])
        paths.append(path)
        size += ends[-1]
    listed = "".join(f"{path}\n" for path in paths).encode()
    (root / f"crawl-data/{CRAWL}/warc.paths.gz").write_bytes(gzip.compress(listed))
    return size


def serve(root: Path) -> None:
    """Ranges of files below ``root``, also as a bucket, until the process is ended."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = root / self.path.partition("?")[0].removeprefix(f"/{BUCKET}/").lstrip("/")
            if not path.is_file():
                self.send_response(404)
                self.send_header("content-length", "0")
                self.end_headers()
                return
            size = path.stat().st_size
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
            start, last = (int(asked[1]), int(asked[2] or size - 1)) if asked else (0, size - 1)
            last = min(last, size - 1)
            self.send_response(206 if asked else 200)
            self.send_header("content-length", str(last + 1 - start))
            self.send_header("last-modified", "Fri, 31 May 2024 01:16:46 GMT")
            if asked:
                self.send_header("content-range", f"bytes {start}-{last}/{size}")
            self.end_headers()
            if body:
                with path.open("rb") as file:
                    file.seek(start)
                    self.wfile.write(file.read(last + 1 - start))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def runner(
    work: Path, name: str, source: dict[str, object], endpoint: str
) -> Callable[[int], Cost]:
    """A run of the quickstart over ``source``, into a folder of its own each time."""

    def once(number: int) -> Cost:
        given = source if "kind" in source else {"kind": "commoncrawl", "crawl": CRAWL, **source}
        command = [
            sys.executable, "-m", "pipeline.cli", "run", "quickstart", "--serial",
            "--set", f"source={json.dumps(given)}", "--out", str(work / f"{name}-{number}"),
        ]  # fmt: skip
        env = {"AWS_ENDPOINT_URL": endpoint, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return measured(command, work / f"{name}-{number}.log", env)

    return once


def kept(folder: Path) -> dict[str, int]:
    """How many records met each fate."""
    found: dict[str, int] = json.loads((folder / "manifest.json").read_text())["counts"]["fates"]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "warc", type=Path, help="folder of .warc.gz files; to be served with --serve"
    )
    parser.add_argument("--megabytes", type=float, default=8.0, help="of each file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.warc)
        return
    with tempfile.TemporaryDirectory() as folder:
        work, root = Path(folder), Path(folder, "crawl")
        size = lay_out(arguments.warc, root, arguments.megabytes)
        command = [sys.executable, __file__, "--serve", str(root)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            sources: dict[str, dict[str, object]] = {
                "local": {"kind": "warc", "paths": [f"{root}/crawl-data/**/*.warc.gz"]},
                "http": {"base_url": f"{endpoint}/"},
                "s3": {"base_url": f"s3://{BUCKET}/", "anonymous": True},
            }
            ways = {name: runner(work, name, sources[name], endpoint) for name in sources}
            costs = alternating(ways, arguments.rounds)
        finally:
            server.terminate()
            server.wait()
        fates = {name: kept(work / f"{name}-0") for name in sources}
        assert fates["local"] == fates["http"] == fates["s3"], fates
    print(f"{machine()}; {size / 1e6:.1f} MB stored, {sum(fates['local'].values()):,} records")
    for name, taken in costs.items():
        paired = [one.wall / two.wall for one, two in zip(costs["local"], taken, strict=True)]
        cpu = [one.cpu / two.cpu for one, two in zip(costs["local"], taken, strict=True)]
        print(
            f"{name:6} {median(taken).wall:7.1f} s, {median(taken).cpu:7.1f} CPU s; speed against local: "
            f"{statistics.median(paired):.3f} by the clock, {statistics.median(cpu):.3f} by CPU time"
        )


if __name__ == "__main__":
    main()

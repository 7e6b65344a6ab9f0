"""The quickstart with its output in a store: the same bytes as on a disk, whoever is killed and when."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pytest
from bucket_server import Asked, BucketServer, bucket_server
from kills import kill_at_files, run_script
from loopback import moto_bucket

from pipeline.cli import main
from pipeline.core.errors import ConfigError, RunError
from pipeline.recipe import load_recipe
from pipeline.run import RunResult, run
from pipeline.runtime import lease
from pipeline.runtime.executor import OnTick, SerialExecutor, Work
from pipeline.runtime.mirror import Mirror
from pipeline.runtime.storage import RunFolder
from pipeline.sources.remote import Patience
from pipeline.stores import arrow_store
from pipeline.stores.address import run_folder
from pipeline.stores.fsspec_store import FsspecFolder

OVERRIDES = (
    "source.split_size=40000",
    "filters.gopher_quality.bounds.word_count.low=40",
)
OUT = "s3://bucket/some/run"
BELOW = "some/run/"

Digests = Callable[[Path], dict[str, str]]


def run_sample(out: Any, *overrides: str, **options: Any) -> RunResult:
    recipe = load_recipe("quickstart", (*OVERRIDES, *overrides))
    return run(recipe, out=out, **{"serial": True, **options})


def on_disk(out: Path) -> RunFolder:
    """A folder of this disk as if it were a store's."""
    return RunFolder.mirrored(Mirror.of(FsspecFolder(f"file://{out}")))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, digests: Digests) -> dict[str, str]:
    """What a run on this machine's disk leaves."""
    found = digests(run_sample(tmp_path_factory.mktemp("local") / "out").folder.root)
    assert "dedup/receipts.parquet" in found
    return found


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(arrow_store, "PATIENCE", Patience(tries=6, wait=0.01, longest=0.02))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with bucket_server(page=50) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


def test_memory_gets_the_same_bytes(tmp_path: Path, local: dict[str, str]) -> None:
    out = f"memory://{tmp_path.name}/run"
    result = run_sample(out)
    memory = fsspec.filesystem("memory")
    below = f"/{tmp_path.name}/run/"
    seen = {
        name.removeprefix(below): hashlib.sha256(memory.cat_file(name)).hexdigest()
        for name in memory.find(below)
        if ".gristmill/" not in name
    }
    assert seen == local
    assert result.folder.shown == out
    again = run_sample(out)
    assert (again.measured, again.resumed) == (0, again.splits)
    with pytest.raises(ConfigError, match="run with --serial"):
        run_sample(out, serial=False)


def test_a_bucket_gets_the_same_bytes_and_is_read_again(
    bucket: BucketServer, tmp_path: Path, local: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_sample(OUT)
    assert bucket.seen(BELOW) == local
    assert not bucket.uploads
    for cache in ("cache", "another"):  # here, and on a machine that has seen none of it
        monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / cache))
        bucket.asked.clear()
        again = run_sample(OUT)
        assert (again.measured, again.decided_again, again.resumed) == (0, 0, again.splits)
        assert bucket.seen(BELOW) == local
    bucket.objects["some/run/corpus/part-00000.parquet"].data = b"PAR1"
    repaired = run_sample(OUT)
    assert repaired.measured == 1
    assert bucket.seen(BELOW) == local


def test_what_is_written_of_a_run_does_not_say_where_it_is(bucket: BucketServer) -> None:
    run_sample(OUT)
    for key, stored in bucket.objects.items():
        assert b"testing" not in stored.data, key
        assert b"cache" not in stored.data or ".gristmill/" in key, key


def test_changed_recipes_cost_what_they_cost_on_a_disk(
    bucket: BucketServer, tmp_path: Path, digests: Digests
) -> None:
    for change in (
        ["filters.gopher_quality.bounds.word_count.low=300"],
        ["dedup.threshold=0.5"],
        ["keep.corpus=jsonl.zst"],
        ["source.split_size=10000000"],
        ["dedup=null"],
    ):
        far, near = run_sample(OUT, *change), run_sample(tmp_path / "out", *change)
        assert (far.measured, far.decided_again, far.resumed) == (
            near.measured,
            near.decided_again,
            near.resumed,
        )
        assert bucket.seen(BELOW) == digests(tmp_path / "out")


def test_faults_change_nothing(bucket: BucketServer, local: dict[str, str]) -> None:
    kinds = [(500, "InternalError"), (503, "SlowDown"), (0, "reset")]

    def fault(asked: Asked) -> tuple[int, str] | None:
        return kinds[asked.number // 10 % 3] if asked.number % 10 == 3 else None

    bucket.fault = fault
    run_sample(OUT)
    bucket.fault = lambda asked: None
    assert sum(bucket.failed.values()) > 20
    assert bucket.seen(BELOW) == local


# --- machines ------------------------------------------------------------------------------


@dataclasses.dataclass
class Machines(SerialExecutor):
    """Every task on one of several machines that share nothing but the store; the driver has its own."""

    caches: Sequence[str]
    tasks: int = 0

    def run(
        self, work: Work, tasks: Sequence[Any], on_tick: OnTick | None = None
    ) -> Iterator[tuple[int, Any]]:
        own = os.environ["GRISTMILL_CACHE"]
        for position, task in enumerate(tasks):
            data = pickle.dumps(task)
            os.environ["GRISTMILL_CACHE"] = self.caches[self.tasks % len(self.caches)]
            self.tasks += 1
            try:
                result = pickle.dumps(work(pickle.loads(data), lambda counts: None))
            finally:
                os.environ["GRISTMILL_CACHE"] = own
            yield position, pickle.loads(result)


@pytest.mark.parametrize("kind", ["bucket", "disk"])
def test_machines_that_share_nothing_else_give_the_same_bytes(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    local: dict[str, str],
    digests: Digests,
    kind: str,
) -> None:
    caches = [str(tmp_path / name) for name in ("one", "two", "three")]
    machines = Machines(caches)
    if kind == "bucket":
        bucket = request.getfixturevalue("bucket")
        run_sample(OUT, executor=machines)
        assert bucket.seen(BELOW) == local
    else:
        run_sample(on_disk(tmp_path / "out"), executor=machines)
        assert digests(tmp_path / "out") == local
    assert machines.tasks > 15


def test_a_ranking_over_machines_gives_the_same_bytes(
    bucket: BucketServer, tmp_path: Path, digests: Digests
) -> None:
    ranked = "filters.quality={keep_top: 50%}"
    machines = Machines([str(tmp_path / name) for name in ("one", "two")])
    near = run_sample(tmp_path / "out", ranked)
    run_sample(OUT, ranked, executor=machines)
    assert bucket.seen(BELOW) == digests(near.folder.root)


def test_runs_may_continue_each_other_on_two_machines(
    bucket: BucketServer, tmp_path: Path, digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = "filters.gopher_quality.bounds.word_count.low={}"
    for turn, low in enumerate((20, 300, 20, 60)):
        monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / f"machine-{turn % 2}"))
        run_sample(OUT, bound.format(low))
        near = run_sample(tmp_path / "near", bound.format(low))
        assert bucket.seen(BELOW) == digests(near.folder.root)


def test_a_run_may_be_deduplicated_against_one_in_a_bucket(
    bucket: BucketServer, tmp_path: Path, digests: Digests
) -> None:
    run_sample(OUT)
    run_sample(tmp_path / "near")
    machines = Machines([str(tmp_path / name) for name in ("one", "two")])
    warn = "dedup.alarm.action=warn"  # all of it goes
    far = run_sample("s3://bucket/second", f"dedup.against=[{OUT}]", warn, executor=machines)
    near = run_sample(tmp_path / "second", f"dedup.against=[{tmp_path / 'near'}]", warn)
    assert far.report.to_json() == near.report.to_json()
    other = ("manifest.json", "README.md", "report.html")  # they name what was compared with
    seen, left = bucket.seen("second/"), digests(tmp_path / "second")
    assert {n: d for n, d in seen.items() if n not in other} == {
        n: d for n, d in left.items() if n not in other
    }


@pytest.mark.ray
def test_ray_workers_write_to_a_bucket(bucket: BucketServer, local: dict[str, str]) -> None:
    run_sample(OUT, serial=False, workers=2)
    assert bucket.seen(BELOW) == local


# --- kills ---------------------------------------------------------------------------------


def _start(out: str, cache: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline.cli", "run", "quickstart", "--serial", "--quiet"]
    for override in OVERRIDES:
        command += ["--set", override]
    return subprocess.Popen(
        [*command, "--out", out], env={**os.environ, "GRISTMILL_CACHE": str(cache)}
    )


@pytest.mark.heavy
@pytest.mark.parametrize("moment", [2, 9, 23, 41, 57, 78])
@pytest.mark.parametrize("before", [True, False])
def test_a_driver_killed_in_an_upload_is_continued(
    bucket: BucketServer,
    tmp_path: Path,
    local: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
    before: bool,
) -> None:
    """Killed before or after the store shows the object; continued here or on another machine."""
    started: list[subprocess.Popen[bytes]] = []
    shown = 0

    def told(key: str) -> None:
        nonlocal shown
        shown += 1
        if shown == moment:
            started[0].kill()
            started[0].wait()
            if before:
                raise ConnectionError("the client is gone, and its object with it")

    bucket.told = told
    started.append(_start(OUT, tmp_path / "cache"))
    assert started[0].wait(120) == -signal.SIGKILL
    bucket.told = lambda key: None
    assert "some/run/manifest.json" not in bucket.objects
    if moment % 2:
        monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / "another"))
        monkeypatch.setattr(lease, "LEASE", 0.2)
        monkeypatch.setattr(lease, "LOOK", 0.05)
    run_sample(OUT)
    assert bucket.seen(BELOW) == local


@pytest.mark.heavy
def test_a_driver_killed_at_any_file_is_continued(
    tmp_path: Path, local: dict[str, str], digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    outs = tmp_path / "outs"
    monkeypatch.setenv("GRISTMILL_CACHE", str(outs / "cache"))  # as on the machine that died
    outs.mkdir()
    run_script(__file__, str(outs))
    killed = sorted(outs.glob("out-*"))
    assert len(killed) > 10
    for out in killed:
        run_sample(on_disk(out))
        assert digests(out) == local
        assert not any((out / ".gristmill").glob("lease-*"))


def test_another_run_is_refused_while_one_writes(
    bucket: BucketServer, tmp_path: Path, local: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEWAL", 0.05)
    monkeypatch.setattr(lease, "LOOK", 0.02)
    with run_folder(OUT).create().lock():
        for cache in ("cache", "another"):
            monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / cache))
            with pytest.raises(RunError, match=f"another run is writing to {OUT}"):
                run_sample(OUT)
    run_sample(OUT)
    assert bucket.seen(BELOW) == local


# --- commands ------------------------------------------------------------------------------


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_commands_read_a_run_in_a_bucket(
    bucket: BucketServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("run", "quickstart", "--serial", "--out", OUT) == 0
    said = capsys.readouterr().out
    assert f"{OUT}/report.html" in said
    assert str(tmp_path) not in said
    assert call("run", "quickstart", "--serial", "--out", "near", "--json") == 0
    near = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / "another"))
    assert call("report", OUT, "--json") == 0
    assert json.loads(capsys.readouterr().out)["fates"] == near["fates"]
    removed = "https://harrowford.example/news/footbridge-to-close-for-eleven-weeks"
    for command in (["explain", "{}", removed], ["dedup", "show", removed, "--out", "{}"]):
        answers = []
        for out in (OUT, "near"):
            assert call(*(word.format(out) if word == "{}" else word for word in command)) == 0
            answers.append(capsys.readouterr().out)
        assert answers[0] == answers[1]
    assert call("report", "s3://bucket/nothing") == 2
    assert "s3://bucket/nothing holds no finished run" in capsys.readouterr().err
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("s3")]


@pytest.mark.parametrize(
    "command",
    [
        ["audit", "x.jsonl"],
        ["prompts", "x.jsonl"],
        ["dedup", "x.jsonl"],
        ["dedup", "lines", "x.jsonl"],
        ["classifier", "train", "a=x.jsonl", "b=y.jsonl"],
        ["classifier", "predict", "toxicity", "x.jsonl"],
        ["extract", "x.html"],
        ["sample", "crawl"],
    ],
)
def test_other_commands_do_not_take_a_url_for_a_folder(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.jsonl", "y.jsonl", "x.html"):
        Path(name).write_text('{"id": "1", "text": "one"}\n')
    before = sorted(tmp_path.iterdir())
    assert call(*command, "--out", "s3://bucket/run") == 2
    assert "folders of this machine only" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


# --- another server ------------------------------------------------------------------------


@pytest.mark.heavy
def test_moto_gets_the_same_bytes(
    tmp_path: Path, local: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_bucket("bucket") as (url, _):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        run_sample(OUT, executor=Machines([str(tmp_path / "one"), str(tmp_path / "two")]))
        folder = run_folder(OUT)
        assert folder.mirror is not None
        seen = {
            name: hashlib.sha256(folder.mirror.store.read(name) or b"").hexdigest()
            for name in folder.mirror.store.names()
            if not name.startswith(".gristmill/")
        }
        assert seen == local
        monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / "another"))
        again = run_sample(OUT)
        assert (again.measured, again.resumed) == (0, again.splits)
        big = os.urandom(25 << 20)  # in parts
        with folder.lock() as held:
            with held.replacing(held.root / "big") as temporary:
                temporary.write_bytes(big)
            assert held.here(held.root / "big").read_bytes() == big


if __name__ == "__main__":
    os.environ["GRISTMILL_CACHE"] = f"{sys.argv[1]}/cache"
    kill_at_files(lambda out: run_sample(on_disk(out)), Path(sys.argv[1]), step=5)

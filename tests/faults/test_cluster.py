"""Runs on a cluster of three machines that die, join, see other folders or have another version."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bucket_server import bucket_server
from crawl_server import serving
from mini_crawl import CRAWL, write_crawl
from ray_nodes import Machines, hiding, machines

from pipeline.recipe import load_recipe
from pipeline.run import run
from pipeline.runtime.storage import RunFolder

pytestmark = [pytest.mark.ray, pytest.mark.heavy]

SPLIT_SIZE = "source.split_size=12000"
WAIT_SECONDS = 180

Digests = Callable[[Path], dict[str, str]]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, digests: Digests) -> dict[str, str]:
    """What one process gives."""
    out = tmp_path_factory.mktemp("alone") / "out"
    run(load_recipe("quickstart", [SPLIT_SIZE]), out=out, serial=True)
    return digests(out)


@pytest.fixture(scope="module")
def cluster(repository: Path) -> Iterator[Machines]:
    """A head, which other nodes join and leave."""
    with machines(repository) as found:
        found.start(cpus=1)
        yield found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `gristmill run` on the sample; what still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def begin(cluster: Machines, out: object, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipeline.cli", "run", "quickstart", "--quiet"]
        command += ["--set", SPLIT_SIZE, "--out", str(out), "--address", cluster.address]
        process = subprocess.Popen(
            [*command, *options],
            cwd=tmp_path,
            env={**cluster.environment, "GRISTMILL_CACHE": str(tmp_path / "driver")},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for something that must happen before the run ends."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"the run has ended before: {process.communicate()[1]}")
        if time.monotonic() > deadline:
            pytest.fail(f"nothing happened within {WAIT_SECONDS} s")
        time.sleep(0.005)


def splits_done(out: Path) -> int:
    return len(list(RunFolder(out).splits.glob("*.json"))) if out.exists() else 0


def test_machines_that_die_change_nothing(
    tmp_path: Path, cluster: Machines, start: Start, alone: dict[str, str], digests: Digests
) -> None:
    first, second = cluster.start(), cluster.start()
    out = tmp_path / "out"
    process = start(cluster, out)
    until(lambda: splits_done(out) >= 2 and first.runs_a_task(), process)
    first.kill()
    until(lambda: any(out.glob("dedup/index/*")) and second.runs_a_task(), process)
    second.kill()
    assert process.wait(WAIT_SECONDS) == 0, process.communicate()[1]
    assert digests(out) == alone


def test_machines_that_share_nothing_but_a_bucket(
    tmp_path: Path, repository: Path, start: Start, digests: Digests
) -> None:
    write_crawl(tmp_path / "crawl")
    with (
        serving(tmp_path / "crawl") as crawl,
        bucket_server() as bucket,
        machines(repository) as cluster,
    ):
        source = (
            f"source={{kind: commoncrawl, crawl: {CRAWL}, base_url: '{crawl.url}', "
            "split_size: 12kB}"
        )
        more = [source, "limits.quarantined=1"]
        alone = tmp_path / "alone"
        run(load_recipe("quickstart", more), out=alone, serial=True)
        cluster.environment |= {
            "AWS_ENDPOINT_URL": bucket.url,
            "AWS_ACCESS_KEY_ID": "miller",
            "AWS_SECRET_ACCESS_KEY": "grist",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }
        apart = hiding(tmp_path) or ()  # each sees none of the driver's files
        head, first, second = (cluster.start(wrap=apart) for _ in range(3))

        def stored(below: str) -> int:
            return sum(key.startswith(f"run/{below}/") for key in list(bucket.objects))

        options = [word for one in more for word in ("--set", one)]
        process = start(cluster, f"s3://{bucket.bucket}/run", *options)
        until(lambda: stored(".gristmill/splits") >= 2 and first.runs_a_task(), process)
        first.kill()
        until(lambda: stored("dedup/index") and second.runs_a_task(), process)
        second.kill()
        assert process.wait(WAIT_SECONDS) == 0, process.communicate()[1]
        for node in (head, first, second):
            assert any(path.is_file() for path in node.cache.rglob("*"))
        assert bucket.seen("run/") == digests(alone)


def test_tasks_wait_for_machines_and_those_that_join_take_them(
    tmp_path: Path, repository: Path, start: Start, alone: dict[str, str], digests: Digests
) -> None:
    with machines(repository) as cluster:
        cluster.start(cpus=0)
        out = tmp_path / "out"
        process = start(cluster, out)
        until(lambda: waiting_tasks(cluster) >= 3, process)
        assert splits_done(out) == 0
        joined = cluster.start(cpus=2)
        until(joined.runs_a_task, process)
        assert process.wait(WAIT_SECONDS) == 0, process.communicate()[1]
    assert digests(out) == alone


def waiting_tasks(cluster: Machines) -> int:
    """Tasks for which the autoscaler of the cluster would start machines."""
    script = (
        "import sys; from ray._raylet import GcsClient; "
        "from ray.autoscaler.v2.sdk import get_cluster_resource_state as state; "
        "requests = state(GcsClient(sys.argv[1])).pending_resource_requests; "
        "print(sum(one.count for one in requests))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, cluster.address],
        capture_output=True,
        text=True,
        check=True,
        env=cluster.environment,
    )
    return int(done.stdout)


def test_a_machine_that_does_not_see_the_output_is_named(
    tmp_path: Path, cluster: Machines, start: Start
) -> None:
    wrap = hiding(tmp_path)
    if wrap is None:
        pytest.skip("no folder can be hidden from a process here (unshare --mount)")
    other = cluster.start(wrap=wrap)
    process = start(cluster, tmp_path / "out")
    said = process.communicate(timeout=WAIT_SECONDS)[1]
    other.kill()
    assert process.returncode == 2
    assert "do not see" in said
    assert "--out s3://" in said


def test_a_machine_with_another_version_is_named(
    tmp_path: Path, repository: Path, cluster: Machines, start: Start
) -> None:
    package = tmp_path / "other" / "pipeline"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"__version__ = '9.9.9'\nDISTRIBUTION = 'gristmill'\n"
        f"__path__.append({str(repository / 'pipeline')!r})\n"
    )
    path = os.pathsep.join([str(package.parent), str(repository)])
    other = cluster.start(environment={"PYTHONPATH": path})
    process = start(cluster, tmp_path / "out")
    said = process.communicate(timeout=WAIT_SECONDS)[1]
    other.kill()
    assert process.returncode == 2
    assert f"{other.ip} have gristmill 9.9.9" in said
    assert "install the same version on every machine" in said


def test_a_driver_that_is_no_node_joins_and_leaves(
    tmp_path: Path, cluster: Machines, start: Start, alone: dict[str, str], digests: Digests
) -> None:
    process_namespace = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*process_namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no process namespace can be made here (unshare --pid)")
    out = tmp_path / "out"
    command = [*process_namespace, sys.executable, "-m", "pipeline.cli", "run", "quickstart"]
    command += ["--quiet", "--set", SPLIT_SIZE, "--out", str(out), "--address", cluster.address]
    done = subprocess.run(
        command, cwd=tmp_path, env=cluster.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert digests(out) == alone


def test_the_token_is_asked_for_by_name(tmp_path: Path, cluster: Machines, start: Start) -> None:
    without = {**cluster.environment, "RAY_AUTH_MODE": "disabled"}
    without.pop("RAY_AUTH_TOKEN")
    stranger = Machines(cluster.root, cluster.port, without, cluster.nodes)
    process = start(stranger, tmp_path / "out")
    said = process.communicate(timeout=WAIT_SECONDS)[1]
    assert process.returncode == 2
    assert f"{cluster.address}: it asks for a token; set RAY_AUTH_MODE=token" in said

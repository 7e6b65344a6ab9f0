"""Run folders in stores: what is visible when, whose copy counts, who may write, what is never shown."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from bucket_server import Asked, BucketServer, bucket_server

from pipeline.core.errors import ConfigError, GristmillError, RunError, StorageError
from pipeline.runtime import lease
from pipeline.runtime.mirror import Mirror
from pipeline.runtime.storage import RunFolder
from pipeline.sources.remote import Patience
from pipeline.stores import arrow_store, fsspec_store
from pipeline.stores.address import run_folder
from pipeline.stores.fsspec_store import FsspecFolder

SECRET = "kZ0/very+secret"
QUICK = Patience(tries=3, wait=0.01, longest=0.02)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    for store in (arrow_store, fsspec_store):
        monkeypatch.setattr(store, "PATIENCE", QUICK)
    monkeypatch.setattr(lease, "LOOK", 0.02)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    with bucket_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


@pytest.fixture(params=["s3", "memory", "disk"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    """An empty run folder in a store of each kind."""
    if request.param == "s3":
        request.getfixturevalue("bucket")
        return run_folder("s3://bucket/some/run").create()
    if request.param == "memory":
        return run_folder(f"memory://{tmp_path.name}/run").create()
    store = FsspecFolder(f"file://{tmp_path}/disk/run")
    return RunFolder.mirrored(Mirror.of(store)).create()


def elsewhere(folder: RunFolder, cache: Path) -> RunFolder:
    """The folder as it is unpickled on another machine."""
    before = os.environ["GRISTMILL_CACHE"]
    data = pickle.dumps(folder)
    os.environ["GRISTMILL_CACHE"] = str(cache)
    try:
        found: RunFolder = pickle.loads(data)
    finally:
        os.environ["GRISTMILL_CACHE"] = before
    assert found.root != folder.root
    return found


# --- paths and bytes -----------------------------------------------------------------------


def test_what_is_written_is_read_on_every_machine(folder: RunFolder, tmp_path: Path) -> None:
    path = folder.part("corpus", 0)
    other = elsewhere(folder, tmp_path / "other")
    assert not folder.exists(path)
    assert folder.size(path) is None
    with pytest.raises(FileNotFoundError):
        other.read_text(path)
    for text in ("first", "other", "a longer one", ""):  # two of one length
        folder.write_text(path, text)
        assert other.read_text(path) == folder.read_text(path) == text
        assert other.here(path) == other.part("corpus", 0)
        assert other.size(path) == len(text)
    other.write_text(other.part("corpus", 0), "from there")
    assert folder.read_text(path) == "from there"
    other.remove(path)
    assert not folder.exists(path)
    assert not folder.here(path).exists()


def test_names_are_those_of_the_store(folder: RunFolder, tmp_path: Path) -> None:
    other = elsewhere(folder, tmp_path / "other")
    assert folder.children(folder.splits) == []
    for number in range(9):
        other.write_text(other.splits / f"{number:05d}.json", "{}")
    other.write_text(other.splits / "00003.ids.npy", "")
    other.write_text(other.state / "dedup" / "plan" / "band-00000", "")
    found = folder.children(folder.splits, "*.json")
    assert found == [folder.splits / f"{number:05d}.json" for number in range(9)]
    assert folder.children(folder.state / "dedup") == [folder.state / "dedup" / "plan"]
    folder.clear(folder.state / "dedup" / "plan")
    assert other.children(other.state / "dedup") == []


def test_a_mirror_may_be_deleted_or_damaged_at_any_time(folder: RunFolder) -> None:
    path = folder.part("corpus", 0)
    folder.write_text(path, "text")
    path.unlink()
    assert folder.read_text(path) == "text"
    path.write_text("damaged")  # another file than the note's
    assert folder.read_text(path) == "text"
    assert folder.mirror is not None
    for note in (folder.mirror.home / "notes").rglob("*.json"):
        note.write_text("{")
    assert folder.read_text(path) == "text"


def test_a_copy_that_is_current_is_not_fetched_again(bucket: BucketServer, tmp_path: Path) -> None:
    folder = run_folder("s3://bucket/run").create()
    other = elsewhere(folder, tmp_path / "other")
    path = folder.part("corpus", 0)
    folder.write_text(path, "text")
    bucket.asked.clear()
    assert folder.read_text(path) == "text"
    assert {asked.method for asked in bucket.asked} == {"HEAD"}
    for _ in range(2):
        bucket.asked.clear()
        assert other.here(path, key="sum").read_text() == "text"
    assert not bucket.asked
    assert other.here(path, key="another").read_text() == "text"
    assert [asked.method for asked in bucket.asked] == ["HEAD"]


def test_versions_are_never_mixed_while_one_is_replaced(folder: RunFolder, tmp_path: Path) -> None:
    other = elsewhere(folder, tmp_path / "other")
    path = folder.part("corpus", 0)
    versions = {str(number) * 50_000 for number in range(10)}
    folder.write_text(path, "0" * 50_000)
    ended = threading.Event()

    def replace() -> None:
        for text in sorted(versions) * 3:
            folder.write_text(path, text)
        ended.set()

    thread = threading.Thread(target=replace)
    thread.start()
    while not ended.is_set():
        with contextlib.suppress(StorageError):  # replaced too often while it was read
            assert other.read_text(path) in versions
    thread.join()
    assert other.read_text(path) == folder.read_text(path) == "9" * 50_000


# --- all or nothing ------------------------------------------------------------------------


def test_an_error_before_the_upload_leaves_nothing(folder: RunFolder) -> None:
    path = folder.part("corpus", 0)

    def half() -> None:
        with folder.replacing(path) as temporary:
            temporary.write_text("half a pa")
            raise ValueError("stopped in the middle")

    with pytest.raises(ValueError, match="stopped"):
        half()
    assert not folder.exists(path)
    assert folder.mirror is not None
    assert not [file for file in folder.mirror.tmp.rglob("*") if file.is_file()]


FAULTS = [(500, "InternalError"), (503, "SlowDown"), (0, "reset")]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", [0, 1, 2, 3, 9])
@pytest.mark.parametrize("kept", [False, True])
def test_an_upload_that_fails_is_never_visible(
    bucket: BucketServer,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[int, str],
    part: int,
    kept: bool,
) -> None:
    """Part 0 is the beginning of the upload, 9 its end; with ``kept`` there is an older object."""
    monkeypatch.setattr(arrow_store, "SLICE", 11 << 20)
    folder = run_folder("s3://bucket/run").create()
    path = folder.part("corpus", 0)
    before = b"before" if kept else None
    if before:
        folder.write_text(path, "before")
    big = os.urandom(25 << 20)

    def broken(asked: Asked) -> tuple[int, str] | None:
        ends = asked.method == "POST" and "uploadId" in asked.query
        begins = asked.method == "POST" and "uploads" in asked.query
        wanted = {0: begins, 9: ends}.get(part, asked.query.startswith(f"partNumber={part}&"))
        return fault if wanted else None

    bucket.fault = broken

    def write() -> None:
        with folder.replacing(path) as temporary:
            temporary.write_bytes(big)

    with pytest.raises(StorageError, match="s3://bucket/run/corpus"):
        write()
    gc.collect()
    assert bucket.failed
    stored = bucket.objects.get("run/corpus/part-00000.parquet")
    assert (stored.data if stored else None) == before
    assert (path.read_bytes() if path.exists() else None) == before
    bucket.fault = lambda asked: None
    write()
    assert bucket.objects["run/corpus/part-00000.parquet"].data == big
    assert folder.here(path).read_bytes() == big


def test_faults_that_pass_cost_a_try(bucket: BucketServer) -> None:
    kinds = [*FAULTS, (0, "slow")]
    bucket.fault = lambda asked: kinds[asked.number // 3 % 4] if asked.number % 3 == 0 else None
    folder = run_folder("s3://bucket/run").create()
    with folder.lock() as held:
        for number in range(6):
            held.write_text(held.part("corpus", number), str(number))
        for number in range(6):
            assert held.read_text(held.part("corpus", number)) == str(number)
    assert len(bucket.failed) == 4


def test_an_upload_that_fails_through_fsspec_is_never_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FsspecFolder(f"file://{tmp_path}/disk")
    folder = RunFolder.mirrored(Mirror.of(store)).create()
    path = folder.part("corpus", 0)
    folder.write_text(path, "before")
    files = store._opened()[0]

    def half(source: str, to: str, **_: Any) -> None:
        Path(to).write_bytes(Path(source).read_bytes()[:3])
        raise OSError("the line went dead")

    with monkeypatch.context() as patch:
        patch.setattr(files, "put_file", half)
        with pytest.raises(StorageError, match="line went dead"):
            folder.write_text(path, "after")
    assert (tmp_path / "disk" / "corpus" / "part-00000.parquet").read_text() == "before"
    assert not list((tmp_path / "disk" / ".gristmill" / "tmp").iterdir())


# --- who may write -------------------------------------------------------------------------


def test_a_run_that_lives_is_not_disturbed(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEWAL", 0.05)
    other = elsewhere(folder, tmp_path / "other")
    with folder.lock() as held:
        for contender in (folder, other):  # on this machine, on another
            with pytest.raises(RunError, match="another run is writing"), contender.lock():
                pass
        held.write_text(held.part("corpus", 0), "still mine")
    with other.lock() as held:
        held.write_text(held.part("corpus", 0), "mine now")


def test_a_run_that_died_is_followed_at_once_here_and_after_its_lease_elsewhere(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 0.3)
    assert folder.mirror is not None
    store = folder.mirror.store

    def die(machine: str) -> None:
        store.write(".gristmill/lease-dead", b"7")
        store.write(".gristmill/holder", f'{{"token": "dead", "machine": "{machine}"}}'.encode())

    said: list[str] = []
    die(folder.mirror.identity())
    with folder.lock(said.append):
        assert not said
    die("another")
    begun = time.monotonic()
    with folder.lock(said.append):
        assert time.monotonic() - begun >= 0.3
    assert "sign of life" in said[0]
    assert store.names(".gristmill/lease-dead") == []


def test_a_driver_that_wakes_up_late_writes_no_more(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 0.1)
    monkeypatch.setattr(lease, "RENEWAL", 1000.0)  # the first driver is as good as asleep
    other = elsewhere(folder, tmp_path / "other")
    path = folder.part("corpus", 0)
    with folder.lock() as first:
        first.write_text(path, "first")
        with other.lock() as second:
            for late in (lambda: first.write_text(path, "late"), lambda: first.remove(path)):
                with pytest.raises(RunError, match="taken over"):
                    late()
            assert second.read_text(path) == "first"
            second.write_text(path, "second")
        assert first.read_text(path) == "second"


def test_a_folder_of_others_is_left_alone(bucket: BucketServer) -> None:
    bucket.put("thesis/chapter.tex", b"do not touch")
    with pytest.raises(ConfigError, match=r"s3://bucket/thesis.*holds no Gristmill run"):
        run_folder("s3://bucket/thesis").create()
    assert list(bucket.objects) == ["thesis/chapter.tex"]
    run_folder("s3://bucket/the").create()  # its name only begins alike


# --- errors and secrets --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "mend"),
    [
        (400, "ExpiredToken", "session token has expired"),
        (403, "AccessDenied", "s3:PutObject"),
        (403, "InvalidAccessKeyId", "credentials are wrong"),
        (403, "SignatureDoesNotMatch", "credentials are wrong"),
        (500, "InternalError", "tried 3 times"),
        (0, "reset", "tried 3 times"),
    ],
)
def test_errors_name_the_url_and_the_mend(
    bucket: BucketServer, status: int, code: str, mend: str
) -> None:
    folder = run_folder("s3://bucket/run").create()
    bucket.fault = lambda asked: (status, code) if asked.writes else None
    with pytest.raises(StorageError) as caught:
        folder.write_text(folder.part("corpus", 0), "text")
    said = str(caught.value)
    assert "s3://bucket/run/corpus/part-00000.parquet" in said
    assert mend in said
    assert SECRET not in said
    gc.collect()
    bucket.fault = lambda asked: None
    assert not folder.exists(folder.part("corpus", 0))


def test_a_bucket_that_is_not_there_is_named(bucket: BucketServer) -> None:
    with pytest.raises(StorageError, match=r"s3://bukket/run.*no such bucket"):
        run_folder("s3://bukket/run").create()


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageError, match=r"s3://bucket/run.*see that the server can be reached"):
        run_folder("s3://bucket/run").create()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (f"s3://AKID:{SECRET.replace('/', '')}@bucket/run", "no user and no password"),
        (f"s3://bucket/run?secret_key={SECRET}", "takes no query"),
        ("s3:///run", "names no bucket"),
        ("s3://bucket/../run", "names no bucket"),
        ("nonsense://bucket/run", "no such protocol"),
        (f"sftp://user:{SECRET.replace('/', '')}@127.0.0.1:1/run", "sftp"),
    ],
)
def test_urls_that_will_not_do(url: str, word: str) -> None:
    with pytest.raises(GristmillError, match=word) as caught:
        run_folder(url).create()
    assert "very+secret" not in str(caught.value)
    assert "AKID" not in str(caught.value)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    folder = run_folder("memory://user:hunter2@host/run").create()
    assert folder.mirror is not None
    store = folder.mirror.store
    assert isinstance(store, FsspecFolder)
    for text in (repr(folder), folder.shown, str(folder.root), store.address):
        assert "hunter2" not in text
    files = store._opened()[0]

    def refused(*_: Any, **__: Any) -> None:
        raise OSError("cannot log in to memory://user:hunter2@host/run as user:hunter2")

    files.pipe_file = refused
    with pytest.raises(StorageError) as caught:
        store.write("x", b"")
    assert "hunter2" not in str(caught.value)
    for path in Path(os.environ["GRISTMILL_CACHE"]).rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()
    memory = fsspec.filesystem("memory")
    for name in memory.find("/"):
        assert b"hunter2" not in memory.cat_file(name)


def test_files_of_this_machine_stay_such(tmp_path: Path) -> None:
    assert run_folder(f"file://{tmp_path}/a%20run") == RunFolder(tmp_path / "a run")
    assert run_folder(tmp_path) == RunFolder(tmp_path)
    folder = RunFolder(tmp_path / "out").create()
    path = folder.part("corpus", 0)
    assert folder.here(path) is path
    assert pickle.loads(pickle.dumps(folder)) == folder


def test_a_url_is_not_taken_for_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="folders of this machine only"):
        RunFolder(Path("s3://bucket/run")).create()
    assert not list(tmp_path.glob("s3*"))


def test_a_mirror_is_for_its_user_only(folder: RunFolder) -> None:
    folder.write_text(folder.part("corpus", 0), "text")
    assert folder.mirror is not None
    assert folder.mirror.home.stat().st_mode & 0o077 == 0

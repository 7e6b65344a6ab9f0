"""What of a finished run is sent, to where, and that it is sent once, whole, and without secrets."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from bucket_server import bucket_server
from hub_server import HubServer, hub

from pipeline.core.errors import ConfigError, StorageError
from pipeline.push import find_product, push, target_of
from pipeline.push import stores as push_stores
from pipeline.recipe import load_recipe
from pipeline.reports.card import without_configs
from pipeline.run import run
from pipeline.sources import stores

TOKEN = "hf_never_to_be_shown"
TARGET = "hf://datasets/me/mill"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("push") / "out"
    run(load_recipe("quickstart", []), out=out, serial=True)
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A run that a test may spoil."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def server() -> Iterator[HubServer]:
    if importlib.util.find_spec("huggingface_hub") is None:
        pytest.skip("huggingface_hub is not here: pip install huggingface_hub")
    with hub() as found:
        yield found


def cli(*arguments: str, server: HubServer | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the Hub's client reads its settings once."""
    given = {"HF_ENDPOINT": server.url if server else "http://127.0.0.1:1", "HF_TOKEN": TOKEN}
    given |= {"HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "push", *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, **given},
    )  # fmt: skip
    assert TOKEN not in done.stdout + done.stderr
    return done


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# --- what is sent ----------------------------------------------------------------------------


def test_the_product_is_sent_and_no_work_file(out: Path) -> None:
    found = {file.name for file in find_product(out).files}
    assert {name.partition("/")[0] for name in found} == {
        "corpus", "records", "dedup", "README.md", "report.html", "manifest.json",
    }  # fmt: skip
    more = find_product(out, ("dropped", "quarantine"))
    assert {"dropped", "quarantine"} <= {file.name.partition("/")[0] for file in more.files}
    assert more.files[-1].name == "manifest.json"
    for file in more.files:
        if file.name != "README.md":
            data = (out / file.name).read_bytes()
            assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_files_that_no_manifest_names_stay_here(out: Path) -> None:
    (out / "corpus/part-00099.parquet").write_bytes(b"of nobody")
    assert "corpus/part-00099.parquet" not in {file.name for file in find_product(out).files}


def test_the_card_tells_of_what_is_sent(out: Path) -> None:
    [card] = [file for file in find_product(out).files if file.name == "README.md"]
    assert b"config_name: records" in bytes(card.content)  # type: ignore[arg-type]
    for kind in (b"dropped", b"quarantine"):
        assert b"config_name: " + kind not in bytes(card.content)  # type: ignore[arg-type]
        assert b"| `" + kind + b"/` |" not in bytes(card.content)  # type: ignore[arg-type]


def test_a_card_keeps_what_its_owner_wrote() -> None:
    card = (
        "---\nlicense: cc0-1.0\nconfigs:\n- config_name: default\n  data_files: a/*.parquet\n"
        '- config_name: "dropped"\n  data_files: b\n  description: x\nsize: 3\n---\n\n'
        "# Mine\n- config_name: dropped\n| `dropped/` | x |\n---\n"
    )
    assert without_configs(card, ["dropped"]) == (
        "---\nlicense: cc0-1.0\nconfigs:\n- config_name: default\n  data_files: a/*.parquet\n"
        "size: 3\n---\n\n# Mine\n- config_name: dropped\n---\n"
    )
    assert without_configs(card, []) == card


def test_what_is_no_finished_run_is_refused(out: Path, tmp_path: Path) -> None:
    part = out / "records/part-00000.parquet"
    data = part.read_bytes()
    part.write_bytes(data[:-1] + b"?")
    with pytest.raises(
        ConfigError, match=r"part-00000.parquet: is not what the manifest.*same com"
    ):
        find_product(out)
    part.write_bytes(data[:-1])
    with pytest.raises(
        ConfigError, match=r"part-00000.parquet: has .* bytes, and the manifest says"
    ):
        find_product(out)
    part.unlink()
    with pytest.raises(ConfigError, match=r"part-00000.parquet: is named by the manifest: No such"):
        find_product(out)
    (out / "manifest.json").unlink()
    with pytest.raises(ConfigError, match=r"no finished run yet.*manifest.json is missing"):
        find_product(out)
    with pytest.raises(ConfigError, match="no finished run;"):
        find_product(tmp_path / "nowhere")
    (out / "audit.json").write_text("{}")
    with pytest.raises(ConfigError, match="no data card"):
        find_product(out)
    (out / "manifest.json").write_text("{")
    with pytest.raises(ConfigError, match=r"manifest.json: cannot be read"):
        find_product(out)


def test_of_a_selection_no_golden_prompt_and_no_row_of_the_logs_is_sent(tmp_path: Path) -> None:
    named = ["selected.jsonl", "selected.parquet", "ledger.parquet", "quarantine.parquet"]
    named += ["masked.jsonl", "golden/golden-1.jsonl", "golden/golden.json"]
    (tmp_path / "golden").mkdir()
    for name in named:
        (tmp_path / name).write_text(name)
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in named}
    (tmp_path / "prompts.json").write_text(json.dumps({"recipe": {}, "files": digests}))
    (tmp_path / "report.html").write_text("")
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files: selected.parquet\n"
        "- config_name: ledger\n  data_files: ledger.parquet\n---\n"
    )
    found = find_product(tmp_path)
    assert [file.name for file in found.files] == [*named[:2], "README.md"]
    assert b"ledger" not in bytes(found.files[-1].content)  # type: ignore[arg-type]
    every = {file.name for file in find_product(tmp_path, ("ledger", "golden", "report")).files}
    assert every == {*named, "README.md", "report.html", "prompts.json"} - {
        "masked.jsonl", "quarantine.parquet",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="--with masked"):
        find_product(tmp_path, ("masked",))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("out/there", "is no URL"),
        ("hf://me/mill", "is no dataset of the Hub"),
        ("hf://datasets/mill", "is no dataset of the Hub"),
        ("https://me:word@host/x?sig=abcdef", r"https://host/x: a web server takes no files"),
    ],
)
def test_targets_that_are_none(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        target_of(url)
    assert "word" not in str(caught.value)
    assert "abcdef" not in str(caught.value)


# --- to a store ------------------------------------------------------------------------------


def test_a_push_is_done_once(out: Path, memory: Any) -> None:
    said: list[str] = []
    first = push(out, "memory://bucket/mill", say=said.append)
    assert len(first.sent) == len(first.product.files) == len(said)
    for file in first.product.files:
        assert memory.cat(f"/bucket/mill/{file.name}") == b"".join(file.chunks())
    again = push(out, "memory://bucket/mill/", say=said.append)
    assert again.sent == ()
    assert len(said) == len(first.sent)


def test_a_push_that_was_cut_off_continues(out: Path, memory: Any) -> None:
    push(out, "memory://bucket/mill")
    whole = memory.cat("/bucket/mill/records/part-00001.parquet")
    memory.pipe("/bucket/mill/records/part-00001.parquet", whole[:100])
    memory.pipe("/bucket/mill/records/part-00002.parquet", b"x" * len(whole))
    memory.rm("/bucket/mill/corpus/part-00003.parquet")
    again = push(out, "memory://bucket/mill")
    assert [file.name for file in again.sent] == [
        "corpus/part-00003.parquet", "records/part-00001.parquet", "records/part-00002.parquet",
        "manifest.json",
    ]  # fmt: skip
    assert memory.cat("/bucket/mill/records/part-00001.parquet") == whole


def test_parts_of_an_earlier_push_go_and_nothing_else(out: Path, memory: Any) -> None:
    push(out, "memory://bucket/mill", extras=("dropped",))
    others = [
        "corpus/part-00004.parquet",
        "corpus/part-00000.jsonl.zst",
        "records/part-12345.parquet",
    ]
    kept = [
        "corpus/notes.txt",
        "corpus/my-part-00000.parquet",
        "LICENSE",
        "dropped/part-00009.parquet",
    ]
    for name in (*others, *kept):
        memory.pipe(f"/bucket/mill/{name}", b"old")
    done = push(out, "memory://bucket/mill")
    assert {*done.removed} == {*others}
    assert not any(memory.exists(f"/bucket/mill/{name}") for name in others)
    assert all(memory.exists(f"/bucket/mill/{name}") for name in (*kept, "manifest.json"))


def test_a_target_without_a_manifest_is_not_whole(
    out: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(out, "memory://bucket/mill")
    memory.pipe("/bucket/mill/records/part-00000.parquet", b"old")
    system = type(memory)
    opened = system.open

    def failing(self: Any, path: str, mode: str = "rb", **more: Any) -> Any:
        if mode == "wb":
            raise PermissionError(f"{path}: not today")
        return opened(self, path, mode, **more)

    monkeypatch.setattr(system, "open", failing)
    with pytest.raises(StorageError, match=r"memory://bucket/mill/records/.*access is refused"):
        push(out, "memory://bucket/mill")
    assert not memory.exists("/bucket/mill/manifest.json")


def test_a_bucket_takes_a_run(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(stores, "_STORES", {})
    monkeypatch.setattr(push_stores, "SMALL", 1000)  # so that the target's manifest is asked
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    with bucket_server() as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.url)
        first = push(out, "s3://bucket/mill")
        sent = {f"mill/{file.name}": b"".join(file.chunks()) for file in first.product.files}
        there = {key: stored.data for key, stored in bucket.objects.items() if key[-1] != "/"}
        assert there == sent
        bucket.asked.clear()
        bucket.put("mill/corpus/part-00009.parquet", b"of another run")
        del bucket.objects["mill/records/part-00001.parquet"]
        again = push(out, "s3://bucket/mill")
        assert again.removed == ("corpus/part-00009.parquet",)
        # Pages have no digest in the manifest.
        written = {asked.key for asked in bucket.asked if asked.writes and asked.key[-1] != "/"}
        assert written == {
            "mill/README.md", "mill/manifest.json", "mill/records/part-00001.parquet",
            "mill/report.html",
        }  # fmt: skip


def test_a_run_at_a_url_is_not_pushed_from_there() -> None:
    with pytest.raises(ConfigError, match="s3://bucket/run: push sends a folder of this machine"):
        find_product(Path("s3://bucket/run"))


def test_a_run_s_own_folder_is_no_target(out: Path) -> None:
    before = names(out)
    with pytest.raises(ConfigError, match="a run works in this folder"):
        push(out, f"file://{out}")
    assert names(out) == before


def test_the_command_end_to_end(out: Path, tmp_path: Path) -> None:
    target = f"file://{tmp_path}/there"
    done = cli(str(out), target, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "there").exists()
    total = sum(file.size for file in find_product(out).files)
    assert done.stdout.splitlines()[-1].split() == [
        f"{total:,}", "bytes", "in", "12", "files", "would", "go", "to", target,
    ]  # fmt: skip
    told = json.loads(cli(str(out), target, "--dry-run", "--json").stdout)
    assert (told["bytes"], told["bytes_sent"], told["dry_run"]) == (total, 0, True)
    done = cli(str(out), target, "--json", "--with", "dropped")
    told = json.loads(done.stdout)
    assert told["bytes"] == told["bytes_sent"] > total
    assert names(tmp_path / "there") == {file["file"] for file in told["files"]}
    assert (
        json.loads(cli(str(out), target, "--json", "--with", "dropped").stdout)["bytes_sent"] == 0
    )
    assert cli(str(tmp_path), target).returncode == 2


# --- to the Hub ------------------------------------------------------------------------------


def test_a_dry_run_asks_the_hub_nothing(out: Path, server: HubServer) -> None:
    done = cli(str(out), TARGET, "--dry-run", server=server)
    assert done.returncode == 0, done.stderr
    assert "would go to hf://datasets/me/mill" in done.stdout
    assert server.asked == []


def test_a_run_goes_to_the_hub_and_can_be_loaded(
    out: Path, server: HubServer, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    done = cli(str(out), TARGET, "--private", server=server)
    assert done.returncode == 0, done.stderr
    assert server.private == {"me/mill": True}
    assert server.tokens == {f"Bearer {TOKEN}"}
    files = server.files["me/mill", "main"]
    assert {*files} == {file.name for file in find_product(out).files}
    assert len(server.commits) == 1

    for name, data in files.items():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(data)
    cache = str(tmp_path / "cache")
    copy = str(tmp_path / "copy")
    assert datasets.get_dataset_config_names(copy) == ["default", "records", "receipts"]
    assert len(datasets.load_dataset(copy, split="train", cache_dir=cache)) == 36
    assert len(datasets.load_dataset(copy, "records", split="train", cache_dir=cache)) == 86

    uploads = server.uploads
    again = cli(str(out), TARGET, "--json", server=server)
    assert json.loads(again.stdout)["bytes_sent"] == 0
    assert (len(server.commits), server.uploads) == (1, uploads)


def test_private_data_does_not_go_to_a_public_dataset(out: Path, server: HubServer) -> None:
    server.private["me/mill"], server.files["me/mill", "main"] = False, {}
    done = cli(str(out), TARGET, "--private", server=server)
    assert done.returncode == 2
    assert "is there already and is public" in done.stderr
    assert server.files["me/mill", "main"] == {}


def test_only_what_differs_goes_to_the_hub(out: Path, server: HubServer) -> None:
    assert cli(str(out), f"{TARGET}@v2", server=server).returncode == 0
    assert server.files["me/mill", "main"] == {}
    files = server.files["me/mill", "v2"]
    files["corpus/part-00077.parquet"] = b"of another run"
    files["LICENSE"] = b"mine"
    files["report.html"] = b"?" * len(files["report.html"])
    del files["records/part-00000.parquet"]
    done = json.loads(cli(str(out), f"{TARGET}@v2", "--json", server=server).stdout)
    assert [file["file"] for file in done["files"] if file["sent"]] == [
        "records/part-00000.parquet", "report.html", "manifest.json",
    ]  # fmt: skip
    assert done["removed"] == ["corpus/part-00077.parquet"]
    assert {*files} == {file["file"] for file in done["files"]} | {"LICENSE"}


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "access is refused; set HF_TOKEN"), (403, "access is refused; set HF_TOKEN"),
     (404, r"no such repository|is not there"), (400, "hf://datasets/me/mill: ")],
)  # fmt: skip
def test_what_the_hub_refuses(status: int, message: str, out: Path, server: HubServer) -> None:
    server.refuse = status
    done = cli(str(out), TARGET, server=server)
    assert done.returncode == 1
    assert done.stderr.startswith("error: hf://datasets/me/mill: ")
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_client_the_command_names_it(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match="pip install huggingface_hub"):
        push(out, TARGET)

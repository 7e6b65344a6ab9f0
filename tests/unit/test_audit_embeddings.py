"""Where an audit keeps vectors and takes them from, and what it refuses before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.audit.embeddings import Embeddings, plan_embeddings, remove_surplus
from pipeline.core.errors import ConfigError
from pipeline.runtime.storage import RunFolder


def kept(folder: Path, parts: int = 2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(parts):
        (folder / f"part-{part:05d}.npz").write_bytes(b"")
    return folder


def test_nothing_is_asked_for(tmp_path: Path) -> None:
    assert plan_embeddings(tmp_path, False, None) == Embeddings(False, None)
    assert plan_embeddings(tmp_path, True, None) == Embeddings(True, None)


@pytest.mark.parametrize("keep", [False, True])
def test_those_of_another_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    kept(tmp_path / "one" / "embeddings")
    monkeypatch.chdir(tmp_path)
    known = tmp_path / "one" / "embeddings"
    found = plan_embeddings(Path("two"), keep, Path("one/embeddings"))
    assert found == Embeddings(keep, known)  # absolute: workers have folders of their own


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_its_own_stay_and_need_not_be_there_yet(tmp_path: Path, keep: bool, there: bool) -> None:
    if there:
        kept(tmp_path / "out" / "embeddings")
    own = tmp_path / "elsewhere" / ".." / "out" / "embeddings"
    assert plan_embeddings(tmp_path / "out", keep, own).keep


def test_what_is_no_folder_of_vectors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "embeddings").write_text("")
    kept(tmp_path / "one" / "embeddings")
    for name, message in {
        "file": "no such folder",
        "nowhere": "no such folder",
        "out/embeddings": "no such folder",
        "one": r"no vectors are here .*; give OUT/embeddings of an earlier audit with --keep-",
    }.items():
        with pytest.raises(ConfigError, match=message):
            plan_embeddings(tmp_path / "out", True, tmp_path / name)


def test_what_an_earlier_audit_kept_goes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out").create(kinds=())
    home = tmp_path / "out" / "embeddings"
    assert not remove_surplus(folder, Embeddings(), 3)
    (kept(home, 5) / "part-mine.npz").write_bytes(b"")
    assert remove_surplus(folder, Embeddings(keep=True), 3)
    assert not remove_surplus(folder, Embeddings(keep=True), 3)
    assert [path.name for path in sorted(home.iterdir())] == [
        "part-00000.npz", "part-00001.npz", "part-00002.npz", "part-mine.npz"
    ]  # fmt: skip
    assert remove_surplus(folder, Embeddings(), 3)
    (home / "part-mine.npz").unlink()
    assert not remove_surplus(folder, Embeddings(), 3)
    assert not home.exists()

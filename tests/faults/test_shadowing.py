"""A user's own pipeline.py, which has our import name, must not be run in our place."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.ray

HOSTILE = "raise SystemExit('this is not Gristmill')\n"
GRISTMILL = Path(sys.executable).with_name("gristmill")


@pytest.mark.skipif(not GRISTMILL.exists(), reason="the gristmill command is not installed")
def test_one_in_the_working_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text(HOSTILE)
    command = [GRISTMILL, "run", "quickstart", "--workers", "1", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "quickstart" / "manifest.json").exists()


def test_workers_that_import_another_pipeline_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("VALUE = 1\n")
    script = textwrap.dedent(
        """
        import os, sys
        from pipeline.core.errors import ConfigError
        from pipeline.runtime.executor import RayExecutor

        os.environ["PYTHONPATH"] = sys.argv[1]  # for the workers; this process has ours already
        try:
            with RayExecutor(1) as executor:
                print(list(executor.run(print, ["a task"])))
        except ConfigError as error:
            print(error)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RAY_LOG_TO_STDERR": "0"},
    )
    assert "another module called 'pipeline' is in its place" in done.stdout, done.stderr
    assert "install gristmill" in done.stdout

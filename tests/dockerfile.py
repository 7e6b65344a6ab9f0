"""Reads a Dockerfile: its stages, their instructions, and what they do outside of a container."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["Instruction", "Stage", "build_elsewhere", "read_stages"]

VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined.

    Args:
        word: such as ``RUN``, in capitals.
        value: what stands behind it.
    """

    word: str
    value: str

    @property
    def words(self) -> list[str]:
        """The value as words, also where it is written as a JSON list; flags are left out."""
        if self.value.startswith("["):
            return [str(word) for word in json.loads(self.value)]
        return [word for word in shlex.split(self.value) if not word.startswith("--")]


@dataclasses.dataclass(frozen=True)
class Stage:
    """From one ``FROM`` to the next.

    Args:
        image: the base image, with the defaults of its arguments filled in.
        name: what later stages call it; empty without ``AS``.
        instructions: those behind ``FROM``.
    """

    image: str
    name: str
    instructions: tuple[Instruction, ...]

    def of(self, word: str) -> list[Instruction]:
        return [one for one in self.instructions if one.word == word]


def read_stages(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, in order."""
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for one in _instructions(path.read_text(encoding="utf-8")):
        if one.word == "FROM":
            image, *name = one.words
            stages.append(Stage(_filled(image, arguments), name[1] if name else "", ()))
        elif stages:
            last = stages[-1]
            stages[-1] = dataclasses.replace(last, instructions=(*last.instructions, one))
        else:
            name, _, default = one.value.partition("=")
            arguments[name] = default
    return stages


def build_elsewhere(
    stage: Stage, context: Path, root: Path, arguments: Mapping[str, str]
) -> dict[str, str]:
    """Do what a stage does, without a container: below ``root``, which stands for ``/``.

    What Debian's package manager would do is left out, and `python` is the one of this process.

    Args:
        stage: its absolute paths are ``/opt`` and ``/src``.
        context: where files are copied from.
        arguments: of the build, instead of the defaults.

    Returns:
        The variables that the stage has set.

    Raises:
        subprocess.CalledProcessError: a command failed.
    """
    variables = {"PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin"}
    around = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    folder = root

    def moved(text: str) -> str:
        return re.sub(r"(?<![\w.])/(opt|src)\b", lambda match: f"{root}{match[0]}", text)

    for one in stage.instructions:
        if one.word == "ARG":
            name, _, default = one.value.partition("=")
            variables[name] = arguments.get(name, default)
        elif one.word == "ENV":
            for pair in shlex.split(one.value):
                name, _, value = pair.partition("=")
                variables[name] = _filled(moved(value), variables)
        elif one.word == "WORKDIR":
            folder = Path(moved(one.value))
            folder.mkdir(parents=True, exist_ok=True)
        elif one.word == "COPY":
            *sources, target = one.words
            for source in sources:
                _copy(context / source, folder / target)
        elif one.word == "RUN" and "apt-get" not in one.value:
            command = ["sh", "-ec", moved(one.value)]
            subprocess.run(command, cwd=folder, check=True, env={**around, **variables})
    return variables


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        waste = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=waste)
    else:
        shutil.copy(source, target)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, value = line.strip().partition(" ")
            yield Instruction(word.upper(), value.strip())


def _filled(text: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: values.get(match[1] or match[2], ""), text)

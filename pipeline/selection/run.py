"""A selection from its plan to its report.

Besides the files of `pipeline.selection.outputs`:

    OUT/audit/           of the selection against benchmarks and the Golden Set: finds nothing
    OUT/prompts.json     figures and settings, written last
    OUT/report.html      all of it, for a person
    OUT/README.md        a data card

The bytes depend on logs, recipe and benchmarks only: not on the number of workers, nor on how often
the run was killed and continued. ``seconds`` in ``prompts.json`` and ``audit/audit.json`` is the
exception.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pipeline
from audits.items import Benchmark
from audits.settings import AuditSettings
from classifiers.intent import INTENTS
from pipeline.audit.run import QUARANTINE_LIMIT
from pipeline.core.errors import ConservationError
from pipeline.core.records import encodable
from pipeline.prompts.diversity.topics import topic_map
from pipeline.prompts.logs.read import check_fields, plan_logs
from pipeline.recipe.prompts import PromptsRecipe
from pipeline.reports.prompts_page import prompts_card, prompts_page
from pipeline.runtime.completion import finished_run, leave_manifest
from pipeline.runtime.executor import Executor
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.progress import Reporter
from pipeline.runtime.steps import execute
from pipeline.runtime.storage import RunFolder, refuse_output_of_others
from pipeline.selection.auditing import FOLDER, auditor
from pipeline.selection.choosing import Chosen, choose
from pipeline.selection.outputs import GOLDEN_FOLDER, MANIFEST, write_outputs
from pipeline.selection.reading import Logs, Read, read_parts

__all__ = ["MANIFEST", "SelectionResult", "plan_selection", "run_selection"]

REPORT, CARD = "report.html", "README.md"
_SHOWN = 3  # prompts of each fate and reason in the report
_LONGEST = 280  # characters of a prompt there
_DOTS = 3000  # of the map


@dataclasses.dataclass(frozen=True)
class PlannedSelection:
    """A selection that can be made.

    Args:
        logs: what is read.
        recipe: how.
        benchmarks: of which nothing may be selected.
        out: output folder.
    """

    logs: Logs
    recipe: PromptsRecipe
    benchmarks: tuple[Benchmark, ...]
    out: Path

    def fingerprint(self) -> str:
        """Names everything the result depends on."""
        return fingerprint(
            pipeline.__version__,
            self.recipe.describe(),
            [repr(part) for part in self.logs.parts],
            sorted((path, *stamp) for path, stamp in self.logs.stamps.items()),
            [[one.name, one.sha256] for one in self.benchmarks],
            AuditSettings().fingerprint(),
        )


@dataclasses.dataclass(frozen=True)
class SelectionResult:
    """How it ended.

    Args:
        folder: where everything is.
        manifest: ``prompts.json``.
        was_done: whether the folder held this very selection already.
    """

    folder: RunFolder
    manifest: dict[str, Any]
    was_done: bool = False

    @property
    def quarantined_share(self) -> float:
        """Of the rows of the logs."""
        rows = self.manifest["rows"]
        return float(rows["quarantined"] / max(rows["read"], 1))

    @property
    def exit_code(self) -> int:
        """3 if too many rows could not be used, else 0."""
        return 3 if self.quarantined_share > QUARANTINE_LIMIT else 0


def plan_selection(
    paths: Sequence[str], recipe: PromptsRecipe, benchmarks: Sequence[Benchmark], out: Path
) -> PlannedSelection:
    """See that it can be done.

    Args:
        paths: of the logs; see `pipeline.prompts.logs.read.plan_logs`.

    Raises:
        ConfigError: no log, or a field that no row has.
        SourceError: a path that is missing or cannot be read.
    """
    parts = plan_logs(paths)
    check_fields(parts, recipe.fields)
    return PlannedSelection(Logs.of(parts), recipe, tuple(benchmarks), out)


def run_selection(
    planned: PlannedSelection, executor: Executor, progress: Reporter
) -> SelectionResult:
    """Select, continuing what an earlier run into the same folder has left.

    Raises:
        ConfigError: the output folder holds something else; see also `choose`.
        ModelError, SourceError, StorageError, RunError, ConservationError: see
            `pipeline.core.errors`.
    """
    started = time.monotonic()
    recipe = planned.recipe
    refuse_output_of_others(planned.out, ("manifest.json", "audit.json", "kept.parquet"))
    with RunFolder(planned.out).create(kinds=()).lock() as folder, progress:
        asked = planned.fingerprint()
        manifest = finished_run(folder, MANIFEST, asked)
        if manifest is not None:
            progress.say(f"Nothing to do: {planned.out} holds this very selection")
            return SelectionResult(folder, manifest, was_done=True)
        for name in (MANIFEST, REPORT, CARD):
            folder.remove(folder.root / name)
        count = len(planned.logs.parts)
        progress.say(f"Reading {count:,} part{'s' * (count != 1)} of the logs")
        executor.needs(folder.state / "holder")
        with executor:
            read = read_parts(folder, planned.logs, recipe, execute(executor, progress, "reading"))
        if read.before:
            progress.say(f"  {read.before:,} of {count:,} had been read before")
        planned.logs.check_unchanged()
        progress.say(f"Choosing among {len(read.rows):,} conversations")
        audit = auditor(folder, read, planned.benchmarks, AuditSettings())
        chosen = choose(read, recipe, audit, progress.say)
        digests = write_outputs(folder, read, chosen, recipe)
        audited = bool(chosen.picks) and bool(planned.benchmarks or chosen.golden)
        for name in _forget_stale(folder, digests, audited):
            progress.say(f"Removed {name} of an earlier selection")
        manifest = _manifest(planned, read, chosen, digests, audited)
        folder.write_text(folder.root / REPORT, encodable(prompts_page(manifest)))
        folder.write_text(folder.root / CARD, encodable(prompts_card(manifest)))
        manifest["seconds"] = round(time.monotonic() - started, 1)
        leave_manifest(folder, MANIFEST, manifest, asked)
    return SelectionResult(folder, manifest)


def _forget_stale(folder: RunFolder, digests: Mapping[str, str], audited: bool) -> list[str]:
    """Remove what an earlier selection into the same folder has left and this one did not write.

    Prompts of other versions of the Golden Set stay: what is evaluated later is compared on them.
    """
    home, audit = folder.root / GOLDEN_FOLDER, folder.root / FOLDER
    stale = [f"{GOLDEN_FOLDER}/{one.name}" for one in sorted(home.glob("golden*"))]
    stale = [name for name in stale if name not in digests and not name.endswith(".jsonl")]
    for name in stale:
        folder.remove(folder.root / name)
    if home.is_dir() and not any(home.iterdir()):
        home.rmdir()
    if not audited and audit.is_dir():
        folder.remove(audit / "audit.json")
        shutil.rmtree(audit)
        stale.append(f"{FOLDER}/")
    return stale


# --- the manifest ----------------------------------------------------------------------------


def _manifest(
    planned: PlannedSelection,
    read: Read,
    chosen: Chosen,
    digests: Mapping[str, str],
    audited: bool,
) -> dict[str, Any]:
    recipe, fates, tally = planned.recipe, chosen.fates, read.tally
    counts = fates.counts()
    if sum(counts.values()) != tally.conversations:
        raise ConservationError(
            f"{tally.conversations} conversations were read and {sum(counts.values())} have a fate"
        )
    return {
        "gristmill": pipeline.__version__,
        "recipe": recipe.describe(),
        "inputs": {path: {"bytes": stamp[0]} for path, stamp in planned.logs.stamps.items()},
        "rows": {
            "read": tally.rows,
            "used": tally.used,
            "quarantined": tally.faulty,
            "reasons": dict(sorted(read.reasons.items())),
        },
        "conversations": {"read": tally.conversations, "renamed": tally.renamed, **counts},
        "reasons": fates.reasons(),
        "examples": _examples(read, chosen),
        "intents": _intents(read, chosen),
        "pii": _sums(read, "pii"),
        "residue": _sums(read, "residue"),
        "golden": {
            "prompts": len(chosen.golden),
            "version": recipe.golden.version if recipe.golden.count else None,
            "after": chosen.after or None,
            "sha256": digests.get(f"golden/golden-{recipe.golden.version}.jsonl"),
        },
        "audit": {
            "rounds": chosen.rounds,
            "benchmarks": [one.name for one in planned.benchmarks],
            "folder": FOLDER if audited else None,
        },
        "topics": _topics(read, chosen),
        "map": _map(read, chosen),
        "coverage": _coverage(chosen),
        "shortfalls": chosen.shortfalls,
        "files": dict(digests),
        "seconds": 0.0,
    }


def _examples(read: Read, chosen: Chosen) -> list[dict[str, Any]]:
    """Some prompts of each fate and reason, spread over the log."""
    columns = chosen.fates.columns()
    groups: dict[tuple[str, str], list[int]] = {}
    for number, key in enumerate(zip(columns["fate"], columns["reason"], strict=True)):
        groups.setdefault((str(key[0]), str(key[1])), []).append(number)
    found = []
    for (fate, reason), numbers in sorted(groups.items()):
        spread = numbers[:: max(1, len(numbers) // _SHOWN)][:_SHOWN]
        found.append(
            {
                "fate": fate,
                "reason": reason,
                "count": len(numbers),
                "prompts": [_shown(read, number) for number in spread],
            }
        )
    return found


def _shown(read: Read, number: int) -> dict[str, str]:
    text = read.rows["prompt"][number].as_py()
    more = "…" if len(text) > _LONGEST else ""
    return {"id": read.rows["id"][number].as_py(), "prompt": text[:_LONGEST] + more}


def _intents(read: Read, chosen: Chosen) -> dict[str, dict[str, int]]:
    """Intents of all conversations that have one, of the selection and of the Golden Set."""
    every = read.rows["intent"].to_pylist()
    groups = {
        "before": range(len(every)), "selected": chosen.picks, "golden": chosen.golden,
    }  # fmt: skip
    return {
        name: {intent: sum(every[number] == intent for number in numbers) for intent in INTENTS}
        for name, numbers in groups.items()
    }


def _sums(read: Read, column: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for text in read.rows[column].to_pylist():
        if text != "{}":
            total.update(json.loads(text))
    return dict(sorted(total.items()))


def _topics(read: Read, chosen: Chosen) -> list[dict[str, Any]]:
    pooled = Counter(chosen.topics[chosen.pool].tolist())
    picked = Counter(chosen.topics[chosen.picks].tolist())
    golden = Counter(chosen.topics[chosen.golden].tolist())
    return [
        {
            "name": name,
            "pool": pooled[topic],
            "selected": picked[topic],
            "golden": golden[topic],
        }
        for topic, name in enumerate(chosen.names)
    ]


def _map(read: Read, chosen: Chosen) -> list[list[float]]:
    """Places of the pool in the plane, and whether each was selected."""
    if not chosen.pool:
        return []
    places = topic_map(read.vectors[chosen.pool])
    picked = np.isin(chosen.pool, chosen.picks)
    step = max(1, len(places) // _DOTS)
    shown = np.zeros(len(places), np.bool_)
    shown[::step] = True
    shown |= picked & (np.cumsum(picked) <= _DOTS)
    return [
        [float(x), float(y), float(one)]
        for (x, y), one in zip(places[shown].tolist(), picked[shown].tolist(), strict=True)
    ]


def _coverage(chosen: Chosen) -> dict[str, list[float]]:
    """The curve at about a hundred places."""
    if chosen.selection is None:
        return {"picks": [], "selected": [], "random": []}
    curve = chosen.selection.curve
    count = len(curve.selected)
    at = np.unique(np.linspace(0, count - 1, min(count, 100)).round().astype(np.int64))
    if not count:
        at = at[:0]
    return {
        "picks": [int(one) + 1 for one in at],
        "selected": [round(float(curve.selected[one]), 6) for one in at],
        "random": [round(float(curve.random[one]), 6) for one in at],
    }

"""The generator of dirty logs keeps its shares, and the reader accounts for every row of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from dirty_logs import BROKEN, DUPLICATES, FORMATS, KINDS, WAYS, dirty_rows, write_logs

from pipeline.prompts.conversation import Conversation
from pipeline.prompts.logs.read import LogFault, LogFields, LogTally, plan_logs, read_logs

FAULTS = {way: f"log.{way}" for way in WAYS}


def near(share: float, expected: float, of: int) -> bool:
    """Within four standard deviations."""
    return abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / of)


def test_shares_are_those_that_were_measured() -> None:
    rows = list(dirty_rows(15_000, seed=1))
    kinds = Counter(kind for row in rows for kind in row.kinds)
    prompts = [prompt for row in rows for prompt in row.prompts]
    for kind, share in KINDS.items():
        assert near(kinds[kind] / len(prompts), share, len(prompts)), kind
    repeats = 1 - len(set(prompts)) / len(prompts)
    assert near(repeats, DUPLICATES, len(prompts))
    short = sum(len(prompt.split()) < 3 for prompt in prompts) / len(prompts)
    assert near(short, KINDS["short"], len(prompts))
    assert near(sum(bool(row.broken) for row in rows) / len(rows), BROKEN, len(rows))


@pytest.mark.parametrize("form", FORMATS)
def test_every_row_has_the_fate_that_was_planted(form: str, tmp_path: Path) -> None:
    path, truth = tmp_path / "logs.jsonl", tmp_path / "truth.jsonl"
    assert write_logs(path, 2500, form, 3, truth) == 2500
    told = [json.loads(line) for line in truth.read_text().splitlines()]
    tier = {"wildchat": "plan", "messages": "metadata.plan"}.get(form, "tier")
    tally = LogTally()
    parts = plan_logs([path], LogFields(tier=tier), split_bytes=1 << 18)
    items = [item for part in parts for item in read_logs(part, LogFields(tier=tier), tally=tally)]
    found = [item for item in items if isinstance(item, Conversation)]
    lost = [item for item in items if isinstance(item, LogFault) and item.lost]
    if form == "oasst":
        assert [c.id for c in found] != []
        assert len(found) + len(lost) == tally.rows == 2500
        sound = [row["id"] for row in told if not row["broken"]]
        assert {c.id.rpartition("-")[0] for c in found} >= {*sound}
    else:
        assert [c.id for c in found] == [row["id"] for row in told if not row["broken"]]
        expected = Counter(FAULTS[row["broken"]] for row in told if row["broken"])
        if form == "messages":  # the system's turn is left
            expected["log.no_user"] += expected.pop("log.empty", 0)
        assert Counter(fault.reason for fault in lost) == expected
    assert {c.tier for c in found} == {"free", "plus", "pro"}
    assert all(c.time.startswith("2024-") and c.user for c in found)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.jsonl.gz", "a.json.gz"])
def test_a_truncated_log_ends_in_one_more_fault(name: str, tmp_path: Path) -> None:
    whole = write_logs(tmp_path / name, 50, truncated=True)
    (part,) = plan_logs([tmp_path / name])
    *_, last = items = list(read_logs(part))
    assert isinstance(last, LogFault)
    assert (last.reason, len(items)) == ("table.json", whole + 1)


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(dirty_rows(50, "lmsys", 5)) == list(dirty_rows(50, "lmsys", 5))
    assert list(dirty_rows(50, "lmsys", 5)) != list(dirty_rows(50, "lmsys", 6))

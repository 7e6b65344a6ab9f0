"""Logs, part by part, into rows of `pipeline.selection.prepared.PREPARED`, vectors and faults.

A part that is done is left as it is: the same command goes on where it was stopped.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

import pipeline
from classifiers.intent import IntentModel
from pipeline.core.errors import ConservationError
from pipeline.pii import Checked, Kind, MaskSample
from pipeline.prompts.conversation import Conversation
from pipeline.prompts.logs.read import LogFault, LogPart, LogTally, read_logs
from pipeline.recipe.prompts import PromptsRecipe
from pipeline.runtime.completion import forget_surplus
from pipeline.runtime.executor import Tick
from pipeline.runtime.manifest import fingerprint
from pipeline.runtime.steps import Run, StepTask, do_parts
from pipeline.runtime.storage import RunFolder
from pipeline.selection.prepared import PREPARED, Preparer
from pipeline.sources.corpus_plan import Stamps, check_unchanged, stamps_of

__all__ = ["FAULTS", "Logs", "Read", "read_parts"]

FAULTS = pa.schema(
    [
        ("place", pa.string()),
        ("reason", pa.string()),
        ("error", pa.string()),
        ("lost", pa.int64()),
        ("row", pa.string()),
    ]
)
BATCH = 256  # conversations prepared together


@dataclasses.dataclass(frozen=True)
class Logs:
    """The logs of a selection, as they were when it began.

    Args:
        parts: from `pipeline.prompts.logs.read.plan_logs`.
        stamps: what tells by input whether it has changed.
    """

    parts: tuple[LogPart, ...]
    stamps: Stamps

    @classmethod
    def of(cls, parts: Iterable[LogPart]) -> Logs:
        """With the stamps that the inputs have now.

        Raises:
            SourceError: an input is gone.
        """
        parts = tuple(parts)
        return cls(parts, stamps_of(parts))

    def check_unchanged(self) -> None:
        """See that every input is what it was.

        Raises:
            SourceError: one has changed.
        """
        check_unchanged(self.parts, self.stamps)


@dataclasses.dataclass(frozen=True, eq=False)
class Read:
    """Everything that was read.

    Args:
        rows: of `PREPARED` less ``messages``, by part, then in the order of the log; ids are unique.
        vectors: ``float32[n, d]``, of the opening prompts; zero where a row failed a check.
        part: ``int64[n]``, the part of each row.
        tally: rows of the logs and what became of them.
        faults: a file of rows of `FAULTS` for each part, and ``prepared`` its files of rows.
        reasons: rows lost, by reason of their fault.
        masked: a sample of what was masked.
        before: parts that were done before.
    """

    rows: pa.Table
    vectors: npt.NDArray[np.float32]
    part: npt.NDArray[np.int64]
    tally: LogTally
    faults: list[Path]
    prepared: list[Path]
    reasons: Counter[str]
    masked: list[Checked]
    before: int

    def messages(self, numbers: Sequence[int]) -> list[str]:
        """The turns of some rows as JSON, in the order of ``numbers``."""
        starts = np.searchsorted(self.part, np.arange(len(self.prepared)))
        found: dict[int, str] = {}
        wanted = sorted(set(numbers))
        for part, own in itertools.groupby(wanted, lambda number: int(self.part[number])):
            table = pq.read_table(self.prepared[part], columns=["messages"])["messages"]
            for number in own:
                found[number] = table[number - int(starts[part])].as_py()
        return [found[number] for number in numbers]


def read_parts(folder: RunFolder, logs: Logs, recipe: PromptsRecipe, run: Run) -> Read:
    """Read and prepare all logs.

    Args:
        folder: of the selection.
        run: does the work.

    Raises:
        ConservationError: a row was lost.
        ModelError, SourceError, StorageError: see `pipeline.core.errors`.
    """
    how = _how(recipe)
    forget_surplus(folder, "log", len(logs.parts))
    tasks = [
        PrepareTask(
            folder, "log", number,
            fingerprint(how, repr(part), [logs.stamps[path] for path in part.inputs]), part, recipe,
        )
        for number, part in enumerate(logs.parts)
    ]  # fmt: skip
    done = do_parts(_prepare, "prepared", tasks, run)
    tally, reasons, sample = LogTally(), Counter[str](), MaskSample()
    for noted in done.noted:
        for name in ("rows", "used", "faulty", "conversations", "renamed"):
            setattr(tally, name, getattr(tally, name) + noted["tally"][name])
        reasons.update(noted["reasons"])
        sample.merge(_sample_of(noted["masked"]))
    tally.check()
    columns = [name for name in PREPARED.names if name != "messages"]
    tables = [pq.read_table(task.file("parquet"), columns=columns) for task in tasks]
    rows = pa.concat_tables(tables) if tables else PREPARED.empty_table().select(columns)
    if len(rows) != tally.conversations:
        raise ConservationError(
            f"{tally.conversations} conversations were read and {len(rows)} prepared"
        )
    rows, renamed = _unique_ids(rows)
    tally.renamed += renamed
    vectors = [np.load(task.file("npy"), allow_pickle=False) for task in tasks]
    kept = [one for one in vectors if len(one)]
    return Read(
        rows=rows,
        vectors=np.concatenate(kept) if kept else np.zeros((0, 1), np.float32),
        part=np.repeat(np.arange(len(tables)), [len(table) for table in tables]),
        tally=tally,
        faults=[task.file("faults.parquet") for task in tasks],
        prepared=[task.file("parquet") for task in tasks],
        reasons=reasons,
        masked=sample.rows(),
        before=done.before,
    )


def _how(recipe: PromptsRecipe) -> str:
    """Names all that a prepared row depends on besides its part."""
    preparer = Preparer(recipe)
    model = IntentModel.load()
    plain = recipe.describe()
    numbers = [array.tobytes().hex() for array in model.arrays().values()]
    return fingerprint(
        pipeline.__version__,
        [plain[name] for name in ("fields", "clean", "pii")],
        numbers,
        preparer.intents.encoder.model_sha256(),
    )


def _unique_ids(rows: pa.Table) -> tuple[pa.Table, int]:
    """Ids that repeat in another part get the place of their row before them; and how many do."""
    ids = rows["id"].to_pylist()
    seen: set[str] = set()
    renamed = 0
    for at, (identity, place) in enumerate(zip(ids, rows["place"].to_pylist(), strict=True)):
        if identity in seen:
            renamed += 1
            number, identity = 1, f"{place}/{identity}"
            while identity in seen:
                number += 1
                identity = f"{place}/{ids[at]}/{number}"
            ids[at] = identity
        seen.add(identity)
    column = rows.schema.get_field_index("id")
    if not renamed:
        return rows, 0
    return rows.set_column(column, "id", pa.array(ids, pa.string())), renamed


# --- one part --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class PrepareTask(StepTask):
    """Preparing one part; see `read_parts`."""

    part: LogPart
    recipe: PromptsRecipe


def _prepare(task: PrepareTask, tick: Tick) -> tuple[Sequence[Path], dict[str, Any]]:
    preparer, sample, tally = Preparer(task.recipe), MaskSample(), LogTally()
    faults: list[LogFault] = []
    vectors: list[npt.NDArray[np.float32]] = []
    rows = 0
    out, numbers, lost = (task.file(kind) for kind in ("parquet", "npy", "faults.parquet"))
    with (
        task.folder.replacing(out) as temporary,
        pq.ParquetWriter(temporary, PREPARED, compression="zstd") as writer,
    ):
        for batch in _batches(read_logs(task.part, task.recipe.fields, tally=tally), faults):
            made, found = preparer.prepare(batch, sample)
            writer.write_table(pa.Table.from_pylist(made, PREPARED))
            vectors.append(found)
            rows += len(made)
            tick({"conversations": rows})
    with task.folder.replacing(numbers) as temporary, temporary.open("wb") as file:
        np.save(file, np.concatenate(vectors) if vectors else np.zeros((0, 1), np.float32))
    with task.folder.replacing(lost) as temporary:
        table = pa.Table.from_pylist([dataclasses.asdict(one) for one in faults], FAULTS)
        pq.write_table(table, temporary, compression="zstd")
    reasons: Counter[str] = Counter()
    for fault in faults:
        reasons[fault.reason] += fault.lost
    return [out, numbers, lost], {
        "tally": dataclasses.asdict(tally),
        "reasons": dict(sorted(reasons.items())),
        "masked": [dataclasses.astuple(one) for one in sample.rows()],
    }


def _batches(
    read: Iterable[Conversation | LogFault], faults: list[LogFault]
) -> Iterator[list[Conversation]]:
    held: list[Conversation] = []
    for one in read:
        if isinstance(one, LogFault):
            faults.append(one)
            continue
        held.append(one)
        if len(held) == BATCH:
            yield held
            held = []
    if held:
        yield held


def _sample_of(rows: Sequence[Sequence[str]]) -> MaskSample:
    return MaskSample.of(Checked(rank, Kind(kind), *rest) for rank, kind, *rest in rows)

"""Ids that are unique in a run: found where they repeat across splits, and replaced there.

A source sees one split; two files of a crawl may still carry the same record. Each split leaves
64-bit hashes of its ids, the run looks for hashes that occur in more than one split, and every
occurrence but the first (in split order) takes a hash of its locator as id. Two different ids
meet in a hash once in about 37 runs of a billion records; the second then gets a locator id too,
which costs nothing and is the same in every run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from pipeline.core.records import Locator
from pipeline.runtime.ledger import PartsWriter, Schemas, read_rows
from pipeline.runtime.manifest import Completion, fingerprint
from pipeline.runtime.storage import RunFolder

__all__ = ["note_identities", "settle_identities"]

Hashes = npt.NDArray[np.uint64]

HASHES_AT_ONCE = 50_000_000


def note_identities(folder: RunFolder, index: int, identities: Sequence[str]) -> None:
    """Leave the hashes of a split's ids beside its completion record."""
    hashes = np.fromiter((_hash(name) for name in identities), np.uint64, len(identities))
    with folder.replacing(_path(folder, index)) as temporary, temporary.open("wb") as handle:
        np.save(handle, np.sort(hashes), allow_pickle=False)


def settle_identities(
    folder: RunFolder, done: Mapping[int, Completion], schemas: Schemas
) -> dict[int, Completion]:
    """Give repeated ids a new one in every split but the first that has them."""
    settled = dict(done)
    for index, repeated in _repeats(folder, sorted(done)).items():
        settled[index] = _rename(folder, index, done[index], schemas, repeated)
    return settled


def _repeats(folder: RunFolder, indices: Sequence[int]) -> dict[int, set[int]]:
    """Hashes by the split in which they have to be replaced."""
    found: dict[int, set[int]] = {}
    total = sum(len(_load(folder, index)) for index in indices)
    for low, high in _ranges(total):
        chunks = [(index, _between(_load(folder, index), low, high)) for index in indices]
        hashes = np.concatenate([chunk for _, chunk in chunks] or [np.empty(0, np.uint64)])
        values, counts = np.unique(hashes, return_counts=True)
        for value in values[counts > 1].tolist():
            owners = [index for index, chunk in chunks if _contains(chunk, value)]
            for index in owners[1:]:
                found.setdefault(index, set()).add(value)
    return dict(sorted(found.items()))


def _ranges(total: int) -> Iterator[tuple[int, int]]:
    """Equal ranges of hash values, so many that each holds a bounded number of hashes."""
    pieces = max(1, -(-total // HASHES_AT_ONCE))
    step = -(-(2**64) // pieces)
    for piece in range(pieces):
        yield piece * step, min((piece + 1) * step, 2**64) - 1


def _between(hashes: Hashes, low: int, high: int) -> Hashes:
    first = np.searchsorted(hashes, np.uint64(low), side="left")
    last = np.searchsorted(hashes, np.uint64(high), side="right")
    return np.asarray(hashes[first:last])


def _contains(hashes: Hashes, value: int) -> bool:
    place = int(np.searchsorted(hashes, np.uint64(value)))
    return place < len(hashes) and int(hashes[place]) == value


def _rename(
    folder: RunFolder,
    index: int,
    completion: Completion,
    schemas: Schemas,
    repeated: set[int],
) -> Completion:
    renamed: set[str] = set()
    identities: list[str] = []
    with PartsWriter(folder, index, schemas, completion.corpus_format) as writer:
        for kind, path in completion.paths(folder, index).items():
            for row in read_rows(folder.here(path)):
                if _hash(row["id"]) in repeated:
                    row["id"] = Locator(row["path"], row["offset"], row["length"]).digest()
                    renamed.add(row["id"])
                if kind == "records":
                    identities.append(row["id"])
                writer.write(kind, row)
        Completion.forget(folder, index)
    note_identities(folder, index, identities)
    completion = dataclasses.replace(
        completion,
        renamed=len(renamed),
        candidates=fingerprint(completion.candidates, sorted(renamed)),
        duplicates=None,  # clusters go by the old ids
        files=writer.files,
    )
    completion.write(folder, index)
    return completion


def _hash(identity: str) -> int:
    return xxhash.xxh3_64_intdigest(identity.encode())


def _path(folder: RunFolder, index: int) -> Path:
    return folder.splits / f"{index:05d}.ids.npy"


def _load(folder: RunFolder, index: int) -> Hashes:
    loaded: Hashes = np.load(folder.here(_path(folder, index)), mmap_mode="r", allow_pickle=False)
    return loaded

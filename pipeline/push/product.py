"""A finished run sent to where others find it: its product, never its work files.

What is sent is what the manifest names, and it is sent only while it is that, byte for byte. The
data card that goes with it tells of the folders that are sent and of no others, so that
``datasets.load_dataset`` finds all that it tells of.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.core.registry import nearest
from pipeline.push.hub import HubTarget
from pipeline.push.stores import StoreTarget
from pipeline.push.targets import Say, Target, Upload
from pipeline.reports.card import without_configs
from pipeline.runtime.storage import protocol_of
from pipeline.sources.addresses import address, is_web, scheme_of

__all__ = ["Product", "Pushed", "find_product", "push", "target_of"]

HUB = "hf://datasets/"
NAME = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)(?:@([\w./-]+))?/?")

CARD = "README.md"
AT_ONCE = 4  # files that are read together
ALWAYS = ("corpus", "records")
RUN_EXTRAS = ("dropped", "quarantine")
# Of a selection: the ledger, the Golden Set (which stops being one where models are trained on what
# is public), and the pages, which quote prompts of every fate. Rows of the logs go nowhere.
PROMPT_EXTRAS = {
    "ledger": ("ledger.parquet",),
    "golden": ("golden/",),
    "report": ("report.html", "prompts.json"),
}


@dataclasses.dataclass(frozen=True)
class Product:
    """What of a folder is sent.

    Args:
        folder: of the run.
        files: in the order in which they are sent.
        kinds: folders of parts that are among them.
    """

    folder: Path
    files: tuple[Upload, ...]
    kinds: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.size for file in self.files)


@dataclasses.dataclass(frozen=True)
class Pushed:
    """What came of it.

    Args:
        product: what was to be sent.
        target: its URL, without secrets.
        present: names of files that were there already.
        removed: names of parts of an earlier push that were taken away.
    """

    product: Product
    target: str
    present: frozenset[str]
    removed: tuple[str, ...]

    @property
    def sent(self) -> tuple[Upload, ...]:
        """The files that were not there."""
        return tuple(file for file in self.product.files if file.name not in self.present)


def find_product(folder: Path, extras: Sequence[str] = ()) -> Product:
    """What of a finished run is sent, each file seen to be what the manifest says.

    Args:
        folder: of a run (``manifest.json``) or of a selection of prompts (``prompts.json``).
        extras: what is sent besides: of a run ``dropped`` and ``quarantine``, of a selection
            ``ledger``, ``golden`` and ``report``.

    Raises:
        ConfigError: the folder holds no finished run, a file of it is missing or altered, or an
            extra that there is not.
    """
    protocol = protocol_of(folder)
    if protocol and not folder.exists():
        raise ConfigError(
            f"{protocol}//{'/'.join(folder.parts[1:])}: push sends a folder of this machine; copy the "
            "run here, or leave it where it is"
        )
    manifest = _read(folder / "manifest.json")
    if manifest is not None and "recipe" in manifest:
        return _run_product(folder, manifest, extras)
    selection = _read(folder / "prompts.json")
    if selection is not None and "recipe" in selection:
        return _prompts_product(folder, selection, extras)
    if manifest is not None or (folder / "audit.json").is_file():
        raise ConfigError(
            f"{folder} holds deduplicated or audited files, which have no data card; push the run "
            "that they are of, or copy them"
        )
    started = " yet: the same command that began it ends it" if _began(folder) else ""
    raise ConfigError(
        f"{folder} holds no finished run{started}; {folder / 'manifest.json'} is missing"
    )


def push(
    folder: Path,
    target: str,
    *,
    extras: Sequence[str] = (),
    private: bool = False,
    dry_run: bool = False,
    say: Say = lambda _: None,
) -> Pushed:
    """Send the product of a finished run.

    Files that are there already with the same bytes are not sent again, so the same call after an
    interruption continues. Parts of an earlier push that the run no longer has are taken away from
    the folders that are sent; nothing else in the target is touched.

    Args:
        folder: of the run.
        target: see `target_of`.
        extras: see `find_product`.
        private: a dataset of the Hub that is not there yet is made a private one.
        dry_run: ask nothing of the target and send nothing.
        say: takes what is going on, a line each.

    Raises:
        ConfigError: see `find_product` and `target_of`.
        StorageError: the target cannot be reached or used; the message says why, and the mend.
    """
    found = target_of(target, private)
    product = find_product(folder, extras)
    if dry_run:
        return Pushed(product, str(found.url), frozenset(), ())
    present = found.present(product.files)
    surplus = found.surplus(product.kinds, {file.name for file in product.files})
    last = product.files[-1]  # says that the others are there, and comes behind them
    if surplus or len(present) < len(product.files):
        present.discard(last.name)
        missing = [file for file in product.files if file.name not in present]
        found.send(missing, surplus, say)
    return Pushed(product, str(found.url), frozenset(present), tuple(surplus))


def target_of(url: str, private: bool = False) -> Target:
    """The target of a URL. Nothing is asked of it yet.

    Args:
        url: ``hf://datasets/USER/NAME``, with ``@BRANCH`` if it is not ``main``; or a folder as a URL
            of any protocol that fsspec knows and can write.
        private: a dataset of the Hub that is not there yet is made a private one.

    Raises:
        ConfigError: it is none of these.
    """
    if scheme_of(url) == "hf":
        found = NAME.fullmatch(url)
        if found is None:
            raise ConfigError(
                f"{address(url)}: is no dataset of the Hub; write {HUB}USER/NAME, or with @BRANCH"
            )
        return HubTarget(url, found[1], found[2] or "main", private)
    if not scheme_of(url):
        raise ConfigError(
            f"{address(url)}: is no URL; write {HUB}USER/NAME, s3://BUCKET/FOLDER, "
            "or file:///FOLDER for one of this machine"
        )
    if is_web(url):
        raise ConfigError(
            f"{address(url)}: a web server takes no files; name a store such as s3://"
        )
    if private:
        raise ConfigError("--private is for hf://datasets/…; here the store says who may read")
    return StoreTarget(url)


def _run_product(folder: Path, manifest: Mapping[str, Any], extras: Sequence[str]) -> Product:
    _check_extras(folder, extras, RUN_EXTRAS)
    kinds = [*ALWAYS, *(kind for kind in RUN_EXTRAS if kind in extras)]
    named = [part for kind in kinds for part in manifest["parts"][kind]]
    if "dedup" in manifest:
        named.append(manifest["dedup"]["receipts"])
    with ThreadPoolExecutor(AT_ONCE) as threads:
        files = list(threads.map(lambda part: _checked(folder, part), named))
    left_out = [kind for kind in RUN_EXTRAS if kind not in kinds]
    files += [_card(folder, left_out), _whole(folder, "report.html")]
    files.append(_whole(folder, "manifest.json"))
    return Product(folder, tuple(files), tuple(kinds))


def _prompts_product(folder: Path, manifest: Mapping[str, Any], extras: Sequence[str]) -> Product:
    _check_extras(folder, extras, tuple(PROMPT_EXTRAS))
    wanted = ["selected.", *(name for extra in extras for name in PROMPT_EXTRAS[extra])]
    named = [
        {"file": name, "sha256": digest}
        for name, digest in manifest["files"].items()
        if name.startswith(tuple(wanted))
    ]
    files = [_checked(folder, part) for part in named]
    if "report" in extras:
        files += [_whole(folder, name) for name in PROMPT_EXTRAS["report"]]
    files.append(_card(folder, [] if "ledger" in extras else ["ledger"]))
    return Product(folder, tuple(files), ())


def _check_extras(folder: Path, extras: Sequence[str], known: Sequence[str]) -> None:
    for extra in extras:
        if extra not in known:
            raise ConfigError(
                f"--with {extra}: {folder} has no such thing to be sent; "
                f"there are: {', '.join(known)}{nearest(extra, known)}"
            )


def _checked(folder: Path, part: Mapping[str, Any]) -> Upload:
    """A file that the manifest names.

    Raises:
        ConfigError: it is not what the manifest says.
    """
    path = folder / part["file"]
    mend = "remove it, if it is there, and run the same command again, which makes it anew"
    try:
        size = path.stat().st_size
        if size != part.get("bytes", size):
            raise ConfigError(
                f"{path}: has {size:,} bytes, and the manifest says {part['bytes']:,}; {mend}"
            )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: is named by the manifest: {error.strerror}; {mend}") from error
    if digest != part["sha256"]:
        raise ConfigError(f"{path}: is not what the manifest says (its sha256 differs); {mend}")
    return Upload(part["file"], path, size, digest)


def _whole(folder: Path, name: str) -> Upload:
    """A file of no part, such as a page."""
    return _upload(name, _bytes(folder / name))


def _card(folder: Path, left_out: Sequence[str]) -> Upload:
    text = _bytes(folder / CARD).decode("utf-8", "replace")
    return _upload(CARD, without_configs(text, left_out).encode())


def _upload(name: str, data: bytes) -> Upload:
    return Upload(name, data, len(data), hashlib.sha256(data).hexdigest())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: belongs to the run: {error.strerror}; run the same command again, with another "
            "--out if it says that all is done"
        ) from error


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error}); run the same command again"
        ) from error
    return found if isinstance(found, dict) else None


def _began(folder: Path) -> bool:
    return (folder / ".gristmill").is_dir()

"""A dataset of the Hugging Face Hub as the target of a push.

The package ``huggingface_hub`` is imported when it is asked for something, and not before.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Collection, Sequence
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.push.targets import Say, Target, Upload, is_surplus

__all__ = ["HubTarget"]

COMMIT = 200  # files in a commit, so that none takes so long that the Hub gives it up


class HubTarget(Target):
    """A dataset of the Hugging Face Hub. The token is the one that its own tools find.

    Args:
        url: as given.
        repo: ``USER/NAME``.
        branch: is made if it is not there.
        private: see `target_of`.
    """

    def __init__(self, url: str, repo: str, branch: str, private: bool):
        super().__init__(url)
        self._repo, self._branch, self._private = repo, branch, private

    def present(self, files: Sequence[Upload]) -> set[str]:
        self._call("create_repo", private=self._private or None, exist_ok=True)
        if self._private and not self._call("repo_info").private:
            raise ConfigError(
                f"{self.url}: is there already and is public, which --private does not change; make "
                "it private in its settings, or leave --private out"
            )
        if self._branch != "main" and not self._branch.startswith("refs/"):
            self._call("create_branch", branch=self._branch, exist_ok=True)
        known: dict[str, Any] = {}
        for at in range(0, len(files), COMMIT):
            names = [file.name for file in files[at : at + COMMIT]]
            found = self._call("get_paths_info", paths=names, revision=self._branch)
            known.update((one.path, one) for one in found)
        return {file.name for file in files if _same_blob(file, known.get(file.name))}

    def surplus(self, kinds: Collection[str], names: Collection[str]) -> list[str]:
        found = self._call("list_repo_files", revision=self._branch)
        return [name for name in found if is_surplus(name, kinds, names)]

    def send(self, files: Sequence[Upload], surplus: Sequence[str], say: Say) -> None:
        hub = self._hub()
        additions = [
            hub.CommitOperationAdd(
                file.name,
                file.content if isinstance(file.content, bytes) else str(file.content),
            )
            for file in files
        ]
        removals = [hub.CommitOperationDelete(name) for name in surplus]
        # What goes, goes with the card and the manifest that no longer have it.
        commits = [additions[at : at + COMMIT] for at in range(0, len(additions), COMMIT)] or [[]]
        commits[-1] = [*removals, *commits[-1]]
        for number, commit in enumerate(commits, 1):
            say(f"Commit {number} of {len(commits)}: {len(commit)} files")
            self._call(
                "create_commit",
                operations=commit,
                revision=self._branch,
                commit_message="Upload of a Gristmill run"
                + (f" ({number} of {len(commits)})" if len(commits) > 1 else ""),
            )

    def _hub(self) -> Any:
        try:
            import huggingface_hub
        except ImportError as error:
            raise ConfigError(
                f"{self.url}: sending to the Hub needs a package that is not here; "
                "pip install huggingface_hub"
            ) from error
        if not sys.stderr.isatty():
            importlib.import_module("huggingface_hub.utils").disable_progress_bars()
        return huggingface_hub

    def _call(self, method: str, **arguments: Any) -> Any:
        hub = self._hub()
        try:
            return getattr(hub.HfApi(), method)(self._repo, repo_type="dataset", **arguments)
        # Its client, that one's client and the network each raise their own.
        except Exception as error:
            raise self._failed(error) from error


def _same_blob(file: Upload, known: Any) -> bool:
    """Whether the Hub has these bytes: it tells the sha256 of large files, and Git's of small ones."""
    if known is None or getattr(known, "size", None) != file.size:
        return False
    if known.lfs is not None:
        return bool(known.lfs.sha256 == file.sha256)
    head = f"blob {file.size}\0".encode()
    return bool(known.blob_id == file.digest(hashlib.sha1(head, usedforsecurity=False)))

"""Every error Gristmill raises on purpose.

    GristmillError
    ├── ConfigError            the recipe or the arguments are wrong; nothing has started (exit code 2)
    │   ├── RecipeError        a recipe key, with file, line and the mend
    │   ├── RecipeErrors       all faults of one recipe, one RecipeError each
    │   └── PluginError        an unknown or broken filter, cleaner, engine or source
    ├── SourceError            an input path that cannot be opened or listed; a retry may help
    ├── ModelError             a model file that is missing, altered or of another kind
    ├── StorageError           output that cannot be written (full disk, permissions); resume after mending
    ├── ConservationError      in ≠ kept + dropped + quarantined: a bug in Gristmill; the run stops
    ├── WipeOutAlarm           deduplication would remove nearly all of a source or domain (exit code 4)
    ├── RunError               a run that could not finish: a split kept failing, or another process owns OUT
    └── RecordError            one record failed; it is quarantined and the run goes on

While a run is going, what one record raises is caught in one place (`pipeline.curate`), where it
becomes a quarantined record with its locator; every other error of this tree stops the run.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ConfigError",
    "ConservationError",
    "GristmillError",
    "ModelError",
    "PluginError",
    "RecipeError",
    "RecipeErrors",
    "RecordError",
    "RunError",
    "SourceError",
    "StorageError",
    "WipeOutAlarm",
]


class GristmillError(Exception):
    """Root of the tree above. ``exit_code`` is what the command line returns for it."""

    exit_code = 1


class ConfigError(GristmillError):
    """Something the user wrote is wrong; nothing has been read or written."""

    exit_code = 2


class RecipeError(ConfigError):
    """One fault in a recipe.

    Args:
        message: what is wrong, and the mend.
        file: the recipe file, or ``"--set"`` for a command-line override.
        line: 1-based line in that file, if known.
        key: dotted path of the key, such as ``filters.gopher_quality.bounds.word_count.low``.
    """

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, key: str = ""
    ):
        place = ":".join(str(part) for part in (file, line) if part is not None)
        super().__init__(": ".join(part for part in (place, key, message) if part))
        self.message, self.file, self.line, self.key = message, file, line, key

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_recipe_error, (self.message, self.file, self.line, self.key))


def _rebuild_recipe_error(
    message: str, file: str | None, line: int | None, key: str
) -> RecipeError:
    return RecipeError(message, file=file, line=line, key=key)


class RecipeErrors(ConfigError):  # noqa: N818 - several errors in one
    """All faults of one recipe; as text, one line each.

    Args:
        faults: in the order a person meets them.
    """

    def __init__(self, faults: Iterable[RecipeError]):
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[object, ...]:
        return (RecipeErrors, (self.faults,))


class PluginError(ConfigError):
    """A name that no filter, cleaner, engine or source answers to, or a plug-in that fails to load."""


class SourceError(GristmillError):
    """An input that cannot be opened or listed. A retry may help where the fault is the network's."""


class ModelError(GristmillError):
    """A model file that is missing, not the one its sha256 promises, or of another kind."""


class StorageError(GristmillError):
    """Output that cannot be written. Finished parts stay valid: mend the cause and run again."""


class ConservationError(GristmillError):
    """Records went in that did not come out with a fate. Never expected; always fatal."""


class RunError(GristmillError):
    """The run could not finish. What it had completed is kept; the same command continues."""


class WipeOutAlarm(GristmillError):  # noqa: N818 - the alarm is the field's word
    """Deduplication would remove nearly all of a source or a domain; nothing was removed."""

    exit_code = 4


class RecordError(GristmillError):
    """One record could not be processed. Costs that record only.

    Args:
        reason: slug of what failed, such as ``warc.gzip`` or ``extract.cpu_time``.
        message: the underlying error, for a person.
    """

    def __init__(self, reason: str, message: str):
        super().__init__(f"{reason}: {message}")
        self.reason, self.message = reason, message

    def __reduce__(self) -> tuple[object, ...]:
        return (RecordError, (self.reason, self.message))

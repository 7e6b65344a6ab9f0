"""Names to classes: built-in ones by module path (imported when asked for), plug-ins by entry point."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from pipeline.core.errors import PluginError

__all__ = ["Registry", "nearest"]


def nearest(name: str, choices: object) -> str:
    """``"; did you mean 'x'?"`` for the closest of ``choices``, or an empty string."""
    options = [str(choice) for choice in choices]  # type: ignore[attr-defined]
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


class Registry:
    """A lazy table of named classes.

    Args:
        kind: what it holds, for messages (``"filter"``).
        builtin: name to ``"module:Class"``. Nothing is imported until `get`.
        group: entry-point group under which other packages register theirs. A plug-in never
            shadows a built-in name.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str], group: str):
        self.kind, self.group = kind, group
        self._builtin = dict(builtin)

    def names(self) -> list[str]:
        """All known names, built-in ones first."""
        plugins = {point.name for point in importlib.metadata.entry_points(group=self.group)}
        return [*self._builtin, *sorted(plugins - self._builtin.keys())]

    def get(self, name: str) -> type[Any]:
        """The class registered as ``name``.

        Raises:
            PluginError: no such name (the nearest one is offered), or its package fails to import.
        """
        if name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            found: type[Any] = getattr(importlib.import_module(module), attribute)
            return found
        for point in importlib.metadata.entry_points(group=self.group):
            if point.name == name:
                try:
                    loaded: type[Any] = point.load()
                except Exception as error:
                    raise PluginError(
                        f"{self.kind} {name!r} from {point.value} failed to load: {error!r}"
                    ) from error
                return loaded
        known = self.names()
        raise PluginError(
            f"no {self.kind} is called {name!r}{nearest(name, known)} Known: {', '.join(known)}"
        )

"""Typed recipes: a YAML file in, built and checked objects out. Nothing here reads a record.

`load_recipe` checks everything before any work starts and reports all faults at once, each with
its place and the mend. What a key may hold is said in one place only: by the dataclass fields of
the filter, cleaner, engine or source that the key configures.
"""

from __future__ import annotations

from pipeline.recipe.load import find_config, load_recipe
from pipeline.recipe.model import Keep, Recipe, RunLimits

__all__ = ["Keep", "Recipe", "RunLimits", "find_config", "load_recipe"]

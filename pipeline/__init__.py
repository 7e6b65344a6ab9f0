"""Gristmill: raw web crawls and chat logs in, audited training data out."""

from __future__ import annotations

__version__ = "0.1.0"

# Tells this package from a file or folder of the same name on somebody's path.
DISTRIBUTION = "gristmill"

"""The command line: ``gristmill``. Arguments in, text out; the work is done by what it calls.

Exit codes: 0 done, 1 failed, 2 bad recipe or arguments, 3 done with more quarantined records
than the recipe allows, 4 stopped by the wipe-out alarm, 130 interrupted.
"""

from pipeline.cli.commands import main

__all__ = ["main"]

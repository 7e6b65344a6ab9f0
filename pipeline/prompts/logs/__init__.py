"""Logs of every shape as conversations: rows, formats, trees, times."""

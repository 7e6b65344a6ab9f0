"""Benchmarks: definitions, the rows they are read from, their items, and what can be checked of them."""

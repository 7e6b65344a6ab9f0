"""Audits of a corpus against benchmarks: what leaked, where, and with which evidence."""

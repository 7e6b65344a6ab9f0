"""Run folders at URLs: which store a URL belongs to, and how each kind of store is read and written."""

"""Models that score texts: one file per model family, each loaded once per process when first used.

Nothing is imported here, so that `import classifiers` costs nothing and needs no model.
"""

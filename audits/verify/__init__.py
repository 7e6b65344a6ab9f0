"""The verification tier: a passage and an item, read and held against each other, and the verdict."""

"""The lexical tier: n-grams that a corpus shares with benchmark items, and those that say nothing."""

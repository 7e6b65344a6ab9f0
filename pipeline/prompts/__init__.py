"""Prompts: from raw chat logs to the few worth training on, and a Golden Set to evaluate with."""

"""Intents of prompts: the turn that is judged, labels of a person, and a model adapted to them."""

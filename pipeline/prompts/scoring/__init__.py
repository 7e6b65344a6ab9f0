"""How good a prompt and its answers look, from signals that anyone can check."""

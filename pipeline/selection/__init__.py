"""A prompt selection: logs in; a training selection, a Golden Set and a ledger of every conversation out."""

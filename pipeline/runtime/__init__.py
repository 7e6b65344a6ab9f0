"""Where and how work runs: executors, atomic storage, the ledger's parts, manifests, progress."""

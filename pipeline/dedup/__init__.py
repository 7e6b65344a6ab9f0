"""Deduplication: exact and near duplicates, every removal verified and with a receipt.

    from pipeline.dedup import dedup
    kept, receipts = dedup(dataset)

Signatures (`signatures`), buckets (`buckets`), components (`clusters`) propose; `verify` decides.
"""

from pipeline.dedup.memory import dedup
from pipeline.dedup.settings import Alarm, Dedup
from pipeline.dedup.signatures import Signing

__all__ = ["Alarm", "Dedup", "Signing", "dedup"]

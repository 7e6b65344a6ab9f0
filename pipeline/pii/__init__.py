"""Personal data in chats, code and prose: found by rule, masked by typed placeholders, open to a check.

from pipeline.pii import Masker, find_pii

find_pii("write to ann@mail.org")       # [Found(kind=email, start=9, end=21, value=...)]
Masker().mask(["write to ann@mail.org"]).texts  # ("write to [EMAIL_1]",)
"""

from __future__ import annotations

from pipeline.pii.audit_sample import Checked, MaskSample
from pipeline.pii.find import find_pii
from pipeline.pii.kinds import ALL, Found, Kind, kinds_of
from pipeline.pii.mask import Masked, Masker, same_value
from pipeline.pii.names import Names, SpacyNames
from pipeline.pii.policy import DEFAULT, Policy

__all__ = [
    "ALL",
    "DEFAULT",
    "Checked",
    "Found",
    "Kind",
    "MaskSample",
    "Masked",
    "Masker",
    "Names",
    "Policy",
    "SpacyNames",
    "find_pii",
    "kinds_of",
    "same_value",
]

"""Times of every kind that logs have, as ISO 8601 in UTC."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["utc"]

# An epoch in seconds, milliseconds, microseconds or nanoseconds is told by its size: seconds reach
# the first limit in the year 5138, milliseconds begin in 1973 there.
UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (math.inf, 1e9))
NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{0,20})?")
# As databases and browsers write them: `` UTC`` and ``GMT`` for a zone, a zone without minutes.
ZONE_NAME = re.compile(r" ?(?:UTC|GMT|Z)$", re.IGNORECASE)
LONGEST = 64  # characters of a time as text


def utc(value: Any) -> str | None:
    """A time as in ``2024-05-01T12:30:00Z``, to the second, so that texts sort as times do.

    Args:
        value: a text (ISO 8601, or a number), a number (seconds since 1970, or milli-, micro- or
            nanoseconds), a ``datetime`` or ``date``, or MongoDB's ``{"$date": …}``. What has no
            zone is taken for UTC.

    Returns:
        Empty for None and for a blank text; None for what is no time.
    """
    if value is None:
        return ""
    try:
        if isinstance(value, str):
            return _of_text(value)
        if isinstance(value, dict):
            return _of_object(value)
        if isinstance(value, datetime.datetime):
            return _written(value)
        if isinstance(value, datetime.date):
            return _written(datetime.datetime(value.year, value.month, value.day))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _of_number(value)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _of_text(text: str) -> str | None:
    text = text.strip() if len(text) <= LONGEST else text
    if not text:
        return ""
    if len(text) > LONGEST or not text.isascii():
        return None
    if NUMBER.fullmatch(text) and len(text) != len("20240501"):
        return _of_number(float(text))
    return _written(datetime.datetime.fromisoformat(ZONE_NAME.sub("+00:00", text)))


def _of_object(value: Mapping[Any, Any]) -> str | None:
    for name in ("$date", "$numberLong"):
        if name in value and not isinstance(value[name], dict):
            return utc(value[name])
        if name in value:
            return utc(value[name].get("$numberLong"))
    return None


def _of_number(number: float) -> str | None:
    if not math.isfinite(number):
        return None
    scale = next(scale for limit, scale in UNITS if abs(number) < limit)
    zero = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return _written(zero + datetime.timedelta(seconds=math.floor(number / scale)))


def _written(time: datetime.datetime) -> str:
    time = time.replace(tzinfo=datetime.UTC) if time.tzinfo is None else time
    time = time.astimezone(datetime.UTC)
    return time.replace(microsecond=0, tzinfo=None).isoformat() + "Z"

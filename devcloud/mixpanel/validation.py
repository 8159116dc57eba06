"""What `/import` with `strict=1` checks of each record, in the order in which Mixpanel says it."""

from __future__ import annotations

import re
import time
from typing import Any, Final

import msgspec

EVENT_BYTES: Final = 1024 * 1024
MOST_KEYS: Final = 255
# 1971-01-01, in milliseconds.
FIRST: Final = 31_536_000_000
# A time below is in seconds.
SECONDS_BELOW: Final = 100_000_000_000
AHEAD: Final = 3_600_000
DISTINCT_ID_BYTES: Final = 255
INSERT_ID: Final = re.compile(r"[A-Za-z0-9-]{1,36}")
# Values that stand for a mistake in whoever sends.
PLACEHOLDERS: Final = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "anon",
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "false",
        "true",
        "[]",
        "{}",
        "lmy47d",
        "-1",
        "0",
    }
)


class Invalid(Exception):
    """A record that is not imported: the field, and what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def check(record: Any) -> None:
    """Raises Invalid."""
    if not isinstance(record, dict):
        raise Invalid("", "record must be an object")
    if not isinstance(record.get("event"), str) or not record["event"]:
        raise Invalid("event", "'event' is invalid: must be a non-empty string")
    properties = record.get("properties")
    if not isinstance(properties, dict):
        raise Invalid("properties", "'properties' is invalid: must be an object")
    _check_time(properties.get("time"))
    _check_distinct_id(properties.get("distinct_id"))
    _check_insert_id(properties.get("$insert_id"))
    if len(properties) >= MOST_KEYS:
        raise Invalid("properties", f"'properties' is invalid: must have fewer than {MOST_KEYS} keys")
    if len(msgspec.json.encode(record)) >= EVENT_BYTES:
        raise Invalid("event", "event is too large: must be smaller than 1MB")


def _check_time(value: Any) -> None:
    where = "properties.time"
    if value is None:
        raise Invalid(where, "'properties.time' is required")
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid(where, "'properties.time' is invalid: must be specified as seconds since epoch")
    moment = value * 1000 if value < SECONDS_BELOW else value
    if moment < FIRST:
        raise Invalid(where, "'properties.time' is invalid: must be after 1971-01-01")
    if moment > time.time() * 1000 + AHEAD:
        raise Invalid(where, "'properties.time' is invalid: must not be more than one hour in the future")


def _check_distinct_id(value: Any) -> None:
    where = "properties.distinct_id"
    if not isinstance(value, str):
        raise Invalid(where, "'properties.distinct_id' is required")
    if len(value.encode()) > DISTINCT_ID_BYTES:
        raise Invalid(where, "'properties.distinct_id' is invalid: must be at most 255 bytes")
    if value.lower() in PLACEHOLDERS:
        raise Invalid(where, "'properties.distinct_id' is invalid: value is not allowed")


def _check_insert_id(value: Any) -> None:
    where = "properties.$insert_id"
    if not isinstance(value, str) or not value:
        raise Invalid(where, "'properties.$insert_id' is required")
    if INSERT_ID.fullmatch(value) is None:
        raise Invalid(where, "'properties.$insert_id' is invalid: must be at most 36 letters, digits or '-'")

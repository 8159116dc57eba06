"""What time it is, in UTC, and moments as the wire of a room has them."""

from __future__ import annotations

from datetime import UTC, datetime


def clock() -> datetime:
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    """Since the Unix epoch."""
    return int(moment.timestamp() * 1000)


def moment(milliseconds: int | None) -> datetime | None:
    """The other way; null is null."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)

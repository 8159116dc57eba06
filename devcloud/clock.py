"""Time as AWS writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second, as the services and EventBridge write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(text: str) -> datetime:
    """Read a time that `stamp` wrote."""
    return datetime.fromisoformat(text)

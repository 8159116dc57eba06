"""The kinds that notify brings: what people write themselves, and not a module."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from modules.notify.facade import IN_APP, SYSTEM, URGENT, Kind, Message, Urgency


def own_kinds(channels: Sequence[str]) -> tuple[Kind, Kind]:
    """On these channels besides the list in the app."""
    return (
        _kind(SYSTEM, channels, Urgency.NORMAL, timedelta(days=3)),
        _kind(URGENT, channels, Urgency.HIGH, timedelta(hours=6)),
    )


def _kind(name: str, channels: Sequence[str], urgency: Urgency, ttl: timedelta) -> Kind:
    return Kind(
        name=name,
        data=Message,
        title="%(title)s",
        body="%(body)s",
        link="%(link)s",
        category="system",
        channels=(IN_APP, *channels),
        urgency=urgency,
        ttl=ttl,
    )

"""The kinds that notify brings: what people write themselves, and not a module."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from modules.notify.facade import SYSTEM, URGENT, Kind, Message, Urgency

KINDS: Final = (
    Kind(
        name=SYSTEM,
        data=Message,
        title="%(title)s",
        body="%(body)s",
        link="%(link)s",
        category="system",
        ttl=timedelta(days=3),
    ),
    Kind(
        name=URGENT,
        data=Message,
        title="%(title)s",
        body="%(body)s",
        link="%(link)s",
        category="system",
        urgency=Urgency.HIGH,
        ttl=timedelta(hours=6),
    ),
)

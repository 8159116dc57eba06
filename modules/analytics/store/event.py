"""Event: a fact or a client event as it is written, with the bounds of what may be stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from gateway import clock
from modules.analytics.facade import Fact
from modules.analytics.store.event_id import fact_id

# A thousand million rupees in paise. Nine million of them in one bucket still add up to a bigint.
MOST_VALUE: Final = 10**12
# An index of PostgreSQL holds them; ids and names are far below.
MOST_LETTERS: Final = 200
# How far the time of an event may be from that of its id. Statements by time read no more partitions than that.
SPREAD: Final = timedelta(days=8)
SPREAD_MS: Final = SPREAD // clock.MILLISECOND


class Source(StrEnum):
    """Where events come from. Headline figures are made of facts alone."""

    FACTS = "facts"
    CLIENTS = "clients"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event to store. `user_id` is stored as a pseudonym; empty is nobody.

    `id` begins with its time, as a UUIDv7 does. Raises ValueError for what the tables must not hold: a value beyond
    `MOST_VALUE`, a text beyond `MOST_LETTERS`, a time more than `SPREAD` away from that of the id.
    """

    id: UUID
    at: datetime
    name: str
    user_id: str = ""
    program_id: str = ""
    session_id: str = ""
    key: str = ""
    label: str = ""
    value: int = 0

    def __post_init__(self) -> None:
        if not -MOST_VALUE <= self.value <= MOST_VALUE:
            raise ValueError(f"{self.name}: the value {self.value} is out of range")
        texts = (self.name, self.user_id, self.program_id, self.session_id, self.key, self.label)
        if max(map(len, texts)) > MOST_LETTERS:
            raise ValueError(f"{self.name[:MOST_LETTERS]}: a text is longer than {MOST_LETTERS} letters")
        if self.at.tzinfo is None:
            raise ValueError(f"{self.name}: the time {self.at} has no zone")
        if abs(clock.to_ms(self.at) - (self.id.int >> 80)) > SPREAD_MS:
            raise ValueError(f"{self.name}: the time {self.at} is not that of the id {self.id}")

    @classmethod
    def of(cls, fact: Fact) -> Event:
        """A fact as an event. Raises ValueError."""
        return cls(
            id=fact_id(fact),
            at=fact.at,
            name=fact.name,
            user_id=fact.user_id,
            program_id=fact.program_id,
            session_id=fact.session_id,
            key=fact.key,
            label=fact.label,
            value=fact.value,
        )

"""Ids of events: UUIDs (RFC 9562) that begin with their time, so that a range of ids is a range of time.

Facts have version 8, and clients must send version 7. So nobody takes the id of a fact before it is stored, which would
keep the fact out: whoever knows the fields of a fact can compute its id.

The id of a fact is made of the fact alone. An event that is delivered again, and a backfill from rows, give the same
id, and the fact is stored once.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

from gateway import clock
from modules.analytics.facade import Fact

# Version 8 and the variant of RFC 9562; the bits of the hash that they take the place of.
VERSION: Final = 8 << 76 | 2 << 62
HASHED: Final = (0xFFF << 64) | ((1 << 62) - 1)
# What no id of a name, user or thing holds. So different fields never join to the same text.
BETWEEN: Final = "\x1f"


def fact_id(fact: Fact) -> UUID:
    """The id of a fact: its time in milliseconds and a hash of all its fields but `value`."""
    ms = clock.to_ms(fact.at)
    said = (fact.name, fact.user_id, fact.program_id, fact.session_id, fact.key, fact.label, fact.part)
    hashed = blake2b(f"{ms}{BETWEEN}{BETWEEN.join(said)}".encode(), digest_size=10).digest()
    return UUID(int=ms << 80 | VERSION | int.from_bytes(hashed) & HASHED)


def time_of(id: UUID) -> datetime:
    """The time of an id, in milliseconds."""
    return clock.from_ms(id.int >> 80)


def least_id(at: datetime) -> UUID:
    """The least id of a time. Ids from it on are of that time or later."""
    return UUID(int=clock.to_ms(at) << 80)

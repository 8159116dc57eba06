"""What clients send and get of consent."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway import clock


class ConsentChoice(msgspec.Struct, frozen=True):
    """What the user chooses; null takes a choice back. Both are said, so that a form sends what it shows."""

    analytics: bool | None
    sinks: bool | None

    @classmethod
    def example(cls) -> ConsentChoice:
        return cls(True, False)


class Consent(msgspec.Struct, frozen=True):
    """What a user chose. Null: nothing.

    `analytics`: with true the events of the user's clients are stored under a pseudonym, with null as nobody's, and
    with false not at all. `sinks`: with true what happens from then on may leave the platform, under another pseudonym.
    """

    analytics: bool | None
    sinks: bool | None
    changed_at: datetime | None
    rev: int

    @classmethod
    def example(cls) -> Consent:
        return cls(True, False, clock.example_day(), 1)

"""What clients send and get about consent to being recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import PushType
from modules.live.messages import Member


class Agree(msgspec.Struct, frozen=True):
    """`live.consent`."""

    agree: bool


class ConsentChanged(msgspec.Struct, frozen=True):
    """The push `live.consent_changed` to the staff room: a user's answer, and how many agree now."""

    rev: int
    agreed: int
    user: Member
    agree: bool


class ConsentsSnapshot(msgspec.Struct, frozen=True):
    """The snapshot part `live.consents` of the staff room: how many agree, and who declined, by id."""

    rev: int
    agreed: int
    declined: list[Member]


class MyConsent(msgspec.Struct, frozen=True):
    """The snapshot part `live.my_consent`: whether the class is or will be recorded; null is no answer yet."""

    recording: bool
    agreed: bool | None


class ConsentAnswer(msgspec.Struct, frozen=True):
    """A user's last answer."""

    user: Member
    agreed: bool
    at: datetime


class ConsentList(msgspec.Struct, frozen=True):
    """Who has answered what, and who is in the room now without having agreed. Hosts are not asked."""

    items: list[ConsentAnswer]
    missing: list[Member]

    @classmethod
    def example(cls) -> ConsentList:
        at = datetime.fromisoformat("2026-02-02T12:31:00+00:00")
        return cls([ConsentAnswer(Member("asha", "Asha"), True, at)], [Member("ravi", "Ravi")])


CONSENT_CHANGED: Final = PushType("live.consent_changed", ConsentChanged)

"""What clients send and get about the lobby."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gateway.contract import PushType
from modules.live.messages import Member, Name


class Admit(msgspec.Struct, frozen=True):
    """`live.admit`."""

    user: Name


class Guest(msgspec.Struct, frozen=True):
    """A user who waits, or was admitted."""

    user: Member
    state: Literal["waiting", "admitted"]
    knocked_at: int


class GuestsChanged(msgspec.Struct, frozen=True):
    """The push `live.guests_changed` to the staff room. An `admitted` guest waits no more."""

    rev: int
    guests: list[Guest]


class Admitted(msgspec.Struct, frozen=True):
    """The push `live.admitted` to the lobby: the guests who may join the session's room now."""

    rev: int
    users: list[str]


class WaitingGuests(msgspec.Struct, frozen=True):
    """The snapshot part `live.guests` of the staff room: who waits, by the time of knocking."""

    rev: int
    guests: list[Guest]


GUESTS_CHANGED: Final = PushType("live.guests_changed", GuestsChanged)
ADMITTED: Final = PushType("live.admitted", Admitted)

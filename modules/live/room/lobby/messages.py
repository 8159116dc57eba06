"""What clients send and get about the lobby."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gateway.contract import PushType
from modules.live.messages import Member, Name


class Admit(msgspec.Struct, frozen=True):
    """`live.admit`."""

    user: Name


# `removed` is of pushes alone: the guest was kicked or banned, or lost their part in the program.
GuestState = Literal["waiting", "admitted", "removed"]


class Guest(msgspec.Struct, frozen=True):
    """A user who waits, was admitted, or was removed."""

    user: Member
    state: GuestState
    knocked_at: int


class GuestsChanged(msgspec.Struct, frozen=True):
    """The push `live.guests_changed` to the staff room. Only a guest whose state is `waiting` waits."""

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

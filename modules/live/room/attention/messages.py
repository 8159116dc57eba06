"""What clients send and get about members who look away."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import PushType
from modules.live.messages import Member


class SetAway(msgspec.Struct, frozen=True):
    """`live.away`: whether this client's page is hidden."""

    away: bool


class AwayChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """The push `live.away_changed` to the staff room. Without a user, nobody is known to be away any more."""

    rev: int
    away: bool
    user: Member | None = None


class AwayMembers(msgspec.Struct, frozen=True):
    """The snapshot part `live.away` of the staff room, by the users' ids."""

    rev: int
    users: list[Member]


AWAY_CHANGED: Final = PushType("live.away_changed", AwayChanged)

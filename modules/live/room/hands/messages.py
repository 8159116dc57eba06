"""What clients send and get about raised hands."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gateway.contract import PushType
from modules.live.messages import Member, Name


class LowerHand(msgspec.Struct, frozen=True):
    """`live.lower_hand`: by default one's own."""

    user: Name | None = None


class Invite(msgspec.Struct, frozen=True):
    """`live.invite`: a user whose hand is up."""

    user: Name


class Hand(msgspec.Struct, frozen=True):
    """A hand. The queue's order is `raised_at`, then the user's id."""

    user: Member
    state: Literal["raised", "invited", "lowered"]
    raised_at: int


class HandTurned(msgspec.Struct, frozen=True):
    """The push `live.hand`. A `lowered` hand leaves the queue."""

    rev: int
    hand: Hand


class HandsLowered(msgspec.Struct, frozen=True):
    """The push `live.hands_lowered`: no `raised` hand is up any more. Invited users still speak."""

    rev: int


class HandQueue(msgspec.Struct, frozen=True):
    """The snapshot part `live.hands`."""

    rev: int
    hands: list[Hand]


HAND: Final = PushType("live.hand", HandTurned)
HANDS_LOWERED: Final = PushType("live.hands_lowered", HandsLowered)

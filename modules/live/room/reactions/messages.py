"""What clients send and get about reactions."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from gateway.contract import PushType


class React(msgspec.Struct, frozen=True):
    """`live.react`: one of those that the snapshot names."""

    emoji: Annotated[str, msgspec.Meta(max_length=64)]


class ReactionCounts(msgspec.Struct, frozen=True):
    """The push `live.reactions`: how often each came since the last push of this gateway."""

    counts: dict[str, int]


class Palette(msgspec.Struct, frozen=True):
    """The snapshot part `live.reactions`: the reactions that may be sent."""

    emoji: list[str]


REACTIONS: Final = PushType("live.reactions", ReactionCounts)

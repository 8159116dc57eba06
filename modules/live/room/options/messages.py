"""What clients send and get about the options of a room."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import PushType


class Configure(msgspec.Struct, frozen=True):
    """`live.configure`: what is left out stays as it is."""

    anonymous_questions: bool | None = None
    attention: bool | None = None
    lobby: bool | None = None


class RoomOptions(msgspec.Struct, frozen=True):
    """The push and the snapshot part `live.options`.

    With `attention` hosts see whose page is hidden. With `lobby` viewers wait until they are admitted.
    """

    rev: int
    anonymous_questions: bool
    attention: bool = False
    lobby: bool = False


OPTIONS: Final = PushType("live.options", RoomOptions)

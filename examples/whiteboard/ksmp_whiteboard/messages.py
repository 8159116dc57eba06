"""What whiteboard's commands, pushes and timer carry."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from gateway.contract import PushType

Coordinate = Annotated[int, msgspec.Meta(ge=0, le=9999)]
Points = Annotated[list[tuple[Coordinate, Coordinate]], msgspec.Meta(min_length=1, max_length=32)]
Colour = Annotated[str, msgspec.Meta(pattern="^#[0-9a-f]{6}$")]


class Stroke(msgspec.Struct, frozen=True):
    """`whiteboard.draw`: a line through some points."""

    points: Points
    colour: Colour = "#000000"


class Clear(msgspec.Struct, frozen=True):
    """`whiteboard.clear` carries no data."""


class Board(msgspec.Struct, frozen=True):
    """The whole board; the highest `rev` is the newest."""

    session_id: str
    rev: int
    strokes: list[Stroke]


class Drawn(msgspec.Struct, frozen=True):
    """The ok of both commands: the board's revision after the change."""

    rev: int


class Idle(msgspec.Struct, frozen=True):
    """What the timer carries."""

    session_id: str


BOARD: Final = PushType("whiteboard.board", Board)

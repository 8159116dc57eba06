"""The name of a room in the path of a route."""

from __future__ import annotations

from typing import Annotated

from litestar.params import PathParameter

RoomPath = Annotated[str, PathParameter(pattern="^[a-z]{1,32}:[A-Za-z0-9_-]{1,64}$", description="`<kind>:<id>`")]

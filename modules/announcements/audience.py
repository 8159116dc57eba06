"""Whom an announcement is for, as one word: `all`, `role:<role>` or `program:<id>`; and the room that reaches them."""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import invalid
from gateway.principal import Principal

# In the API's description too, so without what only Python's expressions know.
PATTERN: Final = "^(all|role:(student|mentor|admin)|program:[A-Za-z0-9_-]{1,64})$"
AUDIENCE: Final = re.compile(PATTERN, re.ASCII)
ALL: Final = "all"


def room_of(audience: str) -> str:
    """The room of an audience; raises BadInput `invalid`."""
    # `$` alone would let a line feed pass.
    if not AUDIENCE.fullmatch(audience):
        raise invalid("an audience is all, role:<role> or program:<id>", field="audience")
    kind, _, id = audience.partition(":")
    return f"program:{id}" if kind == "program" else f"announce:{id or ALL}"


def program_of(audience: str) -> str | None:
    """The id of the program whose audience it is, if it is one's."""
    kind, _, id = audience.partition(":")
    return id if kind == "program" else None


def audience_of(announce_room: str) -> str:
    """The audience of the `announce` room with this id."""
    return ALL if announce_room == ALL else f"role:{announce_room}"


def audiences_of(principal: Principal) -> list[str]:
    """The audiences a user is in, besides those of programs."""
    return [ALL, f"role:{principal.role.value}"]

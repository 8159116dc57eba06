"""The audience of an announcement, as one word: `all`, `role:<role>` or `program:<id>`; and its room."""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import invalid
from gateway.principal import Principal
from modules.accounts.facade import announce_room
from modules.programs.facade import program_room

# It stands in the API's description too, so it uses nothing that only Python's expressions know.
PATTERN: Final = "^(all|role:(student|mentor|admin)|program:[A-Za-z0-9_-]{1,64})$"
AUDIENCE: Final = re.compile(PATTERN, re.ASCII)
ALL: Final = "all"


def audience_room(audience: str) -> str:
    """The room of an audience; raises BadInput `invalid`."""
    # `$` alone would let a line feed pass.
    if not AUDIENCE.fullmatch(audience):
        raise invalid("an audience is all, role:<role> or program:<id>", field="audience")
    kind, _, id = audience.partition(":")
    return program_room(id) if kind == "program" else announce_room(id or ALL)


def program_audience(program: str) -> str:
    """The audience of those who take part in a program."""
    return f"program:{program}"


def program_of(audience: str) -> str | None:
    """The id of the program, when the audience is a program's."""
    kind, _, id = audience.partition(":")
    return id if kind == "program" else None


def audience_of(announce_room_id: str) -> str:
    """The audience of the `announce` room with this id."""
    return ALL if announce_room_id == ALL else f"role:{announce_room_id}"


def audiences_of(principal: Principal) -> list[str]:
    """The audiences that a user is in, without those of programs."""
    return [ALL, f"role:{principal.role.value}"]

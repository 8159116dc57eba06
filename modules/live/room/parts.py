"""What the parts of a session's room work with: the kernel, the settings, and each part's revision.

A part (hands, questions, polls …) is a list that changes by small pushes. All of them are numbered by one `rev` a
session and part, whose row is locked by whoever changes the part, before anything else. So the pushes come in the
order of their commits, and a client that holds a part at some `rev` needs one rule: apply what has a higher one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.contract import Kernel
from modules.live.settings import RoomSettings

BUMP: Final = """
    INSERT INTO live_part AS held (session_id, part, rev) VALUES ($1, $2, 1)
    ON CONFLICT (session_id, part) DO UPDATE SET rev = held.rev + 1 RETURNING rev
"""

LOCK: Final = """
    INSERT INTO live_part AS held (session_id, part) VALUES ($1, $2)
    ON CONFLICT (session_id, part) DO UPDATE SET rev = held.rev RETURNING rev
"""


class RoomParts:
    """Is there before the kernel is: a module says what it offers first."""

    def __init__(self, kernel: Kernel, settings: RoomSettings, *, records: bool) -> None:
        self.kernel = kernel
        self.settings = settings
        # Whether classes can be recorded here: nobody is asked about what does not happen.
        self.records = records

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[Mapping[str, Any]]:
        """The rows of a statement, in this task's transaction if there is one; raises Unavailable."""
        return await self.kernel.database.fetch(statement, *arguments)

    async def lock(self, session: str, part: str) -> int:
        """The part's revision, for who may find that nothing has to change; nobody else changes it meanwhile."""
        return int((await self.fetch(LOCK, session, part))[0]["rev"])

    async def bump(self, session: str, part: str) -> int:
        """The part's next revision. Nobody else changes the part until the transaction ends."""
        return int((await self.fetch(BUMP, session, part))[0]["rev"])

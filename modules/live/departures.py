"""Taking those who take no part in a program any more out of the rooms of its sessions."""

from __future__ import annotations

from typing import Final

from gateway.module import Kernel
from modules.live.tables import Session
from modules.programs.events import PartLost

SESSIONS: Final = "SELECT id FROM live_session WHERE program_id = {}"
# What the push `left` says.
LEFT: Final = "live.part_lost"


async def take_out(kernel: Kernel, lost: PartLost) -> None:
    """Out of them on every node, and no grant of before counts; who has a right of another kind may come back."""
    kinds = ("session", "staff") if lost.part == "mentor" else ("session",)
    for row in await Session.raw(SESSIONS, lost.program_id):
        for kind in kinds:
            await kernel.rooms.evict(f"{kind}:{row['id']}", lost.user_id, LEFT, rejoin=True)

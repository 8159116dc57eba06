"""Taking those who take no part any more out of the program's room."""

from __future__ import annotations

from typing import Final

from gateway import clock
from gateway.contract import Kernel
from modules.programs.events import PartLost
from modules.programs.facade import part_of

# What the push `left` says.
LEFT: Final = "programs.part_lost"


async def evict_former_participant(kernel: Kernel, lost: PartLost) -> None:
    """Out of the room on every node, and no grant of before counts; who has another part may come back.

    They are not kept out beyond that, so that who enrols again is let in: the room asks anew who they are.
    """
    rejoin = await part_of(kernel.database, lost.user_id, lost.program_id) is not None
    room = f"program:{lost.program_id}"
    await kernel.rooms.evict(room, lost.user_id, LEFT, rejoin=rejoin, until=clock.now())

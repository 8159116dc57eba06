"""Takes users who lost their part in a program out of its room."""

from __future__ import annotations

from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from modules.programs.events import PartLost
from modules.programs.facade import parts_of, program_room

# The code that the push `left` carries.
LEFT: Final = "programs.part_lost"


class Removal:
    """Takes users out on every node."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @listener(PartLost, "programs.leave")
    async def evict_former_participant(self, lost: PartLost, delivery: Delivery) -> None:
        """End the user's grants of before. They may join again when they take part in another way.

        Later grants are not affected, so a user who enrols again is let in: the room asks anew who they are.
        """
        rejoin = bool(await parts_of(self._kernel.database, [lost.user_id], lost.program_id))
        room = program_room(lost.program_id)
        await self._kernel.rooms.evict(room, lost.user_id, LEFT, rejoin=rejoin, until=clock.now())

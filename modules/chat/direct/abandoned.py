"""Conversations that nobody is in any more: what was written there is erased, since nobody may read it again."""

from __future__ import annotations

from typing import Final

import structlog

from gateway.contract import Delivery, Kernel, Sweep, timer
from modules.chat.attachments import Attachments
from modules.chat.direct.direct_rooms import ABANDONED, Abandoned, direct_room
from modules.chat.direct.repository import DirectRepository
from modules.chat.pushes import CLEARED, PINS, Cleared
from modules.chat.repository import MessageRepository
from modules.chat.stored_message import VERSIONS

log = structlog.get_logger(__name__)

# All that has what members said. A pin repeats its message.
SAID: Final = (*VERSIONS, PINS.name)


class AbandonedRooms:
    def __init__(self, kernel: Kernel, attachments: Attachments) -> None:
        self._kernel = kernel
        self._attachments = attachments
        self._rooms = DirectRepository(kernel.database)
        self._messages = MessageRepository(kernel.database)

    @timer(ABANDONED)
    async def erase(self, left: Abandoned, delivery: Delivery) -> None:
        """Erase the room and what was said in it. What was reported stays with the report."""
        if not await self._rooms.delete_abandoned(left.id):
            return
        room = direct_room(left.id)
        cleared = await self._kernel.rooms.publish(
            room, CLEARED, Cleared(), message_id=f"{ABANDONED}.{left.id}", sweeps=Sweep(SAID, None)
        )
        await self._messages.delete_attached(room, 0, cleared.seq)
        await self._attachments.release(room, 0, cleared.seq)
        log.info("direct.erased", room=room)

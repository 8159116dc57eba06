"""Mentions: which users a message names, and how they learn of it."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from gateway.contract import Context, Kernel
from gateway.errors import Unavailable, invalid
from gateway.principal import Author, Role
from gateway.protocol.names import user_id
from modules.accounts.facade import user_room
from modules.chat.events import Mentioned
from modules.chat.pushes import MENTIONED, Mention
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import rules_of
from modules.chat.settings import ChatSettings

log = structlog.get_logger(__name__)


class Mentions:
    """Checks whom a message names, and tells them."""

    pushes = (MENTIONED,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._most = settings.mentions

    async def check(self, context: Context, users: Sequence[str]) -> tuple[str, ...]:
        """Each user once.

        Raises BadInput `invalid` for a bad id and for a user with no part in the room, and Unavailable.
        """
        named = tuple(dict.fromkeys(users))
        if len(named) > self._most:
            raise invalid(f"a message may mention {self._most} users", field="mentions")
        if not named:
            return ()
        for user in named:
            user_id(user)
        trusted = rules_of(context.room).presence_counts
        people = await context.rooms.members(context.room)
        here = {person.id for person in people if trusted or person.role == Role.ADMIN}
        if absent := [user for user in named if user not in here]:
            roles = await self._rooms.roles(context.room, absent)
            if any(user not in roles for user in absent):
                raise invalid("somebody who is mentioned has no part in this room", field="mentions")
        return named

    async def tell(self, context: Context, seq: int, users: Sequence[str], text: str) -> None:
        """Tell the users in their own rooms, and the other modules, of a message that is stored.

        Without the database nobody is told.
        """
        author = Author.of(context.principal)
        others = [user for user in users if user != author.id]
        if not others:
            return
        mention = Mention(context.room, seq, author, text)
        try:
            async with self._kernel.database.transaction():
                session = context.room_id if context.room.startswith("session:") else ""
                await self._kernel.events.publish(
                    Mentioned(session, seq, author.id, author.name, tuple(others), text, context.room)
                )
                for user in others:
                    await self._kernel.rooms.publish_row(user_room(user), MENTIONED, mention)
        except Unavailable:
            log.warning("mentions.untold", room=context.room, seq=seq)

"""Reactions to messages: each is a row; the room is told the counts.

What comes while a batch is written is the next batch. So a message that everyone reacts to costs a transaction now and
then, and not one a reaction. A room is told at most once in `KSMP_CHAT_REACTIONS_INTERVAL`, by whichever node has its
turn.
"""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import Final

import structlog

from gateway.contract import Context, Kernel, command
from gateway.errors import Unavailable, invalid
from gateway.tasks import end
from gateway.unicode.emoji import Palette
from modules.chat.messages import React
from modules.chat.pushes import REACTIONS, ReactionTallies
from modules.chat.reaction_repository import Reaction, ReactionRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import MEMBERS
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import find_message

log = structlog.get_logger(__name__)

# The last counts are pushed once more after so many seconds without a change, because the push may have been dropped.
ONCE_MORE: Final = 2.0
# Seconds before the next try while the database is away.
PAUSE: Final = 1.0


@dataclass(slots=True)
class _RoomState:
    """What is under way in one room of this node."""

    room: str
    waiting: list[tuple[Reaction, bool, asyncio.Future[None]]] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def quiet(self, seconds: float) -> bool:
        """Whether nothing changes for so long."""
        self.news.clear()
        try:
            await asyncio.wait_for(self.news.wait(), seconds)
        except TimeoutError:
            return True
        return False


class Reactions:
    """Writes reactions in batches, and pushes the counts of the messages that changed."""

    pushes = (REACTIONS,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._rows = ReactionRepository(kernel.database)
        self._interval = settings.reactions_interval
        self._palette = Palette(settings.reactions)
        self._states: dict[str, _RoomState] = {}

    async def stop(self) -> None:
        """End what is under way; a reaction that was not stored is not answered."""
        await end([task for state in self._states.values() for task in state.tasks.values()])

    @command("chat.react", room=MEMBERS, rate="react_rate")
    async def react(self, context: Context, request: React) -> None:
        """Give a message an emoji, or take it back; returns when that is stored, and again changes nothing.

        Raises BadInput `invalid` or `not_found`, or Unavailable.
        """
        emoji = self._palette.find(request.emoji)
        if emoji is None:
            raise invalid("this is none of the emojis that messages are given here", field="emoji")
        await self._rooms.check_sending(context)
        await find_message(context, request.seq)
        state = self._states.get(context.room)
        if state is None:
            state = self._states[context.room] = _RoomState(context.room)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        state.waiting.append((Reaction(request.seq, emoji, context.principal.id), request.on, stored))
        self._start(state, "write")
        await stored

    def _start(self, state: _RoomState, what: str) -> None:
        """Start the task that writes a room's batches, or the one that pushes its counts."""
        task = state.tasks.get(what)
        if task is None or task.done():
            work = self._write(state) if what == "write" else self._tell(state)
            # With an empty context, so that it does not join the transaction of whoever came first.
            state.tasks[what] = asyncio.get_running_loop().create_task(work, context=contextvars.Context())

    async def _write(self, state: _RoomState) -> None:
        while state.waiting:
            batch, state.waiting = state.waiting, []
            try:
                changed = await self._store(state.room, {reaction: on for reaction, on, _ in batch})
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("reactions.lost", room=state.room)
                for _, _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
                continue
            for _, _, stored in batch:
                if not stored.done():
                    stored.set_result(None)
            if changed:
                state.changed |= changed
                state.news.set()
                self._start(state, "tell")

    async def _store(self, room: str, batch: dict[Reaction, bool]) -> set[int]:
        """Write a batch; gives the seqs of the messages that it changed."""
        async with self._kernel.database.transaction():
            changed = await self._rows.add(room, [reaction for reaction, on in batch.items() if on])
            changed |= await self._rows.remove(room, [reaction for reaction, on in batch.items() if not on])
            if changed:
                await self._rows.count(room, changed)
        return changed

    async def _tell(self, state: _RoomState) -> None:
        """Push what changed whenever it is this node's turn; after a silence push all of it once more, and end."""
        told: set[int] = set()
        while True:
            try:
                if state.changed:
                    if await self._rows.take_turn(state.room, self._interval):
                        seqs, state.changed = state.changed, set()
                        told |= seqs
                        await self._emit(state, seqs)
                    await asyncio.sleep(self._interval)
                elif await state.quiet(ONCE_MORE):
                    await self._emit(state, told)
                    if not state.changed:
                        break
            except Unavailable:
                state.changed |= told
                await asyncio.sleep(PAUSE)
        writing = state.tasks.get("write")
        if writing is None or writing.done():
            del self._states[state.room]

    async def _emit(self, state: _RoomState, seqs: set[int]) -> None:
        if tallies := await self._rows.tallies(state.room, seqs):
            await self._kernel.rooms.emit(state.room, REACTIONS, ReactionTallies(tuple(tallies)))

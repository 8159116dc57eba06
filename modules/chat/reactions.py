"""Reactions to messages: each a row, told as counts, many at once.

What comes while a batch is written is the next batch, so that a message everyone reacts to costs a transaction now and
then and not one each. A room is told at most once in `KSMP_CHAT_REACTIONS_INTERVAL`, by whichever node has its turn.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog

from gateway.contract import Context, Kernel
from gateway.errors import Unavailable, invalid
from gateway.tasks import end
from modules.chat.messages import React
from modules.chat.pushes import REACTIONS, ReactionTallies, Tally
from modules.chat.service import Chat
from modules.chat.settings import ChatSettings

log = structlog.get_logger(__name__)

# What was told last is told once more after so long a silence: the push may be dropped, and no later one would say it.
ONCE_MORE: Final = 2.0
# Told when the database was away.
AGAIN: Final = 1.0

GIVE: Final = """
    INSERT INTO chat_reaction (session_id, seq, emoji, user_id)
    SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING RETURNING seq
"""
TAKE: Final = """
    DELETE FROM chat_reaction USING unnest($2::bigint[], $3::text[], $4::text[]) AS back (seq, emoji, user_id)
    WHERE chat_reaction.session_id = $1 AND chat_reaction.seq = back.seq AND chat_reaction.emoji = back.emoji
    AND chat_reaction.user_id = back.user_id RETURNING chat_reaction.seq
"""
# Locks the tallies, in one order on every node, so that what is counted next is all that was committed before.
REVISE: Final = """
    INSERT INTO chat_tally (session_id, seq) SELECT $1, seq FROM unnest($2::bigint[]) AS seq ORDER BY seq
    ON CONFLICT (session_id, seq) DO UPDATE SET rev = chat_tally.rev + 1
"""
COUNT: Final = """
    UPDATE chat_tally SET counts = (
        SELECT coalesce(json_object_agg(emoji, given), '{}') FROM (
            SELECT emoji, count(*) AS given FROM chat_reaction
            WHERE session_id = chat_tally.session_id AND seq = chat_tally.seq GROUP BY emoji
        ) AS counted
    ) WHERE session_id = $1 AND seq = ANY($2::bigint[])
"""
TALLIES: Final = (
    "SELECT seq, counts, rev FROM chat_tally WHERE session_id = $1 AND seq = ANY($2::bigint[]) ORDER BY seq"
)
MINE: Final = """
    SELECT seq, emoji FROM chat_reaction WHERE session_id = $1 AND seq = ANY($2::bigint[]) AND user_id = $3
    ORDER BY seq, emoji
"""
TURN: Final = """
    INSERT INTO chat_tally_told AS told (session_id, at) VALUES ($1, clock_timestamp())
    ON CONFLICT (session_id) DO UPDATE SET at = clock_timestamp()
    WHERE told.at <= clock_timestamp() - make_interval(secs => $2) RETURNING true
"""


class Given(msgspec.Struct, frozen=True):
    seq: int
    emoji: str
    user: str


@dataclass(slots=True)
class _RoomState:
    """What is under way in one room of this node."""

    session: str
    room: str
    waiting: list[tuple[Given, bool, asyncio.Future[None]]] = field(default_factory=list)
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
    def __init__(self, kernel: Kernel, settings: ChatSettings, chat: Chat) -> None:
        self._kernel = kernel
        self._chat = chat
        self._interval = settings.reactions_interval
        # How one looks is a selector behind it, which some keyboards leave out.
        self._emojis = {_bare(emoji): emoji for emoji in settings.reactions}
        self._states: dict[str, _RoomState] = {}

    async def stop(self) -> None:
        await end([task for state in self._states.values() for task in state.tasks.values()])

    async def react(self, context: Context, request: React) -> None:
        """Give a message an emoji, or take it back; returns when that is stored, and again changes nothing.

        Raises BadInput `invalid` or `not_found`, or Unavailable.
        """
        emoji = self._emojis.get(_bare(request.emoji))
        if emoji is None:
            raise invalid("this is none of the emojis that messages are given here", field="emoji")
        await self._chat.read(context, request.seq)
        state = self._states.get(context.room)
        if state is None:
            state = self._states[context.room] = _RoomState(context.room_id, context.room)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        state.waiting.append((Given(request.seq, emoji, context.principal.id), request.on, stored))
        self._start(state, "write")
        await stored

    async def tallies(self, session: str, seqs: Iterable[int]) -> list[Tally]:
        """The reactions of these messages; those that were never given one are left out. Raises Unavailable."""
        rows = await self._kernel.database.fetch(TALLIES, session, list(seqs))
        return [Tally(row["seq"], msgspec.json.decode(row["counts"], type=dict[str, int]), row["rev"]) for row in rows]

    async def mine(self, session: str, seqs: Sequence[int], user: str) -> dict[int, list[str]]:
        """What a user gave these messages; raises Unavailable."""
        found: dict[int, list[str]] = {}
        for row in await self._kernel.database.fetch(MINE, session, list(seqs), user):
            found.setdefault(row["seq"], []).append(row["emoji"])
        return found

    def _start(self, state: _RoomState, what: str) -> None:
        """Start the task that writes a room's batches, or the one that tells its counts."""
        task = state.tasks.get(what)
        if task is None or task.done():
            work = self._write(state) if what == "write" else self._tell(state)
            # In no transaction, whoever came first.
            state.tasks[what] = asyncio.get_running_loop().create_task(work, context=contextvars.Context())

    async def _write(self, state: _RoomState) -> None:
        while state.waiting:
            batch, state.waiting = state.waiting, []
            try:
                changed = await self._store(state.session, {given: on for given, on, _ in batch})
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("reactions.lost", session=state.session)
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

    async def _store(self, session: str, marks: dict[Given, bool]) -> set[int]:
        """Write a batch; the seqs of the messages it changed."""
        changed: set[int] = set()
        database = self._kernel.database
        async with database.transaction():
            for statement, on in ((GIVE, True), (TAKE, False)):
                # In one order on every node.
                some = sorted((one.seq, one.emoji, one.user) for one, given in marks.items() if given is on)
                if some:
                    columns = [list(column) for column in zip(*some, strict=True)]
                    changed |= {row["seq"] for row in await database.fetch(statement, session, *columns)}
            if changed:
                await database.fetch(REVISE, session, sorted(changed))
                await database.fetch(COUNT, session, sorted(changed))
        return changed

    async def _tell(self, state: _RoomState) -> None:
        """Tell what changed, when it is this node's turn; then once more, when nothing else comes; then go."""
        told: set[int] = set()
        while True:
            try:
                if state.changed:
                    if await self._kernel.database.fetch(TURN, state.session, self._interval):
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
                await asyncio.sleep(AGAIN)
        writing = state.tasks.get("write")
        if writing is None or writing.done():
            del self._states[state.room]

    async def _emit(self, state: _RoomState, seqs: set[int]) -> None:
        if tallies := await self.tallies(state.session, seqs):
            await self._kernel.rooms.emit(state.room, REACTIONS, ReactionTallies(tuple(tallies)))


def _bare(emoji: str) -> str:
    return emoji.replace("\ufe0f", "")

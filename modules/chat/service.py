"""The rules of chat's messages: what may be sent, edited and taken away."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog

from gateway import clock
from gateway.contract import Context, Kernel, StoredPush, Sweep
from gateway.errors import Unavailable, forbidden, not_found
from gateway.principal import Author
from gateway.protocol.messages import Published
from gateway.protocol.names import user_id
from gateway.text import checked
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.filter import Filter, review
from modules.chat.mentions import Mentions
from modules.chat.messages import Clear, Edit, Named, Send
from modules.chat.policy import HOST, ChatPolicy
from modules.chat.pushes import CLEARED, DELETED, EDITED, MESSAGE, MESSAGES, Cleared, Deleted, Edited, Message, post
from modules.chat.settings import ChatSettings

log = structlog.get_logger(__name__)

T = TypeVar("T")

# One edit, deletion or clearing of a room at a time in the cluster.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('chat'), hashtext($1))"
# What hangs on messages; clients drop it with them.
LOOSE: Final = (
    "DELETE FROM chat_reaction WHERE session_id = $1 AND seq BETWEEN $2 AND $3",
    "DELETE FROM chat_tally WHERE session_id = $1 AND seq BETWEEN $2 AND $3",
)


class Chat:
    """Messages in a room's log; what they say is kept nowhere else."""

    def __init__(self, kernel: Kernel, settings: ChatSettings, policy: ChatPolicy, filters: Sequence[Filter]) -> None:
        self._kernel = kernel
        self._settings = settings
        self._policy = policy
        self._filters = filters
        self._mentions = Mentions(kernel, settings)
        self._queues: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def send(self, context: Context, request: Send) -> Published:
        """Store a message and send it to the room.

        Raises BadInput, Refused and Limited as the room's settings and the filters say, and Unavailable, after which it
        may have been stored.
        """
        checked(request.text, self._settings.text_characters, "text")
        rules = await self._policy.check(context, request.text, request.kind)
        mentions = await self._mentions.check(context, request.mentions)
        text = await review(self._filters, request.text, Author.of(context.principal))
        waits = self._policy.take_turn(context, rules)
        try:
            published = await context.publish(MESSAGE, Message(text, request.reply_to, mentions, request.kind))
        except BaseException:
            if waits:
                self._policy.give_turn_back(context)
            raise
        if waits:
            await self._policy.wait(context, rules)
        if mentions:
            await self._mentions.tell(context, published.seq, mentions, text)
        return published

    async def edit(self, context: Context, request: Edit) -> Published:
        """Put a later version in the place of one's own message.

        Raises BadInput `not_found` and what `send` raises of a text, Refused `forbidden`, Conflict `chat.too_late` or
        Unavailable.
        """
        checked(request.text, self._settings.text_characters, "text")

        async def write() -> Published:
            current = await self.read(context, request.seq)
            if current.author is None or current.author.id != context.principal.id:
                raise forbidden("only its author may edit a message")
            before, now = post(current), clock.now_seconds()
            if now - before.at / 1000 > self._settings.edit_seconds:
                raise errors.too_late(f"a message may be edited for {self._settings.edit_seconds:.0f} s")
            if len(current.erases) >= self._settings.edits:
                raise errors.too_late(f"a message may be edited {self._settings.edits} times")
            await self._policy.check(context, request.text, before.kind)
            text = await review(self._filters, request.text, Author.of(context.principal))
            edited = Edited(
                seq=before.seq,
                text=text,
                sent_at=before.at,
                edited_at=int(now * 1000),
                reply_to=before.reply_to,
                mentions=before.mentions,
                kind=before.kind,
            )
            return await context.publish(EDITED, edited, replaces=current)

        return await self._in_turn(context.room, write)

    async def delete(self, context: Context, request: Named) -> Published:
        """Erase a message in all its versions: one's own, or any as a host.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """

        async def erase() -> Published:
            current = await self.read(context, request.seq)
            own = current.author is not None and current.author.id == context.principal.id
            if not own and not context.at_least(HOST):
                raise forbidden("only its author or a host may delete a message")
            published = await context.publish(DELETED, Deleted(request.seq), erases=[current])
            author = current.author.id if current.author is not None else None
            await self._tidy(context, "chat.delete", request.seq, request.seq, author, recorded=not own)
            return published

        # What is to go can go without the database: nobody can edit it meanwhile.
        return await self._in_turn(context.room, erase, required=False)

    async def clear(self, context: Context, request: Clear) -> Published:
        """Erase every message that was stored before, or every one of a user.

        Raises BadInput `invalid` or Unavailable.
        """
        user = user_id(request.user) if request.user is not None else None

        async def sweep() -> Published:
            published = await context.publish(CLEARED, Cleared(user), sweeps=Sweep(MESSAGES, user))
            last = published.seq if user is None else -1
            await self._tidy(context, "chat.clear", 0, last, user, recorded=True)
            return published

        return await self._in_turn(context.room, sweep)

    async def read(self, context: Context, seq: int) -> StoredPush:
        """A message of the room in its latest version; raises BadInput `not_found` or Unavailable."""
        found = await context.rooms.read(context.room, seq)
        # A version has a place of its own, by which nobody knows the message.
        if found is None or found.push not in MESSAGES or (found.replaces or found.seq) != seq:
            raise not_found("there is no such message")
        return found

    async def _in_turn(self, room: str, work: Callable[[], Awaitable[T]], *, required: bool = True) -> T:
        """Do it while nobody else edits, deletes or clears in this room: an edit must not bring back what a deletion
        took away between its reading and its writing.

        Raises Unavailable without the database, unless that is not `required`.
        """
        queue = self._queues.setdefault(room, asyncio.Lock())
        # Here first, so that a room waits with one of the node's connections and not with all.
        async with queue:
            alone = False
            try:
                async with self._kernel.database.transaction():
                    await self._kernel.database.fetch(LOCK, room)
                    alone = True
                    return await work()
            except Unavailable:
                if alone or required:
                    raise
            return await work()

    async def _tidy(
        self, context: Context, act: str, first: int, last: int, author: str | None, *, recorded: bool
    ) -> None:
        """Note who did it, and drop what hung on the messages. They are gone already, whatever becomes of this."""
        try:
            async with self._kernel.database.transaction():
                for statement in LOOSE:
                    await self._kernel.database.fetch(statement, context.room_id, first, last)
                if recorded:
                    details = {"session": context.room_id, **({"seq": first} if first else {})}
                    await record(self._kernel.database, context.principal, act, author or context.room_id, details)
        except Unavailable:
            log.warning("messages.not_tidied", session=context.room_id, act=act)

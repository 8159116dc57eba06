"""Messages: what may be sent, edited, deleted and cleared."""

from __future__ import annotations

import msgspec
import structlog
from msgspec import UNSET

from gateway import clock
from gateway.contract import Context, Kernel, Sweep, command
from gateway.errors import Unavailable, forbidden
from gateway.protocol.messages import Published
from gateway.protocol.names import user_id
from gateway.text import checked
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.attachments import Attachments
from modules.chat.mentions import Mentions
from modules.chat.messages import Clear, Edit, Named, Send
from modules.chat.policy import ChatPolicy
from modules.chat.pushes import CLEARED, DELETED, EDITED, MESSAGE, Cleared, Deleted, Edited, Message
from modules.chat.repository import MessageRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import MEMBERS, MODERATORS, named, rules_of
from modules.chat.room_turns import RoomTurns
from modules.chat.settings import ChatSettings
from modules.chat.slow_mode import SlowMode
from modules.chat.stored_message import VERSIONS, find_message, first_id, post_of
from modules.chat.threads.threads import Threads

log = structlog.get_logger(__name__)


class Messages:
    """The messages of each room. They live in the room's log and its archive, and in no table of chat."""

    pushes = (MESSAGE, EDITED, DELETED, CLEARED)

    def __init__(
        self,
        kernel: Kernel,
        settings: ChatSettings,
        policy: ChatPolicy,
        slow_mode: SlowMode,
        mentions: Mentions,
        attachments: Attachments,
        rooms: ChatRooms,
        threads: Threads,
    ) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._threads = threads
        self._settings = settings
        self._policy = policy
        self._slow_mode = slow_mode
        self._mentions = mentions
        self._attachments = attachments
        self._rows = MessageRepository(kernel.database)
        self._turns = RoomTurns(kernel.database)

    @command("chat.send", room=MEMBERS, rate="rate")
    async def send(self, context: Context, request: Send) -> Published:
        """Store a message and send it to the room.

        Raises BadInput, Refused and Limited as the room's settings and the filters say. A reply to no message of the
        room, or in no thread of it, is BadInput `not_found`. A file that is not stored, or was rejected, is Conflict
        `files.not_ready`. After Unavailable it may have been stored.
        """
        self._check_text(request.text, with_files=bool(request.files))
        await self._rooms.check_sending(context)
        rules = await self._policy.check(context, request.kind)
        if request.files:
            self._attachments.check(context, rules, request.files)
        if request.reply_to is not None:
            await find_message(context, request.reply_to)
        if request.thread is not None:
            await self._threads.check(context, request.thread)
        mentions = await self._mentions.check(context, request.mentions)
        text = await self._kernel.filters.review_in_room(request.text, context) if request.text else ""
        message = Message(text, request.reply_to, mentions, request.kind, thread=request.thread)
        async with self._slow_mode.turn(context, rules.slow_seconds):
            if request.files:
                message = msgspec.structs.replace(message, files=await self._attachments.hold(context, request.files))
            published = await context.publish(MESSAGE, message)
        if request.files:
            await self._attachments.settle(context, published.seq)
        if mentions:
            await self._mentions.tell(context, published.seq, mentions, text)
        return published

    @command("chat.edit", room=MEMBERS, rate="change_rate")
    async def edit(self, context: Context, request: Edit) -> Published:
        """Put a later version in the place of one's own message.

        Raises BadInput `not_found` and what `send` raises of a text, Refused `forbidden`, Conflict `chat.too_late` or
        Unavailable.
        """
        # Whether it keeps files is known only once it is read.
        self._check_text(request.text, with_files=request.files is UNSET or bool(request.files))

        async def write() -> Published:
            current = await find_message(context, request.seq)
            if current.author is None or current.author.id != context.principal.id:
                raise forbidden("only its author may edit a message")
            await self._rooms.check_sending(context)
            before, now = post_of(current), clock.now_seconds()
            if now - before.at / 1000 > self._settings.edit_seconds:
                raise errors.too_late(f"a message may be edited for {self._settings.edit_seconds:.0f} s")
            # Each version erases all before it, so their number is the number of edits.
            if len(current.erases) >= self._settings.edits:
                raise errors.too_late(f"a message may be edited {self._settings.edits} times")
            rules = await self._policy.check(context, before.kind)
            files = await self._attachments.edited(context, rules, before, first_id(current), request.files)
            self._check_text(request.text, with_files=bool(files))
            text = await self._kernel.filters.review_in_room(request.text, context) if request.text else ""
            edited = Edited(
                seq=before.seq,
                text=text,
                sent_at=before.at,
                edited_at=int(now * 1000),
                reply_to=before.reply_to,
                mentions=before.mentions,
                kind=before.kind,
                files=files,
                thread=before.thread,
            )
            return await context.publish(EDITED, edited, replaces=current)

        return await self._turns.run(context.room, write)

    @command("chat.delete", room=MEMBERS, rate="change_rate")
    async def delete(self, context: Context, request: Named) -> Published:
        """Erase a message in all its versions: one's own, or any as a moderator.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """

        async def erase() -> Published:
            current = await find_message(context, request.seq)
            own = current.author is not None and current.author.id == context.principal.id
            if not own and not rules_of(context.room).moderates(context.role):
                raise forbidden("only its author or a moderator may delete a message")
            published = await context.publish(DELETED, Deleted(request.seq), erases=[current])
            author = current.author.id if current.author is not None else None
            files = request.seq if post_of(current).files else None
            await self._tidy(context, "chat.delete", request.seq, request.seq, author, recorded=not own, files=files)
            return published

        # A deletion does not need the database: without it nobody can edit the message meanwhile.
        return await self._turns.run(context.room, erase, required=False)

    @command("chat.clear", room=MODERATORS, rate="host_rate")
    async def clear(self, context: Context, request: Clear) -> Published:
        """Erase every message that was stored before, or every one of a user.

        Raises BadInput `invalid` or Unavailable.
        """
        user = user_id(request.user) if request.user is not None else None

        async def sweep() -> Published:
            published = await context.publish(CLEARED, Cleared(user), sweeps=Sweep(VERSIONS, user))
            # The seqs of one user's messages are not known here, so the reactions to them stay.
            last = published.seq if user is None else -1
            await self._tidy(context, "chat.clear", 0, last, user, recorded=True, files=published.seq)
            return published

        return await self._turns.run(context.room, sweep)

    def _check_text(self, text: str, *, with_files: bool) -> None:
        """Raises BadInput for a text that is too long, and for an empty one unless there are files."""
        if text or not with_files:
            checked(text, self._settings.text_characters, "text")

    async def _tidy(
        self,
        context: Context,
        act: str,
        first: int,
        last: int,
        author: str | None,
        *,
        recorded: bool,
        files: int | None,
    ) -> None:
        """Delete the reactions of messages that are erased, and write who did it into the audit.

        The files of messages up to the seq `files` are let go, of all or of the author who was cleared.
        The messages are gone already. Without the database the rest is left undone.
        """
        try:
            async with self._kernel.database.transaction():
                await self._rows.delete_attached(context.room, first, last)
                if files is not None:
                    await self._attachments.release(context.room, first, files, author if last < first else None)
                if recorded:
                    details = {**named(context.room), **({"seq": first} if first else {})}
                    await record(self._kernel.database, context.principal, act, author or context.room_id, details)
        except Unavailable:
            log.warning("messages.not_tidied", room=context.room, act=act)

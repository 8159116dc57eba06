"""Files in messages: who uploads them, who reads them, and how they come and go with the message that has them.

A message lives in the room's log, and its files in rows of `files`. So the files are held before the message is
published, by a name made of the message's id. `attachment_check.py` looks after those whose publishing failed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec
import structlog
from msgspec import UNSET, UnsetType

from gateway import clock
from gateway.contract import Context, Delivery, Kernel, listener
from gateway.errors import BadInput, Unavailable, invalid, not_found
from gateway.principal import Principal
from modules.chat import errors
from modules.chat.attachment_repository import HOLDER, Attachment, AttachmentRepository, holder_of, named_by
from modules.chat.policy import ChatPolicy, check_attachments
from modules.chat.pushes import FILE, AttachedFile, ChatRules, Post
from modules.chat.reported_files import ATTACHMENT, REPORT_HOLDER
from modules.chat.repository import MuteRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import rules_of
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import VERSIONS, post_of
from modules.files import facade as files
from modules.files.events import FileCleared, FileRejected, FileRendered
from modules.files.facade import (
    AUDIO_TYPES,
    DOCUMENT_TYPES,
    PICTURE_TYPES,
    Allowance,
    FileFacts,
    FileState,
    Purpose,
    Shown,
)

log = structlog.get_logger(__name__)

TYPES: Final = (*PICTURE_TYPES, *DOCUMENT_TYPES, *AUDIO_TYPES)


class Attachments:
    """The purpose `chat.attachment`; its target is a room that has chat, `<kind>:<id>`."""

    pushes = (FILE,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, policy: ChatPolicy, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._settings = settings
        self._policy = policy
        self._rows = AttachmentRepository(kernel.database)
        self._mutes = MuteRepository(kernel.database)
        self.contributions = (Purpose(name=ATTACHMENT, admit=self.admit, may_read=self.may_read, thumbnails=True),)

    async def admit(self, principal: Principal, room: str) -> Allowance:
        """For a user who may write in the room now.

        Raises BadInput `not_found`, and Refused `forbidden`, `chat.muted`, `chat.attachments` or
        `chat.subscribers_only`.
        """
        writer = await self._rooms.writer(principal, room)
        self._kernel.rooms.check(room, principal.id)
        if await self._mutes.holds(room, principal.id):
            raise errors.muted()
        await self._policy.check_upload(room, principal.id, writer.role)
        return Allowance(TYPES, self._settings.attachment_bytes, quota=writer.quota)

    async def may_read(self, principal: Principal, file: FileFacts) -> bool:
        """Whoever may read the message, as long as it is there; those who decide about it also what was reported."""
        for holder in file.holders:
            if holder.startswith(HOLDER) and await self._may_read(principal, holder):
                return True
        # What was reported is kept for those who decide, whatever became of the message.
        reported = any(holder.startswith(REPORT_HOLDER) for holder in file.holders)
        return reported and await self._decides(principal, file.target)

    def check(self, context: Context, rules: ChatRules, file_ids: Sequence[str]) -> None:
        """Raises BadInput `invalid` for too many, and Refused `chat.attachments`."""
        if len(file_ids) > self._settings.attachments:
            raise invalid(f"a message may have {self._settings.attachments} files", field="files")
        check_attachments(rules, host=rules_of(context.room).moderates(context.role))

    async def hold(self, context: Context, file_ids: Sequence[str]) -> tuple[Shown, ...]:
        """Hold the files of a message that is about to be published with the context's id.

        Sent again, it holds the same. Raises what `Files.attach` raises.
        """
        new = Attachment(context.message_id, context.room, context.principal.id, clock.now())
        async with self._kernel.database.transaction():
            row = await self._rows.claim(new)
            if row.seq is not None or row.gone_at is not None:
                # The log has it, or had it: nothing is stored once more.
                return ()
            return await self._attach(context, row.message_id, file_ids)

    async def settle(self, context: Context, seq: int) -> None:
        """The message is stored. Without the database it is looked for later."""
        try:
            await self._rows.settle(context.message_id, seq)
        except Unavailable:
            log.info("attachments.unsettled", room=context.room, seq=seq)

    async def edited(
        self, context: Context, rules: ChatRules, before: Post, first_id: str, file_ids: Sequence[str] | UnsetType
    ) -> tuple[Shown, ...]:
        """The files of a message after an edit, in the room's turn: those it had as they are now, or these instead.

        Raises what `check` and `Files.attach` raise.
        """
        if file_ids is UNSET:
            return (await self.refresh([before]))[0].files
        if file_ids:
            self.check(context, rules, file_ids)
        elif not before.files:
            return ()
        new = Attachment(first_id, context.room, context.principal.id, clock.now(), before.seq)
        if (await self._rows.claim(new)).gone_at is not None:
            raise not_found("there is no such message")
        await self._rows.settle(first_id, before.seq)
        return await self._attach(context, first_id, file_ids)

    async def refresh(self, posts: Sequence[Post]) -> list[Post]:
        """The posts with their files as they are now. Without files it asks for nothing."""
        named = {file.id for post in posts for file in post.files}
        if not named:
            return list(posts)
        storage = files.of(self._kernel)
        now = {id: storage.shown(file) for id, file in (await storage.facts(named)).items()}
        return [
            msgspec.structs.replace(post, files=tuple(now.get(file.id, file) for file in post.files)) for post in posts
        ]

    async def release(self, room: str, first: int, last: int, author: str | None = None) -> None:
        """The messages from `first` to `last`, or those of one author, are erased; inside a transaction."""
        await self._detach(await self._rows.end(room, first, last, author, clock.now()))

    async def forget(self, user: str) -> None:
        """Release the files of a user who is deleted, whose messages are erased too; inside a transaction."""
        await self._detach(await self._rows.forget(user))

    @listener(FileCleared, "chat.file_cleared")
    async def tell_cleared(self, event: FileCleared, delivery: Delivery) -> None:
        """Tell the room that a file of one of its messages may be read now."""
        await self._tell(event.file_id, event.purpose)

    @listener(FileRejected, "chat.file_rejected")
    async def tell_rejected(self, event: FileRejected, delivery: Delivery) -> None:
        """Tell the room that a file of one of its messages is refused."""
        await self._tell(event.file_id, event.purpose)

    @listener(FileRendered, "chat.file_rendered")
    async def tell_rendered(self, event: FileRendered, delivery: Delivery) -> None:
        """Tell the room that a file of one of its messages has a thumbnail."""
        await self._tell(event.file_id, event.purpose)

    async def _detach(self, holders: Collection[str]) -> None:
        if holders:
            await files.of(self._kernel).detach(holders)

    async def _tell(self, file_id: str, purpose: str) -> None:
        if purpose != ATTACHMENT:
            return
        storage = files.of(self._kernel)
        file = (await storage.facts([file_id])).get(file_id)
        if file is None:
            return
        rev = 1 + (file.state is not FileState.QUARANTINED) + len(file.renditions)
        for room in {named_by(holder)[0] for holder in file.holders if holder.startswith(HOLDER)}:
            await self._kernel.rooms.publish_row(room, FILE, AttachedFile(storage.shown(file), rev))

    async def _attach(self, context: Context, message_id: str, file_ids: Sequence[str]) -> tuple[Shown, ...]:
        storage, holder = files.of(self._kernel), holder_of(context.room, message_id)
        held = await storage.attach(holder, file_ids, purpose=ATTACHMENT, owner_id=context.principal.id)
        for file in held:
            if file.target != context.room:
                raise invalid(f"the file {file.id} was uploaded for another room", field="files")
            # So what becomes of a message decides about its files.
            if any(other != holder and other.startswith(HOLDER) for other in file.holders):
                raise invalid(f"the file {file.id} is in another message", field="files")
        return tuple(storage.shown(file) for file in held)

    async def _may_read(self, principal: Principal, holder: str) -> bool:
        room, message_id = named_by(holder)
        if await self._reader(principal, room) is None:
            return False
        row = await self._rows.find(message_id)
        if row is None or row.gone_at is not None:
            return False
        if row.seq is None:
            # The log has not answered yet, or was not seen to.
            return True
        # A message is gone as soon as the log says so, whatever the rows say.
        stored = await self._kernel.rooms.read(room, row.seq)
        if stored is None or stored.push not in VERSIONS:
            return False
        return post_of(stored).at >= await self._rooms.seen_from(principal, room)

    async def _reader(self, principal: Principal, room: str) -> str | None:
        try:
            return await self._rooms.require_reader(principal, room)
        except BadInput:
            return None

    async def _decides(self, principal: Principal, room: str) -> bool:
        try:
            return await self._rooms.moderates(principal, room)
        except BadInput:
            return False

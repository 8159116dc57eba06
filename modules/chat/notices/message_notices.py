"""Notifications of messages: a message of a direct room, a mention, a reply.

They are told in the transaction of the index, once for each message, and sent a little later: whoever has read the
message by then is spared, and nobody hears of one that is gone. A message is of one kind to a user: in a direct room a
mention is a message to them like any other, and who is mentioned in a reply hears of the mention.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from modules.chat.direct.repository import DirectRepository
from modules.chat.index.entries import Entry, Gone, RoomChange
from modules.chat.notices.repository import NoticeRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import DIRECT, rules_of
from modules.chat.settings import ChatSettings
from modules.notify.facade import EMAIL, IN_APP, PUSH, Kind, Notice, tell, withdraw

LOCALE: Final = Path(__file__).parents[1] / "locale"
# Characters of a message that its notification shows.
PREVIEW: Final = 200
# What stands for a message that has files and no text.
FILES: Final = "📎"
# Of a message that the index meets later than this nobody is told, as when the index is made for the first time.
NEWS: Final = timedelta(hours=12)


class MessageNotice(msgspec.Struct, frozen=True):
    """What the texts of these kinds are filled with. `text` is the beginning of the message."""

    room: str
    seq: int
    author_id: str
    author_name: str
    text: str

    @classmethod
    def of(cls, entry: Entry) -> MessageNotice:
        text = entry.content.text[:PREVIEW] or FILES
        return cls(entry.room, entry.seq, entry.author.id, entry.author.name, text)


class MessageNotices:
    """Implements `IndexObserver`."""

    def __init__(self, kernel: Kernel, settings: ChatSettings, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._rows = NoticeRepository(kernel.database)
        self._direct = DirectRepository(kernel.database)
        delay, digest = timedelta(seconds=settings.notice_delay), timedelta(seconds=settings.notice_digest)
        # The list in the app has no messages of direct rooms: their unread counts are there.
        self.message = self._kind("chat.message", "%(author_name)s", (PUSH, EMAIL), delay, digest)
        everywhere = (IN_APP, PUSH, EMAIL)
        self.mention = self._kind("chat.mention", "%(author_name)s mentioned you", everywhere, delay, digest)
        self.reply = self._kind("chat.reply", "%(author_name)s replied to you", everywhere, delay, digest)
        self.contributions = (self.message, self.mention, self.reply)

    def _kind(self, name: str, title: str, channels: tuple[str, ...], delay: timedelta, digest: timedelta) -> Kind:
        return Kind(
            name=name,
            data=MessageNotice,
            title=title,
            body="%(text)s",
            link="/rooms/%(room)s/messages/%(seq)s",
            channels=channels,
            # By e-mail for who wants it, and then many at once.
            off=(EMAIL,),
            delay=delay,
            digest=digest,
            room="%(room)s",
            still_wanted=self._unread,
            locale=LOCALE,
        )

    async def indexed(self, changes: tuple[RoomChange, ...]) -> None:
        """Tell of messages that were sent, and no more of those that are gone."""
        oldest = clock.to_ms(clock.now() - NEWS)
        for change in changes:
            for entry in change.sent:
                if entry.at >= oldest:
                    await self._tell(entry)
            for gone in change.gone:
                for kind in self._told_of(gone):
                    await withdraw(self._kernel, kind.name, _subject(gone.room, gone.seq))

    def written(self, changes: tuple[RoomChange, ...]) -> None:
        """What is told is rows of the transaction."""

    def _told_of(self, gone: Gone) -> Sequence[Kind]:
        """The kinds of which a message may have been. A class that is cleared has hundreds that were of none."""
        if rules_of(gone.room) is DIRECT:
            return (self.message,)
        replies = (self.reply,) if rules_of(gone.room).threads else ()
        return (self.mention, *replies) if gone.mentioned else replies

    async def _tell(self, entry: Entry) -> None:
        author = entry.author.id
        if rules_of(entry.room) is DIRECT:
            members = await self._direct.followers(entry.room.partition(":")[2])
            await self._notify(self.message, entry, [user for user in members if user != author])
            return
        mentioned = [user for user in entry.content.mentions if user != author]
        await self._notify(self.mention, entry, mentioned)
        thread, answered = entry.content.thread, entry.content.reply_to
        # In a class people see replies, and a busy one has hundreds.
        if rules_of(entry.room).threads and (thread is not None or answered is not None):
            concerned = await self._rows.concerned(entry.room, thread, answered, author)
            await self._notify(self.reply, entry, [user for user in concerned if user not in mentioned])

    async def _notify(self, kind: Kind, entry: Entry, users: Collection[str]) -> None:
        if users:
            notice = Notice(
                kind.name,
                _subject(entry.room, entry.seq),
                MessageNotice.of(entry),
                users=tuple(users),
                actor=entry.author.id,
                at=clock.from_ms(entry.at),
            )
            await tell(self._kernel, notice)

    async def _unread(self, users: Collection[str], subject: str, data: MessageNotice) -> Collection[str]:
        """Those who have not read the message, and may still read it."""
        unread = await self._rows.unread_by(data.room, data.seq, users)
        return set(await self._rooms.roles(data.room, unread)) if unread else set()


def _subject(room: str, seq: int) -> str:
    return f"{room}@{seq}"

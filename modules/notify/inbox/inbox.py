"""Inbox: the list of notifications in the app, what of it is unread, and who is told when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from gateway import clock
from gateway.contract import Context, Kernel, command
from gateway.errors import not_found
from gateway.http.listing import Page, Span
from modules.accounts.facade import user_room
from modules.notify.facade import IN_APP, Kind
from modules.notify.inbox.arrival import Arrival, Arrivals
from modules.notify.inbox.messages import NOTIFICATION, UNREAD, InboxItem, Opened, Read, Seen, Unread, UnreadRequest
from modules.notify.inbox.repository import InboxRepository, NotificationRecord
from modules.notify.inbox.wording import Unworded, Wording
from modules.notify.kinds import Kinds

log = structlog.get_logger(__name__)

# Of so many users the pushes are durable. Those of a larger page would hold up what rooms are pushed, and whoever
# misses one has the count with the next, or asks.
DURABLE: Final = 50
# Of so many that were read at once each is pushed to the user's other devices; of more, the counts alone.
EACH: Final = 20

# (a kind, users) → those of them whose list shows it.
Listed = Callable[[Kind, Collection[str]], Awaitable[Collection[str]]]


class Inbox(Arrivals):
    """Each call raises Unavailable without PostgreSQL."""

    pushes = (NOTIFICATION, UNREAD)

    def __init__(
        self, kernel: Kernel, kinds: Kinds, wording: Wording, listed: Listed, *, kept: Collection[str]
    ) -> None:
        """`kept` are the channels that go on with what was read in the app."""
        self._kernel = kernel
        self._kinds = kinds
        self._wording = wording
        self._listed = listed
        self._kept = kept
        self._rows = InboxRepository(kernel.database)

    async def page(self, user_id: str, span: Span, *, unread: bool) -> Page[InboxItem]:
        """A user's list, the newest first."""
        page = await self._rows.page(user_id, span, unread=unread)
        return Page(await self._items(page.items), page.next)

    async def item(self, user_id: str, id: UUID) -> InboxItem:
        """Raises BadInput `not_found`, also for another user's."""
        for item in await self._items(await self._rows.find(user_id, [id])):
            return item
        raise _unknown()

    async def unread(self, user_id: str) -> Unread:
        return (await self._rows.unread([user_id]))[user_id]

    async def read(self, user_id: str, read: Read) -> Unread:
        """Write what was read. Push and e-mail of it that still wait are not sent any more.

        Ids that are unknown, another user's or read already change nothing. Nothing that comes later is read by it.
        """
        async with self._kernel.database.transaction():
            to = await self._rows.last_to(user_id, read.to) if read.to is not None else None
            changed = await self._rows.read(user_id, read.ids, clock.now(), to=to)
            moved = to is not None and await self._rows.move_read_to(user_id, to)
            return await self._after(user_id, changed, told=bool(changed) or moved)

    async def seen(self, user_id: str, seen: Seen) -> Unread:
        async with self._kernel.database.transaction():
            changed = await self._rows.seen(user_id, seen.to, clock.now())
            return await self._after(user_id, (), told=changed)

    async def open(self, user_id: str, id: UUID, opened: Opened) -> Unread:
        """The user followed a notification; so it is read. Raises BadInput `not_found`, also for another user's."""
        async with self._kernel.database.transaction():
            if not await self._rows.find(user_id, [id]):
                raise _unknown()
            now = clock.now()
            changed = await self._rows.read(user_id, [id], now)
            await self._rows.open(user_id, id, opened.channel, now)
            return await self._after(user_id, changed, told=bool(changed))

    @command("notify.unread", room="user", role="owner")
    async def unread_command(self, context: Context, request: UnreadRequest) -> Unread:
        """The counts of now, for a client that has come back; raises Unavailable."""
        return await self.unread(context.room_id)

    @command("notify.read", room="user", role="owner", row_first=True)
    async def read_command(self, context: Context, request: Read) -> Unread:
        """See `read`."""
        return await self.read(context.room_id, request)

    @command("notify.seen", room="user", role="owner", row_first=True)
    async def seen_command(self, context: Context, request: Seen) -> Unread:
        """See `seen`."""
        return await self.seen(context.room_id, request)

    async def listed(self, kind: Kind, user_ids: Collection[str]) -> Collection[str]:
        return await self._listed(kind, user_ids) if IN_APP in kind.channels else ()

    async def arrived(self, arrivals: Sequence[Arrival]) -> None:
        words = await self._wording.write(
            [Unworded(kind=one.kind, user_id=one.user_id, data=one.data) for one in arrivals]
        )
        await self._push(
            (one.user_id, _item(one, title=said.title, body=said.body, link=said.link))
            for one, said in zip(arrivals, words, strict=True)
            if said is not None
        )

    async def withdrawn(self, arrivals: Sequence[Arrival]) -> None:
        await self._push((one.user_id, _item(one, withdrawn=True)) for one in arrivals)

    async def _after(self, user_id: str, changed: Sequence[UUID], *, told: bool) -> Unread:
        """Cancel what waits of what was read, and tell all devices of the user; in the transaction of the change."""
        if changed:
            receipts = [kind.name for kind in self._kinds.kinds.values() if kind.receipt]
            await self._rows.cancel(changed, besides=self._kept, receipts=receipts)
        unread = await self.unread(user_id)
        room = user_room(user_id)
        if not told:
            return unread
        if 0 < len(changed) <= EACH:
            for item in await self._items(await self._rows.find(user_id, changed)):
                await self._kernel.rooms.publish_row(room, NOTIFICATION, item)
        await self._kernel.rooms.publish_row(room, UNREAD, unread)
        return unread

    async def _push(self, items: Iterable[tuple[str, InboxItem]]) -> None:
        """Push what came or went, and each user's counts."""
        pushed = list(items)
        counts = await self._rows.unread({user for user, _ in pushed})
        if len(counts) <= DURABLE:
            async with self._kernel.database.transaction():
                for user, item in pushed:
                    await self._kernel.rooms.publish_row(user_room(user), NOTIFICATION, item)
                for user, unread in counts.items():
                    await self._kernel.rooms.publish_row(user_room(user), UNREAD, unread)
            return
        for user, item in pushed:
            await self._kernel.rooms.emit(user_room(user), NOTIFICATION, item)
        for user, unread in counts.items():
            await self._kernel.rooms.emit(user_room(user), UNREAD, unread)
            # Thousands of pushes in one turn would hold up everybody else.
            await asyncio.sleep(0)

    async def _items(self, rows: Sequence[NotificationRecord]) -> list[InboxItem]:
        """What a user sees of these, without what cannot be written: its kind may be gone with its module."""
        data = await self._rows.data([row.notice_id for row in rows])
        known = [(row, self._kinds.kinds[row.kind]) for row in rows if row.kind in self._kinds.kinds]
        read = [(row, kind, told) for row, kind in known if (told := _decoded(kind, data.get(row.notice_id, "")))]
        words = await self._wording.write(
            [Unworded(kind=kind, user_id=row.user_id, data=told) for row, kind, told in read]
        )
        return [
            InboxItem(
                id=row.id,
                kind=row.kind,
                category=kind.preference,
                subject=row.subject,
                title=said.title,
                body=said.body,
                link=said.link,
                data=msgspec.to_builtins(told),
                created_at=row.created_at,
                seen=row.seen_at is not None,
                read=row.read_at is not None,
                withdrawn=False,
                rev=row.rev,
            )
            for (row, kind, told), said in zip(read, words, strict=True)
            if said is not None
        ]


def _item(one: Arrival, *, title: str = "", body: str = "", link: str = "", withdrawn: bool = False) -> InboxItem:
    data: dict[str, Any] = {} if withdrawn else msgspec.to_builtins(one.data)
    return InboxItem(
        id=UUID(one.id),
        kind=one.kind.name,
        category=one.kind.preference,
        subject=one.subject,
        title=title,
        body=body,
        link=link,
        data=data,
        created_at=one.created_at,
        seen=False,
        read=False,
        withdrawn=withdrawn,
        rev=one.rev,
    )


def _decoded(kind: Kind, data: str) -> msgspec.Struct | None:
    try:
        return msgspec.json.decode(data, type=kind.data)
    except msgspec.MsgspecError as error:
        log.error("notifications.bad_data", kind=kind.name, error=str(error))
        return None


def _unknown() -> Exception:
    return not_found("there is no such notification")

"""Threads of a room: which messages may be in one, how many replies each has, and reading them.

A reply is a message like any other, whose `thread` is the seq of its root. The index of messages has both, and tells in
the transaction that writes it which threads have changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import Context, Kernel, snapshot_part
from gateway.errors import invalid, not_found
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.chat.attachments import Attachments
from modules.chat.index.entries import RoomChange
from modules.chat.pushes import Post
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import THREADED, rules_of
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import find_message, post_of
from modules.chat.threads.messages import THREAD, NewestThreads, ThreadPage, ThreadTally, ThreadView
from modules.chat.threads.repository import ThreadRepository


class Threads:
    """Implements `IndexObserver`. Threads are read as the index has them, a moment behind the log."""

    pushes = (THREAD,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, attachments: Attachments, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._most = settings.recent
        self._attachments = attachments
        self._rooms = rooms
        self._rows = ThreadRepository(kernel.database)

    async def check(self, context: Context, root: int) -> None:
        """Raises BadInput for a message that may not be replied to in a thread: `not_found`, or `invalid`."""
        if not rules_of(context.room).threads:
            raise invalid("rooms of this kind have no threads", field="thread")
        if post_of(await find_message(context, root)).thread is not None:
            raise invalid("this message is in a thread itself: name the root of that thread", field="thread")

    async def indexed(self, changes: Sequence[RoomChange]) -> None:
        for change in changes:
            roots = {one.content.thread for one in change.sent} | {one.thread for one in change.gone}
            found = {root for root in roots if root is not None}
            if not found or not rules_of(change.room).threads:
                continue
            for tally in await self._rows.count(change.room, found):
                await self._kernel.rooms.publish_row(change.room, THREAD, tally)

    def written(self, changes: Sequence[RoomChange]) -> None:
        """The pushes are rows of the transaction."""

    @snapshot_part("chat.threads", room=THREADED, shared=True)
    async def newest(self, context: Context) -> NewestThreads:
        """The threads with the newest replies; raises Unavailable."""
        return NewestThreads(await self._rows.newest(context.room, self._most))

    async def listing(self, principal: Principal, room: str, span: Span) -> Page[ThreadView]:
        """The room's threads, the one with the newest reply first; raises BadInput `not_found` or Unavailable."""
        await self._check_reader(principal, room)
        page = await self._rows.page(room, span)
        return Page(await self._views(room, page.items), page.next)

    async def read(self, principal: Principal, room: str, seq: int, span: Span) -> ThreadPage:
        """A thread with a page of its replies, the oldest first.

        Raises BadInput `not_found`, also for a message that has no replies and is gone, and Unavailable.
        """
        await self._check_reader(principal, room)
        (view,) = await self._views(room, [await self._rows.find(room, seq) or ThreadTally(seq, 0, None, 0)])
        # A reply is no root, and with neither a root nor replies there is no thread.
        if (view.root is None and not view.replies) or (view.root is not None and view.root.thread is not None):
            raise not_found("there is no such thread")
        page = await self._rows.replies(room, seq, span)
        posts = await self._posts({reply.seq: reply.version for reply in page.items})
        return ThreadPage(view, [posts[reply.seq] for reply in page.items if reply.seq in posts], page.next)

    async def _check_reader(self, principal: Principal, room: str) -> None:
        """Raises BadInput `not_found` for who does not read the room, and for a room of a kind without threads.

        In other kinds of rooms a member may see a part of the messages alone, which these pages do not ask for.
        """
        await self._rooms.require_reader(principal, room)
        if not rules_of(room).threads:
            raise not_found("rooms of this kind have no threads")

    async def _views(self, room: str, tallies: Sequence[ThreadTally]) -> list[ThreadView]:
        posts = await self._posts(await self._rows.versions(room, [one.seq for one in tallies]))
        return [ThreadView(one.seq, posts.get(one.seq), one.replies, one.last_at, one.rev) for one in tallies]

    async def _posts(self, versions: dict[int, int]) -> dict[int, Post]:
        """The messages of these latest versions, by seq. One that was changed or erased meanwhile is left out."""
        found = await self._kernel.archive.found(versions.values())
        posts = [post_of(found[version]) for version in versions.values() if version in found]
        return {post.seq: post for post in await self._attachments.refresh(posts)}

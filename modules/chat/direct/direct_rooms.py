"""Direct rooms: how a pair or a group begins, who joins and leaves it, and who may be in its room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Granted, Kernel
from gateway.errors import Refused, invalid
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal, Role
from gateway.text import checked
from modules.accounts.facade import check_known, names_of, record, user_room
from modules.chat.direct import errors
from modules.chat.direct.block_repository import BlockRepository
from modules.chat.direct.may_write import MayWrite
from modules.chat.direct.messages import (
    DIRECT,
    DirectChange,
    DirectDetail,
    DirectMember,
    DirectRoom,
    NewDirect,
    NewMembers,
)
from modules.chat.direct.repository import ALWAYS, Direct, DirectRepository, Membership, pair_of
from modules.chat.reading.repository import ReadingRepository
from modules.chat.room_kinds import DIRECT as RULES
from modules.chat.settings import ChatSettings

# The code of the push `left`.
LEFT: Final = "chat.left"
# The timer of a room that nobody is in; its key is the room's id.
ABANDONED: Final = "chat.abandoned"
DAY: Final = timedelta(days=1)


def direct_room(id: str) -> str:
    """The room of a conversation."""
    return f"direct:{id}"


class Abandoned(msgspec.Struct, frozen=True):
    """What the timer carries: the room."""

    id: str


class DirectRooms:
    """Pairs and groups. Each call raises Unavailable, and BadInput `not_found` for a room that the user is not in."""

    pushes = (DIRECT,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, may_write: MayWrite) -> None:
        self._kernel = kernel
        self._settings = settings
        self._may_write = may_write
        self._rows = DirectRepository(kernel.database)
        self._blocks = BlockRepository(kernel.database)
        self._reading = ReadingRepository(kernel.database)

    async def grant(self, principal: Principal, id: str) -> Granted:
        """What the user is in the room, and from when on they see it."""
        seen_from = await self._rows.seen_from(id, principal.id)
        if seen_from is None:
            raise errors.unknown_room()
        return Granted(RULES.member, int(seen_from.timestamp() * 1000))

    async def open(self, principal: Principal, new: NewDirect) -> tuple[DirectRoom, bool]:
        """A pair or a group, and whether it is new: there is one room of a pair, whoever opens it and how often.

        Raises BadInput `invalid` or `too_large`, what filters raise, Refused `chat.not_allowed` or `chat.blocked`,
        Conflict `chat.group_full`, and Limited `chat.too_many_opened`.
        """
        others = self._others(principal, new.user_ids)
        group = new.title is not None or len(others) > 1
        if group:
            title = await self._title(principal, new)
            if not principal.role.may_teach:
                raise errors.opens_no_groups()
            if len(others) + 1 > self._settings.direct_members:
                raise errors.full(self._settings.direct_members)
            return await self._open(principal, others, None, title), True
        pair = pair_of(principal.id, others[0])
        if found := await self._rows.of_pair(pair):
            return await self._shown(found), False
        try:
            return await self._open(principal, others, pair, ""), True
        except _Opened:
            found = await self._rows.of_pair(pair)
            assert found is not None, "nobody deletes a room"
            return await self._shown(found), False

    async def listing(self, principal: Principal, span: Span) -> Page[DirectRoom]:
        """The rooms that the user is in, the newest first."""
        page = await self._rows.page(principal.id, span)
        return Page(await self._shown_all(page.items), page.next)

    async def read(self, principal: Principal, id: str) -> DirectDetail:
        """One room, and whether the user may write in it now."""
        found = await self._rows.find(id, principal.id)
        if found is None:
            raise errors.unknown_room()
        try:
            await self._may_write.check(principal, id)
            may_write = True
        except Refused:
            may_write = False
        shown = await self._shown(found)
        return DirectDetail(**msgspec.structs.asdict(shown), may_write=may_write)

    async def rename(self, principal: Principal, id: str, change: DirectChange, if_match: IfMatch) -> DirectRoom:
        """Give a group another title.

        Raises BadInput `precondition_failed`, `invalid` or `too_large`, what filters raise, Refused `chat.not_allowed`
        for who is no mentor or admin, and Conflict `chat.no_group`.
        """
        title = await self._title(principal, change)
        async with self._kernel.database.transaction():
            found = await self._lock_group(principal, id)
            if_match.check(found.rev)
            if found.title == title:
                return await self._shown(found)
            shown = await self._tell(await self._rows.change(id, title))
            await self._record(principal, "chat.rename_direct", id)
        return shown

    async def add(self, principal: Principal, id: str, new: NewMembers) -> DirectRoom:
        """Add users to a group; who is in it stays as they are.

        Raises BadInput `invalid`, Refused `chat.not_allowed` or `chat.blocked`, and Conflict `chat.no_group` or
        `chat.group_full`.
        """
        async with self._kernel.database.transaction():
            found = await self._lock_group(principal, id)
            (members,) = (await self._rows.members([id])).values()
            present = [member.user_id for member in members]
            others = [user for user in self._others(principal, new.user_ids) if user not in present]
            if not others:
                return await self._shown(found)
            if len(present) + len(others) > self._settings.direct_members:
                raise errors.full(self._settings.direct_members)
            await self._check_known(principal, others)
            await self._may_write.check_each(principal, others)
            await self._check_together(others, [*present, *others])
            now = clock.now()
            await self._rows.add(id, others, now, ALWAYS if new.history else now)
            # They may see another part of the room than they did before.
            await self._reading.renew(direct_room(id), others)
            for user in others:
                # Who left a moment ago is still kept out.
                await self._kernel.rooms.readmit(direct_room(id), user)
            shown = await self._tell(await self._rows.change(id, found.title))
            await self._record(principal, "chat.add_to_direct", id, {"users": sorted(others)})
        return shown

    async def remove(self, principal: Principal, id: str, user: str) -> None:
        """Leave a group, or take somebody out of it; again, it changes nothing.

        Raises Refused `chat.not_allowed` for who takes out another and is no mentor or admin, and Conflict
        `chat.no_group`.
        """
        async with self._kernel.database.transaction():
            found = await self._lock_group(principal, id, needs_staff=user != principal.id)
            if not await self._rows.remove(id, user):
                return
            await self._lost(found, [user])
            if user != principal.id:
                await self._record(principal, "chat.remove_from_direct", id, {"users": [user]})

    async def forget(self, user: str) -> None:
        """Take a deleted user out of every room; inside a transaction. What others wrote there stays with them."""
        for found in await self._rows.lock_all(user):
            if await self._rows.remove(found.id, user):
                await self._tell(await self._rows.change(found.id, found.title))

    async def _open(self, principal: Principal, others: Sequence[str], pair: str | None, title: str) -> DirectRoom:
        """Write a new room; raises _Opened when the other one of the pair opened it in between."""
        async with self._kernel.database.transaction():
            now = clock.now()
            await self._check_number(principal, now)
            await self._check_known(principal, others)
            await self._may_write.check_each(principal, others)
            users = [principal.id, *others]
            if pair is None:
                await self._check_together(users, users)
            made = await self._rows.insert(new_id(), pair, title, principal.id, now)
            if made is None:
                raise _Opened
            await self._rows.add(made.id, users, now, ALWAYS)
            shown = await self._tell(made)
            await self._record(principal, "chat.open_direct", made.id, {"users": sorted(others)})
        return shown

    def _others(self, principal: Principal, users: Iterable[str]) -> list[str]:
        """The users without repetitions; raises BadInput for who names themselves."""
        others = list(dict.fromkeys(users))
        if principal.id in others:
            raise invalid("you are in it anyway; name the others", field="user_ids")
        return others

    async def _title(self, principal: Principal, request: NewDirect | DirectChange) -> str:
        if request.title is None:
            return ""
        await self._kernel.filters.check(request, Author.of(principal))
        return checked(request.title, self._settings.direct_title_characters, "title")

    async def _check_number(self, principal: Principal, now: datetime) -> None:
        """Raises Limited for who opened as many rooms within a day as they may."""
        if principal.role is Role.ADMIN:
            return
        await self._rows.lock_opener(principal.id)
        most = self._settings.direct_opened_daily
        oldest = await self._rows.oldest_of(principal.id, now - DAY, most)
        if oldest is not None:
            raise errors.too_many_opened(most, (oldest + DAY - now).total_seconds())

    async def _check_known(self, principal: Principal, users: Sequence[str]) -> None:
        """An admin may write to everybody, so is told who is nobody. To others that is one refusal of several."""
        if principal.role is Role.ADMIN:
            await check_known(self._kernel.database, users, "user_ids")

    async def _check_together(self, new: Sequence[str], all_of_them: Sequence[str]) -> None:
        """Raises Refused for a block of or against a new one. Those who are together already are not asked about."""
        if await self._blocks.among(new, all_of_them):
            raise errors.not_together()

    async def _lock_group(self, principal: Principal, id: str, *, needs_staff: bool = True) -> Direct:
        found = await self._rows.lock(id, principal.id)
        if found is None:
            raise errors.unknown_room()
        if found.pair is not None:
            raise errors.no_group()
        if needs_staff and not principal.role.may_teach:
            raise errors.opens_no_groups()
        return found

    async def _lost(self, found: Direct, users: Sequence[str]) -> None:
        """Tell those who stay and those who are out, and take these out of the room on every node."""
        shown = await self._tell(await self._rows.change(found.id, found.title))
        gone = msgspec.structs.replace(shown, members=(), left=True)
        for user in users:
            await self._kernel.rooms.publish_row(user_room(user), DIRECT, gone)
            # Nothing has to be kept of it: who has no row is refused by `grant`.
            await self._kernel.rooms.evict(direct_room(found.id), user, LEFT, until=clock.now())

    async def _tell(self, changed: Direct) -> DirectRoom:
        """Push the room to all who are in it. One that nobody is in is erased."""
        shown = await self._shown(changed)
        if not shown.members:
            await self._kernel.schedules.at(ABANDONED, changed.id, clock.now(), Abandoned(changed.id))
        for member in shown.members:
            await self._kernel.rooms.publish_row(user_room(member.id), DIRECT, shown)
        return shown

    async def _shown(self, found: Direct) -> DirectRoom:
        (shown,) = await self._shown_all([found])
        return shown

    async def _shown_all(self, found: Sequence[Direct]) -> list[DirectRoom]:
        members = await self._rows.members([one.id for one in found])
        names = await names_of(self._kernel.database, [one.user_id for some in members.values() for one in some])
        return [_view(one, members[one.id], names) for one in found]

    async def _record(self, principal: Principal, act: str, id: str, details: dict[str, Any] | None = None) -> None:
        """What an admin does is in the audit; what members do among themselves is theirs."""
        if principal.role is Role.ADMIN:
            await record(self._kernel.database, principal, act, id, details)


class _Opened(Exception):
    """Somebody else opened the room of the pair first."""


def _view(found: Direct, members: Sequence[Membership], names: dict[str, str]) -> DirectRoom:
    return DirectRoom(
        id=found.id,
        room=direct_room(found.id),
        group=found.pair is None,
        title=found.title,
        members=tuple(
            DirectMember(member.user_id, names.get(member.user_id, member.user_id), member.joined_at)
            for member in members
        ),
        created_by=found.created_by,
        created_at=found.created_at,
        rev=found.rev,
    )

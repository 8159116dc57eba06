"""Groups of students: who makes them, and who is in which.

Whoever leaves a group keeps the grades of what was turned in before. Whoever comes later has the grades of the group:
of what it turns in from then on, and of what it had turned in. A student who leaves the program leaves its groups.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

import msgspec

from gateway import clock
from gateway.contract import Delivery, Kernel, listener
from gateway.errors import Conflict, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.accounts.facade import names_of, record
from modules.assignments import errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.extensions import check_student
from modules.assignments.catalogue.group_messages import (
    GroupName,
    GroupSetView,
    ListedGroupSet,
    NewGroupSet,
    Split,
)
from modules.assignments.catalogue.group_repository import GroupRepository
from modules.assignments.catalogue.messages import GroupMember, GroupView
from modules.assignments.catalogue.own_dates import OwnDatesPushes
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.catalogue.splitting import counts, dealt
from modules.assignments.settings import AssignmentsSettings
from modules.programs.events import PartLost
from modules.programs.facade import Part, parts_of, students_of

SHUFFLE = random.SystemRandom()


class Groups:
    """For those who teach the program. Each call raises Refused `forbidden`, BadInput `not_found`, and Unavailable.

    What changes a set raises BadInput `precondition_failed` for another revision of it.
    """

    def __init__(
        self, kernel: Kernel, settings: AssignmentsSettings, access: AssignmentAccess, own_dates: OwnDatesPushes
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._access = access
        self._own_dates = own_dates
        self._groups = GroupRepository(kernel.database)
        self._assignments = AssignmentRepository(kernel.database)

    async def sets(self, principal: Principal, program_id: str) -> Sequence[ListedGroupSet]:
        await self._access.teaches_program(principal, program_id)
        return await self._groups.sets(program_id)

    async def read(self, principal: Principal, id: str) -> GroupSetView:
        return await self._view(await self._taught(principal, await self._groups.find(id)))

    async def create(self, principal: Principal, new: NewGroupSet) -> GroupSetView:
        """Raises Conflict `conflict` when the program has as many as it may have, and what filters raise."""
        await self._kernel.filters.check(new, Author.of(principal))
        await self._access.teaches_program(principal, new.program_id)
        made = ListedGroupSet(new_id(), new.program_id, new.name, 1)
        async with self._kernel.database.transaction():
            if await self._groups.count_sets(new.program_id) >= self._settings.group_sets:
                raise Conflict(f"a program has at most {self._settings.group_sets} group sets")
            await self._groups.insert(made)
        return await self._view(made)

    async def rename(self, principal: Principal, id: str, name: GroupName, if_match: IfMatch) -> GroupSetView:
        await self._kernel.filters.check(name, Author.of(principal))
        async with self._changing(principal, id, if_match) as before:
            after = msgspec.structs.replace(before, name=name.name, rev=before.rev + 1)
            await self._groups.write(after)
        return await self._view(after)

    async def delete(self, principal: Principal, id: str, if_match: IfMatch) -> None:
        """Raises Conflict `conflict` while an assignment uses it."""
        async with self._kernel.database.transaction():
            before = await self._taught(principal, await self._groups.lock_all(id))
            if_match.check(before.rev)
            if await self._groups.is_used(id):
                raise Conflict("an assignment is for the groups of this set")
            await self._groups.delete(id)

    async def add(self, principal: Principal, id: str, name: GroupName, if_match: IfMatch) -> GroupSetView:
        """Add an empty group."""
        await self._kernel.filters.check(name, Author.of(principal))
        async with self._changing(principal, id, if_match):
            if len(await self._groups.groups(id)) >= self._settings.groups:
                raise Conflict(f"a group set has at most {self._settings.groups} groups")
            await self._groups.add(id, [new_id()], [name.name])
        return await self.read(principal, id)

    async def rename_group(
        self, principal: Principal, id: str, group_id: str, name: GroupName, if_match: IfMatch
    ) -> GroupSetView:
        await self._kernel.filters.check(name, Author.of(principal))
        async with self._changing(principal, id, if_match):
            if not await self._groups.rename(id, group_id, name.name):
                raise not_found("there is no such group")
        return await self.read(principal, id)

    async def remove_group(self, principal: Principal, id: str, group_id: str, if_match: IfMatch) -> GroupSetView:
        """Remove a group; who was in it is in none. Raises Conflict `assignments.work_begun`."""
        async with self._changing(principal, id, if_match):
            if await self._groups.has_work(group_id):
                raise errors.work_begun()
            members = await self._members(id, [group_id])
            async with self._own_dates_of(id, members):
                if not await self._groups.remove(id, group_id):
                    raise not_found("there is no such group")
        return await self.read(principal, id)

    async def move(
        self, principal: Principal, id: str, user_id: str, group_id: str | None, if_match: IfMatch
    ) -> GroupSetView:
        """Put a student into a group, out of the one they are in; None puts them into none.

        Raises BadInput `invalid` for a group of another set.
        """
        async with self._changing(principal, id, if_match) as groups:
            known = await self._groups.groups(id)
            if group_id is not None:
                await check_student(self._kernel, user_id, groups.program_id)
                if group_id not in {one.id for one in known}:
                    raise invalid("there is no such group in the set", field="group_id")
            touched = [one.id for one in known if one.id == group_id or user_id in one.members]
            async with self._own_dates_of(id, {user_id, *await self._members(id, touched)}):
                await self._groups.leave(id, [user_id], clock.now())
                if group_id is not None:
                    await self._groups.join(id, [(group_id, user_id)], clock.now())
            details = {"set": id, "group": group_id}
            await record(self._kernel.database, principal, "assignments.move", user_id, details)
        return await self.read(principal, id)

    async def split(self, principal: Principal, id: str, split: Split, if_match: IfMatch) -> GroupSetView:
        """Put the students who are in no group into new groups, at random. Raises BadInput `invalid`."""
        if (split.groups is None) == (split.size is None):
            raise invalid("give the number of groups or their size", field="groups")
        async with self._changing(principal, id, if_match) as groups:
            known = await self._groups.groups(id)
            placed = {user for one in known for user in one.members}
            found = await students_of(self._kernel.database, groups.program_id)
            parts = await parts_of(self._kernel.database, found, groups.program_id)
            free = [user for user in found if user not in placed and parts.get(user) is Part.STUDENT]
            SHUFFLE.shuffle(free)
            made = dealt(free, counts(len(free), groups=split.groups, size=split.size)) if free else []
            if len(known) + len(made) > self._settings.groups:
                raise invalid(f"a group set has at most {self._settings.groups} groups", field="groups")
            ids = [new_id() for _ in made]
            async with self._own_dates_of(id, free):
                await self._groups.add(id, ids, [f"Group {len(known) + place}" for place in range(1, len(ids) + 1)])
                places = [(group, user) for group, users in zip(ids, made, strict=True) for user in users]
                await self._groups.join(id, places, clock.now())
        return await self.read(principal, id)

    @listener(PartLost, "assignments.leave_groups")
    async def leave(self, event: PartLost, delivery: Delivery) -> None:
        """A student who takes no part any more leaves the groups of the program."""
        if event.user_id in await parts_of(self._kernel.database, [event.user_id], event.program_id):
            return
        for id in await self._groups.sets_of(event.program_id, event.user_id):
            locked = await self._groups.lock(id)
            if locked is not None:
                async with self._own_dates_of(id, await self._groups.mates(id, event.user_id)):
                    await self._groups.leave(id, [event.user_id], clock.now())
                await self._groups.write(msgspec.structs.replace(locked, rev=locked.rev + 1))

    @asynccontextmanager
    async def _changing(self, principal: Principal, id: str, if_match: IfMatch) -> AsyncIterator[ListedGroupSet]:
        """A transaction in which the set is locked, and gets its next revision."""
        async with self._kernel.database.transaction():
            before = await self._taught(principal, await self._groups.lock(id))
            if_match.check(before.rev)
            await self._groups.write(msgspec.structs.replace(before, rev=before.rev + 1))
            yield before

    @asynccontextmanager
    async def _own_dates_of(self, set_id: str, user_ids: Collection[str]) -> AsyncIterator[None]:
        """Around a change of who is in which group: users whose dates it changes are told."""
        assignments = await self._assignments.share_of_set(set_id)
        before = await self._own_dates.terms(assignments, user_ids)
        yield
        await self._own_dates.changed(assignments, user_ids, before)

    async def _members(self, set_id: str, group_ids: Collection[str]) -> list[str]:
        return [user for one in await self._groups.groups(set_id) if one.id in group_ids for user in one.members]

    async def _taught(self, principal: Principal, found: ListedGroupSet | None) -> ListedGroupSet:
        if found is None:
            raise not_found("there is no such group set")
        await self._access.teaches_program(principal, found.program_id)
        return found

    async def _view(self, found: ListedGroupSet) -> GroupSetView:
        groups = await self._groups.groups(found.id)
        names = await names_of(self._kernel.database, [user for one in groups for user in one.members])
        return GroupSetView(
            found.id,
            found.program_id,
            found.name,
            found.rev,
            tuple(
                GroupView(one.id, one.name, tuple(GroupMember(user, names.get(user, user)) for user in one.members))
                for one in groups
            ),
        )

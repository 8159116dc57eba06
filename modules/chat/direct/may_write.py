"""Who may write to whom outside of a class: the one place that decides it, asked anew for every message.

A user may write in a direct room while somebody else is in it to whom they may write. A pair is the simplest case. In
a group of a mentor and students the students write to the mentor; when the mentor has left, or they have lost their
places, nobody is left for them, and the group has become one to read. So no group is a way around a rule or a block.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.principal import Principal, Role
from modules.accounts.facade import roles_of
from modules.chat.direct import errors
from modules.chat.direct.block_repository import BlockRepository
from modules.chat.direct.repository import DirectRepository
from modules.chat.settings import ChatSettings
from modules.programs.facade import Shared, shared_with


class Relation(msgspec.Struct, frozen=True):
    """What there is between a user and another one, whom the platform knows and does not keep out."""

    role: Role
    shared: Shared
    # The user has blocked the other, or the other has blocked the user.
    blocks: bool
    blocked: bool


def allows(settings: ChatSettings, role: Role, other: Relation, *, answering: bool = False) -> bool:
    """Whether a user of this role may write to the other, without regard to blocks.

    `answering`: they are in a room already. Then an admin who is in it may be written to.
    """
    if role is Role.ADMIN or (answering and other.role is Role.ADMIN):
        return True
    if settings.direct_mentors and role.may_teach and other.role.may_teach:
        return True
    teaches = other.shared.teaches and role.may_teach
    taught = other.shared.taught and other.role.may_teach
    if settings.direct_student_mentor and (teaches or taught):
        return True
    return settings.direct_students and other.shared.classmates


class MayWrite:
    """The policy of direct rooms. Each call raises Unavailable without PostgreSQL: nobody is written to by guess."""

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        self._database = kernel.database
        self._settings = settings
        self._rooms = DirectRepository(kernel.database)
        self._blocks = BlockRepository(kernel.database)

    async def check(self, principal: Principal, id: str) -> None:
        """Check that this user may write in the direct room now.

        Raises BadInput `not_found` for who is not in it, Refused `chat.blocked` for who has blocked the others, and
        Refused `chat.not_allowed` for any other reason: whoever was blocked is not told so.
        """
        (members,) = (await self._rooms.members([id])).values()
        others = [member.user_id for member in members if member.user_id != principal.id]
        if len(others) == len(members):
            raise not_found("there is no such conversation")
        self._check(principal, await self._relations(principal, others), answering=True)

    async def check_each(self, principal: Principal, users: Collection[str]) -> None:
        """Check that this user may begin to write to each of these; raises Refused as `check` does."""
        found = await self._relations(principal, users)
        for user in users:
            self._check(principal, {user: found[user]} if user in found else {}, answering=False)

    def _check(self, principal: Principal, others: Mapping[str, Relation], *, answering: bool) -> None:
        allowed = [one for one in others.values() if allows(self._settings, principal.role, one, answering=answering)]
        # An admin speaks for the platform, to whom nobody closes the door, and whom nobody blocks.
        if any(_unblocked(principal.role, one) for one in allowed):
            return
        if any(one.blocks for one in allowed):
            raise errors.blocked()
        raise errors.not_allowed()

    async def _relations(self, principal: Principal, others: Collection[str]) -> dict[str, Relation]:
        """Those of the others who are known and not kept out."""
        roles = await roles_of(self._database, others)
        known = list(roles)
        shared = await shared_with(self._database, principal.id, known)
        blocks, blocked = await self._blocks.between(principal.id, known)
        return {user: Relation(roles[user], shared[user], user in blocks, user in blocked) for user in known}


def _unblocked(role: Role, other: Relation) -> bool:
    return Role.ADMIN in (role, other.role) or not (other.blocks or other.blocked)

"""With whom a board may be shared. Reading it takes no right of its owner's, but a board shows up in others' lists."""

from __future__ import annotations

from gateway.contract import Database
from gateway.errors import forbidden, invalid
from gateway.principal import Principal, Role
from modules.accounts.facade import check_known
from modules.analytics.boards.messages import Sharing
from modules.programs.facade import exists, programs_taught, shared_with


class SharingRules:
    """An admin shares with anybody; a mentor with the programs that they teach, and their students; a student not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, owner: Principal, sharing: Sharing) -> None:
        """Raises Refused `forbidden`, BadInput `invalid` for who does not exist, and Unavailable."""
        if not sharing.anybody:
            return
        if owner.role is Role.STUDENT:
            raise forbidden("students share no boards")
        await check_known(self._database, sharing.users, "sharing.users")
        if owner.role is Role.ADMIN:
            for program in sharing.programs:
                if not await exists(self._database, program):
                    raise invalid(f"there is no program {program}", field="sharing.programs")
            return
        if sharing.roles:
            raise forbidden("only admins share with a role")
        if not {*sharing.programs} <= {*await programs_taught(self._database, owner)}:
            raise forbidden("only with programs that you teach")
        shared = await shared_with(self._database, owner.id, sharing.users)
        if not all(meeting.teaches for meeting in shared.values()):
            raise forbidden("only with students of programs that you teach")

    async def check_kept(self, owner: Principal, sharing: Sharing) -> None:
        """Who reads a board reads what is changed in it too. So its owner must still teach these programs.

        Raises Refused `forbidden`, and Unavailable. Users who are named stay.
        """
        if owner.role is Role.ADMIN or not (sharing.roles or sharing.programs):
            return
        if sharing.roles or not {*sharing.programs} <= {*await programs_taught(self._database, owner)}:
            raise forbidden("first share it no longer with roles, and with programs that you teach no more")

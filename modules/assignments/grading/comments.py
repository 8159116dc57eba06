"""The bank of comments of a program: sentences that its markers use again. Students never see the bank itself."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Kernel
from gateway.errors import BadInput, Conflict, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from gateway.text import checked
from modules.assignments.access import AssignmentAccess
from modules.assignments.grading.comment_messages import (
    LONGEST,
    BankedComment,
    CommentBank,
    CommentChange,
    NewComment,
)
from modules.assignments.settings import GradingSettings

COLUMNS: Final = ", ".join(BankedComment.__struct_fields__)
OF_PROGRAM: Final = f"SELECT {COLUMNS} FROM assignments_comment WHERE program_id = $1 ORDER BY id"  # noqa: S608
LOCK: Final = f"SELECT {COLUMNS} FROM assignments_comment WHERE id = $1 FOR UPDATE"  # noqa: S608
ADD: Final = f"INSERT INTO assignments_comment ({COLUMNS}) VALUES ($1, $2, $3, $4, $5)"  # noqa: S608
CHANGE: Final = "UPDATE assignments_comment SET text = $2, rev = rev + 1 WHERE id = $1"
REMOVE: Final = "DELETE FROM assignments_comment WHERE id = $1"


class Comments:
    """For those who teach the program. Each call raises Refused `forbidden`, BadInput `not_found`, and Unavailable."""

    def __init__(self, kernel: Kernel, settings: GradingSettings, access: AssignmentAccess) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self._settings = settings
        self._access = access

    async def listed(self, principal: Principal, program_id: str) -> CommentBank:
        await self._access.teaches_program(principal, program_id)
        return CommentBank(await self._of_program(program_id))

    async def add(self, principal: Principal, new: NewComment) -> BankedComment:
        """Raises BadInput `invalid`, what filters raise, and Conflict `conflict` when the bank is full."""
        checked(new.text, LONGEST, "text")
        await self._kernel.filters.check(new, Author.of(principal))
        await self._access.teaches_program(principal, new.program_id)
        if len(await self._of_program(new.program_id)) >= self._settings.comments:
            raise Conflict(f"the bank of a program has at most {self._settings.comments} comments")
        comment = BankedComment(new_id(), new.program_id, new.text, principal.id, 1)
        await self._database.fetch(ADD, *msgspec.structs.astuple(comment))
        return comment

    async def change(self, principal: Principal, id: str, change: CommentChange, if_match: IfMatch) -> BankedComment:
        """Raises BadInput `invalid` and `precondition_failed`, and what filters raise."""
        checked(change.text, LONGEST, "text")
        await self._kernel.filters.check(change, Author.of(principal))
        async with self._database.transaction():
            before = await self._locked(principal, id)
            if_match.check(before.rev)
            await self._database.fetch(CHANGE, id, change.text)
        return msgspec.structs.replace(before, text=change.text, rev=before.rev + 1)

    async def remove(self, principal: Principal, id: str) -> None:
        async with self._database.transaction():
            await self._locked(principal, id)
            await self._database.fetch(REMOVE, id)

    async def _of_program(self, program_id: str) -> list[BankedComment]:
        rows = await self._database.fetch(OF_PROGRAM, program_id)
        return [msgspec.convert(dict(row), BankedComment) for row in rows]

    async def _locked(self, principal: Principal, id: str) -> BankedComment:
        for row in await self._database.fetch(LOCK, id):
            comment = msgspec.convert(dict(row), BankedComment)
            try:
                await self._access.teaches_program(principal, comment.program_id)
            except BadInput:
                # Of another program, which the caller may not know of.
                break
            return comment
        raise not_found("there is no such comment")

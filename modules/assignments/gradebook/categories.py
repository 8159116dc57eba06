"""Categories of a grade book: who makes and changes them. A change of one changes totals, which an event tells."""

from __future__ import annotations

import msgspec

from gateway.contract import Kernel
from gateway.errors import BadInput, Code, Conflict, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.assignments.access import AssignmentAccess
from modules.assignments.events import TotalsChanged
from modules.assignments.gradebook.category_messages import Categories, CategoryChange, CategoryView, NewCategory
from modules.assignments.gradebook.category_repository import CategoryRepository
from modules.assignments.settings import GradeBookSettings


class CategoryCatalogue:
    """Each call raises Unavailable, and BadInput `not_found` for what the user may not know of."""

    def __init__(self, kernel: Kernel, settings: GradeBookSettings, access: AssignmentAccess) -> None:
        self._kernel = kernel
        self._most = settings.categories
        self._access = access
        self._categories = CategoryRepository(kernel.database)

    async def listed(self, principal: Principal, program_id: str) -> Categories:
        """For everybody who takes part in the program."""
        await self._access.in_program(principal, program_id)
        return Categories(await self._categories.of_program(program_id))

    async def create(self, principal: Principal, new: NewCategory) -> CategoryView:
        """Raises Refused `forbidden`, BadInput `too_large` for one too many, and what filters raise."""
        await self._kernel.filters.check(new, Author.of(principal))
        await self._access.teaches_program(principal, new.program_id)
        async with self._kernel.database.transaction():
            await self._categories.lock_program(new.program_id)
            there = await self._categories.of_program(new.program_id)
            if len(there) >= self._most:
                raise BadInput(Code.TOO_LARGE, f"a program has at most {self._most} categories")
            last = max((one.position for one in there), default=-1) + 1
            category = CategoryView(
                id=new_id(),
                program_id=new.program_id,
                name=new.name,
                weight=new.weight,
                drop_lowest=new.drop_lowest,
                position=last if new.position is None else new.position,
                rev=1,
            )
            await self._categories.insert(category)
            await self._kernel.events.publish(TotalsChanged(category.program_id))
        return category

    async def change(self, principal: Principal, id: str, change: CategoryChange, if_match: IfMatch) -> CategoryView:
        """Raises Refused `forbidden`, BadInput `precondition_failed`, and what filters raise."""
        await self._kernel.filters.check(change, Author.of(principal))
        values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        async with self._kernel.database.transaction():
            before = await self._taught(principal, id)
            if_match.check(before.rev)
            category = msgspec.structs.replace(before, rev=before.rev + 1, **values)
            await self._categories.update(category)
            await self._kernel.events.publish(TotalsChanged(category.program_id))
        return category

    async def delete(self, principal: Principal, id: str, if_match: IfMatch) -> None:
        """Raises Refused `forbidden`, BadInput `precondition_failed`, and Conflict `assignments.category_used`."""
        async with self._kernel.database.transaction():
            before = await self._taught(principal, id)
            if_match.check(before.rev)
            if await self._categories.used(id):
                raise Conflict("assignments are in this category; move them first", code="assignments.category_used")
            await self._categories.delete(id)
            await self._kernel.events.publish(TotalsChanged(before.program_id))

    async def _taught(self, principal: Principal, id: str) -> CategoryView:
        """The category, locked, for those who teach its program."""
        category = await self._categories.lock(id)
        if category is None:
            raise not_found("there is no such category")
        await self._access.teaches_program(principal, category.program_id)
        return category

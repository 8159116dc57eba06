"""The items of lessons: added, changed, deleted and put in order by the program's mentors.

An item takes the number of the change as its `rev`, and so do its lesson and its unit: nobody deletes a lesson unseen.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from gateway.contract import Kernel
from gateway.errors import BadInput, Code, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.programs.curriculum_edit import CurriculumEdits
from modules.programs.curriculum_repository import CurriculumRepository
from modules.programs.errors import curriculum_full
from modules.programs.item_messages import CONTENT, ItemChange, ItemKind, ItemOrder, LessonItem, NewItem
from modules.programs.lesson_contents import LessonContents
from modules.programs.lesson_item_repository import ItemRow, LessonItemRepository
from modules.programs.messages import LessonView
from modules.programs.settings import ProgramsSettings


class LessonItems:
    """Edits the items of lessons.

    Each call raises BadInput `not_found`, Refused `forbidden` for a user who may not change the program, what filters
    raise of a text, and Unavailable.
    """

    def __init__(
        self,
        kernel: Kernel,
        settings: ProgramsSettings,
        lessons: CurriculumRepository,
        rows: LessonItemRepository,
        edits: CurriculumEdits,
        contents: LessonContents,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._lessons = lessons
        self._rows = rows
        self._edits = edits
        self._contents = contents

    async def add(self, principal: Principal, program_id: str, lesson_id: str, new: NewItem) -> LessonItem:
        """Add an item after the others.

        Raises BadInput `invalid` for what does not belong to its kind, or names nothing of this program, `too_large`,
        Conflict `programs.curriculum_full` and `files.not_ready`.
        """
        content = self._content(new.kind, new)
        if content is None:
            raise invalid(f"an item of kind {new.kind.value} needs it", field=CONTENT[new.kind])
        await self._kernel.filters.check(new, Author.of(principal))
        async with self._edits.change(principal, program_id) as rev:
            lesson, items = await self._read(program_id, lesson_id)
            if len(items) >= self._settings.lesson_items:
                raise curriculum_full("items in this lesson", self._settings.lesson_items)
            item = ItemRow(new_id(), lesson_id, new.kind, new.title or "", content, rev)
            await self._rows.add(item)
            await self._place_content(principal, program_id, item, [*items, item])
            await self._touch(lesson, rev)
            (view,) = await self._contents.views(program_id, lesson_id, [item])
        return view

    async def change(
        self, principal: Principal, program_id: str, lesson_id: str, item_id: str, change: ItemChange, if_match: IfMatch
    ) -> LessonItem:
        """Raises BadInput `precondition_failed`, and what `add` raises."""
        await self._kernel.filters.check(change, Author.of(principal))
        async with self._edits.change(principal, program_id) as rev:
            lesson, items = await self._read(program_id, lesson_id)
            before = _item(items, item_id)
            if_match.check(before.rev)
            content = self._content(before.kind, change)
            item = msgspec.structs.replace(before, rev=rev)
            if change.title is not UNSET:
                item = msgspec.structs.replace(item, title=change.title or "")
            if content is not None:
                item = msgspec.structs.replace(item, content=content)
            await self._rows.write(item)
            if item.content != before.content:
                others = [item if one.id == item_id else one for one in items]
                await self._place_content(principal, program_id, item, others)
            await self._touch(lesson, rev)
            (view,) = await self._contents.views(program_id, lesson_id, [item])
        return view

    async def delete(
        self, principal: Principal, program_id: str, lesson_id: str, item_id: str, if_match: IfMatch
    ) -> None:
        """Raises BadInput `precondition_failed`. A file that nothing else holds is deleted later."""
        async with self._edits.change(principal, program_id) as rev:
            lesson, items = await self._read(program_id, lesson_id)
            item = _item(items, item_id)
            if_match.check(item.rev)
            await self._rows.delete(item_id)
            others = [one for one in items if one.id != item_id]
            await self._place_content(principal, program_id, item, others)
            await self._touch(lesson, rev)

    async def reorder(
        self, principal: Principal, program_id: str, lesson_id: str, order: ItemOrder, if_match: IfMatch
    ) -> LessonView:
        """Put all items in this order, with the lesson's ETag.

        Raises BadInput `precondition_failed`, and `invalid` for an order that lacks or doubles some.
        """
        async with self._edits.change(principal, program_id) as rev:
            lesson, items = await self._read(program_id, lesson_id)
            if_match.check(lesson.rev)
            if sorted(order.items) != sorted(item.id for item in items):
                raise invalid("an order names each item of the lesson once", field="items")
            await self._rows.place(order.items)
            lesson = await self._touch(lesson, rev)
            return await self._contents.whole(lesson)

    async def _read(self, program_id: str, lesson_id: str) -> tuple[LessonView, list[ItemRow]]:
        lesson = await self._lessons.lesson(program_id, lesson_id)
        if lesson is None:
            raise not_found("there is no such lesson in this program")
        return lesson, await self._rows.of_lesson(lesson_id)

    def _content(self, kind: ItemKind, given: NewItem | ItemChange) -> str | None:
        """What belongs to the kind; None when it was left out. Raises BadInput for what belongs to another kind."""
        for other, field in CONTENT.items():
            if other is not kind and getattr(given, field) is not UNSET:
                raise invalid(f"an item of kind {kind.value} has none", field=field)
        field = CONTENT[kind]
        content: str | msgspec.UnsetType = getattr(given, field)
        if content is UNSET:
            return None
        if kind is ItemKind.TEXT and len(content) > self._settings.lesson_characters:
            raise BadInput(
                Code.TOO_LARGE, f"text is longer than {self._settings.lesson_characters} characters", field=field
            )
        if "\n" in content and kind is ItemKind.LINK:
            # The `$` of a pattern lets one pass at the end.
            raise invalid("a line feed is in no address", field=field)
        return content

    async def _place_content(
        self, principal: Principal, program_id: str, item: ItemRow, items: Sequence[ItemRow]
    ) -> None:
        """Check what a new or changed item names. `items` are all of the lesson's, as they are from now on."""
        if item.kind is ItemKind.FILE:
            await self._contents.attach(program_id, item.lesson_id, items, principal.id)
            return
        if item.kind is ItemKind.RECORDING and item in items:
            found = await self._contents.sessions(program_id, [item.content])
            if item.content not in found:
                raise invalid("this program has no such session", field="session_id")

    async def _touch(self, lesson: LessonView, rev: int) -> LessonView:
        """Give the lesson and its unit this `rev`, since something in them changed."""
        lesson = msgspec.structs.replace(lesson, rev=rev)
        await self._lessons.write_lesson(lesson)
        await self._lessons.touch_unit(lesson.program_id, lesson.unit_id, rev)
        return lesson


def _item(items: Sequence[ItemRow], item_id: str) -> ItemRow:
    for item in items:
        if item.id == item_id:
            return item
    raise not_found("there is no such item in this lesson")

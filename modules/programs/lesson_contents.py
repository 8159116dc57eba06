"""What lessons consist of, as their readers see it: items with their files, and live sessions with their recordings."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.contract import Kernel
from gateway.errors import invalid
from modules.files import facade as files
from modules.files.facade import Shown
from modules.programs.facade import LessonSession, LessonSessions
from modules.programs.item_messages import ItemKind, LessonItem
from modules.programs.lesson_item_repository import ItemRow, LessonItemRepository
from modules.programs.materials import MATERIAL, holder_of
from modules.programs.messages import LessonView


class LessonContents:
    """Reads and holds what stands behind the items of lessons. Each call raises Unavailable."""

    def __init__(self, kernel: Kernel, rows: LessonItemRepository) -> None:
        self._kernel = kernel
        self._rows = rows

    async def whole(self, lesson: LessonView) -> LessonView:
        """The lesson with its items in their order, and the sessions that are about it."""
        rows = await self._rows.of_lesson(lesson.id)
        items = await self.views(lesson.program_id, lesson.id, rows)
        shown = {item.session.id for item in items if item.session is not None}
        found = [one for each in self._sessions() for one in await each.of_lesson(lesson.program_id, lesson.id)]
        own = tuple(one for one in found if one.id not in shown)
        return msgspec.structs.replace(lesson, items=items, sessions=own)

    async def views(self, program_id: str, lesson_id: str, rows: Sequence[ItemRow]) -> tuple[LessonItem, ...]:
        """Items of one lesson as they are shown."""
        shown = await self._shown_files(lesson_id) if any(row.kind is ItemKind.FILE for row in rows) else {}
        named = [row.content for row in rows if row.kind is ItemKind.RECORDING]
        sessions = await self.sessions(program_id, named) if named else {}

        def view(row: ItemRow) -> LessonItem:
            item = LessonItem(row.id, row.kind, row.title, row.rev)
            match row.kind:
                case ItemKind.TEXT:
                    return msgspec.structs.replace(item, text=row.content)
                case ItemKind.LINK:
                    return msgspec.structs.replace(item, url=row.content)
                case ItemKind.FILE:
                    return msgspec.structs.replace(item, file=shown.get(row.content))
                case ItemKind.RECORDING:
                    return msgspec.structs.replace(item, session=sessions.get(row.content))

        return tuple(view(row) for row in rows)

    async def sessions(self, program_id: str, session_ids: Sequence[str]) -> dict[str, LessonSession]:
        """Those of these sessions that belong to the program."""
        return {id: one for each in self._sessions() for id, one in (await each.find(program_id, session_ids)).items()}

    async def attach(self, program_id: str, lesson_id: str, rows: Sequence[ItemRow], owner_id: str) -> None:
        """Have the lesson hold the files of these items, in place of those it held; inside a transaction.

        Raises BadInput `invalid` and Conflict `files.not_ready`, as `Files.attach` does.
        """
        named = [row.content for row in rows if row.kind is ItemKind.FILE]
        if len({*named}) < len(named):
            raise invalid("this file is an item of the lesson already", field="file_id")
        storage = files.of(self._kernel)
        held = await storage.attach(holder_of(lesson_id), named, purpose=MATERIAL, owner_id=owner_id, field="file_id")
        if any(file.target != program_id for file in held):
            raise invalid("this file was uploaded for another program", field="file_id")

    async def detach(self, lesson_or_unit: str) -> None:
        """Let go of the files of a lesson, or of all lessons of a unit, that is deleted; inside a transaction."""
        if lessons := await self._rows.lessons_with_files(lesson_or_unit):
            await files.of(self._kernel).detach([holder_of(lesson) for lesson in lessons])

    async def _shown_files(self, lesson_id: str) -> dict[str, Shown]:
        storage, holder = files.of(self._kernel), holder_of(lesson_id)
        return {file.id: storage.shown(file) for file in (await storage.held([holder])).get(holder, ())}

    def _sessions(self) -> Sequence[LessonSessions]:
        return self._kernel.contributed(LessonSessions)  # type: ignore[type-abstract]

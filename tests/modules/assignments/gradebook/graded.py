"""Assignments whose work is handed in and graded by way of the gateway's routes."""

from __future__ import annotations

from typing import Any

from tests.modules.assignments.classroom import Classroom
from tests.modules.assignments.grading.marking import Marker
from tests.modules.assignments.submissions.work import Work


class Graded:
    """An assignment of a class, its marker, and the receipts of who has turned in."""

    def __init__(self, room: Classroom, assignment: dict[str, Any]) -> None:
        self.room = room
        self.id: str = assignment["id"]
        self.marker = Marker(room.teacher, self.id)
        self.receipts: dict[str, dict[str, Any]] = {}

    async def hand_in(self, student: str) -> None:
        self.receipts[student] = await Work(self.room.caller, student, self.id).hand_in()

    async def grade(self, student: str, points: str, state: str = "final") -> None:
        if student not in self.receipts:
            await self.hand_in(student)
        await self.marker.save(self.receipts[student], points, state=state)


async def graded(room: Classroom, points: str = "10", **values: Any) -> Graded:
    return Graded(room, await room.assignment(points=points, accepts=["text"], **values))

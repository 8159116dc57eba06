"""A program with lessons, and the certificate that completing them gives."""

from __future__ import annotations

from typing import Any, Final

import httpx

from ksmp_testkit import Caller, Running, eventually
from ksmp_testkit.answers import done
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom
from tests.modules.programs.programs import ANY

CERTIFICATES: Final = f"{ASSIGNMENTS}/certificates"
COMPLETION: Final = f"{ASSIGNMENTS}/completion"
RULE: Final = f"{ASSIGNMENTS}/completion-rule"


class Course:
    """A program with two lessons and its students."""

    def __init__(self, room: Classroom, node: Running, lessons: list[str]) -> None:
        self.room = room
        self.node = node
        self.lessons = lessons
        self.program = room.program
        self.teacher = room.teacher

    def rest(self, student: str, name: str | None = None) -> httpx.AsyncClient:
        return self.room.caller(student)

    async def needs(self, **rule: Any) -> dict[str, Any]:
        return dict(done(await self.teacher.put(f"{RULE}?program={self.program}", json=rule, headers=ANY)))

    async def complete(self, student: str, *lessons: str) -> None:
        """Lessons that the student completes; all without any. What follows by itself has happened then."""
        for lesson in lessons or self.lessons:
            path = f"{self.room.path}/lessons/{lesson}/progress"
            done(await self.rest(student).put(path, json={"state": "completed"}))
        for look in ("assignments.evaluate_lesson", "assignments.evaluate_program"):
            await self.node.events_handled(look)

    async def standing(self, student: str) -> dict[str, Any]:
        return dict(done(await self.rest(student).get(f"{COMPLETION}/own?program={self.program}")))

    async def certificates(self, student: str) -> list[dict[str, Any]]:
        return list(done(await self.rest(student).get(CERTIFICATES))["items"])

    async def certificate(self, student: str) -> dict[str, Any]:
        """The student's only certificate; it is waited for."""

        async def there() -> bool:
            return bool(await self.certificates(student))

        await eventually(there, "a certificate is issued")
        (found,) = await self.certificates(student)
        return found

    async def issued(self, student: str) -> dict[str, Any]:
        """As `certificate`, of a student who completes the lessons for it."""
        await self.complete(student)
        return await self.certificate(student)

    async def revoke(self, certificate: dict[str, Any], reason: str = "A mistake") -> dict[str, Any]:
        path = f"{CERTIFICATES}/{certificate['id']}/revoke"
        return dict(done(await self.teacher.post(path, json={"reason": reason})))


async def course(caller: Caller, node: Running, students: int = 1, **rule: Any) -> Course:
    room = await classroom(caller, students=students)
    unit = done(await room.teacher.post(f"{room.path}/units", json={"title": "A"}), 201)["id"]
    lessons = [
        done(await room.teacher.post(f"{room.path}/units/{unit}/lessons", json={"title": title}), 201)["id"]
        for title in ("One", "Two")
    ]
    made = Course(room, node, lessons)
    if rule:
        await made.needs(**rule)
    return made

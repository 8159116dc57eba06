"""A program with its mentor and students, and assignments of it, by way of the gateway's routes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from gateway import clock
from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from modules.assignments.dates.wall_time import zone_of
from tests.modules.programs.programs import ANY, created, id_of, signed_in, user

ASSIGNMENTS: Final = "/api/v1/assignments"
ZONE: Final = "Asia/Kolkata"


class Classroom:
    """A published program. `mentor` and each of `students` are ids of users whom the platform knows."""

    def __init__(self, caller: Caller, path: str, mentor: str, students: Sequence[str]) -> None:
        self.caller = caller
        self.path = path
        self.program = id_of(path)
        self.mentor = mentor
        self.students = list(students)

    @property
    def teacher(self) -> httpx.AsyncClient:
        """REST as the mentor."""
        return self.caller(self.mentor, "mentor")

    async def enrol(self, student: str | None = None) -> str:
        """One more student of the program."""
        one = student or user()
        assert done(await self.caller(one).post(f"{self.path}/enrolment"))["state"] == "enrolled"
        return one

    async def draft(self, **values: Any) -> dict[str, Any]:
        """A new assignment that only the mentor sees."""
        body = {"program_id": self.program, "title": "Quadratic equations"} | values
        return dict(done(await self.teacher.post(f"{ASSIGNMENTS}/", json=body, headers=_key()), 201))

    async def assignment(self, **values: Any) -> dict[str, Any]:
        """A new assignment that is published."""
        draft = await self.draft(**values)
        return dict(done(await self.teacher.post(f"{ASSIGNMENTS}/{draft['id']}/publish", headers=ANY)))

    async def read(self, who: str, id: str) -> dict[str, Any]:
        """The assignment as a student sees it, or the mentor."""
        client = self.teacher if who == self.mentor else self.caller(who)
        return dict(done(await client.get(f"{ASSIGNMENTS}/{id}")))


async def classroom(caller: Caller, students: int = 1, **values: Any) -> Classroom:
    """A new program with so many enrolled students."""
    mentor = user()
    path = await created(caller(mentor, "mentor"), **values)
    room = Classroom(caller, path, mentor, [])
    for _ in range(students):
        room.students.append(await room.enrol())
    await signed_in(caller(mentor, "mentor"), *(caller(one) for one in room.students))
    return room


def wall(at: datetime | str, zone: str = ZONE) -> dict[str, str]:
    """A date as a request writes it: a moment with a zone of its own is shown by the clock of `zone`."""
    if isinstance(at, str):
        return {"at": at, "zone": zone}
    return {"at": f"{at.astimezone(zone_of(zone)):%Y-%m-%dT%H:%M:%S}", "zone": zone}


def later(**ago: float) -> dict[str, str]:
    """A date so much later than now: `later(hours=1)`, `later(days=-2)`. Whole seconds, rounded down."""
    return wall(clock.now() + timedelta(**ago))


def _key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}

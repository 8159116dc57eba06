"""Marking by way of the gateway's routes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from modules.assignments.dates.wall_time import zone_of
from tests.modules.assignments.classroom import ASSIGNMENTS, ZONE, Classroom, classroom
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import signed_in, user

TOGETHER: Final = {"release": "together", "accepts": ["text"], "points": "10"}


class Marker:
    """Somebody who teaches, at one assignment."""

    def __init__(self, rest: httpx.AsyncClient, assignment_id: str) -> None:
        self.rest = rest
        self.path = f"{ASSIGNMENTS}/{assignment_id}"

    def grade_of(self, receipt: dict[str, Any]) -> str:
        return f"{self.path}/submissions/{receipt['submission_id']}/grade"

    async def read(self, receipt: dict[str, Any]) -> dict[str, Any]:
        return dict(done(await self.rest.get(self.grade_of(receipt))))

    async def try_save(
        self, receipt: dict[str, Any], points: str | None = None, *, rev: int | str | None = None, **grade: Any
    ) -> httpx.Response:
        """Save a grade of what a student has a receipt for; without `rev` of the revision that is there."""
        known = (await self.read(receipt))["rev"] if rev is None else rev
        body = {"attempt_id": receipt["attempt_id"], "state": "draft", "points": points, **grade}
        headers = {"If-Match": "*" if known == "*" else f'"{known}"'}
        return await self.rest.put(self.grade_of(receipt), json=body, headers=headers)

    async def save(self, receipt: dict[str, Any], points: str | None = None, **grade: Any) -> dict[str, Any]:
        return dict(done(await self.try_save(receipt, points, **grade)))

    async def final(self, receipt: dict[str, Any], points: str | None = None, **grade: Any) -> dict[str, Any]:
        return await self.save(receipt, points, state="final", **grade)

    async def versions(self, receipt: dict[str, Any]) -> list[dict[str, Any]]:
        return list(done(await self.rest.get(f"{self.grade_of(receipt)}/versions"))["items"])

    async def release(self, *receipts: dict[str, Any]) -> int:
        """Of these, or of all; how many grades are seen anew."""
        ids = [one["submission_id"] for one in receipts] or None
        return int(done(await self.rest.post(f"{self.path}/release", json={"submission_ids": ids}))["released"])

    async def markings(self, *, mine: bool = False) -> list[dict[str, Any]]:
        suffix = "?mine=true" if mine else ""
        return list(done(await self.rest.get(f"{self.path}/markings{suffix}"))["items"])

    async def next(self, skip: str | None = None) -> dict[str, Any]:
        suffix = "" if skip is None else f"?skip={skip}"
        return dict(done(await self.rest.post(f"{self.path}/next-ungraded{suffix}")))


def by_the_clock(at: datetime) -> tuple[datetime, str]:
    """A moment as the rows of dates have it, beside the moment itself: wall clock and zone."""
    return at.astimezone(zone_of(ZONE)).replace(tzinfo=None), ZONE


@dataclass
class Class:
    """A class whose students have turned in, one attempt each: `works` and `receipts` are in the order of students."""

    room: Classroom
    assignment: dict[str, Any]
    works: list[Work]
    receipts: list[dict[str, Any]]

    @property
    def id(self) -> str:
        return str(self.assignment["id"])

    @property
    def marker(self) -> Marker:
        """The mentor."""
        return Marker(self.room.teacher, self.id)

    async def co_mentor(self, caller: Caller) -> Marker:
        """One more who teaches the program."""
        name = user()
        rest = caller(name, "mentor")
        await signed_in(rest)
        change = {"co_mentors": [name]}
        done(await self.room.teacher.patch(self.room.path, json=change, headers={"If-Match": "*"}))
        return Marker(rest, self.id)


async def class_of(caller: Caller, students: int = 1, **values: Any) -> Class:
    room = await classroom(caller, students=students)
    assignment = await room.assignment(**(TOGETHER | values))
    works = [Work(caller, student, assignment["id"]) for student in room.students]
    return Class(room, assignment, works, [await work.hand_in() for work in works])

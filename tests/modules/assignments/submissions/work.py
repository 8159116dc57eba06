"""A student's work for an assignment, by way of the gateway's routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
import httpx

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from tests.modules.assignments.classroom import ASSIGNMENTS
from tests.modules.files.uploads import begun, uploaded

PURPOSE = "assignments.submission"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(64) + b"\xff\xd9"


class Work:
    """What one student does for one assignment; it remembers the revision of the draft."""

    def __init__(self, caller: Caller, user: str, assignment_id: str) -> None:
        self.rest = caller(user)
        self.user = user
        self.path = f"{ASSIGNMENTS}/{assignment_id}/submission"
        self.id = assignment_id
        self.rev = 0

    async def upload(self, content: bytes, **values: Any) -> str:
        """The id of a file that was uploaded for this assignment."""
        return str((await uploaded(self.rest, content, purpose=PURPOSE, target=self.id, **values))["id"])

    async def begin_upload(self, content: bytes, **values: Any) -> dict[str, Any]:
        return await begun(self.rest, content, purpose=PURPOSE, target=self.id, **values)

    async def try_save(self, **draft: Any) -> httpx.Response:
        return await self.rest.put(f"{self.path}/draft", json={"draft_rev": self.rev, **draft})

    async def save(self, **draft: Any) -> dict[str, Any]:
        saved = dict(done(await self.try_save(**draft)))
        self.rev = saved["rev"]
        return saved

    async def draft(self) -> dict[str, Any]:
        found = dict(done(await self.rest.get(f"{self.path}/draft")))
        self.rev = found["rev"]
        return found

    async def try_turn_in(self, rev: int | None = None) -> httpx.Response:
        return await self.rest.post(f"{self.path}/turn-in", json={"draft_rev": rev or self.rev})

    async def turn_in(self) -> dict[str, Any]:
        return dict(done(await self.try_turn_in()))

    async def hand_in(self, text: str = "The answer is 42.") -> dict[str, Any]:
        """Save a draft and turn it in."""
        await self.save(text=text)
        return await self.turn_in()

    async def receipt(self, number: int) -> dict[str, Any]:
        return dict(done(await self.rest.get(f"{self.path}/attempts/{number}/receipt")))

    async def attempt(self, number: int) -> dict[str, Any]:
        return dict(done(await self.rest.get(f"{self.path}/attempts/{number}")))

    async def read(self) -> dict[str, Any]:
        return dict(done(await self.rest.get(self.path)))

    async def step(self, name: str) -> httpx.Response:
        """`reclaim` or `resubmit`."""
        answer = await self.rest.post(f"{self.path}/{name}")
        if answer.status_code == 200:
            await self.draft()
        return answer


async def set_dates(database: asyncpg.Pool, id: str, *, due: datetime | None, closes: datetime | None) -> None:
    """Change the dates of an assignment as if they had been so before, without its listeners."""
    await database.execute(
        """
        UPDATE assignments_assignment
        SET due_at = $2, due_wall = $2 AT TIME ZONE 'UTC', due_zone = CASE WHEN $2 IS NULL THEN NULL ELSE 'UTC' END,
            closes_at = $3, closes_wall = $3 AT TIME ZONE 'UTC',
            closes_zone = CASE WHEN $3 IS NULL THEN NULL ELSE 'UTC' END
        WHERE id = $1
        """,
        id,
        due,
        closes,
    )

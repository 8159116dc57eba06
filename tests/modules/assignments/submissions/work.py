"""A student's work for an assignment, by way of the gateway's routes."""

from __future__ import annotations

from typing import Any

import httpx

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from tests.modules.assignments.classroom import ASSIGNMENTS


class Work:
    """What one student does for one assignment; it remembers the revision of the draft."""

    def __init__(self, caller: Caller, user: str, assignment_id: str) -> None:
        self.rest = caller(user)
        self.user = user
        self.path = f"{ASSIGNMENTS}/{assignment_id}/submission"
        self.rev = 0

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

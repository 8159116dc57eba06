"""A program with one assignment that is due in a moment, and what its students and mentor do by REST."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import httpx

from loadtests.patient import PatientClient
from loadtests.stack import Stack

# A student waits no longer than this for the next try: the deadline is near.
LONGEST: Final = 0.5
# Seconds after an upload within which it must be turned in to count from its beginning. Of these runs alone.
AFTER_UPLOAD: Final = 10.0
ENROL: Final = "INSERT INTO program_enrolment (program_id, user_id) SELECT $1, unnest($2::text[])"


class Work:
    """`http` talks to the gateways and to the bucket."""

    def __init__(self, running: Stack, http: httpx.AsyncClient, seed: int) -> None:
        self.running = running
        self.http = http
        self.random = random.Random(seed)
        self.client = PatientClient(running.gateways, http, self.random, longest=LONGEST)
        self.program = self.assignment = ""
        self.due = datetime.now(UTC)

    async def open(self, database: asyncpg.Pool, students: list[str], seconds: float) -> None:
        """Make the program with these students, and publish an assignment that is due in so many seconds."""
        made = await self._mentor("POST", "/programs", "program", {"title": "Algebra"})
        self.program = str(made["id"])
        await self._mentor("POST", f"/programs/{self.program}/publish", match='"1"')
        await database.execute(ENROL, self.program, students)
        # A wall clock has whole seconds.
        self.due = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
        terms = {
            "program_id": self.program,
            "title": "Proof by induction",
            "points": "20",
            "accepts": ["text", "files"],
            "due": {"at": self.due.replace(tzinfo=None).isoformat(), "zone": "UTC"},
            "late": {"kind": "percent", "percent": "10", "floor": "0"},
        }
        made = await self._mentor("POST", "/assignments", "assignment", terms)
        self.assignment = str(made["id"])
        await self._mentor("POST", f"/assignments/{self.assignment}/publish", match=f'"{made["rev"]}"')

    async def until(self, seconds_before: float) -> None:
        """Wait until so many seconds before it is due."""
        left = (self.due - datetime.now(UTC)).total_seconds() - seconds_before
        await asyncio.sleep(max(0.0, left))

    async def faults(self, faults: dict[str, Any]) -> None:
        """What the stand-in for S3 does from now on."""
        url = f"{self.running.aws_endpoint}/_devcloud/faults"
        (await self.http.put(url, json=faults)).raise_for_status()

    async def _mentor(self, method: str, path: str, key: str = "", json: Any = None, match: str = "") -> Any:
        token = self.running.tokens["mentor"]
        answer = await self.client.ask(method, path, token, key=key, match=match, json=json)
        if answer.is_error:
            raise RuntimeError(f"{method} {path} was answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()

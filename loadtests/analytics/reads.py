"""Reads dashboards and measures over HTTP, each over another time, so that no cache has the answer."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import httpx
import msgspec

from loadtests.analytics.ingestion import percentile

# Four weeks, as a dashboard shows when nothing else is asked for.
WINDOW: Final = 28
DASHBOARDS: Final = {
    "student": "/dashboards/student",
    "mentor": "/dashboards/mentor",
    "admin": "/dashboards/admin",
}


class Answered(msgspec.Struct, frozen=True):
    """Milliseconds of the requests for one thing, and the statuses that were not 200."""

    what: str
    median: float
    p95: float
    faults: dict[int, int]


class Reader:
    """Asks one gateway with the tokens of a `ksmp dev`, by role."""

    def __init__(self, url: str, tokens: Mapping[str, str], days: int, until: date, seed: int) -> None:
        self._client = httpx.AsyncClient(base_url=f"{url}/api/v1/analytics", trust_env=False, timeout=60.0)
        self._tokens = tokens
        self._dice = random.Random(seed)
        self._days = days
        self._until = until

    async def close(self) -> None:
        await self._client.aclose()

    async def names(self, role: str) -> list[str]:
        """The measures that this role may read."""
        answer = await self._client.get("/measures", headers=self._headers(role))
        answer.raise_for_status()
        return [item["name"] for item in answer.json()["items"]]

    async def dashboards(self, times: int) -> list[Answered]:
        """Each role its own."""
        return [await self.ask(f"dashboard {role}", role, path, times) for role, path in DASHBOARDS.items()]

    async def measures(self, role: str, times: int, **parameters: str) -> list[Answered]:
        """Each measure alone, which a widget of a board asks for."""
        found = [
            await self.ask(f"{name} {' '.join(parameters.values())}", role, f"/measures/{name}", times, **parameters)
            for name in await self.names(role)
        ]
        return sorted(found, key=lambda one: -one.p95)

    async def at_risk(self, programs: Sequence[str], times: int) -> Answered:
        """The students who fall behind in programs that the mentor teaches, by turns. It is computed each time."""
        paths = [f"/programs/{programs[number % len(programs)]}/at-risk" for number in range(times)]
        return await self._timed("students at risk", "mentor", [(path, {}) for path in paths])

    async def ask(self, what: str, role: str, path: str, times: int, **parameters: str) -> Answered:
        return await self._timed(what, role, [(path, {**window, **parameters}) for window in self._windows(times)])

    async def _timed(self, what: str, role: str, requests: Sequence[tuple[str, dict[str, str]]]) -> Answered:
        took: list[float] = []
        faults: dict[int, int] = {}
        for path, parameters in requests:
            begun = time.perf_counter()
            answer = await self._client.get(path, params=parameters, headers=self._headers(role))
            took.append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                faults[answer.status_code] = faults.get(answer.status_code, 0) + 1
        return Answered(what, percentile(took, 0.5), percentile(took, 0.95), faults)

    def _windows(self, times: int) -> Iterator[dict[str, str]]:
        """Four weeks each, that end on days of which no two are the same."""
        days = range(max(times, self._days - WINDOW))
        for day in self._dice.sample(days, k=times):
            until = self._until - timedelta(days=day)
            yield {"from": (until - timedelta(days=WINDOW)).isoformat(), "until": until.isoformat()}

    def _headers(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[role]}"}


def faulty(answers: Sequence[Answered]) -> list[Answered]:
    return [one for one in answers if one.faults]

"""Reads the three dashboards as a browser does, and says where a figure is not what the players did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from loadtests.checkouts.shop import Shop
from loadtests.school.expected import Expected

# Facts have come in by then.
LIMIT: Final = 60.0
# How things stand counts what was there before the play too.
STATES: Final = ("lesson_completion", "assignment_completion", "program_completion")
# Of every request of a gateway, which nobody keeps books of.
MACHINE: Final = frozenset({"response_time", "chat_latency"})
Figures = dict[str, tuple[int, int | None]]


class Dashboards:
    """The dashboards of one window, which begins with the play."""

    def __init__(self, shop: Shop, since: datetime) -> None:
        self._shop = shop
        self._since = since
        self._before: dict[str, Figures] = {}

    async def look_before(self) -> None:
        """What was there before the play."""
        for whose in ("mentor", "admin"):
            self._before[whose] = await self._figures(whose, self._shop.running.tokens[whose])

    async def differences(self, whose: str, token: str, expected: Mapping[str, Expected]) -> list[str]:
        """Each figure of the dashboard that is not as expected, once it had time."""
        until = time.monotonic() + LIMIT
        while True:
            figures = await self._figures(whose, token)
            wrong = self._wrong(whose, figures, expected)
            if not wrong or time.monotonic() > until:
                return wrong
            await asyncio.sleep(1.0)

    async def kinds(self, token: str, measure: str) -> dict[str, int]:
        """The numerators of a measure by its kinds."""
        path = f"/analytics/measures/{measure}?{self._window}&by=kind"
        answer = await self._shop.ask("GET", path, token)
        answer.raise_for_status()
        return {one["key"]: one["numerator"] for one in answer.json()["figures"]}

    @property
    def _window(self) -> str:
        return f"from={self._since:%Y-%m-%dT%H:%M:%SZ}"

    async def _figures(self, whose: str, token: str) -> Figures:
        answer = await self._shop.ask("GET", f"/analytics/dashboards/{whose}?{self._window}", token)
        if answer.is_error:
            raise RuntimeError(f"the dashboard of {whose} was answered {answer.status_code}: {answer.text[:500]}")
        board: dict[str, Any] = answer.json()
        return {
            one["measure"]["name"]: (total["numerator"], total["denominator"])
            for part in ("indications", "details", "headlines")
            for one in board[part]
            for total in one["total"]
        }

    def _wrong(self, whose: str, figures: Figures, expected: Mapping[str, Expected]) -> list[str]:
        faults = []
        for name in sorted(figures.keys() - MACHINE):
            numerator, denominator = figures[name]
            if name in STATES and whose in self._before:
                before = self._before[whose][name]
                numerator, denominator = numerator - before[0], (denominator or 0) - (before[1] or 0)
            wanted = expected.get(name)
            if wanted is None or numerator is None or not wanted.fits(numerator, denominator):
                faults.append(f"{whose}: {name} is {numerator} / {denominator}, and was {wanted}")
        return faults

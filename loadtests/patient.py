"""A client that asks again, with the same key, at one gateway after the other, until there is an answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx

# It tries for so long, as a patient person does.
PATIENCE: Final = 90.0
AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


def ignore(answer: httpx.Response) -> None:
    """Nobody asks what came before the last answer."""


def good(answer: httpx.Response, what: str) -> Any:
    """The body of an answer that must be good; raises RuntimeError for another one."""
    if answer.is_error:
        raise RuntimeError(f"{what} was answered {answer.status_code}: {answer.text[:400]}")
    return answer.json() if answer.content else None


class NoAnswer(Exception):
    """No gateway gave an answer in time."""


class PatientClient:
    """`longest` is the longest wait between two tries, in seconds. `repeats` counts what was asked again."""

    def __init__(
        self, gateways: Sequence[str], http: httpx.AsyncClient, drawn: random.Random, *, longest: float = 3.0
    ) -> None:
        self._gateways = gateways
        self._http = http
        self._drawn = drawn
        self._longest = longest
        self._number = itertools.count()
        self.repeats = 0

    async def ask(
        self,
        method: str,
        path: str,
        token: str,
        *,
        key: str = "",
        match: str = "",
        json: Any = None,
        heard: Callable[[httpx.Response], None] = ignore,
    ) -> httpx.Response:
        """The answer of a gateway; asked again after what is temporary. `heard` gets each answer. Raises NoAnswer."""
        headers = {"Authorization": f"Bearer {token}"}
        headers |= ({"Idempotency-Key": key} if key else {}) | ({"If-Match": match} if match else {})
        until = time.monotonic() + PATIENCE
        wait = 0.1
        while True:
            gateway = self._gateways[next(self._number) % len(self._gateways)]
            said = "no connection"
            try:
                answer = await self._http.request(method, f"{gateway}/api/v1{path}", headers=headers, json=json)
            except httpx.TransportError as error:
                said = repr(error)
            else:
                heard(answer)
                busy = answer.status_code == 409 and answer.json().get("temporary") is True
                if answer.status_code not in AGAIN and not busy:
                    return answer
                said = f"{answer.status_code} {answer.text[:300]}"
            if time.monotonic() > until:
                raise NoAnswer(f"{method} {path}: {said}")
            self.repeats += 1
            await asyncio.sleep(wait * (0.5 + self._drawn.random()))
            wait = min(wait * 2, self._longest)

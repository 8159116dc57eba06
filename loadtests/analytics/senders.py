"""Client events as clients send them, and as they wait in the stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final
from uuid import UUID

import httpx
import msgspec
import nats

from gateway import clock
from gateway.events import names
from gateway.identifier import new_id
from modules.analytics.intake.client_events import INTAKE, ClientEvent
from modules.analytics.tracking.messages import Track, TrackedEvent

EVENT: Final = "analytics.page_viewed"
PAGES: Final = ("dashboard", "session", "board", "boards")
PROGRAMS: Final = 50
# Events of one message, as of a full request.
MESSAGE: Final = 500


class Clients:
    """Students who send events, each with a token."""

    def __init__(self, gateway: str, tokens: Sequence[str], http: httpx.AsyncClient, per_request: int) -> None:
        self._url = f"{gateway}/api/v1/analytics/events"
        self._tokens = tokens
        self._http = http
        self._per_request = per_request
        self._bodies = Bodies()
        self.accepted = 0

    async def send(self, number: int) -> None:
        """Send one request. Raises RuntimeError when an event is not accepted."""
        headers = {
            "Authorization": f"Bearer {self._tokens[number % len(self._tokens)]}",
            "Content-Type": "application/json",
        }
        body = msgspec.json.encode(Track(clock.now(), list(self._bodies.events(self._per_request))))
        answer = await self._http.post(self._url, headers=headers, content=body)
        if answer.status_code != 200 or answer.content.count(b'"accepted"') != self._per_request:
            raise RuntimeError(f"events were answered {answer.status_code}: {answer.text[:200]}")
        self.accepted += self._per_request


class Bodies:
    """Events as clients make them."""

    def __init__(self) -> None:
        self._numbers = count()

    def events(self, many: int) -> Iterator[TrackedEvent]:
        now = clock.now()
        for _ in range(many):
            number = next(self._numbers)
            properties: dict[str, str | int | float | bool | None] = {
                "page": PAGES[number % len(PAGES)],
                "program_id": f"program-{number % PROGRAMS}",
            }
            yield TrackedEvent(new_id(), EVENT, now, properties)

    def kept(self, many: int, users: Sequence[str]) -> list[ClientEvent]:
        """The same as they wait in the stream."""
        return [
            ClientEvent(
                UUID(event.id),
                event.at,
                event.name,
                users[number % len(users)],
                str(event.properties["program_id"]),
                "",
                str(event.properties["page"]),
                0,
            )
            for number, event in enumerate(self.events(many))
        ]


async def put(url: str, total: int, users: Sequence[str]) -> None:
    """Put so many events into the stream, without a gateway."""
    bodies = Bodies()
    connection = await nats.connect(url)
    try:
        for _ in range(0, total, MESSAGE):
            body = msgspec.json.encode(bodies.kept(MESSAGE, users))
            await connection.jetstream().publish(names.intake(INTAKE), body, headers={names.MESSAGE_ID: new_id()})
    finally:
        await connection.close()

"""A gateway that sends webhooks soon, also to this machine, and a receiver."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done
from ksmp_testkit.eventually import eventually
from modules.live.events import SessionCancelled
from tests.modules.integrations.service_client import ADMIN
from tests.modules.integrations.webhooks.receiver import Receiver, receiving

SOON = {
    "KSMP_INTEGRATIONS_PRIVATE_ADDRESSES": "true",
    "KSMP_INTEGRATIONS_WEBHOOK_INTERVAL": "0.05",
    "KSMP_INTEGRATIONS_WEBHOOK_TIMEOUT": "3",
    "KSMP_INTEGRATIONS_WEBHOOK_ATTEMPTS": "3",
    "KSMP_INTEGRATIONS_RETRY_FIRST": "0.05",
    "KSMP_INTEGRATIONS_RETRY_LONGEST": "0.1",
    "KSMP_INTEGRATIONS_DISABLE_FAILURES": "6",
    "KSMP_INTEGRATIONS_DISABLE_AFTER": "0",
    "KSMP_INTEGRATIONS_ENDPOINTS_PER_SERVICE": "3",
    "KSMP_INTEGRATIONS_WEBHOOKS_AT_ONCE": "20",
    "KSMP_INTEGRATIONS_WEBHOOKS_PER_ENDPOINT": "5",
    "KSMP_INTEGRATIONS_WEBHOOK_DAYS": "30",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(environ=SOON, address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of a new service, as an admin sees it."""

    admin: httpx.AsyncClient
    service: str
    id: str
    secret: str

    @property
    def path(self) -> str:
        return f"{ADMIN}/endpoints/{self.id}"

    async def view(self) -> dict[str, Any]:
        return done(await self.admin.get(self.path))

    async def deliveries(self, state: str = "") -> list[dict[str, Any]]:
        """The oldest first."""
        params = {"state": state} if state else {}
        return done(await self.admin.get(f"{self.path}/deliveries", params=params))["items"][::-1]

    async def settled(self, count: int = 1) -> list[dict[str, Any]]:
        """Its deliveries, when there are so many and none waits."""
        found: list[dict[str, Any]] = []

        async def all_are() -> bool:
            found[:] = await self.deliveries()
            return len(found) == count and all(one["state"] != "waiting" for one in found)

        await eventually(all_are, f"{count} deliveries come to an end")
        return found

    async def acts(self) -> list[str]:
        """The newest first."""
        entries = done(await self.admin.get("/api/v1/audit", params={"subject": self.service}))["items"]
        return [entry["act"] for entry in entries]


MakeEndpoint = Callable[..., Awaitable[Endpoint]]


@pytest.fixture
async def make_endpoint(caller: Caller, database: asyncpg.Pool) -> AsyncIterator[MakeEndpoint]:
    made: list[str] = []

    async def make(url: str, events: tuple[str, ...] = ("live.session_cancelled",)) -> Endpoint:
        admin = caller("boss", "admin")
        service = done(await admin.post(f"{ADMIN}/services", json={"name": "School system"}), 201)["id"]
        body = {"url": url, "events": list(events)}
        shown = done(await admin.post(f"{ADMIN}/services/{service}/endpoints", json=body), 201)
        made.append(shown["endpoint"]["id"])
        return Endpoint(admin, service, shown["endpoint"]["id"], shown["secret"])

    yield make
    # Other tests cancel sessions too.
    await database.execute("UPDATE integrations_endpoint SET enabled = false WHERE id = ANY($1::text[]::uuid[])", made)


Cancel = Callable[..., Awaitable[str]]


@pytest.fixture
def cancel(node: Running) -> Cancel:
    """Publishes that a session is cancelled, and gives the session's id."""

    async def publish(session: str = "") -> str:
        session = session or f"s-{uuid.uuid4().hex[:12]}"
        await node.publish_event(SessionCancelled(session, "p"))
        return session

    return publish

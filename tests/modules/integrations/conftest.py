"""A gateway, and services with keys of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from tests.modules.integrations.service_client import MakeService, ServiceClient, service_maker


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def make_service(node: Running, caller: Caller) -> AsyncIterator[MakeService]:
    """`await make_service(["rooms.publish"], ["session:*"])` gives a client with a key of a new service."""
    clients: list[ServiceClient] = []

    async def make(scopes: list[str], rooms: list[str] | None = None, **more: Any) -> ServiceClient:
        made = await service_maker(node, caller("boss", "admin"), scopes, rooms or [], **more)
        clients.append(made)
        return made

    yield make
    for client in clients:
        await client.http.aclose()

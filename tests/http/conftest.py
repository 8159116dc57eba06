"""A gateway with every installed module, and the tests' own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from devstack.people import people
from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.member import clients_of
from modules.integrations.services.scopes import Scope
from tests.http.notes import Notes, NotesModule
from tests.modules.integrations.service_client import service_maker


@dataclass(frozen=True)
class Site:
    """A running gateway, and the service behind /api/v1/notes."""

    running: Running
    notes: Notes


@pytest.fixture(scope="module")
async def site(gateway: MakeGateway) -> AsyncIterator[Site]:
    environ = {"KSMP_INTEGRATIONS_REQUEST_BURST": "100000"}
    async with gateway(
        more=[NotesModule],
        environ=environ,
        request_burst=100_000,
        address_burst=100_000,
        # One user tries all commands.
        command_burst=1_000,
    ) as running:
        yield Site(running, running.module(NotesModule).notes)


@pytest.fixture
async def caller(site: Site, token: MakeToken) -> AsyncIterator[Caller]:
    """`caller("ann")` gives an HTTP client who is Ann; `caller()` one who is nobody."""
    async with clients_of(site.running, token) as clients:
        yield clients.rest


@pytest.fixture
async def back_end(site: Site, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client with the API key of a service, good for all of the server API."""
    admin = caller(uuid.uuid4().hex, "admin")
    service = await service_maker(site.running, admin, [scope.value for scope in Scope], ["session:*"])
    await service.http.aclose()
    key = {"Authorization": f"Bearer {service.secret}"}
    async with httpx.AsyncClient(base_url=site.running.url, headers=key) as back_end:
        yield back_end


@pytest.fixture
async def stack(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    """A gateway with the stand-in for AWS and what `ksmp dev` seeds; nothing else is set."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "any")
        # The database is that of other tests too, and some count all that is there.
        environ = {"KSMP_ANALYTICS_DEMO": "false"}
        async with gateway(aws_endpoint=devcloud, environ=environ) as running:
            for module in running.gateway.modules:
                await module.seed(people())
            yield running

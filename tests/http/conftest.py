"""A gateway with every installed module, and the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from devstack.people import people
from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.member import clients_of
from tests.http.notes import Notes, NotesModule


@dataclass(frozen=True)
class Site:
    """A running gateway, and the service behind /api/v1/notes."""

    running: Running
    notes: Notes


@pytest.fixture(scope="module")
async def site(gateway: MakeGateway) -> AsyncIterator[Site]:
    environ = {"KSMP_INTEGRATIONS_REQUEST_BURST": "100000"}
    async with gateway(more=[NotesModule], environ=environ, request_burst=100_000, address_burst=100_000) as running:
        yield Site(running, running.module(NotesModule).notes)


@pytest.fixture
async def caller(site: Site, token: MakeToken) -> AsyncIterator[Caller]:
    """`caller("ann")` gives an HTTP client who is Ann; `caller()` one who is nobody."""
    async with clients_of(site.running, token) as clients:
        yield clients.rest


@pytest.fixture
async def stack(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    """A gateway with the stand-in for AWS and what `ksmp dev` seeds; nothing else is set."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "any")
        async with gateway(aws_endpoint=devcloud) as running:
            for module in running.gateway.modules:
                await module.seed(people())
            yield running

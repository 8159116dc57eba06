"""A gateway with every installed module, and the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from ksmp_testkit import MakeGateway, MakeToken, Running
from tests.http.notes import Notes, NotesModule


@dataclass(frozen=True)
class Site:
    """A running gateway, and the service behind /api/v1/notes."""

    running: Running
    notes: Notes


@pytest.fixture(scope="module")
async def site(gateway: MakeGateway) -> AsyncIterator[Site]:
    async with gateway(more=[NotesModule], request_burst=100_000, address_burst=100_000) as running:
        yield Site(running, running.module(NotesModule).notes)


class MakeCaller:
    """Clients of the site, each with a user's token."""

    def __init__(self, site: Site, token: MakeToken) -> None:
        self._site = site
        self._token = token
        self.made: list[httpx.AsyncClient] = []

    def __call__(self, user: str | None = None, role: str = "student") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._token(user, role)}"} if user is not None else {}
        client = httpx.AsyncClient(base_url=self._site.running.url, headers=headers, timeout=10)
        self.made.append(client)
        return client


@pytest.fixture
async def caller(site: Site, token: MakeToken) -> AsyncIterator[MakeCaller]:
    """`caller("ann")` gives an HTTP client who is Ann; `caller()` one who is nobody."""
    make = MakeCaller(site, token)
    yield make
    for client in make.made:
        await client.aclose()

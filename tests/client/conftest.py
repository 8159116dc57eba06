"""Two real gateways for the tests of this folder, and rooms of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client.censor import Censor
from tests.client.faulty import Faulty
from tests.client.stack import Stack, running
from tests.client.standin import StandIn


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
async def room(stack: Stack) -> str:
    """The room of a session whose mentor is `dev-mentor`."""
    return await stack.create_room()


@pytest.fixture
async def faulty(stack: Stack) -> AsyncIterator[Faulty]:
    """A bad line to the first gateway."""
    async with Faulty(stack.gateways[0]) as faulty:
        yield faulty


@pytest.fixture
async def censor(stack: Stack) -> AsyncIterator[Censor]:
    """A network to the first gateway that can be told to pass no WebSocket."""
    async with Censor(stack.gateways[0]) as censor:
        yield censor


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn() as standin:
        yield standin

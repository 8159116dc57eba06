"""One gateway process for most attacks, with short deadlines, so that a test does not wait for long."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from devstack.guard import Guard
from ksmp_testkit import MakeSettings, MakeToken
from tests.target import Target, targeted

from .honest import Pair, chatting

# Chat as large and as much as a test wants.
CHAT = {"KSMP_CHAT_TEXT_CHARACTERS": "50000", "KSMP_CHAT_RATE_COUNT": "1000000"}
SHORT: dict[str, Any] = {
    "connect_timeout": 3.0,
    "header_timeout": 1.5,
    "body_timeout": 1.5,
    "read_timeout": 2.0,
    "close_timeout": 1.0,
    "unfinished_requests": 200,
    "silent_sockets": 600,
    "presence_grace": 0.5,
    # What the attacks need: a process starts in half the time.
    "modules": ("accounts", "files", "programs", "live", "chat"),
}

MakeTarget = Callable[..., AbstractAsyncContextManager[Target]]


@pytest.fixture(scope="package")
def make_target(settings: MakeSettings, tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> MakeTarget:
    """Runs a gateway process; keyword arguments override settings."""

    def make(**overrides: Any) -> AbstractAsyncContextManager[Target]:
        folder = tmp_path_factory.mktemp("target")
        return targeted(settings, folder, servers_guard, CHAT, **SHORT | overrides)

    return make


@pytest.fixture(scope="package")
async def target(make_target: MakeTarget) -> AsyncIterator[Target]:
    async with make_target() as target:
        yield target


MakePair = Callable[[Target], AbstractAsyncContextManager[Pair]]


@pytest.fixture
def beside(token: MakeToken, room: str, request: pytest.FixtureRequest) -> MakePair:
    """Two honest members who chat while a test attacks: `async with beside(target)`."""

    @contextlib.asynccontextmanager
    async def run(target: Target) -> AsyncIterator[Pair]:
        async with chatting(target, token, room, request.node.name) as pair:
            yield pair

    return run

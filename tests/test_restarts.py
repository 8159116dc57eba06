"""A gateway that ended, or did not start, leaves nothing behind in its process."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.app import Gateway
from gateway.contract import Module
from gateway.registry import RegistryError
from ksmp_testkit import MakeGateway, MakeToken
from ksmp_testkit.settings import MakeSettings
from ksmp_testkit.socket_client import connected

TIMES = 3
DESCRIPTORS = Path("/proc/self/fd")


def _left() -> tuple[int, int, int]:
    """How many tasks, threads of a gateway and open files this process has."""
    # Python's own pools keep their threads.
    threads = [one for one in threading.enumerate() if not one.name.startswith("asyncio_")]
    return len(asyncio.all_tasks()), len(threads), len(os.listdir(DESCRIPTORS))


async def test_nothing_stays_of_a_gateway_that_ended(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    built: list[weakref.ref[Gateway]] = []

    async def once() -> None:
        async with gateway(stall_log=5.0) as running, connected(running.ws_url, token("ann")) as client:
            built.append(weakref.ref(running.gateway))
            await client.join(room)
            await client.say(room, "hello")

    await once()
    # What the first one opened for the whole process stays open.
    await asyncio.sleep(0.5)
    before = _left()
    for _ in range(TIMES):
        await once()
    async with asyncio.timeout(10):
        while any(now > then for now, then in zip(_left(), before, strict=True)):
            await asyncio.sleep(0.1)
    gc.collect()
    # Piccolo's tables know the last one's engine.
    assert sum(one() is not None for one in built) <= 1


async def test_what_was_started_ends_when_a_module_does_not_start(settings: MakeSettings) -> None:
    ended: list[str] = []

    class Early(Module):
        name = "early"

        @asynccontextmanager
        async def lifespan(self) -> AsyncIterator[None]:
            yield
            # A module's end may still need a row.
            await self.kernel.database.fetch("SELECT 1")
            ended.append(self.name)

    class Broken(Module):
        name = "broken"

        @asynccontextmanager
        async def lifespan(self) -> AsyncIterator[None]:
            raise ValueError("no board")
            yield

    class Late(Module):
        name = "late"

        @asynccontextmanager
        async def lifespan(self) -> AsyncIterator[None]:
            raise AssertionError("a module before it did not start")
            yield

    made = Gateway(settings(), [Early, Broken, Late], environ={}, registry_=CollectorRegistry())
    before = asyncio.all_tasks()
    with pytest.raises(RegistryError, match=r"^Module broken failed to start: ValueError\('no board'\)\.$"):
        async with made.running():
            raise AssertionError("it started")
    assert ended == ["early"]
    assert made.database.engine.pool is None
    assert asyncio.all_tasks() == before

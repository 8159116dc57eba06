"""A gateway that is served in the test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import msgspec
from litestar import Litestar
from prometheus_client import CollectorRegistry

from devstack.ports import LOOPBACK
from gateway import registry, server
from gateway.app import Gateway
from gateway.contract import Module, event_name
from gateway.db.archive import ArchivePosition, RoomPush
from gateway.db.migrate import migrate
from ksmp_testkit import deliveries, timers
from ksmp_testkit.blocking import WATCH
from ksmp_testkit.settings import MakeSettings
from ksmp_testkit.timers import SetTimer

__all__ = ["LOOPBACK", "MakeGateway", "Running", "gateway_maker"]

M = TypeVar("M", bound=Module)

# In seconds. A start takes two on an idle machine; a late one fails every test of its file.
READY: Final = 60.0


@dataclass(frozen=True)
class Running:
    """A gateway that is being served."""

    gateway: Gateway
    server: server.GatewayServer
    port: int
    # Another thread of control of the test: what the server came to when it ends.
    serving: asyncio.Task[None]

    def module(self, kind: type[M]) -> M:
        """The module of this class that the gateway has built."""
        return next(module for module in self.gateway.modules if isinstance(module, kind))

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}/realtime"

    async def timers(self, name: str) -> list[SetTimer]:
        """The timers of this name that are set, the earliest first."""
        return await timers.set_timers(self.gateway, name)

    async def fire_timer(self, name: str, key: str) -> None:
        """Run a timer's handler now instead of when the timer is due, in a transaction, as then.

        Raises what the handler raises, and AssertionError when the timer is not set.
        """
        await timers.fire(self.gateway, name, key)

    async def publish_event(self, event: msgspec.Struct) -> None:
        """Publish an event as the module that emits it does. That module must be on."""
        owner = event_name(type(event)).partition(".")[0]
        for module in self.gateway.modules:
            if module.name == owner:
                async with self.gateway.database.transaction():
                    await module.kernel.events.publish(event)
                return
        raise AssertionError(f"no module of this gateway emits {type(event).__name__}")

    async def events_handled(self, *listeners: str, timeout: float = 10.0) -> None:
        """Wait until these listeners, or all, have handled every event that was published; or followers and intakes.

        Raises AssertionError after `timeout` seconds. It says who is behind, and its cause is what a listener raised.
        """
        await deliveries.handled(self.gateway, listeners, timeout)

    async def wait_ready(self, timeout: float = READY) -> None:
        async with asyncio.timeout(timeout):
            while self.gateway.state != "ready":
                if self.serving.done():
                    self.serving.result()
                    raise AssertionError("the gateway ended before it was ready")
                await asyncio.sleep(0.01)

    async def stop(self, timeout: float = 15.0) -> None:
        """Stop it as SIGTERM does, and wait for its end."""
        self.server.should_exit = True
        async with asyncio.timeout(timeout):
            await self.serving


# Gateways that may have ended before the collector takes them away: it needs a third of a second.
COLLECT_EVERY: Final = 5


class MakeGateway(Protocol):
    def __call__(
        self,
        *,
        modules: tuple[str, ...] = ...,
        more: Sequence[type[Module]] = ...,
        environ: Mapping[str, str] | None = ...,
        collectors: CollectorRegistry | None = ...,
        send_buffer: int | None = ...,
        ready: bool = ...,
        **overrides: Any,
    ) -> AbstractAsyncContextManager[Running]: ...


def gateway_maker(settings: MakeSettings) -> MakeGateway:
    """Runs gateways in the running loop: `async with gateway(connect_timeout=1.0) as running`."""
    running: list[Running] = []
    ended = itertools.count(1)

    @contextlib.asynccontextmanager
    async def run(
        *,
        modules: tuple[str, ...] = (),
        more: Sequence[type[Module]] = (),
        environ: Mapping[str, str] | None = None,
        collectors: CollectorRegistry | None = None,
        send_buffer: int | None = None,
        ready: bool = True,
        **overrides: Any,
    ) -> AsyncIterator[Running]:
        listening = server.listen(settings())
        if send_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        port = listening.getsockname()[1]
        chosen = settings(port=port, **overrides)

        def build() -> tuple[Gateway, Litestar]:
            made = Gateway(
                chosen, classes(modules, more), environ=environ or {}, registry_=collectors or CollectorRegistry()
            )
            return made, server.app_of(made)

        if more and "database_url" not in overrides:
            # Those of the installed modules are applied already.
            await migrate(chosen.database_url, classes(modules, more))
        # Before there is a loop, in a process of its own.
        made, app = await asyncio.to_thread(build)
        one = server.GatewayServer(server.configuration(chosen, app))
        # `serve` would take over the signals of the test run.
        serving = asyncio.get_running_loop().create_task(one._serve([listening]))
        found = Running(made, one, port, serving)
        running.append(found)
        try:
            if ready:
                await found.wait_ready()
            with WATCH.running():
                yield found
        finally:
            running.remove(found)
            if not serving.done():
                await found.stop()
            if running:
                _bind(running[-1].gateway)
            # A gateway is a large circle, and the collector looks seldom (`pytest_collection_finish`).
            if next(ended) % COLLECT_EVERY == 0:
                gc.collect()

    return run


def classes(modules: Sequence[str], more: Sequence[type[Module]]) -> list[type[Module]]:
    """The installed modules of these names, or all, and `more` that may not be installed."""
    installed = registry.load(modules)
    return registry.ordered([*installed, *(module for module in more if module not in installed)])


def _bind(last: Gateway) -> None:
    """Piccolo's tables know one engine at a time: that of the gateway that started last."""
    last.database.bind([RoomPush, ArchivePosition])
    for module in last.modules:
        last.database.bind(module.tables)

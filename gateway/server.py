"""Runs a gateway under uvicorn: one process, or several that share the port."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from types import FrameType
from typing import Final

import structlog
import uvicorn
from litestar import Litestar

from gateway import registry
from gateway.app import Gateway
from gateway.asgi import create_app
from gateway.client_network import with_mapped
from gateway.settings import Settings, SettingsError, read, variable
from gateway.surroundings import obeyed
from gateway.telemetry import logs
from gateway.telemetry.exposition import FOLDER, exposed
from gateway.transport.http import HttpConfig
from gateway.worker_board import Place, State
from gateway.workers import Workers

log = structlog.get_logger(__name__)

# Connections that may wait to be accepted, as when a class begins.
BACKLOG = 2048


def prepare(environ: Mapping[str, str]) -> Gateway:
    """A gateway as the environment describes it; raises SettingsError or RegistryError."""
    settings = read(Settings, environ)
    modules = registry.enabled(settings)
    registry.check_environment(modules, environ)
    return Gateway(settings, modules, environ=environ)


# Allocations between two looks at the youngest objects, and how many of those between two at the older ones.
COLLECT: Final = (20_000, 20, 50)

# How long the writing of all threads' stacks may take.
DUMP_TIME: Final = 2.0


class GatewayServer(uvicorn.Server):
    """A server that drains its gateway before it lets go of its sockets.

    With `exit_timeout` the process is this server's alone: it ends that many seconds after the signal to stop,
    whatever hangs, and its garbage collector is set for it. With a `place` it is one of several that share the port,
    and accepts connections only when its gateway is ready.
    """

    def __init__(
        self, config: uvicorn.Config, exit_timeout: float | None = None, *, place: Place | None = None
    ) -> None:
        super().__init__(config)
        self._exit_timeout = exit_timeout
        self._place = place

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._exit_timeout is not None and not self.should_exit:
            # A thread outside of Python's lock, which also says where everything stood.
            faulthandler.dump_traceback_later(self._exit_timeout, exit=True)
            # And should nobody read what it says, the system ends the process.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, self._exit_timeout + DUMP_TIME)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if isinstance(self.config, HttpConfig) and self._gateway is not None:
            self.config.sockets = self._gateway.realtime
        if self._place is None:
            await super().startup(sockets)
        else:
            await self._start_in(self._place, sockets or [])
        if self._exit_timeout is not None:
            # What is there now stays: the collector would walk all of it again, a tenth of a second each time.
            gc.collect()
            gc.freeze()
            # Little here is in a circle, so that looking seldom costs no memory.
            gc.set_threshold(*COLLECT)

    async def _start_in(self, place: Place, sockets: list[socket.socket]) -> None:
        gateway = self._gateway
        assert gateway is not None
        gateway.processes = place.board.state
        try:
            await super().startup([])
        except SystemExit:
            place.board.fail(str(gateway.failure or ""))
            raise
        # As a supervisor asks for it: whether it accepts.
        self.started = False
        try:
            # Where nobody is ready, one must say so, and that it is alive.
            patient = time.monotonic() + gateway.settings.start_wait
            while not await gateway.ready() and not self.should_exit:
                if time.monotonic() > patient and not place.board.anybody_ready():
                    break
                await asyncio.sleep(0.01)
            if not self.should_exit:
                await self._show(place, gateway)
                await self._accept(sockets)
        finally:
            self.started = True

    async def _accept(self, sockets: list[socket.socket]) -> None:
        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        for accepting in sockets:
            server = await asyncio.get_running_loop().create_server(
                protocol, sock=accepting, backlog=self.config.backlog
            )
            self.servers.append(server)

    async def on_tick(self, counter: int) -> bool:
        if self._place is not None and self._gateway is not None:
            await self._show(self._place, self._gateway)
        return await super().on_tick(counter)

    async def _show(self, place: Place, gateway: Gateway) -> None:
        place.set(State.READY if await gateway.ready() else State.UNREADY)

    @property
    def _gateway(self) -> Gateway | None:
        found: Gateway | None = getattr(_litestar(self.config.loaded_app), "state", {}).get("gateway")
        return found

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        gateway = self._gateway
        if gateway is not None:
            await gateway.drain()
            # The disconnects are written; what clients do not read within a moment is not waited for.
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)


def configuration(settings: Settings, app: Litestar | str, *, workers: int = 1) -> HttpConfig:
    return HttpConfig(
        app,
        settings,
        host=settings.host,
        port=settings.port,
        workers=workers,
        factory=isinstance(app, str),
        loop=settings.event_loop,
        lifespan="on",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=with_mapped(settings.trusted_proxies),
        timeout_graceful_shutdown=5,
        timeout_worker_healthcheck=settings.worker_timeout,
    )


def application() -> Litestar:
    """Runs in each of several workers; it reads the environment for itself."""
    gateway = prepare(os.environ)
    settings = gateway.settings
    logs.configure(settings.log_level, settings.log_format, settings.log_bytes)
    _leave_out_traceback(gateway)
    return app_of(gateway)


def worker_server(config: uvicorn.Config, place: Place) -> GatewayServer:
    """The server of one of several workers."""
    return GatewayServer(config, read(Settings, os.environ).exit_timeout, place=place)


def serve(settings: Settings, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; raises SettingsError or RegistryError when it cannot start."""
    logs.configure(settings.log_level, settings.log_format, settings.log_bytes)
    gateway = prepare(os.environ)
    # Before anything runs, and by ourselves: uvicorn would log what a person should be told.
    listening = listen(settings)
    if names := obeyed(os.environ):
        log.info("gateway.surroundings", obeyed=names)
    if workers == 1:
        with exposed(settings.metrics_address):
            _serve_one(settings, gateway, listening)
        return
    with tempfile.TemporaryDirectory(prefix="ksmp-metrics-") as folder:
        # The workers' counters meet in files there. This process reads them, which costs the workers nothing.
        os.environ[FOLDER] = folder
        with exposed(settings.metrics_address):
            config = configuration(settings, "gateway.server:application", workers=workers)
            Workers(config, listening, worker_server, patience=settings.worker_timeout).run()


def _serve_one(settings: Settings, gateway: Gateway, listening: socket.socket) -> None:
    _leave_out_traceback(gateway)
    try:
        GatewayServer(configuration(settings, app_of(gateway)), settings.exit_timeout).run([listening])
    finally:
        if gateway.failure is not None:
            # In place of uvicorn's SystemExit.
            raise gateway.failure


def _leave_out_traceback(gateway: Gateway) -> None:
    """uvicorn would log a module's failure to start with its whole traceback; a person gets the sentence."""
    logging.getLogger("uvicorn.error").addFilter(lambda record: gateway.failure is None)


def listen(settings: Settings) -> socket.socket:
    """The socket of a gateway, for one process or several; raises SettingsError when it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Every address of the machine, as people mean it: also those of IPv4.
    both = settings.host == "::" and socket.has_dualstack_ipv6()
    try:
        listening = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        # Python adds the address to what the system says; a host that is not found has a text of its own.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise SettingsError(
            f"{settings.host} port {settings.port} cannot be listened on ({reason}); "
            f"stop what uses it, or choose others with {variable('host')} and {variable('port')}."
        ) from None
    listening.set_inheritable(True)
    # Connections inherit it. asyncio sets it only where the socket names its protocol, which one of `create_server`
    # does not; without it the body of a response waits 40 ms for the acknowledgement of its head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    log.info("gateway.listening", host=settings.host, port=listening.getsockname()[1])
    return listening


def app_of(gateway: Gateway) -> Litestar:
    """The application that a GatewayServer serves; the server drains the gateway that it finds there."""
    app = create_app(gateway)
    app.state["gateway"] = gateway
    return app


def _litestar(app: object) -> object:
    """The application inside the wrappers uvicorn puts around it."""
    while not isinstance(app, Litestar) and hasattr(app, "app"):
        app = app.app
    return app

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
from collections.abc import Mapping
from types import FrameType
from typing import Final

import structlog
import uvicorn
from litestar import Litestar
from uvicorn.supervisors import multiprocess

from gateway import registry
from gateway.app import Gateway
from gateway.asgi import create_app
from gateway.http.client_network import with_mapped
from gateway.settings import Settings, SettingsError, read, variable
from gateway.telemetry import logs
from gateway.telemetry.exposition import FOLDER, exposed
from gateway.transport.endpoint import WebSocketEndpoint
from gateway.transport.http import HttpConfig

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
    whatever hangs, and its garbage collector is set for it.
    """

    def __init__(self, config: uvicorn.Config, exit_timeout: float | None = None) -> None:
        super().__init__(config)
        self._exit_timeout = exit_timeout

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._exit_timeout is not None and not self.should_exit:
            # A thread outside of Python's lock, which also says where everything stood.
            faulthandler.dump_traceback_later(self._exit_timeout, exit=True)
            # And should nobody read what it says, the system ends the process.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, self._exit_timeout + DUMP_TIME)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._exit_timeout is not None:
            # What is there now stays: the collector would walk all of it again, a tenth of a second each time.
            gc.collect()
            gc.freeze()
            # Little here is in a circle, so that looking seldom costs no memory.
            gc.set_threshold(*COLLECT)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.loaded_app
        gateway = getattr(_litestar(app), "state", {}).get("gateway")
        if gateway is not None:
            await gateway.drain()
            # The disconnects are written; what clients do not read within a moment is not waited for.
            await asyncio.sleep(0.05)
        await super().shutdown(sockets)


class Worker(multiprocess.Process):
    """One of several processes that share the port."""

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = GatewayServer(self.config, read(Settings, os.environ).exit_timeout)
        return self._server


def configuration(settings: Settings, app: Litestar | str, *, workers: int = 1) -> HttpConfig:
    return HttpConfig(
        app,
        settings,
        host=settings.host,
        port=settings.port,
        workers=workers,
        factory=isinstance(app, str),
        loop=settings.event_loop,
        ws=WebSocketEndpoint,
        # The protocol's own limit is smaller once connected, and closes with a code of its own.
        ws_max_size=settings.connect_bytes,
        ws_ping_interval=settings.ping_interval,
        ws_ping_timeout=settings.ping_timeout,
        lifespan="on",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=with_mapped(settings.trusted_proxies),
        timeout_graceful_shutdown=5,
    )


def application() -> Litestar:
    """Runs in each of several workers; it reads the environment for itself."""
    gateway = prepare(os.environ)
    settings = gateway.settings
    logs.configure(settings.log_level, settings.log_format, settings.log_bytes)
    return app_of(gateway)


def serve(settings: Settings, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; raises SettingsError or RegistryError when it cannot start."""
    logs.configure(settings.log_level, settings.log_format, settings.log_bytes)
    gateway = prepare(os.environ)
    # Before anything runs, and by ourselves: uvicorn would log what a person should be told.
    listening = listen(settings)
    if workers == 1:
        with exposed(settings.metrics_address):
            _serve_one(settings, gateway, listening)
        return
    with tempfile.TemporaryDirectory(prefix="ksmp-metrics-") as folder:
        # The workers' counters meet in files there. This process reads them, which costs the workers nothing.
        os.environ[FOLDER] = folder
        with exposed(settings.metrics_address):
            config = configuration(settings, "gateway.server:application", workers=workers)
            # The only way to say which server the processes run; uvicorn's own would not drain.
            multiprocess.Process = Worker  # type: ignore[misc]
            multiprocess.Multiprocess(config, sockets=[listening]).run()


def _serve_one(settings: Settings, gateway: Gateway, listening: socket.socket) -> None:
    # uvicorn would log a module's failure to start with its whole traceback; the sentence is raised below.
    logging.getLogger("uvicorn.error").addFilter(lambda record: gateway.failure is None)
    try:
        GatewayServer(configuration(settings, app_of(gateway)), settings.exit_timeout).run([listening])
    finally:
        if gateway.failure is not None:
            # In place of uvicorn's SystemExit.
            raise gateway.failure


def listen(settings: Settings) -> socket.socket:
    """The socket of a gateway, for one process or several; raises SettingsError when it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
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

"""Real PostgreSQL and NATS for the whole run, and gateways that run in the tests' event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import asyncpg
import httpx
import hypothesis
import pytest
from litestar import Litestar
from prometheus_client import CollectorRegistry

from devstack.devcloud import DevCloud
from devstack.guard import Guard
from devstack.issuer import DevelopmentIssuer
from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import registry, server
from gateway.app import Gateway
from gateway.contract import Module
from gateway.db.archive import ArchivePosition, RoomPush
from gateway.db.migrate import migrate
from gateway.principal import Role
from gateway.settings import Settings
from tests.blocking import WATCH

M = TypeVar("M", bound=Module)

# A change is judged by the same examples each time; on a developer's machine new ones are tried.
hypothesis.settings.register_profile(
    "ksmp",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ksmp")

ISSUER = "https://issuer.ksmp.test/pool"
CLIENT_ID = "tests"
LOOPBACK = "127.0.0.1"


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[None]:
    """No gateway blocked the event loop during the test."""
    WATCH.seen.clear()
    yield
    assert WATCH.seen == [], "\n".join(WATCH.seen)


@pytest.fixture(scope="session")
async def servers_guard() -> AsyncIterator[Guard]:
    """Ends the servers even when the test run is killed."""
    async with Guard() as guard:
        yield guard


@pytest.fixture(scope="session")
async def postgres_server(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[Postgres]:
    async with Postgres(tmp_path_factory.mktemp("postgres"), guard=servers_guard) as postgres:
        await migrate(postgres.url, registry.load())
        yield postgres


@pytest.fixture(scope="session")
def postgres(postgres_server: Postgres) -> str:
    """The URL of a PostgreSQL that every module's migrations were applied to."""
    return postgres_server.url


@pytest.fixture(scope="session")
async def nats(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[tuple[str, ...]]:
    """The URL of a NATS server with JetStream, as `Settings.nats_url` takes it."""
    async with NatsCluster(tmp_path_factory.mktemp("nats"), guard=servers_guard) as cluster:
        yield cluster.urls


@pytest.fixture(scope="session")
async def devcloud(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[str]:
    """The address of a stand-in for AWS, in the region us-east-1; any credentials are good."""
    cloud = DevCloud(tmp_path_factory.mktemp("devcloud"), region="us-east-1", guard=servers_guard)
    await cloud.prepare()
    await cloud.start()
    yield cloud.url
    await cloud.stop()


@pytest.fixture(scope="session")
def issuer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("issuer")


@pytest.fixture(scope="session")
def issuer(issuer_folder: Path) -> DevelopmentIssuer:
    """Signs tokens that every test gateway takes."""
    return DevelopmentIssuer(issuer_folder, issuer=ISSUER, client_id=CLIENT_ID)


class MakeToken(Protocol):
    def __call__(
        self,
        user_id: str,
        role: str = "student",
        *,
        name: str | None = None,
        ttl: float = 3600.0,
        token_use: Literal["access", "id"] = "id",
    ) -> str: ...


@pytest.fixture(scope="session")
def token(issuer: DevelopmentIssuer) -> MakeToken:
    """Makes a token for a user; without a name the user has one made from the id."""

    def make(
        user_id: str,
        role: str = "student",
        *,
        name: str | None = None,
        ttl: float = 3600.0,
        token_use: Literal["access", "id"] = "id",
    ) -> str:
        shown = name if name is not None else user_id.capitalize()
        return issuer.token(user_id, name=shown, role=Role(role), ttl=ttl, token_use=token_use)

    return make


MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="session")
def settings(postgres: str, nats: tuple[str, ...], issuer: DevelopmentIssuer, issuer_folder: Path) -> MakeSettings:
    """Makes the settings of a test gateway; keyword arguments override."""

    def make(**overrides: Any) -> Settings:
        values: dict[str, Any] = {
            "environment": "test",
            "host": LOOPBACK,
            "port": 0,
            "database_url": postgres,
            "nats_url": nats,
            "issuer": ISSUER,
            "jwks_url": f"http://{LOOPBACK}:{overrides.get('port', 0)}/dev/jwks.json",
            "client_ids": (CLIENT_ID,),
            "development_issuer": str(issuer_folder),
            "head_interval": 1.0,
            "drain_timeout": 3.0,
        }
        return Settings(**values | overrides)

    return make


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

    async def wait_ready(self, timeout: float = 15.0) -> None:
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


@pytest.fixture(scope="session")
def gateway(settings: MakeSettings) -> MakeGateway:
    """Runs a gateway in this event loop: `async with gateway(connect_timeout=1.0) as running`.

    Keyword arguments override settings. `environ` has the modules' variables; `more` are modules
    that are not installed. `send_buffer` is how many bytes
    the operating system takes for a client that does not read. With `ready=False` nothing is waited for.
    """
    running: list[Running] = []

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
            found = registry.ordered([*registry.load(modules), *more])
            made = Gateway(chosen, found, environ=environ or {}, registry_=collectors or CollectorRegistry())
            return made, server._app(made)

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
                # Piccolo's tables know one engine at a time: that of the gateway that started last.
                last = running[-1].gateway
                last.database.bind([RoomPush, ArchivePosition])
                for module in last.modules:
                    last.database.bind(module.tables)

    return run


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway as it is by default, for all tests of a module."""
    async with gateway() as running:
        yield running


@pytest.fixture(scope="module")
async def http(node: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=node.url) as client:
        yield client


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[asyncpg.Pool]:
    """A way into the database beside the gateway's."""
    async with asyncpg.create_pool(postgres, min_size=0, max_size=2) as pool:
        yield pool


CreateSession = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
def create_session(database: asyncpg.Pool) -> CreateSession:
    """Writes a program and its session, and returns the session's id.

    `open` lets everyone in as a student, `enrolled` these users; `mentor` teaches the session and
    `program_mentor` the program.
    """

    async def create(
        id: str | None = None,
        open: bool = True,
        *,
        mentor: str = "mentor",
        program_mentor: str = "program-mentor",
        enrolled: tuple[str, ...] = (),
    ) -> str:
        id = id or uuid.uuid4().hex
        await database.execute(
            "INSERT INTO program (id, title, mentor_id, open_to_all) VALUES ($1, $2, $3, $4)",
            f"p-{id}",
            "A program",
            program_mentor,
            open,
        )
        await database.execute(
            "INSERT INTO live_session (id, program_id, title, mentor_id) VALUES ($1, $2, $3, $4)",
            id,
            f"p-{id}",
            "A class",
            mentor,
        )
        for user in enrolled:
            await database.execute(
                "INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", f"p-{id}", user
            )
        return id

    return create


@pytest.fixture
async def room(create_session: CreateSession) -> str:
    """A session's room of this test's own, which everyone may join."""
    return f"session:{await create_session()}"

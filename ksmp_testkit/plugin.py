"""The fixtures, for `pytest -p ksmp_testkit.plugin`.

Nothing here is loaded by itself: whoever has KSMP installed and runs other tests meets no fixture of it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from devstack import surroundings
from devstack.devcloud import DevCloud
from devstack.guard import Guard
from devstack.issuer import DevelopmentIssuer
from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import module_folders, registry
from gateway.db.migrate import migrate
from gateway.server import COLLECT
from gateway.settings import SettingsError
from ksmp_testkit.blocking import WATCH
from ksmp_testkit.live_class import Classes, CreateClass, CreateSession, Sessions
from ksmp_testkit.member import Caller, Clients, clients_of
from ksmp_testkit.running import MakeGateway, Running, gateway_maker
from ksmp_testkit.settings import CLIENT_ID, ISSUER, MakeSettings, settings_maker
from ksmp_testkit.tokens import MakeToken, Tokens

# The servers, the gateways and the tests share one event loop.
NEEDED = {
    "asyncio_mode": "auto",
    "asyncio_default_fixture_loop_scope": "session",
    "asyncio_default_test_loop_scope": "session",
}


def pytest_configure(config: pytest.Config) -> None:
    for name, value in NEEDED.items():
        if config.getini(name) != value:
            raise pytest.UsageError(f'ksmp_testkit needs {name} = "{value}" in [tool.pytest.ini_options]')
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        # Everything that the tests start is on loopback, except for AWS where that is wanted. With several workers
        # each of them does so, and knows what it took.
        surroundings.leave_out(stand_in=os.environ.get("KSMP_AWS_LIVE_TEST") != "1")
    _use_the_project(config.rootpath)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there now stays: thousands of tests, and all that they import.

    Otherwise the collector walks all of it, half a second each time, and several times while a gateway is built.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def _use_the_project(root: Path) -> None:
    """The module of the project whose tests run counts as installed, and so do the folders of KSMP_MODULE_PATHS."""
    module_folders.use_those_of(os.environ)
    try:
        names = {name for folder in module_folders.folders(root) for name in folder.entries[module_folders.GROUP]}
    except SettingsError:
        # Tests of something else than a module.
        return
    if not names <= set(registry.installed()):
        module_folders.use_those_of(os.environ, str(root))


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[None]:
    """No gateway blocked the event loop during the test."""
    WATCH.seen.clear()
    yield
    if WATCH.seen:
        pytest.fail("\n".join(["A gateway's event loop was blocked:", *WATCH.seen]), pytrace=False)


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
    """The URL of a PostgreSQL that every installed module's migrations were applied to."""
    return postgres_server.url


@pytest.fixture(scope="session")
async def nats(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[tuple[str, ...]]:
    """The URL of a NATS server with JetStream, as `Settings.nats_url` takes it."""
    async with NatsCluster(tmp_path_factory.mktemp("nats"), guard=servers_guard) as cluster:
        yield cluster.urls


@pytest.fixture(scope="session")
async def devcloud(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[str]:
    """The address of a stand-in for AWS, in the region us-east-1.

    Any credentials are good for calls. URLs and forms for S3 are signed with `any`, `any` or `devcloud`, `devcloud`.
    """
    folder = tmp_path_factory.mktemp("devcloud")
    cloud = DevCloud(folder, region="us-east-1", guard=servers_guard, access_keys={"any": "any"})
    await cloud.prepare()
    await cloud.start()
    yield cloud.url
    await cloud.stop()


@pytest.fixture(scope="session")
async def scanner(devcloud: str) -> str:
    """Where the stand-in's clamd listens, as `KSMP_FILES_SCANNER` takes it. Gateways of tests have none by default."""
    async with httpx.AsyncClient(base_url=devcloud, trust_env=False) as client:
        return str((await client.get("/_devcloud/scanner")).json()["address"])


@pytest.fixture(scope="session")
def issuer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("issuer")


@pytest.fixture(scope="session")
def issuer(issuer_folder: Path) -> DevelopmentIssuer:
    """Signs tokens that every test gateway takes."""
    return DevelopmentIssuer(issuer_folder, issuer=ISSUER, client_id=CLIENT_ID)


@pytest.fixture(scope="session")
def token(issuer: DevelopmentIssuer) -> MakeToken:
    """Makes a token: `token("ann", "mentor")`. Without a name the user has one made from the id."""
    return Tokens(issuer)


@pytest.fixture(scope="session")
def settings(postgres: str, nats: tuple[str, ...], issuer: DevelopmentIssuer, issuer_folder: Path) -> MakeSettings:
    """Makes the settings of a test gateway; keyword arguments override."""
    return settings_maker(postgres, nats, issuer_folder)


@pytest.fixture(scope="session")
def gateway(settings: MakeSettings) -> MakeGateway:
    """Runs a gateway in this event loop: `async with gateway(connect_timeout=1.0) as running`.

    Keyword arguments override settings. `modules` are the names of those that are on, by default all that are
    installed; `more` are classes of modules that need not be installed, whose migrations are applied first. `environ`
    has the modules' variables. `send_buffer` is how many bytes the operating system takes for a client that does not
    read. With `ready=False` nothing is waited for.
    """
    return gateway_maker(settings)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    """A gateway as it is by default, for all tests of a file. Override it to give yours settings or modules."""
    async with gateway() as running:
        yield running


@pytest.fixture(scope="module")
async def http(node: Running) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the node's routes without a token."""
    async with httpx.AsyncClient(base_url=node.url) as client:
        yield client


@pytest.fixture
async def clients(node: Running, token: MakeToken) -> AsyncIterator[Clients]:
    """Makes REST clients, sockets and members of rooms at the node, by user and role; closed after the test."""
    async with clients_of(node, token) as made:
        yield made


@pytest.fixture
def caller(clients: Clients) -> Caller:
    """Calls the node's routes: `caller("ann", "mentor")` is an HTTP client with that user's token."""
    return clients.rest


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A way into the database beside the gateway's."""
    async with asyncpg.create_pool(postgres, min_size=0, max_size=2) as pool:
        yield pool


@pytest.fixture(scope="session")
def create_session(database: asyncpg.Pool[Any]) -> CreateSession:
    """Writes a program and its session, and returns the session's id.

    `open` lets everyone in as a student, `enrolled` these users; `mentor` teaches the session and
    `program_mentor` the program.
    """
    return Sessions(database)


@pytest.fixture
def create_class(create_session: CreateSession, clients: Clients) -> CreateClass:
    """Makes a live class at the node: `await create_class(students=2)`. Its mentor and students are in the room."""
    return Classes(create_session, clients)


@pytest.fixture
async def room(create_session: CreateSession) -> str:
    """A session's room of this test's own, which everyone may join."""
    return f"session:{await create_session()}"

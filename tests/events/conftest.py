"""Servers of their own, which the tests of events may kill, and gateways on them without their HTTP server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from devstack.guard import Guard
from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import failpoint, registry
from gateway.app import Gateway
from gateway.db.migrate import migrate
from gateway.settings import Settings
from ksmp_testkit import eventually
from tests.events.shop import TABLES, Shop

ServeShop = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture(scope="package")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NatsCluster]:
    async with Guard() as guard, NatsCluster(tmp_path_factory.mktemp("nats"), guard=guard, restart=False) as cluster:
        yield cluster


@pytest.fixture(scope="package")
async def record(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """PostgreSQL that a test may stop and start again."""
    async with (
        Guard() as guard,
        Postgres(tmp_path_factory.mktemp("postgres"), guard=guard, restart=False) as postgres,
    ):
        await migrate(postgres.url, [])
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(TABLES)
        await connection.close()
        yield postgres


@pytest.fixture
async def pool(record: Postgres) -> AsyncIterator[asyncpg.Pool]:
    """A way into the database beside the gateway's."""
    async with asyncpg.create_pool(record.url, min_size=0, max_size=4) as pool:
        yield pool


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    yield
    failpoint.clear()


def shop_settings(servers: NatsCluster, record: Postgres, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "environment": "test",
        "database_url": record.url,
        "nats_url": servers.urls,
        "issuer": "test",
        "jwks_url": "http://127.0.0.1:9/jwks.json",
        "client_ids": ("test",),
        "event_backoff": 0.05,
        "event_ack_wait": 2.0,
        "event_attempts": 4,
    }
    return Settings(**values | changes)


@pytest.fixture
def serve(servers: NatsCluster, record: Postgres) -> ServeShop:
    """Runs a gateway with the shop: `async with serve() as shop`; keyword arguments override settings."""

    @contextlib.asynccontextmanager
    async def run(kind: type[Shop] = Shop, **changes: Any) -> AsyncIterator[Shop]:
        settings = shop_settings(servers, record, **changes)
        gateway = Gateway(settings, registry.ordered([kind]), environ={}, registry_=CollectorRegistry())
        (shop,) = gateway.modules
        assert isinstance(shop, Shop)
        shop.gateway = gateway
        async with shop.gateway.running():
            await eventually(lambda: shop.gateway.state == "ready", "the gateway is ready")
            yield shop
            await shop.gateway.drain()

    return run

"""A gateway in this very process, with PostgreSQL and NATS of its own, for what cannot be measured from outside."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from devstack import ports
from devstack.gateways import CLIENT_ID, ISSUER
from devstack.guard import Guard
from devstack.issuer import DevelopmentIssuer
from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import registry
from gateway.app import Gateway
from gateway.db.migrate import migrate
from gateway.server import GatewayServer, app_of, configuration
from gateway.settings import Settings
from gateway.telemetry import logs


class Alone(msgspec.Struct, frozen=True):
    """The gateway, its address `host:port`, and who signs tokens for it."""

    gateway: Gateway
    address: str
    issuer: DevelopmentIssuer


@contextlib.asynccontextmanager
async def running(port: int | None = None, **settings: Any) -> AsyncIterator[Alone]:
    """Serve with these settings; without a port a free one is taken."""
    logs.configure("error", "console")
    with tempfile.TemporaryDirectory(prefix="ksmp-alone-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        async with (
            Guard() as guard,
            Postgres(place, guard=guard) as postgres,
            NatsCluster(place, guard=guard) as nats,
        ):
            modules = registry.load()
            await migrate(postgres.url, modules)
            issuer = DevelopmentIssuer(place / "issuer", issuer=ISSUER, client_id=CLIENT_ID)
            port = port or ports.choose()
            address = f"{ports.LOOPBACK}:{port}"
            chosen = Settings(
                environment="test", host=ports.LOOPBACK, port=port, database_url=postgres.url, nats_url=nats.urls,
                issuer=ISSUER, client_ids=(CLIENT_ID,), jwks_url=f"http://{address}/dev/jwks.json",
                development_issuer=str(place / "issuer"), **settings,
            )  # fmt: skip
            gateway = Gateway(chosen, modules, environ={}, registry_=CollectorRegistry())
            server = GatewayServer(configuration(chosen, app_of(gateway)))
            serving = asyncio.create_task(server._serve(None))
            while gateway.state != "ready":
                await asyncio.sleep(0.05)
            yield Alone(gateway, address, issuer)
            server.should_exit = True
            await serving

"""A database that no other test uses, for tests that count all that is there."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg

from gateway import registry
from gateway.db.migrate import migrate


@contextlib.asynccontextmanager
async def own_database(postgres: str) -> AsyncIterator[str]:
    """Its URL, on the server of `postgres`; every installed module's migrations were applied."""
    name = f"own_{uuid.uuid4().hex}"
    await _run(postgres, f"CREATE DATABASE {name}")
    url = urlsplit(postgres)._replace(path=f"/{name}").geturl()
    await migrate(url, registry.load())
    yield url
    await _run(postgres, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(postgres: str, statement: str) -> None:
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

"""Demo data of `ksmp dev`: each module creates its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.contract.module import Module
from gateway.db.database import PostgresDatabase
from gateway.principal import Principal


async def seed(
    database: PostgresDatabase, modules: Sequence[Module], people: Mapping[str, Principal]
) -> dict[str, str]:
    """Let every module seed, in their order. Returns all that they return. A second call changes nothing."""
    result: dict[str, str] = {}
    try:
        await database.start()
        for module in modules:
            database.bind(module.tables)
            result.update(await module.seed(people))
    finally:
        await database.stop()
    return result

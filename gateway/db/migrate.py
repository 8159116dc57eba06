"""Migrations: SQL files beside each module, `NNNN_what.sql`, applied once, in order, each in one transaction.

A migration and the row that records it commit together, and an advisory lock lets one process migrate
at a time. The kernel's own come first, then the modules' in the order of `requires`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg

from gateway.contract.module import Module
from gateway.db.database import guard

KERNEL: Final = "gateway"
LOCK: Final = 0x6B736D70
TABLE: Final = """
    CREATE TABLE IF NOT EXISTS ksmp_migration (
        module text NOT NULL, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (module, name)
    )
"""


class MigrationError(Exception):
    """A migration failed and left nothing behind; the message names it."""


def found(modules: Sequence[type[Module]]) -> list[tuple[str, Path]]:
    """Every migration there is, as (module, file), in the order they are applied."""
    folders = [(KERNEL, Path(__file__).parent / "migrations")]
    folders += [(module.name, module.migrations) for module in modules if module.migrations is not None]
    return [(name, file) for name, folder in folders for file in sorted(folder.glob("*.sql"))]


async def migrate(database_url: str, modules: Sequence[type[Module]]) -> list[str]:
    """Apply what is pending; the names applied. Raises MigrationError, and Unavailable without PostgreSQL."""
    with guard():
        connection = await asyncpg.connect(database_url, timeout=5)
    try:
        with guard():
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
            await connection.execute(TABLE)
            applied = await _applied(connection)
            done: list[str] = []
            for module, file in found(modules):
                if (module, file.stem) in applied:
                    continue
                await _apply(connection, module, file)
                done.append(f"{module}/{file.stem}")
            return done
    finally:
        connection.terminate()


async def pending(database_url: str, modules: Sequence[type[Module]]) -> list[str]:
    """The names `migrate` would apply; raises Unavailable without PostgreSQL."""
    with guard():
        connection = await asyncpg.connect(database_url, timeout=5)
        try:
            exists = await connection.fetchval("SELECT to_regclass('ksmp_migration') IS NOT NULL")
            applied = await _applied(connection) if exists else set()
        finally:
            connection.terminate()
    return [f"{module}/{file.stem}" for module, file in found(modules) if (module, file.stem) not in applied]


async def _applied(connection: asyncpg.Connection[Any]) -> set[tuple[str, str]]:
    return {(row["module"], row["name"]) for row in await connection.fetch("SELECT module, name FROM ksmp_migration")}


async def _apply(connection: asyncpg.Connection[Any], module: str, file: Path) -> None:
    try:
        async with connection.transaction():
            await connection.execute(file.read_text())
            await connection.execute("INSERT INTO ksmp_migration (module, name) VALUES ($1, $2)", module, file.stem)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"Migration {module}/{file.stem} failed and was undone: {error}.") from error

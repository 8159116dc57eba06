"""Applies migrations: SQL files beside each module, `NNNN_what.sql`, once each, in order, each in one transaction.

A migration and the row that records it commit together. An advisory lock lets one process migrate at a time. The
kernel's own migrations come first, then the modules' in the order of `requires`. The row holds the file's checksum. A
file that was edited after the database applied it is refused, because other databases would then have other tables.
Rows from before checksums were kept take the checksum of the file that is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import asyncpg

from gateway.contract.module import Module
from gateway.db.database import guard
from gateway.db.letters import case_fault, encoding_fault

KERNEL: Final = "gateway"
LOCK: Final = 0x6B736D70
CONNECT_TIMEOUT: Final = 5.0
TABLE: Final = """
    CREATE TABLE IF NOT EXISTS ksmp_migration (
        module text NOT NULL, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (module, name)
    );
    ALTER TABLE ksmp_migration ADD COLUMN IF NOT EXISTS checksum text;
"""
# As JSON, because a database that no gateway has migrated since has no checksums.
APPLIED: Final = "SELECT module, name, to_json(row) ->> 'checksum' AS checksum FROM ksmp_migration AS row"
ADOPT: Final = "UPDATE ksmp_migration SET checksum = $3 WHERE module = $1 AND name = $2 AND checksum IS NULL"
RECORD: Final = "INSERT INTO ksmp_migration (module, name, checksum) VALUES ($1, $2, $3)"

# The checksum of each applied migration, by module and name; None where it is not known.
Applied = dict[tuple[str, str], str | None]


class MigrationError(Exception):
    """A migration failed and was undone, or was edited after it was applied; the message names it."""


def found(modules: Sequence[type[Module]]) -> list[tuple[str, Path]]:
    """Every migration there is, as (module, file), in the order they are applied."""
    folders = [(KERNEL, Path(__file__).parent / "migrations")]
    folders += [(module.name, module.migrations) for module in modules if module.migrations is not None]
    return [(name, file) for name, folder in folders for file in sorted(folder.glob("*.sql"))]


def checksum(file: Path) -> str:
    """SHA-256 of a migration's text; the same however a checkout writes the ends of its lines."""
    return sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


async def migrate(database_url: str, modules: Sequence[type[Module]]) -> list[str]:
    """Apply what is pending; the names applied.

    Raises MigrationError, before anything is applied where a migration was edited or the database is not in UTF-8, and
    Unavailable without PostgreSQL.
    """
    with guard():
        connection = await asyncpg.connect(database_url, timeout=CONNECT_TIMEOUT)
    try:
        with guard():
            if fault := await encoding_fault(connection):
                raise MigrationError(f"Nothing was applied to the database: {fault}.")
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
            await connection.execute(TABLE)
            applied = await _applied(connection)
            files = found(modules)
            _check(files, applied)
            done: list[str] = []
            for module, file in files:
                if (module, file.stem) in applied:
                    await connection.execute(ADOPT, module, file.stem, checksum(file))
                else:
                    await _apply(connection, module, file)
                    done.append(f"{module}/{file.stem}")
            return done
    finally:
        connection.terminate()


async def pending(database_url: str, modules: Sequence[type[Module]]) -> list[str]:
    """The names `migrate` would apply; raises Unavailable without PostgreSQL."""
    applied = await _read(database_url)
    return [f"{module}/{file.stem}" for module, file in found(modules) if (module, file.stem) not in applied]


async def warning(database_url: str) -> str | None:
    """What the gateway can live with and people notice; None for a database that is as it should be."""
    with guard():
        connection = await asyncpg.connect(database_url, timeout=CONNECT_TIMEOUT)
        try:
            return await case_fault(connection)
        finally:
            connection.terminate()


async def check_applied(database_url: str, modules: Sequence[type[Module]]) -> None:
    """Raise MigrationError when a migration was edited after it was applied, and Unavailable without PostgreSQL."""
    applied = await _read(database_url)
    # A gateway may be serving meanwhile, and its event loop must not wait for a disk.
    await asyncio.to_thread(lambda: _check(found(modules), applied))


def _check(files: Sequence[tuple[str, Path]], applied: Applied) -> None:
    for module, file in files:
        known = applied.get((module, file.stem))
        if known is not None and known != checksum(file):
            raise MigrationError(
                f"Migration {module}/{file.stem} was edited after this database applied it ({file}); "
                f"put the file of module {module} back as it was, and write a new migration for the change."
            )


async def _read(database_url: str) -> Applied:
    with guard():
        connection = await asyncpg.connect(database_url, timeout=CONNECT_TIMEOUT)
        try:
            exists = await connection.fetchval("SELECT to_regclass('ksmp_migration') IS NOT NULL")
            return await _applied(connection) if exists else {}
        finally:
            connection.terminate()


async def _applied(connection: asyncpg.Connection[Any]) -> Applied:
    return {(row["module"], row["name"]): row["checksum"] for row in await connection.fetch(APPLIED)}


async def _apply(connection: asyncpg.Connection[Any], module: str, file: Path) -> None:
    try:
        async with connection.transaction():
            await connection.execute(file.read_text())
            await connection.execute(RECORD, module, file.stem, checksum(file))
    except asyncpg.PostgresError as error:
        raise MigrationError(f"Migration {module}/{file.stem} failed and was undone: {error}.") from error

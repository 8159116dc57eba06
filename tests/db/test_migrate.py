"""Migrations are applied once, and stay as they were applied."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from gateway import app
from gateway.app import Gateway
from gateway.contract import Module
from gateway.db.migrate import MigrationError, check_applied, migrate, pending
from gateway.errors import Unavailable
from ksmp_testkit import MakeSettings

CREATE = "CREATE TABLE board_note (id int);\nINSERT INTO board_note VALUES (1);\n"
EDITED = r"Migration board/0001_notes was edited .*0001_notes\.sql\); put the file of module board back"


@pytest.fixture
async def url(postgres: str) -> AsyncIterator[str]:
    """A database of its own."""
    name = f"migrate_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"CREATE DATABASE {name}")
    yield postgres.rpartition("/")[0] + f"/{name}"
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
def board(tmp_path: Path) -> type[Module]:
    class Board(Module):
        name = "board"
        migrations = tmp_path

    (tmp_path / "0001_notes.sql").write_text(CREATE)
    return Board


async def fetch(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_what_is_applied_is_not_applied_again(url: str, board: type[Module], tmp_path: Path) -> None:
    await check_applied(url, [board])
    assert (await migrate(url, [board]))[-1] == "board/0001_notes"
    assert await migrate(url, [board]) == []
    (tmp_path / "0002_more.sql").write_text("INSERT INTO board_note VALUES (2)")
    assert await pending(url, [board]) == ["board/0002_more"]
    await check_applied(url, [board])
    assert await migrate(url, [board]) == ["board/0002_more"]
    assert [row["id"] for row in await fetch(url, "SELECT id FROM board_note ORDER BY id")] == [1, 2]


async def test_an_edited_migration_is_refused(url: str, board: type[Module], tmp_path: Path) -> None:
    await migrate(url, [board])
    (tmp_path / "0001_notes.sql").write_text(CREATE.replace("int", "bigint"))
    (tmp_path / "0002_more.sql").write_text("INSERT INTO board_note VALUES (2)")
    with pytest.raises(MigrationError, match=EDITED):
        await check_applied(url, [board])
    with pytest.raises(MigrationError, match=EDITED):
        await migrate(url, [board])
    assert await pending(url, [board]) == ["board/0002_more"], "nothing was applied after it"
    (tmp_path / "0001_notes.sql").write_text(CREATE)
    assert await migrate(url, [board]) == ["board/0002_more"]


async def test_the_ends_of_lines_are_the_checkout_s(url: str, board: type[Module], tmp_path: Path) -> None:
    await migrate(url, [board])
    (tmp_path / "0001_notes.sql").write_bytes(CREATE.replace("\n", "\r\n").encode())
    assert await migrate(url, [board]) == []


async def test_a_database_from_before_checksums_takes_those_of_the_files(
    url: str, board: type[Module], tmp_path: Path
) -> None:
    await migrate(url, [board])
    await fetch(url, "ALTER TABLE ksmp_migration DROP COLUMN checksum")
    await check_applied(url, [board])
    assert await pending(url, [board]) == []
    assert await migrate(url, [board]) == []
    assert await fetch(url, "SELECT * FROM ksmp_migration WHERE checksum IS NULL") == []
    (tmp_path / "0001_notes.sql").write_text(CREATE + "-- edited")
    with pytest.raises(MigrationError, match=EDITED):
        await migrate(url, [board])


async def test_a_gateway_does_not_start_on_an_edited_migration(
    url: str, board: type[Module], tmp_path: Path, settings: MakeSettings
) -> None:
    await migrate(url, [board])
    (tmp_path / "0001_notes.sql").write_text(CREATE + "-- edited")
    built = Gateway(settings(database_url=url), [board], environ={}, registry_=CollectorRegistry())
    with pytest.raises(MigrationError, match=EDITED):
        async with built.running():
            pass
    # What the server says in place of a traceback.
    assert isinstance(built.failure, MigrationError)


async def test_a_gateway_whose_database_comes_later_is_not_ready(
    url: str, board: type[Module], tmp_path: Path, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(url, [board])
    (tmp_path / "0001_notes.sql").write_text(CREATE + "-- edited")
    away = True

    async def check(*arguments: Any) -> None:
        if away:
            raise Unavailable("PostgreSQL is away")
        await check_applied(*arguments)

    monkeypatch.setattr(app, "check_applied", check)
    built = Gateway(settings(database_url=url), [board], environ={}, registry_=CollectorRegistry())
    async with built.running():
        while built.state != "ready":
            await asyncio.sleep(0.01)
        away = False
        while built.state != "failed":
            await asyncio.sleep(0.01)
        assert (await built.check())["gateway"] == "failed"
        assert not built.realtime.ready

"""A guard for every server a test starts, and PostgreSQL data that is made once and copied."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devstack.guard import Guard
from devstack.pgdata import PostgresData


@pytest.fixture(scope="session")
async def guard() -> AsyncIterator[Guard]:
    async with Guard() as guard:
        yield guard


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with PostgreSQL's files in it, made once."""
    folder = tmp_path_factory.mktemp("made")
    PostgresData(folder / "postgres").prepare()
    return folder


@pytest.fixture
async def data(made: Path, tmp_path: Path) -> Path:
    """A data folder of this test's own, with PostgreSQL's files in it."""
    folder = tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, made, folder)
    (folder / "postgres" / "port").unlink()
    return folder

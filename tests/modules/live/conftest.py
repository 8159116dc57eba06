"""What several packages of live's tests need."""

from __future__ import annotations

import uuid

import asyncpg
import pytest


@pytest.fixture
async def program(database: asyncpg.Pool) -> str:
    """A program of the mentor `meera` in which `enid` is enrolled."""
    id = uuid.uuid4().hex
    await database.execute("INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', 'meera')", id)
    await database.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, 'enid')", id)
    return id

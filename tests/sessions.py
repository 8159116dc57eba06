"""Live sessions of the open demo program, written beside the gateways."""

from __future__ import annotations

import uuid

import asyncpg


async def create_session(database_url: str, mentor: str) -> str:
    """A new live session that everyone may join; its room's name."""
    id = f"s-{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO live_session (id, program_id, title, mentor_id) VALUES ($1, 'demo', 'A class', $2)",
            id,
            mentor,
        )
    finally:
        await connection.close()
    return f"session:{id}"

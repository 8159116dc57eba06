"""The session that `ksmp dev` seeds."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database

DEMO: Final = "demo"
# It is live for good, because no timer is set for it.
SEED: Final = """
    INSERT INTO live_session (
        id, program_id, title, mentor_id, co_mentors, starts_at, ends_at, state, video, started_at, created_at
    ) VALUES ($1, $1, 'Demo class', $2, '{}', $3, $4, 'live', 'unavailable', $3, $3) ON CONFLICT (id) DO NOTHING
"""


async def seed(database: Database, mentor: str) -> str:
    """Create the demo session unless it exists; returns its id. Raises Unavailable."""
    now = clock.now()
    await database.fetch(SEED, DEMO, mentor, now, now + timedelta(hours=1))
    return DEMO

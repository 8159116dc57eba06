"""What `ksmp dev` shows of assignments."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database

DEMO: Final = "demo"
ZONE: Final = "Asia/Kolkata"
# It is of the demo program, open to all, and due in a week; no timer is set for it.
SEED: Final = """
    INSERT INTO assignments_assignment (
        id, program_id, title, instructions, state, accepts, points, due_wall, due_zone, due_at,
        late_kind, late_percent, late_floor, file_bytes, files_most, published_at, created_by, created_at
    ) VALUES (
        $1, $1, 'Say what you have learned', 'Write three sentences on the class, or photograph what you have noted.',
        'published', '{text,pages}', 10, $3::timestamptz AT TIME ZONE $4, $4, $3,
        'percent', 10, 50, 10485760, 5, $5, $2, $5
    ) ON CONFLICT (id) DO NOTHING
"""


async def seed(database: Database, mentor: str) -> str:
    """Create a published assignment unless it exists; returns its id. Raises Unavailable."""
    now = clock.now()
    due = (now + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    await database.fetch(SEED, DEMO, mentor, due, ZONE, now)
    return DEMO

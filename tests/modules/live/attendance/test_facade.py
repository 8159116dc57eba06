"""How often somebody was present in a program's sessions, as other modules ask for it."""

from __future__ import annotations

import uuid

import asyncpg

from ksmp_testkit import Running
from modules.live.facade import Attended, attended
from tests.modules.live.attendance.sessions import SESSION, held


async def test_only_sessions_with_a_report_count(node: Running, program: str, database: asyncpg.Pool) -> None:
    ann, ben = (uuid.uuid4().hex for _ in range(2))
    assert await attended(node.gateway.database, program, [ann]) == {ann: Attended(0, 0)}
    await held(database, program, present=[ann, ben], absent=[])
    await held(database, program, present=[ann], absent=[ben])
    await held(database, uuid.uuid4().hex, present=[ann], absent=[])
    # Its report is not stored yet.
    await database.execute(SESSION, uuid.uuid4().hex, program)
    found = await attended(node.gateway.database, program, [ann, ben, "nobody"])
    assert found == {ann: Attended(2, 2), ben: Attended(1, 2), "nobody": Attended(0, 2)}

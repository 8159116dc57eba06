"""A gateway that sweeps when it is told to, and a walk over the bucket that is due."""

from __future__ import annotations

import asyncpg
import pytest

ENVIRON = {
    "KSMP_FILES_BEGIN_RATE_COUNT": "10000",
    # The tests say when something is looked for.
    "KSMP_FILES_SWEEP_INTERVAL": "3600",
    "KSMP_FILES_SWEEP_BATCH": "5",
    "KSMP_FILES_SWEEP_CLAIM": "300",
    "KSMP_FILES_UNFINISHED_KEPT": "600",
    "KSMP_FILES_UNHELD_KEPT": "86400",
    "KSMP_FILES_ORPHAN_AGE": "172800",
    "KSMP_FILES_ORPHAN_INTERVAL": "21600",
    "KSMP_FILES_ORPHAN_MOST": "200",
}


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    return ENVIRON


@pytest.fixture
async def walk_due(database: asyncpg.Pool) -> None:
    await database.execute("DELETE FROM file_walk")

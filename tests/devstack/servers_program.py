"""Runs PostgreSQL and NATS under a guard, prints their process ids as JSON, and waits to be killed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import asyncpg  # type: ignore[import-untyped,unused-ignore]

from devstack.guard import Guard
from devstack.nats import NatsServer
from devstack.postgres import Postgres


async def main(folder: Path) -> None:
    async with Guard() as guard, Postgres(folder, guard=guard) as postgres, NatsServer(folder, guard=guard) as nats:
        watch = asyncio.create_task(guard.watch())
        connection = await asyncpg.connect(postgres.url)
        backend = await connection.fetchval("select pg_backend_pid()")
        pids = {"guard": guard.pid, "postgres": postgres.pid, "backend": backend, "nats": nats.pid}
        print(json.dumps({"pids": pids, "group": guard.group}), flush=True)
        await asyncio.sleep(60)
        watch.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

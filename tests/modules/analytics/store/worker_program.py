"""A process that stores a story, or makes its days anew, and is killed at a failpoint.

`python -m tests.modules.analytics.store.worker_program write PROGRAM FILE NUMBER [FAILPOINT TIMES]` stores the batches
of one worker. FILE says which batches were acknowledged; the others are delivered again.
`python -m tests.modules.analytics.store.worker_program rebuild [FAILPOINT TIMES]` finishes one rebuild.
It is killed when it comes to FAILPOINT for the TIMES-th time. The database is that of KSMP_DATABASE_URL.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from gateway import failpoint
from gateway.db.database import PostgresDatabase
from modules.analytics.store.event import Event, Source
from modules.analytics.store.rebuild import Rebuild
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.store.events import NAMES, NOON, ZONE, Story

FIRST, AFTER = date(2021, 3, 8), date(2021, 3, 13)
WORKERS = 2


def batches(program: str, number: int) -> list[Sequence[Event]]:
    """What one worker is delivered: events of three days in any order, a third of them delivered to the other too."""
    dice, story = random.Random(7), Story(program)
    names = ["test.watched", "test.watched", "test.state", "test.done"]
    events = [
        story.fact(
            dice.choice(names),
            NOON + timedelta(seconds=dice.randrange(-100_000, 100_000)),
            user=dice.choice(["", "ann", "bob", "cid"]),
            key=dice.choice("xyz"),
            label=dice.choice("ab"),
            value=dice.randrange(100),
        )
        for _ in range(900)
    ]
    own = [event for place, event in enumerate(events) if place % 3 in (number, 2)]
    random.Random(number).shuffle(own)
    return [own[begin : begin + 5] for begin in range(0, len(own), 5)]


async def write(database: PostgresDatabase, program: str, acknowledged: Path, number: int) -> None:
    writer = EventWriter(database, lambda: NAMES, ZONE)
    done = set(acknowledged.read_text().split()) if acknowledged.exists() else set()
    for place, batch in enumerate(batches(program, number)):
        if str(place) not in done:
            await writer.write(batch, Source.FACTS)
            with acknowledged.open("a") as file:
                file.write(f"{place}\n")


async def rebuild(database: PostgresDatabase) -> None:
    work = Rebuild(database, lambda: NAMES, ZONE)
    await work.begin(FIRST, AFTER)
    while await work.step() is not None:
        pass


def kill_at(name: str, times: int) -> None:
    count = itertools.count(1)
    failpoint.set(name, lambda _: next(count) == times)


async def main(do: str, *arguments: str) -> None:
    database = PostgresDatabase(os.environ["KSMP_DATABASE_URL"], pool=2, timeout=30.0)
    await database.start()
    needed = 3 if do == "write" else 0
    if fault := arguments[needed:]:
        kill_at(fault[0], int(fault[1]))
    if do == "write":
        await write(database, arguments[0], Path(arguments[1]), int(arguments[2]))
    else:
        await rebuild(database)
    await database.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

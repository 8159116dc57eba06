"""Measures the store and what reads it: `python -m loadtests.analytics`.

It starts a `ksmp dev` of one gateway and stores a history of a school through the writer. Then it asks the gateway for
the dashboards of each role and for each measure alone. Ends with status 1 when a dashboard's p95 is not below 200 ms,
or anything was refused.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from gateway import clock
from gateway.cli import environment
from gateway.contract import Database
from gateway.deployment import opened
from loadtests import stack
from loadtests.analytics.history import History
from loadtests.analytics.ingestion import SETTLE, Ingested, Room, ingest, lags, percentile, room
from loadtests.analytics.reads import Answered, Reader, faulty
from loadtests.bench.machine import Others
from loadtests.bench.process import cpu_seconds
from loadtests.stack import Stack
from modules.analytics.module import AnalyticsModule

BAR_MS: Final = 200.0
# One user asks for all of it, as fast as it is answered.
SETTINGS: Final = {
    "KSMP_REQUEST_RATE": "100000",
    "KSMP_REQUEST_BURST": "100000",
    "KSMP_ANALYTICS_QUERY_RATE_COUNT": "100000",
}
# Programs of the mentor who can sign in.
TAUGHT: Final = 5
ADD_PROGRAM: Final = "INSERT INTO program (id, title, mentor_id) VALUES ($1, $2, $3)"


async def measure(options: argparse.Namespace) -> int:
    """Print it all. Returns the exit status."""
    others = Others()
    async with stack.running(1, **SETTINGS) as running:
        history = History(options.events, options.days, clock.now(), options.seed)
        # Ten million rows take longer to count than a gateway may wait.
        environ = {**environment(Path(running.data)), "KSMP_DATABASE_TIMEOUT": "600"}
        async with opened(AnalyticsModule, environ) as module:
            await add_programs(module.kernel.database, history)
            cpu = cpu_seconds([os.getpid()])
            ingested = await ingest(module.writer, history)
            cpu = cpu_seconds([os.getpid()]) - cpu
            for statement in SETTLE:
                await module.kernel.database.fetch(statement)
            print("\n".join(told(ingested, cpu)))
            late = await lags(module.writer, history, options.lag_seconds)
            print(
                f"lag of figures at 10,000 events a second: median {percentile(late, 0.5) * 1000:.0f} ms,"
                f" p95 {percentile(late, 0.95) * 1000:.0f} ms"
            )
            print("\n".join(sized(await room(module.kernel.database))))
        status = await read(running, history.programs[:TAUGHT], options)
        print(f"share of the machine that others used: {others.share():.2f}")
    return status


async def add_programs(database: Database, history: History) -> None:
    """The rows of the programs, a few of them taught by the mentor of `ksmp dev`."""
    for number, program in enumerate(history.programs):
        mentor = "dev-mentor" if number < TAUGHT else f"mentor-{number}"
        await database.fetch(ADD_PROGRAM, program, f"Program {number}", mentor)


async def read(running: Stack, taught: Sequence[str], options: argparse.Namespace) -> int:
    today = clock.now().date()
    reader = Reader(running.gateways[0], running.tokens, options.days, today, options.seed)
    try:
        dashboards = [*await reader.dashboards(options.reads), await reader.at_risk(taught, options.reads)]
        print("\n".join(table("dashboard, four weeks by day", dashboards)))
        answers: list[Answered] = []
        for by in ("day", "program"):
            answers += await reader.measures("admin", options.widget_reads, by=by)
        print("\n".join(table("a measure alone, for admins", sorted(answers, key=lambda one: -one.p95)[:12])))
    finally:
        await reader.close()
    slow = [one for one in dashboards if one.p95 >= BAR_MS]
    return 1 if slow or faulty(dashboards) else 0


def told(ingested: Ingested, cpu: float) -> Iterator[str]:
    events, writing = ingested.events, ingested.writing
    yield f"stored {events:,} events in {ingested.seconds:,.0f} s, {writing:,.0f} s of it in the writer"
    yield f"ingest: {events / writing:,.0f} events a second; p95 of a batch {ingested.batch_p95:.2f} s"
    yield f"CPU of this process, which also makes them: {cpu / events * 1e6:.1f} µs an event"


def sized(found: Room) -> Iterator[str]:
    events = found.rows["events"]
    yield "rows: " + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in found.rows.items())
    yield "bytes an event:"
    yield from (f"  {size / events:7.1f}  {what}" for what, size in found.bytes.items())
    yield f"  {sum(found.bytes.values()) / events:7.1f}  in all"


def table(title: str, answers: Sequence[Answered]) -> Iterator[str]:
    yield f"{title}: median and p95 in ms, not from a cache"
    for one in answers:
        yield f"  {one.median:8.1f} {one.p95:8.1f}  {one.what}{refusals(one.faults)}"


def refusals(faults: Mapping[int, int]) -> str:
    return "".join(f"; {count} answered {status}" for status, count in faults.items())


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=300, help="the time in which they happened")
    parser.add_argument("--reads", type=int, default=60, help="of each dashboard")
    parser.add_argument("--widget-reads", type=int, default=10, help="of each measure")
    parser.add_argument("--lag-seconds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)

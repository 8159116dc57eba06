"""Measures files and boards: `python -m loadtests.analytics files`.

It starts a `ksmp dev` of one gateway and stores a history. Then an admin asks for all events as CSV, Parquet and XLSX,
and for a board of 20 widgets. Beside each file a user asks for a small answer 20 times a second. Ends with status 1
when a file was refused.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from gateway import clock
from gateway.cli import environment
from gateway.deployment import opened
from loadtests import stack
from loadtests.analytics.history import History
from loadtests.analytics.ingestion import SETTLE, ingest, percentile
from loadtests.bench.process import cpu_seconds, memory
from loadtests.stack import Stack
from modules.analytics.module import AnalyticsModule

DAYS: Final = 90
WIDGETS: Final = 20
EVERY: Final = 0.05
SETTINGS: Final = {
    "KSMP_REQUEST_RATE": "100000",
    "KSMP_REQUEST_BURST": "100000",
    "KSMP_ANALYTICS_QUERY_RATE_COUNT": "100000",
    "KSMP_ANALYTICS_EXPORT_ROWS": "10000000",
    # A board is read each time.
    "KSMP_ANALYTICS_FRESH": "0.001",
}


class Sent(msgspec.Struct, frozen=True):
    """A file: its size in bytes, seconds until it began and until it ended, CPU, growth of memory, others' answers."""

    format: str
    status: int
    size: int
    first: float
    seconds: float
    cpu: float
    grown_mb: float
    beside_ms: float


async def measure(options: argparse.Namespace) -> int:
    """Print it all. Returns the exit status."""
    async with stack.running(1, **SETTINGS) as running:
        history = History(options.events, DAYS, clock.now(), options.seed)
        environ = environment(Path(running.data)) if running.data else os.environ
        async with opened(AnalyticsModule, environ) as module:
            ingested = await ingest(module.writer, history)
            for statement in SETTLE:
                await module.kernel.database.fetch(statement)
        print(f"{ingested.events:,} events are stored")
        headers = {"Authorization": f"Bearer {running.tokens['admin']}"}
        async with httpx.AsyncClient(
            base_url=f"{running.gateways[0]}/api/v1", headers=headers, trust_env=False, timeout=600.0
        ) as admin:
            print(f"alone: {percentile(await small_answers(admin, 3.0), 0.95):.0f} ms p95 of a small answer")
            files = [await file(admin, running, format) for format in ("csv", "parquet", "xlsx")]
            for one in files:
                print(
                    f"{one.format}: {one.size / 1e6:.1f} MB, first byte after {one.first:.1f} s, all after"
                    f" {one.seconds:.1f} s, {one.cpu:.1f} s of CPU, memory grew by {one.grown_mb:.0f} MB,"
                    f" {one.beside_ms:.0f} ms p95 of a small answer beside"
                )
            took = await board(admin, options.reads)
            median, most = percentile(took, 0.5), percentile(took, 0.95)
            print(f"a board of {WIDGETS} widgets: median {median:.0f} ms, p95 {most:.0f} ms")
    return 1 if any(one.status != 200 for one in files) else 0


async def file(admin: httpx.AsyncClient, running: Stack, format: str) -> Sent:
    pids = running.gateway_pids
    cpu, most = cpu_seconds(pids), memory(pids)
    before = most
    begun = time.perf_counter()
    first, size = 0.0, 0
    beside = asyncio.create_task(small_answers(admin, None))
    params = {"format": format, "from": (clock.now().date() - timedelta(days=DAYS)).isoformat()}
    async with admin.stream("GET", "/analytics/exports/events", params=params) as answer:
        async for piece in answer.aiter_raw():
            first = first or time.perf_counter() - begun
            size += len(piece)
            most = max(most, memory(pids))
    seconds = time.perf_counter() - begun
    beside.cancel()
    took = await beside
    return Sent(
        format=format,
        status=answer.status_code,
        size=size,
        first=first,
        seconds=seconds,
        cpu=cpu_seconds(pids) - cpu,
        grown_mb=(most - before) / 1024,
        beside_ms=percentile(took, 0.95),
    )


async def small_answers(who: httpx.AsyncClient, seconds: float | None) -> list[float]:
    """Milliseconds of small answers, asked for one after the other; for some time, or until it is cancelled."""
    took: list[float] = []
    begun = time.perf_counter()
    try:
        while seconds is None or time.perf_counter() - begun < seconds:
            asked = time.perf_counter()
            (await who.get("/users/me")).raise_for_status()
            took.append((time.perf_counter() - asked) * 1000)
            await asyncio.sleep(EVERY)
    except asyncio.CancelledError:
        pass
    return took


async def board(admin: httpx.AsyncClient, reads: int) -> list[float]:
    """Milliseconds of reading a board whose widgets are the measures by day, as many as fit."""
    measures = (await admin.get("/analytics/measures")).json()["items"]
    widgets: list[dict[str, Any]] = [
        {"title": one["title"], "chart": "line", "question": {"measure": one["name"], "by": "day"}}
        for one in measures
        if "day" in one["dimensions"]
    ][:WIDGETS]
    made = await admin.post("/analytics/boards", json={"title": "All", "widgets": widgets})
    made.raise_for_status()
    took: list[float] = []
    for _ in range(reads):
        asked = time.perf_counter()
        (await admin.get(f"/analytics/boards/{made.json()['id']}/figures")).raise_for_status()
        took.append((time.perf_counter() - asked) * 1000)
    return took


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=250_000)
    parser.add_argument("--reads", type=int, default=40, help="of the board")
    parser.add_argument("--seed", type=int, default=7)

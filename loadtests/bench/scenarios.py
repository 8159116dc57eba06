"""Scenarios: what is measured of a peer. Each one takes a fresh server and returns figures by name."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import signal
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from loadtests.bench.crowd import AT_ONCE, Crowd, Traffic
from loadtests.bench.launch import Launch, Peer, ksmp
from loadtests.bench.machine import Others
from loadtests.bench.process import cpu_seconds, memory
from loadtests.bench.stalled import StalledViewer

Figures = dict[str, float]

WARM: Final = 25
RATES: Final = (20.0, 100.0)
# Messages a second at which the search for the ceiling looks, each about a third over the one before.
STEPS: Final = (25, 35, 50, 70, 90, 120, 160, 200, 250, 300, 350, 400, 500, 600)
STEP_SECONDS: Final = 4.0
BAR: Final = 100.0
# The generator's latencies mean nothing when it has no time left itself.
SATURATED: Final = 0.92
STALLED_RATE: Final = 50.0
STALLED_SIZE: Final = 2000
STALLED_SECONDS: Final = 12.0
# Messages a second and seconds of absence of those who come back with their positions.
BACK_RATE: Final = 8.0
BACK_AWAY: Final = 0.25
THOUSANDS: Final = 10_000
THOUSANDS_RATE: Final = 5.0
THOUSANDS_SECONDS: Final = 10.0


class Size(msgspec.Struct, frozen=True):
    """How large a measurement is; `size` in characters of a text."""

    members: int
    seconds: float
    size: int


async def steady(launch: Launch, size: Size) -> Figures:
    """Measures what entering costs, what a member holds, and what a delivery costs at two rates."""
    others = Others()
    async with launch() as peer:
        figures: Figures = {}
        tokens = await asyncio.to_thread(peer.tokens, size.members + WARM)
        await _warm(peer, tokens[size.members :])
        crowd = Crowd(peer.urls, peer.dialect)
        cpu, used = cpu_seconds(peer.pids), memory(peer.pids)
        await crowd.enter(tokens[: size.members])
        await asyncio.sleep(1.0)
        figures["connect_cpu"] = (cpu_seconds(peer.pids) - cpu) / size.members * 1e6
        figures["memory"] = (memory(peer.pids) - used) / size.members
        await crowd.chat(RATES[0], 2.0, size.size)
        for rate in RATES:
            traffic = await _costs(peer, crowd, rate, size, figures, f"at_{rate:.0f}_")
            _note(figures, traffic, f"at_{rate:.0f}_")
        figures["back_cpu"] = await _come_back(peer, crowd, tokens, size)
        figures["others"] = others.share()
        await crowd.leave()
        return figures


async def ceiling(launch: Launch, size: Size) -> Figures:
    """The most deliveries a second with p99 under the bar, nothing lost and everything acknowledged."""
    others = Others()
    async with launch() as peer:
        tokens = await asyncio.to_thread(peer.tokens, size.members)
        crowd = Crowd(peer.urls, peer.dialect)
        figures: Figures = {"ceiling": 0.0, "ceiling_p99": math.inf}
        await _refill(crowd, tokens, size)
        best, failed = 0.0, math.inf
        steps = iter(STEPS)
        rate = float(next(steps))
        while rate < failed:
            good, generator = await _step(crowd, rate, size, figures)
            if not good:
                # A moment in which the machine was busy with something else is no limit: it has to fail twice.
                await crowd.leave()
                await _refill(crowd, tokens, size)
                good, generator = await _step(crowd, rate, size, figures)
            if good:
                best, rate = rate, float(next(steps, math.inf))
            else:
                failed = rate
        if best > 0 and failed < math.inf:
            await crowd.leave()
            await _refill(crowd, tokens, size)
            await _step(crowd, (best + failed) / 2, size, figures)
        # 1 when the generator and not the server gave up, or when no step was too much.
        figures["ceiling_by_generator"] = float(failed == math.inf or generator > SATURATED)
        figures["others"] = others.share()
        await crowd.leave()
        return figures


async def stalled(launch: Launch, size: Size) -> Figures:
    """The others' p99 with one viewer that never reads, against the same without."""
    others = Others()
    async with launch() as peer:
        tokens = await asyncio.to_thread(peer.tokens, size.members + 1)
        crowd = Crowd(peer.urls, peer.dialect)
        await _refill(crowd, tokens[:-1], size)
        without = await crowd.chat(STALLED_RATE, STALLED_SECONDS, STALLED_SIZE)
        viewer = StalledViewer(peer.urls[0], peer.dialect)
        await viewer.enter(tokens[-1])
        beside = await crowd.chat(STALLED_RATE, STALLED_SECONDS, STALLED_SIZE)
        # A close is announced first, and the viewer does not read that either.
        for _ in range(20):
            if not viewer.closed:
                await asyncio.sleep(0.5)
        figures = {
            "stalled_without_p99": without.p99,
            "stalled_with_p99": beside.p99,
            "stalled_ratio": beside.p99 / without.p99,
            "stalled_lost": float(beside.lost + without.lost),
            "stalled_closed": float(viewer.closed),
            "others": others.share(),
        }
        viewer.leave()
        await crowd.leave()
        return figures


async def ten_thousand(size: Size) -> Figures:
    """One room with members on two gateways, which share the servers' core."""
    others = Others()
    async with ksmp(gateways=2) as peer:
        tokens = await asyncio.to_thread(peer.tokens, THOUSANDS)
        crowd = Crowd(peer.urls, peer.dialect)
        cpu, used = cpu_seconds(peer.pids), memory(peer.pids)
        await crowd.enter(tokens)
        await asyncio.sleep(2.0)
        figures = {
            "ten_connect_cpu": (cpu_seconds(peer.pids) - cpu) / THOUSANDS * 1e6,
            "ten_memory": (memory(peer.pids) - used) / THOUSANDS,
        }
        gc.freeze()
        await crowd.chat(THOUSANDS_RATE, 2.0, size.size)
        cpu = cpu_seconds(peer.pids)
        traffic = await crowd.chat(THOUSANDS_RATE, THOUSANDS_SECONDS, size.size)
        figures["ten_cpu"] = (cpu_seconds(peer.pids) - cpu) / max(1, traffic.deliveries) * 1e6
        _note(figures, traffic, "ten_")
        figures["ten_worst"] = traffic.worst
        figures["ten_closed"] = float(crowd.closed)
        figures["others"] = others.share()
        await crowd.leave()
        return figures


async def restart(size: Size) -> Figures:
    """One of two gateways is told to stop; its half of the members come to the other when they were told to."""
    others = Others()
    async with ksmp(gateways=2) as peer:
        tokens = await asyncio.to_thread(peer.tokens, size.members)
        crowd = Crowd(peer.urls, peer.dialect)
        await crowd.enter(tokens)
        await asyncio.sleep(2.0)
        gc.freeze()
        cpu, begun = cpu_seconds(peer.pids[1:]), time.perf_counter()
        os.kill(peer.pids[0], signal.SIGTERM)
        moved = await crowd.move(tokens, peer.urls[1])
        took = time.perf_counter() - begun
        figures = {
            "restart_cpu": (cpu_seconds(peer.pids[1:]) - cpu) / moved * 1e6,
            "restart_seconds": took,
            "restart_rate": moved / took,
            "restart_closed": float(crowd.closed),
            "others": others.share(),
        }
        await crowd.leave()
        return figures


async def _warm(peer: Peer, tokens: Sequence[str]) -> None:
    """Let the server load and compile what the first members make it load."""
    crowd = Crowd(peer.urls, peer.dialect)
    await crowd.enter(tokens)
    await crowd.chat(50.0, 1.0, 200)
    await crowd.leave()


async def _refill(crowd: Crowd, tokens: Sequence[str], size: Size) -> None:
    await crowd.enter(tokens)
    gc.freeze()
    await crowd.chat(RATES[0], 2.0, size.size)


async def _costs(peer: Peer, crowd: Crowd, rate: float, size: Size, figures: Figures, prefix: str) -> Traffic:
    before = {name: cpu_seconds(pids) for name, pids in {"": peer.pids, **peer.extras}.items()}
    traffic = await crowd.chat(rate, size.seconds, size.size)
    for name, pids in {"": peer.pids, **peer.extras}.items():
        per = (cpu_seconds(pids) - before[name]) / max(1, traffic.deliveries) * 1e6
        figures[f"{prefix}cpu{'_' + name if name else ''}"] = per
    return traffic


async def _come_back(peer: Peer, crowd: Crowd, tokens: Sequence[str], size: Size) -> float:
    """Server CPU µs of a member who was away for a moment and comes back, beside a slow chat, without the chat's."""
    seconds = len(crowd.members) / AT_ONCE * BACK_AWAY
    cpu = cpu_seconds(peer.pids)
    traffic = await crowd.chat(BACK_RATE, max(2.0, seconds), size.size)
    delivery = (cpu_seconds(peer.pids) - cpu) / max(1, traffic.deliveries)
    cpu = cpu_seconds(peer.pids)
    beside = asyncio.create_task(crowd.chat(BACK_RATE, seconds, size.size))
    await crowd.lose(tokens, BACK_AWAY)
    deliveries = (await beside).deliveries
    return (cpu_seconds(peer.pids) - cpu - delivery * deliveries) / len(crowd.members) * 1e6


async def _step(crowd: Crowd, rate: float, size: Size, figures: Figures) -> tuple[bool, float]:
    """Whether this rate was sustained, which is then the ceiling; and how busy the generator was."""
    traffic = await crowd.chat(rate, STEP_SECONDS, size.size)
    kept_up = traffic.seconds < STEP_SECONDS * 1.1
    clean = not (traffic.lost or traffic.doubled or traffic.unacknowledged or crowd.closed)
    good = traffic.p99 < BAR and clean and kept_up
    if good:
        figures["ceiling"] = rate * len(crowd.members)
        figures["ceiling_p99"] = traffic.p99
        figures["ceiling_generator"] = traffic.generator
    return good, traffic.generator


def _note(figures: Figures, traffic: Traffic, prefix: str) -> None:
    figures[f"{prefix}p50"] = traffic.p50
    figures[f"{prefix}p99"] = traffic.p99
    figures[f"{prefix}lost"] = float(traffic.lost + traffic.unacknowledged)
    figures[f"{prefix}doubled"] = float(traffic.doubled)
    figures[f"{prefix}generator"] = traffic.generator

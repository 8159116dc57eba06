"""Measure what a chat message costs: `python -m loadtests.bench --members 1000 --rate 20`.

The whole path: authenticated members, messages stored in JetStream, metrics on. CPU is user and system time of
the gateway processes alone; latency is from the sender's socket to each member's, in one generator process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import statistics
import time
from pathlib import Path

import msgspec

from gateway.embedded.people import many_tokens
from gateway.principal import Role
from loadtests import stack
from loadtests.bench.generator import Member, enter, text

AT_ONCE = 50


class Figures(msgspec.Struct):
    """One round. Times in ms, CPU in µs, memory in KiB."""

    deliveries: int
    lost: int
    cpu_per_delivery: float
    p50: float
    p99: float
    worst: float
    connect_cpu: float
    memory: float


def cpu_seconds(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pids: list[int]) -> float:
    """Resident KiB."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


async def measure(running: stack.Stack, options: argparse.Namespace, round_: int) -> Figures:
    pids = running.gateway_pids
    latencies: list[float] = []
    tokens = list(
        many_tokens(Path(running.data), Role.STUDENT, count=options.members, prefix=f"bench{round_}", ttl=3600)
    )
    before_cpu, before_memory = cpu_seconds(pids), memory(pids)
    members: list[Member] = []
    for start in range(0, len(tokens), AT_ONCE):
        some = enumerate(tokens[start : start + AT_ONCE], start)
        members += await asyncio.gather(
            *(
                enter(running.sockets[number % len(running.sockets)], token, running.room, latencies)
                for number, token in some
            )
        )
    connect_cpu = (cpu_seconds(pids) - before_cpu) / options.members
    used = (memory(pids) - before_memory) / options.members
    sender = members[0]
    before_cpu = cpu_seconds(pids)
    count = int(options.rate * options.seconds)
    begun = time.perf_counter()
    calls = []
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / options.rate - time.perf_counter()))
        calls.append(
            asyncio.create_task(sender.call(cmd="chat.send", room=running.room, data={"text": text(options.size)}))
        )
    await asyncio.gather(*calls)
    await asyncio.sleep(1.0)
    cpu = cpu_seconds(pids) - before_cpu
    received = sum(member.received for member in members)
    for member in members:
        member.close()
    latencies.sort()
    return Figures(
        deliveries=received,
        lost=count * options.members - received,
        cpu_per_delivery=cpu / max(1, received) * 1e6,
        p50=latencies[len(latencies) // 2] * 1000,
        p99=latencies[int(len(latencies) * 0.99)] * 1000,
        worst=latencies[-1] * 1000,
        connect_cpu=connect_cpu * 1e6,
        memory=used,
    )


async def main(options: argparse.Namespace) -> None:
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.2f} before the start"
    )
    print(
        f"{options.members} members over {options.gateways} gateway(s), {options.rate} messages/s of "
        f"{options.size} characters for {options.seconds} s, {options.rounds} round(s)"
    )
    rounds: list[Figures] = []
    async with stack.running(options.gateways) as running:
        gc.freeze()
        for number in range(options.rounds):
            rounds.append(await measure(running, options, number))
            await asyncio.sleep(1.0)
    print(f"{'':28}{'min':>12}{'median':>12}{'max':>12}")
    for name, unit in (
        ("cpu_per_delivery", "µs CPU a delivery"),
        ("p50", "ms latency p50"),
        ("p99", "ms latency p99"),
        ("worst", "ms latency worst"),
        ("connect_cpu", "µs CPU to connect and join"),
        ("memory", "KiB a connection"),
        ("deliveries", "deliveries"),
        ("lost", "lost"),
    ):
        values = [float(getattr(figures, name)) for figures in rounds]
        print(f"{unit:28}{min(values):12.1f}{statistics.median(values):12.1f}{max(values):12.1f}")
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(rounds)))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--members", type=int, default=300)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", type=int, default=200, help="characters of a message")
    parser.add_argument("--gateways", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="also write the figures of each round to this file")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(options()))

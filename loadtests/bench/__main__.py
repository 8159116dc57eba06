"""Measure the gateway beside its peers: `python -m loadtests.bench`, and `--all` for everything.

One generator on a core of its own; the server under measurement alone on another. The gateway runs its full
path: authenticated members, messages stored in JetStream, metrics on. Every peer is started afresh for each
round of each scenario, and the peers take turns within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shlex
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path

import msgspec
import uvloop
from picows import WSError

from loadtests.bench import machine, process, scenarios
from loadtests.bench.launch import PEERS
from loadtests.bench.report import SUBJECT, Measured, Report, lines
from loadtests.bench.scenarios import Figures, Size

ROUNDS = 1
ROUNDS_OF_ALL = 3


async def run(options: argparse.Namespace) -> Report:
    """Measure all that was asked for; SIGINT and SIGTERM end it early, with what there is."""
    before = await machine.idle()
    measured: list[Measured] = []
    failed: list[str] = []
    measuring = asyncio.create_task(_measure(options, measured, failed))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, measuring.cancel)
    try:
        await measuring
    except asyncio.CancelledError:
        failed.append("stopped before the end")
    generator, server = process.cores()
    return Report(
        machine=machine.describe(),
        command=shlex.join(["python", "-m", "loadtests.bench", *sys.argv[1:]]),
        placement=f"core {server}: the server alone; core {generator}: the generator, and NATS and PostgreSQL of ksmp",
        before=before,
        after=await machine.idle(),
        measured=measured,
        failed=failed,
    )


async def _measure(options: argparse.Namespace, measured: list[Measured], failed: list[str]) -> None:
    size = Size(options.members, options.seconds, options.size)

    async def take(scenario: str, peer: str, number: int, figures: Awaitable[Figures]) -> None:
        try:
            measured.append(Measured(scenario, peer, number, await figures))
            print(f"round {number}: {scenario} of {peer} done", file=sys.stderr, flush=True)
        except (OSError, RuntimeError, WSError) as error:
            failed.append(f"round {number}: {scenario} of {peer}: {type(error).__name__} {error}")
            print(failed[-1], file=sys.stderr, flush=True)

    for number in range(1, options.rounds + 1):
        for peer in options.peers:
            launch = PEERS[peer]
            if options.steady:
                await take("steady", peer, number, scenarios.steady(launch, size))
            if options.ceiling:
                await take("ceiling", peer, number, scenarios.ceiling(launch, size))
            if options.stalled:
                await take("stalled", peer, number, scenarios.stalled(launch, size))
        if options.restart:
            await take("restart", SUBJECT, number, scenarios.restart(size))
        if options.ten_thousand:
            await take("ten_thousand", SUBJECT, number, scenarios.ten_thousand(size))


def main() -> None:
    options = _options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.ten_thousand and 0 < hard < scenarios.THOUSANDS + 500:
        raise SystemExit(f"10,000 connections need more than the {hard} open files allowed here; raise `ulimit -Hn`")
    # Children inherit it; a server gets its own core when it runs.
    os.sched_setaffinity(0, {process.cores()[0]})
    report = uvloop.run(run(options))
    print("\n".join(lines(report)))
    if options.json:
        Path(options.json).write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    if report.failed:
        raise SystemExit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--peers", type=_peers, default=list(PEERS), help=f"of {','.join(PEERS)}; default: all")
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each steady rate")
    parser.add_argument("--size", type=int, default=200, help="characters of a text")
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}, with --all {ROUNDS_OF_ALL}")
    parser.add_argument("--ceiling", action="store_true", help="look for the highest sustained rate")
    parser.add_argument("--stalled", action="store_true", help="p99 beside a viewer that never reads")
    parser.add_argument("--ten-thousand", action="store_true", help="10,000 members on two gateways")
    parser.add_argument("--restart", action="store_true", help="one of two gateways stops: its members come back")
    parser.add_argument("--no-steady", dest="steady", action="store_false", help="leave out the default scenario")
    parser.add_argument("--all", action="store_true", help="all scenarios")
    parser.add_argument("--json", help="also write the figures of each round to this file")
    options = parser.parse_args()
    if options.all:
        options.ceiling = options.stalled = options.restart = options.ten_thousand = True
    if options.rounds is None:
        options.rounds = ROUNDS_OF_ALL if options.all else ROUNDS
    return options


def _peers(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in PEERS]:
        raise argparse.ArgumentTypeError(f"no such peer: {', '.join(unknown)}")
    return names


if __name__ == "__main__":
    main()

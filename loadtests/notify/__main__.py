"""Proves that each device shows a notification once, and prints what that costs: `python -m loadtests.notify`.

50,000 devices, for some of which FCM fails in every way, are sent one over two gateways. One of them is killed in the
middle. Ends with status 1 when a device shows two, one that can be reached shows none, a dead one is kept or another
one removed. Then our sender and firebase-admin each send a sample alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys

import msgspec

from loadtests import stack
from loadtests.bench.machine import Others
from loadtests.notify.run import SETTINGS, Place, Result, run
from loadtests.stack import Stack

GATEWAYS = 2


def pids_of(running: Stack) -> list[int]:
    """The gateways as they are now: one that was killed is another process."""
    with open(f"{running.data}/dev.json", "rb") as file:
        return msgspec.json.decode(file.read(), type=Stack).gateway_pids


async def alone(who: str, stand_in: str, count: int) -> dict[str, float]:
    """What a sample costs that one process sends."""
    command = [sys.executable, "-m", "loadtests.notify.sdk", who, stand_in, str(count)]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


async def measure(options: argparse.Namespace) -> Result:
    async with stack.running(GATEWAYS, **SETTINGS) as running:
        place = Place(running.database_url, running.aws_endpoint, lambda: pids_of(running))
        others = Others()
        result = await run(place, options.devices, seed=options.seed, kill=options.kill)
        print(result)
        for who, name in (("us", "our sender"), ("sdk", "firebase-admin, send_each_async")):
            found = await alone(who, running.aws_endpoint, options.sample)
            print(
                f"{name} alone: {found['cpu_ms']:.2f} ms of CPU a message, {found['per_second']:,.0f} messages a"
                f" second; {found['sent']:,.0f} of {options.sample:,} sent"
            )
        print(f"share of the machine that others used: {others.share():.2f}")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loadtests.notify", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--devices", type=int, default=50_000)
    parser.add_argument("--sample", type=int, default=2000, help="messages that are sent by each alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-kill", dest="kill", action="store_false", help="no gateway is lost")
    sys.exit(1 if asyncio.run(measure(parser.parse_args())).faults else 0)

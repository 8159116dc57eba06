"""A class on a `ksmp dev` of its own: `python -m loadtests.classroom --viewers 200 --seconds 30`."""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from pathlib import Path

from loadtests import stack

LOCUSTFILE = Path(__file__).parent.parent / "classroom.py"


async def run(options: argparse.Namespace, rest: list[str]) -> int:
    """The exit code of Locust, which gets the arguments that are not ours as they are."""
    async with stack.running(options.gateways) as running:
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
        command += ["--stop-timeout", "20", "--data", running.data, "--viewers", str(options.viewers)]
        command += ["--seconds", str(options.seconds), "--join-rate", str(options.join_rate), *rest]
        locust = await asyncio.create_subprocess_exec(*command)
        try:
            return await locust.wait()
        finally:
            if locust.returncode is None:
                locust.terminate()
                await locust.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.classroom", description=__doc__)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0, help="of lesson, once all are in")
    parser.add_argument("--join-rate", type=float, default=50.0, help="viewers a second")
    parser.add_argument("--gateways", type=int, default=1)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return asyncio.run(run(*parser.parse_known_args()))


if __name__ == "__main__":
    raise SystemExit(main())

"""Proves that whoever has paid is enrolled once: `python -m loadtests.checkouts`.

Students check out through a stand-in for Razorpay that fails 30 % of its calls, and loses, repeats, delays and reorders
30 % of its webhooks, while gateways are killed. Then days pass on the stand-in's clock, and its books are compared with
ours: places, refunds, ledger, invoices. Ends with status 1 when anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from loadtests.checkouts.run import Result, run


async def main(options: argparse.Namespace) -> Result:
    kills = None if options.no_kills else (options.kill_every * 0.5, options.kill_every * 1.5)
    return await run(options.count, seed=options.seed, share=options.share, kills=kills, at_once=options.at_once)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="checkouts")
    parser.add_argument("--at-once", type=int, default=25, help="students who buy at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.3, help="of calls and webhooks that go wrong")
    parser.add_argument("--kill-every", type=float, default=8.0, help="seconds between two kills, on average")
    parser.add_argument("--no-kills", action="store_true")
    result = asyncio.run(main(parser.parse_args()))
    print(result)
    sys.exit(1 if result.faults else 0)

"""Proves that what was turned in is there, once and with the right lateness: `python -m loadtests.deadline`.

Students turn in within the last ten seconds before a deadline over two gateways. One gateway is killed, and S3 fails
for two seconds. Ends with status 1 when anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from loadtests.deadline.run import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="students")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-trouble", dest="trouble", action="store_false", help="nothing fails")
    options = parser.parse_args()
    result = asyncio.run(run(options.count, seed=options.seed, trouble=options.trouble))
    print(result)
    sys.exit(1 if result.faults else 0)

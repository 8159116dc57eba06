"""Measures analytics: `python -m loadtests.analytics` the store and its readers, `… ingest` what comes in."""

from __future__ import annotations

import argparse
import asyncio
import sys

from loadtests.analytics import ingest, store

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loadtests.analytics", description=(__doc__ or "").strip())
    if sys.argv[1:2] == ["ingest"]:
        ingest.arguments(parser)
        sys.exit(asyncio.run(ingest.measure(parser.parse_args(sys.argv[2:]))))
    store.arguments(parser)
    sys.exit(asyncio.run(store.measure(parser.parse_args())))

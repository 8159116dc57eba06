"""Measures analytics: `python -m loadtests.analytics` the store and its readers.

`… ingest` measures what comes in, and `… files` exports and boards.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from loadtests.analytics import files, ingest, store

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loadtests.analytics", description=(__doc__ or "").strip())
    if sys.argv[1:2] == ["ingest"]:
        ingest.arguments(parser)
        sys.exit(asyncio.run(ingest.measure(parser.parse_args(sys.argv[2:]))))
    if sys.argv[1:2] == ["files"]:
        files.arguments(parser)
        sys.exit(asyncio.run(files.measure(parser.parse_args(sys.argv[2:]))))
    store.arguments(parser)
    sys.exit(asyncio.run(store.measure(parser.parse_args())))

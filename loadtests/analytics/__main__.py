"""Measures analytics: `python -m loadtests.analytics` the store and its readers."""

from __future__ import annotations

import argparse
import asyncio
import sys

from loadtests.analytics import store

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loadtests.analytics", description=(__doc__ or "").strip())
    store.arguments(parser)
    sys.exit(asyncio.run(store.measure(parser.parse_args())))

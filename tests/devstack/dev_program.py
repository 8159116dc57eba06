"""Runs `ksmp dev` with stand-in gateways: `dev_program.py DATA PORT [NATS_NODES]`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from devstack.dev import Dev
from devstack.errors import DevStackError
from devstack.stack import Options
from gateway.settings import Settings
from gateway.telemetry.output import Output


async def prepare(settings: Settings) -> Mapping[str, str]:
    return {"session": "demo"}


def main() -> None:
    data, port, *nodes = sys.argv[1:]
    options = Options(data=Path(data), port=int(port), nats_nodes=int(nodes[0]) if nodes else 1)
    command = [sys.executable, "-S", str(Path(__file__).with_name("gateway_standin.py"))]
    output = Output(1)
    try:
        asyncio.run(Dev(options, say=output.write, command=command, prepare=prepare).run())
    except DevStackError as error:
        sys.exit(str(error))
    finally:
        output.flush(0.5)


if __name__ == "__main__":
    main()

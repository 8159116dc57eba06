"""`live.snapshot` and `live.staff_snapshot`: the whole state of a room in one command, at a position.

What is in it is not live's alone: every module adds its parts (`Module.snapshots`).
"""

from __future__ import annotations

import msgspec

from gateway.module import Command, Context
from gateway.protocol.messages import Snapshot


class Read(msgspec.Struct, frozen=True):
    """`live.snapshot` and `live.staff_snapshot` carry nothing."""


async def read(context: Context, request: Read) -> Snapshot:
    return await context.snapshot()


COMMANDS = (
    Command(name="live.snapshot", rooms="session", role="viewer", request=Read, handler=read),
    Command(name="live.staff_snapshot", rooms="staff", role="host", request=Read, handler=read),
)

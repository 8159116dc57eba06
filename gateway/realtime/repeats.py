"""Repeated commands: the same nonce within two minutes is answered as it was the first time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from gateway import clock
from gateway.backoff import Backoff
from gateway.contract.command import CommandSpec
from gateway.db.results import CommandResults
from gateway.errors import Unavailable
from gateway.principal import Principal
from gateway.protocol.messages import Command, ModuleCommand, Published
from gateway.realtime.dedup_window import message_id
from gateway.realtime.hub import Hub
from gateway.realtime.room import Room


def is_repeatable(command: Command) -> bool:
    """Whether the command carries what a repeat is known by."""
    return isinstance(command, ModuleCommand) and command.nonce is not None and command.room is not None


class Repeats:
    """Finds the first answer: of a row-first command in PostgreSQL, of any other in the room's log.

    `patience` is how many seconds the log may take. The publish behind a command is retried for as long.
    """

    def __init__(self, hub: Hub, results: CommandResults, patience: float) -> None:
        self._hub = hub
        self._results = results
        self._patience = patience

    async def first_answer(self, principal: Principal, command: Command, spec: CommandSpec | None) -> Any | None:
        """What the command was answered, None when it is not a repeat; raises Unavailable.

        It asks for no role and no limit: moderation since the first does not change the answer.
        """
        if not isinstance(command, ModuleCommand) or command.nonce is None or command.room is None:
            return None
        id = message_id(principal.id, command.room, command.cmd, command.nonce)
        if spec is not None and spec.row_first:
            return await self._results.first(id)
        room = self._hub.room(command.room)
        if room is None:
            return None
        await self._remember(room)
        seq = room.dedup.seq(id, clock.now_ms())
        return None if seq is None else Published(seq, duplicate=True)

    async def _remember(self, room: Room) -> None:
        """Learn what the room stored in the last two minutes, with retries; raises Unavailable."""
        deadline = time.monotonic() + self._patience
        backoff = Backoff(0.1, 1.0)
        while True:
            try:
                return await self._hub.backfill.load_recent(room)
            except Unavailable:
                if time.monotonic() + backoff.pause > deadline:
                    raise
            await asyncio.sleep(backoff.next())

"""Pinned messages: which they are is a row, what they say is in the log."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Kernel, StoredPush
from gateway.protocol.messages import Seq
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.messages import Named, Revised
from modules.chat.pushes import MESSAGES, PINS, Pinned, PinnedMessages, post
from modules.chat.service import Chat
from modules.chat.settings import ChatSettings

LOCK: Final = """
    INSERT INTO chat_room (session_id) VALUES ($1) ON CONFLICT (session_id) DO UPDATE SET session_id = $1
    RETURNING pins, pins_rev
"""
READ: Final = "SELECT pins, pins_rev FROM chat_room WHERE session_id = $1"
WRITE: Final = "UPDATE chat_room SET pins = $2, pins_rev = $3 WHERE session_id = $1"


class Pin(msgspec.Struct, frozen=True):
    """`at` in milliseconds since the Unix epoch."""

    seq: Seq
    by: str
    at: int


_decode = msgspec.json.Decoder(list[Pin]).decode


class Pins:
    """The pins of each session, one entity. A message that is gone is pinned no more, though its row says so."""

    def __init__(self, kernel: Kernel, settings: ChatSettings, chat: Chat) -> None:
        self._kernel = kernel
        self._settings = settings
        self._chat = chat

    async def pin(self, context: Context, request: Named) -> Revised:
        """Pin a message, in the caller's transaction; one that is pinned stays so.

        Raises BadInput `not_found`, Conflict `chat.too_many_pins` or Unavailable.
        """
        await self._chat.read(context, request.seq)
        pins, rev = await self._locked(context)
        if any(pin.seq == request.seq for pin, _ in pins):
            return Revised(rev)
        if len(pins) >= self._settings.pins:
            raise errors.too_many_pins(self._settings.pins)
        pin = Pin(request.seq, context.principal.id, clock.now_ms())
        message = await self._chat.read(context, request.seq)
        return await self._write(context, "chat.pin", request.seq, [*pins, (pin, message)], rev + 1)

    async def unpin(self, context: Context, request: Named) -> Revised:
        """Take a pin off, in the caller's transaction; raises Unavailable."""
        pins, rev = await self._locked(context)
        left = [(pin, message) for pin, message in pins if pin.seq != request.seq]
        if len(left) == len(pins):
            return Revised(rev)
        return await self._write(context, "chat.unpin", request.seq, left, rev + 1)

    async def read(self, context: Context) -> PinnedMessages:
        """What is pinned; raises Unavailable."""
        for row in await self._kernel.database.fetch(READ, context.room_id):
            return _shown(await self._living(context, _decode(row["pins"])), row["pins_rev"])
        return PinnedMessages((), 0)

    async def _locked(self, context: Context) -> tuple[list[tuple[Pin, StoredPush]], int]:
        (row,) = await self._kernel.database.fetch(LOCK, context.room_id)
        return await self._living(context, _decode(row["pins"])), row["pins_rev"]

    async def _living(self, context: Context, pins: list[Pin]) -> list[tuple[Pin, StoredPush]]:
        found = [(pin, await context.rooms.read(context.room, pin.seq)) for pin in pins]
        return [(pin, message) for pin, message in found if message is not None and message.push in MESSAGES]

    async def _write(
        self, context: Context, act: str, seq: int, pins: list[tuple[Pin, StoredPush]], rev: int
    ) -> Revised:
        written = msgspec.json.encode([pin for pin, _ in pins]).decode()
        await self._kernel.database.fetch(WRITE, context.room_id, written, rev)
        await context.publish_row(PINS, _shown(pins, rev))
        await record(self._kernel.database, context.principal, act, context.room_id, {"seq": seq})
        return Revised(rev)


def _shown(pins: list[tuple[Pin, StoredPush]], rev: int) -> PinnedMessages:
    return PinnedMessages(tuple(Pinned(pin.by, pin.at, post(message)) for pin, message in pins), rev)

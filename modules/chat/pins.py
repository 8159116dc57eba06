"""Pinned messages: a row says which they are, and the log what they say."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import clock
from gateway.contract import Context, Kernel, StoredPush, command, snapshot_part
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.messages import Named, Revised
from modules.chat.pushes import PINS, Pinned, PinnedMessages
from modules.chat.repository import Pin, PinList, PinRepository
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import MEMBERS, PINNERS, named
from modules.chat.settings import ChatSettings
from modules.chat.stored_message import VERSIONS, find_message, post_of


class Pins:
    """The pins of each room, one entity. A message that is erased is not shown as pinned, whatever its row says."""

    pushes = (PINS,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._most = settings.pins
        self._rows = PinRepository(kernel.database)

    @command("chat.pin", room=PINNERS, rate="host_rate", row_first=True)
    async def pin(self, context: Context, request: Named) -> Revised:
        """Pin a message, in the caller's transaction; one that is pinned stays so.

        Raises BadInput `not_found`, Refused for who may not write any more, Conflict `chat.too_many_pins` or
        Unavailable.
        """
        await self._rooms.check_sending(context)
        await find_message(context, request.seq)
        pins, rev = await self._lock(context)
        if any(pin.seq == request.seq for pin, _ in pins):
            return Revised(rev)
        if len(pins) >= self._most:
            raise errors.too_many_pins(self._most)
        pin = Pin(request.seq, context.principal.id, clock.now_ms())
        message = await find_message(context, request.seq)
        return await self._write(context, "chat.pin", request.seq, [*pins, (pin, message)], rev + 1)

    @command("chat.unpin", room=PINNERS, rate="host_rate", row_first=True)
    async def unpin(self, context: Context, request: Named) -> Revised:
        """Take a pin off, in the caller's transaction.

        Raises Refused for who may not write any more, or Unavailable.
        """
        await self._rooms.check_sending(context)
        pins, rev = await self._lock(context)
        left = [(pin, message) for pin, message in pins if pin.seq != request.seq]
        if len(left) == len(pins):
            return Revised(rev)
        return await self._write(context, "chat.unpin", request.seq, left, rev + 1)

    @snapshot_part("chat.pins", room=MEMBERS, shared=True)
    async def current(self, context: Context) -> PinnedMessages:
        """What is pinned; raises Unavailable."""
        found = await self._rows.find(context.room)
        return _shown(await self._with_messages(context, found.pins), found.rev)

    async def _lock(self, context: Context) -> tuple[list[tuple[Pin, StoredPush]], int]:
        found = await self._rows.lock(context.room)
        return await self._with_messages(context, found.pins), found.rev

    async def _with_messages(self, context: Context, pins: Sequence[Pin]) -> list[tuple[Pin, StoredPush]]:
        """Each pin with its message, without those whose message is gone."""
        found = [(pin, await context.rooms.read(context.room, pin.seq)) for pin in pins]
        return [(pin, message) for pin, message in found if message is not None and message.push in VERSIONS]

    async def _write(
        self, context: Context, act: str, seq: int, pins: list[tuple[Pin, StoredPush]], rev: int
    ) -> Revised:
        await self._rows.write(context.room, PinList([pin for pin, _ in pins], rev))
        await context.publish_row(PINS, _shown(pins, rev))
        details = {"seq": seq, **named(context.room)}
        await record(self._kernel.database, context.principal, act, context.room_id, details)
        return Revised(rev)


def _shown(pins: list[tuple[Pin, StoredPush]], rev: int) -> PinnedMessages:
    return PinnedMessages(tuple(Pinned(pin.by, pin.at, post_of(message)) for pin, message in pins), rev)

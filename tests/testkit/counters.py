"""A module of the tests: counts sessions, closes counters by a timer, and fails when it is told to."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Context, Delivery, Kernel, Module, PushType, command, listener, timer
from modules.live.events import SessionStarted


class Wait(msgspec.Struct, frozen=True):
    text: str


class Counted(msgspec.Struct, frozen=True, tag="counters.Counted"):
    text: str


class Said(msgspec.Struct, frozen=True):
    text: str


SAID: Final = PushType("counters.said", Said)


class Counters:
    pushes = (SAID,)

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.counted: list[str] = []
        self.strict = True
        self.started: list[str] = []

    @command("counters.wait", room="session", role="viewer", row_first=True)
    async def wait(self, context: Context, request: Wait) -> None:
        due = clock.now() + timedelta(hours=1)
        await self._kernel.schedules.at("counters.close", context.room_id, due, request)

    @command("counters.say", room="session", role="viewer")
    async def say(self, context: Context, request: Said) -> None:
        await context.publish(SAID, request)

    @timer("counters.close")
    async def close(self, payload: Wait, delivery: Delivery) -> None:
        if payload.text == "fail":
            raise LookupError("no such counter")
        await self._kernel.events.publish(Counted(payload.text))

    @listener(Counted, "counters.count")
    async def count(self, event: Counted, delivery: Delivery) -> None:
        if event.text == "bad" and self.strict:
            raise LookupError("cannot be counted")
        self.counted.append(event.text)

    @listener(SessionStarted, "counters.start")
    async def start(self, event: SessionStarted, delivery: Delivery) -> None:
        self.started.append(event.session_id)


class CountersModule(Module):
    name = "counters"
    requires = ("live",)
    emits = (Counted,)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.counters = Counters(kernel)
        self.features = (self.counters,)

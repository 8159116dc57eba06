"""Somebody in a class, on a plain WebSocket library, who stays whatever becomes of the gateways."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from typing import Any

import websockets

Message = dict[str, Any]
TIMEOUT = 20.0
GONE = (OSError, websockets.WebSocketException, TimeoutError, ConnectionError)


class Lost(ConnectionError):
    """The connection ended before the answer came."""


class Student:
    """In the room from `attend` on, until `over` or until they are taken out for good.

    `served` is every durable push of the room that they were shown. They were in it for all of `there`, and for no more
    than `around`: a busy machine answers late.
    """

    def __init__(self, id: str, token: str, urls: list[str], room: str, over: asyncio.Event) -> None:
        self.id = id
        self.served: list[Message] = []
        self.heard: Counter[str] = Counter()
        self.there: list[tuple[float, float]] = []
        self.around: list[tuple[float, float]] = []
        self.left: list[Message] = []
        self.faults: list[str] = []
        self.position: Message | None = None
        self.began: int | None = None
        self.inside = asyncio.Event()
        self.reconnects = 0
        self._token = token
        self._urls = itertools.cycle(urls)
        self._room = room
        self._over = over
        self._socket: websockets.ClientConnection | None = None
        self._ids = itertools.count(1)
        self._nonces = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._changed = asyncio.Condition()

    @property
    def out(self) -> bool:
        return bool(self.left) and not self.left[-1]["rejoin"]

    async def attend(self) -> None:
        while not self._over.is_set() and not self.out:
            with contextlib.suppress(*GONE):
                await self._visit(next(self._urls))
            if not self._over.is_set() and not self.out:
                self.reconnects += 1
                await asyncio.sleep(0.1)

    async def do(self, cmd: str, data: Message, nonce: str | None = None) -> Message:
        """The reply that counts: repeated with the same nonce until there is one."""
        nonce = nonce or f"{self.id}-{next(self._nonces)}"
        async with asyncio.timeout(TIMEOUT * 2):
            while True:
                await self.inside.wait()
                try:
                    reply = await self._call({"cmd": cmd, "room": self._room, "nonce": nonce, "data": data})
                except GONE:
                    await asyncio.sleep(0.05)
                    continue
                if "error" not in reply or reply["error"]["code"] not in ("unavailable", "rate_limited"):
                    return reply
                await asyncio.sleep(reply["error"].get("retry_after", 0.2))

    async def sees(self, push: str, **fields: Any) -> Message:
        """The first durable push of this name whose data has these fields, also one of before."""

        def found() -> Message | None:
            for one in self.served:
                if one["push"] == push and fields.items() <= one["data"].items():
                    return one
            return None

        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(lambda: found() is not None)
        seen = found()
        assert seen is not None
        return seen

    async def hears(self, push: str) -> None:
        """That a push of this name came, of whatever kind."""
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(lambda: self.heard[push] > 0)

    async def _visit(self, url: str) -> None:
        async with asyncio.timeout(TIMEOUT):
            self._socket = socket = await websockets.connect(
                url, compression=None, ping_interval=None, close_timeout=1, max_queue=None
            )
        reading = asyncio.create_task(self._read(socket))
        try:
            await self._answered({"cmd": "connect", "token": self._token})
            while not reading.done() and not self._over.is_set() and not self.out:
                asked = time.time()
                await self._join()
                begun, lefts = time.time(), len(self.left)
                self.inside.set()
                leaving = asyncio.create_task(self._until_left(lefts))
                over = asyncio.create_task(self._over.wait())
                await asyncio.wait({reading, leaving, over}, return_when=asyncio.FIRST_COMPLETED)
                self.inside.clear()
                self.there.append((begun, time.time()))
                self.around.append((asked, time.time()))
                for task in (leaving, over):
                    task.cancel()
                await asyncio.gather(leaving, over, return_exceptions=True)
        finally:
            self.inside.clear()
            await socket.close()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _join(self) -> None:
        join: Message = {"cmd": "join", "room": self._room}
        if self.position is not None:
            join["since"] = self.position
        await self._answered(join)

    async def _answered(self, command: Message) -> Message:
        reply = await self._call(command)
        if "error" in reply:
            raise Lost(str(reply["error"]))
        ok: Message = reply["ok"]
        return ok

    async def _call(self, command: Message) -> Message:
        if self._socket is None:
            raise Lost
        id = next(self._ids)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[id] = future
        await self._socket.send(json.dumps({"id": id, **command}))
        return await asyncio.wait_for(future, TIMEOUT)

    async def _until_left(self, before: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.left) > before)

    async def _read(self, socket: websockets.ClientConnection) -> None:
        try:
            async for text in socket:
                message: Message = json.loads(text)
                if "id" in message:
                    if "messages" in message.get("ok", {}):
                        self._joined(message["ok"])
                    future = self._waiting.pop(message["id"], None)
                    if future is not None and not future.done():
                        future.set_result(message)
                elif message.get("room") == self._room:
                    self._heard(message)
                await self._tell()
        except websockets.ConnectionClosedError:
            pass
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Lost())
                    future.exception()
            self._waiting.clear()

    def _joined(self, ok: Message) -> None:
        if self.position is None:
            self.began = ok["seq"]
        elif ok.get("recovered"):
            for push in ok["messages"]:
                self._serve(push)
        else:
            self.faults.append("came back and was not served what they had missed")
        self.position = {"epoch": ok["epoch"], "seq": ok["seq"]}

    def _heard(self, push: Message) -> None:
        self.heard[push["push"]] += 1
        if push["push"] == "left":
            self.left.append(push["data"])
        elif "seq" in push:
            self._serve(push)

    def _serve(self, push: Message) -> None:
        assert self.position is not None
        held = self.position["seq"]
        if push["seq"] <= held:
            self.faults.append(f"{push['seq']} came again, after {held}")
            return
        if push["prev"] > held:
            self.faults.append(f"{push['seq']} came after {held}, and {push['prev']} did not")
        self.served.append(push)
        self.position = {"epoch": self.position["epoch"], "seq": push["seq"]}

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

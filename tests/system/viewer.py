"""A client in random traffic, on a plain WebSocket library, that writes down all it saw."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

# How long a repeat with the same nonce is allowed.
NONCE_LIFE = 110.0


@dataclass
class Segment:
    """What one viewer saw without a break: everything after `start`, up to `end`."""

    epoch: str
    start: int
    end: int
    seen: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Reply:
    """What one join showed of the past, and the position it was as of."""

    messages: list[dict[str, Any]]
    seq: int


@dataclass
class Ledger:
    """What all viewers know of what was acknowledged."""

    acked: dict[str, int] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    duplicates: int = 0
    deleted: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)


class Lost(Exception):
    """The connection is gone, or the answer did not come."""


class Viewer:
    """Connects, joins, chats, deletes, leaves in every way, and comes back with its position."""

    def __init__(
        self,
        name: str,
        token: str,
        urls: list[str],
        room: str,
        ledger: Ledger,
        seed: int,
        host: bool,
        stay: tuple[float, float] = (1.0, 6.0),
    ) -> None:
        self.name = name
        self.segments: list[Segment] = []
        self.replies: list[Reply] = []
        self.reconnects = 0
        # Visits without a WebSocket.
        self.streams = 0
        self.gaps = 0
        self.inside = False
        self.disconnects: list[dict[str, Any]] = []
        self._token = token
        self._urls = urls
        self._room = room
        self._ledger = ledger
        self._random = random.Random(seed)
        self._host = host
        self._stay = stay
        self._back_at: float | None = None
        self._nonces = itertools.count(1)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pending: tuple[str, dict[str, Any], float] | None = None
        self._joining = False
        self._mine: list[tuple[str, int]] = []
        self.stopping = asyncio.Event()

    @property
    def segment(self) -> Segment | None:
        return self.segments[-1] if self.segments else None

    async def run(self) -> None:
        """Until told to stop, and then until nothing is unsure."""
        while not (self.stopping.is_set() and self._pending is None):
            try:
                await self._visit(final=False)
            except (OSError, websockets.WebSocketException, Lost, TimeoutError):
                self.reconnects += 1
                await self._wait()

    async def _wait(self) -> None:
        """For as long as the server said, or a little when it said nothing."""
        told, self._back_at = self._back_at, None
        await asyncio.sleep(self._random.uniform(0.05, 0.6) if told is None else max(0.0, told - time.monotonic()))

    async def catch_up(self) -> None:
        """One last visit: join with the position and take what was missed."""
        for _ in range(60):
            try:
                await self._visit(final=True)
                return
            except (OSError, websockets.WebSocketException, Lost, TimeoutError):
                await asyncio.sleep(0.5)
        self._ledger.faults.append(f"{self.name} could not come back")

    async def _visit(self, *, final: bool) -> None:
        url = self._random.choice(self._urls)
        async with asyncio.timeout(10):
            socket = await websockets.connect(url, compression=None, ping_interval=None, close_timeout=1)
        reader = asyncio.create_task(self._read(socket))
        try:
            await self._enter(socket)
            self.inside = not reader.done()
            if not final:
                await self._act(socket, reader)
        finally:
            self.inside = False
            if self._random.random() < 0.3:
                socket.transport.abort()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(socket.close(), 2)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Lost())
                    future.exception()
            self._waiting.clear()

    async def _enter(self, socket: ClientConnection) -> None:
        """Connect, resuming with the connect or with a join of its own."""
        segment = self.segment
        position = {"epoch": segment.epoch, "seq": segment.end} if segment is not None else None
        command: dict[str, Any] = {"cmd": "connect", "token": self._token}
        resumes = position is not None and self._random.random() < 0.5
        if resumes:
            command["rooms"] = {self._room: position}
        self._joining = True
        ok = await self._call(socket, command, timeout=15)
        if resumes:
            result = ok["rooms"][self._room]
            if "deferred" not in result and "error" not in result:
                return
        join: dict[str, Any] = {"cmd": "join", "room": self._room}
        if position is not None:
            join["since"] = position
        else:
            join["history"] = self._random.choice([0, 20])
        await self._call(socket, join, timeout=15)

    async def _act(self, line: Any, reader: asyncio.Task[None]) -> None:
        stay = time.monotonic() + self._random.uniform(*self._stay)
        while time.monotonic() < stay or self._pending is not None:
            if reader.done():
                raise Lost
            if self.stopping.is_set() and self._pending is None:
                return
            await asyncio.sleep(self._random.uniform(0.2, 1.2))
            if self._pending is None:
                self._choose()
            if self._pending is not None:
                await self._settle(line)

    def _choose(self) -> None:
        """What to do next: mostly send, now and then repeat an acknowledged command or delete a message."""
        if self.stopping.is_set():
            return
        dice = self._random.random()
        deletable = list(self._ledger.acked.values()) if self._host else [seq for _, seq in self._mine]
        deletable = [seq for seq in deletable if seq not in self._ledger.deleted]
        nonce = f"{self.name}-{next(self._nonces)}"
        if dice < 0.1 and deletable:
            command = {"cmd": "chat.delete", "nonce": f"d-{nonce}", "data": {"seq": self._random.choice(deletable)}}
        elif dice < 0.2 and self._mine:
            command = {"cmd": "chat.send", "nonce": self._mine[-1][0], "data": {"text": "again"}}
        else:
            text = f"{nonce} " + "x" * self._random.randrange(200)
            command = {"cmd": "chat.send", "nonce": nonce, "data": {"text": text}}
        self._pending = (command["nonce"], command, time.monotonic())

    async def _settle(self, line: Any) -> None:
        """Send the pending command; it stays pending until its outcome is known."""
        assert self._pending is not None
        nonce, command, since = self._pending
        if time.monotonic() - since > NONCE_LIFE:
            self._ledger.unsure.add(nonce)
            self._pending = None
            return
        reply = await self._call(line, {**command, "room": self._room}, timeout=15, raw=True)
        if "ok" in reply:
            self._acknowledged(nonce, command, reply["ok"])
            self._pending = None
            return
        code = reply["error"]["code"]
        self._count(code)
        if not reply["error"].get("temporary"):
            if command["cmd"] == "chat.send":
                self._ledger.faults.append(f"{self.name} was refused {nonce}: {reply['error']}")
            self._pending = None
        elif code == "rate_limited":
            await asyncio.sleep(reply["error"]["retry_after"])

    def _acknowledged(self, nonce: str, command: dict[str, Any], ok: dict[str, Any]) -> None:
        seq = ok["seq"]
        self._ledger.duplicates += bool(ok.get("duplicate"))
        if command["cmd"] == "chat.delete":
            self._ledger.deleted[command["data"]["seq"]] = seq
            return
        known = self._ledger.acked.setdefault(nonce, seq)
        if known != seq:
            self._ledger.faults.append(f"{nonce} was acknowledged as {known} and as {seq}")
        if not self._mine or self._mine[-1][0] != nonce:
            self._mine.append((nonce, seq))

    def _count(self, code: str) -> None:
        self._ledger.errors[code] = self._ledger.errors.get(code, 0) + 1

    async def _call(self, line: Any, command: dict[str, Any], *, timeout: float, raw: bool = False) -> dict[str, Any]:
        id = next(self._ids)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[id] = future
        await line.send(json.dumps({"id": id, **command}))
        try:
            reply = await asyncio.wait_for(future, timeout)
        except TimeoutError:
            self._count("timeout")
            raise Lost from None
        if raw:
            return reply
        if "error" in reply:
            self._count(reply["error"]["code"])
            raise Lost
        ok: dict[str, Any] = reply["ok"]
        return ok

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                message = json.loads(text)
                if "id" in message:
                    self._replied(message)
                elif message["push"] == "disconnect":
                    self.inside = False
                    self.disconnects.append(message["data"])
                    self._back_at = time.monotonic() + message["data"]["retry_ms"] / 1000
                elif message.get("room") == self._room and "seq" in message:
                    self._pushed(message)
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Lost())

    def _replied(self, message: dict[str, Any]) -> None:
        ok = message.get("ok", {})
        result = ok.get("rooms", {}).get(self._room) if "rooms" in ok else ok if "epoch" in ok else None
        if result is not None and "messages" in result:
            self._joined(result)
        future = self._waiting.pop(message["id"], None)
        if future is not None and not future.done():
            future.set_result(message)

    def _joined(self, result: dict[str, Any]) -> None:
        self._joining = False
        self.replies.append(Reply(result["messages"], result["seq"]))
        if result.get("recovered") and self.segment is not None:
            for push in result["messages"]:
                self._apply(push)
            self.segment.end = result["seq"]
        else:
            self.segments.append(Segment(result["epoch"], result["seq"], result["seq"]))

    def _pushed(self, push: dict[str, Any]) -> None:
        if self._joining:
            self._ledger.faults.append(f"{self.name} got a push before the reply to its join")
            return
        self._apply(push)

    def _apply(self, push: dict[str, Any]) -> None:
        segment = self.segment
        assert segment is not None
        if push["seq"] <= segment.end:
            self._ledger.faults.append(f"{self.name} at {segment.end} got {push['seq']} again or out of order")
            return
        if push["prev"] > segment.end:
            self.gaps += 1
            self._ledger.faults.append(f"{self.name} at {segment.end} got {push['seq']} after {push['prev']}: a gap")
        segment.seen.append(push)
        segment.end = push["seq"]

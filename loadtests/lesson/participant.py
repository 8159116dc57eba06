"""One person in the class: enters, chats, goes away and comes back, and checks that nothing is missing or doubled.

A push whose `prev` is beyond the position held reveals a loss; one whose `seq` is not beyond it is a repeat. At the end
the position must have reached every message of this process that was acknowledged.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

import gevent
import msgspec
from gevent.event import AsyncResult

from loadtests.lesson import push
from loadtests.lesson.push import Push
from loadtests.lesson.tally import DUPLICATED, LOST, Tally
from loadtests.lesson.wire import WebSocket

PATIENCE = 15.0
# How long a message that was acknowledged may take to arrive at the very end.
LAST = 5.0
CHARACTERS = 80


class Refused(Exception):
    """The gateway answered with an error; the argument is its code."""


class Result(msgspec.Struct):
    """The part of any reply that a participant needs; `epoch` is there after a join."""

    epoch: str = ""
    seq: int = 0
    recovered: bool | None = None
    messages: list[Push] = []


class Problem(msgspec.Struct):
    code: str


class Reply(msgspec.Struct):
    id: int
    ok: Result = msgspec.field(default_factory=Result)
    error: Problem | None = None


class Participant:
    """Holds a position in the room across connections."""

    acknowledged: ClassVar[int] = 0

    def __init__(self, url: str, room: str, token: str, tally: Tally) -> None:
        self._url = url
        self._room = room
        self._token = token
        self._tally = tally
        self._socket: WebSocket | None = None
        self._answers: dict[int, AsyncResult[Reply]] = {}
        self._numbers = 0
        self._epoch = ""
        self._position = -1

    def enter(self) -> None:
        """Connect and join, from the position held if there is one. Raises OSError, Refused, gevent.Timeout."""
        begun = time.perf_counter()
        self._socket = WebSocket(self._url)
        gevent.spawn(self._read, self._socket)
        self.call("connect", token=self._token)
        since = {"since": {"epoch": self._epoch, "seq": self._position}} if self._epoch else {}
        # The reader takes the result, so that it comes before the pushes after it.
        self.call("join", room=self._room, **since)
        self._tally.timed("return" if since else "join", time.perf_counter() - begun)

    def leave(self) -> None:
        """Close the connection; the position is kept."""
        if self._socket is not None:
            going, self._socket = self._socket, None
            going.close()

    def say(self) -> None:
        """Raises OSError, Refused, gevent.Timeout."""
        begun = time.perf_counter()
        result = self.call("chat.send", room=self._room, data={"text": push.text(CHARACTERS)})
        self._tally.timed("chat.send", time.perf_counter() - begun)
        Participant.acknowledged = max(Participant.acknowledged, result.seq)

    def ask(self, command: str, **fields: Any) -> None:
        """Send a command that an older gateway may not know. Raises OSError, Refused, gevent.Timeout."""
        begun = time.perf_counter()
        try:
            self.call(command, room=self._room, **fields)
        except Refused as refused:
            if refused.args[0] != "unknown_command":
                raise
        else:
            self._tally.timed(command, time.perf_counter() - begun)

    def finish(self) -> None:
        """Wait for the acknowledged messages, report whether they came, and leave."""
        goal, deadline = Participant.acknowledged, time.monotonic() + LAST
        while self._socket is not None and self._position < goal and time.monotonic() < deadline:
            gevent.sleep(0.05)
        if self._socket is not None and self._position < goal:
            self._tally.wrong(LOST, "the last messages did not come")
        self.leave()

    def call(self, command: str, **fields: Any) -> Result:
        """Send a command and wait for its reply. Raises OSError, Refused, gevent.Timeout."""
        if self._socket is None:
            raise ConnectionError("not connected")
        self._numbers += 1
        number = self._numbers
        answer: AsyncResult[Reply] = AsyncResult()
        self._answers[number] = answer
        try:
            self._socket.send(msgspec.json.encode({"id": number, "cmd": command, **fields}))
            reply: Reply = answer.get(timeout=PATIENCE)
        finally:
            del self._answers[number]
        if reply.error is not None:
            raise Refused(reply.error.code)
        return reply.ok

    def _read(self, connection: WebSocket) -> None:
        try:
            while True:
                for payload in connection.receive():
                    if payload.startswith(b'{"push"'):
                        self._pushed(payload)
                    else:
                        self._replied(payload)
        except OSError as error:
            # Leaving takes the socket away first, so this one was taken from us.
            if self._socket is connection:
                self._socket = None
                self._tally.wrong("connection", str(error))
            for answer in list(self._answers.values()):
                answer.set_exception(error)

    def _pushed(self, payload: bytes) -> None:
        stamp = push.read(payload)
        if stamp.seq:
            self._advance(stamp.seq, stamp.prev)
            if stamp.sent_at:
                self._tally.delivered(time.time() - stamp.sent_at)

    def _advance(self, seq: int, prev: int) -> None:
        if seq <= self._position:
            self._tally.wrong(DUPLICATED, "a message came twice")
            return
        if prev > self._position:
            self._tally.wrong(LOST, "a message is missing before one that came")
        self._position = seq

    def _replied(self, payload: bytes) -> None:
        reply = msgspec.json.decode(payload, type=Reply)
        if reply.ok.epoch:
            self._joined(reply.ok)
        answer = self._answers.get(reply.id)
        if answer is not None:
            answer.set(reply)

    def _joined(self, result: Result) -> None:
        if result.recovered is False:
            self._tally.wrong(LOST, "the gateway could not recover what came while away")
        elif result.recovered:
            for message in result.messages:
                self._advance(message.seq, message.prev)
            self._tally.recovered(len(result.messages))
        self._epoch, self._position = result.epoch, result.seq

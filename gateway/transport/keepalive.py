"""Pings all connections of the process, with one timer for all of them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Protocol

from gateway.transport.deadline import READING, is_late


class Pinged(Protocol):
    def ping(self, payload: bytes) -> None:
        """Send a ping."""

    def ping_timeout(self) -> None:
        """No pong has come in time."""


class KeepAlive:
    """Sends a ping every `interval` seconds, and reports who has not answered within `timeout`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, interval: float, timeout: float) -> None:
        self._loop = loop
        self._interval = interval
        self._timeout = timeout
        # One ping at a time is unanswered, so the same payload tells an answer from a pong that nobody asked for.
        self._payload = secrets.token_bytes(4)
        # When each is due, in this order.
        self._waiting: dict[Pinged, float] = {}
        self._asked: dict[Pinged, float] = {}
        # Those whose pong is not there in time, and since when. It may wait to be read.
        self._late: dict[Pinged, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, connection: Pinged) -> None:
        self._waiting[connection] = self._loop.time() + self._interval
        self._arm()

    def leave(self, connection: Pinged) -> None:
        self._waiting.pop(connection, None)
        self._asked.pop(connection, None)
        self._late.pop(connection, None)

    def answered(self, connection: Pinged, payload: bytes) -> bool:
        """A pong has come; whether it was asked for."""
        if payload != self._payload or (
            self._asked.pop(connection, None) is None and self._late.pop(connection, None) is None
        ):
            return False
        self.enter(connection)
        return True

    def _arm(self) -> None:
        if self._timer is not None:
            return
        due = [next(iter(some.values())) for some in (self._waiting, self._asked) if some]
        if due:
            # Those of about the same time are served together.
            some_time = min(0.25, self._interval / 10, self._timeout / 10)
            self._timer = self._loop.call_later(max(min(due) - self._loop.time(), some_time), self._serve)

    def _serve(self) -> None:
        self._timer = None
        now = self._loop.time()
        for connection in _due(self._waiting, now):
            del self._waiting[connection]
            self._asked[connection] = now + self._timeout
            connection.ping(self._payload)
        if late := _due(self._asked, now):
            for connection in late:
                del self._asked[connection]
                self._late[connection] = now
            self._look_again(late, now)
        self._arm()

    def _look_again(self, late: list[Pinged], since: float) -> None:
        """Give up those whose pong is not there either once what has come was read."""
        self._loop.call_later(READING, self._give_up, late, since, self._loop.time() + READING)

    def _give_up(self, late: list[Pinged], since: float, due: float) -> None:
        if is_late(self._loop, due):
            self._look_again(late, since)
            return
        for connection in late:
            # Who has answered meanwhile may have been asked again, and be late again.
            if self._late.get(connection) == since:
                del self._late[connection]
                connection.ping_timeout()


def _due(some: dict[Pinged, float], now: float) -> list[Pinged]:
    found = []
    for connection, due in some.items():
        if due > now:
            break
        found.append(connection)
    return found

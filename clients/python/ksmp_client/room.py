"""A room as an app uses it: events, commands, history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from ksmp_client.errors import CommandFailed, ConnectionLost
from ksmp_client.events import RoomEvent
from ksmp_client.membership import Membership
from ksmp_client.messages import HistoryResult, Position
from ksmp_client.repeat import WINDOW, new_nonce, repeat

TIMEOUT: Final = 15.0


class Room:
    """A joined room. It outlives connections, and ends when it is left or its events end."""

    def __init__(self, membership: Membership) -> None:
        self.membership: Final = membership

    def __repr__(self) -> str:
        return f"<Room {self.name} at {self.position}>"

    @property
    def name(self) -> str:
        return self.membership.name

    @property
    def position(self) -> Position | None:
        """The newest durable message that was put into `events`, read or not."""
        return self.membership.position

    @property
    def can(self) -> tuple[str, ...]:
        """The commands this user may use here."""
        return self.membership.can

    @property
    def members(self) -> int:
        """How many users are in the room, as the gateway last said."""
        return self.membership.members

    @property
    def ended(self) -> bool:
        """Whether the app, the gateway or the end of the client ended the room."""
        return self.membership.ended

    def events(self) -> AsyncIterator[RoomEvent]:
        """The events of the room, from the first `Joined` on, for one reader at a time.

        Durable pushes come in order and exactly once, also over reconnects. Where that is impossible,
        `Joined(recovered=False)` says so. A loop may stop and start again, and cancelling a read loses nothing. The
        events end when the room is left. They raise ClosedForGood, and CommandFailed when the gateway does not let the
        client back in.
        """
        return self.membership.inbox

    async def command(
        self,
        cmd: str,
        data: Any = None,
        *,
        nonce: str | None = None,
        timeout: float = TIMEOUT,
        retry: bool = True,
        patient: bool = False,
    ) -> dict[str, Any]:
        """Send a module's command in this room and return the ok of its reply. `data` is a dict or a struct.

        With `retry`, the command carries a nonce, a new one unless given. For almost two minutes it is repeated with
        that nonce when the gateway is unavailable, does not reply within `timeout` seconds, or the connection is
        lost. If an earlier try succeeded, the reply says `duplicate`. Without `retry`, the command waits up to
        `timeout` seconds for the room to be joined, and is sent once. With `patient`, it also waits out errors such
        as `rate_limited`, which say how long. Raises CommandFailed and ClosedForGood.
        """
        if nonce is None and retry:
            nonce = new_nonce()

        async def attempt(deadline: float) -> dict[str, Any]:
            link = await self.membership.joined(deadline)
            return await link.request(
                cmd,
                timeout=timeout,
                on_ok=_fields,
                room=self.name,
                nonce=nonce,
                data={} if data is None else data,
            )

        window = WINDOW if retry or patient else timeout
        return await repeat(attempt, window=window, retry=retry, patient=patient)

    async def history(
        self,
        before: int | None = None,
        limit: int = 50,
        *,
        types: Sequence[str] | None = None,
        timeout: float = 30.0,
    ) -> HistoryResult:
        """The newest `limit` messages with a seq below `before`, ascending. By default up to the position.

        Raises CommandFailed and ClosedForGood.
        """

        async def attempt(deadline: float) -> HistoryResult:
            link = await self.membership.joined(deadline)
            end = before
            if end is None:
                end = self.position.seq + 1 if self.position is not None else 0
            return await link.request(
                "history", timeout=timeout, on_ok=_history, room=self.name, before=end, limit=limit, types=types
            )

        return await repeat(attempt, window=timeout)

    async def leave(self) -> None:
        """Leave the room. Its events end."""
        link = self.membership.end(None)
        if link is not None:
            with suppress(ConnectionLost, CommandFailed):
                await link.request("leave", timeout=TIMEOUT, room=self.name)


def _fields(ok: Any) -> dict[str, Any]:
    return msgspec.convert(ok, dict[str, Any])


def _history(ok: Any) -> HistoryResult:
    return msgspec.convert(ok, HistoryResult)

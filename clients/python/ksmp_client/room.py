"""A room as an app holds it."""

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
    """Good over all connections of its client, until it is left or its events end."""

    def __init__(self, membership: Membership) -> None:
        self.membership: Final = membership

    def __repr__(self) -> str:
        return f"<Room {self.name} at {self.position}>"

    @property
    def name(self) -> str:
        return self.membership.name

    @property
    def position(self) -> Position | None:
        """The newest durable message of the room that is in `events`, read or not."""
        return self.membership.position

    @property
    def can(self) -> tuple[str, ...]:
        """The commands this user may use here."""
        return self.membership.can

    @property
    def members(self) -> int:
        """How many users are in the room, as far as the server has told."""
        return self.membership.members

    @property
    def ended(self) -> bool:
        """Whether the room was left, by the app, the server or the end of the client."""
        return self.membership.ended

    def events(self) -> AsyncIterator[RoomEvent]:
        """What happens in the room, from the first `Joined` on, for one reader at a time.

        Durable pushes come in order and each once, also over reconnects; where that cannot be,
        `Joined(recovered=False)` says so. `async for` may be left and taken up again, and cancelling a read
        loses nothing. Ends when the room was left; raises CommandFailed when the server refused to let the
        client back in, and ClosedForGood.
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
        """Use a module's command here; the ok of the reply. `data` is a dict or a struct.

        With `retry` it carries a nonce, a new one unless given, and is repeated with it when the server is
        unavailable, does not reply within `timeout` seconds or the connection is lost, for almost two
        minutes; what happened already is answered with `duplicate`. Without it, it waits up to `timeout` for the
        room to be joined, and is sent once. With `patient` it also waits out errors
        such as `rate_limited` that say how long. Raises CommandFailed and ClosedForGood.
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
        """The newest `limit` messages with a seq below `before`, ascending; by default up to the position.

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
        """Leave the room; its events end."""
        link = self.membership.end(None)
        if link is not None:
            with suppress(ConnectionLost, CommandFailed):
                await link.request("leave", timeout=TIMEOUT, room=self.name)


def _fields(ok: Any) -> dict[str, Any]:
    return msgspec.convert(ok, dict[str, Any])


def _history(ok: Any) -> HistoryResult:
    return msgspec.convert(ok, HistoryResult)

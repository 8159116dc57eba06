"""One room over all connections of the client: when it joins, which events the app gets, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from ksmp_client.backoff import Backoff
from ksmp_client.codes import Code
from ksmp_client.errors import CommandFailed, ConnectionLost, no_answer
from ksmp_client.events import CanChanged, Left, RoomEvent
from ksmp_client.inbox import Inbox
from ksmp_client.link import Link
from ksmp_client.messages import CanData, JoinResult, LeftData, Position, Push
from ksmp_client.replica import Replica, Standing, Verdict
from ksmp_client.wire import failure, outcome

JOIN_TIMEOUT: Final = 15.0
# A refusal for more seconds than this ends the room. The app decides whether to join again.
LONGEST_WAIT: Final = 30.0
# Taken out again within this many seconds after a return, the client waits before it joins again.
SETTLED: Final = 5.0

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Count(msgspec.Struct, frozen=True):
    count: int


class Membership:
    """The client calls `attach` and then `resumed` or `join` at each new link, `pushed` for each push, and `lost`.

    A join that fails with a temporary error is repeated while its link lives, and not before the time the gateway
    gave. A join that is refused, or for longer than `LONGEST_WAIT`, ends the room. After a `left` with `rejoin`, the
    room is joined again. An app that does not read costs at most `limit` events and one replay: the room then falls
    behind, and joins again from its position when the app has read everything.
    """

    def __init__(self, name: str, *, history: int | None, limit: int, spawn: Spawn) -> None:
        self.name = name
        self.history = history
        self.can: tuple[str, ...] = ()
        self.members = 0
        self.ended = False
        self.inbox: Inbox[RoomEvent] = Inbox(limit, self._drained)
        self._replica = Replica()
        self._spawn = spawn
        self._link: Link | None = None
        self._member = False
        self._failure: CommandFailed | None = None
        # Times of the loop: no join is sent before the first; the second is the last return after a `left`.
        self._not_before = 0.0
        self._returned_at = 0.0
        self._returns = Backoff()
        self._error: Exception | None = None
        self._changed = asyncio.Event()

    @property
    def position(self) -> Position | None:
        return self._replica.position

    def resume(self) -> Position | None:
        """The position to resume from in the `connect` that is being sent. None when a separate join follows."""
        return self._replica.ask() if self.position is not None and not self._wait() else None

    def attach(self, link: Link | None) -> None:
        """Use a new link. `resumed` or `join` follows."""
        self._link = link

    def join(self, after: float = 0.0) -> None:
        """Join over the present link, in the background."""
        if self._link is not None and not self.ended:
            # The replica learns it at once: it ignores the room's pushes from here on, and nothing joins twice.
            self._spawn(self._join(self._link, self._replica.ask(), max(after, self._wait())))

    async def joined(self, deadline: float) -> Link:
        """Wait until the room is joined, at most until this time of the loop, and return the link.

        Raises what ended the room, or CommandFailed `not_joined` when the app left it. After the deadline raises the
        error of the last join, or `unavailable`. It raises at once when the next join comes after the deadline.
        """
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    if self.ended:
                        raise self._error or CommandFailed(Code.NOT_JOINED, f"{self.name} was left")
                    if self._member and self._link is not None:
                        return self._link
                    if self._failure is not None and self._not_before > deadline:
                        raise self._failure
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise self._failure or no_answer(f"{self.name} could not be joined in time") from None

    def answered(self, result: JoinResult) -> None:
        """Process the reply to a join."""
        self.can = tuple(result.can)
        self.members = result.members
        self._failure = None
        self._not_before = 0.0
        for event in self._replica.answer(result, full=self.inbox.full):
            self.inbox.put(event)
        self._member = True
        self._changed.set()

    def resumed(self, found: Any) -> None:
        """Process what the reply to `connect` says of the room. The client or the gateway asked for it.

        Raises msgspec.ValidationError.
        """
        result = outcome(found)
        if isinstance(result, JoinResult):
            if self.history is not None and self.position is None:
                # The app asked for messages. Only a separate join brings them.
                self.join()
                return
            if self._replica.standing is Standing.AWAY:
                self._replica.ask()
            self.answered(result)
        elif result.error is None:
            self.join()
        else:
            error = failure(result.error)
            wait = error.retry_after or 0.5
            if self._failed(error, wait):
                self.join(after=wait)

    def pushed(self, push: Push) -> None:
        """Process a push of this room."""
        if self._replica.standing in (Standing.AWAY, Standing.JOINING):
            return
        if push.push == LeftData.push:
            data = msgspec.convert(push.data, LeftData)
            self.inbox.put(Left(data.code, data.rejoin))
            if data.rejoin:
                self._come_back()
            else:
                self.end(None)
            return
        event: RoomEvent = push
        if push.push == CanData.push:
            self.can = tuple(msgspec.convert(push.data, CanData).can)
            event = CanChanged(self.can)
        elif push.push == "presence":
            self.members = msgspec.convert(push.data, Count).count
        if self.inbox.full:
            # Ephemeral pushes may be lost. The next join brings everything else again.
            if push.seq is not None or event is not push:
                self._replica.fall_behind()
            return
        match self._replica.take(push):
            case Verdict.DELIVER:
                self.inbox.put(event)
            case Verdict.REJOIN:
                self.join()
            case Verdict.IGNORE:
                pass

    def lost(self) -> None:
        """The link has ended."""
        self._link = None
        self._member = False
        self._replica.lose()

    def end(self, error: Exception | None, *, quiet: bool = False) -> Link | None:
        """End the room. After the events at hand the app gets `error`, or with `quiet` just their end.

        Returns the link over which the room was joined, or None.
        """
        link = self._link if self._member else None
        if not self.ended:
            self.ended = True
            self._error = error
            self.lost()
            self.inbox.end(None if quiet else error)
            self._changed.set()
        return link

    def _drained(self) -> None:
        if self._replica.standing is Standing.BEHIND:
            self.join()

    def _come_back(self) -> None:
        """Join again after a `left` with `rejoin`: what the user may do can have changed."""
        now = asyncio.get_running_loop().time()
        self._member = False
        self._replica.lose()
        if now - self._returned_at >= SETTLED:
            self._returns.reset()
            wait = 0.0
        else:
            wait = self._returns.next()
        self._returned_at = now + wait
        self.join(after=wait)

    def _failed(self, error: CommandFailed, wait: float) -> bool:
        """Process the error of a join. Returns whether to send another one after `wait`; if not, the room has ended."""
        if not error.temporary or wait > LONGEST_WAIT:
            self.end(error)
            return False
        self._failure = error
        if error.retry_after is not None:
            self._not_before = asyncio.get_running_loop().time() + error.retry_after
        self._changed.set()
        return True

    def _wait(self) -> float:
        """Seconds until a join may be sent."""
        return max(0.0, self._not_before - asyncio.get_running_loop().time())

    async def _join(self, link: Link, since: Position | None, wait: float) -> None:
        backoff = Backoff()
        while True:
            await asyncio.sleep(wait)
            if self.ended or self._link is not link:
                return
            try:
                await link.request(
                    "join",
                    timeout=JOIN_TIMEOUT,
                    on_ok=self._on_reply(link),
                    room=self.name,
                    since=since,
                    history=self.history if since is None else None,
                )
                return
            except ConnectionLost:
                return
            except CommandFailed as error:
                if self.ended or self._link is not link:
                    return
                wait = max(error.retry_after or 0.0, backoff.next())
                if not self._failed(error, wait):
                    return

    def _on_reply(self, link: Link) -> Callable[[Any], None]:
        def reply(ok: Any) -> None:
            if self._link is link and not self.ended:
                self.answered(msgspec.convert(ok, JoinResult))

        return reply

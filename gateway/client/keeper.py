"""Keeps a client connected: opens a socket, signs in, waits for its end, and begins again."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.client.backoff import Backoff
from gateway.client.errors import ClosedForGood, CommandFailed, ConnectionLost, refused
from gateway.client.events import Connecting, ConnectionState, Waiting
from gateway.client.link import ABNORMAL, Link
from gateway.client.tokens import Tokens, refresh_in
from gateway.client.wire import Welcome, Wire
from gateway.errors import Code
from gateway.protocol.messages import Position, Push, RefreshResult

log = logging.getLogger(__name__)

# A replay takes at most 512 KiB by the contract, and the fields around it some more.
LARGEST_MESSAGE: Final = 4 * 1024 * 1024
SIGN_IN_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 2.0
# A connection that lasted this long was a good one: the waits begin anew after it.
STEADY: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """How sockets are opened; times in seconds."""

    name: str
    compression: str | None
    open_timeout: float
    ping_interval: float | None
    ping_timeout: float | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection, or the try to get one, ended; `retry` is when the server wants the next try, in seconds."""

    code: int
    reason: str
    retry: float | None = None
    lasted: float = 0.0


class Owner(Protocol):
    """Whose connection it is. All calls return at once."""

    def entered(self, state: ConnectionState) -> None:
        """The connection is in this state now."""

    def asked(self) -> dict[str, Position]:
        """The rooms to resume in the `connect` that is about to be sent."""

    def welcomed(self, link: Link, url: str, welcome: Welcome) -> None:
        """The link is signed in. Called before anything that follows is read."""

    def pushed(self, push: Push) -> None:
        """A push came."""

    def lost(self) -> None:
        """The link is gone, if there was one."""


class Keeper:
    """Tries the urls in turn, for ever, until the server says that it is over."""

    def __init__(self, urls: Sequence[str], tokens: Tokens, wire: Wire, options: Options, owner: Owner) -> None:
        self._urls = urls
        self._tokens = tokens
        self._wire = wire
        self._options = options
        self._owner = owner
        self._expired = False

    async def run(self) -> ClosedForGood:
        """Keep connected until it makes no sense any more: why."""
        backoff = Backoff()
        for url in itertools.cycle(self._urls):
            self._owner.entered(Connecting(url))
            try:
                ending = await self._serve(url)
            except ClosedForGood as closed:
                return closed
            finally:
                self._owner.lost()
            if 4500 <= ending.code <= 4999:
                return ClosedForGood(ending.code, ending.reason)
            if ending.lasted >= STEADY:
                backoff.reset()
            wait = backoff.next() if ending.retry is None else ending.retry
            log.info("not connected to %s: %s %s; next try in %.1f s", url, ending.code, ending.reason, wait)
            self._owner.entered(Waiting(wait, ending.code, ending.reason))
            await asyncio.sleep(wait)
        raise AssertionError("there is at least one url")

    async def _serve(self, url: str) -> Ending:
        """One try: from opening the socket to its end."""
        options = self._options
        try:
            token = await self._tokens.fresh()
            socket = await connect(
                url,
                subprotocols=[Subprotocol(self._wire.subprotocol)],
                compression=options.compression,
                open_timeout=options.open_timeout,
                ping_interval=options.ping_interval,
                ping_timeout=options.ping_timeout,
                close_timeout=CLOSE_TIMEOUT,
                max_size=LARGEST_MESSAGE,
            )
        except Exception as error:
            # The network, a proxy, a gateway that is starting, or the app's own token source: all may get well.
            return Ending(ABNORMAL, f"{type(error).__name__}: {error}")
        link = Link(socket, self._wire, self._owner.pushed)
        reading = asyncio.create_task(link.read())
        refreshing: asyncio.Task[None] | None = None
        started = asyncio.get_running_loop().time()
        try:
            welcome = await self._sign_in(link, url, token)
            if self._tokens.renewable:
                refreshing = asyncio.create_task(self._refresh(link, welcome))
            code, reason = await asyncio.shield(reading)
        except ConnectionLost:
            code, reason = await reading
        except CommandFailed as error:
            return self._judge(error)
        finally:
            if refreshing is not None:
                refreshing.cancel()
            await link.close()
            await asyncio.wait({reading})
        farewell = link.farewell
        retry = farewell.retry_ms / 1000 if farewell is not None and farewell.reconnect else None
        return Ending(code, reason, retry, asyncio.get_running_loop().time() - started)

    async def _sign_in(self, link: Link, url: str, token: str) -> Welcome:
        def welcomed(ok: Any) -> Welcome:
            welcome = msgspec.convert(ok, Welcome)
            self._owner.welcomed(link, url, welcome)
            return welcome

        welcome = await link.request(
            "connect",
            timeout=SIGN_IN_TIMEOUT,
            on_ok=welcomed,
            token=token,
            client=self._options.name,
            rooms=self._owner.asked() or None,
        )
        self._expired = False
        return welcome

    def _judge(self, error: CommandFailed) -> Ending:
        """Whether a refused `connect` may be tried again. Raises ClosedForGood when not."""
        if error.code == Code.TOKEN_EXPIRED and self._tokens.renewable and not self._expired:
            # A second expired token in a row shows that the source has no better one.
            self._expired = True
            return Ending(ABNORMAL, str(error), retry=0.0)
        if error.temporary or error.code == Code.INTERNAL:
            return Ending(ABNORMAL, str(error), error.retry_after)
        raise refused(error)

    async def _refresh(self, link: Link, welcome: Welcome) -> None:
        """Give the server fresh tokens in time, for as long as the link lives."""
        loop = asyncio.get_running_loop()
        offset = welcome.server_time - int(loop.time() * 1000)
        wait = refresh_in(welcome.server_time, welcome.expires_at)
        backoff = Backoff()
        while True:
            await asyncio.sleep(wait)
            try:
                token = await self._tokens.fresh()
                result = await link.request("refresh", timeout=SIGN_IN_TIMEOUT, on_ok=_refreshed, token=token)
            except ConnectionLost:
                return
            except Exception as error:
                # The server closes with 4010 in the end, and the next connection asks for a token again.
                log.warning("the token could not be refreshed: %r", error)
                wait = 1.0 + backoff.next()
            else:
                backoff.reset()
                wait = refresh_in(offset + int(loop.time() * 1000), result.expires_at)


def _refreshed(ok: Any) -> RefreshResult:
    return msgspec.convert(ok, RefreshResult)

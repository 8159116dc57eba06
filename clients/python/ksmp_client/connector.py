"""Keeps a client connected: it opens a link, signs in, waits for the end of the link, and begins again."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection

from ksmp_client.address import http_address, on_this_machine
from ksmp_client.backoff import Backoff
from ksmp_client.codes import Code
from ksmp_client.errors import ClosedForGood, CommandFailed, ConnectionLost, refused
from ksmp_client.events import Connecting, ConnectionState, Waiting
from ksmp_client.link import ABNORMAL, Link
from ksmp_client.messages import Position, Push, RefreshResult
from ksmp_client.socketlink import Options, SocketLink, blocked, open_socket
from ksmp_client.streamlink import StreamLink
from ksmp_client.tokens import Tokens, refresh_in, user_of_rooms
from ksmp_client.transport_policy import TransportPolicy
from ksmp_client.wire import Welcome, Wire

log = logging.getLogger(__name__)

SIGN_IN_TIMEOUT: Final = 10.0
# How long a change of transport waits for commands under way. The new link repeats those that take longer.
SETTLE_TIMEOUT: Final = 5.0
# Answers that refuse the user of an event stream. Other errors may come from something on the way.
FOR_GOOD: Final = (Code.UNAUTHENTICATED, Code.TOKEN_EXPIRED, Code.FORBIDDEN)
# After a connection that lasted this many seconds, the waits begin again with the shortest.
STEADY: Final = 5.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection, or a try to open one, ended. The gateway wants the next try after `retry` seconds."""

    code: int
    reason: str
    retry: float | None = None
    lasted: float = 0.0


class Owner(Protocol):
    """The user of the connection. All calls return at once."""

    def entered(self, state: ConnectionState) -> None:
        """The connection has entered this state."""

    def positions(self) -> dict[str, Position]:
        """The rooms to resume, with their positions. A `connect` or an event stream with them is sent right after."""

    def welcomed(self, link: Link, url: str, welcome: Welcome) -> None:
        """The link is signed in. Called before any later message is read."""

    def joined(self, link: Link, name: str, found: Any) -> None:
        """An event stream brought the result of joining this room. A `connect` brings all of them at once."""

    def pushed(self, push: Push) -> None:
        """A push arrived."""

    def lost(self) -> None:
        """The link has ended, if there was one."""


class Connector:
    """Tries the urls in turn, until the gateway says that reconnecting is useless."""

    def __init__(
        self, urls: Sequence[str], tokens: Tokens, wire: Wire, options: Options, policy: TransportPolicy, owner: Owner
    ) -> None:
        self._urls = urls
        self._tokens = tokens
        self._wire = wire
        self._options = options
        self._policy = policy
        self._owner = owner
        self._expired = False
        self._http: httpx.AsyncClient | None = None

    async def run(self) -> ClosedForGood:
        """Stay connected until reconnecting is useless. Returns the reason."""
        try:
            return await self._run()
        finally:
            if self._http is not None:
                await self._http.aclose()

    async def _run(self) -> ClosedForGood:
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
        """One try: open a link and use it until it ends. A WebSocket may replace an event stream on the way."""
        try:
            token = await self._tokens.fresh()
        except Exception as error:
            # The app's own function failed. It may succeed later.
            return _failed_try(error)
        if self._policy.transport == "sse":
            served = await self._serve_stream(url, token)
            if isinstance(served, Ending):
                return served
            socket, token = served
            self._owner.entered(Connecting(url))
        else:
            try:
                socket = await open_socket(url, self._wire, self._options)
            except Exception as error:
                # The network, a proxy, or a gateway that is starting. All of them may recover.
                return self._judge_socket(blocked(error), _failed_try(error))
        return await self._serve_socket(url, socket, token)

    async def _serve_socket(self, url: str, socket: ClientConnection, token: str) -> Ending:
        link = SocketLink(socket, self._wire, self._owner.pushed)
        reading = asyncio.create_task(link.read())
        refreshing: asyncio.Task[None] | None = None
        started = asyncio.get_running_loop().time()
        try:
            welcome = await self._sign_in(link, url, token)
            self._policy.upgraded()
            if self._tokens.renewable:
                refreshing = asyncio.create_task(self._refresh(link, welcome))
            code, reason = await asyncio.shield(reading)
        except ConnectionLost:
            code, reason = await reading
        except CommandFailed as error:
            return self._judge_socket(link.silent, self._judge_refusal(error))
        finally:
            if refreshing is not None:
                refreshing.cancel()
            await link.close()
            await asyncio.wait({reading})
        return self._judge_socket(link.silent, self._ended(link, code, reason, started))

    async def _serve_stream(self, url: str, token: str) -> Ending | tuple[ClientConnection, str]:
        """Use an event stream until it ends, or until a WebSocket works: then return that, and a token for it."""
        if self._http is None:
            # A command on a kept connection that the gateway is just closing would get no reply.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=10, keepalive_expiry=2.0)
            self._http = httpx.AsyncClient(
                timeout=self._options.open_timeout,
                limits=limits,
                # Proxies and authorities of the environment are for what is not on this machine.
                trust_env=not all(map(on_this_machine, self._urls)),
                # Where nothing is encrypted, no authority is read.
                verify=any(url.startswith("wss:") for url in self._urls),
            )
        link = StreamLink(
            self._http,
            http_address(url),
            token,
            renew=self._tokens.fresh if self._tokens.renewable else None,
            positions=self._owner.positions,
            on_push=self._owner.pushed,
            on_joined=self._owner.joined,
        )
        started = asyncio.get_running_loop().time()
        tasks: list[asyncio.Task[Any]] = []
        socket: ClientConnection | None = None
        try:
            found = await link.open()
            self._expired = False
            self._owner.welcomed(link, url, Welcome(user=user_of_rooms(found, token), rooms=found))
            reading = asyncio.create_task(link.read())
            upgrading = asyncio.create_task(self._upgrade(url))
            tasks += reading, upgrading
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return self._ended(link, *reading.result(), started)
            # Pushes from here on are resumed over the socket. New commands wait for it.
            self._owner.lost()
            await link.settle(SETTLE_TIMEOUT)
            try:
                fresh = await self._tokens.fresh()
            except Exception as error:
                return _failed_try(error)
            socket = upgrading.result()
            return socket, fresh
        except (ConnectionLost, CommandFailed) as error:
            if isinstance(error, CommandFailed) and error.code in FOR_GOOD:
                return self._judge_refusal(error)
            if not tasks:
                self._policy.unreachable()
            return Ending(ABNORMAL, str(error), error.retry_after if isinstance(error, CommandFailed) else None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await link.close()
            if tasks and socket is None and not upgrading.cancelled():
                upgrading.result().transport.abort()

    async def _upgrade(self, url: str) -> ClientConnection:
        """Try a WebSocket whenever the policy says so, until one is open and answers."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._policy.due_in(loop.time()))
            try:
                return await self._open_proven(url)
            except Exception as error:
                log.info("still no WebSocket to %s: %r", url, error)
                self._policy.refused(loop.time())

    async def _open_proven(self, url: str) -> ClientConnection:
        """Open a WebSocket and ping it: some networks pass the upgrade, but no frames."""
        socket = await open_socket(url, self._wire, self._options)
        try:
            async with asyncio.timeout(self._options.open_timeout):
                await (await socket.ping())
        except BaseException:
            socket.transport.abort()
            raise
        return socket

    def _judge_socket(self, blocked: bool, ending: Ending) -> Ending:
        """Tell the policy when the network blocked a WebSocket. If an event stream is next, try that at once."""
        if not blocked:
            return ending
        self._policy.refused(asyncio.get_running_loop().time())
        return replace(ending, retry=0.0) if self._policy.transport == "sse" else ending

    def _ended(self, link: Link, code: int, reason: str, started: float) -> Ending:
        disconnect = link.disconnect
        retry = disconnect.retry_ms / 1000 if disconnect is not None and disconnect.reconnect else None
        return Ending(code, reason, retry, asyncio.get_running_loop().time() - started)

    async def _sign_in(self, link: SocketLink, url: str, token: str) -> Welcome:
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
            rooms=self._owner.positions() or None,
        )
        self._expired = False
        return welcome

    def _judge_refusal(self, error: CommandFailed) -> Ending:
        """The ending after a refused `connect` that may be tried again. Raises ClosedForGood for any other."""
        if error.code == Code.TOKEN_EXPIRED and self._tokens.renewable and not self._expired:
            # A second expired token in a row shows that the app has no better one.
            self._expired = True
            return Ending(ABNORMAL, str(error), retry=0.0)
        if error.temporary or error.code == Code.INTERNAL:
            return Ending(ABNORMAL, str(error), error.retry_after)
        raise refused(error)

    async def _refresh(self, link: SocketLink, welcome: Welcome) -> None:
        """Send the gateway fresh tokens in time, for as long as the link lives."""
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
                # In the worst case the gateway closes with 4010, and the next connection asks for a token again.
                log.warning("the token could not be refreshed: %r", error)
                wait = 1.0 + backoff.next()
            else:
                backoff.reset()
                wait = refresh_in(offset + int(loop.time() * 1000), result.expires_at)


def _failed_try(error: Exception) -> Ending:
    return Ending(ABNORMAL, f"{type(error).__name__}: {error}")


def _refreshed(ok: Any) -> RefreshResult:
    return msgspec.convert(ok, RefreshResult)

"""A link without a WebSocket: pushes come over an event stream, commands go by POST.

The request of a stream names its rooms. So to join or leave a room, the link opens another stream with the
positions of all rooms, and drops the first one. Each room's replica waits for its new `joined`, as after
any join. So no message is lost, doubled or reordered. The commands of a room are sent one after the other,
because requests may overtake each other, unlike messages on a socket.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
import msgspec

from ksmp_client.address import HttpAddress
from ksmp_client.codes import Code
from ksmp_client.errors import CommandFailed, ConnectionLost, no_answer
from ksmp_client.eventstream import EventStream, open_stream, result
from ksmp_client.link import ABNORMAL, CONNECT_BYTES, INVALID_DATA, Transport
from ksmp_client.messages import Disconnect, HistoryResult, JoinResult, Position, Push
from ksmp_client.wire import Incoming, failure, outcome

T = TypeVar("T")

_ROOM: Final = re.compile(r"[a-z][a-z0-9_]{0,31}:[A-Za-z0-9_-]{1,64}")

# In seconds. A gateway answers at once, so a longer wait means that something on the way holds the stream back.
OPEN_TIMEOUT: Final = 10.0
# How many seconds to wait for the rooms that the gateway joins by itself, when the client asked for none.
FIRST_EVENT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ask:
    """A join that waits for the next stream."""

    history: int | None
    settle: Callable[[Any], None]
    fail: Callable[[Exception], None]


class StreamLink:
    """Implements `Link`. Before it opens a stream, it calls `positions` for the rooms to resume.

    `on_joined` gets the result for each room, except for rooms that a `join` asked for. `renew` gives a fresh token.
    It is None when there is only one token.
    """

    transport: Final[Transport] = "sse"

    def __init__(
        self,
        http: httpx.AsyncClient,
        address: HttpAddress,
        token: str,
        *,
        renew: Callable[[], Awaitable[str]] | None,
        positions: Callable[[], dict[str, Position]],
        on_push: Callable[[Push], None],
        on_joined: Callable[[StreamLink, str, Any], None],
    ) -> None:
        self.limit = CONNECT_BYTES
        self.disconnect: Disconnect | None = None
        self._http = http
        self._address = address
        self._token = token
        self._renew = renew
        self._renewing = asyncio.Lock()
        self._positions = positions
        self._on_push = on_push
        self._on_joined = on_joined
        self._stream: EventStream | None = None
        self._unread: list[Incoming] = []
        self._asks: dict[str, Ask] = {}
        self._leaving: list[asyncio.Future[None]] = []
        # Rooms that the app left. The gateway may join them by itself in each stream.
        self._left: set[str] = set()
        self._changed = asyncio.Event()
        self._broken: CommandFailed | None = None
        self._turns: dict[str, asyncio.Lock] = {}
        self._working: set[asyncio.Task[Any]] = set()
        self._lost = False

    async def open(self) -> dict[str, Any]:
        """Open the stream and return the result for each room. Raises CommandFailed and ConnectionLost."""
        return await self._open(())

    async def read(self) -> tuple[int, str]:
        """As in `Link`. Raises CommandFailed when the gateway no longer accepts the token."""
        try:
            while await self._pass_until_changed():
                if self._broken is not None:
                    raise self._broken
                if self.disconnect is not None:
                    break
                await self._reopen()
        except ConnectionLost as error:
            return ABNORMAL, str(error)
        except msgspec.MsgspecError as error:
            return INVALID_DATA, str(error)
        finally:
            self._end()
        if self.disconnect is not None:
            return self.disconnect.code, self.disconnect.reason
        return ABNORMAL, "the event stream ended"

    async def request(self, cmd: str, *, timeout: float, on_ok: Callable[[Any], T] = lambda ok: ok, **fields: Any) -> T:
        try:
            async with asyncio.timeout(timeout):
                match cmd:
                    case "join":
                        return await self._join(on_ok, fields["room"], fields.get("history"))
                    case "leave":
                        return on_ok(await self._leave(fields["room"]))
                    case "ping":
                        return on_ok(await self._work(self._ping()))
                    case _:
                        return on_ok(await self._work(self._command(cmd, **fields)))
        except TimeoutError:
            raise no_answer(f"no reply to {cmd} within {timeout:g} s") from None
        except msgspec.ValidationError as error:
            raise CommandFailed(Code.INTERNAL, f"the reply to {cmd} is malformed: {error}") from None

    async def post(self, cmd: str, **fields: Any) -> None:
        with suppress(ConnectionLost, CommandFailed):
            await self.request(cmd, timeout=OPEN_TIMEOUT, **fields)

    async def settle(self, seconds: float) -> None:
        """Wait for commands under way, so that no later command overtakes them over another link."""
        if self._working:
            await asyncio.wait(self._working, timeout=seconds)

    async def close(self) -> None:
        self._end()
        if self._stream is not None:
            await self._stream.close()

    # The stream.

    async def _pass_until_changed(self) -> bool:
        """Hand on what arrives. Returns True when another stream is needed, False at the end of this one."""
        changed = asyncio.create_task(self._changed.wait())
        passing = asyncio.create_task(self._pass())
        try:
            await asyncio.wait({changed, passing}, return_when=asyncio.FIRST_COMPLETED)
            if passing.done():
                passing.result()
                return self._broken is not None
            return True
        finally:
            changed.cancel()
            passing.cancel()
            await asyncio.gather(changed, passing, return_exceptions=True)

    async def _pass(self) -> None:
        assert self._stream is not None
        while True:
            events, self._unread = self._unread or await self._stream.read(), []
            if not events:
                return
            for event in events:
                self._take(event)

    def _take(self, event: Incoming) -> None:
        if event.push == "joined":
            if event.room is not None and event.room not in self._left:
                self._on_joined(self, event.room, event.data)
        elif event.push == Disconnect.push:
            self.disconnect = msgspec.convert(event.data, Disconnect)
        elif event.push:
            self._on_push(event.as_push())

    async def _reopen(self) -> None:
        """Open another stream, with the present rooms. Waiting joins get their results before anything else is read."""
        self._changed.clear()
        asks, self._asks = self._asks, {}
        leaving, self._leaving = self._leaving, []
        assert self._stream is not None
        try:
            # Close the old one first: the number of connections of a user is limited.
            await self._stream.close()
            found = await self._open(asks)
            answers = await asyncio.gather(
                *(self._answer(name, found[name], ask) for name, ask in asks.items()), return_exceptions=True
            )
        except BaseException:
            for ask in asks.values():
                ask.fail(ConnectionLost())
            for left in leaving:
                _settle(left, ConnectionLost())
            raise
        for ask, answer in zip(asks.values(), answers, strict=True):
            if isinstance(answer, BaseException):
                ask.fail(answer if isinstance(answer, Exception) else ConnectionLost())
            else:
                ask.settle(answer)
        for left in leaving:
            _settle(left, None)
        for name, joined in found.items():
            if name not in asks and name not in self._left:
                self._on_joined(self, name, joined)

    async def _open(self, first: Iterable[str]) -> dict[str, Any]:
        """Open a stream with the present rooms. `first` are new ones, or those whose replay did not fit before."""
        self._unread = []
        positions = self._positions()
        rooms = {name: positions.get(name) for name in (*first, *positions)}
        stream = await open_stream(self._http, self._address.events, self._token, rooms, OPEN_TIMEOUT)
        self._stream = stream
        found: dict[str, Any] = {}
        try:
            # The results of the rooms come first, and among them those of rooms that the gateway joins by itself.
            async with asyncio.timeout(OPEN_TIMEOUT if rooms else FIRST_EVENT):
                while not found or not found.keys() >= rooms.keys():
                    events = await stream.read()
                    if not events:
                        raise ConnectionLost("the event stream ended before it began")
                    for event in events:
                        if event.push == "joined" and event.room is not None:
                            found[event.room] = event.data
                        else:
                            self._unread.append(event)
        except TimeoutError:
            if rooms:
                raise ConnectionLost("the event stream does not begin") from None
        except msgspec.MsgspecError as error:
            raise ConnectionLost(f"no event stream of the protocol: {error}") from None
        return found

    async def _answer(self, name: str, found: Any, ask: Ask) -> JoinResult:
        """The result of a join. A stream brings no history by itself, so this asks for it."""
        joined = outcome(found)
        if not isinstance(joined, JoinResult):
            if joined.error is not None:
                raise failure(joined.error)
            raise CommandFailed(Code.UNAVAILABLE, "the replay of the room did not fit", True, 0.0)
        if joined.recovered is None and ask.history:
            payload = _body("history", before=joined.seq + 1, limit=ask.history)
            async with asyncio.timeout(OPEN_TIMEOUT):
                page = msgspec.convert(await self._send(name, payload), HistoryResult)
            return msgspec.structs.replace(joined, messages=page.messages)
        return joined

    # Commands.

    async def _join(self, on_ok: Callable[[Any], T], room: str, history: int | None) -> T:
        _check_room(room)
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settle(ok: Any) -> None:
            if not reply.done():
                try:
                    reply.set_result(on_ok(ok))
                except Exception as error:
                    reply.set_exception(error)

        self._left.discard(room)
        self._change()
        self._asks[room] = Ask(history, settle, lambda error: _settle(reply, error))
        return await reply

    async def _leave(self, room: str) -> dict[str, Any]:
        reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left.add(room)
        self._change()
        self._leaving.append(reply)
        await reply
        return {}

    def _change(self) -> None:
        if self._lost:
            raise ConnectionLost
        self._changed.set()

    async def _work(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run `work`. Raises ConnectionLost when the link ends before it is done."""
        if self._lost:
            work.close()
            raise ConnectionLost
        task = asyncio.create_task(work)
        self._working.add(task)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            self._working.discard(task)
        if task.cancelled():
            raise ConnectionLost
        return task.result()

    async def _ping(self) -> dict[str, Any]:
        try:
            response = await self._http.get(self._address.health, timeout=None)
        except httpx.HTTPError as error:
            raise no_answer(f"{type(error).__name__}: {error}") from None
        if response.status_code != 200:
            raise no_answer(f"no reply, but HTTP {response.status_code}")
        return {}

    async def _command(self, cmd: str, *, room: str | None = None, **fields: Any) -> Any:
        if room is None:
            raise CommandFailed(Code.UNKNOWN_COMMAND, f"{cmd} is possible over a WebSocket only")
        _check_room(room)
        payload = _body(cmd, **fields)
        async with self._turns.setdefault(room, asyncio.Lock()):
            return await self._send(room, payload)

    async def _send(self, room: str, payload: bytes) -> Any:
        while True:
            token = self._token
            try:
                return await self._post(room, payload, token)
            except CommandFailed as error:
                if error.code not in (Code.TOKEN_EXPIRED, Code.UNAUTHENTICATED):
                    raise
                if error.code == Code.TOKEN_EXPIRED and await self._renewed(token):
                    continue
                # As on a socket, this ends the connection. The connector decides what follows.
                self._broken = error
                self._changed.set()
                raise ConnectionLost from None

    async def _post(self, room: str, payload: bytes, token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = self._address.commands(room)
        try:
            # The caller of `request` measures the time.
            response = await self._http.post(url, content=payload, headers=headers, timeout=None)
        except httpx.HTTPError as error:
            raise no_answer(f"{type(error).__name__}: {error}") from None
        return result(response)

    async def _renewed(self, token: str) -> bool:
        """Replace this token by a fresh one. Returns whether there is another one."""
        async with self._renewing:
            if self._token == token and self._renew is not None:
                try:
                    self._token = await self._renew()
                except Exception as error:
                    raise no_answer(f"no fresh token: {error!r}") from error
            return self._token != token

    def _end(self) -> None:
        self._lost = True
        for task in self._working:
            task.cancel()
        for ask in self._asks.values():
            ask.fail(ConnectionLost())
        for left in self._leaving:
            _settle(left, ConnectionLost())
        self._asks.clear()
        self._leaving.clear()


def _settle(reply: asyncio.Future[Any], error: Exception | None) -> None:
    if reply.done():
        return
    if error is None:
        reply.set_result(None)
    else:
        reply.set_exception(error)


def _body(cmd: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"cmd": cmd, **{name: value for name, value in fields.items() if value is not None}})


def _check_room(room: str) -> None:
    """One malformed name would fail the request of all rooms, so it is refused here. Raises CommandFailed."""
    if _ROOM.fullmatch(room) is None:
        raise CommandFailed(Code.INVALID, "room must be <kind>:<id>, the id of 1 to 64 characters from A-Z a-z 0-9 _ -")

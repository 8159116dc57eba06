"""One connection to one NATS server: nats-py's client, which here never reconnects and tells once why it ended.

nats-py closes its client for good on most errors that a server reports, and its own reconnect waits for a server that
hangs. Here an error that the server reports ends nothing by itself, because a server that means it closes the
connection. When the connection has ended, or nats-py has stopped to read it, the bus opens another one.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.protocol import command
from nats.protocol.parser import PING

from gateway.bus.inline_subscription import InlineSubscription
from gateway.nats_address import NatsAddress

CONNECT_TIMEOUT: Final = 2.0
# The default of 120 s would hide a hung server for minutes.
PING_INTERVAL: Final = 2
OUTSTANDING_PINGS: Final = 2
SETTLE_TIMEOUT: Final = 5.0
# "NATS/1.0", the ends of the lines, and ": " and the end of line of each header.
HEADER_START: Final = 12
HEADER_LINE: Final = 4

_PUBLISH = re.compile(r'permissions violation for publish (?:to|with reply of) "(.+)"')
_SUBSCRIBE = re.compile(r"permissions violation for subscription|maximum subscriptions exceeded")


class NotPermitted(errors.Error):
    """The server refused a publish or a subscription, and goes on with the rest."""


class NatsClient(Client):
    """`open` makes one. `ended` is done when the connection is of no use any more, with the reason."""

    def __init__(self, on_error: Callable[[str], None], on_doubt: Callable[[], None]) -> None:
        """`on_error` hears what the server reports; `on_doubt`, that it dropped subscriptions which it had accepted."""
        super().__init__()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._on_error = on_error
        self._on_doubt = on_doubt
        self._reported = ""
        self._refusals = 0
        self._registering = asyncio.Lock()
        self._settling: set[asyncio.Future[bool]] = set()
        self._tokens = itertools.count(1)
        self._asked: dict[str, tuple[str, asyncio.Future[Msg]]] = {}
        self._reply_to = ""

    @classmethod
    async def open(
        cls, address: NatsAddress, name: str, *, on_error: Callable[[str], None], on_doubt: Callable[[], None]
    ) -> NatsClient:
        """Connect to this server; raises what nats-py raises, OSError and TimeoutError."""
        client = cls(on_error, on_doubt)
        try:
            async with asyncio.timeout(2 * CONNECT_TIMEOUT):
                await client.connect(
                    servers=[address.url],
                    name=name,
                    user=address.user,
                    password=address.password,
                    token=address.token,
                    connect_timeout=CONNECT_TIMEOUT,  # type: ignore[arg-type]  # waited for as it is
                    allow_reconnect=False,
                    ping_interval=PING_INTERVAL,
                    max_outstanding_pings=OUTSTANDING_PINGS,
                    error_cb=client._hear,
                )
                client._reply_to = client.new_inbox()
                inbox = InlineSubscription(f"{client._reply_to}.*", client._answer)
                if await client.register([inbox]):
                    raise NotPermitted(f"the server refuses subscriptions: {client._reported}")
        except BaseException as error:
            # The reason that the server gave says more than that it closed the connection.
            client.cut()
            if client._reported and isinstance(error, errors.Error):
                raise errors.Error(client._reported) from error
            raise
        return client

    async def register(self, subscriptions: Sequence[Subscription], *, again: bool = False) -> list[Subscription]:
        """Subscribe, and return those that the server refused; raises what nats-py raises when the connection ends.

        With `again`, those that the server may have already are made anew.
        """
        async with self._registering:
            for subscription in subscriptions:
                if self._subs.get(subscription._id) is not subscription:
                    self._sid += 1
                    subscription._id = self._sid
                    self._subs[subscription._id] = subscription
            before = self._refusals
            refused = await self._register(subscriptions, again=again)
            if not again and not refused and self._refusals != before:
                # It was about another one, which the server had accepted.
                self._on_doubt()
            return refused

    async def _register(self, subscriptions: Sequence[Subscription], *, again: bool) -> list[Subscription]:
        before = self._refusals
        for subscription in subscriptions:
            if self._subs.get(subscription._id) is not subscription:
                # Dropped since the first try.
                continue
            if again:
                await self._send_command(command.unsub_cmd(subscription._id, 0))
            await self._send_command(command.sub_cmd(subscription._subject, subscription._queue, subscription._id))
        await self.settle()
        if self._refusals == before:
            return []
        # The server does not say which one an error is about, so they are halved until one is alone with its error.
        if len(subscriptions) > 1:
            half = len(subscriptions) // 2
            first = await self._register(subscriptions[:half], again=True)
            return first + await self._register(subscriptions[half:], again=True)
        if not again:
            return await self._register(subscriptions, again=True)
        for subscription in subscriptions:
            self._subs.pop(subscription._id, None)
        return list(subscriptions)

    async def drop(self, subscription: Subscription) -> None:
        """Unsubscribe; nothing comes any more."""
        if self._subs.get(subscription._id) is subscription and not self.is_closed:
            del self._subs[subscription._id]
            await self._send_unsubscribe(subscription._id)

    async def settle(self) -> None:
        """Wait until the server has taken everything that was sent, and its errors about it were heard."""
        settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._settling.add(settled)
        try:
            if self.is_closed:
                raise errors.ConnectionClosedError
            async with asyncio.timeout(SETTLE_TIMEOUT):
                await self._send_ping(settled)
                await settled
        except TimeoutError:
            raise errors.TimeoutError from None
        finally:
            self._settling.discard(settled)

    async def subscribe(self, subject: str, *args: Any, **how: Any) -> Subscription:
        """nats-py's, but raises NotPermitted when the server refuses; nats-py's pull consumers subscribe with it."""
        async with self._registering:
            before = self._refusals
            subscription = await super().subscribe(subject, *args, **how)
            await self.settle()
            if self._refusals != before and await self._register([subscription], again=True):
                subscription._closed = True
                subscription._stop_processing()
                raise NotPermitted(f"the server refused a subscription: {self._reported}")
            return subscription

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """Ask and wait for one answer, in an inbox that all requests share. nats-py's JetStream calls ask here too.

        Raises NotPermitted at once when the server refuses the subject, ConnectionClosedError when the connection ends,
        NoRespondersError, and nats-py's TimeoutError.
        """
        token = str(next(self._tokens))
        answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._asked[token] = (subject, answer)
        try:
            await self.publish(subject, payload, f"{self._reply_to}.{token}", headers)
            async with asyncio.timeout(timeout):
                message = await answer
        except TimeoutError:
            raise errors.TimeoutError from None
        finally:
            del self._asked[token]
        if message.headers and message.headers.get("Status") == "503":
            raise errors.NoRespondersError
        return message

    async def publish(
        self, subject: str, payload: bytes = b"", reply: str = "", headers: dict[str, Any] | None = None
    ) -> None:
        """nats-py's, but the limit of a message counts its headers too, as the server does."""
        if headers and len(payload) + _length(headers) > self._max_payload:
            raise errors.MaxPayloadError
        await super().publish(subject, payload, reply, headers)

    def cut(self) -> None:
        """End the connection at once. What was asked and not answered fails with ConnectionClosedError."""
        self._finish("closed")

    def _finish(self, reason: str) -> None:
        if self.ended.done():
            return
        self.ended.set_result(f"{reason}: {self._reported}" if self._reported else reason)
        self._status = Client.CLOSED
        running = asyncio.current_task()
        for task in (self._reading_task, self._ping_interval_task, self._flusher_task):
            if task is not None and task is not running:
                task.cancel()
        waiting: list[asyncio.Future[Any]] = [answer for _, answer in self._asked.values()]
        for future in (*waiting, *self._settling):
            if not future.done():
                future.set_exception(errors.ConnectionClosedError())
                future.exception()
        while self._flush_queue is not None and not self._flush_queue.empty():
            flushed = self._flush_queue.get_nowait()
            if not flushed.done():
                flushed.set_result(None)
        for subscription in self._subs.values():
            # Whoever waits for a message of a pull consumer learns that the connection is closed.
            for call in (subscription._pending_next_msgs_calls or {}).values():
                call.cancel()
        self._subs.clear()
        # Not closed, because that would wait for a server that does not read.
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()

    async def _hear(self, error: Exception) -> None:
        """nats-py's errors come with what ends the connection."""

    def _answer(self, message: Msg) -> None:
        asked = self._asked.get(message.subject.rpartition(".")[2])
        if asked is not None and not asked[1].done():
            asked[1].set_result(message)

    # What follows are nats-py's own steps, changed.

    async def _select_next_server(self) -> None:
        """Try the one server once, where nats-py tries all servers until one answers."""
        self._current_server = server = self._server_pool[0]
        await self._connect_to_server(server)

    async def _process_connect_init(self) -> None:
        await super()._process_connect_init()
        if not self.is_connected:
            raise errors.Error("the server did not answer the first ping")
        for task in (self._reading_task, self._ping_interval_task, self._flusher_task):
            if task is not None:
                task.add_done_callback(self._stopped)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        self._finish("the connection is not read any more")

    async def _process_op_err(self, e: Exception) -> None:
        self._finish(str(e) or type(e).__name__)

    async def _process_err(self, err_msg: str) -> None:
        self._reported = text = err_msg.strip("'")
        self._on_error(text)
        if refused := _PUBLISH.search(text):
            for token, (subject, answer) in list(self._asked.items()):
                # nats-py gives the text in lower case.
                about = (subject.lower(), f"{self._reply_to}.{token}".lower())
                if refused[1] in about and not answer.done():
                    answer.set_exception(NotPermitted(text))
            return
        self._refusals += 1
        if _SUBSCRIBE.search(text) and not self._registering.locked():
            self._on_doubt()

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        self._max_payload = info.get("max_payload", self._max_payload)
        await super()._process_info(info, initial_connection)

    async def _process_pong(self) -> None:
        self._pings_outstanding = 0
        if self._pongs:
            pong = self._pongs.pop(0)
            # It may have been given up, at which nats-py would stop reading.
            if not pong.done():
                pong.set_result(True)

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        """After all that was sent before it, where nats-py's ping may overtake."""
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        await self._send_command(PING)
        await self._flush_pending()


def _length(headers: Mapping[str, str]) -> int:
    return HEADER_START + sum(len(name) + len(value.encode()) + HEADER_LINE for name, value in headers.items())

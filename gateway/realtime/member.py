"""One connection, a socket or an event stream, as the rooms see it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.errors import CloseCode
from gateway.principal import Principal
from gateway.protocol.messages import Disconnect, Push
from gateway.realtime.frame_encoder import FrameEncoder
from gateway.telemetry import logs

if TYPE_CHECKING:
    from gateway.realtime.room import Room

log = logs.QuickLog(__name__)


# The most characters of a close reason. They are ASCII.
REASON: Final = 120


class Sink(Protocol):
    """The transport of one client. No call waits for the client."""

    @property
    def fast_write(self) -> Callable[[bytes], None] | None:
        """Writes at once, without a check of the unread bytes. None for a sink that does not report lagging."""

    def write(self, data: bytes) -> None:
        """Hand complete frames to the operating system, or buffer what it does not take."""

    def buffered(self) -> int:
        """How many bytes wait for the client in this process. Those in the operating system are not counted."""

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and end the connection, within a bounded time."""


@dataclass(slots=True, eq=False)
class Membership:
    """The membership of one connection in one room."""

    member: Member
    room: Room
    role: str
    # The commands that the member may use, as it was last told.
    can: list[str] = field(default_factory=list)
    left: bool = False
    # What was stored before is not for the member; in milliseconds since the Unix epoch.
    seen_from: int = 0


class Member:
    """Writes to one client in order, and closes the connection of a client that does not read.

    A client with more than `soft` unread bytes gets no ephemeral pushes. With more than `hard`, it is closed.
    `fast_write` writes a room's frames without any check. It is None while a check is needed: the client lags, frames
    are held back, or the connection is closed.
    """

    __slots__ = (
        "_first",
        "_hard",
        "_held",
        "_lagging",
        "_sink",
        "_soft",
        "_spread",
        "closed",
        "codec",
        "encoder",
        "expires_at",
        "fast_write",
        "gone",
        "id",
        "opened_at",
        "principal",
        "rooms",
    )

    def __init__(self, id: str, encoder: FrameEncoder, sink: Sink, *, soft: int, hard: int, spread: float) -> None:
        self.id = id
        self.encoder = encoder
        self.codec = encoder.codec
        self.principal: Principal | None = None
        self.rooms: dict[str, Membership] = {}
        self.opened_at = 0
        self.closed: CloseCode | None = None
        self.gone = False
        # When `TokenExpiry` closes it.
        self.expires_at = 0
        self._held: list[bytes] | None = None
        self._first: list[bytes] | None = None
        self._lagging = False
        self._sink = sink
        self._soft = soft
        self._hard = hard
        self._spread = spread
        self.fast_write = sink.fast_write

    @property
    def user(self) -> Principal:
        """The user of this connection; raises RuntimeError before the connection has signed in."""
        if self.principal is None:
            raise RuntimeError("the connection is not connected")
        return self.principal

    @property
    def open(self) -> bool:
        return self.closed is None and not self.gone

    def hold(self) -> None:
        """Hold frames back until `release`, because a message that must come first is not ready yet."""
        self._held = []
        self._choose()

    def first(self, message: Any) -> None:
        """Put a message before all frames that are held back."""
        if self._held is not None:
            self._first = [*(self._first or []), self.encoder.plain(message)]

    def release(self, message: Any) -> None:
        """Write `message`, if there is one, then the frames held back since `hold`, in order."""
        held = [*(self._first or []), *(self._held or [])]
        self._first = self._held = None
        self._choose()
        if message is not None:
            self.send(message)
        for frame in held:
            self.write(frame)

    def lag(self, behind: bool) -> None:
        """The sink reports that more than `soft` bytes are unread, or no longer."""
        self._lagging = behind
        self._choose()

    def end(self) -> None:
        """The connection is gone: write nothing any more."""
        self.gone = True
        self._choose()

    def send(self, message: Any) -> None:
        """Encode and write a message for this client alone."""
        if self.open:
            self.write(self.encoder.plain(message))

    def write(self, frame: bytes) -> None:
        """Write a frame that must not be lost; closes the connection when the client does not read."""
        if not self.open:
            return
        if self._held is not None:
            self._held.append(frame)
            return
        # This frame does not count: a large reply is no reason to close a client that reads.
        if self._sink.buffered() > self._hard:
            self.close(CloseCode.SLOW)
            return
        self._sink.write(frame)

    def write_batch(self, every: bytes, lasting: bytes) -> None:
        """Write frames of a room: `every`, or only the durable ones in `lasting` when the client lags."""
        if self.closed is not None or self.gone:
            return
        if self._held is not None:
            self._held.append(lasting)
            return
        buffered = self._sink.buffered()
        frames = every if buffered <= self._soft else lasting
        if buffered > self._hard:
            self.close(CloseCode.SLOW)
        elif frames:
            self._sink.write(frames)

    def close(self, code: CloseCode, *, retry: float | None = None, reason: str | None = None) -> None:
        """Send the `disconnect` push and close the connection. Only the first call has an effect.

        `retry` is when the client may reconnect, in seconds; without it a random time is drawn. `reason` replaces the
        code's own.
        """
        if not self.open:
            return
        if retry is None:
            # The random time only spreads clients, so it needs no cryptographic quality.
            retry = random.random() * self._spread  # noqa: S311
        retry_ms = int(retry * 1000) if code.reconnect else 0
        # A close frame has no room for more (RFC 6455, section 5.5).
        said = (reason or code.reason)[:REASON]
        disconnect = Disconnect(code=code, reason=said, reconnect=code.reconnect, retry_ms=retry_ms)
        self._sink.write(self.encoder.frame(Push(push=Disconnect.push, data=disconnect)))
        self.closed = code
        self._choose()
        self._sink.close(code, said)
        if self.principal is not None:
            # Of strangers, of whom there may be many, the end alone is told, or one line tells of all.
            log.info("connection.closing", connection=self.id, code=int(code))

    def _choose(self) -> None:
        """Choose whether the next frames of a room can be written without a check."""
        self.fast_write = self._sink.fast_write if self.open and self._held is None and not self._lagging else None

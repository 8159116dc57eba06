"""One connected socket as the rooms see it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from gateway.errors import CloseCode
from gateway.principal import Principal
from gateway.protocol.bucket import Bucket
from gateway.protocol.messages import Disconnect, Push
from gateway.realtime.frame_encoder import FrameEncoder

if TYPE_CHECKING:
    from gateway.realtime.room import Room

log = structlog.get_logger(__name__)


# Characters of a reason, which are ASCII.
REASON: Final = 120


class Sink(Protocol):
    """Where the bytes for one client go. No call waits for the client."""

    @property
    def fast_write(self) -> Callable[[bytes], None] | None:
        """Writes at once, without a look at what is unread, for a sink that says itself when that is much."""

    def write(self, data: bytes) -> None:
        """Hand complete frames to the operating system, or buffer what it does not take."""

    def buffered(self) -> int:
        """How many bytes the client has not read yet, beyond what the operating system holds."""

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and end the connection, within a bounded time."""


@dataclass(slots=True, eq=False)
class Membership:
    """A member's place in one room."""

    member: Member
    room: Room
    role: str
    # The commands that the member was last told it may use.
    can: list[str] = field(default_factory=list)
    left: bool = False


class Member:
    """Writes to one client in order, and gives up on one that does not read.

    Over `soft` unread bytes it loses ephemeral pushes, over `hard` its connection. `fast_write` writes a room's frames
    without a question; it is None while there is one to ask: what is unread, what comes first, whether it is closed.
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
        "expiry",
        "fast_write",
        "gone",
        "id",
        "opened_at",
        "principal",
        "rates",
        "rooms",
    )

    def __init__(self, id: str, encoder: FrameEncoder, sink: Sink, *, soft: int, hard: int, spread: float) -> None:
        self.id = id
        self.encoder = encoder
        self.codec = encoder.codec
        self.principal: Principal | None = None
        self.rooms: dict[str, Membership] = {}
        # Kept for as long as the connection: leaving and joining again is no way around a limit.
        self.rates: dict[str, dict[str, Bucket]] = {}
        self.opened_at = 0
        self.closed: CloseCode | None = None
        self.gone = False
        self.expiry: asyncio.TimerHandle | None = None
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
        """Whose connection this is; only for one that is connected."""
        if self.principal is None:
            raise RuntimeError("the connection is not connected")
        return self.principal

    @property
    def open(self) -> bool:
        return self.closed is None and not self.gone

    def hold(self) -> None:
        """Keep frames back until `release`: what is to come first is not ready yet."""
        self._held = []
        self._choose()

    def first(self, message: Any) -> None:
        """Put a message before everything that is held back."""
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
        """Learn from the sink that more than `soft` bytes are unread, or no longer."""
        self._lagging = behind
        self._choose()

    def end(self) -> None:
        """The connection is gone; nothing is written any more."""
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
        # Not counting this frame: a large reply to a client that reads is no reason to close it.
        if self._sink.buffered() > self._hard:
            self.close(CloseCode.SLOW)
            return
        self._sink.write(frame)

    def write_batch(self, every: bytes, lasting: bytes) -> None:
        """Write frames of a room: all of them, or when the client is behind only those that must not be lost."""
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
        """Say why, and close; what happens after the first call is nothing.

        `retry` is when the client may come back, in seconds; without it a moment is drawn. `reason` says more than
        the code does.
        """
        if not self.open:
            return
        if retry is None:
            # A draw that spreads clients over time needs no cryptographic quality.
            retry = random.random() * self._spread  # noqa: S311
        retry_ms = int(retry * 1000) if code.reconnect else 0
        # A close frame has room for so much (RFC 6455, section 5.5).
        said = (reason or code.reason)[:REASON]
        disconnect = Disconnect(code=code, reason=said, reconnect=code.reconnect, retry_ms=retry_ms)
        self._sink.write(self.encoder.frame(Push(push=Disconnect.push, data=disconnect)))
        self.closed = code
        self._choose()
        self._sink.close(code, said)
        log.info("connection.closing", connection=self.id, code=int(code))

    def _choose(self) -> None:
        """Whether the next frames of a room can be written without a question."""
        self.fast_write = self._sink.fast_write if self.open and self._held is None and not self._lagging else None

"""What carries a client's commands out, and replies and pushes back, for as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar

from ksmp_client.messages import Disconnect

T = TypeVar("T")

Transport: TypeAlias = Literal["websocket", "sse"]

# What a client may send before the server has told its limits.
CONNECT_BYTES: Final = 64 * 1024
# The close codes of RFC 6455, section 7.4.1, for what ends without one of the server's.
PROTOCOL_ERROR: Final = 1002
ABNORMAL: Final = 1006
INVALID_DATA: Final = 1007


class Link(Protocol):
    """One connection to a gateway over either transport; `read` has to run for anything to arrive."""

    limit: int
    farewell: Disconnect | None

    @property
    def transport(self) -> Transport: ...

    async def read(self) -> tuple[int, str]:
        """Hand on what comes until the end; the code and reason of the end."""

    async def request(self, cmd: str, *, timeout: float, on_ok: Callable[[Any], T] = ..., **fields: Any) -> T:
        """Send a command and wait for its reply; what `on_ok` makes of it.

        `on_ok` is called before any later message is looked at. A field that is None is left out. Raises
        CommandFailed for an error reply, and as `unavailable` when none came in time, and ConnectionLost.
        """

    async def post(self, cmd: str, **fields: Any) -> None:
        """Send a command that wants no reply; one that cannot be sent is forgotten."""

    async def close(self) -> None:
        """End it; who waits for a reply gets ConnectionLost."""

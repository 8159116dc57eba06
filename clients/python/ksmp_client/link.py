"""One connection as the rest of the client sees it: commands go out, replies and pushes come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar

from ksmp_client.messages import Disconnect

T = TypeVar("T")

Transport: TypeAlias = Literal["websocket", "sse"]

# The largest command before the gateway has told its limits, in bytes.
CONNECT_BYTES: Final = 64 * 1024
# Close codes of RFC 6455, section 7.4.1, for connections that end without a close code of the gateway.
PROTOCOL_ERROR: Final = 1002
ABNORMAL: Final = 1006
INVALID_DATA: Final = 1007


class Link(Protocol):
    """One connection to a gateway, over either transport. Nothing arrives unless `read` runs."""

    limit: int
    disconnect: Disconnect | None

    @property
    def transport(self) -> Transport: ...

    async def read(self) -> tuple[int, str]:
        """Hand on what arrives until the connection ends. Returns the code and the reason of the end."""

    async def request(self, cmd: str, *, timeout: float, on_ok: Callable[[Any], T] = ..., **fields: Any) -> T:
        """Send a command, wait for its reply, and return what `on_ok` makes of the ok.

        `on_ok` is called before any later message is handled. A field that is None is left out. Raises CommandFailed
        for an error reply, CommandFailed `unavailable` when none came in time, and ConnectionLost.
        """

    async def post(self, cmd: str, **fields: Any) -> None:
        """Send a command without waiting for a reply. A command that cannot be sent is dropped."""

    async def close(self) -> None:
        """Close the connection. Requests without a reply yet raise ConnectionLost."""

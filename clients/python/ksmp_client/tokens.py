"""Where a client's tokens come from, and when it needs the next one."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from ksmp_client.messages import User

TokenSource: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]]

# The part of a token's life after which a new one is asked for.
REFRESH_AT: Final = 0.8
# Even a token that ends at once does not make a client ask without pause.
SHORTEST: Final = 1.0


class Tokens:
    """One token for all time, or a fresh one from a callable at each need."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self.renewable = not isinstance(source, str)

    async def fresh(self) -> str:
        """Raises whatever the callable raises."""
        if isinstance(self._source, str):
            return self._source
        given = self._source()
        return await given if inspect.isawaitable(given) else given


def refresh_in(server_time: int, expires_at: int) -> float:
    """Seconds until the next token is due; both times are the server's, in milliseconds."""
    return max(SHORTEST, (expires_at - server_time) / 1000 * REFRESH_AT)


class _Payload(msgspec.Struct, frozen=True):
    name: str = ""


def told_by(rooms: Iterable[str], token: str) -> User | None:
    """Who we are by the rooms that a server joins by itself, as far as they tell; the name is the token's own."""
    known = {kind: id for kind, _, id in (room.partition(":") for room in rooms if room != "announce:all")}
    if "user" not in known:
        return None
    return User(known["user"], _name(token) or known["user"], known.get("announce", ""))


def _name(token: str) -> str:
    """Only for showing, and so unverified: the server decides by the same token who we are."""
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(data, type=_Payload).name
    except (ValueError, msgspec.MsgspecError):
        return ""

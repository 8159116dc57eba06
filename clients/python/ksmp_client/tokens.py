"""Where the client's tokens come from, and when it needs the next one."""

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
# At least this many seconds between two refreshes, even when a token has already ended.
SHORTEST: Final = 1.0


class Tokens:
    """Gives one fixed token, or calls the app's function for a fresh one each time."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self.renewable = not isinstance(source, str)

    async def fresh(self) -> str:
        """The token to use now. Raises whatever the app's function raises."""
        if isinstance(self._source, str):
            return self._source
        given = self._source()
        return await given if inspect.isawaitable(given) else given


def refresh_in(server_time: int, expires_at: int) -> float:
    """Seconds until the next token is needed. Both times are the gateway's clock, in milliseconds."""
    return max(SHORTEST, (expires_at - server_time) / 1000 * REFRESH_AT)


class _Payload(msgspec.Struct, frozen=True):
    name: str = ""


def user_of_rooms(rooms: Iterable[str], token: str) -> User | None:
    """The user, as the rooms show that the gateway joins by itself. None when they do not; the name is the token's."""
    known = {kind: id for kind, _, id in (room.partition(":") for room in rooms if room != "announce:all")}
    if "user" not in known:
        return None
    return User(known["user"], _name(token) or known["user"], known.get("announce", ""))


def _name(token: str) -> str:
    """The name in the token, for display only. It is not verified: the gateway does that."""
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(data, type=_Payload).name
    except (ValueError, msgspec.MsgspecError):
        return ""

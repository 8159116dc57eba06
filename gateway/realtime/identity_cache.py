"""Who the platform says that the user of a token is, used again for a short time: by REST, and by a socket after it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from cachetools import LRUCache

from gateway.principal import Principal

KEPT: Final = 20_000

Verify = Callable[[str], Awaitable[Principal]]


class IdentityCache:
    """Turns tokens into principals.

    A token is verified each time, which costs little for one seen before. What the modules say of its user
    (`identified`, a query) is used again for `fresh` seconds; that they could not be asked, until `ask_again`.
    """

    def __init__(self, verify: Verify, identified: Verify, check: Callable[[Principal], None], fresh: float) -> None:
        """`check` raises Refused for one who is kept out, whatever was said of them before."""
        self._verify = verify
        self._check = check
        self._identified = identified
        self._fresh = fresh
        # What was claimed, who that is, and until when.
        self._known: LRUCache[str, tuple[Principal, Principal, float]] = LRUCache(KEPT)
        self._forgotten = 0
        self._unidentified: set[str] = set()

    async def principal(self, token: str) -> Principal:
        """Raises Refused for a token that is no good, Unavailable when nobody can tell.

        Nothing waits between the check that the user is not kept out and the end of this call.
        """
        claimed = await self._verify(token)
        self._check(claimed)
        known = self._known.get(claimed.id)
        now = time.monotonic()
        # All that is claimed must be the same, the token's own id too: a logout revokes the token that it came with.
        if known is not None and known[2] > now and known[0] == claimed:
            return known[1]
        forgotten = self._forgotten
        principal = await self._identified(token)
        if forgotten != self._forgotten:
            # It may be this user's answer that is out of date by now.
            return principal
        if not principal.identified:
            self._unidentified.add(claimed.id)
        self._known[claimed.id] = (claimed, principal, now + self._fresh)
        return principal

    def forget(self, user: str) -> None:
        """Ask the modules again the next time."""
        self._known.pop(user, None)
        self._forgotten += 1

    def ask_again(self) -> None:
        """The modules can be asked: do not go by the token of those of whom they could say nothing."""
        unidentified, self._unidentified = self._unidentified, set()
        for user in unidentified:
            self.forget(user)

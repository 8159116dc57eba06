"""The states of a client's connection, for any number of readers."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator
from typing import Final

from ksmp_client.events import Connecting, ConnectionState, Waiting
from ksmp_client.inbox import Inbox

# As many states as a slow reader may have unread. Then the oldest are dropped.
UNREAD: Final = 100


class States:
    """The present state, and for each reader the states that follow."""

    def __init__(self, url: str) -> None:
        self.present: ConnectionState = Connecting(url)
        self._trying = url
        self._trouble = ""
        self._ended = False
        self._readers: weakref.WeakSet[Inbox[ConnectionState]] = weakref.WeakSet()

    @property
    def obstacle(self) -> str:
        """A sentence about what the last try met."""
        return self._trouble or f"{self._trying} does not answer"

    def enter(self, state: ConnectionState) -> None:
        """The connection has entered this state."""
        match state:
            case Connecting(url):
                self._trying = url
            case Waiting(_, _, reason):
                self._trouble = f"{self._trying}: {reason}"
        self.present = state
        for reader in list(self._readers):
            if reader.full:
                reader.drop_oldest()
            reader.put(state)

    def read(self) -> AsyncIterator[ConnectionState]:
        """The present state and all that follow, until the end."""
        reader: Inbox[ConnectionState] = Inbox(UNREAD)
        reader.put(self.present)
        if self._ended:
            reader.end()
        self._readers.add(reader)
        return reader

    def end(self) -> None:
        """No state follows."""
        self._ended = True
        for reader in list(self._readers):
            reader.end()

"""A bounded set of clients that the gateway waits for."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class BoundedPending:
    """Keeps pending entries in the order they came. When there are too many, the oldest is let go.

    An honest client is done within a moment, so the oldest entry is the likeliest to be hostile. A newcomer gets in,
    however many entries are pending.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._let_go: dict[Hashable, Callable[[], None]] = {}

    def __len__(self) -> int:
        return len(self._let_go)

    def enter(self, who: Hashable, let_go: Callable[[], None]) -> None:
        """Add an entry, unless it is there; `let_go` is called when it has to make room."""
        if who in self._let_go:
            return
        self._let_go[who] = let_go
        if len(self._let_go) > self._limit:
            self._let_go.pop(next(iter(self._let_go)))()

    def leave(self, who: Hashable) -> None:
        """Remove an entry: the gateway does not wait for it any more."""
        self._let_go.pop(who, None)

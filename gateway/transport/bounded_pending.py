"""Those the gateway waits for: so many and no more."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class BoundedPending:
    """Whoever is waited for, in the order they came; when they are too many the first is let go.

    Not the last: who means well is done within a moment, so that the oldest are the likeliest to mean harm,
    and a newcomer gets in however many of them there are.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._let_go: dict[Hashable, Callable[[], None]] = {}

    def __len__(self) -> int:
        return len(self._let_go)

    def enter(self, who: Hashable, let_go: Callable[[], None]) -> None:
        """Wait for `who`, once; `let_go` ends it when it is its turn to make room."""
        if who in self._let_go:
            return
        self._let_go[who] = let_go
        if len(self._let_go) > self._limit:
            self._let_go.pop(next(iter(self._let_go)))()

    def leave(self, who: Hashable) -> None:
        """What was waited for has come, or never will."""
        self._let_go.pop(who, None)

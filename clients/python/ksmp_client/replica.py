"""One room as its client holds it, without IO: its place in the log, and what each message means for it.

              ask               answer             gap, or the app reads too slowly
    AWAY ───────────► JOINING ─────────► LIVE ────────────────────────────► BEHIND
     ▲                  ▲                 │                                    │
     └──lose (from any) └──────ask────────┴──────────────ask───────────────────┘

The position is the only memory: the newest message that was handed on, and the log it is a place in. A
message at or below it was handed on before: ignore it. One whose predecessor is above it reveals a gap:
ignore it and all that follow, and join again with the position as `since`. Nothing else is a gap, and
nothing is compared for equality: erased messages leave holes that are none. Between a join and its
reply the room's messages are ignored, since the reply holds them or replaces them. So whatever is
lost, doubled or repeated on the way, an app gets each message after a `Joined` once and in order, or a
`Joined` that says `recovered=False`.
"""

from __future__ import annotations

import enum

from ksmp_client.events import Joined
from ksmp_client.messages import JoinResult, Position, Push


class Standing(enum.Enum):
    AWAY = "away"
    JOINING = "joining"
    LIVE = "live"
    BEHIND = "behind"


class Verdict(enum.Enum):
    """What to do with a push: hand it on, forget it, or forget it and join again."""

    DELIVER = "deliver"
    IGNORE = "ignore"
    REJOIN = "rejoin"


class Replica:
    """Follows one room's log over any number of connections. Every method returns at once."""

    def __init__(self) -> None:
        self.standing = Standing.AWAY
        self.position: Position | None = None

    def ask(self) -> Position | None:
        """A join is being sent: the `since` to put into it, None for a room never joined before."""
        self.standing = Standing.JOINING
        return self.position

    def answer(self, result: JoinResult, *, full: bool = False) -> list[Joined | Push]:
        """Take the reply to a join: what to hand on, in order.

        With `full` the app has not read what it was given: nothing is handed on, the position stays, and
        the room is behind. A reply that was not asked for means nothing.
        """
        if self.standing is not Standing.JOINING:
            return []
        if full and self.position is not None:
            self.standing = Standing.BEHIND
            return []
        self.standing = Standing.LIVE
        since = self.position
        self.position = Position(result.epoch, result.seq)
        if result.recovered and since is not None and since.epoch == result.epoch:
            missed = [push for push in result.messages if push.seq is not None and push.seq > since.seq]
            return [Joined(True, self.position), *missed]
        return [Joined(False, self.position, tuple(result.messages))]

    def take(self, push: Push) -> Verdict:
        """Judge a push of the room; one to deliver moves the position."""
        if self.standing is not Standing.LIVE or self.position is None:
            return Verdict.IGNORE
        if push.seq is None:
            return Verdict.DELIVER
        if push.seq <= self.position.seq:
            return Verdict.IGNORE
        if push.prev is not None and push.prev > self.position.seq:
            self.standing = Standing.BEHIND
            return Verdict.REJOIN
        self.position = Position(self.position.epoch, push.seq)
        return Verdict.DELIVER

    def fall_behind(self) -> None:
        """The app does not keep up: what comes now is ignored until the next join."""
        if self.standing is Standing.LIVE:
            self.standing = Standing.BEHIND

    def lose(self) -> None:
        """The connection is gone, or the server says that this is no member of the room."""
        self.standing = Standing.AWAY

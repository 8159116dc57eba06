"""The client's position in one room's log, and the decision what to do with each message. No IO.

              ask               answer             gap, or the app reads too slowly
    AWAY ───────────► JOINING ─────────► LIVE ────────────────────────────► BEHIND
     ▲                  ▲                 │                                    │
     └──lose (from any) └──────ask────────┴──────────────ask───────────────────┘

The position is all that is kept: the newest message handed to the app, and the epoch of its log.

- A message at or below the position was handed on before: ignore it.
- A message whose predecessor is above the position reveals a gap. Ignore it and all that follow, and join
  again with the position as `since`. Nothing else is a gap: erased messages leave holes in the numbers.
- Between a join and its reply, ignore the room's messages: the reply contains or replaces them.

So the app gets each message after a `Joined` once and in order, or a `Joined` with `recovered=False`. That
holds whatever the network loses, doubles or repeats.
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
    """What to do with a push: hand it to the app, ignore it, or ignore it and join again."""

    DELIVER = "deliver"
    IGNORE = "ignore"
    REJOIN = "rejoin"


class Replica:
    """Follows one room's log over any number of connections. Every method returns at once."""

    def __init__(self) -> None:
        self.standing = Standing.AWAY
        self.position: Position | None = None

    def ask(self) -> Position | None:
        """A join is being sent. Returns its `since`: None for a room that was never joined."""
        self.standing = Standing.JOINING
        return self.position

    def answer(self, result: JoinResult, *, full: bool = False) -> list[Joined | Push]:
        """Take the reply to a join. Returns what to hand to the app, in order.

        With `full`, the app has not read its events yet. Then nothing is handed on, the position stays, and the room is
        BEHIND. A reply that was not asked for is ignored.
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
        """Decide what to do with a push of the room. DELIVER moves the position."""
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
        """The app does not keep up. Messages are ignored until the next join."""
        if self.standing is Standing.LIVE:
            self.standing = Standing.BEHIND

    def lose(self) -> None:
        """The connection ended, or the gateway took this connection out of the room."""
        self.standing = Standing.AWAY

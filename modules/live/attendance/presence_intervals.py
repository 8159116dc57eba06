"""Who is in which session on this node, from when to when. No IO; time comes in as an argument.

A presence interval is one user's time in one session on one node, however many tabs they have open there. A user who is
back within the gap goes on with the interval they had, so that a flickering network makes no rows. What has changed
since the last writing is kept until it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Key = tuple[str, str]


@dataclass(slots=True, eq=False)
class PresenceInterval:
    """`host` says that they were a host at any time of it. Times are in seconds since the Unix epoch."""

    session: str
    user: str
    name: str
    host: bool
    started: float
    ended: float | None = None
    connections: int = 0


@dataclass(slots=True)
class PresenceIntervals:
    """The intervals of one node; `gap` is how long, in seconds, somebody may be away within one."""

    gap: float
    _intervals: dict[Key, PresenceInterval] = field(default_factory=dict)
    _changed: dict[int, PresenceInterval] = field(default_factory=dict)

    def enter(self, session: str, user: str, name: str, host: bool, now: float) -> None:
        """A connection of this user joined."""
        interval = self._intervals.get((session, user))
        if interval is None or (interval.ended is not None and now - interval.ended > self.gap):
            interval = self._intervals[session, user] = PresenceInterval(session, user, name, host, now)
            self._changed[id(interval)] = interval
        elif interval.ended is not None or (host and not interval.host):
            interval.ended = None
            interval.host |= host
            self._changed[id(interval)] = interval
        interval.connections += 1

    def leave(self, session: str, user: str, now: float) -> None:
        """A connection of this user left; with the last of them the interval ends."""
        interval = self._intervals.get((session, user))
        if interval is None or not interval.connections:
            return
        interval.connections -= 1
        if not interval.connections:
            interval.ended = now
            self._changed[id(interval)] = interval

    def end_all(self, now: float) -> None:
        """The node goes away: every interval on it ends."""
        for interval in self._intervals.values():
            if interval.ended is None:
                interval.ended = now
                interval.connections = 0
                self._changed[id(interval)] = interval

    def take(self, now: float) -> list[PresenceInterval]:
        """What has changed since the last call; `put_back` what could not be written."""
        taken, self._changed = self._changed, {}
        for key, interval in list(self._intervals.items()):
            if interval.ended is not None and now - interval.ended > self.gap:
                del self._intervals[key]
        return list(taken.values())

    def put_back(self, intervals: list[PresenceInterval]) -> None:
        self._changed = {id(one): one for one in intervals} | self._changed

"""Who is in which session on this node, from when to when. No IO, and time comes in as an argument.

A stay is one user's time in one session on one node, however many tabs they have open there. Who is back within the
gap goes on with the stay they had, so that a flickering network makes no rows. What has changed since it was last
written is kept until it was written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Key = tuple[str, str]


@dataclass(slots=True, eq=False)
class Stay:
    """`host` when they were in it as one, if only for a while; times are in seconds since the Unix epoch."""

    session: str
    user: str
    name: str
    host: bool
    started: float
    ended: float | None = None
    connections: int = 0


@dataclass(slots=True)
class PresenceIntervals:
    """The stays of one node; `gap` is how long somebody may be away within one."""

    gap: float
    _stays: dict[Key, Stay] = field(default_factory=dict)
    _changed: dict[int, Stay] = field(default_factory=dict)

    def enter(self, session: str, user: str, name: str, host: bool, now: float) -> None:
        """A connection of this user joined."""
        stay = self._stays.get((session, user))
        if stay is None or (stay.ended is not None and now - stay.ended > self.gap):
            stay = self._stays[session, user] = Stay(session, user, name, host, now)
            self._changed[id(stay)] = stay
        elif stay.ended is not None or (host and not stay.host):
            stay.ended = None
            stay.host |= host
            self._changed[id(stay)] = stay
        stay.connections += 1

    def leave(self, session: str, user: str, now: float) -> None:
        """A connection of this user left; with the last of them the stay ends."""
        stay = self._stays.get((session, user))
        if stay is None or not stay.connections:
            return
        stay.connections -= 1
        if not stay.connections:
            stay.ended = now
            self._changed[id(stay)] = stay

    def end_all(self, now: float) -> None:
        """The node goes away: every stay on it ends."""
        for stay in self._stays.values():
            if stay.ended is None:
                stay.ended = now
                stay.connections = 0
                self._changed[id(stay)] = stay

    def take(self, now: float) -> list[Stay]:
        """What has changed since the last call; `put_back` what could not be written."""
        taken, self._changed = self._changed, {}
        for key, stay in list(self._stays.items()):
            if stay.ended is not None and now - stay.ended > self.gap:
                del self._stays[key]
        return list(taken.values())

    def put_back(self, stays: list[Stay]) -> None:
        self._changed = {id(stay): stay for stay in stays} | self._changed

"""The report of a session: who attended for how long, and how many at once. Pure: presence in, report out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from modules.live.attendance.intervals import Interval, at_once, clipped, merged, total

MINUTE: Final = 60
# Most points of a curve. A class that goes on for longer has wider steps.
POINTS: Final = 1440

AttendanceRole = Literal["viewer", "host"]


class Presence(msgspec.Struct, frozen=True):
    """A presence interval, as far as it is known; times are in seconds since the Unix epoch."""

    user_id: str
    name: str
    host: bool
    started: float
    ended: float


class Attendance(msgspec.Struct, frozen=True, kw_only=True):
    """One user's time in a class.

    `visits` is how often they came; a short absence does not count. `late_seconds` is by how much they came after the
    start, `early_seconds` by how much they left before the end. `late` and `early` say that it was more than is
    tolerated. `present` says that they were there for the share of the class that counts.
    """

    user_id: str
    name: str
    role: AttendanceRole
    first_at: datetime | None
    last_at: datetime | None
    seconds: int
    visits: int
    late_seconds: int
    early_seconds: int
    late: bool
    early: bool
    present: bool

    @classmethod
    def example(cls) -> Attendance:
        first, last = datetime(2026, 2, 2, 12, 37, tzinfo=UTC), datetime(2026, 2, 2, 13, 30, tzinfo=UTC)
        return cls(
            user_id="sam",
            name="Sam",
            role="viewer",
            first_at=first,
            last_at=last,
            seconds=3120,
            visits=2,
            late_seconds=420,
            early_seconds=0,
            late=True,
            early=False,
            present=True,
        )


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """A class in figures, of its viewers; hosts are counted apart. `absent` have a place and did not come."""

    seconds: int = 0
    viewers: int = 0
    present: int = 0
    late: int = 0
    early: int = 0
    absent: int = 0
    viewer_seconds: int = 0
    peak_viewers: int = 0
    hosts: int = 0


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`gap` is the longest absence that does not count. `share` is what share of the class one has to be there to be
    present. `late` and `early` are what is tolerated. All but `share` in seconds."""

    gap: float
    share: float
    late: float
    early: float


@dataclass(frozen=True)
class Window:
    """When a class took place, up to now while it goes on; in seconds since the Unix epoch."""

    start: float
    end: float
    over: bool

    @property
    def length(self) -> float:
        return max(0.0, self.end - self.start)


@dataclass(frozen=True)
class Report:
    """`rows` are by user id; `curve` has the most viewers at once of every `step` seconds.

    `spans` are the times of those who came. `expected` are those who have a place.
    """

    rows: Sequence[Attendance]
    curve: Sequence[int]
    step: int
    totals: Totals
    spans: Mapping[str, Sequence[Interval]]
    expected: Set[str]


def attended(presences: Iterable[Presence], window: Window, rules: Rules) -> dict[str, tuple[Presence, list[Interval]]]:
    """When each user was in the class, and from when to when in all. Who was there at other times is left out."""
    by_user: dict[str, list[Presence]] = {}
    for presence in presences:
        by_user.setdefault(presence.user_id, []).append(presence)
    result = {}
    for user, theirs in by_user.items():
        # Merged first: who was there until just before the start, and again just after it, was there at the start.
        spans = clipped(merged(((one.started, one.ended) for one in theirs), rules.gap), window.start, window.end)
        if spans:
            last = max(theirs, key=lambda one: one.started)
            host = any(one.host for one in theirs)
            result[user] = (Presence(user, last.name, host, spans[0][0], spans[-1][1]), spans)
    return result


def row_of(user: Presence, spans: Sequence[Interval], window: Window, rules: Rules) -> Attendance:
    """The attendance of a user who was there."""
    seconds = total(spans)
    late = user.started - window.start
    early = window.end - user.ended if window.over else 0.0
    return Attendance(
        user_id=user.user_id,
        name=user.name,
        role="host" if user.host else "viewer",
        first_at=datetime.fromtimestamp(user.started, UTC),
        last_at=datetime.fromtimestamp(user.ended, UTC),
        seconds=round(seconds),
        visits=len(spans),
        late_seconds=round(late),
        early_seconds=round(early),
        late=late > rules.late,
        early=early > rules.early,
        present=seconds >= rules.share * window.length,
    )


def absence(user_id: str, name: str = "") -> Attendance:
    """The attendance of a user who was not there."""
    return Attendance(
        user_id=user_id,
        name=name,
        role="viewer",
        first_at=None,
        last_at=None,
        seconds=0,
        visits=0,
        late_seconds=0,
        early_seconds=0,
        late=False,
        early=False,
        present=False,
    )


def report(presences: Iterable[Presence], window: Window, rules: Rules, expected: Iterable[str] = ()) -> Report:
    """The whole report. `expected` are those who have a place, whether or not they came."""
    found, places = attended(presences, window, rules), frozenset(expected)
    came = [row_of(user, spans, window, rules) for user, spans in found.values()]
    absent = [absence(user) for user in places - found.keys()]
    step = MINUTE * max(1, math.ceil(window.length / MINUTE / POINTS))
    viewing = [span for user, spans in found.values() if not user.host for span in spans]
    curve = at_once(viewing, window.start, window.end, step)
    viewers = [row for row in came if row.role == "viewer"]
    totals = Totals(
        seconds=round(window.length),
        viewers=len(viewers),
        present=sum(row.present for row in viewers),
        late=sum(row.late for row in viewers),
        early=sum(row.early for row in viewers),
        absent=len(absent),
        viewer_seconds=sum(row.seconds for row in viewers),
        peak_viewers=max(curve, default=0),
        hosts=len(came) - len(viewers),
    )
    times = {id: spans for id, (_, spans) in found.items()}
    return Report(sorted(came + absent, key=lambda row: row.user_id), curve, step, totals, times, places)

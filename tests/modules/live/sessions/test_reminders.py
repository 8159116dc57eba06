"""Which reminders a session sends, over any history of moves, openings and outages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.live.sessions.reminders import Reminders, moment

AHEAD = (86_400, 3600, 900)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

times = st.integers(0, 3 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
acts = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), times),
        st.tuples(st.just("move"), times),
        st.tuples(st.sampled_from(["plan", "down", "up"]), st.just(timedelta())),
    ),
    max_size=12,
)


class Platform:
    """A session, its timers, and what was sent. While it is down no timer fires. Every step of a session plans anew."""

    def __init__(self, starts_at: datetime, *, nearest_first: bool) -> None:
        self.first = nearest_first
        self.reminders = Reminders(AHEAD)
        self.now, self.starts_at, self.done_until = NOON, starts_at, NOON
        self.down = False
        self.sent: list[tuple[datetime, int, datetime]] = []
        self.timers: dict[int, datetime] = {}
        self.plan()

    def plan(self) -> None:
        self.timers = self.reminders.waiting(self.starts_at, self.done_until)

    def wait(self, until: datetime) -> None:
        """Time passes, and timers fire: each at its time, or after an outage in any order."""
        while not self.down and (waits := [at for at in self.timers.values() if at <= until]):
            self.now = max(self.now, min(waits))
            due = sorted(ahead for ahead, at in self.timers.items() if at <= self.now)
            for ahead in due if self.first else reversed(due):
                del self.timers[ahead]
                if self.reminders.due(ahead, self.starts_at, self.done_until, self.now):
                    self.done_until = moment(self.starts_at, ahead)
                    self.sent.append((self.starts_at, ahead, self.now))
        self.now = max(self.now, until)


@given(starts=times, history=acts, nearest_first=st.booleans())
def test_each_reminder_is_sent_once_and_none_is_lost(
    starts: timedelta, history: list[tuple[str, timedelta]], nearest_first: bool
) -> None:
    platform = Platform(NOON + starts, nearest_first=nearest_first)
    for act, time in history:
        match act:
            case "wait":
                platform.wait(platform.now + time)
            case "move":
                platform.starts_at = platform.now + time
                platform.plan()
            case "plan":
                platform.plan()
            case "down":
                platform.down = True
            case _:
                platform.down = False
        platform.wait(platform.now)
    platform.down = False
    moved_at, done_until = platform.now, platform.done_until
    platform.wait(platform.now)
    platform.wait(platform.starts_at + timedelta(days=1))
    assert len({(start, ahead) for start, ahead, _ in platform.sent}) == len(platform.sent)
    # Of several that are late one is sent.
    assert len({(start, at) for start, _, at in platform.sent}) == len(platform.sent)
    assert all(moment(start, ahead) <= at < start for start, ahead, at in platform.sent)
    # What was still to come when the last act was done came at its time. What was late came once, as the last one.
    to_come = {
        ahead for ahead in AHEAD if done_until < moment(platform.starts_at, ahead) and platform.starts_at > moved_at
    }
    late = {ahead for ahead in to_come if moment(platform.starts_at, ahead) <= moved_at}
    expected = (to_come - late) | ({min(late)} if late else set())
    sent = {ahead for start, ahead, at in platform.sent if start == platform.starts_at and at >= moved_at}
    assert expected <= sent


def test_a_reminder_is_before_the_beginning() -> None:
    for ahead in ([0], [900, -1]):
        with pytest.raises(ValueError, match="a second before"):
            Reminders(ahead)

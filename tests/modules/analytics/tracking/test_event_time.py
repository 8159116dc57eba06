"""When an event happened: corrected by the clock of this attempt, and by nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.analytics.tracking.event_time import LEAST_SKEW, OLDEST, Attempt
from tests.modules.analytics.lab import id_of
from tests.modules.analytics.tracking.clicks import EVENTS, INTAKE, click, outcomes, rows, sent

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23))
ages = st.timedeltas(timedelta(0), timedelta(days=6))
delays = st.timedeltas(timedelta(0), timedelta(seconds=4))


@given(offset=offsets, age=ages, delay=delays)
def test_the_time_is_right_whatever_the_clock_and_however_long_it_waited(
    offset: timedelta, age: timedelta, delay: timedelta
) -> None:
    happened = NOW - age
    found = Attempt(NOW - delay + offset, NOW).corrected(happened + offset)
    assert found is not None
    # But for the way through the network, and for a difference that may be one.
    assert abs(found - happened) <= LEAST_SKEW + delay


@given(offset=offsets, age=ages, waits=st.lists(st.timedeltas(timedelta(0), timedelta(hours=12)), max_size=5))
def test_attempts_do_not_add_up(offset: timedelta, age: timedelta, waits: list[timedelta]) -> None:
    at = NOW - age + offset
    found = []
    moment = NOW
    for wait in waits:
        moment += wait
        found.append(Attempt(moment + offset, moment).corrected(at))
    times = {one for one in found if one is not None}
    assert len(times) <= 1


def test_a_small_difference_is_the_network() -> None:
    at = NOW - HOUR
    assert Attempt(NOW - timedelta(seconds=4.9), NOW).corrected(at) == at
    assert Attempt(NOW - timedelta(seconds=5), NOW).corrected(at) == at + timedelta(seconds=5)


def test_nothing_happens_in_the_future_and_nothing_too_long_ago() -> None:
    attempt = Attempt(NOW, NOW)
    assert attempt.corrected(NOW + HOUR) == NOW
    assert attempt.corrected(NOW - OLDEST) == NOW - OLDEST
    assert attempt.corrected(NOW - OLDEST - timedelta(seconds=1)) is None
    assert attempt.corrected(NOW.replace(tzinfo=None)) is None


def test_an_id_is_near() -> None:
    for at, near in [
        (NOW - timedelta(days=7), True),
        (NOW - timedelta(days=7, seconds=1), False),
        (NOW + timedelta(days=1), True),
        (NOW + timedelta(days=1, seconds=1), False),
    ]:
        assert Attempt(NOW, NOW).is_near(UUID(id_of(at))) is near


async def test_a_batch_that_is_sent_again_keeps_its_times(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    """The clock of the client is two hours behind, and its first attempt was an hour ago; its answer was lost."""
    behind = 2 * HOUR
    happened = clock.now() - HOUR
    event = click(program, happened - behind)
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(event, behind=behind)))) == ["accepted"]
    other = click(program, happened - behind)
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(event, other, behind=behind)))) == ["accepted"] * 2
    await node.events_handled(INTAKE)
    found = await rows(database, program)
    assert len(found) == 2
    assert all(abs(row["at"] - happened) < timedelta(seconds=5) for row in found)

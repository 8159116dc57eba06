"""Attendance: what counts, by what it is divided, and who sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.errors import BadInput, Refused
from gateway.principal import Principal, Role
from modules.analytics.facade import Fact
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import Dimension, Filters, Query
from modules.analytics.measures.scope import NOBODY, Scope
from tests.modules.analytics.measures.stored import Stored, at, window

ADMIN = Scope(role=Role.ADMIN)


def attended(stored: Stored, user: str, label: str, day: int, seconds: int = 0, program: str = "p") -> Fact:
    session = f"s{day}-{stored.mark}"
    return Fact(
        name="live.attended",
        at=at(day, 18),
        user_id=f"{user}-{stored.mark}",
        program_id=stored.program(program),
        session_id=session,
        key=session,
        label=label,
        value=seconds,
    )


async def classes(stored: Stored) -> None:
    """Two classes of a program, on Monday and on Wednesday, and one of another program."""
    await stored.add(
        attended(stored, "ann", "present", 0, 3000),
        attended(stored, "bob", "late", 0, 1200),
        attended(stored, "cem", "absent", 0),
        attended(stored, "gus", "guest", 0, 600),
        attended(stored, "hod", "host", 0, 3600),
        attended(stored, "ann", "present", 2, 3600),
        attended(stored, "bob", "absent", 2),
        attended(stored, "eve", "present", 3, 1800, program="q"),
        registers=("live.attended",),
    )


def query(stored: Stored, *, scope: Scope = ADMIN, by: Dimension | None = None, program: str = "p") -> Query:
    return Query(scope=scope, window=window(), by=by, filters=Filters(programs=(stored.program(program),)))


async def test_expected_students_count_and_guests_do_not(feature: MeasuresFeature, stored: Stored) -> None:
    await classes(stored)
    await stored.as_of(window().until)
    found = await feature.measures.read("attendance", query(stored))
    (total,) = found.total
    assert (total.numerator, total.denominator, total.value) == (3, 5, 0.6)
    assert total.complete
    assert (found.measure.target, found.figures) == (0.8, [])
    (time,) = (await feature.measures.read("watch_time", query(stored))).total
    assert (time.numerator, time.denominator) == (3000 + 1200 + 600 + 3600, 4)


async def test_days_without_a_class_are_shown_as_nothing(feature: MeasuresFeature, stored: Stored) -> None:
    await classes(stored)
    await stored.as_of(at(4, 0))
    found = await feature.measures.read("attendance", query(stored, by=Dimension.DAY))
    shown = [(one.key, one.numerator, one.denominator, one.value, one.complete) for one in found.figures]
    assert shown == [
        ("2021-03-01", 2, 3, 2 / 3, True),
        ("2021-03-02", 0, 0, None, True),
        ("2021-03-03", 1, 2, 0.5, True),
        ("2021-03-04", 0, 0, None, True),
        # Not stored yet: that nothing is there says nothing.
        ("2021-03-05", 0, 0, None, False),
        ("2021-03-06", 0, 0, None, False),
        ("2021-03-07", 0, 0, None, False),
    ]
    assert [one.complete for one in found.total] == [False]


async def test_weeks_and_sessions_add_up_to_the_whole(feature: MeasuresFeature, stored: Stored) -> None:
    await classes(stored)
    for dimension in (Dimension.WEEK, Dimension.MONTH, Dimension.SESSION, Dimension.PROGRAM):
        found = await feature.measures.read("attendance", query(stored, by=dimension))
        assert sum(one.numerator or 0 for one in found.figures) == 3, dimension
        assert sum(one.denominator or 0 for one in found.figures) == 5, dimension


async def test_the_window_before_is_as_long(feature: MeasuresFeature, stored: Stored) -> None:
    await classes(stored)
    after = Query(
        scope=ADMIN, window=window(days=2, first=2), filters=Filters(programs=(stored.program(),)), by=Dimension.DAY
    )
    found = await feature.measures.read("attendance", after)
    assert [(one.numerator, one.denominator) for one in found.total] == [(1, 2)]
    assert [(one.numerator, one.denominator) for one in found.previous] == [(2, 3)]


async def test_mentors_see_their_programs_and_students_themselves(feature: MeasuresFeature, stored: Stored) -> None:
    await classes(stored)
    mentor = Scope(role=Role.MENTOR, programs=(stored.program("q"),))
    everything = Query(scope=mentor, window=window(), by=Dimension.PROGRAM)
    found = await feature.measures.read("attendance", everything)
    assert [(one.key, one.denominator) for one in found.figures] == [(stored.program("q"), 1)]
    with pytest.raises(Refused) as caught:
        await feature.measures.read("attendance", query(stored, scope=mentor))
    assert caught.value.code == "forbidden"

    bob = Principal(id=f"bob-{stored.mark}", name="Bob", role=Role.STUDENT, expires_at=0)
    scope = await feature.scopes.of(bob)
    found = await feature.measures.read("attendance", Query(scope=scope, window=window()))
    assert [(one.numerator, one.denominator) for one in found.total] == [(1, 2)]
    stranger = Principal(id=f"new-{stored.mark}", name="New", role=Role.STUDENT, expires_at=0)
    scope = await feature.scopes.of(stranger)
    assert scope.subject == NOBODY
    found = await feature.measures.read("attendance", Query(scope=scope, window=window()))
    assert [(one.numerator, one.denominator) for one in found.total] == [(0, 0)]


async def test_a_mentor_without_programs_sees_nothing(feature: MeasuresFeature, stored: Stored) -> None:
    await classes(stored)
    nobody = Scope(role=Role.MENTOR, programs=())
    found = await feature.measures.read("attendance", Query(scope=nobody, window=window()))
    assert [(one.numerator, one.denominator) for one in found.total] == [(0, 0)]


async def test_what_there_is_not_is_refused(feature: MeasuresFeature, stored: Stored) -> None:
    with pytest.raises(BadInput) as caught:
        await feature.measures.read("happiness", query(stored))
    assert caught.value.code == "analytics.unknown_measure"
    with pytest.raises(BadInput) as caught:
        await feature.measures.read("attendance", query(stored, by=Dimension.KIND))
    assert caught.value.code == "analytics.no_dimension"


async def test_there_are_no_more_rows_than_may_be(feature: MeasuresFeature, stored: Stored) -> None:
    long = Query(scope=ADMIN, window=window(days=1100), by=Dimension.DAY)
    with pytest.raises(BadInput) as caught:
        await feature.measures.read("attendance", long)
    assert caught.value.code == "analytics.too_many_rows"


async def test_a_window_may_cut_a_day(feature: MeasuresFeature, stored: Stored) -> None:
    await classes(stored)
    days = window()
    cut = type(days)(at(0, 18), at(2, 18) + timedelta(seconds=1), days.zone)
    found = await feature.measures.read(
        "attendance", Query(scope=ADMIN, window=cut, filters=Filters(programs=(stored.program(),)))
    )
    assert [(one.numerator, one.denominator) for one in found.total] == [(3, 5)]

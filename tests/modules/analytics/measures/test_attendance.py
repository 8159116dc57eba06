"""Attendance: what counts, by what it is divided, and who sees it."""

from __future__ import annotations

import pytest

from gateway.errors import BadInput, Refused
from gateway.principal import Principal, Role
from modules.analytics.facade import Fact
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import Dimension, Query
from modules.analytics.measures.scope import NOBODY, Scope
from tests.modules.analytics.measures.story import Story, at, window


def attended(story: Story, user: str, label: str, day: int, seconds: int = 0, program: str = "p") -> Fact:
    session = f"s{day}"
    return story.fact(
        "live.attended",
        at(day, 18),
        user=user,
        program=program,
        session=session,
        key=story.named(session),
        label=label,
        value=seconds,
    )


async def classes(story: Story) -> None:
    """Two classes of a program, on Monday and on Wednesday, and one of another program."""
    await story.tell(
        attended(story, "ann", "present", 0, 3000),
        attended(story, "bob", "late", 0, 1200),
        attended(story, "cem", "absent", 0),
        attended(story, "gus", "guest", 0, 600),
        attended(story, "hod", "host", 0, 3600),
        attended(story, "ann", "present", 2, 3600),
        attended(story, "bob", "absent", 2),
        attended(story, "eve", "present", 3, 1800, program="q"),
        as_of=at(4, 0, 10),
    )


async def test_expected_students_count_and_guests_do_not(feature: MeasuresFeature, story: Story) -> None:
    await classes(story)
    found = await feature.measures.read("attendance", story.query(time=window(3)))
    (total,) = found.total
    assert (total.numerator, total.denominator, total.value, total.complete) == (3, 5, 0.6, True)
    assert (found.measure.target, found.figures) == (0.8, [])
    assert await story.parts("lateness") == (1, 3)
    assert await story.parts("class_time") == (3000 + 1200 + 600 + 3600, 4)


async def test_a_share_is_never_above_one_however_many_come(story: Story) -> None:
    """Fault 13: guests who were not expected are in neither part of the share."""
    await story.tell(
        attended(story, "ann", "present", 0, 60),
        *(attended(story, f"g{number}", "guest", 0, 60) for number in range(9)),
    )
    assert await story.parts("attendance") == (1, 1)


async def test_a_repeated_report_counts_once(story: Story) -> None:
    """Attendance is a register: of each session and student the latest counts."""
    await classes(story)
    corrected = story.fact(
        "live.attended", at(0, 18, 1), user="bob", session="s0", key=story.named("s0"), label="absent"
    )
    await story.tell(corrected)
    assert await story.parts("attendance") == (2, 5)


async def test_days_without_a_class_are_no_days_that_are_missing(feature: MeasuresFeature, story: Story) -> None:
    """Fault 7: of a day without facts it is told whether nothing happened, or nothing is stored yet."""
    await classes(story)
    found = await feature.measures.read("attendance", story.query(by=Dimension.DAY))
    shown = [(one.key, one.numerator, one.denominator, one.value, one.complete) for one in found.figures]
    assert shown == [
        ("2021-03-01", 2, 3, 2 / 3, True),
        ("2021-03-02", 0, 0, None, True),
        ("2021-03-03", 1, 2, 0.5, True),
        ("2021-03-04", 0, 0, None, True),
        ("2021-03-05", 0, 0, None, False),
        ("2021-03-06", 0, 0, None, False),
        ("2021-03-07", 0, 0, None, False),
    ]
    assert [one.complete for one in found.total] == [False]
    assert found.as_of == at(4, 0, 10)


@pytest.mark.parametrize("by", [Dimension.DAY, Dimension.WEEK, Dimension.MONTH, Dimension.SESSION, Dimension.PROGRAM])
async def test_the_parts_add_up_to_the_whole(story: Story, by: Dimension) -> None:
    await classes(story)
    parts = (await story.divided("attendance", by=by)).values()
    assert [sum(number or 0 for number in numbers) for numbers in zip(*parts, strict=True)] == [3, 5]


async def test_the_window_before_is_as_long(feature: MeasuresFeature, story: Story) -> None:
    await classes(story)
    found = await feature.measures.read("attendance", story.query(time=window(2, first=2), by=Dimension.DAY))
    assert [(one.numerator, one.denominator) for one in found.total] == [(1, 2)]
    assert [(one.numerator, one.denominator) for one in found.previous] == [(2, 3)]


async def test_mentors_see_their_programs(feature: MeasuresFeature, story: Story) -> None:
    await classes(story)
    mentor = Scope(role=Role.MENTOR, programs=(story.named("q"),))
    everything = Query(scope=mentor, window=window(), by=Dimension.PROGRAM)
    found = await feature.measures.read("attendance", everything)
    assert [(one.key, one.denominator) for one in found.figures] == [(story.named("q"), 1)]
    with pytest.raises(Refused) as caught:
        await story.parts("attendance", scope=mentor)
    assert caught.value.code == "forbidden"
    found = await feature.measures.read(
        "attendance", Query(scope=Scope(role=Role.MENTOR, programs=()), window=window())
    )
    assert [(one.numerator, one.denominator) for one in found.total] == [(0, 0)]


async def test_students_see_themselves(feature: MeasuresFeature, story: Story) -> None:
    await classes(story)
    bob, stranger = (
        Principal(id=story.named(name), name=name, role=Role.STUDENT, expires_at=0) for name in ("bob", "new")
    )
    found = await feature.measures.read("attendance", Query(scope=await feature.scopes.of(bob), window=window()))
    assert [(one.numerator, one.denominator) for one in found.total] == [(1, 2)]
    scope = await feature.scopes.of(stranger)
    assert scope.subject == NOBODY
    found = await feature.measures.read("attendance", Query(scope=scope, window=window()))
    assert [(one.numerator, one.denominator) for one in found.total] == [(0, 0)]


async def test_what_there_is_not_is_refused(story: Story) -> None:
    for asked, code in (
        (story.parts("happiness"), "analytics.unknown_measure"),
        (story.parts("attendance", by=Dimension.KIND), "analytics.no_dimension"),
        (story.parts("attendance", kind="chat"), "invalid"),
        (story.parts("sessions", session="s0"), "invalid"),
        (story.parts("attendance", time=window(days=1100), by=Dimension.DAY), "analytics.too_many_rows"),
    ):
        with pytest.raises(BadInput) as caught:
            await asked
        assert caught.value.code == code

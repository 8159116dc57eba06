"""Each family of measures, counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.errors import Refused
from gateway.principal import Principal, Role
from modules.analytics.facade import Fact
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.measures.measure import Dimension, Query
from modules.analytics.measures.scope import Scope
from tests.modules.analytics.measures.story import Story, at, window

DONE = {"programs.lesson_done": "", "assignments.turned_in": "on_time"}


def came(story: Story, user: str, session: str = "s", label: str = "present") -> Fact:
    return story.fact(
        "live.attended", at(0, 18), user=user, session=session, key=story.named(session), label=label, value=600
    )


def took_part(story: Story, user: str, way: str, session: str = "s") -> Fact:
    key = f"{story.named(session)}:{way}"
    return story.fact("live.took_part", at(0, 18), user=user, session=session, key=key, label=way, value=2)


async def test_engagement_counts_nobody_twice(story: Story) -> None:
    users = [f"u{number}" for number in range(8)]
    await story.tell(
        *(came(story, user) for user in users),
        came(story, "away", label="absent"),
        *(took_part(story, user, "chat") for user in users[:3]),
        took_part(story, "u0", "poll"),
        took_part(story, "u5", "hand"),
    )
    assert await story.parts("engagement") == (4, 8)
    ways = {"chat": (3, 8), "hand": (1, 8), "question": (0, 8), "poll": (1, 8)}
    assert await story.divided("engagement", by=Dimension.KIND) == ways
    assert await story.parts("engagement", kind="chat") == (3, 8)
    assert await story.divided("engagement", by=Dimension.SESSION) == {"s": (4, 8)}
    assert await story.divided("engagement", by=Dimension.DAY) == {"2021-03-01": (4, 8)}


async def test_engagement_of_few_is_hidden(feature: MeasuresFeature, story: Story) -> None:
    """Of four people the share could name one. Of another session so much is hidden that the total does not tell it."""
    few, many = [f"f{number}" for number in range(4)], [f"m{number}" for number in range(9)]
    await story.tell(
        *(came(story, user, "few") for user in few),
        *(came(story, user, "many") for user in many),
        *(came(story, user, "most") for user in (*many, *few)),
        took_part(story, "f0", "chat", "few"),
    )
    figures = await story.figures("engagement", by=Dimension.SESSION)
    assert {key: (one.suppressed, one.denominator) for key, one in figures.items()} == {
        "few": (True, None),
        "many": (True, None),
        "most": (False, 13),
    }
    found = await feature.measures.read("engagement", story.query(session="few"))
    assert [(one.suppressed, one.numerator, one.value) for one in found.total] == [(True, None, None)]
    # Somebody's own figures name nobody else.
    student = Principal(id=story.named("f0"), name="F", role=Role.STUDENT, expires_at=0)
    scope = await feature.scopes.of(student)
    found = await feature.measures.read("engagement", Query(scope=scope, window=window()))
    assert [(one.numerator, one.denominator) for one in found.total] == [(1, 2)]


async def test_polls_and_what_was_said(story: Story) -> None:
    await story.tell(
        *(came(story, f"u{number}") for number in range(6)),
        story.fact("live.poll_taken", at(0, 17), session="s", key="one", label="named", value=4),
        story.fact("live.poll_taken", at(0, 17), session="s", key="two", label="anonymous", value=6),
        story.fact("live.said", at(0, 17, 10), session="s", label="message", value=7),
        story.fact("live.said", at(0, 17, 20), session="s", label="hand", value=2),
        # A host opened both polls, which is no contribution.
        story.fact("live.said", at(0, 17), session="s", label="poll", value=2),
    )
    assert await story.parts("poll_participation") == (10, 12)
    assert await story.parts("contributions") == (19, None)
    divided = await story.divided("contributions", by=Dimension.KIND)
    assert divided == {"message": (7, None), "hand": (2, None), "vote": (10, None)}
    # The edge of the window cuts a bucket: what is in it is counted one by one.
    cut = type(window())(at(0, 17, 11), at(0, 18), window().zone)
    assert await story.parts("contributions", time=cut) == (2, None)


async def test_stars_that_are_changed_count_once(story: Story) -> None:
    given = [story.fact("live.stars", at(0, 19), session="s", label="5", value=1, part=str(n)) for n in range(5)]
    changed = [
        story.fact("live.stars", at(1, 9), session="s", label="3", value=1, part="c"),
        story.fact("live.stars", at(1, 9), session="s", label="5", value=-1, part="c"),
    ]
    await story.tell(*given)
    assert await story.parts("stars") == (25, 5)
    await story.tell(*changed)
    assert await story.parts("stars") == (23, 5)
    stars = {"1": (0, 5), "2": (0, 5), "3": (1, 5), "4": (0, 5), "5": (4, 5)}
    assert await story.divided("stars", by=Dimension.KIND) == stars


async def test_who_left_when(story: Story) -> None:
    left = [story.fact("live.left_at", at(0, 18), user=f"u{n}", session="s", label=tenth, value=1)
            for n, tenth in enumerate("029999")]  # fmt: skip
    await story.tell(*left)
    assert await story.parts("drop_off") == (2, 6)
    tenths = await story.divided("drop_off", by=Dimension.KIND)
    assert {key: parts[0] for key, parts in tenths.items() if parts[0]} == {"0": 1, "2": 1, "9": 4}
    named = await story.figures("drop_off", by=Dimension.KIND)
    assert (named["0"].label, named["9"].label) == ("Tenth 1", "Tenth 10")


def place(story: Story, user: str, day: int = 0, label: str = "enrolled", program: str = "p") -> Fact:
    key = story.named(program)
    return story.fact("programs.enrolled", at(day), user=user, program=program, key=key, label=label)


@pytest.mark.parametrize(
    ("measure", "thing", "label", "done"),
    [
        ("lesson_completion", "programs.lesson", "there", "programs.lesson_done"),
        ("assignment_completion", "assignments.assignment", "published", "assignments.turned_in"),
    ],
)
async def test_completion_counts_pairs_that_are_there(
    story: Story, measure: str, thing: str, label: str, done: str
) -> None:
    """Fault 13: a student who left and a thing that was taken away are in neither part, so no share is above one."""

    def did(user: str, key: str, day: int) -> Fact:
        return story.fact(done, at(day), user=user, key=key, label=DONE[done])

    gone = "removed" if label == "there" else "withdrawn"
    await story.tell(
        *(place(story, user) for user in ("ann", "bob")),
        *(story.fact(thing, at(0), key=key, label=label) for key in ("one", "two", "old")),
        did("ann", "one", 1),
        did("ann", "old", 1),
        did("bob", "one", 2),
        # A guest, without a place.
        did("eve", "one", 2),
    )
    assert await story.parts(measure) == (3, 6)
    await story.tell(
        story.fact(thing, at(3), key="old", label=gone),
        place(story, "cem", 3),
        did("cem", "two", 3),
        place(story, "cem", 4, "cancelled"),
    )
    assert await story.parts(measure) == (2, 4)
    days = await story.divided(measure, by=Dimension.DAY)
    assert [days[f"2021-03-0{day}"] for day in range(1, 5)] == [(0, 4), (1, 4), (2, 4), (2, 4)]
    assert await story.divided(measure, by=Dimension.PROGRAM) == {"p": (2, 4)}


async def test_programs_that_were_completed(feature: MeasuresFeature, story: Story) -> None:
    done = story.fact("programs.completed", at(2), user="ann", key=story.named("p"), value=1)
    stray = story.fact("programs.completed", at(2), user="eve", key=story.named("p"), value=1)
    await story.tell(*(place(story, user) for user in ("ann", "bob", "cem")), done, stray)
    assert await story.parts("program_completion") == (1, 3)
    days = await story.divided("program_completion", by=Dimension.DAY)
    assert [days[f"2021-03-0{day}"] for day in (2, 3)] == [(0, 3), (1, 3)]
    ann = await feature.scopes.of(Principal(id=story.named("ann"), name="A", role=Role.STUDENT, expires_at=0))
    assert await story.parts("program_completion", scope=ann) == (1, 1)


async def test_grading(story: Story) -> None:
    def turned_in(user: str, label: str) -> Fact:
        return story.fact("assignments.turned_in", at(1), user=user, key="a", label=label)

    await story.tell(
        *(turned_in(user, "on_time") for user in ("ann", "bob", "cem")),
        turned_in("eve", "late"),
        turned_in("hod", "reclaimed"),
        *(story.fact("assignments.graded", at(2), user=f"g{n}", key=str(n), value=7_500) for n in range(5)),
        *(story.fact("assignments.first_grade", at(2), user=f"g{n}", key=str(n), value=3_600 * n) for n in range(5)),
    )
    assert await story.parts("on_time") == (3, 4)
    assert await story.parts("score") == (37_500, 50_000)
    assert await story.parts("time_to_grade") == (36_000, 5)


async def test_sales(feature: MeasuresFeature, story: Story) -> None:
    def step(name: str, order: str, user: str, label: str = "INR", value: int = 118_00) -> Fact:
        return story.fact(f"payments.{name}", at(1), user=user, key=order, label=label, value=value)

    completed = story.fact("programs.completed", at(4), user="ann", key=story.named("p"), value=1)
    await story.tell(
        *(step("order_made", user, user) for user in ("ann", "bob", "cem", "eve")),
        *(step("order_paid", user, user) for user in ("ann", "bob", "cem")),
        *(step("attempt", f"pay-{user}", user, "captured") for user in ("ann", "bob", "cem")),
        step("attempt", "pay-0", "cem", "failed", 0),
        # Cem tried twice, and eve once in vain.
        *(step("order_attempted", user, user) for user in ("ann", "bob", "cem", "cem", "eve")),
        step("attempt", "pay-1", "eve", "failed", 0),
        *(step("revenue", f"pay-{user}", user) for user in ("ann", "bob")),
        step("revenue", "pay-cem", "cem", "USD", 20_00),
        step("refund", "r", "bob", value=100_00),
        step("disputed", "d", "ann", value=18_00),
        came(story, "ann"),
        came(story, "bob"),
        # Who came without an order is in no step.
        came(story, "hod"),
        completed,
    )
    assert await story.parts("orders") == (4, None)
    assert await story.parts("payment_success") == (3, 4)
    assert await story.parts("attempt_success") == (3, 5)
    assert await story.divided("funnel", by=Dimension.KIND) == {
        "ordered": (4, 4),
        "paid": (3, 4),
        "attended": (2, 4),
        "completed": (1, 4),
    }
    found = await feature.measures.read("revenue", story.query(by=Dimension.WEEK))
    assert {one.currency: one.numerator for one in found.total} == {"INR": 236_00, "USD": 20_00}
    assert {(one.key, one.currency): one.numerator for one in found.figures} == {
        ("2021-03-01", "INR"): 236_00,
        ("2021-03-01", "USD"): 20_00,
    }
    found = await feature.measures.read("net_revenue", story.query())
    assert {one.currency: one.numerator for one in found.total} == {"INR": 118_00, "USD": 20_00}
    mentor = Scope(role=Role.MENTOR, programs=(story.named("p"),))
    for business in ("revenue", "refunds", "net_revenue", "orders", "funnel", "payment_success", "response_time"):
        with pytest.raises(Refused):
            await story.parts(business, scope=mentor)


async def test_percentiles_of_histograms(story: Story) -> None:
    counts = {"0.1": 90, "0.2": 8, "+Inf": 2}
    told = [story.fact("gateway.rest_seconds", at(1), program="", label=label, value=number, part=label)
            for label, number in counts.items()]  # fmt: skip
    await story.tell(*told)
    figures = await story.figures("response_time", by=Dimension.DAY, programs=())
    figure = figures["2021-03-02"]
    assert (figure.numerator, figure.denominator) == (95, 100)
    assert figure.value == pytest.approx(162.5)
    assert figures["2021-03-03"].value is None


def learned(story: Story, user: str, day: int, hour: int, minute: int = 0) -> Fact:
    return story.fact("programs.lesson_done", at(day, hour, minute), user=user, key=f"l{day}-{hour}-{minute}")


async def test_retention_and_trends_agree_on_days(story: Story) -> None:
    """Fault 4: learners at both ends of a week of India, of which one lies in another week of UTC."""
    await story.tell(
        # Monday, 00:05 in India; in UTC that is Sunday.
        learned(story, "ann", 0, 0, 5),
        # Sunday, 23:55 in India.
        learned(story, "bob", 6, 23, 55),
        learned(story, "cem", 3, 12),
        learned(story, "cem", 3, 13),
        # The next week: one comes back at its first moment, one at its last.
        learned(story, "bob", 7, 0),
        learned(story, "ann", 13, 23, 59),
        as_of=at(30),
    )
    two = window(14)
    weeks = await story.divided("learners", by=Dimension.WEEK, time=two)
    assert weeks == {"2021-03-01": (3, None), "2021-03-08": (2, None)}
    days = await story.divided("learners", by=Dimension.DAY, time=two)
    assert sum(parts[0] or 0 for parts in days.values()) == 5
    retention = await story.figures("retention", by=Dimension.WEEK, time=two)
    assert {key: (one.numerator, one.denominator) for key, one in retention.items()} == {
        "2021-03-01": (2, 3),
        "2021-03-08": (0, 2),
    }
    assert {key: parts[0] for key, parts in weeks.items()} == {key: one.denominator for key, one in retention.items()}
    assert await story.parts("learners", time=two) == (3, None)
    later = await story.divided("retention", by=Dimension.KIND, time=two)
    assert later["1"] == (2, 5)
    named = await story.figures("retention", by=Dimension.KIND, time=two)
    assert (named["1"].label, named["8"].label) == ("After 1 week", "After 8 weeks")


async def test_a_week_is_not_known_before_the_next_is_over(feature: MeasuresFeature, story: Story) -> None:
    query = story.query(by=Dimension.WEEK, time=window(14))
    await story.tell(learned(story, "ann", 0, 12), as_of=at(31))
    known = (await feature.measures.progress()).as_of
    first = -(-(known - at(0, 0)) // timedelta(days=7)) * 7
    query = story.query(by=Dimension.WEEK, time=window(14, first=first - 21))
    found = await feature.measures.read("retention", query)
    assert [one.complete for one in found.figures] == [True, False]
    assert date.fromisoformat(found.figures[1].key) > date(2021, 3, 1)


async def test_a_score_of_few_is_hidden(feature: MeasuresFeature, story: Story) -> None:
    """Its denominator is made of points, which are always many; the people behind it are those with a grade."""

    def graded(user: str, program: str, score: int) -> Fact:
        key = story.named(f"{program}-{user}")
        return story.fact("assignments.graded", at(0, 9), user=user, program=program, key=key, value=score)

    await story.tell(graded("ann", "few", 1_200), *(graded(f"u{number}", "many", 9_000) for number in range(6)))
    programs = ("few", "many")
    figures = await story.figures("score", by=Dimension.PROGRAM, programs=programs)
    assert all(one.suppressed and one.numerator is None for one in figures.values())
    assert await story.parts("score", programs=("few",)) == (None, None)
    assert await story.parts("score", programs=programs) == (55_200, 70_000)

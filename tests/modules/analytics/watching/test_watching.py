"""The figures of a class while it goes on."""

from __future__ import annotations

from itertools import pairwise

import asyncpg
import pytest

from ksmp_testkit import Clients, CreateClass, LiveClass, MakeToken, Member, Running, WireError, eventually
from ksmp_testkit.member import clients_of
from ksmp_testkit.socket_client import Message

HELD = "SELECT node FROM analytics_watch WHERE session_id = $1"


@pytest.fixture
async def lesson(create_class: CreateClass, database: asyncpg.Pool) -> LiveClass:
    """A class of three that began three minutes ago."""
    made = await create_class(students=3)
    await database.execute("UPDATE live_session SET started_at = now() - interval '190 seconds' WHERE id = $1", made.id)
    return made


async def staff(clients: Clients, lesson: LiveClass) -> Member:
    return await clients.member(f"staff:{lesson.id}", lesson.mentor.user, "mentor")


async def expect_figures(member: Member, **wanted: object) -> Message:
    """The next push whose figures have these values."""
    found = await member.socket.expect(
        lambda one: (
            one.get("push") == "analytics.figures" and all(one["data"][name] == value for name, value in wanted.items())
        ),
        timeout=20,
    )
    data: Message = found["data"]
    return data


async def test_hosts_see_the_class_while_it_goes_on(clients: Clients, lesson: LiveClass) -> None:
    ann, bob, cyd = lesson.students
    mentor = await staff(clients, lesson)
    answer = await mentor.command("analytics.watch")
    assert answer["room"] == f"staff:{lesson.id}"
    assert answer["interval"] == 0.2
    assert answer["figures"]["session_id"] == lesson.id
    assert answer["figures"]["poll"] is None
    poll = await lesson.mentor.command("live.open_poll", {"question": "Ready?", "options": ["Yes", "No"]})
    for student in (ann, bob):
        await student.command("live.vote", {"poll": poll["poll"], "options": [0]})
    for text in ("one", "two", "three"):
        await cyd.command("chat.send", {"text": text})
    await ann.command("live.raise_hand")
    await bob.command("live.raise_hand")
    await bob.command("live.lower_hand", {})
    await cyd.command("live.ask", {"text": "Why?"})
    wanted = {"id": poll["poll"], "open": True, "voters": 2, "viewers": 3, "share": 0.6667}
    seen = await expect_figures(
        mentor,
        state="live",
        viewers=3,
        hosts=1,
        messages_a_minute=3,
        hands_up=1,
        hands_raised=2,
        questions_open=1,
        questions_asked=1,
        poll=wanted,
        stream=None,
    )
    # The fourth minute has begun. Nobody was there in those before.
    assert seen["curve"]["viewers"] == [0, 0, 0, 3]
    assert seen["curve"]["step_seconds"] == 60


async def test_the_curve_is_that_of_the_attendance(clients: Clients, lesson: LiveClass, database: asyncpg.Pool) -> None:
    await database.execute(
        """INSERT INTO live_stay (session_id, user_id, node, started_at, ended_at, name, host)
        SELECT id, 'early-' || number, 'elsewhere', started_at + interval '70 s', started_at + interval '100 s',
            'E', false
        FROM live_session, generate_series(1, 5) AS number WHERE id = $1""",
        lesson.id,
    )
    mentor = await staff(clients, lesson)
    await mentor.command("analytics.watch")
    seen = await expect_figures(mentor, viewers=3)
    answer = await mentor.rest.get(f"/api/v1/sessions/{lesson.id}/attendance/curve")
    assert seen["curve"]["viewers"][:4] == [0, 5, 0, 3]
    assert answer.json()["viewers"][:3] == [0, 5, 0]


async def test_the_stream_and_its_troubles(clients: Clients, lesson: LiveClass, database: asyncpg.Pool) -> None:
    await database.execute("UPDATE live_session SET video = 'lost' WHERE id = $1", lesson.id)
    await database.execute(
        """INSERT INTO live_video (session_id, phase, mentor_id, recording, starving, losses, starvations, lost_seconds,
            lost_at) VALUES ($1, 'up', 'm', false, false, 2, 3, 40, now() - interval '20 seconds')""",
        lesson.id,
    )
    mentor = await staff(clients, lesson)
    stream = (await mentor.command("analytics.watch"))["figures"]["stream"]
    assert 60 <= stream.pop("lost_seconds") < 90
    assert stream == {"video": "lost", "starving": False, "losses": 2, "starvations": 3}


async def test_only_hosts_and_cohosts_watch(clients: Clients, lesson: LiveClass) -> None:
    ann, bob, _ = lesson.students
    assert await ann.refusal("analytics.watch") == "forbidden"
    with pytest.raises(WireError) as refused:
        await ann.socket.join(f"staff:{lesson.id}")
    assert refused.value.code == "forbidden"
    other = await clients.socket("other-mentor", "mentor")
    with pytest.raises(WireError) as refused:
        await other.join(f"staff:{lesson.id}")
    assert refused.value.code == "forbidden"
    await lesson.mentor.command("live.promote", {"user": bob.user, "role": "cohost"})
    await bob.socket.expect(lambda one: one.get("push") == "left")
    await bob.socket.join(lesson.room)
    assert (await bob.command("analytics.watch"))["room"] == f"staff:{lesson.id}"
    await bob.socket.join(f"staff:{lesson.id}")
    await expect_figures(Member(bob.user, "student", f"staff:{lesson.id}", bob.socket, bob.rest))


async def test_asking_again_and_again_is_limited(clients: Clients, lesson: LiveClass) -> None:
    mentor = await staff(clients, lesson)
    for _ in range(4):
        await mentor.command("analytics.watch")
    assert await mentor.refusal("analytics.watch") == "rate_limited"


async def test_one_gateway_reads_and_all_watchers_get_the_same_push(
    clients: Clients, lesson: LiveClass, second: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    here = await staff(clients, lesson)
    async with clients_of(second, token) as others:
        there = await others.member(f"staff:{lesson.id}", "an-admin", "admin")
        await here.command("analytics.watch")
        await there.command("analytics.watch")
        first = [await expect_figures(here) for _ in range(8)]
        holder = await database.fetchval(HELD, lesson.id)
        same = [await expect_figures(there) for _ in range(8)]
        assert holder == await database.fetchval(HELD, lesson.id)
    ours, theirs = [one["at"] for one in first], [one["at"] for one in same]
    # Whoever asked later may have missed the first ones, and nothing between them.
    common = [at for at in ours if at in theirs]
    assert len(common) >= 5
    assert [at for at in ours if at >= common[0]][: len(common)] == common
    # Two gateways that both read would push twice as often.
    assert min(later - sooner for sooner, later in pairwise(ours)) >= 190


async def test_another_gateway_takes_over_when_the_lease_ends(
    clients: Clients, lesson: LiveClass, database: asyncpg.Pool
) -> None:
    """As after a SIGKILL: nothing was released, and the figures come from elsewhere within the lease."""
    mentor = await staff(clients, lesson)
    await database.execute(
        "INSERT INTO analytics_watch VALUES ($1, now(), 'killed', now() + interval '500 milliseconds')", lesson.id
    )
    await expect_figures(mentor)
    assert await database.fetchval(HELD, lesson.id) != "killed"


async def test_a_gateway_that_stops_leaves_its_classes_at_once(
    clients: Clients, lesson: LiveClass, second: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = await staff(clients, lesson)
    module = next(one for one in second.gateway.modules if one.name == "analytics")
    async with clients_of(second, token) as others:
        there = await others.member(f"staff:{lesson.id}", "an-admin", "admin")
        await there.command("analytics.watch")
        await database.execute(
            "UPDATE analytics_watch SET until = now() + interval '1 hour' WHERE session_id = $1", lesson.id
        )
        holder = await database.fetchval(HELD, lesson.id)
        await module.watch._rows.release(holder)  # type: ignore[attr-defined]
    await expect_figures(mentor)


async def test_it_ends_when_nobody_watches(clients: Clients, lesson: LiveClass, database: asyncpg.Pool) -> None:
    mentor = await staff(clients, lesson)
    await mentor.command("analytics.watch")
    for _ in range(8):
        await expect_figures(mentor)
    assert await database.fetchval(HELD, lesson.id) is not None
    await mentor.socket.call("leave", room=f"staff:{lesson.id}")

    async def ended() -> bool:
        return await database.fetchval(HELD, lesson.id) is None

    await eventually(ended, "the watch ends")


async def test_the_end_of_the_class_is_told_and_ends_the_watch(
    clients: Clients, lesson: LiveClass, database: asyncpg.Pool
) -> None:
    mentor = await staff(clients, lesson)
    await mentor.command("analytics.watch")
    await expect_figures(mentor, viewers=3)
    ended = await mentor.rest.post(f"/api/v1/sessions/{lesson.id}/end")
    assert ended.status_code < 300, ended.text
    await expect_figures(mentor, state="ended")

    async def over() -> bool:
        return await database.fetchval(HELD, lesson.id) is None

    await eventually(over, "the watch ends")
    # Asked after the class, it answers and watches nothing.
    assert (await mentor.command("analytics.watch"))["figures"]["state"] == "ended"
    assert await database.fetchval(HELD, lesson.id) is None

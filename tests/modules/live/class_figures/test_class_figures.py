"""What a class comes to at this moment, from its rows."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import CreateSession, Running
from modules.live.facade import ClassFigures, ClassNow, PollNow, StreamNow, class_figures
from modules.live.module import LiveModule

STAY = """
    INSERT INTO live_stay (session_id, user_id, node, started_at, ended_at, name, host)
    VALUES ($1, $2, $3, now() - $4::interval, now() - $5::interval, 'N', $6)
"""
POLL = """
    INSERT INTO live_poll (
        id, session_id, question, options, multiple, anonymous, revote, shown, state, opened_at, closed_at, counts,
        voters
    ) VALUES (
        $2, $1, 'q', '{a,b}', false, false, false, true, $3, now() - $4::interval, now() - $5::interval, '{0,0}', $6
    )
"""


@pytest.fixture
def figures(node: Running) -> ClassFigures:
    return class_figures(node.module(LiveModule).kernel)


class Class:
    """A session, with rows as other gateways have written them."""

    def __init__(self, id: str, database: asyncpg.Pool[Any]) -> None:
        self.id = id
        self.database = database

    async def node(self, *, seen: float = 0) -> str:
        """A gateway that was seen so many seconds ago."""
        name = uuid.uuid4().hex
        await self.database.execute(
            "INSERT INTO live_node VALUES ($1, now() - $2::interval)", name, timedelta(seconds=seen)
        )
        return name

    async def stay(
        self, user: str, node: str, *, since: float = 600, until: float | None = None, host: bool = False
    ) -> None:
        """There from `since` to `until` seconds ago, or still."""
        ended = None if until is None else timedelta(seconds=until)
        await self.database.execute(STAY, self.id, user, node, timedelta(seconds=since), ended, host)

    async def poll(self, id: str, *, opened: float, closed: float | None = None, voters: int = 0) -> str:
        whole = f"{id}-{self.id}"
        times = timedelta(seconds=opened), None if closed is None else timedelta(seconds=closed)
        await self.database.execute(POLL, self.id, whole, "open" if closed is None else "closed", *times, voters)
        return whole


@pytest.fixture
async def lesson(create_session: CreateSession, database: asyncpg.Pool[Any]) -> Class:
    return Class(await create_session(), database)


async def now(figures: ClassFigures, lesson: Class) -> ClassNow:
    return (await figures.now([lesson.id]))[lesson.id]


async def test_a_class_in_which_nothing_has_happened(figures: ClassFigures, lesson: Class) -> None:
    found = await now(figures, lesson)
    assert (found.viewers, found.hosts, found.hands_raised, found.questions_asked) == (0, 0, 0, 0)
    assert (found.poll, found.stream, found.state) == (None, None, "live")
    assert await figures.now(["no-such-session"]) == {}


async def test_users_are_counted_once_and_on_gateways_that_are_there(figures: ClassFigures, lesson: Class) -> None:
    one, two, gone = await lesson.node(), await lesson.node(), await lesson.node(seen=3600)
    await lesson.stay("ann", one)
    await lesson.stay("ann", two)
    await lesson.stay("bob", two)
    await lesson.stay("left", one, until=60)
    await lesson.stay("lost", gone)
    await lesson.stay("meera", one, host=True)
    found = await now(figures, lesson)
    assert (found.viewers, found.hosts) == (2, 1)


async def test_a_poll_is_compared_with_those_who_were_there_while_it_was_open(
    figures: ClassFigures, lesson: Class
) -> None:
    node = await lesson.node()
    await lesson.stay("all-the-time", node)
    await lesson.stay("before", node, until=500)
    await lesson.stay("during", node, since=350, until=320)
    await lesson.stay("after", node, since=100)
    await lesson.stay("meera", node, host=True)
    await lesson.poll("first", opened=590, closed=580, voters=9)
    latest = await lesson.poll("second", opened=400, closed=300, voters=1)
    assert (await now(figures, lesson)).poll == PollNow(latest, False, 1, 2)


async def test_voters_are_never_more_than_viewers(figures: ClassFigures, lesson: Class) -> None:
    """They voted before their attendance was written."""
    poll = await lesson.poll("early", opened=2, voters=3)
    assert (await now(figures, lesson)).poll == PollNow(poll, True, 3, 3)


async def test_hands_and_questions(figures: ClassFigures, lesson: Class) -> None:
    for user, state in (("a", "raised"), ("b", "invited"), ("c", "lowered")):
        await lesson.database.execute("INSERT INTO live_hand VALUES ($1, $2, 'N', $3, now())", lesson.id, user, state)
    for number, state in enumerate(("open", "open", "answered", "dismissed")):
        await lesson.database.execute(
            """INSERT INTO live_question (id, session_id, author_id, author_name, anonymous, text, state, asked_at)
            VALUES ($1, $2, 'a', 'N', false, '?', $3, now())""",
            f"{lesson.id}-{number}",
            lesson.id,
            state,
        )
    found = await now(figures, lesson)
    assert (found.hands_up, found.hands_raised) == (2, 3)
    assert (found.questions_open, found.questions_asked) == (2, 3)


async def test_a_stream_that_is_lost_counts_on_until_the_class_ends(figures: ClassFigures, lesson: Class) -> None:
    await lesson.database.execute(
        """INSERT INTO live_video (session_id, phase, mentor_id, recording, losses, starvations, lost_seconds, lost_at)
        VALUES ($1, 'up', 'm', false, 2, 1, 30, now() - interval '100 seconds')""",
        lesson.id,
    )
    await lesson.database.execute(
        """UPDATE live_session SET video = 'lost', started_at = now() - interval '1 hour', state = 'ended',
            ended_at = now() - interval '40 seconds' WHERE id = $1""",
        lesson.id,
    )
    assert (await now(figures, lesson)).stream == StreamNow("lost", False, 2, 1, 90)


async def test_a_class_that_has_not_begun_has_no_curve(figures: ClassFigures, lesson: Class) -> None:
    curve = await figures.curve(await now(figures, lesson))
    assert (curve.started_at, curve.viewers) == (None, ())

"""A digest is told once, with all that is still to be told, whoever finds it due and however often it is tried."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Clients, MakeGateway, Running
from ksmp_testkit.answers import done
from modules.notify.decide.verdict import Send, Skip, Verdict, Wait
from modules.notify.due import Due
from modules.notify.facade import EMAIL, PUSH
from modules.notify.module import NotifyModule
from modules.notify.states import SkipReason
from tests.modules.notify.quizzes import Given, QuizzesModule, due_of, give, person

DIGESTED = Skip(SkipReason.DIGESTED)
INBOX = "/api/v1/notify/inbox/read"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(more=[QuizzesModule], environ={**environ, "KSMP_NOTIFY_WORKERS": "0"}) as running:
        yield running


class Mails:
    """Deliveries of one user by e-mail, of a kind that is told by the hour."""

    def __init__(self, node: Running, database: asyncpg.Pool, user: str) -> None:
        self._node = node
        self._database = database
        self.user = user

    async def give(self, count: int, *, kind: str = "quizzes.news") -> list[Given]:
        return [(await give(self._database, [self.user], kind, state="sending"))[0] for _ in range(count)]

    def due(self, given: Given, **fields: object) -> Due:
        kinds = self._node.module(NotifyModule).kinds
        return due_of(kinds, given, EMAIL, "quizzes.news", **fields)

    async def decide(self, given: Sequence[Given], now: datetime) -> list[Verdict]:
        batch = [self.due(one) for one in given]
        verdicts: Mapping[str, Verdict] = await self._node.module(NotifyModule).decide.decide(batch, now)
        return [verdicts[one.id] for one in batch]

    async def collect(self, given: Sequence[Given]) -> datetime:
        """They are due for the first time; the end of their window."""
        ends = {verdict.until for verdict in await self.decide(given, clock.now()) if isinstance(verdict, Wait)}
        (end,) = ends
        return end


@pytest.fixture
def mails(node: Running, database: asyncpg.Pool) -> Mails:
    return Mails(node, database, person())


def bundles(verdicts: Sequence[Verdict]) -> list[set[str]]:
    """The notifications of each digest that is sent."""
    return [{part.notification_id for part in one.bundle} for one in verdicts if isinstance(one, Send)]


async def test_one_delivery_carries_all_of_a_window(mails: Mails) -> None:
    given = await mails.give(3)
    end = await mails.collect(given)
    assert timedelta(0) < end - clock.now() <= timedelta(hours=1)
    verdicts = await mails.decide(given, end)
    assert bundles(verdicts) == [{one.notification_id for one in given}]
    assert verdicts[1:] == [DIGESTED, DIGESTED]
    # A try that failed is repeated with the same parts.
    assert await mails.decide(given, end + timedelta(minutes=1)) == verdicts


async def test_two_workers_that_find_a_window_due_in_one_moment_send_one_digest(mails: Mails) -> None:
    given = await mails.give(8)
    end = await mails.collect(given)
    # Each worker has claimed some of its deliveries.
    found = await asyncio.gather(*(mails.decide(given[at : at + 2], end) for at in range(0, 8, 2)))
    verdicts = [verdict for part in found for verdict in part]
    assert bundles(verdicts) == [{one.notification_id for one in given}]
    assert Counter(isinstance(verdict, Send) for verdict in verdicts) == {True: 1, False: 7}


async def test_what_was_read_or_taken_back_is_not_in_it(mails: Mails, clients: Clients, database: asyncpg.Pool) -> None:
    given = await mails.give(4)
    end = await mails.collect(given)
    done(await clients.rest(mails.user).post(INBOX, json={"ids": [given[1].notification_id]}))
    await database.execute("UPDATE notify_notice SET state = 'withdrawing' WHERE id = $1", given[2].notice_id)
    verdicts = await mails.decide([given[0], given[3]], end)
    assert bundles(verdicts) == [{given[0].notification_id, given[3].notification_id}]
    # The one that carries it was read before the next try: the others are told all the same, the last one by itself.
    done(await clients.rest(mails.user).post(INBOX, json={"ids": [given[0].notification_id]}))
    assert bundles(await mails.decide([given[0]], end)) == [{given[3].notification_id}]
    done(await clients.rest(mails.user).post(INBOX, json={"ids": [given[3].notification_id]}))
    assert await mails.decide([given[0]], end) == [Skip(SkipReason.READ)]


async def test_reading_does_not_take_away_the_delivery_that_carries_others(
    mails: Mails, clients: Clients, database: asyncpg.Pool
) -> None:
    given = await mails.give(2)
    end = await mails.collect(given)
    await mails.decide(given, end)
    carrier = given[0].deliveries[EMAIL]
    # It waits for its next try.
    await database.execute("UPDATE notify_delivery SET state = 'waiting' WHERE id = $1", carrier)
    done(await clients.rest(mails.user).post(INBOX, json={"ids": [given[0].notification_id]}))
    assert await database.fetchval("SELECT state FROM notify_delivery WHERE id = $1", carrier) == "waiting"


async def test_one_alone_is_told_as_itself_and_other_channels_at_once(mails: Mails, node: Running) -> None:
    given = await mails.give(1)
    end = await mails.collect(given)
    assert await mails.decide(given, end) == [Send()]
    module = node.module(NotifyModule)
    push = due_of(module.kinds, given[0], PUSH, "quizzes.news")
    assert await module.decide.decide([push], clock.now()) == {push.id: Send()}


async def test_a_restart_across_the_end_of_a_window_neither_repeats_nor_misses_it(mails: Mails) -> None:
    """No hour is compared: what is late is told when there is somebody to tell it, and once."""
    given = await mails.give(2)
    end = await mails.collect(given)
    late = end + timedelta(minutes=59)
    assert bundles(await mails.decide(given, late)) == [{one.notification_id for one in given}]
    assert bundles(await mails.decide(given[1:], late + timedelta(hours=1))) == []
    # The next window has a digest of its own.
    more = await mails.give(2)
    batch = await mails.decide(more, late)
    assert {verdict.until for verdict in batch if isinstance(verdict, Wait)} == {end + timedelta(hours=1)}
    assert bundles(await mails.decide(more, end + timedelta(hours=1))) == [{one.notification_id for one in more}]


async def test_what_comes_when_its_window_was_told_waits_for_the_next_one(mails: Mails, database: asyncpg.Pool) -> None:
    given = await mails.give(2)
    end = await mails.collect(given)
    late = await mails.give(1)
    await mails.decide(given, end)
    # As a worker writes that was held up between its decision and this.
    await database.execute("UPDATE notify_delivery SET digest_at = $2 WHERE id = $1", late[0].deliveries[EMAIL], end)
    assert await mails.decide(late, end) == [Wait(end + timedelta(hours=1), "digest")]
    assert await mails.decide(late, end + timedelta(hours=1)) == [Send()]


async def test_windows_that_quiet_hours_held_back_are_told_as_one(mails: Mails, clients: Clients) -> None:
    given = await mails.give(2)
    first = await mails.collect(given[:1])
    # The second is of the next window.
    await mails.decide(given[1:], first + timedelta(minutes=5))
    hours = {"start": "00:00", "end": "23:59"}
    rest = clients.rest(mails.user)
    place = "/api/v1/notify/preferences"
    done(await rest.patch(place, json={"quiet": hours}, headers={"If-Match": "*"}))
    held = await mails.decide(given, first + timedelta(hours=2))
    assert {verdict.reason for verdict in held if isinstance(verdict, Wait)} == {"quiet_hours"}
    done(await rest.patch(place, json={"quiet": None}, headers={"If-Match": "*"}))
    verdicts = await mails.decide(given, first + timedelta(hours=9))
    assert bundles(verdicts) == [{one.notification_id for one in given}]

"""Decisions over real rows: a handful of queries for a batch, and what users, modules and rooms say at that moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.settings import SettingsError
from ksmp_testkit import Clients, CreateSession, MakeGateway, Running, eventually
from ksmp_testkit.answers import done
from modules.notify.decide.rules import rules_of
from modules.notify.decide.verdict import Send, Skip, Verdict, Wait
from modules.notify.due import Due
from modules.notify.facade import EMAIL, IN_APP, PUSH
from modules.notify.module import NotifyModule
from modules.notify.settings import NotifySettings
from modules.notify.states import SkipReason
from tests.modules.notify.quizzes import Given, QuizData, QuizzesModule, due_of, give, person

ANY = {"If-Match": "*"}
PREFERENCES = "/api/v1/notify/preferences"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    environ = {
        **environ,
        "KSMP_NOTIFY_WORKERS": "0",
        "KSMP_NOTIFY_HOUR_CAP": "3",
        "KSMP_NOTIFY_DAY_CAP": "50",
        "KSMP_NOTIFY_EMAIL_HOUR_CAP": "2",
        "KSMP_NOTIFY_EMAIL_DAY_CAP": "5",
        "KSMP_NOTIFY_FREE_CHANNELS": "in_app,webhook",
        "KSMP_NOTIFY_DIGEST_HOUR": "18",
    }
    async with gateway(more=[QuizzesModule], environ=environ) as running:
        yield running


@pytest.fixture
def quizzes(node: Running) -> QuizzesModule:
    module = node.module(QuizzesModule)
    module.wanted = lambda _: True
    module.asked.clear()
    return module


class Counted:
    """The statements that a decision runs."""

    def __init__(self, node: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        database = node.gateway.database
        fetch = database.fetch

        async def counting(statement: str, *arguments: Any) -> Any:
            # The gateway has work of its own meanwhile.
            if "notify_" in statement or "account_user" in statement:
                self.statements.append(statement)
            return await fetch(statement, *arguments)

        monkeypatch.setattr(database, "fetch", counting)


def due(node: Running, given: Given, channel: str = PUSH, kind: str = "quizzes.made", **fields: Any) -> Due:
    return due_of(node.module(NotifyModule).kinds, given, channel, kind, **fields)


async def decided(node: Running, *batch: Due) -> list[Verdict]:
    verdicts: Mapping[str, Verdict] = await node.module(NotifyModule).decide.decide(batch, clock.now())
    return [verdicts[one.id] for one in batch]


async def test_a_batch_takes_a_handful_of_queries_whatever_its_size(
    node: Running, database: asyncpg.Pool, quizzes: QuizzesModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [person() for _ in range(500)]
    given = await give(database, users, "quizzes.asked")
    counted = Counted(node, monkeypatch)
    verdicts = await decided(node, *(due(node, each, kind="quizzes.asked") for each in given))
    assert Counter(verdicts) == {Send(): 500}
    assert len(counted.statements) <= 6
    # And one question to the module that told of it.
    assert [len(asked) for asked in quizzes.asked] == [500]


async def test_its_module_is_asked_at_that_moment_and_its_fault_is_no_others(
    node: Running, database: asyncpg.Pool, quizzes: QuizzesModule
) -> None:
    ann, bob = person(), person()
    given = await give(database, [ann, bob], "quizzes.asked")
    quizzes.wanted = lambda user: user == bob
    batch = [due(node, each, kind="quizzes.asked") for each in given]
    assert await decided(node, *batch) == [Skip(SkipReason.NOT_WANTED), Send()]

    def broken(_: str) -> bool:
        raise LookupError("no such table")

    quizzes.wanted = broken
    (other,) = await give(database, [ann])
    waits, sent = await decided(node, batch[1], due(node, other))
    assert isinstance(waits, Wait)
    assert (waits.reason, sent) == ("unanswered", Send())


async def test_what_a_user_chose_holds_for_the_next_delivery(
    node: Running, clients: Clients, database: asyncpg.Pool
) -> None:
    ann = person()
    (one,) = await give(database, [ann], channels=(PUSH, EMAIL))
    (talk,) = await give(database, [ann], "quizzes.talk")
    assert await decided(node, due(node, one)) == [Send()]
    assert await decided(node, due(node, talk, EMAIL, "quizzes.talk")) == [Skip(SkipReason.PREFERENCE)]
    change = {
        "choices": [
            {"name": "quizzes", "channel": PUSH, "wanted": False},
            {"name": "talk", "channel": EMAIL, "wanted": True},
        ]
    }
    done(await clients.rest(ann).patch(PREFERENCES, json=change, headers=ANY))
    assert await decided(node, due(node, one)) == [Skip(SkipReason.PREFERENCE)]
    assert await decided(node, due(node, one, EMAIL), due(node, talk, EMAIL, "quizzes.talk")) == [Send(), Send()]


async def test_quiet_hours_are_those_of_the_users_zone(node: Running, clients: Clients, database: asyncpg.Pool) -> None:
    zones = {person(): "Asia/Kolkata", person(): "America/New_York"}
    now = clock.now()
    given = await give(database, list(zones))
    for user, zone in zones.items():
        rest = clients.rest(user)
        done(await rest.patch("/api/v1/users/me", json={"time_zone": zone}, headers=ANY))
        # A stretch around what the clock shows in India.
        readers = await node.module(NotifyModule).readers.load(zones)
        india = now.astimezone(readers[next(iter(zones))].zone)
        start, end = ((india + timedelta(hours=hours)).strftime("%H:%M") for hours in (-1, 1))
        done(await rest.patch(PREFERENCES, json={"quiet": {"start": start, "end": end}}, headers=ANY))
    held, sent = await decided(node, *(due(node, each) for each in given))
    assert isinstance(held, Wait)
    assert held.reason == "quiet_hours"
    assert timedelta(minutes=58) < held.until - now < timedelta(hours=1, minutes=1)
    # The same hours of the clock are at another time there.
    assert sent == Send()
    assert await decided(node, due(node, given[0], kind="quizzes.now")) == [Send()]


async def test_who_is_in_the_room_or_has_muted_it_is_not_pushed_about_it(
    node: Running, clients: Clients, database: asyncpg.Pool, create_session: CreateSession
) -> None:
    ann, bob, eve = person(), person(), person()
    session = await create_session()
    data = QuizData(session=session)
    given = await give(database, [ann, bob, eve], "quizzes.in_class", data=data)
    batch = [due(node, each, kind="quizzes.in_class", data=data) for each in given]
    await clients.member(f"session:{session}", ann)
    done(await clients.rest(eve).put(f"/api/v1/notify/mutes/session:{session}", json={}))

    async def so() -> bool:
        return await decided(node, *batch) == [Skip(SkipReason.PRESENT), Send(), Skip(SkipReason.MUTED)]

    await eventually(so, "the node has heard who is in the room")


async def test_a_user_is_told_so_much_in_an_hour_by_each_channel(node: Running, database: asyncpg.Pool) -> None:
    ann, bob = person(), person()
    sent_at = "UPDATE notify_delivery SET sent_at = now() - make_interval(hours => $2) WHERE notice_id = $1"
    for hours_ago in (0, 0, 2):
        (earlier,) = await give(database, [ann], state="sent", channels=(PUSH,))
        await database.execute(sent_at, earlier.notice_id, hours_ago)
    given = [(await give(database, [user]))[0] for user in (ann, ann, bob)]
    urgent = await give(database, [ann], "quizzes.now")
    batch = [due(node, urgent[0], kind="quizzes.now"), *(due(node, each) for each in given)]
    capped = Skip(SkipReason.CAPPED)
    # Two before, and the urgent one is the third.
    assert await decided(node, *batch) == [Send(), capped, capped, Send()]
    mail: Sequence[Due] = [due(node, each, EMAIL) for each in given]
    assert await decided(node, *mail) == [Send(), Send(), Send()]


async def test_one_who_is_blocked_is_told_nothing(node: Running, clients: Clients, database: asyncpg.Pool) -> None:
    ann = person()
    await clients.rest(ann).get("/api/v1/users/me")
    (given,) = await give(database, [ann])
    assert await decided(node, due(node, given)) == [Send()]
    done(await clients.rest("boss", "admin").post(f"/api/v1/users/{ann}/block", json={}))
    assert await decided(node, due(node, given)) == [Skip(SkipReason.GONE)]


def test_the_rules_of_a_channel() -> None:
    settings = NotifySettings()
    assert (rules_of(PUSH, settings).held, rules_of(IN_APP, settings).held) == (True, False)
    assert rules_of(EMAIL, settings).hour_cap < rules_of(PUSH, settings).hour_cap


@pytest.mark.parametrize(
    "settings", [NotifySettings(time_zone="Asia/Nowhere"), NotifySettings(digest_hour=24)], ids=["zone", "hour"]
)
def test_a_zone_or_an_hour_that_there_is_not_stops_the_start(settings: NotifySettings) -> None:
    with pytest.raises(SettingsError, match="KSMP_NOTIFY_"):
        NotifyModule.examine(settings, production=True)

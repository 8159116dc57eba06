"""What modules tell comes to each user of the audience once; what is taken back comes to nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.errors import Unavailable
from ksmp_testkit import MakeGateway, Running
from ksmp_testkit.eventually import eventually
from modules.notify.facade import DeliveryState, Notice, Outcome, Outgoing, tell, withdraw
from modules.notify.module import NotifyModule
from modules.notify.sending import metrics
from modules.notify.sending.repository import DeliveryRepository
from modules.notify.sending.upkeep import Upkeep
from tests.modules.notify.channel import PAGER, Pager, TellersModule, Words, new_subject, people, sent


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(more=[TellersModule], environ=environ) as running:
        yield running


@pytest.fixture
def tellers(node: Running) -> TellersModule:
    module = node.module(TellersModule)
    module.pager.answer, module.pager.repeatable, module.pager.paused = sent, True, 0.0
    module.wanted = lambda _: True
    return module


@pytest.fixture
def pager(tellers: TellersModule) -> Pager:
    return tellers.pager


async def told(node: Running, notice: Notice) -> None:
    async with node.gateway.database.transaction():
        await tell(node.module(TellersModule).kernel, notice)


async def withdrawn(node: Running, kind: str, subject: str) -> None:
    async with node.gateway.database.transaction():
        await withdraw(node.module(TellersModule).kernel, kind, subject)


async def states(database: asyncpg.Pool, subject: str) -> Counter[str]:
    """How many deliveries of a subject are in which state, with the reason."""
    rows = await database.fetch(
        """
        SELECT state, reason FROM notify_delivery
        WHERE notice_id IN (SELECT id FROM notify_notice WHERE subject = $1)
        """,
        subject,
    )
    return Counter(f"{row['state']} {row['reason']}".strip() for row in rows)


async def come_to(database: asyncpg.Pool, subject: str, **wanted: int) -> None:
    """Wait until the deliveries of a subject are in these states: `skipped_read=2`."""
    expected = Counter({name.replace("_", " ", 1): count for name, count in wanted.items()})

    async def so() -> bool:
        return await states(database, subject) == expected

    await eventually(so, f"{subject} comes to {expected}")


async def test_each_user_is_told_once(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    subject, users = new_subject(), people(250)
    notice = Notice("tellers.told", subject, Words("music"), users=users, actor=users[7])
    await told(node, notice)
    await told(node, notice)
    await come_to(database, subject, sent=249)
    got = pager.of(subject)
    assert Counter(each.user_id for each in got) == Counter({*users} - {users[7]})
    assert {(each.title, each.link, each.attempt, each.unknown) for each in got} == {
        ("Hear music", "/hear/music", 1, False)
    }
    listed = await database.fetch("SELECT user_id FROM notify_notification WHERE subject = $1 AND in_app", subject)
    assert sorted(row["user_id"] for row in listed) == sorted({*users} - {users[7]})
    assert await database.fetchval("SELECT vendor_id FROM notify_delivery WHERE id = $1", got[0].id) == f"v-{got[0].id}"


async def test_what_does_not_commit_is_not_told(node: Running, database: asyncpg.Pool) -> None:
    subject = new_subject()

    async def fact() -> None:
        async with node.gateway.database.transaction():
            await tell(node.module(TellersModule).kernel, Notice("tellers.told", subject, Words(), users=("a",)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fact()
    assert not await database.fetch("SELECT FROM notify_notice WHERE subject = $1", subject)
    with pytest.raises(RuntimeError, match="outside of a transaction"):
        await tell(node.module(TellersModule).kernel, Notice("tellers.told", subject, Words(), users=("a",)))


@pytest.mark.parametrize(
    ("notice", "why"),
    [
        (Notice("tellers.nothing", "s", Words(), users=("a",)), "no module contributes"),
        (Notice("tellers.told", "s", Words(), audience="fans:1"), "no audience"),
        (Notice("tellers.told", "s", Words(), audience="crowd:"), "no audience"),
        (Notice("tellers.told", "s", Outgoing, users=("a",)), "not Words"),  # type: ignore[arg-type]
    ],
)
async def test_what_nobody_contributed_is_refused(node: Running, notice: Notice, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        await told(node, notice)


async def test_everybody_of_a_role_and_of_an_audience(
    node: Running, tellers: TellersModule, database: asyncpg.Pool
) -> None:
    subject, users = new_subject(), people(120)
    await database.executemany(
        "INSERT INTO account_user (id, name, role, blocked) VALUES ($1, 'N', $2, $3)",
        [(user, "admin" if number < 3 else "student", number == 0) for number, user in enumerate(users)],
    )
    await told(node, Notice("tellers.told", f"{subject}-role", Words(), audience="role:admin"))
    tellers.crowd = users
    await told(node, Notice("tellers.told", f"{subject}-crowd", Words(), audience="crowd:1"))
    await told(node, Notice("tellers.told", f"{subject}-user", Words(), audience=f"user:{users[5]}"))
    # Who is blocked is told nothing.
    await come_to(database, f"{subject}-crowd", sent=119)
    await come_to(database, f"{subject}-user", sent=1)

    async def admins_told() -> bool:
        got = {each.user_id for each in tellers.pager.of(f"{subject}-role")}
        return got & {*users} == {*users[1:3]}

    await eventually(admins_told, "the admins are told")


async def test_what_is_taken_back_comes_to_nobody(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    subject, users = new_subject(), people(130)
    pager.paused = 0.2
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    await come_to(database, subject, waiting=130)
    await withdrawn(node, "tellers.told", subject)
    await come_to(database, subject, skipped_withdrawn=130)
    assert not pager.of(subject)
    row = await database.fetchrow(
        "SELECT state, count(withdrawn_at) AS out FROM notify_notice JOIN notify_notification n ON n.notice_id ="
        " notify_notice.id WHERE notify_notice.subject = $1 GROUP BY state",
        subject,
    )
    assert row is not None
    assert row["out"] == 130


async def test_what_was_taken_back_may_be_told_again(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    """A class is moved away and back: of both its people hear."""
    subject, (user,) = new_subject(), people(1)
    later = clock.now() + timedelta(days=1)
    await told(node, Notice("tellers.told", subject, Words("early"), users=(user,), at=later))
    await withdrawn(node, "tellers.told", subject)
    assert await database.fetchval("SELECT state FROM notify_notice WHERE subject = $1", subject) == "withdrawn"
    for count, words in enumerate(("away", "back"), 1):
        await told(node, Notice("tellers.told", subject, Words(words), users=(user,)))
        await come_to(database, subject, sent=count)
        await told(node, Notice("tellers.told", subject, Words(words), users=(user,)))
        await withdrawn(node, "tellers.told", subject)
    assert [each.title for each in pager.of(subject)] == ["Hear away", "Hear back"]


async def test_what_is_told_is_looked_at_again_when_it_is_sent(
    node: Running, tellers: TellersModule, database: asyncpg.Pool
) -> None:
    subject, users = new_subject(), people(10)
    tellers.pager.paused = 0.1
    tellers.wanted = lambda user: user > users[3]
    await told(node, Notice("tellers.asked", subject, Words(), users=users))
    await come_to(database, subject, waiting=10)
    await database.execute(
        "UPDATE notify_notification SET read_at = now() WHERE subject = $1 AND user_id = $2", subject, users[9]
    )
    tellers.pager.paused = 0.0
    await come_to(database, subject, sent=5, skipped_not_wanted=4, skipped_read=1)


async def test_nobody_is_told_late(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    subject, users = new_subject(), people(3)
    past = clock.now() - timedelta(seconds=10)
    await told(node, Notice("tellers.brief", subject, Words(), users=users, at=past))

    async def expanded() -> bool:
        state = await database.fetchval("SELECT state FROM notify_notice WHERE subject = $1", subject)
        return bool(state == "expanded")

    await eventually(expanded, "the notice is expanded")
    assert not await states(database, subject)
    pager.paused = 0.1
    other = new_subject()
    await told(node, Notice("tellers.told", other, Words(), users=users))
    await come_to(database, other, waiting=3)
    await database.execute("UPDATE notify_notification SET expires_at = now() WHERE subject = $1", other)
    pager.paused = 0.0
    await come_to(database, other, skipped_expired=3)


async def test_a_try_that_failed_is_made_again(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    subject, users = new_subject(), people(4)

    def answer(each: Outgoing) -> Outcome:
        if each.user_id == users[0]:
            return Outcome(id=each.id, state=DeliveryState.FAILED, reason="bad_address")
        if each.user_id == users[1] and each.attempt < 3:
            return Outcome(id=each.id, state=DeliveryState.WAITING, reason="busy")
        if each.user_id == users[2]:
            return Outcome(id=each.id, state=DeliveryState.WAITING, reason="broken")
        return sent(each)

    pager.answer = answer
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    await come_to(database, subject, sent=2, failed_bad_address=1, failed_broken=1)
    tries = Counter(each.user_id for each in pager.of(subject))
    assert tries == {users[0]: 1, users[1]: 3, users[2]: 4, users[3]: 1}


async def test_tries_while_the_vendor_is_away_do_not_count(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    subject, users = new_subject(), people(2)

    def answer(each: Outgoing) -> Outcome:
        if each.attempt > 6:
            return sent(each)
        if each.attempt % 2:
            raise Unavailable("the vendor is away")
        return Outcome(id=each.id, state=DeliveryState.WAITING, reason="throttled", counted=False)

    pager.answer = answer
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    await come_to(database, subject, sent=2)


async def test_an_unknown_outcome_is_kept_apart(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    subject, users = new_subject(), people(3)

    def answer(each: Outgoing) -> Outcome | None:
        if each.user_id == users[0]:
            return None if each.attempt == 1 else sent(each)
        if each.user_id == users[1] and each.attempt == 1:
            return Outcome(id=each.id, state=DeliveryState.UNKNOWN, reason="timeout")
        return sent(each)

    pager.answer, pager.repeatable = answer, False
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    await come_to(database, subject, sent=1, unknown_unanswered=1, unknown_timeout=1)
    assert len(pager.of(subject)) == 3
    # The channel says now that nobody would see them twice.
    pager.repeatable = True
    await come_to(database, subject, sent=3)
    again = [each for each in pager.of(subject) if each.attempt > 1]
    assert {each.user_id for each in again} == {*users[:2]}
    assert all(each.unknown for each in again)
    assert {each.notification_id for each in again} < {each.notification_id for each in pager.of(subject)}


async def test_what_may_have_arrived_stays_unknown_when_it_is_not_sent_again(
    node: Running, pager: Pager, database: asyncpg.Pool
) -> None:
    """Nobody says that it was skipped or has failed: the first try may have come."""
    subject, users = new_subject(), people(2)

    def answer(each: Outgoing) -> Outcome:
        if each.attempt == 1:
            return Outcome(id=each.id, state=DeliveryState.UNKNOWN, reason="timeout")
        return Outcome(id=each.id, state=DeliveryState.FAILED, reason="bad_address")

    pager.answer, pager.repeatable = answer, False
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    await come_to(database, subject, unknown_timeout=2)
    await database.execute(
        "UPDATE notify_notification SET read_at = now() WHERE subject = $1 AND user_id = $2", subject, users[0]
    )
    pager.repeatable = True
    await come_to(database, subject, unknown_read=1, unknown_bad_address=1)


async def test_what_a_lost_worker_had_is_unknown_and_sent_again(
    node: Running, pager: Pager, database: asyncpg.Pool
) -> None:
    subject, users = new_subject(), people(2)
    pager.paused = 0.1
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    await come_to(database, subject, waiting=2)
    await database.execute(
        "UPDATE notify_delivery SET state = 'sending', attempts = 1, lease_until = now() WHERE user_id = ANY($1)", users
    )
    await come_to(database, subject, unknown_lease=2)
    pager.paused = 0.0
    await come_to(database, subject, sent=2)
    assert {(each.attempt, each.unknown) for each in pager.of(subject)} == {(2, True)}


async def test_what_was_sent_is_noted_when_the_database_is_back(
    node: Running, pager: Pager, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, users = new_subject(), people(3)
    note, away = DeliveryRepository.note, iter(range(2))

    async def first_away(self: DeliveryRepository, *arguments: Any) -> None:
        if next(away, None) is not None:
            raise Unavailable("the database is away")
        await note(self, *arguments)

    monkeypatch.setattr(DeliveryRepository, "note", first_away)
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    await come_to(database, subject, sent=3)
    assert len(pager.of(subject)) == 3


async def test_what_is_due_is_measured(node: Running, pager: Pager, database: asyncpg.Pool) -> None:
    subject, users = new_subject(), people(7)
    pager.paused = 0.1
    past = clock.now() - timedelta(hours=1)
    await told(node, Notice("tellers.told", subject, Words(), users=users, at=past))
    await come_to(database, subject, waiting=7)
    upkeep = Upkeep(DeliveryRepository(node.gateway.database), node.module(NotifyModule).settings, (PAGER, "none"))
    await upkeep.measure(clock.now())
    assert metrics.due.labels(PAGER)._value.get() >= 7
    assert metrics.oldest.labels(PAGER)._value.get() >= 3600
    assert metrics.due.labels("none")._value.get() == metrics.oldest.labels("none")._value.get() == 0
    pager.paused = 0.0
    await come_to(database, subject, sent=7)


async def test_urgent_ones_go_first_and_reminders_are_spread(
    node: Running, pager: Pager, database: asyncpg.Pool
) -> None:
    subject, users = new_subject(), people(100)
    pager.paused = 0.1
    for kind in ("tellers.told", "tellers.now"):
        await told(node, Notice(kind, subject, Words(), users=users))
    await told(node, Notice("tellers.spread", f"{subject}~", Words(), users=users))
    await come_to(database, subject, waiting=200)
    await come_to(database, f"{subject}~", waiting=100)
    pager.paused = 0.0
    await come_to(database, subject, sent=200)
    assert [each.kind.name for each in pager.of(subject)] == ["tellers.now"] * 100 + ["tellers.told"] * 100
    halves = await database.fetch(
        "SELECT due_at > (SELECT at FROM notify_notice WHERE subject = $1) + interval '30 minutes' AS late"
        " FROM notify_delivery WHERE kind = 'tellers.spread' AND user_id = ANY($2)",
        f"{subject}~",
        users,
    )
    assert 20 < sum(row["late"] for row in halves) < 80

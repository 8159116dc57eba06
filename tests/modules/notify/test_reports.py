"""What became of a notice, for those who may know it; failed deliveries, for admins; and what is deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from gateway import clock
from gateway.errors import BadInput
from ksmp_testkit import Caller, CreateClass, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from modules.notify.facade import DeliveryState, Message, Notice, Outcome, Outgoing, read_report, send_to, send_to_user
from modules.notify.module import NotifyModule
from modules.notify.notices.sweep import Sweep
from tests.modules.notify.channel import TellersModule, Words, new_subject, people, sent
from tests.modules.notify.test_telling import come_to, told

NOTICES = "/api/v1/notify/notices"
DELIVERIES = "/api/v1/notify/deliveries"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(more=[TellersModule], environ=environ) as running:
        yield running


@pytest.fixture
def tellers(node: Running) -> TellersModule:
    module = node.module(TellersModule)
    module.pager.answer, module.pager.paused = sent, 0.0
    return module


async def notice_of(database: asyncpg.Pool, subject: str) -> str:
    return str(await database.fetchval("SELECT id FROM notify_notice WHERE subject = $1", subject))


async def test_who_reads_what_became_of_a_notice(
    node: Running, tellers: TellersModule, database: asyncpg.Pool, caller: Caller
) -> None:
    subject, users = new_subject(), people(5)

    def answer(each: Outgoing) -> Outcome:
        if each.user_id == users[0]:
            return Outcome(id=each.id, state=DeliveryState.SKIPPED, reason="no_address")
        return sent(each)

    tellers.pager.answer = answer
    tellers.crowd, tellers.teachers = users, ("tina",)
    await told(node, Notice("tellers.told", subject, Words(), audience="crowd:1", actor="olga"))
    await come_to(database, subject, sent=4, skipped_no_address=1)
    await database.execute("UPDATE notify_notification SET read_at = now() WHERE user_id = $1", users[1])
    id = await notice_of(database, subject)
    for user, role in (("boss", "admin"), ("olga", "student"), ("tina", "mentor")):
        report = done(await caller(user, role).get(f"{NOTICES}/{id}"))
        assert {name: report[name] for name in ("users", "listed", "read", "seen", "audience")} == {
            "users": 5,
            "listed": 5,
            "read": 1,
            "seen": 0,
            "audience": "crowd:1",
        }
        assert report["deliveries"] == [
            {"channel": "pager", "state": "sent", "reason": "", "count": 4},
            {"channel": "pager", "state": "skipped", "reason": "no_address", "count": 1},
        ]
    refused(await caller("other", "mentor").get(f"{NOTICES}/{id}"), 404, "not_found")
    refused(await caller(users[0], "student").get(f"{NOTICES}/{id}"), 404, "not_found")


async def test_who_teaches_a_class_reads_what_became_of_its_notices(
    node: Running, tellers: TellersModule, create_class: CreateClass, caller: Caller, database: asyncpg.Pool
) -> None:
    lesson = await create_class()
    program = await database.fetchval("SELECT program_id FROM live_session WHERE id = $1", lesson.id)
    later = clock.now() + timedelta(days=1)
    of_program = caller("program-mentor", "mentor")
    for audience, teacher in ((f"session:{lesson.id}", lesson.mentor.rest), (f"program:{program}", of_program)):
        subject = new_subject()
        await told(node, Notice("tellers.told", subject, Words(), audience=audience, at=later))
        url = f"{NOTICES}/{await notice_of(database, subject)}"
        assert done(await teacher.get(url))["audience"] == audience
        refused(await lesson.student.rest.get(url), 404, "not_found")
        refused(await caller("other", "mentor").get(url), 404, "not_found")


async def test_a_failed_delivery_is_listed_and_tried_again(
    node: Running, tellers: TellersModule, database: asyncpg.Pool, caller: Caller
) -> None:
    subject, users = new_subject(), people(3)
    tellers.pager.answer = lambda each: Outcome(id=each.id, state=DeliveryState.FAILED, reason=f"bad-{subject[:8]}")
    await told(node, Notice("tellers.told", subject, Words(), users=users))
    reason = f"bad-{subject[:8]}"
    await come_to(database, subject, **{f"failed_{reason}": 3})
    boss = caller("boss", "admin")
    listed = done(await boss.get(f"{DELIVERIES}/failed", params={"channel": "pager", "reason": reason}))["items"]
    assert sorted(each["user_id"] for each in listed) == list(users)
    tellers.pager.answer = sent
    assert done(await boss.post(f"{DELIVERIES}/{listed[0]['id']}/retry"), 200) == {"count": 1}
    await come_to(database, subject, **{f"failed_{reason}": 2, "sent": 1})
    refused(await boss.post(f"{DELIVERIES}/{listed[0]['id']}/retry"), 409, "notify.not_failed")
    refused(await boss.post(f"{DELIVERIES}/{await notice_of(database, subject)}/retry"), 404, "not_found")
    await database.execute("UPDATE notify_notification SET expires_at = now() WHERE user_id = $1", listed[1]["user_id"])
    refused(await boss.post(f"{DELIVERIES}/{listed[1]['id']}/retry"), 409, "notify.expired")
    which = {"channel": "pager", "reason": reason}
    assert done(await boss.post(f"{DELIVERIES}/retry", json=which), 200) == {"count": 1}
    await come_to(database, subject, **{f"failed_{reason}": 1, "sent": 2})
    refused(await caller("ann", "mentor").post(f"{DELIVERIES}/retry", json=which), 403, "forbidden")
    acts = await database.fetch("SELECT act FROM account_audit WHERE subject IN ($1, 'pager')", str(listed[0]["id"]))
    assert {row["act"] for row in acts} == {"notify.retry", "notify.retry_many"}


async def test_what_somebody_writes_is_sent_once(node: Running, tellers: TellersModule, database: asyncpg.Pool) -> None:
    kernel, key, (user,) = tellers.kernel, new_subject(), people(1)
    await database.execute("INSERT INTO account_user (id, name, role) VALUES ($1, 'N', 'student')", user)
    message = Message("Hello", "100 % true", "/help?topic=1")
    async with node.gateway.database.transaction():
        first = await send_to_user(kernel, user, message, key=key)
    async with node.gateway.database.transaction():
        assert await send_to_user(kernel, user, message, key=key) == first

    async def written() -> bool:
        report = await read_report(kernel, first)
        return report is not None and report.users == 1 and report.state == "expanded"

    async with node.gateway.database.transaction():
        urgent = await send_to_user(kernel, user, message, key=key, urgent=True)
    kinds = await database.fetch("SELECT kind FROM notify_notice WHERE subject = $1 ORDER BY kind", key)
    assert [row["kind"] for row in kinds] == ["notify.system", "notify.urgent"]
    assert urgent != first

    await eventually(written, "the notification is written")
    for audience, code in (("user:nobody", "not_found"), ("fans:1", "invalid"), ("role:king", "not_found")):
        with pytest.raises(BadInput) as error:
            async with node.gateway.database.transaction():
                await send_to(kernel, audience, message, key=new_subject())
        assert error.value.code == code
    assert await read_report(kernel, str(new_subject())) is None


async def test_what_is_old_is_deleted(node: Running, tellers: TellersModule, database: asyncpg.Pool) -> None:
    old, young, users = new_subject(), new_subject(), people(25)
    for subject in (old, young):
        await told(node, Notice("tellers.told", subject, Words(), users=users))
        await come_to(database, subject, sent=25)
    sweep = Sweep(node.gateway.database, 30, 10)
    ages = clock.now() - timedelta(days=20_000)
    await database.execute("UPDATE notify_notice SET expires_at = $2 WHERE subject = $1", old, ages)
    # 10, 10 and the rest with the notice itself.
    for _ in range(3):
        assert await database.fetchval("SELECT count(*) FROM notify_notice WHERE subject = $1", old) == 1
        assert await sweep.work()
    assert await database.fetchval("SELECT count(*) FROM notify_notice WHERE subject = $1", old) == 0
    assert await database.fetchval("SELECT count(*) FROM notify_delivery WHERE user_id = ANY($1)", users) == 25
    assert await database.fetchval("SELECT count(*) FROM notify_notice WHERE subject = $1", young) == 1


async def test_a_deleted_user_leaves_nothing(node: Running, tellers: TellersModule, database: asyncpg.Pool) -> None:
    subject, (ann, bob) = new_subject(), people(2)
    await told(node, Notice("tellers.told", f"{subject}-both", Words(), users=(ann, bob)))
    await told(node, Notice("tellers.told", f"{subject}-ann", Words(), audience=f"user:{ann}"))
    later = clock.now() + timedelta(days=1)
    await told(node, Notice("tellers.told", f"{subject}-later", Words(), users=(ann, bob), at=later))
    await come_to(database, f"{subject}-both", sent=2)
    await come_to(database, f"{subject}-ann", sent=1)
    notify = node.module(NotifyModule)
    held = await notify.export(ann)
    assert [(each["subject"], each["deliveries"]) for each in held["notifications"]] == [
        (f"{subject}-both", ["pager sent"]),
        (f"{subject}-ann", ["pager sent"]),
    ]
    for _ in range(2):
        async with node.gateway.database.transaction():
            await notify.forget(ann)
    assert await notify.export(ann) == {}
    assert not await database.fetch("SELECT FROM notify_delivery WHERE user_id = $1", ann)
    left = "SELECT FROM notify_notice WHERE $1 = ANY(users) OR audience = 'user:' || $1"
    assert not await database.fetch(left, ann)
    assert len((await notify.export(bob))["notifications"]) == 1

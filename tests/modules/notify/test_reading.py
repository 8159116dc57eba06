"""From a fact to the list in the app, and to a channel unless it was read before."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ksmp_testkit import Clients, MakeGateway, Running
from ksmp_testkit.answers import done
from ksmp_testkit.eventually import eventually
from modules.notify.facade import Notice, tell, withdraw
from tests.modules.notify.channel import Pager, TellersModule, Words, new_subject, people

INBOX = "/api/v1/notify/inbox"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(more=[TellersModule], environ={**environ, "KSMP_NOTIFY_WORKERS": "2"}) as running:
        yield running


@pytest.fixture
def pager(node: Running) -> Pager:
    return node.module(TellersModule).pager


async def told(node: Running, notice: Notice) -> None:
    async with node.gateway.database.transaction():
        await tell(node.module(TellersModule).kernel, notice)


async def states(database: asyncpg.Pool, subject: str) -> Counter[str]:
    statement = """
        SELECT state || ' ' || reason AS state FROM notify_delivery
        WHERE notice_id IN (SELECT id FROM notify_notice WHERE subject = $1)
    """
    return Counter(row["state"] for row in await database.fetch(statement, subject))


async def test_who_reads_it_in_the_app_is_not_paged(
    node: Running, clients: Clients, pager: Pager, database: asyncpg.Pool
) -> None:
    ann, bob = people(2)
    subject = new_subject()
    device = await clients.member(f"user:{ann}", ann)
    await told(node, Notice("tellers.later", subject, Words("soon"), users=(ann, bob)))
    item = (await device.expect_push("notify.notification"))["data"]
    assert (item["title"], item["read"]) == ("soon", False)
    unread = (await device.expect_push("notify.unread"))["data"]
    assert (unread["unread"], unread["unseen"]) == (1, 1)
    read = await device.command("notify.read", {"ids": [item["id"]]})
    assert read["unread"] == 0

    async def so() -> bool:
        return await states(database, subject) == Counter({"skipped read": 1, "sent ": 1})

    await eventually(so, "one was read and one sent")
    assert [each.user_id for each in pager.of(subject)] == [bob]


async def test_what_is_withdrawn_leaves_the_list(node: Running, clients: Clients, database: asyncpg.Pool) -> None:
    (ann,) = people(1)
    subject = new_subject()
    device = await clients.member(f"user:{ann}", ann)
    await told(node, Notice("tellers.later", subject, Words("moved"), users=(ann,)))
    await device.expect_push("notify.notification")
    assert (await device.expect_push("notify.unread"))["data"]["unread"] == 1
    async with node.gateway.database.transaction():
        await withdraw(node.module(TellersModule).kernel, "tellers.later", subject)
    assert (await device.expect_push("notify.notification"))["data"]["withdrawn"]
    assert (await device.expect_push("notify.unread"))["data"]["unread"] == 0
    assert done(await device.rest.get(INBOX))["items"] == []
    assert await states(database, subject) == Counter({"skipped withdrawn": 1})


async def test_what_is_gathered_is_told_once_by_several_workers(
    node: Running, pager: Pager, database: asyncpg.Pool
) -> None:
    users = people(20)
    subjects = [new_subject() for _ in range(5)]
    for subject in subjects:
        await told(node, Notice("tellers.gathered", subject, Words(), users=users))

    async def so() -> bool:
        found = [await states(database, subject) for subject in subjects]
        return sum(found, Counter()).keys() <= {"sent ", "skipped digested"} and all(found)

    await eventually(so, "all are told", timeout=60.0)
    got = [each for each in pager.got if each.user_id in users]
    # Each notification is in one page, by itself or among others.
    parts = Counter((part.user_id, part.subject) for each in got for part in (each.bundle or [each]))
    assert parts == Counter((user, subject) for user in users for subject in subjects)
    rows = await database.fetch("SELECT user_id FROM notify_digest WHERE user_id = ANY($1)", list(users))
    assert Counter(row["user_id"] for row in rows) == Counter(each.user_id for each in got)

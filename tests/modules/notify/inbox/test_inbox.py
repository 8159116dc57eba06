"""The list in the app: every device sees the same counts, and what was read there is sent nowhere else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Clients, MakeGateway, Running, eventually
from ksmp_testkit.answers import done, refused
from modules.notify.facade import EMAIL, PUSH
from modules.notify.inbox.arrival import Arrival
from modules.notify.inbox.inbox import DURABLE
from modules.notify.module import NotifyModule
from tests.modules.notify.quizzes import Given, QuizData, QuizzesModule, give, person

INBOX = "/api/v1/notify/inbox"
COUNTED = """
    SELECT count(*) FILTER (WHERE read_at IS NULL) AS unread, count(*) FILTER (WHERE seen_at IS NULL) AS unseen
    FROM notify_notification WHERE user_id = $1 AND in_app AND withdrawn_at IS NULL
"""


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    """Nothing is sent here: what waits stays as it is."""
    async with gateway(more=[QuizzesModule], environ={**environ, "KSMP_NOTIFY_WORKERS": "0"}) as running:
        yield running


async def states(database: asyncpg.Pool, given: Given) -> dict[str, str]:
    rows = await database.fetch(
        "SELECT channel, state, reason FROM notify_delivery WHERE notification_id = $1", given.notification_id
    )
    return {row["channel"]: f"{row['state']} {row['reason']}".strip() for row in rows}


def arrival(node: Running, given: Given, kind: str = "quizzes.made") -> Arrival:
    now = clock.now()
    return Arrival(
        id=given.notification_id,
        notice_id=given.notice_id,
        kind=node.module(NotifyModule).kinds.kinds[kind],
        subject="s",
        user_id=given.user_id,
        data=QuizData(),
        created_at=now,
        expires_at=now,
    )


async def test_the_list_has_words_and_is_newest_first(clients: Clients, database: asyncpg.Pool) -> None:
    ann = person()
    for what in ("one", "two", "three"):
        await give(database, [ann], data=QuizData(what))
    await give(database, [ann], in_app=False)
    rest = clients.rest(ann)
    first = done(await rest.get(INBOX, params={"limit": 2}))
    last = done(await rest.get(INBOX, params={"limit": 2, "cursor": first["next"]}))
    items = first["items"] + last["items"]
    assert [(item["title"], item["link"]) for item in items] == [
        (f"A quiz: {what}", f"/quiz/{what}") for what in ("three", "two", "one")
    ]
    assert last["next"] is None
    one = items[2]
    assert (one["category"], one["data"], one["read"], one["seen"]) == (
        "quizzes",
        {"what": "one", "session": "none"},
        False,
        False,
    )
    assert done(await rest.get(f"{INBOX}/{one['id']}")) == one
    done(await rest.post(f"{INBOX}/read", json={"ids": [one["id"]]}))
    assert [item["title"] for item in done(await rest.get(INBOX, params={"unread": True}))["items"]] == [
        "A quiz: three",
        "A quiz: two",
    ]


async def test_what_is_read_in_the_app_is_not_sent_any_more(clients: Clients, database: asyncpg.Pool) -> None:
    ann = person()
    (one,) = await give(database, [ann])
    (other,) = await give(database, [ann])
    (receipt,) = await give(database, [ann], "quizzes.marked")
    (sending,) = await give(database, [ann], state="sending")
    (hook,) = await give(database, [ann], channels=("webhook",))
    given = (one, receipt, sending, hook)
    answer = done(await clients.rest(ann).post(f"{INBOX}/read", json={"ids": [each.notification_id for each in given]}))
    assert (answer["unread"], answer["unseen"]) == (1, 1)
    assert await states(database, one) == {PUSH: "skipped read", EMAIL: "skipped read"}
    assert await states(database, other) == {PUSH: "waiting", EMAIL: "waiting"}
    # A receipt is a paper to keep, a worker that sends looks itself, and an integrator is no reader.
    assert await states(database, receipt) == {PUSH: "waiting", EMAIL: "waiting"}
    assert await states(database, sending) == {PUSH: "sending", EMAIL: "sending"}
    assert await states(database, hook) == {"webhook": "waiting"}


async def test_nothing_that_comes_later_is_read_before(clients: Clients, database: asyncpg.Pool) -> None:
    ann = person()
    (one,) = await give(database, [ann])
    rest = clients.rest(ann)
    last = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    read = done(await rest.post(f"{INBOX}/read", json={"to": last}))
    assert (read["unread"], read["read_to"]) == (0, one.notification_id)
    (two,) = await give(database, [ann])
    now = done(await rest.get(f"{INBOX}/unread"))
    assert (now["unread"], now["read_to"]) == (1, one.notification_id)
    read = done(await rest.post(f"{INBOX}/read", json={"to": two.notification_id}))
    assert (read["unread"], read["read_to"]) == (0, two.notification_id)
    # A user without a notification has read none.
    assert done(await clients.rest(person()).post(f"{INBOX}/read", json={"to": last}))["read_to"] is None


async def test_all_devices_see_the_same_count(clients: Clients, database: asyncpg.Pool) -> None:
    ann = person()
    given = [(await give(database, [ann]))[0] for _ in range(4)]
    phone, laptop = [await clients.member(f"user:{ann}", ann) for _ in range(2)]
    asked = await laptop.command("notify.unread")
    assert (asked["unread"], asked["unseen"]) == (4, 4)
    rest = clients.rest(ann)
    answer = await rest.get(f"{INBOX}/unread")
    assert (answer.json(), answer.headers["etag"]) == (asked, f'"{asked["rev"]}"')
    read = await phone.command("notify.read", {"ids": [given[1].notification_id]})
    for device in (phone, laptop):
        assert (await device.expect_push("notify.unread"))["data"] == read
        item = (await device.expect_push("notify.notification"))["data"]
        assert (item["id"], item["read"], item["rev"]) == (given[1].notification_id, True, 2)
    assert (read["unread"], read["unseen"]) == (3, 3)
    assert read["rev"] > asked["rev"]
    seen = await phone.command("notify.seen", {"to": given[3].notification_id})
    assert (seen["unread"], seen["unseen"]) == (3, 0)
    assert (await laptop.expect_push("notify.unread"))["data"] == seen
    # Up to one: what came later stays unread.
    last = await phone.command("notify.read", {"to": given[2].notification_id})
    assert (last["unread"], last["read_to"]) == (1, given[2].notification_id)
    assert (await laptop.expect_push("notify.unread"))["data"] == last
    # Once more changes nothing.
    assert await phone.command("notify.read", {"to": given[0].notification_id}) == last
    assert done(await rest.get(f"{INBOX}/unread")) == last


async def test_the_revision_rises_with_each_change_of_the_count(clients: Clients, database: asyncpg.Pool) -> None:
    """Whoever writes rows: what comes, what is withdrawn, what is too old."""
    ann, bob = person(), person()
    rest = clients.rest(ann)
    assert done(await rest.get(f"{INBOX}/unread"))["rev"] == 0
    seen: list[tuple[int, int]] = []

    async def look() -> None:
        now = done(await rest.get(f"{INBOX}/unread"))
        seen.append((now["rev"], now["unread"]))

    first, _ = await give(database, [ann, bob])
    await look()
    await give(database, [ann])
    await look()
    await give(database, [ann], in_app=False)
    await look()
    await database.execute(
        "UPDATE notify_notification SET withdrawn_at = now(), rev = rev + 1 WHERE notice_id = $1", first.notice_id
    )
    await look()
    await database.execute("DELETE FROM notify_notice WHERE $1 = ANY(users)", ann)
    await look()
    assert [unread for _, unread in seen] == [1, 2, 2, 1, 0]
    revs = [rev for rev, _ in seen]
    assert revs[1] == revs[2]
    assert revs[0] < revs[1] < revs[3] < revs[4]


async def test_counts_equal_those_from_scratch_whatever_happens_at_once(
    clients: Clients, database: asyncpg.Pool
) -> None:
    ann = person()
    chance = random.Random(13)
    rest = [clients.rest(ann) for _ in range(3)]
    answers: list[dict[str, Any]] = []

    async def device(client: Any) -> None:
        for _ in range(12):
            items = done(await client.get(INBOX))["items"]
            if not items:
                continue
            id = chance.choice(items)["id"]
            body, path = chance.choice([({"ids": [id]}, "read"), ({"to": id}, "read"), ({"to": id}, "seen")])
            answers.append(done(await client.post(f"{INBOX}/{path}", json=body)))

    async def teller() -> None:
        for _ in range(25):
            (given,) = await give(database, [ann])
            if chance.random() < 0.3:
                await database.execute(
                    "UPDATE notify_notification SET withdrawn_at = now() WHERE id = $1", given.notification_id
                )

    await asyncio.gather(teller(), *(device(client) for client in rest))
    scratch = await database.fetchrow(COUNTED, ann)
    last = done(await rest[0].get(f"{INBOX}/unread"))
    assert (last["unread"], last["unseen"]) == tuple(scratch)
    # One revision is one count.
    by_rev: dict[int, tuple[int, int]] = {}
    for answer in answers:
        assert by_rev.setdefault(answer["rev"], (answer["unread"], answer["unseen"])) == (
            answer["unread"],
            answer["unseen"],
        )


@pytest.mark.parametrize("count", [1, DURABLE + 1])
async def test_what_arrives_is_pushed_to_its_users(
    node: Running, clients: Clients, database: asyncpg.Pool, count: int
) -> None:
    users = [person() for _ in range(count)]
    ann = await clients.member(f"user:{users[0]}", users[0])
    given = await give(database, users)
    inbox = node.module(NotifyModule).inbox
    await inbox.arrived([arrival(node, each) for each in given])
    item = (await ann.expect_push("notify.notification"))["data"]
    assert (item["id"], item["title"], item["read"]) == (given[0].notification_id, "A quiz: fractions", False)
    unread = (await ann.expect_push("notify.unread"))["data"]
    assert (unread["unread"], unread["unseen"]) == (1, 1)
    await database.execute(
        "UPDATE notify_notification SET withdrawn_at = now() WHERE notice_id = $1", given[0].notice_id
    )
    await inbox.withdrawn([arrival(node, each) for each in given])
    gone = (await ann.expect_push("notify.notification"))["data"]
    assert (gone["id"], gone["withdrawn"], gone["title"]) == (given[0].notification_id, True, "")
    now = (await ann.expect_push("notify.unread"))["data"]
    assert now["unread"] == 0
    assert now["rev"] > unread["rev"]


async def test_who_follows_a_push_has_opened_and_read_it(clients: Clients, database: asyncpg.Pool) -> None:
    ann = person()
    (given,) = await give(database, [ann], state="sent")
    (hidden,) = await give(database, [ann], state="sent", in_app=False)
    rest = clients.rest(ann)
    for each, unread in ((given, 0), (hidden, 0)):
        answer = done(await rest.post(f"{INBOX}/{each.notification_id}/open", json={"channel": "push"}))
        assert answer["unread"] == unread
        assert await states(database, each) == {PUSH: "opened", EMAIL: "sent"}
    row = await database.fetchrow("SELECT * FROM notify_notification WHERE id = $1", given.notification_id)
    assert row is not None
    assert row["opened_at"] is not None
    assert row["read_at"] is not None
    assert done(await rest.get(f"{INBOX}/{given.notification_id}"))["read"]


async def test_nobody_touches_another_users_list(clients: Clients, database: asyncpg.Pool) -> None:
    ann, eve = person(), person()
    (given,) = await give(database, [ann])
    theirs = clients.rest(eve)
    refused(await theirs.get(f"{INBOX}/{given.notification_id}"), 404, "not_found")
    refused(await theirs.post(f"{INBOX}/{given.notification_id}/open", json={"channel": "push"}), 404, "not_found")
    for body in ({"ids": [given.notification_id]}, {"to": given.notification_id}):
        done(await theirs.post(f"{INBOX}/read", json=body))
    done(await theirs.post(f"{INBOX}/seen", json={"to": given.notification_id}))
    assert done(await theirs.get(INBOX))["items"] == []
    now = done(await clients.rest(ann).get(f"{INBOX}/unread"))
    assert (now["unread"], now["unseen"]) == (1, 1)
    assert await states(database, given) == {PUSH: "waiting", EMAIL: "waiting"}


async def test_a_kind_that_no_module_has_any_more_is_left_out(clients: Clients, database: asyncpg.Pool) -> None:
    ann = person()
    await give(database, [ann], "gone.kind")
    await give(database, [ann])
    rest = clients.rest(ann)

    async def shown() -> bool:
        return [item["kind"] for item in done(await rest.get(INBOX))["items"]] == ["quizzes.made"]

    await eventually(shown, "the list shows what is known")

"""What the platform holds on a user, given to them; and what is left of one who was deleted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from gateway.db import personal_data
from gateway.principal import FORGOTTEN, Principal, Role
from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected, opened
from modules.accounts.deletion import ANONYMISE_TIMER, FORGET_TIMER
from modules.accounts.facade import record
from modules.accounts.messages import ForgetDue
from modules.accounts.module import AccountsModule

SOON = 10.0
PROFILE = "/api/v1/users/me"
WAITING = "INSERT INTO program_enrolment (program_id, user_id, state) VALUES ($1, $2, 'waiting')"


@pytest.fixture(scope="module")
async def other(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway() as running:
        yield running


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, other: Running) -> AsyncIterator[Running]:
    """Who is asked. It starts last: Piccolo's tables know one engine at a time, and transactions are of that one."""
    async with gateway() as running:
        yield running


@pytest.fixture
def user() -> str:
    return f"u-{uuid.uuid4().hex[:16]}"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def archived(database: asyncpg.Pool, user: str, count: int) -> list[asyncpg.Record]:
    """The user's rows of the archive, when there are as many."""
    async with asyncio.timeout(SOON):
        while True:
            rows: list[asyncpg.Record] = await database.fetch(
                "SELECT author ->> 'name' AS name, data FROM room_push WHERE author ->> 'id' = $1 ORDER BY seq", user
            )
            if len(rows) >= count:
                return rows
            await asyncio.sleep(0.05)


async def nameless(database: asyncpg.Pool, user: str, *, room: str | None = None) -> None:
    """Wait until the archive shows the user's name nowhere, nor in the room what others say of them."""
    async with asyncio.timeout(SOON):
        while await database.fetch(
            """
            SELECT FROM room_push WHERE author ->> 'id' = $1 AND author ->> 'name' <> $2
            OR room = $3 AND strpos(data::text, '"Asha') > 0
            """,
            user,
            FORGOTTEN,
            room,
        ):
            await asyncio.sleep(0.05)


async def eventually_archived(database: asyncpg.Pool, room: str, word: str) -> None:
    async with asyncio.timeout(SOON):
        while not await database.fetch(
            "SELECT FROM room_push WHERE room = $1 AND strpos(data::text, $2) > 0", room, word
        ):
            await asyncio.sleep(0.05)


async def test_all_that_is_held_on_a_user(
    http: httpx.AsyncClient,
    node: Running,
    token: MakeToken,
    user: str,
    create_session: CreateSession,
    database: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = await create_session(open=False, enrolled=(user,))
    await database.execute("INSERT INTO live_promotion VALUES ($1, $2, 'speaker')", session, user)
    await database.execute("INSERT INTO program_student VALUES ($1, $2, now())", f"p-{session}", user)
    await database.execute("INSERT INTO live_star VALUES ($1, $2, DEFAULT, 4, '', now())", session, user)
    await database.execute("INSERT INTO chat_reaction VALUES ($1, 1, 'heart', $2)", f"session:{session}", user)
    async with connected(node.ws_url, token(user, name="Asha R")) as client:
        await client.join(f"session:{session}")
        await client.say(f"session:{session}", "my words")
        await client.call("live.ask", room=f"session:{session}", data={"text": "Why?"})
    await archived(database, user, 2)
    admin = {"headers": bearer(token(f"admin-{user}", "admin"))}
    async with node.gateway.database.transaction():
        actor = Principal(id=f"admin-{user}", name="A", role=Role.ADMIN, expires_at=0)
        await record(node.gateway.database, actor, "accounts.block", user, {"reason": "sells answers"})
    # Nobody will see it: other tests look at what is announced.
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    announced = {"audience": "role:mentor", "title": "Mine", "publish_at": later}
    assert (await http.post("/api/v1/announcements", json=announced, **admin)).status_code == 201

    answer = await http.get(f"{PROFILE}/export", headers=bearer(token(user, name="Asha R")))
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    data = answer.json()
    assert data["user_id"] == user
    accounts = data["modules"]["accounts"]
    assert (accounts["profile"]["name"], accounts["profile"]["blocked"]) == ("Asha R", False)
    assert [act["act"] for act in accounts["acts"]] == ["accounts.block"]
    # Neither who did it nor why: the reason is for the audit.
    assert set(accounts["acts"][0]) == {"at", "act"}
    (place,) = data["modules"]["programs"]["enrolments"]
    assert (place["program_id"], place["state"]) == (f"p-{session}", "enrolled")
    assert [one["program_id"] for one in data["modules"]["programs"]["begun"]] == [f"p-{session}"]
    assert data["modules"]["chat"]["reactions"] == [{"room": f"session:{session}", "seq": 1, "emoji": "heart"}]
    assert [one["stars"] for one in data["modules"]["live"]["stars"]] == [4]
    assert data["modules"]["live"]["promotions"] == [{"session_id": session, "role": "speaker"}]
    assert [one["text"] for one in data["modules"]["live"]["questions"]] == ["Why?"]
    message, question = data["messages"]
    assert data["next"] is None
    assert question["push"] == "live.question"
    assert (message["room"], message["push"]) == (f"session:{session}", "chat.message")
    assert message["data"] == {"text": "my words"}

    # Nobody's messages are too many: they come in slices.
    monkeypatch.setattr(personal_data, "SLICE", 1)
    first, second, last = [
        (await http.get(f"{PROFILE}/export", headers=bearer(token(user)), params={"after": after})).json()
        for after in (0, message["seq"], question["seq"])
    ]
    assert [first["messages"], second["messages"], last["messages"]] == [[message], [question], []]
    assert [first["next"], second["next"], last["next"]] == [message["seq"], question["seq"], None]
    assert (first["modules"].keys(), second["modules"]) == (data["modules"].keys(), {})
    monkeypatch.undo()

    theirs = (await http.get(f"{PROFILE}/export", **admin)).json()
    assert [one["title"] for one in theirs["modules"]["announcements"]["announced"]] == ["Mine"]
    taught = (await http.get(f"{PROFILE}/export", headers=bearer(token("program-mentor", "mentor")))).json()
    assert f"p-{session}" in [one["id"] for one in taught["modules"]["programs"]["taught"]]
    assert theirs["messages"] == []


@pytest.mark.parametrize("by", ["user", "admin"])
async def test_a_deleted_user_is_gone(
    http: httpx.AsyncClient,
    node: Running,
    other: Running,
    token: MakeToken,
    user: str,
    create_session: CreateSession,
    database: asyncpg.Pool,
    by: str,
) -> None:
    session = await create_session(open=False, enrolled=(user,))
    room, program = f"session:{session}", f"p-{session}"
    await database.execute("UPDATE program SET state = 'published', capacity = 1 WHERE id = $1", program)
    await database.execute(WAITING, program, f"next-{user}")
    await database.execute("INSERT INTO live_promotion VALUES ($1, $2, 'speaker')", session, user)
    await database.execute("INSERT INTO live_seat VALUES ($1, $2, now())", session, user)
    await database.execute("INSERT INTO live_away VALUES ($1, $2, 'Asha R')", session, user)
    await database.execute("INSERT INTO live_guest VALUES ($1, $2, 'Asha R', 'admitted', now())", session, user)
    await database.execute(
        "INSERT INTO live_moderation VALUES ($2, $1, 'x', 'kick', '', '', $2, 'Asha R', NULL, now())", session, user
    )
    await database.execute("INSERT INTO live_stay VALUES ($1, $2, 'n', now(), now(), 'Asha R', false)", session, user)
    await database.execute("INSERT INTO live_calendar VALUES ($1, $1, now())", user)
    await database.execute("INSERT INTO program_student VALUES ($1, $2, now())", program, user)
    mine = bearer(token(user))
    said = {"phone": "+919876543210", "avatar_url": "https://img.example.org/a.png", "name": "Asha R"}
    await http.get(PROFILE, headers=mine)
    await http.patch(PROFILE, headers={**mine, "If-Match": "*"}, json=said)
    async with connected(other.ws_url, token(user)) as client, contextlib.AsyncExitStack() as stack:
        await client.join(room)
        await client.say(room, "my words")
        for cmd, data in (("live.raise_hand", {}), ("live.ask", {"text": "Why?"})):
            await client.call(cmd, room=room, data=data)
        assert [row["name"] for row in await archived(database, user, 3)] == ["Asha R"] * 3
        # A host tells of it too.
        mentor = await stack.enter_async_context(connected(node.ws_url, token("mentor", "mentor")))
        await mentor.join(room)
        await mentor.call("live.invite", room=room, data={"user": user})
        await eventually_archived(database, room, "invited")
        async with asyncio.timeout(SOON):
            while not await database.fetch("SELECT FROM live_stay WHERE user_id = $1 AND node <> 'n'", user):
                await asyncio.sleep(0.05)
        actor = user if by == "user" else f"admin-{user}"
        if by == "user":
            answer = await http.delete(PROFILE, headers=mine)
        else:
            answer = await http.delete(f"/api/v1/users/{user}", headers=bearer(token(actor, "admin")))
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await client.disconnect_push(timeout=SOON))["code"] == 4504

    # No token lets them in again, and none makes another user of them, with whatever name.
    for running in (node, other):
        async with opened(running.ws_url) as client:
            with pytest.raises(WireError) as caught:
                await client.connect(token(user, name="Asha Again"))
            assert caught.value.code == "forbidden"
    async with httpx.AsyncClient(base_url=other.url) as elsewhere:
        assert (await elsewhere.get("/api/v1/auth/me", headers=mine)).status_code == 403
    row = dict((await database.fetchrow("SELECT * FROM account_user WHERE id = $1", user)) or {})
    assert (row["name"], row["role"]) == (FORGOTTEN, Role.STUDENT)
    assert row["deleted_at"] is not None
    assert row["phone"] is row["avatar_url"] is row["time_zone"] is row["locale"] is None

    for table in (
        "live_promotion",
        "live_seat",
        "live_calendar",
        "live_guest",
        "live_away",
        "program_student",
        "program_progress",
    ):
        assert await database.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", user) == 0
    # Nor does the row alone, were there no ban.
    await node.gateway.access.unban(user)
    async with asyncio.timeout(SOON):
        while "deleted" not in (refusal := await http.get("/api/v1/auth/me", headers=mine)).json()["detail"]:
            await asyncio.sleep(0.05)
    assert (refusal.status_code, refusal.json()["code"]) == (403, "forbidden")
    # What stays has no name, and the place went to who waited for it.
    await nameless(database, user, room=room)
    written, *_ = rows = await archived(database, user, 1)
    assert (written["name"], written["data"]) == (FORGOTTEN, '{"text":"my words"}')
    assert {one["name"] for one in rows} == {FORGOTTEN}
    for table in ("room_push", "live_hand", "live_question", "live_moderation", "live_stay"):
        left = await database.fetch(f"SELECT * FROM {table} AS kept WHERE kept::text LIKE $1", f"%{user}%")
        assert left
        assert not [kept for kept in left if "Asha" in str(kept)]
    told = await database.fetchval("SELECT data FROM room_push WHERE room = $1 AND push = 'live.question'", room)
    assert json.loads(told)["question"]["author"] == {"id": user, "name": FORGOTTEN}
    places = await database.fetch("SELECT user_id, state FROM program_enrolment WHERE program_id = $1", program)
    assert [tuple(place) for place in places] == [(f"next-{user}", "enrolled")]

    admin = bearer(token(f"admin-{user}", "admin"))
    shown = (await http.get(f"/api/v1/users/{user}", headers=admin)).json()
    assert shown["deleted_at"] is not None
    assert (await http.get("/api/v1/users", headers=admin, params={"q": user, "role": "student"})).json()["items"] == []
    deleted = await http.get("/api/v1/users", headers=admin, params={"q": user, "status": "deleted"})
    assert [one["name"] for one in deleted.json()["items"]] == [FORGOTTEN]
    entries = (await http.get("/api/v1/audit", headers=admin, params={"subject": user})).json()["items"]
    assert [(entry["actor"], entry["act"]) for entry in entries] == [(actor, "accounts.delete")]
    for method, path, body in (
        ("DELETE", f"/api/v1/users/{user}", None),
        ("POST", f"/api/v1/users/{user}/unblock", None),
        ("PUT", f"/api/v1/users/{user}/role", {"role": "mentor"}),
    ):
        assert (await http.request(method, path, headers=admin, json=body)).status_code == 404


async def test_a_deletion_and_a_tally_wait_for_each_other_in_one_order(
    http: httpx.AsyncClient, node: Running, token: MakeToken, user: str, room: str, database: asyncpg.Pool
) -> None:
    async with connected(node.ws_url, token(user)) as client:
        await client.join(room)
        first, second = [
            (await client.call("live.ask", room=room, data={"text": text}))["question"] for text in ("Why?", "How?")
        ]
    count = "UPDATE live_question SET votes = votes + 1 WHERE id = $1"
    waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with database.acquire() as tally:
        async with tally.transaction():
            part = "SELECT FROM live_part WHERE session_id = $1 AND part = 'questions' FOR UPDATE"
            await tally.execute(part, room.removeprefix("session:"))
            await tally.execute(count, second)
            deletion = asyncio.create_task(http.delete(PROFILE, headers=bearer(token(user))))
            async with asyncio.timeout(SOON):
                while not await database.fetch(waits):
                    await asyncio.sleep(0.05)
            # A deadlock, had the deletion changed this row before it waited.
            await tally.execute(count, first)
        assert (await deletion).status_code == 204


async def test_no_deletion_waits_for_the_archive(
    http: httpx.AsyncClient,
    node: Running,
    token: MakeToken,
    user: str,
    create_session: CreateSession,
    database: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each message of theirs, and each that names them, is a step of its own.
    monkeypatch.setattr(personal_data, "SLICE", 1)
    room = f"session:{await create_session()}"
    async with connected(node.ws_url, token(user, name="Asha R")) as client:
        await client.join(room)
        await client.say(room, "one")
        await client.say(room, "two")
        await client.call("live.ask", room=room, data={"text": "Why?"})
    written = await archived(database, user, 3)
    async with database.acquire() as busy, busy.transaction():
        await busy.execute("SELECT FROM room_push WHERE author ->> 'id' = $1 FOR UPDATE", user)
        assert (await http.delete(PROFILE, headers=bearer(token(user)))).status_code == 204
        assert await archived(database, user, 3) == written
    await nameless(database, user, room=room)
    # It is at its end when no part is left.
    async with asyncio.timeout(SOON):
        while await database.fetch("SELECT FROM timer WHERE name = 'accounts.anonymise' AND key = $1", user):
            await asyncio.sleep(0.05)


async def test_what_is_archived_late_is_anonymised_in_the_end(
    http: httpx.AsyncClient, node: Running, token: MakeToken, user: str, room: str, database: asyncpg.Pool
) -> None:
    async with connected(node.ws_url, token(user)) as client:
        await client.join(room)
        await client.say(room, "my words")
    await archived(database, user, 1)
    await http.delete(PROFILE, headers=bearer(token(user)))
    await nameless(database, user)
    # As an archiver does that was behind.
    await database.execute(
        "UPDATE room_push SET author = json_build_object('id', $1::text, 'name', 'Late', 'role', 'student')"
        " WHERE author ->> 'id' = $1",
        user,
    )
    timer = "SELECT at FROM timer WHERE name = 'accounts.forget' AND key = $1"
    due = await database.fetchval(timer, user)
    # For what other nodes still had to write.
    assert 0 < (due - datetime.now(UTC)).total_seconds() <= 60
    assert (FORGET_TIMER, ANONYMISE_TIMER) == ("accounts.forget", "accounts.anonymise")
    schedules = node.module(AccountsModule).kernel.schedules
    async with node.gateway.database.transaction():
        await schedules.at(FORGET_TIMER, user, datetime.now(UTC), ForgetDue(user, last=False))
    async with asyncio.timeout(SOON):
        while [row["name"] for row in await archived(database, user, 1)] != [FORGOTTEN]:
            await asyncio.sleep(0.05)
    # When the log has let go of all that they wrote, for the last time.
    due = await database.fetchval(timer, user)
    assert (due - datetime.now(UTC)).total_seconds() == pytest.approx(node.gateway.settings.retention + 3600, abs=60)


async def test_a_presence_interval_that_is_written_late_loses_its_name(
    http: httpx.AsyncClient, node: Running, token: MakeToken, user: str, room: str, database: asyncpg.Pool
) -> None:
    async with connected(node.ws_url, token(user, name="Asha R")) as client:
        await client.join(room)
        assert (await http.delete(PROFILE, headers=bearer(token(user)))).status_code == 204
    # As a node does that wrote its first interval of them after the deletion.
    late = "INSERT INTO live_stay VALUES ($1, $2, 'late', now(), now(), 'Asha R', false)"
    await database.execute(late, room.removeprefix("session:"), user)
    named = "SELECT FROM live_stay WHERE user_id = $1 AND name <> $2"
    assert await database.fetch(named, user, FORGOTTEN)
    # The pass after a minute, by which the nodes have written what they held.
    await node.fire_timer(FORGET_TIMER, user)
    assert not await database.fetch(
        "SELECT FROM live_stay WHERE user_id = $1 AND node = 'late' AND name <> $2", user, FORGOTTEN
    )
    # And the last one, which is set for when the log has let go of the user's messages.
    assert [timer.key for timer in await node.timers(FORGET_TIMER) if timer.key == user] == [user]

"""Announcements reach whom they are for, on every gateway, now or later, until they are over."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from devstack.guard import Guard
from ksmp_testkit import CreateSession, MakeGateway, MakeSettings, MakeToken, Running
from ksmp_testkit.socket_client import WireClient, WireError, connected
from modules.announcements.states import TRANSITIONS, AnnouncementStatus, AnnouncementStep, next_status
from tests.target import Target, targeted

PLACE = "/api/v1/announcements"
MakeCaller = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="module")
async def other(
    settings: MakeSettings, tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard
) -> AsyncIterator[Target]:
    """A second gateway, in a process of its own."""
    async with targeted(settings, tmp_path_factory.mktemp("other"), servers_guard) as target:
        yield target


@pytest.fixture(autouse=True)
async def nothing_announced(database: asyncpg.Pool) -> None:
    await database.execute("DELETE FROM timer WHERE starts_with(name, 'announcements.')")
    await database.execute("DELETE FROM announcement")


@pytest.fixture
async def caller(node: Running, token: MakeToken) -> AsyncIterator[MakeCaller]:
    """`caller("admin")` gives an HTTP client of that role, at the first gateway."""
    made: list[httpx.AsyncClient] = []

    def make(role: str = "student", user: str | None = None, url: str = node.url) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token(user or f'u-{uuid.uuid4().hex}', role)}"}
        client = httpx.AsyncClient(base_url=url, headers=headers, timeout=10)
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def admin(caller: MakeCaller) -> httpx.AsyncClient:
    return caller("admin")


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def titled(client: WireClient, title: str) -> None:
    """Wait for the push of the announcement with this title; its notification has the title too."""
    await client.expect(
        lambda one: one.get("push") == "announcements.published" and bool(one["data"]["title"] == title)
    )


async def announce(admin: httpx.AsyncClient, title: str = "Hear", audience: str = "all", **fields: Any) -> Any:
    answer = await admin.post(PLACE, json={"audience": audience, "title": title, **fields})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PLACE}/{answer.json()['id']}"
    return answer.json()


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if field is not None:
        assert answer.json()["errors"][0]["field"] == field


def titles(current: Any) -> list[str]:
    return [item["title"] for item in current["items"]]


async def shown_to(client: httpx.AsyncClient) -> list[str]:
    answer = await client.get(f"{PLACE}/current")
    assert answer.status_code == 200, answer.text
    return titles(answer.json())


async def shown_in(client: WireClient, room: str) -> list[str]:
    return titles(await client.call("announcements.current", room=room, data={}))


async def timers(database: asyncpg.Pool, id: str, name: str) -> list[datetime]:
    rows = await database.fetch("SELECT at FROM timer WHERE key = $1 AND name = $2", id, name)
    return [row["at"] for row in rows]


async def test_published_on_one_gateway_it_is_pushed_on_the_other(
    admin: httpx.AsyncClient, node: Running, other: Target, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with (
        connected(other.ws_url, token("stu")) as student,
        connected(node.ws_url, token("men", "mentor")) as mentor,
    ):
        made = await announce(admin, text="All of you")
        assert (made["status"], made["rev"]) == ("published", 1)
        assert made["created_by"].startswith("u-")
        for client in (student, mentor):
            push = await client.expect_push("announcements.published", "announce:all")
            assert push["data"] == {key: made[key] for key in made if key not in ("created_by", "created_at")}
            assert "from" not in push
        to_mentors = await announce(admin, "Mentors", "role:mentor")
        push = await mentor.expect_push("announcements.published", "announce:mentor")
        assert push["data"]["id"] == to_mentors["id"]
        await announce(admin, "Students", "role:student")
        await student.expect_push("announcements.published", "announce:student")
        assert [push["data"]["title"] for push in student.pushes("announcements.published")] == ["Hear", "Students"]
    (expires,) = await timers(database, made["id"], "announcements.expire")
    assert expires == datetime.fromisoformat(made["expires_at"])
    assert expires - datetime.fromisoformat(made["publish_at"]) == timedelta(days=7)


async def test_who_connects_later_is_shown_what_is_for_them(
    admin: httpx.AsyncClient, other: Target, token: MakeToken, caller: MakeCaller
) -> None:
    for title, audience in (("one", "all"), ("two", "all"), ("mentors", "role:mentor"), ("students", "role:student")):
        await announce(admin, title, audience)
    await announce(admin, "later", publish_at=soon(3600))
    async with connected(other.ws_url, token("late")) as late:
        assert await shown_in(late, "announce:all") == ["two", "one"]
        assert await shown_in(late, "announce:student") == ["students"]
        assert late.pushes("announcements.published") == []
        with pytest.raises(WireError) as caught:
            await shown_in(late, "announce:mentor")
        assert caught.value.code == "not_joined"
    assert await shown_to(caller("student", url=other.url)) == ["students", "two", "one"]
    assert await shown_to(caller("mentor")) == ["mentors", "two", "one"]
    nobody = httpx.AsyncClient(base_url=other.url)
    refused(await nobody.get(f"{PLACE}/current"), 401, "unauthenticated")
    await nobody.aclose()


@pytest.mark.parametrize("role", ["student", "mentor"])
async def test_only_admins_announce(admin: httpx.AsyncClient, caller: MakeCaller, role: str) -> None:
    made = await announce(admin, publish_at=soon(3600))
    somebody, one = caller(role), f"{PLACE}/{made['id']}"
    refused(await somebody.post(PLACE, json={"audience": "all", "title": "Mine"}), 403, "forbidden")
    refused(await somebody.get(PLACE), 403, "forbidden")
    refused(await somebody.get(one), 403, "forbidden")
    refused(await somebody.patch(one, json={"title": "Mine"}, headers={"If-Match": "*"}), 403, "forbidden")
    refused(await somebody.post(f"{one}/withdraw"), 403, "forbidden")
    assert (await admin.get(one)).json() == made


async def test_a_scheduled_one_is_published_when_its_time_comes(
    admin: httpx.AsyncClient, caller: MakeCaller, node: Running, other: Target, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with connected(node.ws_url, token("ann")) as ann, connected(other.ws_url, token("ben")) as ben:
        due = soon(0.6)
        made = await announce(admin, publish_at=due)
        assert (made["status"], made["rev"]) == ("scheduled", 1)
        assert await timers(database, made["id"], "announcements.publish") == [datetime.fromisoformat(due)]
        assert await shown_to(caller()) == []
        for client in (ann, ben):
            push = await client.expect_push("announcements.published", "announce:all")
            assert datetime.now(UTC) >= datetime.fromisoformat(due)
            assert (push["data"]["id"], push["data"]["status"], push["data"]["rev"]) == (made["id"], "published", 2)
        assert await shown_in(ben, "announce:all") == ["Hear"]
        assert await timers(database, made["id"], "announcements.publish") == []


async def test_it_expires(
    admin: httpx.AsyncClient, caller: MakeCaller, other: Target, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with connected(other.ws_url, token("ann")) as ann:
        made = await announce(admin, expires_at=soon(0.7))
        await ann.expect_push("announcements.published")
        assert await shown_in(ann, "announce:all") == ["Hear"]
        push = await ann.expect_push("announcements.expired", "announce:all")
        assert (push["data"]["id"], push["data"]["status"], push["data"]["rev"]) == (made["id"], "expired", 2)
        assert await shown_in(ann, "announce:all") == []
    assert await shown_to(caller()) == []
    assert (await admin.get(f"{PLACE}/{made['id']}")).json()["status"] == "expired"
    refused(await admin.post(f"{PLACE}/{made['id']}/withdraw"), 409, "announcements.over")


async def test_past_its_end_it_is_shown_to_nobody_though_its_timer_is_late(
    admin: httpx.AsyncClient, caller: MakeCaller, database: asyncpg.Pool
) -> None:
    made = await announce(admin)
    back = (
        "UPDATE announcement SET publish_at = now() - interval '2 s', expires_at = now() - interval '1 s' WHERE id = $1"
    )
    await database.execute(back, uuid.UUID(made["id"]))
    assert await shown_to(caller()) == []


async def test_one_whose_end_comes_before_its_publication_expires_unseen(
    admin: httpx.AsyncClient, other: Target, token: MakeToken
) -> None:
    async with connected(other.ws_url, token("ann")) as ann:
        due = datetime.now(UTC) + timedelta(seconds=0.4)
        over = due + timedelta(microseconds=1)
        made = await announce(admin, publish_at=due.isoformat(), expires_at=over.isoformat())
        async with asyncio.timeout(10):
            while (await admin.get(f"{PLACE}/{made['id']}")).json()["status"] != "expired":
                await asyncio.sleep(0.05)
        await announce(admin, "mark")
        assert (await ann.expect_push("announcements.published"))["data"]["title"] == "mark"
        assert ann.pushes("announcements.expired") == []


async def test_withdrawn_it_goes_everywhere(
    admin: httpx.AsyncClient, caller: MakeCaller, other: Target, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with connected(other.ws_url, token("ann")) as ann:
        made = await announce(admin)
        await ann.expect_push("announcements.published")
        answer = await admin.post(f"{PLACE}/{made['id']}/withdraw")
        assert (answer.status_code, answer.json()["status"], answer.headers["etag"]) == (200, "withdrawn", '"2"')
        push = await ann.expect_push("announcements.withdrawn", "announce:all")
        assert (push["data"]["id"], push["data"]["rev"]) == (made["id"], 2)
        assert await shown_in(ann, "announce:all") == []
        assert (await admin.post(f"{PLACE}/{made['id']}/withdraw")).json() == answer.json()
        await announce(admin, "mark")
        await titled(ann, "mark")
        assert len(ann.pushes("announcements.withdrawn")) == 1
    assert await shown_to(caller()) == ["mark"]
    assert await timers(database, made["id"], "announcements.expire") == []
    refused(await admin.post(f"{PLACE}/{uuid.uuid4()}/withdraw"), 404, "not_found")


async def test_withdrawn_before_its_time_nobody_learns_of_it(
    admin: httpx.AsyncClient, other: Target, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with connected(other.ws_url, token("ann")) as ann:
        made = await announce(admin, publish_at=soon(0.4))
        assert (await admin.post(f"{PLACE}/{made['id']}/withdraw")).json()["status"] == "withdrawn"
        assert await timers(database, made["id"], "announcements.publish") == []
        await announce(admin, "mark", publish_at=soon(0.6))
        assert (await ann.expect_push("announcements.published"))["data"]["title"] == "mark"
        assert ann.pushes("announcements.withdrawn") == []


async def test_changed_it_is_published_at_its_new_time_with_its_new_words(
    admin: httpx.AsyncClient, other: Target, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with connected(other.ws_url, token("ann")) as ann:
        made = await announce(admin, publish_at=soon(3600))
        one = f"{PLACE}/{made['id']}"
        refused(await admin.patch(one, json={"title": "New"}), 428, "precondition_required")
        due = soon(0.5)
        change = {"title": "New", "audience": "role:student", "publish_at": due}
        answer = await admin.patch(one, json=change, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.headers["etag"], answer.json()["text"]) == (200, '"2"', made["text"])
        push = await ann.expect_push("announcements.published", "announce:student")
        assert (push["data"]["title"], push["data"]["rev"]) == ("New", 3)
        assert datetime.now(UTC) >= datetime.fromisoformat(due)
        refused(await admin.patch(one, json={"title": "X"}, headers={"If-Match": '"2"'}), 412, "precondition_failed")
        refused(
            await admin.patch(one, json={"title": "X"}, headers={"If-Match": "*"}), 409, "announcements.not_scheduled"
        )
        # At once.
        made = await announce(admin, "second", publish_at=soon(3600))
        change = {"publish_at": None}  # type: ignore[dict-item]
        answer = await admin.patch(f"{PLACE}/{made['id']}", json=change, headers={"If-Match": "*"})
        assert (answer.json()["status"], answer.json()["rev"]) == ("published", 2)
        assert (await ann.expect_push("announcements.published", "announce:all"))["data"]["rev"] == 2
        assert await timers(database, made["id"], "announcements.publish") == []
    refused(await admin.patch(f"{PLACE}/{uuid.uuid4()}", json={}, headers={"If-Match": "*"}), 404, "not_found")


async def test_of_edits_at_once_one_wins(
    admin: httpx.AsyncClient, caller: MakeCaller, other: Target, database: asyncpg.Pool
) -> None:
    made = await announce(admin, publish_at=soon(3600))
    admins = [admin, caller("admin", url=other.url)]
    times = [soon(4000 + n) for n in range(6)]
    answers = await asyncio.gather(
        *(
            admins[n % 2].patch(f"{PLACE}/{made['id']}", json={"publish_at": at}, headers={"If-Match": '"1"'})
            for n, at in enumerate(times)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]
    (won,) = [times[n] for n, answer in enumerate(answers) if answer.status_code == 200]
    assert await timers(database, made["id"], "announcements.publish") == [datetime.fromisoformat(won)]


async def test_a_timer_that_meets_an_edit_waits_for_its_end(
    admin: httpx.AsyncClient, other: Target, token: MakeToken, database: asyncpg.Pool
) -> None:
    async with connected(other.ws_url, token("ann")) as ann:
        made = await announce(admin, publish_at=soon(0.4))
        async with database.acquire() as connection, connection.transaction():
            await connection.execute("SELECT FROM announcement WHERE id = $1 FOR UPDATE", uuid.UUID(made["id"]))
            async with asyncio.timeout(10):
                while await timers(database, made["id"], "announcements.publish") == [
                    datetime.fromisoformat(made["publish_at"])
                ]:
                    await asyncio.sleep(0.02)
            assert ann.pushes("announcements.published") == []
        push = await ann.expect_push("announcements.published")
        assert (push["data"]["id"], push["data"]["rev"]) == (made["id"], 2)


async def test_edits_that_race_with_the_timers_neither_lose_nor_double(
    admin: httpx.AsyncClient, caller: MakeCaller, other: Target, token: MakeToken
) -> None:
    """Whoever comes first, what a client made of the pushes is what the rows say."""
    elsewhere = caller("admin", url=other.url)
    async with connected(other.ws_url, token("ann")) as ann:
        due = datetime.now(UTC) + timedelta(seconds=1.5)
        made = [await announce(admin, str(n), publish_at=due.isoformat()) for n in range(18)]
        await asyncio.sleep((due - datetime.now(UTC)).total_seconds() - 0.05)

        async def edit(n: int, id: str) -> list[httpx.Response]:
            headers = {"If-Match": "*"}
            await asyncio.sleep(n * 0.008)
            return await asyncio.gather(
                admin.patch(f"{PLACE}/{id}", json={"publish_at": soon(0.2)}, headers=headers),
                elsewhere.patch(f"{PLACE}/{id}", json={"text": "edited"}, headers=headers),
                *([elsewhere.post(f"{PLACE}/{id}/withdraw")] if n % 3 == 0 else []),
            )

        answers = await asyncio.gather(*(edit(n, one["id"]) for n, one in enumerate(made)))
        assert {answer.status_code for some in answers for answer in some} <= {200, 409}
        async with asyncio.timeout(10):
            while (await admin.get(PLACE, params={"status": "scheduled"})).json()["items"]:
                await asyncio.sleep(0.1)
        await announce(admin, "mark", "role:student")
        await ann.expect_push("announcements.published", "announce:student")
        rows = {one["id"]: one for one in (await admin.get(PLACE)).json()["items"] if one["title"] != "mark"}
        assert [rows[one["id"]]["status"] for one in made] == ["withdrawn", "published", "published"] * 6

        def settled() -> bool:
            seen = {
                push["data"]["id"]: push["data"]["rev"] for push in ann.received if push.get("room") == "announce:all"
            }
            return all(seen.get(id, row["rev"]) == row["rev"] for id, row in rows.items())

        async with asyncio.timeout(10):
            while not settled() or len(ann.pushes("announcements.published", "announce:all")) < 12:
                await asyncio.sleep(0.05)
        published = [push["data"]["id"] for push in ann.pushes("announcements.published", "announce:all")]
        assert len(published) == len(set(published))
        assert {id for id, row in rows.items() if row["status"] == "published"} <= set(published)


async def test_announced_once_however_often_it_is_asked(
    admin: httpx.AsyncClient, node: Running, token: MakeToken
) -> None:
    async with connected(node.ws_url, token("ann")) as ann:
        body, key = {"audience": "all", "title": "Once"}, {"Idempotency-Key": uuid.uuid4().hex}
        first = await admin.post(PLACE, json=body, headers=key)
        assert (await admin.post(PLACE, json=body, headers=key)).json() == first.json()
        await announce(admin, "mark")
        # Pushes of different announcements may change places.
        for title in ("Once", "mark"):
            await titled(ann, title)
        assert sorted(push["data"]["title"] for push in ann.pushes("announcements.published")) == ["Once", "mark"]


async def test_one_of_a_program_is_shown_to_those_who_take_part(
    admin: httpx.AsyncClient, caller: MakeCaller, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    program = f"p-{await create_session(open=False, enrolled=('enrolled',), program_mentor='teacher')}"
    for_all = f"p-{await create_session(open=True)}"
    await announce(admin, "closed", f"program:{program}")
    await announce(admin, "open", f"program:{for_all}")
    assert await shown_to(caller("student", "enrolled")) == ["open", "closed"]
    assert await shown_to(caller("mentor", "teacher")) == ["open", "closed"]
    assert await shown_to(caller("student", "stranger")) == ["open"]
    pushed = "SELECT body->>'push' AS push FROM outbox WHERE kind = 'push' AND destination = $1"
    assert len(await database.fetch(pushed, f"program:{program}")) == 1
    unknown = {"audience": "program:no-such", "title": "X"}
    refused(await admin.post(PLACE, json=unknown), 400, "invalid", "audience")


async def test_who_joins_a_program_s_room_later_is_shown_what_is_for_it(
    admin: httpx.AsyncClient, other: Target, token: MakeToken, create_session: CreateSession
) -> None:
    program = f"program:p-{await create_session(open=False, enrolled=('late',))}"
    elsewhere = f"program:p-{await create_session(open=False)}"
    await announce(admin, "first", program)
    second = await announce(admin, "second", program)
    await announce(admin, "theirs", elsewhere)
    await announce(admin, "all")
    await announce(admin, "later", program, publish_at=soon(3600))
    async with connected(other.ws_url, token("late")) as late, connected(other.ws_url, token("stranger")) as stranger:

        async def shown(client: WireClient = late, room: str = program) -> list[str]:
            return titles(await client.call("announcements.in_program", room=room, data={}))

        for client, room in ((late, program), (stranger, program), (late, elsewhere)):
            with pytest.raises(WireError) as caught:
                await shown(client, room)
            assert caught.value.code == "not_joined"
        await late.join(program)
        assert await shown() == ["second", "first"]
        assert late.pushes("announcements.published", program) == []
        brief = await announce(admin, "brief", program, expires_at=soon(0.7))
        await late.expect_push("announcements.published", program)
        await admin.post(f"{PLACE}/{second['id']}/withdraw")
        await late.expect_push("announcements.withdrawn", program)
        await late.expect(lambda one: one.get("push") == "announcements.expired" and one["data"]["id"] == brief["id"])
        assert await shown() == ["first"]


async def test_a_list_comes_in_pages(admin: httpx.AsyncClient) -> None:
    for title in "abc":
        await announce(admin, title)
    await announce(admin, "d", publish_at=soon(3600))
    first = (await admin.get(PLACE, params={"limit": 2})).json()
    second = (await admin.get(PLACE, params={"limit": 2, "cursor": first["next"]})).json()
    assert titles(first) + titles(second) == list("dcba")
    assert second["next"] is None
    assert titles((await admin.get(PLACE, params={"status": "scheduled"})).json()) == ["d"]
    refused(await admin.get(PLACE, params={"status": "lost"}), 400, "invalid", "status")


async def test_what_makes_no_sense_is_refused(admin: httpx.AsyncClient) -> None:
    for field, fields in (
        ("audience", {"audience": "everyone"}),
        ("audience", {"audience": "role:owner"}),
        ("audience", {"audience": "all\n"}),
        ("title", {"title": ""}),
        ("title", {"title": " \t"}),
        ("publish_at", {"publish_at": "2026-01-31T18:30:00"}),
        ("expires_at", {"expires_at": soon(-1)}),
        ("expires_at", {"publish_at": soon(60), "expires_at": soon(59)}),
        ("expires_at", {"expires_at": soon(400 * 86_400)}),
        ("publish_at", {"publish_at": soon(400 * 86_400)}),
        ("publish_at", {"publish_at": "9999-12-31T23:59:59-12:00"}),
        ("expires_at", {"expires_at": "9999-12-31T23:59:59-12:00"}),
    ):
        answer = await admin.post(PLACE, json={"audience": "all", "title": "X", **fields})
        refused(answer, 400, "invalid", field)
    # Long ago is now.
    assert (await announce(admin, publish_at="0001-01-01T00:00:00+12:00"))["status"] == "published"


async def test_the_limits_are_settings(gateway: MakeGateway, caller: MakeCaller) -> None:
    environ = {
        "KSMP_ANNOUNCEMENTS_TITLE_CHARACTERS": "5",
        "KSMP_ANNOUNCEMENTS_TEXT_CHARACTERS": "7",
        "KSMP_ANNOUNCEMENTS_OPEN_PER_AUDIENCE": "2",
        "KSMP_ANNOUNCEMENTS_SHOWN_FOR": "30",
        "KSMP_ANNOUNCEMENTS_SHOWN_LONGEST": "45",
        "KSMP_ANNOUNCEMENTS_AHEAD": "60",
    }
    async with gateway(environ=environ) as running:
        admin = caller("admin", url=running.url)
        body = {"audience": "all", "title": "12345", "text": "1234567"}
        refused(await admin.post(PLACE, json=body | {"title": "123456"}), 413, "too_large", "title")
        refused(await admin.post(PLACE, json=body | {"text": "12345678"}), 413, "too_large", "text")
        refused(await admin.post(PLACE, json=body | {"expires_at": soon(46)}), 400, "invalid", "expires_at")
        refused(await admin.post(PLACE, json=body | {"publish_at": soon(61)}), 400, "invalid", "publish_at")
        answers = await asyncio.gather(*(admin.post(PLACE, json=body) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
        for answer in answers:
            if answer.status_code == 409:
                refused(answer, 409, "announcements.too_many")
        (made, _) = [answer.json() for answer in answers if answer.status_code == 201]
        shown = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["publish_at"])
        assert shown == timedelta(seconds=30)
        # Another audience has places of its own, but none for one that changes to this.
        moved = await announce(admin, "12345", "role:student", publish_at=soon(10))
        answer = await admin.patch(f"{PLACE}/{moved['id']}", json={"audience": "all"}, headers={"If-Match": "*"})
        refused(answer, 409, "announcements.too_many")
        # What is over leaves its place.
        await admin.post(f"{PLACE}/{made['id']}/withdraw")
        answer = await admin.patch(f"{PLACE}/{moved['id']}", json={"audience": "all"}, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text


def test_nothing_leads_back() -> None:
    order = list(AnnouncementStatus)
    for (status, step), then in TRANSITIONS.items():
        assert order.index(then) > order.index(status) or step is AnnouncementStep.CHANGE
    for over in (AnnouncementStatus.EXPIRED, AnnouncementStatus.WITHDRAWN):
        assert [next_status(over, step) for step in AnnouncementStep] == [None] * len(AnnouncementStep)
    assert next_status(AnnouncementStatus.PUBLISHED, AnnouncementStep.CHANGE) is None

"""Attendance is when somebody was in the room while the class went on; the report says so, and stays."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from gateway.principal import FORGOTTEN
from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import refused
from ksmp_testkit.socket_client import WireClient, connected

# None of them as it is by default.
ENVIRON = {
    "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.2",
    "KSMP_LIVE_ATTENDANCE_GAP": "20",
    "KSMP_LIVE_ATTENDANCE_SHARE": "0.8",
    "KSMP_LIVE_ATTENDANCE_LATE": "10",
    "KSMP_LIVE_ATTENDANCE_EARLY": "15",
    "KSMP_LIVE_ATTENDANCE_KEPT": "864000",
    "KSMP_LIVE_STARS_OPEN": "172800",
    "KSMP_LIVE_STARS_EDITABLE": "3600",
    "KSMP_LIVE_STARS_LEAST": "2",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(environ=ENVIRON, request_burst=100_000, address_burst=100_000) as running:
        yield running


class MakeCaller:
    """`caller("ann")` gives an HTTP client who is Ann."""

    def __init__(self, url: str, token: MakeToken) -> None:
        self._url = url
        self._token = token
        self.made: list[httpx.AsyncClient] = []

    def __call__(self, user: str, role: str = "student") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._token(user, role)}"}
        client = httpx.AsyncClient(base_url=f"{self._url}/api/v1/sessions/", headers=headers, timeout=10)
        self.made.append(client)
        return client


@pytest.fixture
async def caller(node: Running, token: MakeToken) -> AsyncIterator[MakeCaller]:
    make = MakeCaller(node.url, token)
    yield make
    for client in make.made:
        await client.aclose()


async def eventually(found: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first value that counts as true."""
    async with asyncio.timeout(20):
        # A user may ask for a report 60 times a minute.
        while not (value := await found()):
            await asyncio.sleep(0.5)
    return value


def user(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


async def good(answer: Awaitable[httpx.Response]) -> Any:
    response = await answer
    assert response.status_code == 200, response.text
    return response.json()


class Lesson:
    """A session of a program with `enrolled` students, which is live since a while."""

    def __init__(self, id: str, database: asyncpg.Pool, mentor: httpx.AsyncClient) -> None:
        self.id = id
        self.room = f"session:{id}"
        self.database = database
        self.mentor = mentor

    async def rows(self, **parameters: Any) -> dict[str, dict[str, Any]]:
        page = await good(self.mentor.get(f"{self.id}/attendance", params={"limit": 200, **parameters}))
        assert page["next"] is None
        return {row["user_id"]: row for row in page["items"]}

    async def curve(self) -> Any:
        return await good(self.mentor.get(f"{self.id}/attendance/curve"))

    async def stays(self) -> list[asyncpg.Record]:
        return await self.database.fetch("SELECT * FROM live_stay WHERE session_id = $1", self.id)

    async def end(self) -> None:
        await good(self.mentor.post(f"{self.id}/end"))

    async def settled(self) -> Any:
        """The curve of the stored report."""

        async def found() -> Any:
            curve = await self.curve()
            return curve if curve["settled"] else None

        return await eventually(found, "the report is stored")


MakeLesson = Callable[..., Awaitable[Lesson]]


@pytest.fixture
def lesson(create_session: CreateSession, database: asyncpg.Pool, caller: MakeCaller) -> MakeLesson:
    async def make(*enrolled: str, since: float = 0.0) -> Lesson:
        id = await create_session(mentor="meera", enrolled=enrolled)
        started = datetime.now(UTC) - timedelta(seconds=since)
        await database.execute(
            "UPDATE live_session SET state = 'live', started_at = $2, ended_at = NULL WHERE id = $1", id, started
        )
        return Lesson(id, database, caller("meera", "mentor"))

    return make


@pytest.fixture
async def enter(node: Running, token: MakeToken) -> AsyncIterator[Callable[..., Awaitable[WireClient]]]:
    """A connection of a user, in a room."""
    async with AsyncExitStack() as stack:

        async def enter(user: str, room: str, role: str = "student") -> WireClient:
            client = await stack.enter_async_context(connected(node.ws_url, token(user, role, name=f"Name of {user}")))
            await client.join(room)
            return client

        yield enter


Enter = Callable[..., Awaitable[WireClient]]


async def published(database: asyncpg.Pool, event: str, session: str) -> list[Any]:
    rows = await database.fetch("SELECT body FROM outbox WHERE kind = 'event' AND destination = $1 ORDER BY seq", event)
    found = [json.loads(row["body"]) for row in rows]
    return [one for one in found if one["session_id"] == session]


async def timer(database: asyncpg.Pool, name: str, session: str) -> datetime | None:
    at: datetime | None = await database.fetchval("SELECT at FROM timer WHERE name = $1 AND key = $2", name, session)
    return at


async def test_from_the_room_to_the_report(
    lesson: MakeLesson, enter: Enter, caller: MakeCaller, database: asyncpg.Pool
) -> None:
    """Tabs, a reconnect, one who leaves and one who never comes; while it goes on, and the same when it is over."""
    ann, bob, cyd = user("ann"), user("bob"), user("cyd")
    class_ = await lesson(ann, bob, cyd, since=2.0)
    first, second = await enter(ann, class_.room), await enter(ann, class_.room)
    await enter("meera", class_.room, "mentor")
    other = await enter(bob, class_.room)
    await first.say(class_.room, "hello")
    gone = await second.say(class_.room, "not for long")
    await second.call("chat.delete", room=class_.room, data={"seq": gone["seq"]})

    async def all_here() -> bool:
        rows = await class_.rows()
        return {ann, bob, "meera"} <= {who for who, row in rows.items() if row["seconds"] > 0}

    await eventually(all_here, "the stays are written")
    rows = await class_.rows()
    assert rows[cyd] == {**rows[cyd], "seconds": 0, "first_at": None, "present": False, "late": False}
    assert (rows[ann]["name"], rows[ann]["role"], rows["meera"]["role"]) == (f"Name of {ann}", "viewer", "host")
    # One tab of two, and back again after a moment: she has been there all the time.
    await first.call("leave", room=class_.room)
    await second.socket.close()
    await asyncio.sleep(0.5)
    await enter(ann, class_.room)
    await other.socket.close()

    async def bob_is_gone() -> bool:
        return any(stay["user_id"] == bob and stay["ended_at"] is not None for stay in await class_.stays())

    await eventually(bob_is_gone, "the end of a stay is written")
    await asyncio.sleep(0.5)
    before = datetime.now(UTC)
    await class_.end()
    curve = await class_.settled()
    assert len({stay["started_at"] for stay in await class_.stays() if stay["user_id"] == ann}) == 1
    rows = await class_.rows()
    ended = datetime.fromisoformat(curve["ended_at"])
    assert abs((ended - before).total_seconds()) < 5
    assert (rows[ann]["visits"], rows[ann]["early_seconds"]) == (1, 0)
    assert datetime.fromisoformat(rows[ann]["last_at"]) == ended
    assert datetime.fromisoformat(rows[bob]["last_at"]) < before
    assert await class_.rows(role="host") == {"meera": rows["meera"]}
    assert set(await class_.rows(role="viewer")) == {ann, bob, cyd}
    totals = curve["totals"]
    assert (totals["viewers"], totals["absent"], totals["hosts"], totals["peak_viewers"]) == (2, 1, 1, 2)
    assert (max(curve["viewers"]), curve["step_seconds"]) == (2, 60)
    assert await good(caller(ann).get(f"{class_.id}/attendance/me")) == rows[ann]
    assert await good(caller(cyd).get(f"{class_.id}/attendance/me")) == rows[cyd]
    # What is told to others.
    (event,) = await published(database, "live.SessionEnded", class_.id)
    assert event["figures"] == {
        **event["figures"],
        "viewers": 2,
        "absent": 1,
        "peak_viewers": 2,
        "messages": 1,
        "stars": {"count": 0, "spread": None},
    }
    (recorded,) = await published(database, "live.AttendanceRecorded", class_.id)
    assert datetime.fromisoformat(recorded["at"]) == ended
    attendees = {one["user_id"]: one for one in recorded["attendees"]}
    assert {who: one.get("seconds", 0) for who, one in attendees.items()} == {
        who: row["seconds"] for who, row in rows.items()
    }
    assert (attendees[cyd]["state"], attendees["meera"]["state"]) == ("absent", "host")
    assert sum(one.get("messages", 0) for one in attendees.values()) == 1
    assert [(one["kind"], one["count"]) for one in recorded["said"]] == [("message", 1)]


async def stay(
    database: asyncpg.Pool,
    class_: Lesson,
    user: str,
    *,
    name: str = "N",
    host: bool = False,
    late: float = 0.0,
    until: float = 3600.0,
) -> None:
    """Somebody who was there from `late` to `until` seconds after the start, as another node has told."""
    await database.execute(
        """INSERT INTO live_stay (session_id, user_id, node, started_at, ended_at, name, host)
        SELECT id, $2, 'elsewhere', started_at + $5::interval, started_at + $6::interval, $3, $4
        FROM live_session WHERE id = $1""",
        class_.id,
        user,
        name,
        host,
        timedelta(seconds=late),
        timedelta(seconds=until),
    )


async def test_the_rules_are_settings(lesson: MakeLesson, database: asyncpg.Pool) -> None:
    class_ = await lesson(since=1000.0)
    for name, late, until in (("good", 9.0, 3600.0), ("late", 11.0, 3600.0), ("early", 0.0, 984.0)):
        await stay(database, class_, name, late=late, until=until)
    # Away for 19 seconds, which is no absence, and for 21, which is.
    await stay(database, class_, "there", until=500.0)
    await stay(database, class_, "there", late=519.0)
    await stay(database, class_, "seldom", until=400.0)
    await stay(database, class_, "seldom", late=421.0, until=600.0)
    await class_.end()
    await class_.settled()
    assert await timer(database, "live.settle", class_.id) is None
    rows = await class_.rows()
    assert {who: (row["late"], row["early"], row["present"], row["visits"]) for who, row in rows.items()} == {
        "good": (False, False, True, 1),
        "late": (True, False, True, 1),
        "early": (False, True, True, 1),
        "there": (False, False, True, 1),
        "seldom": (False, True, False, 2),
    }


async def test_a_list_in_pages_before_and_after_the_end(
    lesson: MakeLesson, database: asyncpg.Pool, enter: Enter
) -> None:
    class_ = await lesson(since=60.0)
    # In the order of their characters, which is not the database's.
    users = [f"{letter}-{class_.id[:8]}" for letter in "BCab_-"]
    for one in users:
        await stay(database, class_, one)

    async def pages(first: str | None = None) -> list[str]:
        found: list[str] = []
        cursor = first
        while True:
            parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = await good(class_.mentor.get(f"{class_.id}/attendance", params=parameters))
            found += [row["user_id"] for row in page["items"]]
            if (cursor := page["next"]) is None:
                return found

    assert await pages() == sorted(users)
    middle = (await good(class_.mentor.get(f"{class_.id}/attendance", params={"limit": 3})))["next"]
    await class_.end()
    await class_.settled()
    assert await pages() == sorted(users)
    # A page that was asked for while the class went on has its next one afterwards.
    assert await pages(middle) == sorted(users)[3:]
    answer = await class_.mentor.get(f"{class_.id}/attendance", params={"cursor": "nonsense"})
    refused(answer, 400, "invalid")


async def test_who_was_not_there_has_a_name(lesson: MakeLesson, database: asyncpg.Pool) -> None:
    absent, gone, stranger = user("absent"), user("gone"), user("stranger")
    class_ = await lesson(absent, gone, stranger, since=60.0)
    for known, name in ((absent, "Asha"), (gone, "Gita")):
        await database.execute("INSERT INTO account_user (id, name, role) VALUES ($1, $2, 'student')", known, name)

    async def names(**parameters: Any) -> dict[str, str]:
        rows = await class_.rows(**parameters)
        answer = await class_.mentor.get(f"{class_.id}/attendance", params={"format": "csv"})
        sheet = {row["user_id"]: row["name"] for row in csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))}
        assert sheet == {id: row["name"] for id, row in rows.items()}
        return sheet

    everybody = {absent: "Asha", gone: "Gita", stranger: ""}
    assert await names() == everybody
    await class_.end()
    await class_.settled()
    # The report keeps the names of its day. Who was not known then is shown by their name as soon as they are.
    await database.execute("UPDATE account_user SET name = 'Another' WHERE id = $1", absent)
    await database.execute("INSERT INTO account_user (id, name, role) VALUES ($1, 'Nila', 'student')", stranger)
    assert await names(role="viewer") == {**everybody, stranger: "Nila"}
    stored = await database.fetch("SELECT user_id, name FROM live_attendance WHERE session_id = $1", class_.id)
    assert {row["user_id"]: row["name"] for row in stored} == everybody


async def test_a_sheet_for_spreadsheets(lesson: MakeLesson, database: asyncpg.Pool) -> None:
    class_ = await lesson(since=60.0)
    await stay(database, class_, "evil", name='=HYPERLINK("http://x")')
    await stay(database, class_, "mentor", host=True)
    place = f"{class_.id}/attendance"

    async def texts() -> set[str]:
        by_accept = await class_.mentor.get(place, headers={"Accept": "text/csv"})
        by_format = await class_.mentor.get(place, params={"format": "csv"}, headers={"Accept": "application/json"})
        for answer in (by_accept, by_format):
            assert answer.headers["content-type"].startswith("text/csv")
            assert f"attendance-{class_.id}.csv" in answer.headers["content-disposition"]
            assert "accept" in answer.headers["vary"].lower()
            assert answer.content.startswith(b"\xef\xbb\xbf")
        return {answer.text.removeprefix("\ufeff") for answer in (by_accept, by_format)}

    for moment in ("during", "after"):
        for text in await texts():
            rows = list(csv.DictReader(io.StringIO(text)))
            assert [(row["user_id"], row["name"], row["role"]) for row in rows] == [
                ("evil", '\'=HYPERLINK("http://x")', "viewer"),
                ("mentor", "N", "host"),
            ], moment
            assert float(rows[0]["minutes"]) == pytest.approx(1.0, abs=0.5)
        if moment == "during":
            await class_.end()
            await class_.settled()
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert (await good(class_.mentor.get(place, headers=browser)))["items"]
    only = await class_.mentor.get(place, params={"format": "csv", "role": "host"})
    assert len(only.text.splitlines()) == 2


async def test_only_its_mentors_see_who_attended(lesson: MakeLesson, caller: MakeCaller) -> None:
    ann = user("ann")
    class_ = await lesson(ann)
    await class_.database.execute("UPDATE program SET open_to_all = false WHERE id = $1", f"p-{class_.id}")
    for part in ("attendance", "attendance/curve", "stars", "stars/comments"):
        for who, role in ((ann, "student"), (user("other"), "mentor"), (user("stranger"), "student")):
            refused(await caller(who, role).get(f"{class_.id}/{part}"), 403, "forbidden")
        for who, role in (("program-mentor", "mentor"), (user("root"), "admin")):
            await good(caller(who, role).get(f"{class_.id}/{part}"))
        refused(await caller("root", "admin").get(f"nowhere/{part}"), 404, "not_found")
    for part in ("attendance/me", "stars/me"):
        refused(await caller(user("stranger")).get(f"{class_.id}/{part}"), 403, "forbidden")
    refused(await caller(user("stranger")).put(f"{class_.id}/stars", json={"stars": 1}), 403, "forbidden")


async def test_a_session_that_has_not_begun_has_nobody(lesson: MakeLesson, database: asyncpg.Pool) -> None:
    class_ = await lesson()
    await stay(database, class_, "early-bird")
    await database.execute("UPDATE live_session SET state = 'scheduled', started_at = NULL WHERE id = $1", class_.id)
    assert await class_.rows() == {}
    curve = await class_.curve()
    assert (curve["started_at"], curve["viewers"], curve["settled"]) == (None, [], False)


async def test_mentors_are_told_how_many_there_are(lesson: MakeLesson, enter: Enter) -> None:
    class_ = await lesson()
    mentor = await enter("meera", f"staff:{class_.id}", "mentor")

    async def told(**count: int) -> None:
        wanted = {"session_id": class_.id, **count}
        await mentor.expect(lambda one: one.get("push") == "live.attendance" and one["data"] == wanted, timeout=20)

    await told(viewers=0, hosts=0)
    ann = user("ann")
    tabs = [await enter(ann, class_.room), await enter(ann, class_.room)]
    await mentor.join(class_.room)
    await told(viewers=1, hosts=1)
    snapshot = await mentor.call("live.staff_snapshot", room=f"staff:{class_.id}", data={})
    assert snapshot["parts"]["live.attendance"] == {"session_id": class_.id, "viewers": 1, "hosts": 1}
    for tab in tabs:
        await tab.socket.close()
    await told(viewers=0, hosts=1)
    assert len(mentor.pushes("live.attendance")) <= 6


async def test_a_gateway_that_goes_away_ends_its_stays(
    gateway: MakeGateway, lesson: MakeLesson, token: MakeToken, database: asyncpg.Pool
) -> None:
    """It writes what it has not written yet before its database is closed, and is waited for no longer."""
    class_ = await lesson()
    ann = user("ann")
    async with (
        gateway(environ={"KSMP_LIVE_ATTENDANCE_INTERVAL": "3600"}) as running,
        connected(running.ws_url, token(ann)) as client,
    ):
        await client.join(class_.room)
        assert await class_.stays() == []
        left = datetime.now(UTC)
        await running.stop()
    (found,) = await class_.stays()
    assert found["user_id"] == ann
    assert abs((found["ended_at"] - left).total_seconds()) < 10
    assert await database.fetchval("SELECT count(*) FROM live_node WHERE node = $1", found["node"]) == 0


async def test_the_report_stays_when_the_stays_are_let_go(
    lesson: MakeLesson, database: asyncpg.Pool, caller: MakeCaller
) -> None:
    ann = user("ann")
    class_ = await lesson(since=60.0)
    await stay(database, class_, ann)
    await class_.end()
    await class_.settled()
    before = await class_.rows()
    assert before[ann]["present"]
    due = await timer(database, "live.prune", class_.id)
    assert due is not None
    assert due - datetime.now(UTC) > timedelta(days=9)
    await database.execute(
        "INSERT INTO live_node VALUES ('long-gone', now() - interval '11 days') ON CONFLICT DO NOTHING"
    )
    await make_due(database, "live.prune", class_.id)

    async def pruned() -> bool:
        return not await class_.stays()

    await eventually(pruned, "the stays are deleted")
    assert await database.fetchval("SELECT count(*) FROM live_node WHERE node = $1", f"gone-{class_.id}") == 0
    assert await class_.rows() == before
    assert await good(caller(ann).get(f"{class_.id}/attendance/me")) == before[ann]
    assert (await caller(ann).put(f"{class_.id}/stars", json={"stars": 4})).status_code == 200


async def make_due(database: asyncpg.Pool, name: str, session: str) -> None:
    """Let a timer's time come; the leader sees that it is overdue and sends it."""
    await database.execute(
        "UPDATE timer SET at = now() - interval '1 minute' WHERE name = $1 AND key = $2", name, session
    )


async def test_stars_from_each_once_and_the_mentor_sees_how_many(
    lesson: MakeLesson, database: asyncpg.Pool, caller: MakeCaller
) -> None:
    students = [user(name) for name in ("ann", "bob", "cyd")]
    absent = user("dan")
    class_ = await lesson(absent, *students, since=60.0)
    place = f"{class_.id}/stars"
    for one in students:
        await stay(database, class_, one)
    ann, bob, cyd = (caller(one) for one in students)
    refused(await ann.put(place, json={"stars": 5}), 409, "live.not_over")
    refused(await ann.get(f"{place}/me"), 404, "not_found")
    await class_.end()
    for wrong in ({"stars": 0}, {"stars": 6}, {"stars": 2.5}, {}, {"stars": 5, "comment": "x" * 2001}):
        refused(await ann.put(place, json=wrong), 400, "invalid")
    refused(await caller(absent).put(place, json={"stars": 1}), 409, "live.not_attended")
    refused(await class_.mentor.put(place, json={"stars": 5}), 403, "forbidden")
    given = await good(ann.put(place, json={"stars": 1, "comment": "Too fast"}))
    final = datetime.fromisoformat(given["final_at"]) - datetime.fromisoformat(given["given_at"])
    assert (given["stars"], given["comment"], final) == (1, "Too fast", timedelta(hours=1))
    # Changed, not given again.
    changed = await good(ann.put(place, json={"stars": 4, "comment": "Better on second thought"}))
    assert changed == {**given, "stars": 4, "comment": "Better on second thought"}
    assert await good(ann.get(f"{place}/me")) == changed
    assert await good(class_.mentor.get(place)) == {"count": 1, "spread": None, "average": None}
    assert await good(class_.mentor.get(f"{place}/comments")) == {"items": [], "next": None}
    await good(bob.put(place, json={"stars": 5}))
    await good(cyd.put(place, json={"stars": 5, "comment": "Thanks"}))
    assert await good(class_.mentor.get(place)) == {"count": 3, "spread": [0, 0, 0, 1, 2], "average": 4.67}
    # One by one, so that pages are turned.
    first = await good(class_.mentor.get(f"{place}/comments", params={"limit": 1}))
    second = await good(class_.mentor.get(f"{place}/comments", params={"limit": 1, "cursor": first["next"]}))
    assert second["next"] is None
    comments = [*first["items"], *second["items"]]
    assert sorted(comments, key=lambda one: one["stars"]) == [
        {"stars": 4, "comment": "Better on second thought"},
        {"stars": 5, "comment": "Thanks"},
    ]
    # An hour later they stand, two days later no new ones come.
    await database.execute(
        "UPDATE live_star SET given_at = given_at - interval '61 minutes' WHERE user_id = $1", students[0]
    )
    refused(await ann.put(place, json={"stars": 1}), 409, "live.stars_final")
    # Told without who and when; each change takes back what it changes.
    changes = await published(database, "live.StarsGiven", class_.id)
    assert [(one["before"], one["stars"]) for one in changes] == [(None, 1), (1, 4), (None, 5), (None, 5)]
    assert len({one["change_id"] for one in changes}) == 4
    assert len({one["at"] for one in changes}) == 1
    assert not any(one in str(changes) for one in students)
    await class_.settled()
    await database.execute("UPDATE live_session SET ended_at = ended_at - interval '49 hours' WHERE id = $1", class_.id)
    await database.execute("DELETE FROM live_star WHERE user_id = ANY($1)", students[:2])
    refused(await bob.put(place, json={"stars": 1}), 409, "live.stars_closed")
    await good(cyd.put(place, json={"stars": 2}))
    await make_due(database, "live.rated", class_.id)

    async def told() -> Any:
        return await published(database, "live.SessionRated", class_.id)

    (event,) = await eventually(told, "what the stars came to is told")
    assert event["stars"] == {"count": 1, "spread": None}


async def test_a_user_may_have_what_is_kept_and_be_forgotten(
    node: Running, lesson: MakeLesson, database: asyncpg.Pool, caller: MakeCaller
) -> None:
    ann = user("ann")
    class_ = await lesson(since=60.0)
    await stay(database, class_, ann, name="Ann")
    await class_.end()
    await class_.settled()
    await good(caller(ann).put(f"{class_.id}/stars", json={"stars": 5, "comment": "I am Ann"}))
    live = next(module for module in node.gateway.modules if module.name == "live")
    export = await live.export(ann)
    assert [(row["session_id"], row["present"]) for row in export["attendance"]] == [(class_.id, True)]
    assert [(row["stars"], row["comment"]) for row in export["stars"]] == [(5, "I am Ann")]
    await live.forget(ann)
    await live.forget(ann)
    assert {row["name"] for row in await class_.stays()} == {FORGOTTEN}
    row = (await class_.rows())[ann]
    assert (row["name"], row["present"]) == (FORGOTTEN, True)
    assert (await live.export(ann))["stars"][0]["comment"] == ""

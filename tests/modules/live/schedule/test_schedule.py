"""What happens to sessions by itself, series by rules of RFC 5545, and calendar feeds."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from ksmp_testkit import MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import connected
from modules.live.schedule.icalendar import fold
from modules.live.schedule.recurrence import occurrences

SESSIONS, SERIES, CALENDARS = "/api/v1/sessions", "/api/v1/series", "/api/v1/calendars"
ANY = {"If-Match": "*"}
Caller = Callable[..., httpx.AsyncClient]
FIRST = datetime(2027, 3, 8, 12, 30, tzinfo=UTC)  # a Monday
HORIZON = FIRST + timedelta(days=366)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {
        "KSMP_LIVE_LOBBY_BEFORE": "3600",
        "KSMP_LIVE_REMIND_BEFORE": "86400,3598",
        "KSMP_LIVE_MISSED_AFTER": "0",
        "KSMP_LIVE_OVERRUN": "1",
        "KSMP_LIVE_SERIES_MOST": "20",
        "KSMP_LIVE_CALENDAR_PAST": "60",
        "KSMP_LIVE_CALENDAR_MOST": "10000",
        "KSMP_LIVE_PUBLIC_URL": "https://ksmp.test/",
    }
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def caller(node: Running, token: MakeToken) -> AsyncIterator[Caller]:
    async with AsyncExitStack() as stack:

        def make(user: str | None, role: str = "student") -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {token(user, role)}"} if user else {}
            client = httpx.AsyncClient(base_url=node.url, headers=headers, timeout=30)
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
async def program(database: asyncpg.Pool) -> str:
    """A program of the mentor `meera` in which `enid-<id>` is enrolled."""
    id = uuid.uuid4().hex
    await database.execute("INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', 'meera')", id)
    await database.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", id, f"enid-{id}")
    return id


def at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def created(mentor: httpx.AsyncClient, program: str, starts: float, ends: float, **values: Any) -> str:
    body = {"program_id": program, "title": "Roots", "starts_at": at(starts), "ends_at": at(ends)} | values
    answer = await mentor.post(f"{SESSIONS}/", json=body)
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"]
    return path


async def becomes(client: httpx.AsyncClient, path: str, state: str) -> None:
    async with asyncio.timeout(20):
        while (await client.get(path)).json()["state"] != state:
            await asyncio.sleep(0.1)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_lobby_opens_and_a_program_is_reminded_by_itself(
    caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    async with connected(node.ws_url, token(f"enid-{program}")) as enid:
        await enid.join(f"program:{program}")
        path = await created(mentor, program, 3600, 7200)
        id = path.rsplit("/", 1)[1]
        await becomes(mentor, path, "lobby")
        push = await enid.expect_push("live.reminder", f"program:{program}")
        assert {key: push["data"][key] for key in ("session_id", "title", "ahead")} == {
            "session_id": id,
            "title": "Roots",
            "ahead": 3598,
        }
    # Moved, it is reminded of anew, and closes after its new end; over, it has no timers.
    moved = {"starts_at": at(200_000), "ends_at": at(203_600)}
    assert (await mentor.patch(path, json=moved, headers={"If-Match": "*"})).status_code == 200
    timers = "SELECT name FROM timer WHERE starts_with(key, $1) ORDER BY name"
    later = await created(mentor, program, 200_000, 203_600)
    waits = [row["name"] for row in await database.fetch(timers, later.rsplit("/", 1)[1])]
    assert waits == ["live.close", "live.open_lobby", "live.remind", "live.remind"]
    names = [row["name"] for row in await database.fetch(timers, id)]
    assert names == ["live.close", "live.remind", "live.remind"]
    assert (await mentor.post(f"{path}/cancel")).status_code == 200
    # Its lobby was open: who is there is told to go.
    assert [row["name"] for row in await database.fetch(timers, id)] == ["live.empty"]


async def test_what_nobody_starts_is_cancelled_and_what_nobody_ends_is_ended(caller: Caller, program: str) -> None:
    mentor = caller("meera", "mentor")
    missed, forgotten = [await created(mentor, program, -10, 2.5) for _ in range(2)]
    await becomes(mentor, forgotten, "lobby")
    assert (await mentor.post(f"{forgotten}/start")).status_code == 200
    await becomes(mentor, missed, "cancelled")
    await becomes(mentor, forgotten, "ended")


async def test_a_series_is_sessions_that_are_changed_and_cancelled_together(
    caller: Caller, program: str, database: asyncpg.Pool
) -> None:
    mentor, enid, stranger = caller("meera", "mentor"), caller(f"enid-{program}"), caller("otto", "mentor")
    day = (datetime.now(UTC) + timedelta(days=3)).replace(hour=12, minute=30, second=0, microsecond=0)
    body = {
        "program_id": program,
        "title": "Roots",
        "starts_at": day.isoformat(),
        "ends_at": (day + timedelta(hours=1)).isoformat(),
        "rule": "FREQ=DAILY;INTERVAL=2;COUNT=4",
        "timezone": "Asia/Kolkata",
    }
    refused(await stranger.post(f"{SERIES}/", json=body), 403, "forbidden")
    refused(await mentor.post(f"{SERIES}/", json=body | {"rule": "FREQ=DAILY"}), 400, "invalid")
    answer = await mentor.post(f"{SERIES}/", json=body)
    assert (answer.status_code, answer.json()["sessions"]) == (201, 4), answer.text
    path = answer.headers["location"]
    id = path.rsplit("/", 1)[1]

    async def items() -> list[Any]:
        found: list[Any] = (await enid.get(SESSIONS, params={"series": id})).json()["items"]
        return found

    assert [one["starts_at"] for one in await items()] == [
        (day + timedelta(days=n)).isoformat().replace("+00:00", "Z") for n in (0, 2, 4, 6)
    ]
    # One that has begun goes on as it is.
    first = (await items())[0]["id"]
    assert (await mentor.post(f"{SESSIONS}/{first}/open")).status_code == 200
    for nobody in (stranger, enid):
        refused(await nobody.patch(path, json={"title": "B"}, headers=ANY), 403, "forbidden")
        refused(await nobody.post(f"{path}/cancel"), 403, "forbidden")
    refused(await stranger.get(path), 403, "forbidden")
    changed = await mentor.patch(path, json={"title": "B", "mode": "interactive"}, headers=ANY)
    assert changed.json()["title"] == "B"
    assert [(one["title"], one["mode"]) for one in await items()] == [
        ("Roots", "broadcast"),
        *[("B", "interactive")] * 3,
    ]
    # Nothing can be recorded here.
    refused(await mentor.patch(path, json={"recording": True}, headers=ANY), 409, "live.no_recording")
    assert (await caller("root", "admin").post(f"{path}/cancel")).status_code == 200
    acts = await database.fetch("SELECT actor, act FROM account_audit WHERE subject = $1", id)
    assert [tuple(row) for row in acts] == [("root", "live.cancel_series")]
    assert [one["state"] for one in await items()] == ["lobby", *["cancelled"] * 3]
    assert (await enid.get(path)).json()["timezone"] == "Asia/Kolkata"


async def test_a_series_is_moved_but_for_what_was_moved_by_itself(
    caller: Caller, program: str, node: Running, database: asyncpg.Pool
) -> None:
    mentor, enid, stranger = caller("meera", "mentor"), caller(f"enid-{program}"), caller("otto", "mentor")
    day = (datetime.now(UTC) + timedelta(days=3)).replace(hour=12, minute=30, second=0, microsecond=0)
    body = {
        "program_id": program,
        "title": "Roots",
        "starts_at": day.isoformat(),
        "ends_at": (day + timedelta(hours=1)).isoformat(),
        "rule": "FREQ=DAILY;COUNT=5",
        "timezone": "Asia/Kolkata",
    }
    path = (await mentor.post(f"{SERIES}/", json=body)).headers["location"]
    id = path.rsplit("/", 1)[1]

    async def items() -> list[Any]:
        found: list[Any] = (await enid.get(SESSIONS, params={"series": id})).json()["items"]
        return found

    async def waiting() -> list[float]:
        """In hours after noon and a half of the first day."""
        moments = [datetime.fromisoformat(one["starts_at"]) for one in await items() if one["state"] == "scheduled"]
        return [(moment - day) / timedelta(hours=1) for moment in moments]

    address = (await enid.post(f"{CALENDARS}/")).json()["url"].removeprefix("https://ksmp.test")

    async def sequences() -> dict[str, int]:
        events = icalendar.Calendar.from_ical((await enid.get(address)).content).walk("VEVENT")
        return {str(event["UID"]).partition("@")[0]: int(event["SEQUENCE"]) for event in events}

    async def change(tag: str = "*", **values: Any) -> httpx.Response:
        values = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
        return await mentor.patch(path, json=values, headers={"If-Match": tag})

    first, off, moved, *_ = [f"{SESSIONS}/{one['id']}" for one in await items()]
    assert (await mentor.post(f"{off}/cancel")).status_code == 200
    by_itself = {"starts_at": at(86400 * 5), "ends_at": at(86400 * 5 + 1800)}
    kept = (await mentor.patch(moved, json=by_itself, headers=ANY)).json()
    before = await sequences()
    # Half an hour later, and as much longer.
    times = {"starts_at": day + timedelta(hours=0.5), "ends_at": day + timedelta(hours=2)}
    refused(await stranger.patch(path, json={"starts_at": at(300_000)}, headers=ANY), 403, "forbidden")
    refused(await mentor.patch(path, json={"starts_at": at(300_000)}), 428, "precondition_required")
    refused(await change('"7"', **times), 412, "precondition_failed")
    refused(await change(ends_at=day), 400, "invalid")
    answer = await change('"1"', **times)
    assert (answer.status_code, answer.headers["etag"], answer.json()["rev"]) == (200, '"2"', 2), answer.text
    hours = await waiting()
    assert [hour for hour in hours if hour % 24 == 0.5] == [0.5, 72.5, 96.5]
    assert len(hours) == 4
    assert (await mentor.get(moved)).json() == kept
    assert (await mentor.get(off)).json()["state"] == "cancelled"
    now = (await mentor.get(first)).json()
    length = datetime.fromisoformat(now["ends_at"]) - datetime.fromisoformat(now["starts_at"])
    assert length == timedelta(hours=1.5)
    name = first.rsplit("/", 1)[1]
    after = await sequences()
    assert (after[name] > before[name], after[kept["id"]] == before[kept["id"]]) == (True, True)
    opens = await database.fetchval("SELECT at FROM timer WHERE name = 'live.open_lobby' AND key = $1", name)
    remind = await database.fetchval("SELECT at FROM timer WHERE name = 'live.remind' AND key = $1", f"{name}-86400")
    assert (day - opens, day - remind) == (timedelta(hours=0.5), timedelta(hours=23.5))
    # By another rule, of which the places of those that do not take place or were moved are a part.
    assert (await change(rule="FREQ=DAILY;INTERVAL=2;COUNT=4", title="C")).status_code == 200
    hours = await waiting()
    assert [hour for hour in hours if hour % 24 == 0.5] == [0.5, 144.5]
    assert [one["state"] for one in await items()].count("cancelled") == 2
    assert {one["title"] for one in await items() if one["state"] == "scheduled"} == {"C"}
    assert (await change(rule="FREQ=DAILY;COUNT=7")).status_code == 200
    assert [hour for hour in await waiting() if hour % 24 == 0.5] == [0.5, 72.5, 96.5, 120.5, 144.5]
    refused(await change(starts_at=day + timedelta(days=1), rule="FREQ=WEEKLY;BYDAY=MO,TU;COUNT=800"), 400, "invalid")
    assert (await mentor.post(f"{path}/cancel")).status_code == 200
    refused(await change(**times), 409, "live.not_changeable")


async def test_a_calendar_feed_is_its_owner_s_until_another_is_made(
    caller: Caller, program: str, database: asyncpg.Pool
) -> None:
    mentor, enid, nobody = caller("meera", "mentor"), caller(f"enid-{program}"), caller(None)
    title = "Wurzeln; Teil 1, „Quadrate“ und \\mehr " + "ä" * 60
    path = await created(mentor, program, 90_000, 93_600, title=title, summary="one\ntwo")
    gone = await created(mentor, program, 190_000, 193_600)
    await mentor.post(f"{gone}/cancel")
    address = (await enid.post(f"{CALENDARS}/")).json()["url"]
    assert address.startswith("https://ksmp.test/api/v1/calendars/")
    feed = await nobody.get(address.removeprefix("https://ksmp.test"))
    assert (feed.status_code, feed.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert all(len(line) <= 75 for line in feed.content.split(b"\r\n"))
    events = {str(event["UID"]): event for event in icalendar.Calendar.from_ical(feed.content).walk("VEVENT")}
    event = events[f"{path.rsplit('/', 1)[1]}@ksmp"]
    assert (str(event["SUMMARY"]), str(event["DESCRIPTION"])) == (title, "one\ntwo")
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(hours=1)
    assert str(events[f"{gone.rsplit('/', 1)[1]}@ksmp"]["STATUS"]) == "CANCELLED"
    # A stranger's feed does not show it.
    other = (await caller("sam").post(f"{CALENDARS}/")).json()["url"].removeprefix("https://ksmp.test")
    assert path.rsplit("/", 1)[1].encode() not in (await nobody.get(other)).content
    again = (await enid.post(f"{CALENDARS}/")).json()["url"].removeprefix("https://ksmp.test")
    refused(await nobody.get(address.removeprefix("https://ksmp.test")), 404, "not_found")
    assert (await nobody.get(again)).status_code == 200
    # No token is asked for, so who is kept out is looked up.
    block = "UPDATE account_user SET blocked = $2 WHERE id = $1"
    await database.execute(block, f"enid-{program}", True)
    refused(await nobody.get(again), 404, "not_found")
    await database.execute(block, f"enid-{program}", False)
    assert (await nobody.get(again)).status_code == 200
    assert (await enid.delete(f"{CALENDARS}/")).status_code == 204
    refused(await nobody.get(again), 404, "not_found")


def test_a_series_keeps_the_time_of_its_place_s_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    found = occurrences(
        "FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20270405T120000Z", "Europe/Berlin", FIRST, most=20, horizon=HORIZON
    )
    assert [moment.astimezone(zone).strftime("%d.%m. %H:%M") for moment in found] == [
        f"{day} 13:30"
        for day in ("08.03.", "11.03.", "15.03.", "18.03.", "22.03.", "25.03.", "29.03.", "01.04.", "05.04.")
    ]
    # The clocks go forward on 28 March.
    assert [moment.hour for moment in found] == [12] * 6 + [11] * 3
    second_monday = occurrences("FREQ=MONTHLY;BYDAY=2MO;COUNT=3", "UTC", FIRST, most=20, horizon=HORIZON)
    assert [moment.day for moment in second_monday] == [8, 12, 10]


@pytest.mark.parametrize(
    ("rule", "timezone"),
    [
        ("FREQ=DAILY", "UTC"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270405T000000Z", "UTC"),
        ("FREQ=DAILY;COUNT=21", "UTC"),
        ("FREQ=MONTHLY;COUNT=20", "UTC"),
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=2", "UTC"),
        ("FREQ=SECONDLY;COUNT=2", "UTC"),
        ("FREQ=DAILY;BYMONTH=2;COUNT=2", "UTC"),
        ("FREQ=DAILY;COUNT=2;COUNT=3", "UTC"),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1;COUNT=2", "UTC"),
        ("FREQ=WEEKLY;BYDAY=2MO;COUNT=2", "UTC"),
        ("FREQ=DAILY;UNTIL=20279905T000000Z", "UTC"),
        ("COUNT=2", "UTC"),
        ("FREQ=DAILY;COUNT=2", "Mars/Olympus"),
        ("FREQ=DAILY;COUNT=2", "../etc/passwd"),
    ],
)
def test_a_rule_that_cannot_be_used_is_invalid(rule: str, timezone: str) -> None:
    with pytest.raises(BadInput) as caught:
        occurrences(rule, timezone, FIRST, most=20, horizon=HORIZON)
    assert caught.value.code == "invalid"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
def test_a_folded_line_unfolds_to_what_it_was(line: str) -> None:
    folded = fold(line)
    assert all(len(part) <= 75 and part.decode() is not None for part in folded.split(b"\r\n"))
    assert folded.replace(b"\r\n ", b"") == line.encode() + b"\r\n"

"""Series of sessions: made, changed, moved and cancelled together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import icalendar

from ksmp_testkit import Caller, MakeToken, Running
from ksmp_testkit.answers import refused
from ksmp_testkit.socket_client import connected
from tests.modules.live.scheduling import ANY, SESSIONS, at, entered

SERIES, CALENDARS = "/api/v1/series", "/api/v1/calendars"


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
    for step in ("open", "start"):
        assert (await mentor.post(f"{SESSIONS}/{first}/{step}")).status_code == 200
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
    assert [one["state"] for one in await items()] == ["live", *["cancelled"] * 3]
    assert (await enid.get(path)).json()["timezone"] == "Asia/Kolkata"


async def test_a_series_is_moved_but_for_what_was_moved_by_itself(
    caller: Caller, program: str, database: asyncpg.Pool
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


async def test_an_occurrence_whose_lobby_is_open_belongs_to_its_series(
    caller: Caller, program: str, node: Running, token: MakeToken
) -> None:
    mentor, enid = caller("meera", "mentor"), f"enid-{program}"
    day = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    body = {
        "program_id": program,
        "title": "Roots",
        "starts_at": day.isoformat(),
        "ends_at": (day + timedelta(hours=1)).isoformat(),
        "rule": "FREQ=DAILY;COUNT=3",
        "timezone": "UTC",
    }
    path = (await mentor.post(f"{SERIES}/", json=body)).headers["location"]

    async def items() -> list[Any]:
        params = {"series": path.rsplit("/", 1)[1]}
        found: list[Any] = (await mentor.get(SESSIONS, params=params)).json()["items"]
        return found

    first, second = [f"{SESSIONS}/{one['id']}" for one in await items()][:2]
    async with connected(node.ws_url, token(enid)) as client:
        for moved in (False, True):
            for one in (first, second):
                room = f"session:{one.rsplit('/', 1)[1]}"
                assert (await mentor.post(f"{one}/open")).status_code == 200
                await client.join(room)
            # With its series, or by itself: the lobby closes, and opens again by the new beginning.
            later = {"starts_at": (day + timedelta(hours=2)).isoformat()}
            for what in (first, second) if moved else (path,):
                week = {"starts_at": at(86400 * 9), "ends_at": at(86400 * 9 + 3600)}
                assert (await mentor.patch(what, json=week if moved else later, headers=ANY)).status_code == 200
            assert {(one["state"], one["opened_at"]) for one in await items()} == {("scheduled", None)}
            for one in (first, second):
                room = f"session:{one.rsplit('/', 1)[1]}"
                left = await client.expect_push("left", room)
                assert (left["data"]["code"], left["data"]["rejoin"]) == ("live.not_open", False)
                assert await entered(client, room) == "live.not_open"
    assert (await mentor.patch(path, json={"title": "B"}, headers=ANY)).status_code == 200
    assert {one["title"] for one in await items()} == {"B"}
    assert (await mentor.post(f"{first}/open")).status_code == 200
    assert (await mentor.post(f"{path}/cancel")).status_code == 200
    assert {one["state"] for one in await items()} == {"cancelled"}

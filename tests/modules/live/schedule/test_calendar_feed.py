"""Calendar feeds, and the documents in them."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import httpx
import icalendar
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ksmp_testkit import Caller
from ksmp_testkit.answers import refused
from modules.live.messages import SessionView
from modules.live.schedule.ics import document
from tests.modules.live.scheduling import ANY, at, create_session

CALENDARS = "/api/v1/calendars"


async def test_a_calendar_feed_is_its_owner_s_until_another_is_made(
    caller: Caller, program: str, database: asyncpg.Pool
) -> None:
    mentor, enid, nobody = caller("meera", "mentor"), caller(f"enid-{program}"), caller(None)
    title = "Wurzeln; Teil 1, „Quadrate“ und \\mehr " + "ä" * 60
    path = await create_session(mentor, program, 90_000, 93_600, title=title, summary="one\ntwo")
    gone = await create_session(mentor, program, 190_000, 193_600)
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


async def test_a_change_shows_in_the_feed(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor, enid = caller("meera", "mentor"), caller(f"enid-{program}")
    path = await create_session(mentor, program, 90_000, 93_600)
    id = path.rsplit("/", 1)[1]
    address = (await enid.post(f"{CALENDARS}/")).json()["url"].removeprefix("https://ksmp.test")

    async def read(tag: str | None = None) -> httpx.Response:
        return await caller(None).get(address, headers={} if tag is None else {"If-None-Match": tag})

    async def age(hours: int) -> None:
        """As if the session was last changed so long ago."""
        past = "UPDATE live_session SET updated_at = updated_at - make_interval(hours => $2) WHERE id = $1"
        await database.execute(past, id, hours)

    async def change() -> None:
        """What else changes a session: it is moved, its lobby opens, it is cancelled."""
        match step:
            case "move":
                times = {"starts_at": at(100_000), "ends_at": at(103_600)}
                assert (await mentor.patch(path, json=times, headers=ANY)).status_code == 200
            case _:
                assert (await mentor.post(f"{path}/{step}")).status_code == 200

    for step in ("move", "open", "cancel"):
        await age(2)
        before = await read()
        assert (await read(before.headers["etag"])).status_code == 304
        await change()
        after = await read(before.headers["etag"])
        assert (after.status_code, after.headers["etag"] != before.headers["etag"]) == (200, True)
        # Classes that are open to all are in every feed.
        ((old,), (new,)) = [
            [event for event in icalendar.Calendar.from_ical(one.content).walk("VEVENT") if id in str(event["UID"])]
            for one in (before, after)
        ]
        for stamp in ("DTSTAMP", "LAST-MODIFIED"):
            assert new[stamp].dt - old[stamp].dt >= timedelta(hours=2), (step, stamp)
        assert (int(new["SEQUENCE"]) > int(old["SEQUENCE"]), new["CREATED"].dt) == (True, old["CREATED"].dt)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
def test_long_lines_are_folded_between_characters_and_unfold_to_what_they_were(title: str) -> None:
    content = document("KSMP", [msgspec.structs.replace(SessionView.example(), title=title)])
    assert all(len(part) <= 75 and part.decode() is not None for part in content.split(b"\r\n"))
    (event,) = icalendar.Calendar.from_ical(content).walk("VEVENT")
    assert str(event["SUMMARY"]) == title


def test_a_text_has_no_control_characters_and_one_kind_of_line_end() -> None:
    summary = "a\x00b\x07\x0b\x7fc\td\r\ne\rf\ng"
    content = document("KSMP", [msgspec.structs.replace(SessionView.example(), summary=summary)])
    assert b"DESCRIPTION:abc\td\\ne\\nf\\ng\r\n" in content

"""What a user takes back is deleted here and in each sink, and every deletion is tracked to its end."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, Running, eventually
from ksmp_testkit.answers import done, refused
from modules.analytics.deletions.of_events import EventDeletions
from modules.analytics.facade import SinkFault
from modules.analytics.measures.zone import Zone
from tests.devcloud.mixpanel.stand_in import Mixpanel
from tests.modules.analytics.sinks.conftest import Choose, ShelfSink, Store
from tests.modules.analytics.sinks.test_sending import outside, passed
from tests.modules.analytics.tracking.clicks import EVENTS, click, rows, sent, subject_of

DELETIONS = "/api/v1/analytics/deletions"


async def deletion(admin: httpx.AsyncClient, place: str, pseudonym: str) -> dict[str, Any]:
    """The deletion of somebody at a place."""
    shown = done(await admin.get(DELETIONS, params={"place": place}))["items"]
    (found,) = [one for one in shown if one["pseudonym"] == pseudonym]
    return dict(found)


async def ended(admin: httpx.AsyncClient, place: str, pseudonym: str, state: str = "done") -> dict[str, Any]:
    """The deletion, once it has this state."""

    async def over() -> bool:
        return bool((await deletion(admin, place, pseudonym))["state"] == state)

    await eventually(over, f"the deletion of {place} is {state}")
    return await deletion(admin, place, pseudonym)


@pytest.fixture(autouse=True)
async def client_as_of(database: asyncpg.Pool) -> None:
    """What a test before said of the intake holds no more."""
    await database.execute("UPDATE analytics_progress SET client_as_of = to_timestamp(0)")


async def all_stored(database: asyncpg.Pool) -> None:
    """As if all client events of before now were stored, and deletions looked at that."""
    await database.execute("UPDATE analytics_progress SET client_as_of = now() + interval '1 minute'")
    await database.execute("UPDATE analytics_deletion SET due_at = now() WHERE place = 'events' AND state = 'waiting'")


async def test_from_a_client_to_mixpanel_and_away_again(
    node: Running,
    quiet: Mixpanel,
    caller: Caller,
    database: asyncpg.Pool,
    choose: Choose,
    person: str,
    program: str,
) -> None:
    rest, admin = caller(person), caller("boss", "admin")
    await choose(person, analytics=True, sinks=True)
    request = sent(click(program), click(program))

    async def taken() -> bool:
        # A gateway makes its stream when it starts.
        return (await rest.post(EVENTS, json=request)).status_code == 200

    await eventually(taken, "the events are taken")

    async def stored() -> bool:
        return len(await rows(database, program)) == 2

    await eventually(stored, "the events are stored")
    await passed(database, "mixpanel")
    alias, subject = await outside(database, person), await subject_of(database, person)
    came = await quiet.events(alias, "lab.clicked")
    assert [one["properties"]["$insert_id"] for one in came] == [one["id"] for one in request["events"]]
    assert [one["properties"]["label"] for one in came] == ["start"] * 2
    async with node.gateway.database.transaction():
        await node.gateway.identities.forget(person)
    await ended(admin, "mixpanel", alias)
    await all_stored(database)
    await ended(admin, "events", str(subject))
    assert await quiet.events(alias) == []
    assert await rows(database, program) == []
    assert await subject_of(database, person) is None
    assert not await database.fetch("SELECT FROM analytics_rollup WHERE program_id = $1", program)


async def test_who_withdraws_is_deleted_in_every_sink(
    quiet: Mixpanel,
    caller: Caller,
    database: asyncpg.Pool,
    store: Store,
    choose: Choose,
    person: str,
    shelf: ShelfSink,
    program: str,
) -> None:
    bob, admin = f"bob-{person}", caller("boss", "admin")
    for user in (person, bob):
        await choose(user, sinks=True)
        await store(user, count=2)
    await passed(database, "mixpanel", "shelf")
    first, bobs = await outside(database, person), await outside(database, bob)
    assert len(await quiet.events(first)) == 2
    await choose(person, sinks=False)
    at_mixpanel = await ended(admin, "mixpanel", first)
    assert (at_mixpanel["attempts"], at_mixpanel["reason"]) == (1, "withdrawn")
    assert at_mixpanel["finished_at"] is not None
    asked = (await quiet.drive("GET", "deletions"))["deletions"]
    assert [one["compliance_type"] for one in asked if one["task_id"] == at_mixpanel["task"]] == ["GDPR"]
    assert await quiet.events(first) == []
    assert len(await quiet.events(bobs)) == 2
    assert (await ended(admin, "shelf", first))["task"] == ""
    assert shelf.deleted.count(uuid.UUID(first)) == 1
    # What happens afterwards stays here, and after a new consent it is somebody else's.
    kept = await store(person)
    await choose(person, sinks=True)
    later = await store(person)
    await passed(database, "mixpanel", "shelf")
    second = await outside(database, person)
    assert [one["properties"]["$insert_id"] for one in await quiet.events(second)] == [str(later[0])]
    assert not set(kept) & set(shelf.ids(program))


async def test_a_deletion_that_fails_is_tried_again_and_then_by_an_admin(
    quiet: Mixpanel, caller: Caller, database: asyncpg.Pool, store: Store, choose: Choose, person: str
) -> None:
    admin = caller("boss", "admin")
    await choose(person, sinks=True)
    await store(person)
    await passed(database, "mixpanel")
    alias = await outside(database, person)
    await quiet.drive("PUT", "behaviour", {"outcome": "FAILURE"})
    await choose(person, sinks=None)
    failed = await ended(admin, "mixpanel", alias, "failed")
    assert (failed["attempts"], failed["fault"]) == (3, "lost")
    assert len(await quiet.events(alias)) == 1
    place = f"{DELETIONS}/{failed['id']}/retry"
    for role in ("student", "mentor"):
        refused(await caller(person, role).post(place), 403, "forbidden")
    refused(await admin.post(f"{DELETIONS}/{uuid.uuid4()}/retry"), 404, "not_found")
    await quiet.drive("PUT", "behaviour", {})
    assert done(await admin.post(place))["state"] == "waiting"
    await ended(admin, "mixpanel", alias)
    assert await quiet.events(alias) == []
    # One that is over is left as it is.
    assert done(await admin.post(place))["state"] == "done"
    acts = "SELECT count(*) FROM account_audit WHERE subject = $1 AND act = $2"
    assert await database.fetchval(acts, failed["id"], "analytics.retry_deletion") == 1


async def test_a_sink_that_is_away_is_asked_later(
    quiet: Mixpanel, caller: Caller, database: asyncpg.Pool, store: Store, choose: Choose, person: str, shelf: ShelfSink
) -> None:
    admin = caller("boss", "admin")
    await choose(person, sinks=True)
    await store(person)
    await passed(database, "mixpanel", "shelf")
    alias = await outside(database, person)
    # The task goes on at Mixpanel while nobody can ask for it.
    await quiet.fail("deletions", fault="unavailable", times=2)
    shelf.fault = SinkFault("away")
    await choose(person, sinks=False)

    async def tried() -> bool:
        return bool((await deletion(admin, "shelf", alias))["fault"] == "away")

    await eventually(tried, "the shelf was asked")
    shelf.fault = None
    await ended(admin, "shelf", alias)
    await ended(admin, "mixpanel", alias)
    assert await quiet.events(alias) == []


async def test_client_events_and_their_part_of_the_rollups_are_deleted(
    node: Running, caller: Caller, database: asyncpg.Pool, store: Store, choose: Choose, person: str, program: str
) -> None:
    bob, admin = f"bob-{person}", caller("boss", "admin")
    for user in (person, bob):
        await choose(user, analytics=True)
        await store(user, client=True, count=3, name="catalogue.program_viewed")
        await store(user, count=2)
    subject = str(await database.fetchval("SELECT subject FROM analytics_subject WHERE user_id = $1", person))
    await choose(person, analytics=False)

    async def counted(name: str) -> list[tuple[int, int]]:
        sums = "SELECT sum(count)::int, sum(value)::int FROM analytics_rollup WHERE program_id = $1 AND name = $2"
        rows = await database.fetch(sums, program, name)
        return [tuple(row) for row in rows]

    async def gone() -> bool:
        statement = "SELECT count(*) FROM analytics_event WHERE client AND program_id = $1"
        return bool(await database.fetchval(statement, program) == 3)

    await eventually(gone, "the client events are deleted")
    assert await counted("catalogue.program_viewed") == [(3, 180)]
    # Facts of the server stay.
    assert await counted("live.attended") == [(4, 240)]
    # One that arrived before may be stored yet: it is done when all of them are.
    assert (await deletion(admin, "events", subject))["state"] == "waiting"
    late = "INSERT INTO analytics_subject (user_id, subject) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    await database.execute(late, person, uuid.UUID(subject))
    await store(person, client=True)
    await all_stored(database)
    await ended(admin, "events", subject)
    assert await gone()
    await EventDeletions(node.gateway.database, Zone("Asia/Kolkata")).work_all()
    assert await gone()

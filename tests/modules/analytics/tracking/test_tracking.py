"""Client events by request and by socket: what is taken, whose it is, and what is refused."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from gateway import clock
from gateway.contract import Received
from ksmp_testkit import Caller, Clients, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from modules.analytics.facade import Fact
from modules.analytics.intake.client_events import ClientEvent
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import Event, Source
from modules.analytics.store.event_id import fact_id
from tests.modules.analytics.lab import id_of
from tests.modules.analytics.tracking.clicks import CONSENT, EVENTS, INTAKE, click, outcomes, rows, sent, subject_of


async def choose(caller: Caller, user: str, analytics: bool | None) -> None:
    done(await caller(user).put(CONSENT, json={"analytics": analytics, "sinks": None}))


async def test_an_event_of_somebody_who_allows_it_is_stored_under_a_pseudonym(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    await choose(caller, user, True)
    event = click(program)
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(event)))) == ["accepted"]
    await node.events_handled(INTAKE)
    (row,) = await rows(database, program)
    assert str(row["id"]) == event["id"]
    assert row["at"].isoformat() == event["at"]
    assert (row["name"], row["label"], row["value"], row["client"]) == ("lab.clicked", "start", 2, True)
    assert row["subject"] == await subject_of(database, user)
    assert row["subject"] is not None


async def test_without_a_choice_it_is_nobody_s_and_with_a_no_it_is_not_stored(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(click(program))))) == ["accepted"]
    await choose(caller, user, False)
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(click(program))))) == ["declined"]
    await node.events_handled(INTAKE)
    (row,) = await rows(database, program)
    assert row["subject"] is None
    assert await subject_of(database, user) is None


async def test_a_choice_that_is_taken_back_while_events_wait_holds(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    intake = node.module(AnalyticsModule).intake.client_events

    async def store(label: str) -> None:
        """An event of the user that came while they allowed it, and is stored now."""
        event = ClientEvent(UUID(id_of(clock.now(), 1)), clock.now(), "lab.clicked", user, program, "", label, 1)
        await intake.store([Received(id=label, at=clock.now(), body=msgspec.json.encode([event]))])

    await choose(caller, user, True)
    await store("before")
    await choose(caller, user, None)
    await store("without")
    await choose(caller, user, False)
    await store("after")
    assert {row["label"]: row["subject"] is not None for row in await rows(database, program)} == {
        "before": True,
        "without": False,
    }


async def test_events_of_sockets_go_together_and_are_the_user_s(
    node: Running, clients: Clients, caller: Caller, database: asyncpg.Pool, program: str
) -> None:
    users = [f"u{uuid.uuid4().hex[:12]}" for _ in range(5)]
    for name in users:
        await choose(caller, name, True)
    sockets = [await clients.socket(name) for name in users]
    before = await _last(node)
    answers = await asyncio.gather(
        *(
            socket.command(f"user:{name}", "analytics.track", sent(click(program)))
            for socket, name in zip(sockets, users, strict=True)
        )
    )
    assert [outcomes(answer) for answer in answers] == [["accepted"]] * 5
    assert await _last(node) == before + 1
    await node.events_handled(INTAKE)
    found = {row["subject"] for row in await rows(database, program)}
    assert found == {await subject_of(database, name) for name in users}
    assert len(found) == 5


async def test_nobody_tracks_in_another_user_s_room(clients: Clients, user: str, program: str) -> None:
    socket = await clients.socket(f"x{user}")
    assert await socket.refusal(f"user:{user}", "analytics.track", sent(click(program))) in ("forbidden", "not_joined")


async def test_an_event_counts_once_however_often_it_is_sent(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    one, two = click(program), click(program)
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(one, one, two)))) == [
        "accepted",
        "repeated",
        "accepted",
    ]
    # In other batches than before.
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(two)))) == ["accepted"]
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(two, one)))) == ["accepted", "accepted"]
    await node.events_handled(INTAKE)
    assert len(await rows(database, program)) == 2
    count = await database.fetchval("SELECT sum(count)::int FROM analytics_rollup WHERE program_id = $1", program)
    assert count == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "lab.nothing"}, "unknown_event"),
        ({"properties": {"button": "other", "program_id": "p"}}, "bad_properties"),
        ({"properties": {"button": "start", "program_id": "Asha Rao, 12 years"}}, "bad_properties"),
        ({"properties": {"button": "start", "program_id": "p", "name": "Asha"}}, "bad_properties"),
        ({"properties": {"button": "start", "program_id": "p", "times": 10**12 + 1}}, "bad_properties"),
        ({"id": str(uuid.uuid4())}, "bad_id"),
        ({"id": "1"}, "bad_id"),
        ({"id": id_of(clock.now() - timedelta(days=7, minutes=1))}, "bad_time"),
        ({"id": id_of(clock.now() + timedelta(days=2))}, "bad_time"),
        ({"at": (clock.now() - timedelta(days=7, minutes=1)).isoformat()}, "bad_time"),
        ({"at": "2026-12-01T10:00:00"}, "bad_time"),
        ({"at": "0001-01-01T00:00:00Z"}, "bad_time"),
    ],
)
async def test_one_that_is_refused_keeps_no_other_back(
    node: Running,
    caller: Caller,
    database: asyncpg.Pool,
    user: str,
    program: str,
    change: dict[str, Any],
    code: str,
) -> None:
    answer = done(await caller(user).post(EVENTS, json=sent(click(program, **change), click(program))))
    assert outcomes(answer) == [code, "accepted"]
    assert answer["events"][0]["reason"]
    await node.events_handled(INTAKE)
    assert len(await rows(database, program)) == 1


async def test_nobody_takes_the_id_of_a_fact_and_so_keeps_it_out(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    """Who was absent knows when their class ended, and with it all fields of the fact that will say so."""
    absent = Fact(name="lab.measured", at=clock.now(), user_id=user, program_id=program, key="class", label="absent")
    answer = done(await caller(user).post(EVENTS, json=sent(click(program, id=str(fact_id(absent))))))
    assert outcomes(answer) == ["bad_id"]
    await node.events_handled(INTAKE)
    written = await node.module(AnalyticsModule).writer.write([Event.of(absent)], Source.FACTS)
    assert written.stored == 1
    assert [row["name"] for row in await rows(database, program)] == ["lab.measured"]


async def test_too_many_or_without_a_zone_is_invalid(caller: Caller, user: str, program: str) -> None:
    refused(await caller(user).post(EVENTS, json=sent(*(click(program) for _ in range(61)))), 400, "invalid")
    without = sent(click(program)) | {"sent_at": "2026-12-01T10:00:00"}
    refused(await caller(user).post(EVENTS, json=without), 400, "invalid")


async def test_a_connection_tracks_at_most_so_often(clients: Clients, user: str, program: str) -> None:
    socket = await clients.socket(user)
    for _ in range(5):
        await socket.command(f"user:{user}", "analytics.track", sent(click(program)))
    assert await socket.refusal(f"user:{user}", "analytics.track", sent(click(program))) == "rate_limited"


async def test_without_a_token_events_are_nobody_s_where_they_are_taken(
    node: Running, caller: Caller, database: asyncpg.Pool, program: str
) -> None:
    assert outcomes(done(await caller().post(EVENTS, json=sent(click(program))))) == ["accepted"]
    await node.events_handled(INTAKE)
    (row,) = await rows(database, program)
    assert row["subject"] is None


async def test_a_deployment_may_take_none_without_a_token(gateway: MakeGateway, program: str) -> None:
    async with (
        gateway(environ={"KSMP_ANALYTICS_ANONYMOUS": "false"}) as running,
        httpx.AsyncClient(base_url=running.url) as client,
    ):
        refused(await client.post(EVENTS, json=sent(click(program))), 401, "unauthenticated")


async def test_pages_of_analytics_are_tracked(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    viewed = click(program, name="analytics.page_viewed", properties={"page": "board", "program_id": program})
    assert outcomes(done(await caller(user).post(EVENTS, json=sent(viewed)))) == ["accepted"]
    await node.events_handled(INTAKE)
    (row,) = await rows(database, program)
    assert (row["name"], row["label"]) == ("analytics.page_viewed", "board")


async def test_clients_learn_what_they_may_send(caller: Caller, user: str) -> None:
    listed = done(await caller(user).get("/api/v1/analytics/event-types"))["items"]
    (found,) = [one for one in listed if one["name"] == "lab.clicked"]
    assert found["description"] == "A button of the lab was clicked."
    assert found["properties"]["additionalProperties"] is False
    assert found["properties"]["properties"]["button"] == {"enum": ["start", "stop"]}
    refused(await caller().get("/api/v1/analytics/event-types"), 401, "unauthenticated")


async def _last(node: Running) -> int:
    return (await node.gateway.bus.jetstream.stream_info("INTAKE")).state.last_seq

"""Events leave once their users allow it; a sink that fails gets the same again, and holds up nobody else."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from ksmp_testkit import Caller, MakeGateway, Running, eventually
from ksmp_testkit.answers import done, refused
from modules.analytics.facade import SinkFault
from modules.analytics.sinks.sinks import check
from tests.devcloud.mixpanel.stand_in import Mixpanel
from tests.modules.analytics.sinks.conftest import Choose, ShelfSink, ShelvesModule, Store

SINKS = "/api/v1/analytics/sinks"


async def outside(database: asyncpg.Pool, user: str) -> str:
    return str(await database.fetchval("SELECT outside FROM analytics_consent WHERE user_id = $1", user))


async def passed(database: asyncpg.Pool, *sinks: str) -> None:
    """Wait until these sinks have looked at all that is stored."""

    async def all_there() -> bool:
        behind = await database.fetchval(
            "SELECT count(*) FROM analytics_sink WHERE name = ANY($1) "
            "AND (seq < (SELECT seq FROM analytics_progress) OR ahead IS NOT NULL)",
            list(sinks),
        )
        return bool(behind == 0)

    await eventually(all_there, f"{sinks} have come to the end")


async def test_only_events_of_users_who_allow_it_leave(
    quiet: Mixpanel, database: asyncpg.Pool, store: Store, choose: Choose, person: str, shelf: ShelfSink, program: str
) -> None:
    bob, cleo, dan = (f"{name}-{person}" for name in ("bob", "cleo", "dan"))
    before = await store(person)
    await choose(person, sinks=True)
    await choose(bob, analytics=True, sinks=False)
    await choose(cleo, analytics=True)
    # It happened before, and is stored late.
    before += await store(person, ago=60)
    allowed = [*await store(person), *await store(person, client=True)]
    for user in (bob, cleo, dan):
        await store(user)
        await store(user, client=True)
    nobodys = [await store(), await store(client=True)]
    await passed(database, "mixpanel", "shelf")
    came = await quiet.events(await outside(database, person))
    assert [one["properties"]["$insert_id"] for one in came] == [str(id) for id in allowed]
    assert [one["came"] for one in came] == [1, 1]
    (first, _) = came
    assert (first["event"], first["properties"]["program_id"], first["properties"]["value"]) == (
        "live.attended",
        program,
        60,
    )
    # Whoever takes what is nobody's gets no event of a client, whose user may have chosen nothing.
    assert shelf.ids(program) == [*allowed, *nobodys[0]]
    everything = str(await quiet.events())
    subject = await database.fetchval("SELECT subject FROM analytics_subject WHERE user_id = $1", person)
    for secret in (person, str(subject), *map(str, before), str(nobodys[0][0])):
        assert secret not in everything


async def test_what_is_refused_is_kept_and_the_rest_arrives(
    quiet: Mixpanel, caller: Caller, database: asyncpg.Pool, store: Store, choose: Choose, person: str
) -> None:
    await choose(person, sinks=True)
    await quiet.drive("PUT", "behaviour", {"refused": ["live.stars"]})
    bad, good = await store(person, name="live.stars"), await store(person)
    await passed(database, "mixpanel")
    came = await quiet.events(await outside(database, person))
    assert [one["properties"]["$insert_id"] for one in came] == [str(good[0])]
    admin = caller("boss", "admin")
    shown = done(await admin.get(f"{SINKS}/mixpanel/refused"))["items"]
    (mine,) = [one for one in shown if one["event_id"] == str(bad[0])]
    assert (mine["name"], mine["reason"]) == (
        "live.stars",
        "event: 'event' is invalid: live.stars is not in the schema",
    )
    listed = {one["name"]: one for one in done(await admin.get(SINKS))["items"]}
    assert listed["mixpanel"]["refused"] >= 1
    assert (listed["mixpanel"]["failures"], listed["mixpanel"]["behind"]) == (0, 0)
    for role in ("student", "mentor"):
        refused(await caller(person, role).get(SINKS), 403, "forbidden")
        refused(await caller(person, role).get(f"{SINKS}/mixpanel/refused"), 403, "forbidden")
    refused(await admin.get(f"{SINKS}/amplitude/refused"), 404, "not_found")


@pytest.mark.parametrize(
    ("fault", "came"),
    [
        ({"fault": "rate_limited", "times": 2, "retry_after": 0}, 1),
        ({"fault": "unavailable", "times": 2}, 1),
        ({"fault": "html_ok", "times": 1}, 1),
        # Mixpanel has it, and the answer is lost: it comes once more, and is there once.
        ({"fault": "cut", "times": 1, "accepted": True}, 2),
    ],
)
async def test_what_did_not_arrive_is_sent_again(
    quiet: Mixpanel,
    database: asyncpg.Pool,
    store: Store,
    choose: Choose,
    person: str,
    fault: dict[str, object],
    came: int,
) -> None:
    await choose(person, sinks=True)
    await quiet.fail(**fault)
    await store(person, count=3)
    await passed(database, "mixpanel")
    assert [one["came"] for one in await quiet.events(await outside(database, person))] == [came] * 3


async def test_a_sink_that_hangs_holds_up_nobody(
    quiet: Mixpanel,
    caller: Caller,
    database: asyncpg.Pool,
    store: Store,
    choose: Choose,
    person: str,
    shelf: ShelfSink,
    program: str,
) -> None:
    """Thousands of events wait for Mixpanel, which does not answer. All else goes on; then they go in few requests."""
    await choose(person, sinks=True)
    await passed(database, "mixpanel")
    await quiet.fail(hang=3.0, times=1)
    before = (await quiet.drive("GET", "traffic")).get("200", 0)
    stored = await store(person, count=4500)
    await eventually(lambda: len(shelf.ids(program)) == len(stored), "the other sink has all of them")
    assert (await caller(person).get("/api/v1/users/me")).status_code == 200
    # It has answered nothing so far.
    assert (await quiet.drive("GET", "traffic")).get("200", 0) == before
    await passed(database, "mixpanel")
    assert len(await quiet.events(await outside(database, person))) == len(stored)
    assert (await quiet.drive("GET", "traffic"))["200"] - before == 3
    assert shelf.ids(program) == stored


async def test_a_batch_comes_again_as_it_was(
    store: Store, database: asyncpg.Pool, shelf: ShelfSink, program: str, choose: Choose, person: str
) -> None:
    """So that a warehouse's file of the same name holds no less than it did."""
    await choose(person, sinks=True)
    await passed(database, "shelf")
    shelf.batches.clear()
    shelf.fault = SinkFault("full", retry_after=0.2)
    first = await store(person, count=2)
    await eventually(lambda: shelf.batches, "the sink was tried")
    later = await store(person, count=2)
    shelf.fault = None
    await passed(database, "shelf")
    begins, contents = zip(*shelf.batches, strict=True)
    assert [[one.id for one in events] for events in contents] == [*[first] * (len(contents) - 1), later]
    assert len(set(begins[:-1])) == 1
    assert begins[-1] > begins[0]


async def test_what_breaks_in_a_sink_is_its_fault(
    store: Store, database: asyncpg.Pool, shelf: ShelfSink, program: str
) -> None:
    shelf.fault = ZeroDivisionError()
    stored = await store()

    async def noted() -> bool:
        return bool(await database.fetchval("SELECT fault FROM analytics_sink WHERE name = 'shelf'") != "")

    await eventually(noted, "the fault is noted")
    shelf.fault = None
    await passed(database, "shelf")
    assert set(shelf.ids(program)) == set(stored)


async def test_one_gateway_sends_and_another_takes_over(
    gateway: MakeGateway,
    environ: dict[str, str],
    node: Running,
    database: asyncpg.Pool,
    store: Store,
    shelf: ShelfSink,
    program: str,
) -> None:
    async with gateway(more=[ShelvesModule], environ=environ) as second:
        other = second.module(ShelvesModule).sink
        first = await store(count=250)
        await passed(database, "shelf")
        assert sorted([*shelf.ids(program), *other.ids(program)]) == sorted(first)
        # A gateway that is lost holds the sink until its lease ends.
        await database.execute(
            "UPDATE analytics_sink SET holder = $1, held_until = now() + interval '1 second' WHERE name = 'shelf'",
            uuid.uuid4(),
        )
        later = await store(count=10)
        assert not {*shelf.ids(program), *other.ids(program)} & {*later}
        await passed(database, "shelf")
        assert sorted([*shelf.ids(program), *other.ids(program)]) == sorted([*first, *later])
    last = await store(count=5)
    await passed(database, "shelf")
    assert set(last) <= set(shelf.ids(program))


def test_a_name_is_one_sink_s() -> None:
    first, second = ShelfSink(), ShelfSink()
    check([first])
    with pytest.raises(ValueError, match="more than one place called 'shelf'"):
        check([first, second])
    for name in ("Shelf", "", "events"):
        odd = type("Odd", (ShelfSink,), {"name": name})()
        with pytest.raises(ValueError, match="called"):
            check([odd])


async def test_a_gateway_may_leave_it_to_others(gateway: MakeGateway, environ: dict[str, str]) -> None:
    for on in (False, True):
        async with gateway(more=[ShelvesModule], environ=environ | {"KSMP_ANALYTICS_SINKS_ON": str(on)}) as running:
            assert running.module(ShelvesModule).sink.opened is on

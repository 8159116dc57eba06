"""The life of a session through HTTP, what its room hears of it, and whom its room lets in when."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import refused
from ksmp_testkit.socket_client import WireError, connected
from modules.live.room.promotions.promotions import Promotions
from modules.live.states import TRANSITIONS, SessionState, Step, after

SESSIONS = "/api/v1/sessions"
ANY = {"If-Match": "*"}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {
        # So a place is kept for two seconds.
        "KSMP_LIVE_SEAT_GRACE": "0",
        "KSMP_LIVE_ATTENDANCE_INTERVAL": "1",
        "KSMP_LIVE_ROOM_KEPT": "60",
        "KSMP_LIVE_LONGEST": "7200",
        "KSMP_LIVE_AHEAD": "86400",
    }
    async with gateway(
        environ=environ, address_burst=100_000, request_burst=100_000, grant_fresh=0.0, presence_grace=0.2
    ) as running:
        yield running


@pytest.fixture
async def program(database: asyncpg.Pool) -> str:
    """A program of the mentor `meera` in which `enid` is enrolled."""
    id = uuid.uuid4().hex
    await database.execute("INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', 'meera')", id)
    await database.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, 'enid')", id)
    return id


def at(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def session_of(program: str, **values: Any) -> dict[str, Any]:
    return {"program_id": program, "title": "Roots", "starts_at": at(60), "ends_at": at(120)} | values


async def created(mentor: httpx.AsyncClient, program: str, *steps: str, **values: Any) -> str:
    """The path of a new session after these steps."""
    answer = await mentor.post(f"{SESSIONS}/", json=session_of(program, **values))
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"]
    for step in steps:
        answer = await mentor.post(f"{path}/{step}")
        assert answer.status_code == 200, answer.text
    return path


async def test_every_move_that_is_not_in_the_table_is_a_conflict(
    caller: Caller, program: str, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program)
    for state, step in product(SessionState, Step):
        await database.execute("UPDATE live_session SET state = $1 WHERE id = $2", state, path.rsplit("/", 1)[1])
        answer = await mentor.post(f"{path}/{step}")
        if (state, step) in TRANSITIONS:
            assert (answer.status_code, answer.json()["state"]) == (200, after(state, step)), answer.text
        else:
            refused(answer, 409, "live.bad_transition")
    assert len(TRANSITIONS) == 5


async def test_of_many_starts_one_starts(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open")
    answers = await asyncio.gather(*(mentor.post(f"{path}/start") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    told = "SELECT count(*) FROM outbox WHERE destination = 'live.SessionStarted' AND body::text LIKE $1"
    assert await database.fetchval(told, f"%{path.rsplit('/', 1)[1]}%") == 1


async def test_a_session_s_life_is_told_to_its_room_and_its_program_s(
    caller: Caller, program: str, node: Running, token: MakeToken
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open")
    id = path.rsplit("/", 1)[1]
    async with connected(node.ws_url, token("enid")) as enid:
        await enid.join(f"session:{id}")
        await enid.join(f"program:{program}")
        started = (await mentor.post(f"{path}/start")).json()
        for room in (f"session:{id}", f"program:{program}"):
            push = await enid.expect(
                lambda one, room=room: (
                    one.get("push") == "live.session" and one["room"] == room and one["data"]["state"] == "live"
                )
            )
            assert push["data"] == started
        assert (started["video"], started["rev"]) == ("unavailable", 3)
        # The class has its room whatever its video does.
        await enid.say(f"session:{id}", "hello")
        ended = (await mentor.post(f"{path}/end")).json()
        push = await enid.expect(lambda one: one.get("push") == "live.session" and one["data"]["state"] == "ended")
        assert push["data"]["rev"] == ended["rev"] == 4
        assert ended["started_at"] < ended["ended_at"]


async def test_who_may_see_and_change_a_session(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor, co, other, enid, sam = (
        caller("meera", "mentor"),
        caller("cora", "mentor"),
        caller("otto", "mentor"),
        caller("enid"),
        caller("sam"),
    )
    refused(await other.post(f"{SESSIONS}/", json=session_of(program)), 403, "forbidden")
    refused(await enid.post(f"{SESSIONS}/", json=session_of(program)), 403, "forbidden")
    path = await created(mentor, program, co_mentors=["cora"])
    for stranger in (other, sam):
        refused(await stranger.get(path), 403, "forbidden")
    for nobody in (other, sam, enid):
        refused(await nobody.patch(path, json={"title": "Mine"}, headers=ANY), 403, "forbidden")
        for step in Step:
            refused(await nobody.post(f"{path}/{step}"), 403, "forbidden")
    assert (await enid.get(path)).headers["etag"] == '"1"'
    changed = await co.patch(path, json={"title": "B", "visibility": "open"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["rev"]) == (200, 2)
    refused(await mentor.patch(path, json={"title": "C"}, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    assert (await sam.get(path)).json()["title"] == "B"
    assert (await mentor.patch(path, json={"lesson_id": "l1", "capacity": 3}, headers=ANY)).json()["lesson_id"] == "l1"
    for step in ("open", "start"):
        assert (await co.post(f"{path}/{step}")).status_code == 200
    refused(await mentor.patch(path, json={"mode": "interactive"}, headers=ANY), 409, "live.not_changeable")
    assert (await mentor.patch(path, json={"ends_at": at(150)}, headers=ANY)).status_code == 200
    assert (await caller("root", "admin").post(f"{path}/end")).status_code == 200
    id = path.rsplit("/", 1)[1]
    acts = "SELECT actor, act FROM account_audit WHERE subject = $1"
    assert [tuple(row) for row in await database.fetch(acts, id)] == [("root", "live.end")]
    refused(await mentor.patch(path, json={"title": "D"}, headers=ANY), 409, "live.not_changeable")
    refused(await mentor.get(f"{SESSIONS}/nowhere"), 404, "not_found")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ends_at": 60, "starts_at": 60}, "ends_at"),
        ({"ends_at": 60 + 125}, "ends_at"),
        ({"starts_at": -120, "ends_at": -60}, "ends_at"),
        ({"starts_at": 24 * 60 + 5, "ends_at": 25 * 60}, "starts_at"),
        ({"co_mentors": ["no one"]}, "co_mentors"),
        ({"mentor_id": "enid"}, "mentor_id"),
    ],
)
async def test_what_cannot_be_is_invalid(caller: Caller, program: str, values: dict[str, Any], field: str) -> None:
    # From now on, and not from when the tests were collected.
    values = {name: at(value) if name.endswith("_at") else value for name, value in values.items()}
    answer = await caller("meera", "mentor").post(f"{SESSIONS}/", json=session_of(program, **values))
    refused(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == field
    missing = await caller("root", "admin").post(f"{SESSIONS}/", json=session_of("nowhere"))
    assert missing.json()["errors"][0]["field"] == "program_id"


async def test_the_agenda_shows_to_each_what_is_theirs(caller: Caller, program: str, database: asyncpg.Pool) -> None:
    mentor = caller("meera", "mentor")
    late = await created(mentor, program, starts_at=at(200), ends_at=at(260))
    early = await created(mentor, program, co_mentors=["cora"])
    shown = await created(mentor, program, starts_at=at(300), ends_at=at(360), visibility="open")

    async def found(user: str, role: str = "student", **query: Any) -> list[str]:
        answer = await caller(user, role).get(SESSIONS, params={"program": program} | query)
        assert answer.status_code == 200, answer.text
        return [f"{SESSIONS}/{one['id']}" for one in answer.json()["items"]]

    assert await found("enid") == await found("meera", "mentor") == [early, late, shown]
    assert await found("root", "admin") == [early, late, shown]
    assert await found("sam") == [shown]
    assert await found("cora", "mentor", teaching=True) == [early]
    assert await found("enid", since=at(130), until=at(290)) == [late]
    await mentor.post(f"{early}/cancel")
    assert await found("enid", state="cancelled") == [early]
    await database.execute("UPDATE program_enrolment SET state = 'waiting' WHERE program_id = $1", program)
    assert await found("enid") == [shown]


async def test_whom_a_room_lets_in_at_which_time(
    caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, co_mentors=["cora"])
    id = path.rsplit("/", 1)[1]

    async def entered(user: str, role: str = "student") -> str:
        async with connected(node.ws_url, token(user, role)) as client:
            try:
                await client.join(f"session:{id}")
            except WireError as error:
                return error.code
            return "in"

    assert [await entered("enid"), await entered("sam")] == ["live.not_open", "forbidden"]
    assert [await entered("meera", "mentor"), await entered("cora"), await entered("root", "admin")] == ["in"] * 3
    await mentor.post(f"{path}/open")
    assert [await entered("enid"), await entered("sam")] == ["in", "forbidden"]
    await mentor.patch(path, json={"visibility": "open"}, headers=ANY)
    assert await entered("sam") == "in"
    for step in ("start", "end"):
        assert (await mentor.post(f"{path}/{step}")).status_code == 200
    assert await entered("enid") == "in"
    await database.execute("UPDATE live_session SET ended_at = now() - interval '61 s' WHERE id = $1", id)
    assert [await entered("enid"), await entered("meera", "mentor")] == ["live.over", "in"]
    path = await created(mentor, program, "cancel")
    id = path.rsplit("/", 1)[1]
    assert await entered("enid") == "live.cancelled"


async def test_a_room_that_closes_is_left_by_all_but_its_hosts(
    gateway: MakeGateway, program: str, token: MakeToken, database: asyncpg.Pool
) -> None:
    environ = {"KSMP_LIVE_ROOM_KEPT": "1"}
    async with (
        gateway(environ=environ, grant_fresh=0.0) as a,
        gateway(environ=environ, grant_fresh=0.0) as b,
        AsyncExitStack() as stack,
    ):

        async def connect(node: Running, user: str, role: str = "student") -> Any:
            return await stack.enter_async_context(connected(node.ws_url, token(user, role)))

        headers = {"Authorization": f"Bearer {token('meera', 'mentor')}"}
        mentor = await stack.enter_async_context(httpx.AsyncClient(base_url=b.url, headers=headers, timeout=30))
        hosts = [await connect(b, "meera", "mentor"), await connect(a, "root", "admin")]
        viewers = [await connect(a, "sam"), await connect(b, "enid"), await connect(b, "sam")]
        for steps, code in ((("start", "end"), "live.over"), (("cancel",), "live.cancelled")):
            path = await created(mentor, program, "open", visibility="open")
            id = path.rsplit("/", 1)[1]
            guest = await connect(a, f"guest-{id}")
            await guest.join(f"lobby:{id}")
            for client in (*hosts, *viewers):
                await client.join(f"session:{id}")
            await hosts[0].join(f"staff:{id}")
            for step in steps:
                assert (await mentor.post(f"{path}/{step}")).status_code == 200
            for client, room in (*((one, f"session:{id}") for one in viewers), (guest, f"lobby:{id}")):
                left = await client.expect(lambda one, room=room: one.get("push") == "left" and one["room"] == room)
                assert left["data"] == {"code": code, "rejoin": False}

            timers = "SELECT FROM timer WHERE key = $1 AND name = 'live.empty'"
            async with asyncio.timeout(20):
                while await database.fetch(timers, id):
                    await asyncio.sleep(0.1)
            for host in hosts:
                await host.say(f"session:{id}", "still here")
                assert host.pushes("left") == []
            assert (await hosts[0].join(f"staff:{id}"))["members"] == 1
            assert await entered(viewers[1], f"session:{id}") == code


async def test_who_has_no_right_any_more_is_taken_out(
    caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open", co_mentors=["cora", "carl"], visibility="open")
    session = f"session:{path.rsplit('/', 1)[1]}"
    staff = session.replace("session", "staff")
    left = {"code": "live.role", "rejoin": True}
    async with AsyncExitStack() as stack:
        people = {
            name: await stack.enter_async_context(connected(node.ws_url, token(name)))
            for name in ("cora", "carl", "sam", "enid")
        }
        for name, client in people.items():
            await client.join(session)
            if name.startswith("c"):
                await client.join(staff)
        assert (await mentor.patch(path, json={"co_mentors": ["carl"]}, headers=ANY)).status_code == 200
        for room in (session, staff):
            assert (await people["cora"].expect_push("left", room))["data"] == left
        # Of an open session everybody is a viewer.
        await people["cora"].join(session)
        with pytest.raises(WireError, match="forbidden"):
            await people["cora"].join(staff)
        assert (await mentor.patch(path, json={"visibility": "program"}, headers=ANY)).status_code == 200
        for name in ("cora", "sam"):
            await people[name].expect(
                lambda one: one.get("push") == "left" and one["room"] == session and one["data"] == left
            )
            with pytest.raises(WireError, match="forbidden"):
                await people[name].join(session)
        for name in ("carl", "enid"):
            await people[name].say(session, "still here")
            assert people[name].pushes("left") == []
    (noted,) = await database.fetch("SELECT act, details FROM account_audit WHERE subject = $1", path.rsplit("/", 1)[1])
    assert (noted["act"], json.loads(noted["details"])) == ("live.co_mentors", {"added": [], "removed": ["cora"]})


async def entered(client: Any, room: str) -> str:
    try:
        await client.join(room)
    except WireError as error:
        return error.code
    return "in"


async def test_places_are_taken_once_and_free_again_when_their_holder_has_left(
    caller: Caller, program: str, node: Running, token: MakeToken
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open", "start", visibility="open", capacity=3)
    room = f"session:{path.rsplit('/', 1)[1]}"
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(node.ws_url, token(f"guest-{n}"))) for n in range(8)]
        results = await asyncio.gather(*(client.join(room) for client in clients), return_exceptions=True)
        inside = [client for client, result in zip(clients, results, strict=True) if isinstance(result, dict)]
        outside = [client for client in clients if client not in inside]
        assert len(inside) == 3
        assert {result.code for result in results if isinstance(result, WireError)} == {"live.full"}
        # Hosts need none.
        async with connected(node.ws_url, token("meera", "mentor")) as host:
            await host.join(room)
        # Longer in the room than a place is kept.
        await asyncio.sleep(3)
        assert await entered(outside[0], room) == "live.full"
        await inside[0].call("leave", room=room)
        assert await entered(outside[0], room) == "live.full"
        async with asyncio.timeout(20):
            while await entered(outside[0], room) == "live.full":
                await asyncio.sleep(0.2)
        assert await entered(outside[0], room) == "in"
        assert [await entered(client, room) for client in (outside[1], inside[0])] == ["live.full"] * 2
        # As many as it may be may be too few; nobody has to go.
        assert (await mentor.patch(path, json={"capacity": 4}, headers=ANY)).status_code == 200
        async with asyncio.timeout(20):
            while await entered(outside[1], room) == "live.full":
                await asyncio.sleep(0.2)
        assert [await entered(client, room) for client in (*inside[1:], outside[0])] == ["in"] * 3


async def test_who_came_before_places_were_counted_has_one(
    caller: Caller, program: str, node: Running, token: MakeToken
) -> None:
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open", "start", visibility="open")
    room = f"session:{path.rsplit('/', 1)[1]}"
    async with AsyncExitStack() as stack:
        one, two, host = [
            await stack.enter_async_context(connected(node.ws_url, token(name))) for name in ("a", "b", "meera")
        ]
        assert [await entered(client, room) for client in (one, host)] == ["in"] * 2
        await asyncio.sleep(1.5)
        assert (await mentor.patch(path, json={"capacity": 1}, headers=ANY)).status_code == 200
        assert [await entered(client, room) for client in (two, one)] == ["live.full", "in"]


async def test_no_more_than_there_are_places_come_in_on_several_gateways(
    gateway: MakeGateway, caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    """At once and again and again; who was on a gateway that was killed finds their place for a while."""
    mentor = caller("meera", "mentor")
    path = await created(mentor, program, "open", "start", visibility="open", capacity=10)
    id = path.rsplit("/", 1)[1]
    room = f"session:{id}"
    environ = {"KSMP_LIVE_SEAT_GRACE": "4", "KSMP_LIVE_ATTENDANCE_INTERVAL": "0.2"}
    lazy = environ | {"KSMP_LIVE_FULL_PAUSE": "3600"}
    # Nobody comes in on a grant of before.
    async with (
        gateway(environ=environ, grant_fresh=0.0, command_burst=10_000) as a,
        gateway(environ=lazy, grant_fresh=0.0, command_burst=10_000) as b,
        AsyncExitStack() as stack,
    ):
        # As a gateway left them that was killed: in the room for long, and seen a moment ago.
        await database.execute("INSERT INTO live_node VALUES ($1, now())", f"killed-{id}")
        for name in ("lost", "found"):
            await database.execute(
                "INSERT INTO live_stay VALUES ($1, $2, $3, now() - interval '1 hour', NULL, 'N', false)",
                id,
                f"{name}-{id}",
                f"killed-{id}",
            )
            await database.execute(
                "INSERT INTO live_seat VALUES ($1, $2, now() - interval '1 hour')", id, f"{name}-{id}"
            )
        users = [f"{n}-{id}" for n in range(30)]
        clients = [
            await stack.enter_async_context(connected((a, b)[n % 2].ws_url, token(name)))
            for n, name in enumerate(users)
        ]
        found = await stack.enter_async_context(connected(b.ws_url, token(f"found-{id}")))
        results = await asyncio.gather(*(entered(client, room) for client in clients))
        assert sorted(results) == ["in"] * 8 + ["live.full"] * 22
        assert await entered(found, room) == "in"
        waiting = [client for client, result in zip(clients, results, strict=True) if result == "live.full"]
        async with asyncio.timeout(30):
            while True:
                results = await asyncio.gather(*(entered(client, room) for client in waiting))
                if "in" in results:
                    break
                await asyncio.sleep(0.1)
        # The one that was lost is the only one whose place is free again.
        assert sorted(results) == ["in"] + ["live.full"] * 21
        host = await stack.enter_async_context(connected(b.ws_url, token("meera", "mentor")))
        async with asyncio.timeout(20):
            # Who came in at this moment on the other gateway is heard of a moment later.
            while (count := (await host.join(room))["members"]) != 11:
                assert count < 11
                await asyncio.sleep(0.2)
        # It was full a moment ago: who comes again is refused without another look, whatever has changed.
        assert (await mentor.patch(path, json={"capacity": 50}, headers=ANY)).status_code == 200
        out = [one for one, result in zip(waiting, results, strict=True) if result == "live.full"]
        on_a, on_b = [next(one for one in out if clients.index(one) % 2 == place) for place in (0, 1)]
        async with asyncio.timeout(20):
            while await entered(on_a, room) == "live.full":
                await asyncio.sleep(0.2)
        assert [await entered(client, room) for client in (on_b, found)] == ["live.full", "in"]


async def test_a_host_s_word_makes_a_viewer_more(caller: Caller, program: str, node: Running, token: MakeToken) -> None:
    path = await created(caller("meera", "mentor"), program, "open")
    id = path.rsplit("/", 1)[1]
    room = f"session:{id}"
    module: Any = next(one for one in node.gateway.modules if one.name == "live")
    promotions = Promotions(module.kernel, records=False)
    async with connected(node.ws_url, token("enid")) as enid:
        await enid.join(room)
        for role in ("speaker", "cohost", "viewer"):
            async with node.gateway.database.transaction():
                assert await promotions.make(id, "enid", role)
            left = await enid.expect_push("left", room)
            assert left["data"] == {"code": "live.role", "rejoin": True}
            await enid.join(room)
            assert await module.access.authorizer.role(await _principal(node, token("enid")), id) == role


async def _principal(node: Running, token: str) -> Any:
    return await node.gateway.verifier.verify(token)


async def test_without_video_a_session_is_entered_all_the_same(caller: Caller, node: Running, room: str) -> None:
    joined = (await caller("sam").post(f"{SESSIONS}/{room.removeprefix('session:')}/join")).json()
    assert (joined["room"], joined["role"], joined["playback"]) == (room, "viewer", None)
    assert joined["socket_url"] == node.ws_url

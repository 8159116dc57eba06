"""A mentor who becomes a student keeps no right that was the mentor's."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, Clients, Running, eventually
from ksmp_testkit.socket_client import WireClient, WireError
from tests.modules.live.scheduling import ANY, SESSIONS, created, entered

# Tokens of the second in which a role was given are refused: issue times are whole seconds.
NEXT_SECOND = 5.0
PARTICIPANT = """
    INSERT INTO live_participant (id, session_id, user_id, stage_arn, role, kind, expires_at)
    VALUES ($1, $2, $3, 'arn', 'host', 'camera', now() + interval '1 hour')
"""
LEAVING = "SELECT leaving_at IS NOT NULL FROM live_participant WHERE id = $1"


async def demote(
    admin: httpx.AsyncClient, user: str, socket: WireClient, signed_in: Callable[[], httpx.AsyncClient]
) -> httpx.AsyncClient:
    """Give the mentor the role of a student; answers with what they are once they have signed in again."""
    answer = await admin.put(f"/api/v1/users/{user}/role", json={"role": "student"})
    assert answer.status_code == 200, answer.text
    # The node learns of it behind the answer. A token of this second is good until then.
    assert (await socket.disconnect_push())["code"] == 4501
    found: list[httpx.AsyncClient] = []

    async def again() -> bool:
        found.append(signed_in())
        return (await found[-1].get("/api/v1/auth/me")).status_code == 200

    await eventually(again, "they sign in again", timeout=NEXT_SECOND)
    return found[-1]


@pytest.mark.parametrize("named", ["session", "session's co-mentor", "program"])
async def test_a_mentor_who_becomes_a_student_is_no_host(
    node: Running, caller: Caller, clients: Clients, database: asyncpg.Pool, named: str
) -> None:
    tag = uuid.uuid4().hex[:8]
    user, owner, program = f"dem-{tag}", f"own-{tag}", f"p-{tag}"
    await database.execute(
        "INSERT INTO program (id, title, mentor_id, co_mentors) VALUES ($1, 'Algebra', $2, ARRAY[$3])",
        program,
        user if named == "program" else owner,
        owner,
    )
    path = await created(caller(owner, "mentor"), program, "open")
    id = path.rsplit("/", 1)[1]
    if named == "session":
        await database.execute("UPDATE live_session SET mentor_id = $2 WHERE id = $1", id, user)
    if named == "session's co-mentor":
        await database.execute("UPDATE live_session SET co_mentors = ARRAY[$2] WHERE id = $1", id, user)
    # The feed shows the first thousand, among them the classes of others that are open to all.
    await database.execute("UPDATE live_session SET starts_at = starts_at - interval '20 days' WHERE id = $1", id)
    mentor = caller(user, "mentor")
    feed = (await mentor.post("/api/v1/calendars/")).json()["url"]
    before = await clients.socket(user, "mentor")
    await before.join(f"session:{id}")
    await before.join(f"staff:{id}")
    assert (await mentor.get(f"{path}/attendance")).status_code == 200
    assert id in (await mentor.get(feed)).text
    listed = await mentor.get(f"{SESSIONS}/", params={"program": program})
    assert [one["id"] for one in listed.json()["items"]] == [id]
    await database.execute(PARTICIPANT, tag, id, user)

    # A token of the role that was taken says nothing: the platform's own word counts for more.
    student = await demote(caller("root", "admin"), user, before, lambda: caller(user, "mentor"))
    assert (await student.get("/api/v1/auth/me")).json()["role"] == "student"
    for step in ("open", "start", "end", "cancel"):
        answer = await student.post(f"{path}/{step}")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), step
    for read in ("attendance", "attendance/curve", "moderation", "questions", "polls", "consents", "stream", "checks"):
        answer = await student.get(f"{path}/{read}")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), read
    for answer in (
        await student.patch(path, json={"title": "Mine"}, headers=ANY),
        await student.get(path),
        await student.get(f"{path}/ingest"),
        await student.post(f"{path}/join"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.request.url
    for teaching in ({}, {"teaching": True}):
        listed = await student.get(f"{SESSIONS}/", params={"program": program, **teaching})
        assert listed.json()["items"] == []
    assert id not in (await student.get(feed)).text
    await node.events_handled("live.role_changed")
    assert await database.fetchval(LEAVING, tag)

    after = await clients.socket(user, "mentor")
    assert [await entered(after, f"{kind}:{id}") for kind in ("session", "staff", "lobby")] == ["forbidden"] * 3
    # In an open class they are a viewer like others, whom the hosts may take out.
    await database.execute("UPDATE live_session SET visibility = 'open' WHERE id = $1", id)
    joined = await after.join(f"session:{id}")
    assert "live.kick" not in joined["can"]
    with pytest.raises(WireError, match="forbidden"):
        await after.command(f"session:{id}", "live.kick", {"user": "somebody"})
    host = await clients.member(f"session:{id}", owner, "mentor")
    await host.command("live.kick", {"user": user})
    await after.expect(lambda one: one.get("push") == "left" and one["data"]["code"] == "live.kicked")
    # The class goes on without them, with the program's other mentors and the admins.
    assert (await caller("root", "admin").post(f"{path}/start")).status_code == 200
    assert (await host.rest.post(f"{path}/end")).status_code == 200


async def test_a_user_who_is_blocked_leaves_every_stage(
    node: Running, caller: Caller, room: str, database: asyncpg.Pool
) -> None:
    user, participant = f"blocked-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await caller(user).get("/api/v1/auth/me")
    await database.execute(PARTICIPANT, participant, room.removeprefix("session:"), user)
    assert (await caller("root", "admin").post(f"/api/v1/users/{user}/block", json={})).status_code == 200
    await node.events_handled("live.user_blocked")
    assert await database.fetchval(LEAVING, participant)

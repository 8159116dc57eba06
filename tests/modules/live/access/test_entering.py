"""Whom the rooms of a session let in, and when."""

from __future__ import annotations

import asyncpg

from ksmp_testkit import Caller, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected
from tests.modules.live.scheduling import SESSIONS, created, meet

ANY = {"If-Match": "*"}


async def test_whom_a_room_lets_in_at_which_time(
    caller: Caller, program: str, node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    mentor = caller("meera", "mentor")
    await meet(database, "cora")
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
    for user, role in (("meera", "mentor"), ("cora", "mentor"), ("root", "admin")):
        assert await entered(user, role) == "in"
    # A name alone is not enough.
    assert await entered("cora") == "forbidden"
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


async def test_without_video_a_session_is_entered_all_the_same(caller: Caller, node: Running, room: str) -> None:
    joined = (await caller("sam").post(f"{SESSIONS}/{room.removeprefix('session:')}/join")).json()
    assert (joined["room"], joined["role"], joined["playback"]) == (room, "viewer", None)
    assert joined["socket_url"] == node.ws_url

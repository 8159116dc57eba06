"""Users are met through their tokens, and each has rooms of their own from the start."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import datetime

import asyncpg
import httpx
import pytest

from ksmp_testkit import CLIENT_ID, ISSUER, CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected


def somebody() -> str:
    return f"u-{uuid.uuid4().hex}"


async def row(database: asyncpg.Pool, user: str) -> asyncpg.Record | None:
    return await database.fetchrow("SELECT * FROM account_user WHERE id = $1", user)


async def meet(node: Running, token: str) -> dict[str, object]:
    """The user as the gateway sees it."""
    async with connected(node.ws_url, token) as client:
        user: dict[str, object] = client.received[0]["ok"]["user"]
        return user


async def test_a_user_is_created_at_first_sight(node: Running, token: MakeToken, database: asyncpg.Pool) -> None:
    user = somebody()
    assert await row(database, user) is None
    assert await meet(node, token(user, "mentor", name="Meera R")) == {"id": user, "name": "Meera R", "role": "mentor"}
    found = await row(database, user)
    assert found is not None
    assert (found["name"], found["role"]) == ("Meera R", "mentor")
    assert found["created_at"] == found["seen_at"]


async def test_an_access_token_without_a_name_keeps_the_name_we_know(
    node: Running, token: MakeToken, database: asyncpg.Pool, create_session: CreateSession
) -> None:
    user, room = somebody(), f"session:{await create_session()}"
    nameless = token(user, token_use="access")
    # Nobody knows the name yet.
    assert (await meet(node, nameless))["name"] == user
    await meet(node, token(user, name="Ada L"))
    assert (await meet(node, nameless))["name"] == "Ada L"
    found = await row(database, user)
    assert found is not None
    assert found["name"] == "Ada L"
    async with connected(node.ws_url, nameless) as client:
        await client.join(room)
        await client.say(room, "hi")
        assert (await client.expect_push("chat.message"))["from"]["name"] == "Ada L"


async def test_a_new_name_and_a_new_role_are_taken_over(
    node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    user = somebody()
    await meet(node, token(user, "student", name="Old"))
    assert await meet(node, token(user, "mentor", name="New")) == {"id": user, "name": "New", "role": "mentor"}
    found = await row(database, user)
    assert found is not None
    assert (found["name"], found["role"]) == ("New", "mentor")
    assert found["created_at"] <= found["seen_at"]


async def test_the_same_user_many_times_at_once_is_one_user(
    node: Running, token: MakeToken, database: asyncpg.Pool
) -> None:
    user = somebody()
    tokens = [token(user, name=f"Name {index}") for index in range(8)]
    met = await asyncio.gather(*(meet(node, one) for one in tokens))
    assert {one["id"] for one in met} == {user}
    count = await database.fetchval("SELECT count(*) FROM account_user WHERE id = $1", user)
    assert count == 1


@pytest.mark.parametrize("role", ["student", "mentor", "admin"])
async def test_rooms_joined_on_connect(node: Running, token: MakeToken, role: str) -> None:
    user = somebody()
    async with connected(node.ws_url, token(user, role)) as client:
        rooms = client.received[0]["ok"]["rooms"]
        assert set(rooms) == {f"user:{user}", "announce:all", f"announce:{role}"}
        assert all("error" not in room for room in rooms.values())
        assert rooms[f"user:{user}"]["members"] == 1


@pytest.mark.parametrize(
    ("role", "room", "code"),
    [
        ("student", "user:another", "forbidden"),
        ("admin", "user:another", "forbidden"),
        ("student", "announce:mentor", "forbidden"),
        ("mentor", "announce:student", "forbidden"),
        ("mentor", "announce:admin", "forbidden"),
        ("student", "announce:nobody", "not_found"),
        ("student", "announce:all", None),
        ("admin", "announce:admin", None),
    ],
)
async def test_rooms_of_others_are_closed(
    node: Running, token: MakeToken, role: str, room: str, code: str | None
) -> None:
    async with connected(node.ws_url, token("someone", role)) as client:
        if code is None:
            await client.call("leave", room=room)
            assert (await client.join(room))["room"] == room
            return
        with pytest.raises(WireError) as caught:
            await client.join(room)
        assert caught.value.code == code


async def test_who_am_i(node: Running, token: MakeToken) -> None:
    user = somebody()
    async with httpx.AsyncClient(base_url=node.url) as http:
        answer = await http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token(user, 'mentor')}"})
        assert answer.status_code == 200
        me = answer.json()
        assert datetime.fromisoformat(me.pop("expires_at")).timestamp() == pytest.approx(time.time() + 3600, abs=60)
        assert me == {"id": user, "name": user.capitalize(), "role": "mentor"}
        # The name that an id token told is known for an access token too.
        nameless = token(user, "mentor", token_use="access")
        answer = await http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {nameless}"})
        assert answer.json()["name"] == user.capitalize()


async def test_how_to_sign_in(gateway: MakeGateway) -> None:
    environ = {
        "KSMP_ACCOUNTS_REGION": "ap-south-1",
        "KSMP_ACCOUNTS_POOL": "ap-south-1_x",
        "KSMP_ACCOUNTS_DOMAIN": "in.example.org",
        "KSMP_ACCOUNTS_CLIENT_ID": "page",
    }
    shown = []
    for variables in ({}, environ):
        async with gateway(environ=variables) as running, httpx.AsyncClient(base_url=running.url) as http:
            shown.append((await http.get("/api/v1/auth/config")).json())
    assert shown[0] == {"issuer": ISSUER, "client_id": CLIENT_ID, "region": "", "pool": "", "domain": ""}
    assert shown[1] == {
        "issuer": ISSUER,
        "client_id": "page",
        "region": "ap-south-1",
        "pool": "ap-south-1_x",
        "domain": "in.example.org",
    }

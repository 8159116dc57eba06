"""Who may join a session's rooms, and as what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected

Enter = Callable[[str, str, str], Awaitable[str]]


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    """One that keeps grants, as gateways do."""
    async with gateway() as running:
        yield running


@pytest.fixture
async def enter(node: Running, token: MakeToken) -> AsyncIterator[Enter]:
    """Joins a session's room as a user in a role; `host`, `viewer`, or the code of the refusal."""
    async with connected(node.ws_url, token("asker", "admin")) as admin:

        async def enter(user: str, role: str, room: str) -> str:
            async with connected(node.ws_url, token(user, role)) as client:
                try:
                    await client.join(room)
                except WireError as error:
                    return error.code
                # Only a host may delete what another said.
                await admin.join(room)
                seq = (await admin.say(room, "who are you?"))["seq"]
                reply = await client.send("chat.delete", room=room, data={"seq": seq})
                message = await client.expect(lambda one: one.get("id") == reply)
                return "host" if "ok" in message else {"forbidden": "viewer"}[message["error"]["code"]]

        yield enter


@pytest.mark.parametrize(
    ("user", "role", "place"),
    [
        ("meera", "mentor", "host"),
        ("paul", "mentor", "host"),
        ("anyone", "admin", "host"),
        ("enid", "student", "viewer"),
        ("enid", "mentor", "viewer"),
        ("sam", "student", "forbidden"),
        ("another-mentor", "mentor", "forbidden"),
    ],
)
async def test_a_session_is_for_those_of_its_program(
    enter: Enter, create_session: CreateSession, user: str, role: str, place: str
) -> None:
    session = await create_session(open=False, mentor="meera", program_mentor="paul", enrolled=("enid",))
    assert await enter(user, role, f"session:{session}") == place


async def test_an_open_program_s_session_is_for_everyone(enter: Enter, create_session: CreateSession) -> None:
    session = await create_session(open=True, mentor="meera")
    assert await enter("sam", "student", f"session:{session}") == "viewer"
    assert await enter("another-mentor", "mentor", f"session:{session}") == "viewer"
    assert await enter("meera", "mentor", f"session:{session}") == "host"


async def test_a_session_that_does_not_exist_is_not_found(enter: Enter) -> None:
    for role in ("student", "mentor", "admin"):
        assert await enter("someone", role, "session:nowhere") == "not_found"
        assert await enter("someone", role, "staff:nowhere") == "not_found"


@pytest.mark.parametrize(
    ("user", "role", "may"),
    [
        ("meera", "mentor", True),
        ("paul", "mentor", True),
        ("root", "admin", True),
        ("enid", "student", False),
        ("sam", "student", False),
    ],
)
async def test_the_staff_room_is_for_the_mentors(
    node: Running, token: MakeToken, create_session: CreateSession, user: str, role: str, may: bool
) -> None:
    session = await create_session(open=False, mentor="meera", program_mentor="paul", enrolled=("enid",))
    async with connected(node.ws_url, token(user, role)) as client:
        if may:
            joined = await client.join(f"staff:{session}")
            # Chat is not a matter of this room.
            assert {command.partition(".")[0] for command in joined["can"]} == {"analytics", "live"}
            return
        with pytest.raises(WireError) as caught:
            await client.join(f"staff:{session}")
        assert caught.value.code == "forbidden"


async def test_a_refusal_is_not_remembered(
    node: Running, token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    session = await create_session(open=False)
    async with connected(node.ws_url, token("newcomer")) as client:
        with pytest.raises(WireError):
            await client.join(f"session:{session}")
        await database.execute(
            "INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", f"p-{session}", "newcomer"
        )
        assert "chat.send" in (await client.join(f"session:{session}"))["can"]

"""Users' own profiles, and what admins do to users, as two gateways show it."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import pytest

from gateway.errors import Banned, CloseCode, Unavailable
from gateway.principal import Principal, Role
from ksmp_testkit import MakeGateway, MakeToken, Running, eventually
from ksmp_testkit.socket_client import WireError, connected, opened
from modules.accounts.facade import record
from modules.accounts.module import AccountsModule

SOON = 10.0
PROFILE = "/api/v1/users/me"


@pytest.fixture(scope="module")
async def other(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway() as running:
        yield running


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, other: Running) -> AsyncIterator[Running]:
    """Who is asked. It starts last: Piccolo's tables know one engine at a time, and transactions are of that one."""
    async with gateway() as running:
        yield running


def somebody(prefix: str = "u") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def call(node: Running, token: MakeToken) -> AsyncIterator[Call]:
    """`call("GET", path, user, role)`, of the first gateway unless `on` says another."""
    async with httpx.AsyncClient(timeout=SOON) as client:

        async def make(
            method: str,
            path: str,
            user: str,
            role: str = "student",
            *,
            on: Running = node,
            rev: int | None = None,
            bearer: str | None = None,
            **more: Any,
        ) -> httpx.Response:
            headers = {"Authorization": f"Bearer {bearer or token(user, role)}"}
            if rev is not None:
                headers["If-Match"] = f'"{rev}"'
            return await client.request(method, f"{on.url}{path}", headers=headers, **more)

        yield make


@pytest.fixture
def admin() -> str:
    return somebody("admin")


def problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def entries(call: Call, admin: str, **filters: str) -> list[dict[str, Any]]:
    answer = await call("GET", "/api/v1/audit", admin, "admin", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_profile(call: Call, other: Running, token: MakeToken) -> None:
    user = somebody()
    first = await call("GET", PROFILE, user)
    mine = first.json()
    assert first.headers["ETag"] == f'"{mine["rev"]}"'
    assert (mine["id"], mine["name"], mine["role"]) == (user, user.capitalize(), "student")
    assert mine["avatar_url"] is mine["time_zone"] is mine["locale"] is mine["phone"] is None
    # What the other gateway remembers of them has to go too.
    assert (await call("GET", "/api/v1/auth/me", user, on=other)).json()["name"] == user.capitalize()

    said = {
        "name": "  Asha\u202e R ",
        "avatar_url": "https://img.example.org/a.png",
        "time_zone": "Asia/Kolkata",
        "locale": "hi-IN",
        "phone": "+919876543210",
    }
    problem(await call("PATCH", PROFILE, user, json=said), 428, "precondition_required")
    problem(await call("PATCH", PROFILE, user, rev=mine["rev"] + 1, json=said), 412, "precondition_failed")
    changed = await call("PATCH", PROFILE, user, rev=mine["rev"], json=said)
    assert changed.status_code == 200, changed.text
    shown = changed.json()
    assert {key: shown[key] for key in said} == {**said, "name": "Asha R"}
    assert changed.headers["ETag"] == f'"{mine["rev"] + 1}"'

    async def known() -> bool:
        return bool((await call("GET", "/api/v1/auth/me", user, on=other)).json()["name"] == "Asha R")

    assert (await call("GET", "/api/v1/auth/me", user)).json()["name"] == "Asha R"
    await eventually(known, "the other gateway knows the name")
    # A later id token says another name, as it did before.
    async with connected(other.ws_url, token(user, name="Somebody Else")) as client:
        assert client.received[0]["ok"]["user"]["name"] == "Asha R"

    shown = (await call("PATCH", PROFILE, user, rev=shown["rev"], json={"phone": None})).json()
    assert (shown["phone"], shown["time_zone"]) == (None, "Asia/Kolkata")
    assert (await call("GET", PROFILE, user)).json() == shown


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "\u202e"},
        {"name": None},
        {"avatar_url": "javascript:alert(1)"},
        {"avatar_url": "https://a/'onload="},
        {"avatar_url": "https://a/b\n"},
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "localtime"},
        {"time_zone": "Factory"},
        {"time_zone": "europe/berlin"},
        {"locale": "much too long"},
        {"phone": "98765"},
        {"phone": "+919876543210\n"},
    ],
)
async def test_what_is_no_profile(call: Call, change: dict[str, Any]) -> None:
    user = somebody()
    await call("GET", PROFILE, user)
    problem(await call("PATCH", PROFILE, user, rev=1, json=change), 400, "invalid")


async def test_only_admins_see_users_and_the_audit(call: Call, token: MakeToken) -> None:
    for role in ("student", "mentor"):
        user = somebody(role)
        for method, path, body in (
            ("GET", "/api/v1/users", None),
            ("GET", f"/api/v1/users/{user}", None),
            ("GET", "/api/v1/audit", None),
            ("PUT", f"/api/v1/users/{user}/role", {"role": "admin"}),
            ("POST", f"/api/v1/users/{user}/block", {}),
            ("POST", f"/api/v1/users/{user}/unblock", None),
            ("DELETE", f"/api/v1/users/{user}", None),
            ("POST", "/api/v1/auth/revoke", {"user_id": user}),
        ):
            problem(await call(method, path, user, role, json=body), 403, "forbidden")


async def test_users_are_found(call: Call, admin: str, database: asyncpg.Pool) -> None:
    group = uuid.uuid4().hex[:8]
    names = [f"Zoe {group}", f"Abe {group}_100%", f"Mia {group}"]
    ids = [somebody() for _ in names]
    for id, name in zip(ids, names, strict=True):
        await call("GET", PROFILE, id)
        await call("PATCH", PROFILE, id, rev=1, json={"name": name})

    async def listed(**params: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await call("GET", "/api/v1/users", admin, "admin", params={"limit": 2, **params, **cursor})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += [one["name"] for one in page["items"]]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    assert await listed(q=group.upper()) == sorted(names)
    # What means something to LIKE is a character like any other.
    assert await listed(q=f"{group}_100%") == [names[1]]
    assert await listed(q=f"{group}%") == await listed(q="\\") == []
    assert await listed(q=ids[2]) == [names[2]]
    assert await listed(q=group, role="mentor") == []
    assert (await call("POST", f"/api/v1/users/{ids[0]}/block", admin, "admin", json={})).status_code == 200
    assert await listed(q=group, status="blocked") == [names[0]]
    assert await listed(q=group, status="active") == sorted(names[1:])
    one = await call("GET", f"/api/v1/users/{ids[0]}", admin, "admin")
    assert (one.json()["blocked"], one.json()["deleted_at"]) == (True, None)
    problem(await call("GET", f"/api/v1/users/{somebody()}", admin, "admin"), 404, "not_found")


async def test_who_logs_out_is_out_everywhere(call: Call, node: Running, other: Running, token: MakeToken) -> None:
    user = somebody()
    # Two sign-ins of the same second: nothing but the token itself tells them apart.
    here, there = token(user), token(user)
    assert (await call("GET", "/api/v1/auth/me", user, bearer=there)).status_code == 200
    async with connected(other.ws_url, here) as leaving, connected(other.ws_url, there) as staying:
        assert (await call("POST", "/api/v1/auth/logout", user, bearer=here)).status_code == 204
        # On the gateway that was asked at once.
        problem(await call("GET", "/api/v1/auth/me", user, bearer=here), 401, "unauthenticated")
        assert (await leaving.disconnect_push(timeout=SOON))["code"] == CloseCode.REVOKED
        problem(await call("GET", "/api/v1/auth/me", user, bearer=here, on=other), 401, "unauthenticated")
        # Another sign-in of the same user goes on.
        await staying.call("ping")
    assert (await call("GET", "/api/v1/auth/me", user, bearer=there)).status_code == 200


async def test_a_revocation_lasts_as_long_as_the_tokens(
    gateway: MakeGateway, token: MakeToken, database: asyncpg.Pool
) -> None:
    user, revoked = somebody(), somebody()
    async with gateway(token_life=600.0, token_leeway=60.0) as running, httpx.AsyncClient(base_url=running.url) as rest:

        def bearer(user: str, role: str = "student", *, ttl: float) -> dict[str, str]:
            return {"Authorization": f"Bearer {token(user, role, ttl=ttl)}"}

        problem(await rest.get("/api/v1/auth/me", headers=bearer(user, ttl=670.0)), 401, "unauthenticated")
        # The longest that is accepted, by a clock that is as far off as it may be.
        longest = bearer(user, ttl=658.0)
        assert (await rest.post("/api/v1/auth/logout", headers=longest)).status_code == 204
        admin = bearer("root", "admin", ttl=600.0)
        body = {"user_id": revoked}
        assert (await rest.post("/api/v1/auth/revoke", headers=admin, json=body)).status_code == 204
        problem(await rest.get("/api/v1/auth/me", headers=longest), 401, "unauthenticated")
    left = await database.fetch(
        """SELECT extract(epoch FROM until - changed_at) AS seconds FROM fact
        WHERE kind = 'access' AND (key LIKE $1 OR data::jsonb ->> 'token' = $2)""",
        f"user {revoked} %",
        sha256(claim(longest, "jti").encode()).hexdigest(),
    )
    # The issuer's clock may be 60 s ahead, the token lives up to 660 s, and it is accepted 60 s after that.
    assert [row["seconds"] >= 779.0 for row in left] == [True, True]


def claim(headers: dict[str, str], name: str) -> str:
    payload = headers["Authorization"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=="))[name])


async def test_4501_an_admin_revokes_a_user(
    call: Call, other: Running, node: Running, token: MakeToken, admin: str
) -> None:
    user = somebody()
    old = token(user)
    async with connected(node.ws_url, old) as here, connected(other.ws_url, old) as there:
        answer = await call("POST", "/api/v1/auth/revoke", admin, "admin", json={"user_id": user})
        assert (answer.status_code, answer.content) == (204, b"")
        for client in (here, there):
            assert (await client.disconnect_push(timeout=SOON))["code"] == 4501
    for running in (node, other):
        problem(await call("GET", "/api/v1/auth/me", user, bearer=old, on=running), 401, "unauthenticated")
    (entry,) = await entries(call, admin, subject=user)
    assert (entry["actor"], entry["act"], entry["details"]) == (admin, "accounts.revoke", {})
    assert entry["request_id"] == answer.headers["X-Request-ID"]
    problem(await call("POST", "/api/v1/auth/revoke", admin, "admin", json={"user_id": "no id"}), 400, "invalid")


async def test_a_role_holds_at_once_and_against_tokens(
    call: Call, node: Running, other: Running, token: MakeToken, admin: str
) -> None:
    user = somebody()
    old = token(user, "student")
    async with connected(other.ws_url, old) as client:
        answer = await call("PUT", f"/api/v1/users/{user}/role", admin, "admin", json={"role": "mentor"})
        assert (answer.status_code, answer.json()["role"]) == (200, "mentor")
        # What they have is good for nothing, so that nobody goes on in the old role.
        assert (await client.disconnect_push(timeout=SOON))["code"] == 4501
    problem(await call("GET", "/api/v1/auth/me", user, bearer=old), 401, "unauthenticated")

    async def signed_in() -> bool:
        # Issue times are whole seconds.
        return (await call("GET", "/api/v1/programs/own", user, on=other)).status_code == 200

    await eventually(signed_in, "a new token of the old role is a mentor's")
    async with connected(node.ws_url, token(user, "student")) as client:
        connect = client.received[0]["ok"]
        assert connect["user"]["role"] == "mentor"
        assert "announce:mentor" in connect["rooms"]
        assert "announce:student" not in connect["rooms"]
    (entry,) = await entries(call, admin, subject=user, act="accounts.role")
    assert entry["details"] == {"from": "student", "to": "mentor"}
    # The same again puts nobody out.
    new = token(user)
    assert (await call("PUT", f"/api/v1/users/{user}/role", admin, "admin", json={"role": "mentor"})).status_code == 200
    assert (await call("GET", "/api/v1/auth/me", user, bearer=new)).json()["role"] == "mentor"
    path = f"/api/v1/users/{somebody()}/role"
    problem(await call("PUT", path, admin, "admin", json={"role": "mentor"}), 404, "not_found")


async def test_4501_a_first_role_ends_what_other_tokens_said(
    call: Call, other: Running, token: MakeToken, admin: str
) -> None:
    user = somebody()
    async with connected(other.ws_url, token(user, "admin")) as client:
        # The row has the role of the token that was met last.
        assert (await call("GET", PROFILE, user)).json()["role"] == "student"
        answer = await call("PUT", f"/api/v1/users/{user}/role", admin, "admin", json={"role": "student"})
        assert answer.status_code == 200, answer.text
        assert (await client.disconnect_push(timeout=SOON))["code"] == 4501


async def test_who_came_by_the_token_alone_is_looked_at_once_somebody_can_tell(
    call: Call, node: Running, token: MakeToken, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    demoted, deleted, same = users = [somebody() for _ in range(3)]
    for user in users:
        await call("GET", PROFILE, user)
    await database.execute("UPDATE account_user SET role_given = true WHERE id = $1", demoted)
    await database.execute("UPDATE account_user SET deleted_at = now() WHERE id = $1", deleted)
    accounts = node.module(AccountsModule).accounts
    meet = accounts.meet

    async def away(principal: Principal) -> Principal:
        if principal.id in users:
            raise Unavailable("the database is away")
        return await meet(principal)

    monkeypatch.setattr(accounts, "meet", away)
    tokens = [token(demoted, "admin"), token(deleted), token(same)]
    async with (
        connected(node.ws_url, tokens[0]) as promoted,
        connected(node.ws_url, tokens[1]) as gone,
        connected(node.ws_url, tokens[2]) as staying,
    ):
        # As the older group in the pool has it.
        assert promoted.received[0]["ok"]["user"]["role"] == "admin"
        assert (await call("GET", "/api/v1/auth/me", demoted, bearer=tokens[0])).json()["role"] == "admin"
        monkeypatch.undo()
        assert (await promoted.disconnect_push(timeout=SOON))["code"] == 4501
        assert (await gone.disconnect_push(timeout=SOON))["code"] == 4504

        async def known() -> bool:
            me = await call("GET", "/api/v1/auth/me", demoted, bearer=tokens[0])
            return bool(me.json()["role"] == "student") and not node.gateway.sign_in._unidentified

        assert node.gateway.settings.identity_fresh > SOON
        await eventually(known, "requests do not go by the token either")
        await staying.call("ping")


async def test_who_called_rest_a_moment_ago_connects_without_another_question(
    call: Call, node: Running, token: MakeToken, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = somebody()
    bearer = token(user)
    accounts = node.module(AccountsModule).accounts
    meet, met = accounts.meet, []

    async def noted(principal: Principal) -> Principal:
        met.append(principal.id)
        return await meet(principal)

    async def connects() -> None:
        async with connected(node.ws_url, bearer) as client:
            await client.call("ping")

    async def asked_anew() -> bool:
        await connects()
        return met.count(user) == 2

    async def is_kept_out() -> bool:
        try:
            await connects()
        except WireError as error:
            return error.code == "forbidden"
        return False

    monkeypatch.setattr(accounts, "meet", noted)
    await call("GET", "/api/v1/auth/me", user, bearer=bearer)
    await connects()
    assert met.count(user) == 1
    await node.gateway.identities.renew(user)
    await eventually(asked_anew, "the modules are asked again after a change")
    assert (await call("POST", f"/api/v1/users/{user}/block", admin, "admin", json={"reason": "r"})).status_code == 200
    await eventually(is_kept_out, "what is remembered lets nobody in who is blocked")


async def test_the_last_admin_stays(call: Call, admin: str, database: asyncpg.Pool) -> None:
    await call("GET", PROFILE, admin, "admin")
    others = await database.fetch(
        "UPDATE account_user SET role = 'mentor' WHERE role = 'admin' AND id <> $1 RETURNING id", admin
    )
    try:
        path = f"/api/v1/users/{admin}"
        for method, place, body in (
            ("PUT", f"{path}/role", {"role": "student"}),
            ("POST", f"{path}/block", {}),
            ("DELETE", path, None),
            ("DELETE", PROFILE, None),
        ):
            problem(await call(method, place, admin, "admin", json=body), 409, "accounts.last_admin")
        assert await entries(call, admin, subject=admin) == []
        # Two of them may not both go.
        second = somebody("admin")
        await call("GET", PROFILE, second, "admin")
        both = await asyncio.gather(*(call("DELETE", PROFILE, one, "admin") for one in (admin, second)))
        assert sorted(answer.status_code for answer in both) == [204, 409]
    finally:
        await database.execute(
            "UPDATE account_user SET role = 'admin' WHERE id = ANY($1::text[])", [row["id"] for row in others]
        )


async def test_4504_a_blocked_user_is_out_until_unblocked(
    call: Call, node: Running, other: Running, token: MakeToken, admin: str
) -> None:
    user = somebody()
    block, unblock = (f"/api/v1/users/{user}/{verb}" for verb in ("block", "unblock"))
    async with connected(other.ws_url, token(user)) as client:
        answer = await call("POST", block, admin, "admin", json={"reason": "sells answers"})
        assert (answer.status_code, answer.json()["blocked"]) == (200, True)
        assert (await client.disconnect_push(timeout=SOON))["code"] == 4504
    problem(await call("GET", PROFILE, user, on=other), 403, "forbidden")
    async with opened(other.ws_url) as client:
        with pytest.raises(WireError) as caught:
            await client.connect(token(user))
        assert caught.value.code == "forbidden"
    # Again, it changes nothing.
    again = await call("POST", block, admin, "admin", json={})
    assert (again.json()["blocked"], again.json()["rev"]) == (True, answer.json()["rev"])
    assert (await call("POST", unblock, admin, "admin")).json()["blocked"] is False

    async def let_in() -> bool:
        return (await call("GET", PROFILE, user, on=other)).status_code == 200

    await eventually(let_in, "the user is let in again")
    assert [(entry["act"], entry["details"]) for entry in await entries(call, admin, subject=user)] == [
        ("accounts.unblock", {}),
        ("accounts.block", {"reason": "sells answers"}),
    ]


async def test_an_act_that_is_undone_leaves_no_trace(
    call: Call, node: Running, token: MakeToken, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = somebody()
    mine = token(user)
    await call("GET", PROFILE, user, bearer=mine)

    async def broken(*_: Any) -> None:
        raise RuntimeError("the last step of the act fails")

    with monkeypatch.context() as patched:
        patched.setattr(node.gateway.access, "ban", broken)
        answer = await call("POST", f"/api/v1/users/{user}/block", admin, "admin", json={})
        assert answer.status_code == 500
    assert (await call("GET", f"/api/v1/users/{user}", admin, "admin")).json()["blocked"] is False
    assert await entries(call, admin, subject=user) == []
    assert (await call("GET", PROFILE, user, bearer=mine)).status_code == 200


async def test_without_postgresql_it_is_unavailable(gateway: MakeGateway, token: MakeToken) -> None:
    headers = {"Authorization": f"Bearer {token(somebody(), 'admin')}", "If-Match": "*"}
    async with (
        gateway(database_url="postgresql://ksmp@127.0.0.1:1/ksmp") as running,
        httpx.AsyncClient(base_url=running.url, headers=headers, timeout=SOON) as http,
    ):
        # Who asks is told by the token.
        assert (await http.get("/api/v1/auth/me")).json()["role"] == "admin"
        for method, path, body in (
            ("POST", "/auth/logout", None),
            ("POST", "/auth/revoke", {"user_id": "u"}),
            ("GET", "/users/me", None),
            ("PATCH", "/users/me", {"name": "A"}),
            ("DELETE", "/users/me", None),
            ("GET", "/users/me/export", None),
            ("GET", "/users", None),
            ("GET", "/users/u", None),
            ("PUT", "/users/u/role", {"role": "admin"}),
            ("POST", "/users/u/block", {}),
            ("POST", "/users/u/unblock", None),
            ("DELETE", "/users/u", None),
            ("GET", "/audit", None),
        ):
            problem(await http.request(method, f"/api/v1{path}", json=body), 503, "unavailable")


async def test_the_audit(call: Call, node: Running, admin: str, database: asyncpg.Pool) -> None:
    actor, subject = somebody("actor"), somebody("thing")
    principal = Principal(id=actor, name="A", role=Role.MENTOR, expires_at=0)
    with pytest.raises(RuntimeError, match="outside of a transaction"):
        await record(node.gateway.database, principal, "programs.publish", subject)
    # As another module does.
    for act in ("programs.publish", "programs.archive", "programs.publish"):
        async with node.gateway.database.transaction():
            await record(node.gateway.database, principal, act, subject, {"rev": 3})
    found = await entries(call, admin, actor=actor)
    assert [entry["act"] for entry in found] == ["programs.publish", "programs.archive", "programs.publish"]
    assert found == sorted(found, key=lambda entry: entry["at"], reverse=True)
    assert {entry["subject"] for entry in found} == {subject}
    assert found[0]["details"] == {"rev": 3}
    assert len(await entries(call, admin, actor=actor, act="programs.archive")) == 1
    assert len(await entries(call, admin, actor=actor, since=found[1]["at"])) == 2
    answer = await call("GET", "/api/v1/audit", admin, "admin", params={"actor": actor, "limit": 2})
    more = {"actor": actor, "cursor": answer.json()["next"]}
    assert (await call("GET", "/api/v1/audit", admin, "admin", params=more)).json()["items"] == found[2:]
    for bad in ("2026-01-31", "2026-13-31T00:00:00Z", "7"):
        problem(await call("GET", "/api/v1/audit", admin, "admin", params={"since": bad}), 400, "invalid")
    with pytest.raises(asyncpg.RaiseError):
        await database.execute("UPDATE account_audit SET actor = 'nobody' WHERE actor = $1", actor)
    with pytest.raises(asyncpg.RaiseError):
        await database.execute("DELETE FROM account_audit WHERE actor = $1", actor)


def said(user: str, name: str = "Asha", role: Role = Role.STUDENT) -> Principal:
    return Principal(id=user, name=name, role=role, expires_at=2**42)


async def test_a_row_that_is_held_keeps_only_its_own_user_waiting(node: Running, database: asyncpg.Pool) -> None:
    """Users who sign in at the same moment are met in one statement. Another's work may hold the row of one of them."""
    meet = node.module(AccountsModule).accounts.meet
    held, *others = users = [somebody() for _ in range(9)]
    await asyncio.gather(*(meet(said(user)) for user in users))
    async with database.acquire() as connection, connection.transaction():
        await connection.fetch("SELECT FROM account_user WHERE id = $1 FOR UPDATE", held)
        waiting = asyncio.create_task(meet(said(held, "Ravi")))
        async with asyncio.timeout(SOON):
            met = await asyncio.gather(*(meet(said(user, "Ravi")) for user in (*others, somebody())))
        assert {one.name for one in met} == {"Ravi"}
        assert not waiting.done()
    assert (await waiting).name == "Ravi"


async def test_users_are_met_together_as_they_are_alone(node: Running, database: asyncpg.Pool) -> None:
    """New, known, renamed, named by themselves, given a role, nameless, deleted, and one user with two claims."""
    meet = node.module(AccountsModule).accounts.meet
    new, known, renamed, chosen, given, nameless, deleted, twice = users = [somebody() for _ in range(8)]
    await asyncio.gather(*(meet(said(user)) for user in users if user != new))
    await database.execute("UPDATE account_user SET name_chosen = true WHERE id = $1", chosen)
    await database.execute("UPDATE account_user SET role_given = true WHERE id = $1", given)
    await database.execute("UPDATE account_user SET deleted_at = now() WHERE id = $1", deleted)
    claims = [
        said(new),
        said(known),
        said(renamed, "Ravi", Role.MENTOR),
        said(chosen, "Ravi"),
        said(given, "Ravi", Role.ADMIN),
        said(nameless, nameless),
        said(deleted),
        said(twice, "One"),
        said(twice, "Two"),
    ]
    met = await asyncio.gather(*(meet(one) for one in claims), return_exceptions=True)
    found = [(one.name, one.role) if isinstance(one, Principal) else type(one) for one in met]
    student = Role.STUDENT
    assert found == [
        ("Asha", student),
        ("Asha", student),
        ("Ravi", Role.MENTOR),
        ("Asha", student),
        ("Ravi", student),
        ("Asha", student),
        Banned,
        ("One", student),
        ("Two", student),
    ]
    revs = dict(await database.fetch("SELECT id, rev FROM account_user WHERE id = ANY($1)", users))
    assert [revs[user] for user in users] == [1, 1, 2, 1, 2, 1, 1, 3]

"""API keys: shown once, stored hashed, rotated with an overlap, refused at once everywhere, and for one door alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx
import pytest

from gateway import clock
from ksmp_testkit import Caller, Clients, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import WireError, opened
from tests.modules.integrations.service_client import ADMIN, MakeService, service_maker, shows

WHO = "/rooms/session:nobody-s/presence"
SCOPES = ["rooms.presence"]
ROOMS = ["session:*"]


@pytest.fixture
def admin(caller: Caller) -> httpx.AsyncClient:
    return caller("boss", "admin")


async def test_a_key_is_shown_once_and_stored_as_a_hash(
    admin: httpx.AsyncClient, make_service: MakeService, database: asyncpg.Pool
) -> None:
    made = await make_service(SCOPES, ROOMS)
    assert done(await made.http.get(WHO))["count"] == 0
    (listed,) = done(await admin.get(f"{ADMIN}/services/{made.id}/keys"))["items"]
    assert listed["id"] == made.key
    assert listed["last_used_at"] is not None
    secret = made.secret.rpartition("_")[2]
    assert secret not in str(listed)
    for table in ("integrations_key", "account_audit", "idempotency_key"):
        assert not await database.fetch(f"SELECT FROM {table} AS kept WHERE strpos(kept::text, $1) > 0", secret)
    acts = done(await admin.get("/api/v1/audit", params={"subject": made.id}))["items"]
    assert [entry["act"] for entry in acts] == ["integrations.add_key", "integrations.create_service"]


async def test_a_key_does_what_its_scopes_say(make_service: MakeService) -> None:
    # What is named twice counts once.
    reads = await make_service(SCOPES * 2, ["session:one", "session:one"])
    refused(await reads.http.get(WHO), 403, "forbidden")
    refused(await reads.http.get("/rooms/session:one/history"), 403, "forbidden")
    message = {"room": "session:one", "name": "a", "data": 1}
    refused(await reads.http.post("/publish", json=message), 403, "forbidden")
    done(await reads.http.get("/rooms/session:one/presence"))


async def test_a_key_opens_no_door_of_users(node: Running, make_service: MakeService, admin: httpx.AsyncClient) -> None:
    made = await make_service(SCOPES, ROOMS)
    as_user = {"Authorization": f"Bearer {made.secret}"}
    async with httpx.AsyncClient(base_url=node.url, headers=as_user) as http:
        for path in ("/api/v1/users/me", f"{ADMIN}/services", "/api/v1/programs"):
            refused(await http.get(path), 401, "unauthenticated")
    async with opened(node.ws_url) as socket:
        with pytest.raises(WireError) as caught:
            await socket.connect(made.secret)
        assert caught.value.code == "unauthenticated"
    # Nor does a user's token open the services' door, not even an admin's.
    refused(await admin.get(f"/api/v1/server{WHO}"), 401, "unauthenticated")


@pytest.fixture(scope="module")
async def other(gateway: MakeGateway, node: Running) -> AsyncIterator[Running]:
    """Another gateway. Piccolo's tables know the engine of the one that started last, so no page is read here."""
    async with gateway() as running:
        for module in node.gateway.modules:
            node.gateway.database.bind(module.tables)
        yield running


async def test_a_revoked_key_is_refused_by_the_next_request_on_every_gateway(
    admin: httpx.AsyncClient, make_service: MakeService, other: Running
) -> None:
    made = await make_service(SCOPES, ROOMS)
    async with shows(other.url, made.secret) as elsewhere:
        done(await made.http.get(WHO))
        done(await elsewhere.get(WHO))
        for _ in range(2):
            done(await admin.delete(f"{ADMIN}/keys/{made.key}"), 204)
        # No waiting: the commit is the end of the key.
        refused(await elsewhere.get(WHO), 401, "unauthenticated")
        refused(await made.http.get(WHO), 401, "unauthenticated")
    refused(await admin.post(f"{ADMIN}/keys/{made.key}/rotate", json={}), 409, "integrations.key_over")
    acts = done(await admin.get("/api/v1/audit", params={"subject": made.id}))["items"]
    assert [entry["act"] for entry in acts].count("integrations.revoke_key") == 1


async def test_a_service_that_is_disabled_is_refused_with_all_keys(
    node: Running, admin: httpx.AsyncClient, make_service: MakeService
) -> None:
    one = await make_service(SCOPES, ROOMS)
    two = await make_service(SCOPES, ROOMS, service=one.id)
    path, match = f"{ADMIN}/services/{one.id}", {"If-Match": '"1"'}
    assert done(await admin.patch(path, json={"disabled": True}, headers=match))["disabled"]
    for client in (one, two):
        refused(await client.http.get(WHO), 401, "unauthenticated")
    refused(await admin.patch(path, json={"disabled": False}, headers=match), 412, "precondition_failed")
    done(await admin.patch(path, json={"disabled": False}, headers={"If-Match": '"2"'}))
    done(await two.http.get(WHO))
    acts = done(await admin.get("/api/v1/audit", params={"act": "integrations.change_service", "subject": one.id}))
    assert [entry["details"]["disabled"] for entry in acts["items"]] == [False, True]


async def test_an_expired_key_is_refused(
    admin: httpx.AsyncClient, make_service: MakeService, database: asyncpg.Pool
) -> None:
    made = await make_service(SCOPES, ROOMS)
    await database.execute("UPDATE integrations_key SET expires_at = now() WHERE id = $1", made.key)
    refused(await made.http.get(WHO), 401, "unauthenticated")
    path = f"{ADMIN}/services/{made.id}/keys"
    for days in (-1, 400):
        ends = (clock.now() + timedelta(days=days)).isoformat()
        body = {"scopes": SCOPES, "rooms": ROOMS, "expires_at": ends}
        refused(await admin.post(path, json=body), 400, "invalid")


async def test_a_rotation_leaves_the_old_key_its_overlap(
    node: Running, admin: httpx.AsyncClient, make_service: MakeService, database: asyncpg.Pool
) -> None:
    old = await make_service(SCOPES, ROOMS)
    shown = done(await admin.post(f"{ADMIN}/keys/{old.key}/rotate", json={"overlap": 600}), 201)
    assert (shown["key"]["replaces"], shown["key"]["scopes"]) == (old.key, SCOPES)
    async with shows(node.url, shown["secret"]) as new:
        done(await new.get(WHO))
        done(await old.http.get(WHO))
        left = await database.fetchval("SELECT expires_at - now() FROM integrations_key WHERE id = $1", old.key)
        assert timedelta(0) < left <= timedelta(seconds=600)
        # Rotated once more without an overlap, the old one ends.
        done(await admin.post(f"{ADMIN}/keys/{old.key}/rotate", json={"overlap": 0}), 201)
        refused(await old.http.get(WHO), 401, "unauthenticated")
        done(await new.get(WHO))
    refused(await admin.post(f"{ADMIN}/keys/{shown['key']['id']}/rotate", json={"overlap": 31_000_000}), 400, "invalid")
    acts = done(await admin.get("/api/v1/audit", params={"act": "integrations.rotate_key", "subject": old.id}))
    assert [entry["details"]["replaces"] for entry in acts["items"]] == [old.key] * 2


async def test_texts_that_are_no_keys(node: Running, make_service: MakeService) -> None:
    made = await make_service(SCOPES, ROOMS)
    wrong = made.secret[:-1] + ("a" if made.secret[-1] != "a" else "b")
    for text in ("ksmp_", "ksmp_x_y", wrong, made.secret + "x", "x.y.z", f"ksmp_{'a' * 16}_{'b' * 43}"):
        async with shows(node.url, text) as http:
            answer = await http.get(WHO)
            refused(answer, 401, "unauthenticated")
            assert text not in answer.text


async def test_a_room_that_is_closed_later_is_closed_for_old_keys(
    make_service: MakeService, database: asyncpg.Pool
) -> None:
    made = await make_service(["rooms.history"], ROOMS)
    await database.execute("UPDATE integrations_key SET rooms = '{direct:*}' WHERE id = $1", made.key)
    refused(await made.http.get("/rooms/direct:a/history"), 403, "forbidden")


async def test_what_no_key_may_be(admin: httpx.AsyncClient, make_service: MakeService) -> None:
    made = await make_service(SCOPES, ROOMS)
    path = f"{ADMIN}/services/{made.id}/keys"
    for body in (
        {"scopes": []},
        {"scopes": ["all"]},
        {"scopes": SCOPES},
        {"scopes": SCOPES, "rooms": ["nothing:*"]},
        {"scopes": SCOPES, "rooms": ["session"]},
        # Nobody reads by a key what people write to each other.
        {"scopes": ["rooms.history"], "rooms": ["direct:*"]},
        {"scopes": ["users.disconnect"], "rooms": ROOMS},
    ):
        refused(await admin.post(path, json=body), 400, "invalid")


async def test_the_limits_of_a_service(gateway: MakeGateway, clients: Clients) -> None:
    environ = {
        "KSMP_INTEGRATIONS_KEYS_PER_SERVICE": "2",
        "KSMP_INTEGRATIONS_REQUEST_RATE": "0.001",
        "KSMP_INTEGRATIONS_REQUEST_BURST": "4",
        "KSMP_INTEGRATIONS_KEY_LIFE": "600",
        "KSMP_INTEGRATIONS_OVERLAP": "60",
        "KSMP_INTEGRATIONS_MESSAGE_BYTES": "10",
        "KSMP_INTEGRATIONS_CLOSED_ROOMS": "direct,program",
    }
    async with gateway(environ=environ) as running:
        token = clients.rest("boss", "admin").headers["Authorization"]
        async with httpx.AsyncClient(base_url=running.url, headers={"Authorization": token}) as admin:
            one = await service_maker(running, admin, [*SCOPES, "rooms.publish"], ROOMS)
            two = await service_maker(running, admin, SCOPES, ROOMS, one.id)
            path = f"{ADMIN}/services/{one.id}/keys"
            refused(await admin.post(path, json={"scopes": SCOPES, "rooms": ROOMS}), 409, "integrations.too_many")
            # A key ends after a while, and so does the overlap of one.
            late = (clock.now() + timedelta(seconds=900)).isoformat()
            body = {"scopes": SCOPES, "rooms": ROOMS, "expires_at": late}
            refused(await admin.post(path, json=body), 400, "invalid")
            refused(await admin.post(f"{ADMIN}/keys/{one.key}/rotate", json={"overlap": 61}), 400, "invalid")
            closed = {"scopes": SCOPES, "rooms": ["program:*"]}
            refused(await admin.post(path, json=closed), 400, "invalid")
            # Both keys share one bucket.
            answers = [await client.http.get(WHO) for client in (one, two, one)]
            assert [answer.status_code for answer in answers] == [200, 200, 200]
            large = {"room": "session:a", "name": "large", "data": "x" * 10}
            answers.append(await one.http.post("/publish", json=large))
            refused(answers[-1], 413, "too_large")
            assert answers[-1].headers["RateLimit-Remaining"] == "0"
            refused(await two.http.get(WHO), 429, "rate_limited")
            for client in (one, two):
                await client.http.aclose()


async def test_who_makes_services(caller: Caller) -> None:
    for role in ("student", "mentor"):
        refused(await caller(f"no-{role}", role).post(f"{ADMIN}/services", json={"name": "A"}), 403, "forbidden")

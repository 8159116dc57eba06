"""Cognito, as moto plays it, follows what was committed: roles, revocations and deletions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import aioboto3  # type: ignore[import-untyped,unused-ignore]
import httpx
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from gateway.principal import Role
from ksmp_testkit import MakeGateway, MakeToken, Running, eventually
from modules.accounts.facade import Address, addresses_of
from modules.accounts.module import AccountsModule

REGION = "ap-south-1"
PASSWORD = "Correct-Horse-7"
SOON = 15.0


class Pool(NamedTuple):
    """A user pool, and the client that looks into it."""

    id: str
    client_id: str
    cognito: Any

    async def sign_up(self, *groups: str) -> tuple[str, str]:
        """A user's name, which is not their `sub`, and the `sub`."""
        name = f"asha-{uuid.uuid4().hex[:8]}"
        user = {"UserPoolId": self.id, "Username": name}
        created = await self.cognito.admin_create_user(**user, MessageAction="SUPPRESS")
        await self.cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
        for group in groups:
            await self.cognito.admin_add_user_to_group(**user, GroupName=group)
        known = {item["Name"]: item["Value"] for item in created["User"]["Attributes"]}
        return name, known["sub"]

    async def change(self, name: str, **attributes: str) -> None:
        changes = [{"Name": key, "Value": value} for key, value in attributes.items()]
        await self.cognito.admin_update_user_attributes(UserPoolId=self.id, Username=name, UserAttributes=changes)

    async def groups(self, name: str) -> set[str]:
        found = await self.cognito.admin_list_groups_for_user(UserPoolId=self.id, Username=name)
        return {group["GroupName"] for group in found["Groups"]}

    async def refresh_token(self, name: str) -> str:
        answer = await self._auth("USER_PASSWORD_AUTH", USERNAME=name, PASSWORD=PASSWORD)
        return str(answer["AuthenticationResult"]["RefreshToken"])

    async def refreshes(self, token: str) -> bool:
        try:
            await self._auth("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=token)
        except self.cognito.exceptions.NotAuthorizedException:
            return False
        return True

    async def exists(self, name: str) -> bool:
        try:
            await self.cognito.admin_get_user(UserPoolId=self.id, Username=name)
        except self.cognito.exceptions.UserNotFoundException:
            return False
        return True

    async def _auth(self, flow: str, **parameters: str) -> Any:
        return await self.cognito.initiate_auth(ClientId=self.client_id, AuthFlow=flow, AuthParameters=parameters)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
async def pool(endpoint: str) -> AsyncIterator[Pool]:
    with pytest.MonkeyPatch.context() as patch:
        # Where the SDK of the gateway finds them too.
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        async with aioboto3.Session(region_name=REGION).client("cognito-idp", endpoint_url=endpoint) as cognito:
            created = await cognito.create_user_pool(PoolName="ksmp")
            id = created["UserPool"]["Id"]
            flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
            client = await cognito.create_user_pool_client(UserPoolId=id, ClientName="web", ExplicitAuthFlows=flows)
            for group in ("mentors", "admins", "choir"):
                await cognito.create_group(UserPoolId=id, GroupName=group)
            yield Pool(id, client["UserPoolClient"]["ClientId"], cognito)


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, pool: Pool, endpoint: str) -> AsyncIterator[Running]:
    environ = {
        "KSMP_ACCOUNTS_POOL": pool.id,
        "KSMP_ACCOUNTS_COGNITO_ENDPOINT": endpoint,
        "KSMP_ACCOUNTS_COGNITO_TIMEOUT": "4.0",
    }
    async with gateway(environ=environ, event_backoff=0.2) as running:
        yield running


@pytest.fixture
async def admin(node: Running, token: MakeToken) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token('pool-s-admin', 'admin')}"}
    async with httpx.AsyncClient(base_url=node.url, headers=headers, timeout=SOON) as client:
        yield client


async def met(node: Running, token: MakeToken, sub: str) -> None:
    async with httpx.AsyncClient(base_url=node.url) as http:
        answer = await http.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token(sub)}"})
        assert answer.status_code == 200


async def give(admin: httpx.AsyncClient, sub: str, role: str) -> None:
    answer = await admin.put(f"/api/v1/users/{sub}/role", json={"role": role})
    assert answer.status_code == 200, answer.text


async def test_a_role_is_a_group(node: Running, pool: Pool, admin: httpx.AsyncClient, token: MakeToken) -> None:
    name, sub = await pool.sign_up("mentors", "choir")
    await met(node, token, sub)
    for role, groups in (
        ("admin", {"admins", "choir"}),
        ("mentor", {"mentors", "choir"}),
        ("student", {"choir"}),
    ):
        await give(admin, sub, role)

        async def so(groups: set[str] = groups) -> bool:
            return await pool.groups(name) == groups

        await eventually(so, f"{role}: {groups}")


async def test_of_two_changes_the_last_holds_whichever_is_told_first(
    node: Running, pool: Pool, admin: httpx.AsyncClient, token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, sub = await pool.sign_up()
    await met(node, token, sub)
    cognito = pool_of(node)
    put, begun, told, goes_on = cognito.put_in_role, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def held(user: str, role: Role) -> None:
        if role is Role.MENTOR:
            begun.set()
            await goes_on.wait()
        await put(user, role)
        told.set()

    monkeypatch.setattr(cognito, "put_in_role", held)
    await give(admin, sub, "mentor")
    async with asyncio.timeout(SOON):
        await begun.wait()
    await give(admin, sub, "admin")

    async with asyncio.timeout(SOON):
        await told.wait()
    # What the pool is told last was read first.
    goes_on.set()
    await handled(node, "accounts.pool_role", sub, 2)
    assert await pool.groups(name) == {"admins"}


async def test_a_pool_that_hangs_keeps_no_other_handler_waiting(
    node: Running, admin: httpx.AsyncClient, token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    cognito, hanging, goes_on = pool_of(node), 0, asyncio.Event()

    async def hangs(user: str, role: Role) -> None:
        nonlocal hanging
        hanging += 1
        await goes_on.wait()

    monkeypatch.setattr(cognito, "put_in_role", hangs)
    slots = node.gateway.settings.event_concurrency
    for _ in range(slots):
        sub = str(uuid.uuid4())
        await met(node, token, sub)
        await give(admin, sub, "mentor")

    async def all_hang() -> bool:
        return hanging == slots

    await eventually(all_hang, "as many as may be wait for the pool")
    sub = str(uuid.uuid4())
    await met(node, token, sub)
    assert (await admin.delete(f"/api/v1/users/{sub}")).status_code == 204

    async def done() -> bool:
        return not await node.gateway.database.fetch(
            "SELECT FROM timer WHERE name = 'accounts.anonymise' AND key = $1", sub
        )

    try:
        await eventually(done, "a timer is handled")
        assert hanging == slots
    finally:
        goes_on.set()


def pool_of(node: Running) -> Any:
    return node.module(AccountsModule).pool


async def handled(node: Running, listener: str, sub: str, count: int = 1) -> None:
    """The listener has had so many events about the user."""
    query = """
        SELECT count(*) FROM inbox JOIN outbox ON outbox.id::text = inbox.event
        WHERE inbox.listener = $1 AND outbox.body ->> 'user_id' = $2
    """

    async def all_of_them() -> bool:
        return bool((await node.gateway.database.fetch(query, listener, sub))[0]["count"] == count)

    await eventually(all_of_them, "every event was handled")


async def test_refresh_tokens_of_a_revoked_user(
    node: Running, pool: Pool, admin: httpx.AsyncClient, token: MakeToken
) -> None:
    name, sub = await pool.sign_up()
    refresh = await pool.refresh_token(name)
    assert await pool.refreshes(refresh)
    assert (await admin.post("/api/v1/auth/revoke", json={"user_id": sub})).status_code == 204

    async def signed_out() -> bool:
        return not await pool.refreshes(refresh)

    await eventually(signed_out, "the refresh token is good for nothing")


async def test_a_deleted_user_is_deleted_there(
    node: Running, pool: Pool, admin: httpx.AsyncClient, token: MakeToken
) -> None:
    name, sub = await pool.sign_up()
    await met(node, token, sub)
    assert (await admin.delete(f"/api/v1/users/{sub}")).status_code == 204

    async def gone() -> bool:
        return not await pool.exists(name)

    await eventually(gone, "the pool does not know them")


async def test_what_fails_is_tried_again(
    node: Running, pool: Pool, admin: httpx.AsyncClient, token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, sub = await pool.sign_up()
    await met(node, token, sub)
    cognito, failures = pool_of(node), 0
    client = await cognito.client()
    add = client.admin_add_user_to_group

    async def fails_twice(**given: Any) -> None:
        nonlocal failures
        failures += 1
        if failures <= 2:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "AdminAddUserToGroup")
        await add(**given)

    monkeypatch.setattr(client, "admin_add_user_to_group", fails_twice)
    await give(admin, sub, "mentor")

    async def added() -> bool:
        return await pool.groups(name) == {"mentors"}

    await eventually(added, "the third try succeeds")
    # It held here all the time.
    assert (await admin.get(f"/api/v1/users/{sub}")).json()["role"] == "mentor"


async def test_somebody_whom_the_pool_does_not_have(node: Running, admin: httpx.AsyncClient, token: MakeToken) -> None:
    sub = str(uuid.uuid4())
    await met(node, token, sub)
    await give(admin, sub, "mentor")
    assert (await admin.post("/api/v1/auth/revoke", json={"user_id": sub})).status_code == 204
    assert (await admin.delete(f"/api/v1/users/{sub}")).status_code == 204
    for listener in ("accounts.pool_role", "accounts.pool_sign_out", "accounts.pool_delete"):
        await handled(node, listener, sub)


async def test_the_pool_is_asked_for_addresses_that_no_token_named(
    node: Running, pool: Pool, token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel, cognito = node.module(AccountsModule).kernel, pool_of(node)
    name, sub = await pool.sign_up()
    _, none = await pool.sign_up()
    await pool.change(name, email="asha@Example.org", email_verified="true")
    for user in (sub, none):
        async with httpx.AsyncClient(base_url=node.url) as http:
            bearer = {"Authorization": f"Bearer {token(user, token_use='access')}"}
            assert (await http.get("/api/v1/users/me", headers=bearer)).json()["email"] is None

    async def fails(user: str) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "ListUsers")

    with monkeypatch.context() as patch:
        patch.setattr(cognito, "address", fails)
        # Nobody can say whether these have an address. That is not the same as having none.
        assert await addresses_of(kernel, [sub, none, "never-met"]) == {"never-met": None}
    known = {sub: Address("asha@example.org", True), none: None}
    assert await addresses_of(kernel, [sub, none]) == known
    with monkeypatch.context() as patch:
        # Both answers are kept.
        patch.setattr(cognito, "address", fails)
        assert await addresses_of(kernel, [sub, none]) == known
    await pool.change(name, email="asha@new.example.org", email_verified="false")
    week_ago = "UPDATE account_user SET email_at = email_at - interval '8 days' WHERE id = $1"
    await node.gateway.database.fetch(week_ago, sub)  # KSMP_ACCOUNTS_EMAIL_FRESH
    assert await addresses_of(kernel, [sub]) == {sub: Address("asha@new.example.org", False)}

"""Sign-in against Amazon Cognito as moto plays it: real boto calls, real tokens, the real path of the keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aioboto3  # type: ignore[import-untyped,unused-ignore]
import pytest

from gateway.auth.verifier import TokenVerifier
from gateway.errors import Code, Refused
from gateway.principal import Role
from gateway.settings import Settings

REGION = "ap-south-1"
PASSWORD = "Correct-Horse-7"


class Pool(NamedTuple):
    """A user pool with one app client, and the boto client that made it."""

    endpoint: str
    id: str
    client_id: str
    cognito: Any

    @property
    def issuer(self) -> str:
        return f"https://cognito-idp.{REGION}.amazonaws.com/{self.id}"

    @property
    def jwks_url(self) -> str:
        return f"{self.endpoint}/{self.id}/.well-known/jwks.json"

    async def sign_up(self, username: str, *groups: str, **attributes: str) -> str:
        """Create a user with a permanent password and return the `sub` Cognito gave them."""
        user = {"UserPoolId": self.id, "Username": username}
        listed = [{"Name": name, "Value": value} for name, value in attributes.items()]
        created = await self.cognito.admin_create_user(**user, UserAttributes=listed, MessageAction="SUPPRESS")
        await self.cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
        for group in groups:
            await self.cognito.admin_add_user_to_group(**user, GroupName=group)
        known = {item["Name"]: item["Value"] for item in created["User"]["Attributes"]}
        return str(known["sub"])

    async def sign_in(self, username: str) -> dict[str, str]:
        answer = await self.cognito.initiate_auth(
            ClientId=self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        )
        result: dict[str, str] = answer["AuthenticationResult"]
        return result


@pytest.fixture(scope="module")
async def pool(devcloud: str) -> AsyncIterator[Pool]:
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    session = aioboto3.Session(**credentials, region_name=REGION)
    async with session.client("cognito-idp", endpoint_url=devcloud) as cognito:
        created = await cognito.create_user_pool(PoolName="ksmp")
        pool_id = created["UserPool"]["Id"]
        flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        # Without the list of readable attributes moto leaves the name out of id tokens; Cognito puts it in.
        client = await cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName="web", ExplicitAuthFlows=flows, ReadAttributes=["name"]
        )
        for group in ("students", "mentors", "admins"):
            await cognito.create_group(UserPoolId=pool_id, GroupName=group)
        yield Pool(devcloud, pool_id, client["UserPoolClient"]["ClientId"], cognito)


@pytest.fixture
async def verifier(pool: Pool) -> AsyncIterator[TokenVerifier]:
    verifier = TokenVerifier.of(settings(pool))
    yield verifier
    await verifier.close()


def settings(pool: Pool, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "environment": "test",
        "issuer": pool.issuer,
        "jwks_url": pool.jwks_url,
        "client_ids": (pool.client_id,),
    }
    return Settings(database_url="", nats_url=("",), **values | changes)


async def test_both_tokens_name_the_same_user(pool: Pool, verifier: TokenVerifier) -> None:
    sub = await pool.sign_up("asha", "mentors", "students", name="Asha Rao")
    tokens = await pool.sign_in("asha")
    by_id = await verifier.verify(tokens["IdToken"])
    by_access = await verifier.verify(tokens["AccessToken"])
    assert (by_id.id, by_id.name, by_id.role) == (sub, "Asha Rao", Role.MENTOR)
    assert (by_access.id, by_access.name, by_access.role) == (sub, "asha", Role.MENTOR)


async def test_user_without_a_group_is_a_student(pool: Pool, verifier: TokenVerifier) -> None:
    await pool.sign_up("ravi")
    principal = await verifier.verify((await pool.sign_in("ravi"))["IdToken"])
    assert (principal.name, principal.role) == ("ravi", Role.STUDENT)


async def test_admin_by_refreshed_token(pool: Pool, verifier: TokenVerifier) -> None:
    sub = await pool.sign_up("meera", "admins")
    tokens = await pool.sign_in("meera")
    answer = await pool.cognito.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
    )
    principal = await verifier.verify(answer["AuthenticationResult"]["AccessToken"])
    assert (principal.id, principal.role) == (sub, Role.ADMIN)
    with pytest.raises(Refused):
        await verifier.verify(tokens["RefreshToken"])


async def test_another_pool_or_client_is_refused(pool: Pool) -> None:
    await pool.sign_up("kiran")
    tokens = await pool.sign_in("kiran")
    others: list[dict[str, Any]] = [{"issuer": pool.issuer + "x"}, {"client_ids": ("other",)}]
    for changes in others:
        strict = TokenVerifier.of(settings(pool, **changes))
        for name in ("IdToken", "AccessToken"):
            with pytest.raises(Refused) as refusal:
                await strict.verify(tokens[name])
            assert refusal.value.code == Code.UNAUTHENTICATED
        await strict.close()

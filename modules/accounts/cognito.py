"""Amazon Cognito's user pool, where users and their groups live: the adapter that knows the SDK.

Source: "API reference (Amazon Cognito user pools)". The gateway needs the permissions `cognito-idp:ListUsers`,
`AdminListGroupsForUser`, `AdminAddUserToGroup`, `AdminRemoveUserFromGroup`, `AdminUserGlobalSignOut` and
`AdminDeleteUser` on the pool.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog

from gateway.auth.claims import GROUPS, email_address
from gateway.principal import Role
from modules.accounts.facade import Address
from modules.accounts.settings import AccountsSettings

log = structlog.get_logger(__name__)

# The group of each role. A user in none of them is a student.
GROUP: Final[dict[Role, str]] = {role: group for group, role in GROUPS.items() if role is not Role.STUDENT}


class Cognito:
    """Implements `UserPool`; each call raises what the SDK does.

    The client is opened once, by `open` or else at the first call. Opening is costly: the SDK reads its description of
    the service from the disk. Credentials come from where the SDK finds them.
    """

    def __init__(self, settings: AccountsSettings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._clients: list[Any] = []

    async def open(self) -> None:
        async with self._opening:
            if not self._clients:
                self._clients.append(await self._open.enter_async_context(_client_of(self._settings)))

    async def client(self) -> Any:
        """The SDK's client."""
        await self.open()
        return self._clients[0]

    async def close(self) -> None:
        self._clients.clear()
        await self._open.aclose()

    async def put_in_role(self, user: str, role: Role) -> None:
        if (place := await self._place(user)) is None:
            return
        client = await self.client()
        # Groups that name no role stay. The highest role counts, so the user is never without one in between.
        if role in GROUP:
            await client.admin_add_user_to_group(**place, GroupName=GROUP[role])
        for group in await self._groups(place):
            if group in GROUP.values() and group != GROUP.get(role):
                await client.admin_remove_user_from_group(**place, GroupName=group)

    async def address(self, user: str) -> Address | None:
        found = await self._find(user)
        known = {attribute["Name"]: attribute["Value"] for attribute in (found or {}).get("Attributes", ())}
        email = email_address(known.get("email", ""))
        return Address(email, known.get("email_verified") == "true") if email else None

    async def sign_out(self, user: str) -> None:
        if (place := await self._place(user)) is not None:
            await (await self.client()).admin_user_global_sign_out(**place)

    async def delete(self, user: str) -> None:
        if (place := await self._place(user)) is not None:
            await (await self.client()).admin_delete_user(**place)

    async def _groups(self, place: dict[str, str]) -> list[str]:
        groups: list[str] = []
        more: dict[str, str] = {}
        client = await self.client()
        while True:
            page = await client.admin_list_groups_for_user(**place, **more)
            groups += [group["GroupName"] for group in page["Groups"]]
            if not page.get("NextToken"):
                return groups
            more = {"NextToken": page["NextToken"]}

    async def _place(self, user: str) -> dict[str, str] | None:
        """How the pool names the user with this `sub`; in some pools the user's name is another one."""
        found = await self._find(user)
        return None if found is None else {"UserPoolId": self._settings.pool, "Username": found["Username"]}

    async def _find(self, user: str) -> dict[str, Any] | None:
        client, pool = await self.client(), self._settings.pool
        found = await client.list_users(UserPoolId=pool, Filter=f'sub = "{user}"', Limit=1)
        if not found["Users"]:
            log.warning("cognito.nobody", user=user)
            return None
        return dict(found["Users"][0])


def _client_of(settings: AccountsSettings) -> Any:
    # Only here: it is large, and a platform without a pool does not need it.
    import aioboto3  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415
    from botocore.config import Config  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415

    return aioboto3.Session().client(
        "cognito-idp",
        # A pool's id begins with its region.
        region_name=settings.region or settings.pool.partition("_")[0],
        endpoint_url=settings.cognito_endpoint or None,
        config=Config(
            connect_timeout=settings.cognito_timeout,
            read_timeout=settings.cognito_timeout,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )

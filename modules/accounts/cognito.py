"""Amazon Cognito's user pool, where users and their groups live: the only place that knows the SDK.

Source: "API reference (Amazon Cognito user pools)". The gateway needs the permissions `cognito-idp:ListUsers`,
`AdminListGroupsForUser`, `AdminAddUserToGroup`, `AdminRemoveUserFromGroup`, `AdminUserGlobalSignOut` and
`AdminDeleteUser` on the pool.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from gateway.auth.claims import GROUPS
from gateway.principal import Role
from modules.accounts.settings import AccountsSettings

log = structlog.get_logger(__name__)

# The role's group; who is in none of them is a student.
GROUP: Final[dict[Role, str]] = {role: group for group, role in GROUPS.items() if role is not Role.STUDENT}


class Cognito:
    """A user pool. What is done twice is done; a user whom it does not have is nobody to do it to."""

    def __init__(self, client: Any, pool: str) -> None:
        self._client = client
        self._pool = pool

    async def put_in_role(self, user: str, role: Role) -> None:
        """Have new tokens of the user say this role; raises what the SDK does."""
        if (place := await self._place(user)) is None:
            return
        # Groups of others than us stay. The highest counts, so that nobody is without a role in between.
        if role in GROUP:
            await self._client.admin_add_user_to_group(**place, GroupName=GROUP[role])
        for group in await self._groups(place):
            if group in GROUP.values() and group != GROUP.get(role):
                await self._client.admin_remove_user_from_group(**place, GroupName=group)

    async def sign_out(self, user: str) -> None:
        """Refuse the user's refresh tokens; raises what the SDK does."""
        if (place := await self._place(user)) is not None:
            await self._client.admin_user_global_sign_out(**place)

    async def delete(self, user: str) -> None:
        """Remove the user, with all that the pool knows of them; raises what the SDK does."""
        if (place := await self._place(user)) is not None:
            await self._client.admin_delete_user(**place)

    async def _groups(self, place: dict[str, str]) -> list[str]:
        groups: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = await self._client.admin_list_groups_for_user(**place, **more)
            groups += [group["GroupName"] for group in page["Groups"]]
            if not page.get("NextToken"):
                return groups
            more = {"NextToken": page["NextToken"]}

    async def _place(self, user: str) -> dict[str, str] | None:
        """How the pool calls the user whose `sub` it is, which in some pools is not the user's name."""
        found = await self._client.list_users(UserPoolId=self._pool, Filter=f'sub = "{user}"', Limit=1)
        if not found["Users"]:
            log.warning("cognito.nobody", user=user)
            return None
        return {"UserPoolId": self._pool, "Username": found["Users"][0]["Username"]}


@asynccontextmanager
async def user_pool(settings: AccountsSettings) -> AsyncIterator[Cognito]:
    """The pool of the settings, with credentials from where the SDK finds them."""
    # Only here: it is large, and a platform without a pool does not need it.
    import aioboto3  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415
    from botocore.config import Config  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415

    client = aioboto3.Session().client(
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
    async with client as connected:
        yield Cognito(connected, settings.pool)

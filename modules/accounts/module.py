"""The accounts module: users, what admins do to them, and the rooms that reach one of them or all."""

from __future__ import annotations

import asyncio
import zoneinfo
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from litestar import Router
from litestar.di import Provide

from gateway.contract import Delivery, Kernel, Listener, Module, Remains, RoomKind, Timer
from gateway.errors import Unavailable, forbidden, not_found
from gateway.principal import Principal, Role
from gateway.settings import Settings
from modules.accounts import routes
from modules.accounts.administration import ANONYMISE, FORGET, Administration
from modules.accounts.cognito import user_pool
from modules.accounts.events import RoleChanged, TokensRevoked, UserBlocked, UserDeleted, UserUnblocked
from modules.accounts.messages import Forget, SignInConfig
from modules.accounts.pool import PoolKeeper
from modules.accounts.service import Accounts
from modules.accounts.settings import AccountsSettings
from modules.accounts.tables import AuditEntry, User


class AccountsModule(Module):
    name = "accounts"
    settings_type = AccountsSettings
    tables = (User, AuditEntry)
    migrations = Path(__file__).parent / "migrations"
    emits = (RoleChanged, TokensRevoked, UserBlocked, UserUnblocked, UserDeleted)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.rooms = (
            RoomKind(name="user", roles=("owner",), authorize=_own, joined_on_connect=_own_room),
            RoomKind(name="announce", roles=("listener",), authorize=_audience, joined_on_connect=_audiences),
        )
        self._accounts: Accounts | None = None
        self._administration: Administration | None = None
        self._sign_in: SignInConfig | None = None
        self._pool = PoolKeeper()
        self.listens = (
            Listener(
                event=RoleChanged, name="accounts.pool_role", handler=self._pool.role_changed, transactional=False
            ),
            Listener(
                event=TokensRevoked,
                name="accounts.pool_sign_out",
                handler=self._pool.tokens_revoked,
                transactional=False,
            ),
            Listener(
                event=UserDeleted, name="accounts.pool_delete", handler=self._pool.user_deleted, transactional=False
            ),
        )
        self.timers = (
            Timer(name=FORGET, payload=Forget, handler=self._forget_again),
            Timer(name=ANONYMISE, payload=Remains, handler=self._anonymise),
        )
        self.routes = (
            Router(
                "/",
                route_handlers=routes.ALL,
                # Not bound methods: Litestar copies its handlers, with all that is bound to them.
                dependencies={
                    "sign_in": Provide(lambda: self._sign_in, sync_to_thread=False),
                    "accounts": Provide(lambda: self._running, sync_to_thread=False),
                    "administration": Provide(lambda: self._administration, sync_to_thread=False),
                },
            ),
        )

    async def identify(self, principal: Principal) -> Principal:
        return principal if self._accounts is None else await self._accounts.meet(principal)

    async def export(self, user: str) -> Mapping[str, Any]:
        return await self._running.export(user)

    async def forget(self, user: str) -> Collection[str]:
        await self._running.forget(user)
        return ()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        kernel = self.kernel
        settings: Settings = kernel.settings(Settings)
        ours: AccountsSettings = kernel.settings(AccountsSettings)
        # They are files, and hundreds.
        self._accounts = Accounts(kernel, await asyncio.to_thread(zoneinfo.available_timezones))
        self._administration = Administration(kernel, timedelta(seconds=settings.retention))
        self._sign_in = SignInConfig(
            issuer=settings.issuer,
            client_id=ours.client_id or settings.client_ids[0],
            region=ours.region,
            pool=ours.pool,
            domain=ours.domain,
        )
        async with AsyncExitStack() as stack:
            if ours.pool:
                self._pool.pool = await stack.enter_async_context(user_pool(ours))
            yield

    async def _forget_again(self, forget: Forget, delivery: Delivery) -> None:
        if self._administration is not None:
            await self._administration.forget_again(forget)

    async def _anonymise(self, remains: Remains, delivery: Delivery) -> None:
        if self._administration is not None:
            await self._administration.anonymise(remains)

    @property
    def _running(self) -> Accounts:
        if self._accounts is None:
            raise Unavailable("accounts has not started")
        return self._accounts


async def _own(principal: Principal, id: str) -> str:
    if id != principal.id:
        raise forbidden("this room is another user's")
    return "owner"


async def _own_room(principal: Principal) -> Sequence[str]:
    return (principal.id,)


async def _audience(principal: Principal, id: str) -> str:
    if id != "all" and id not in set(Role):
        raise not_found("there is no such audience")
    if id not in await _audiences(principal):
        raise forbidden("you are not in this audience")
    return "listener"


async def _audiences(principal: Principal) -> Sequence[str]:
    return ("all", principal.role.value)

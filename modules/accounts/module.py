"""The accounts module: users, and the rooms that reach one of them or all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Router
from litestar.di import Provide

from gateway.errors import forbidden, not_found
from gateway.module import Kernel, Module, RoomKind
from gateway.principal import Principal, Role
from gateway.settings import Settings
from modules.accounts.messages import SignInConfig
from modules.accounts.routes import config, me
from modules.accounts.service import Accounts
from modules.accounts.settings import AccountsSettings
from modules.accounts.tables import User


class AccountsModule(Module):
    name = "accounts"
    settings_type = AccountsSettings
    tables = (User,)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self) -> None:
        self.rooms = (
            RoomKind(name="user", roles=("owner",), authorize=_own, joined_on_connect=_own_room),
            RoomKind(name="announce", roles=("listener",), authorize=_audience, joined_on_connect=_audiences),
        )
        self._accounts: Accounts | None = None
        self._sign_in: SignInConfig | None = None
        self.routes = (
            Router(
                "/",
                route_handlers=[me, config],
                # Not a bound method: Litestar copies its handlers, with all that is bound to them.
                dependencies={"sign_in": Provide(lambda: self._sign_in, sync_to_thread=False)},
            ),
        )

    async def identify(self, principal: Principal) -> Principal:
        return principal if self._accounts is None else await self._accounts.meet(principal)

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._accounts = Accounts(kernel.database)
        settings: Settings = kernel.settings(Settings)
        ours: AccountsSettings = kernel.settings(AccountsSettings)
        self._sign_in = SignInConfig(
            issuer=settings.issuer,
            client_id=ours.client_id or settings.client_ids[0],
            region=ours.region,
            pool=ours.pool,
            domain=ours.domain,
        )
        yield


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

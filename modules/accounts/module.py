"""What the accounts module consists of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module
from gateway.principal import Principal
from gateway.settings import Settings
from modules.accounts import demo, errors, rooms
from modules.accounts.addresses import UserAddresses
from modules.accounts.administration import Administration, KernelSignOut
from modules.accounts.cognito import Cognito
from modules.accounts.deletion import Deletions
from modules.accounts.events import RoleChanged, TokensRevoked, UserBlocked, UserDeleted, UserUnblocked
from modules.accounts.messages import SignInConfig
from modules.accounts.pool import NoUserPool, UserPool, UserPoolSync
from modules.accounts.repository import AuditRepository, UserRepository
from modules.accounts.routes import router
from modules.accounts.service import Accounts
from modules.accounts.settings import AccountsSettings
from modules.accounts.tables import AuditEntry, User


class AccountsModule(Module):
    """Users, what admins do to them, and the rooms that reach one user or an audience."""

    name = "accounts"
    settings_type = AccountsSettings
    tables = (User, AuditEntry)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES
    emits = (RoleChanged, TokensRevoked, UserBlocked, UserUnblocked, UserDeleted)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        core: Settings = kernel.settings(Settings)
        settings: AccountsSettings = kernel.settings(AccountsSettings)
        self._users = UserRepository(kernel.database)
        audit = AuditRepository(kernel.database)
        self.accounts = Accounts(kernel, self._users, audit)
        administration = Administration(kernel, self._users, audit)
        deletions = Deletions(kernel, self._users, timedelta(seconds=core.retention))
        self.pool: UserPool = Cognito(settings) if settings.pool else NoUserPool()
        pool = self.pool if settings.pool else None
        self.contributions = (UserAddresses(kernel.database, pool, settings.email_fresh), KernelSignOut(kernel))
        self.rooms = (rooms.USER, rooms.ANNOUNCE)
        self.features = (deletions, UserPoolSync(self.pool, self._users))
        self.routes = (router(self.accounts, administration, deletions, SignInConfig.of(core, settings)),)

    async def identify(self, principal: Principal) -> Principal:
        return await self.accounts.meet(principal)

    async def export(self, user: str) -> Mapping[str, Any]:
        return await self.accounts.export(user)

    async def forget(self, user: str) -> Collection[str]:
        await self._users.forget(user)
        return ()

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        await demo.seed(self.kernel.database)
        return {}

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        await self.pool.open()
        try:
            yield
        finally:
            await self.pool.close()

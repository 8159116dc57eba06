"""The audiences that notify brings: one user, everybody of a role, and everybody. Other modules contribute theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.contract import Kernel
from gateway.principal import Role
from modules.accounts.facade import names_of, page_of_role
from modules.notify.facade import Audience

# In place of a role.
EVERYBODY: Final = "all"


class OwnAudiences:
    """`user:<id>`, `role:<role>` and `role:all`."""

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self.contributions = (
            Audience(name="user", users=self._user, exists=self._is_user),
            Audience(name="role", users=self._role, exists=self._is_role),
        )

    async def _user(self, id: str, after: str, limit: int) -> Sequence[str]:
        return [id] if id > after else []

    async def _is_user(self, id: str) -> bool:
        return bool(await names_of(self._database, [id]))

    async def _role(self, id: str, after: str, limit: int) -> Sequence[str]:
        return await page_of_role(self._database, None if id == EVERYBODY else Role(id), after, limit)

    async def _is_role(self, id: str) -> bool:
        return id in {EVERYBODY, *(role.value for role in Role)}

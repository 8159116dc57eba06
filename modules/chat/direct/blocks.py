"""Blocks: a user wants nothing of another. They hold in pairs and for who is put into a group; classes are as ever."""

from __future__ import annotations

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden
from gateway.http.listing import Page, Span
from gateway.principal import Principal, Role
from modules.accounts.facade import names_of, roles_of, user_room
from modules.chat.direct import errors
from modules.chat.direct.block_repository import BlockFound, BlockRepository
from modules.chat.direct.messages import BLOCK, Block
from modules.chat.settings import ChatSettings


class Blocks:
    """Whom each user has blocked, which nobody else is told. Each call raises Unavailable."""

    pushes = (BLOCK,)

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        self._kernel = kernel
        self._most = settings.direct_blocks
        self._rows = BlockRepository(kernel.database)

    async def block(self, principal: Principal, user: str) -> Block:
        """Block a user; again, it changes nothing.

        Raises BadInput `not_found`, Refused `forbidden` for oneself and for an admin, and Conflict
        `chat.too_many_blocks`.
        """
        async with self._kernel.database.transaction():
            await self._rows.lock(principal.id)
            found = await self._rows.find(principal.id, user)
            if found is not None and found.blocked:
                return await self._shown(found)
            role = (await roles_of(self._kernel.database, [user])).get(user)
            if role is None:
                raise errors.unknown_user()
            if user == principal.id or role is Role.ADMIN:
                raise forbidden("neither oneself nor an admin can be blocked")
            if await self._rows.count(principal.id) >= self._most:
                raise errors.too_many_blocks(self._most)
            return await self._write(principal, user, blocked=True)

    async def lift(self, principal: Principal, user: str) -> None:
        """Lift a block; one that is not there is no error."""
        async with self._kernel.database.transaction():
            found = await self._rows.find(principal.id, user)
            if found is not None and found.blocked:
                await self._write(principal, user, blocked=False)

    async def listing(self, principal: Principal, span: Span) -> Page[Block]:
        """Whom the user has blocked, the newest block first."""
        page = await self._rows.page(principal.id, span)
        names = await names_of(self._kernel.database, [one.blocked_id for one in page.items])
        return Page([_view(one, names) for one in page.items], page.next)

    async def _write(self, principal: Principal, user: str, *, blocked: bool) -> Block:
        written = await self._rows.write(principal.id, user, clock.now(), blocked=blocked)
        # Two of the user's devices may do the same at once.
        written = written or await self._rows.find(principal.id, user)
        assert written is not None, "a block that was written stays"
        shown = await self._shown(written)
        await self._kernel.rooms.publish_row(user_room(principal.id), BLOCK, shown)
        return shown

    async def _shown(self, found: BlockFound) -> Block:
        return _view(found, await names_of(self._kernel.database, [found.blocked_id]))


def _view(found: BlockFound, names: dict[str, str]) -> Block:
    return Block(found.blocked_id, names.get(found.blocked_id, found.blocked_id), found.blocked, found.at, found.rev)

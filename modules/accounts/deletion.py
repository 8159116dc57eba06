"""A user is deleted: every module forgets them, and their name is taken off the archive.

The deletion is one transaction, in which every module forgets the user. The archive follows, a bounded part a
transaction, by a timer that sets itself again until nothing is left. Two more passes come later: after a minute, for
what other nodes still had to write, and when the log has let go of the user's messages, for what was archived late.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, Remains, timer
from gateway.errors import Unavailable
from gateway.principal import Principal
from modules.accounts.administration import lock_user
from modules.accounts.admins import check_not_the_last
from modules.accounts.events import UserDeleted
from modules.accounts.facade import record
from modules.accounts.messages import ForgetDue
from modules.accounts.repository import UserRepository

# Forgets a deleted user once more; the key is their id.
FORGET_TIMER: Final = "accounts.forget"
# Takes the name of a deleted user off the next part of the archive; the key is their id.
ANONYMISE_TIMER: Final = "accounts.anonymise"
# By then every node has heard that a user is out, and has written what it held on them.
SETTLED: Final = timedelta(minutes=1)
# For clocks that differ, and for an archiver that is behind.
SLACK: Final = timedelta(hours=1)


class Deletions:
    """Deletes users, for good."""

    def __init__(self, kernel: Kernel, users: UserRepository, retention: timedelta) -> None:
        """`retention` is how long the log keeps what users wrote."""
        self._kernel = kernel
        self._users = users
        self._retention = retention

    async def delete(self, actor: Principal, user: str) -> None:
        """Have every module forget the user, and refuse all of their tokens for good.

        Raises BadInput `not_found`, Conflict `accounts.last_admin` and Unavailable.
        """
        async with self._kernel.database.transaction():
            await check_not_the_last(self._users, await lock_user(self._users, user))
            await self._forget(user)
            due = ForgetDue(user, last=False)
            await self._kernel.schedules.at(FORGET_TIMER, user, clock.now() + SETTLED, due)
            await record(self._kernel.database, actor, "accounts.delete", user)
            await self._kernel.events.publish(UserDeleted(user))
            await self._kernel.access.ban(user)
        with contextlib.suppress(Unavailable):
            # The user is out all the same. Without this the nodes hold who they were a little longer.
            await self._kernel.identities.renew(user)

    @timer(FORGET_TIMER)
    async def forget_again(self, due: ForgetDue, delivery: Delivery) -> None:
        await self._forget(due.user_id)
        if not due.last:
            again = clock.now() + self._retention + SLACK
            await self._kernel.schedules.at(FORGET_TIMER, due.user_id, again, ForgetDue(due.user_id))

    @timer(ANONYMISE_TIMER)
    async def anonymise(self, remains: Remains, delivery: Delivery) -> None:
        """Take the user's name off the next part of the archive."""
        left = await self._kernel.identities.anonymise(remains)
        if left is not None:
            await self._anonymise_next(left)

    async def _forget(self, user: str) -> None:
        await self._anonymise_next(await self._kernel.identities.forget(user))

    async def _anonymise_next(self, remains: Remains) -> None:
        await self._kernel.schedules.at(ANONYMISE_TIMER, remains.user, clock.now(), remains)

"""The kind `pager.page`, its audience `crowd`, and a channel that takes its time, so that it is killed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.contract import Kernel, Module
from modules.notify.facade import IN_APP, Audience, Channel, DeliveryState, Kind, Outcome, Outgoing

# Made by the test.
GIVE: Final = """
    INSERT INTO pager_given (notification_id, user_id, attempt, unknown)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::boolean[])
"""
MEMBERS: Final = "SELECT user_id FROM pager_member WHERE user_id > $1 ORDER BY user_id LIMIT $2"
# Seconds of a page of the audience, and of a batch.
SLOW: Final = 0.03


class Page(msgspec.Struct, frozen=True):
    """What the kind says: nothing."""


class PagerChannel(Channel):
    """It is given something for good before it answers, as a vendor is."""

    name = "pager"

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        columns = [[each.notification_id, each.user_id, each.attempt, each.unknown] for each in batch]
        await self._database.fetch(GIVE, *map(list, zip(*columns, strict=True)))
        await asyncio.sleep(SLOW)
        return [Outcome(id=each.id, state=DeliveryState.SENT) for each in batch]


class PagerModule(Module):
    """A channel, a kind and an audience."""

    name = "pager"
    requires = ("notify",)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.contributions = (
            PagerChannel(kernel),
            Kind(name="pager.page", data=Page, title="Page", channels=(IN_APP, "pager")),
            Audience(name="crowd", users=self._users, exists=self._exists),
        )

    async def _users(self, id: str, after: str, limit: int) -> Sequence[str]:
        await asyncio.sleep(SLOW)
        return [row["user_id"] for row in await self.kernel.database.fetch(MEMBERS, after, limit)]

    async def _exists(self, id: str) -> bool:
        return True

"""A shop with books: a follower of several types of events, and an intake, with what they were given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from gateway.contract import EventFollower, Followed, Intake, Kernel, Received
from tests.events.shop import Shop, Sold

FOLLOWER = "shop.books"
INTAKE = "shop.visits"


class Returned(msgspec.Struct, frozen=True, tag="shop.Returned"):
    name: str


class Visit(msgspec.Struct, frozen=True):
    name: str


# Is told the names of a batch before it is written down; what it raises the handler raises.
Hook = Callable[[list[str]], Awaitable[None]]


class Books(Shop):
    """`followed` and `visited` have a list of names for each batch that was written down, and `ids` what came."""

    emits = (Sold, Returned)
    batch = 100
    wait = 0.1

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.followed: list[list[str]] = []
        self.visited: list[list[str]] = []
        self.ids: dict[str, set[str]] = {}
        self.types: set[type[msgspec.Struct]] = set()
        self.hook: Hook | None = None
        self.busy = 0
        self.contributions = (
            EventFollower(
                name=FOLLOWER, events=lambda: (Sold, Returned), handle=self._follow, batch=self.batch, wait=self.wait
            ),
            Intake(name=INTAKE, handle=self._visit, batch=self.batch, wait=self.wait),
        )

    async def take_back(self, name: str) -> None:
        async with self.kernel.database.transaction():
            await self.kernel.events.publish(Returned(name))

    async def visit(self, name: str, message_id: str | None = None) -> None:
        await self.kernel.intakes.put(INTAKE, msgspec.json.encode(Visit(name)), message_id or name)

    async def _follow(self, batch: Sequence[Followed]) -> None:
        names = []
        for one in batch:
            assert isinstance(one.event, Sold | Returned)
            names.append(one.event.name)
            self.ids.setdefault(one.event.name, set()).add(one.id)
            self.types.add(type(one.event))
        await self._write(names, self.followed)

    async def _visit(self, batch: Sequence[Received]) -> None:
        names = [msgspec.json.decode(one.body, type=Visit).name for one in batch]
        for name, one in zip(names, batch, strict=True):
            self.ids.setdefault(name, set()).add(one.id)
        await self._write(names, self.visited)

    async def _write(self, names: list[str], where: list[list[str]]) -> None:
        self.busy += 1
        try:
            if self.hook is not None:
                await self.hook(names)
            await asyncio.sleep(0)
            where.append(names)
        finally:
            self.busy -= 1


def count(batches: Sequence[Sequence[str]], name: str) -> int:
    """How often a name was written down."""
    return sum(list(batch).count(name) for batch in batches)

"""A module that uses all of it, and what its handlers did, as rows that commit with them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from gateway.app import Gateway
from gateway.contract import Delivery, Kernel, Module, PushType, RoomKind, listener, timer
from gateway.principal import Principal

TABLES = """
    CREATE TABLE IF NOT EXISTS item (name text PRIMARY KEY, rev int NOT NULL);
    CREATE TABLE IF NOT EXISTS effect (n bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL, name text NOT NULL);
    CREATE TABLE IF NOT EXISTS noted (id text, what text, name text NOT NULL, PRIMARY KEY (id, what));
"""
BUMP = """
    INSERT INTO item (name, rev) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET rev = item.rev + 1 RETURNING rev
"""


class Sold(msgspec.Struct, frozen=True, tag="shop.Sold"):
    name: str


class Item(msgspec.Struct, frozen=True):
    """An entity with its revision."""

    name: str
    rev: int


ITEM = PushType("shop.item", Item)


class Close(msgspec.Struct, frozen=True):
    name: str


Hook = Callable[[str, Delivery], Awaitable[None]]


class Shop(Module):
    """Handlers write an effect, then do what the test hooks in for the item."""

    name = "shop"
    emits = (Sold,)

    pushes = (ITEM,)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.rooms = (RoomKind(name="stall", roles=("guest",), authorize=_guest),)
        self.hooks: dict[str, Hook] = {}
        self.deliveries: list[tuple[str, Delivery]] = []

    @property
    def gateway(self) -> Gateway:
        return self._gateway

    @gateway.setter
    def gateway(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def sell(self, name: str, *, fail: bool = False) -> int:
        """Write a row and publish the event and the push of it, in one transaction; the row's revision."""
        async with self.kernel.database.transaction():
            rows = await self.gateway.database.fetch(BUMP, name)
            rev: int = rows[0]["rev"]
            await self.kernel.events.publish(Sold(name))
            await self.kernel.rooms.publish_row(f"stall:{name}", ITEM, Item(name, rev))
            if fail:
                raise Oops
        return rev

    async def close_at(self, name: str, key: str | None = None, *, seconds: float = 0.0) -> None:
        when = datetime.now(UTC) + timedelta(seconds=seconds)
        await self.kernel.schedules.at("shop.close", key or name, when, Close(name))

    @listener(Sold, "shop.count")
    async def _sold(self, event: Sold, delivery: Delivery) -> None:
        await self._effect("sold", event.name, delivery)

    @timer("shop.close")
    async def _close(self, payload: Close, delivery: Delivery) -> None:
        await self._effect("closed", payload.name, delivery)

    async def _effect(self, what: str, name: str, delivery: Delivery) -> None:
        self.deliveries.append((name, delivery))
        await self.gateway.database.fetch("INSERT INTO effect (what, name) VALUES ($1, $2)", what, name)
        if name in self.hooks:
            await self.hooks[name](name, delivery)

    def attempts(self, name: str) -> list[int]:
        return [delivery.attempt for item, delivery in self.deliveries if item == name]


class Oops(Exception):
    """What a handler of a test raises."""


async def _guest(principal: Principal, id: str) -> str:
    return "guest"


def fresh() -> str:
    """The name of an item of one test's own."""
    return uuid.uuid4().hex


async def effects(pool: asyncpg.Pool, name: str) -> list[str]:
    """What was done for an item, in the order of the commits."""
    rows = await pool.fetch("SELECT what FROM effect WHERE name = $1 ORDER BY n", name)
    return [row["what"] for row in rows]

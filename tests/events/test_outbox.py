"""What a transaction tells others commits with it, or is never told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest

from gateway.contract import PushType
from gateway.protocol.names import room_name
from ksmp_testkit import eventually
from tests.events.conftest import ServeShop
from tests.events.shop import ITEM, Close, Item, Oops, Shop, Sold, effects, fresh


async def revs(shop: Shop, name: str) -> list[int]:
    """The revisions in the log of an item's room, in its order."""
    pushes, more = await shop.gateway.log.read(room_name(f"stall:{name}"), 1)
    assert not more
    assert all(push.push == "shop.item" for push in pushes)
    return [msgspec.json.decode(push.data, type=Item).rev for push in pushes]


async def test_the_row_the_event_and_the_push_commit_together(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve() as shop:
        with pytest.raises(Oops):
            await shop.sell(name, fail=True)
        assert await shop.sell(name) == 1
        await eventually(lambda: _is(effects(pool, name), ["sold"]), "the event is handled")
        await eventually(lambda: _is(revs(shop, name), [1]), "the push is in the log")
        # What was undone would have come before. The relay marks a row a moment after it has published it.
        await eventually(lambda: _is(_unsent(pool), 0), "every row is marked as sent")
        assert await revs(shop, name) == [1]


async def test_outside_of_a_transaction_it_says_so(serve: ServeShop) -> None:
    async with serve() as shop:
        with pytest.raises(RuntimeError, match=r"outside of a transaction.*kernel\.database\.transaction\(\)"):
            await shop.kernel.events.publish(Sold("x"))
        with pytest.raises(RuntimeError, match="outside of a transaction"):
            await shop.kernel.rooms.publish_row("stall:x", ITEM, Item("x", 1))
        async with shop.kernel.database.transaction():
            pass
        with pytest.raises(RuntimeError, match="outside of a transaction"):
            await shop.kernel.events.publish(Sold("x"))


async def test_a_task_that_outlives_its_transaction_is_outside_of_it(serve: ServeShop) -> None:
    async with serve() as shop:
        over = asyncio.Event()

        async def late() -> None:
            await over.wait()
            await shop.kernel.events.publish(Sold("x"))

        async with shop.kernel.database.transaction():
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        over.set()
        with pytest.raises(RuntimeError, match="outside of a transaction"):
            await task


async def test_a_transaction_inside_another_joins_it(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve() as shop:

        async def outer() -> None:
            async with shop.kernel.database.transaction():
                await shop.sell(name)
                raise Oops

        with pytest.raises(Oops):
            await outer()
        assert await pool.fetchval("SELECT count(*) FROM item WHERE name = $1", name) == 0
        assert await pool.fetchval("SELECT count(*) FROM outbox WHERE destination = $1", f"stall:{name}") == 0


async def test_what_may_not_be_published(serve: ServeShop) -> None:
    class Other(msgspec.Struct, frozen=True, tag="shop.Other"):
        pass

    async with serve(event_bytes=100) as shop, shop.kernel.database.transaction():
        with pytest.raises(ValueError, match="does not list Other in `emits`"):
            await shop.kernel.events.publish(Other())
        with pytest.raises(ValueError, match="at most 100 may be published"):
            await shop.kernel.events.publish(Sold("x" * 100))
        with pytest.raises(ValueError, match="with its `rev`"):
            await shop.kernel.rooms.publish_row("stall:x", ITEM, Sold("x"))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"no module declares shop\.other so"):
            await shop.kernel.rooms.publish_row("stall:x", PushType("shop.other", Item), Item("x", 1))
        with pytest.raises(ValueError, match=r"no module declares shop\.item so"):
            await shop.kernel.rooms.publish("stall:x", PushType("shop.item", Sold), Sold("x"))
        with pytest.raises(ValueError, match=r"shop\.item carries Item, and not Close"):
            await shop.kernel.rooms.emit("stall:x", ITEM, Close("x"))  # type: ignore[arg-type]
        when = datetime.now(UTC)
        with pytest.raises(ValueError, match="declares no timer shop.open"):
            await shop.kernel.schedules.at("shop.open", "x", when, Close("x"))
        with pytest.raises(ValueError, match="has no time zone"):
            await shop.kernel.schedules.at("shop.close", "x", when.replace(tzinfo=None), Close("x"))
        with pytest.raises(ValueError, match="the key 'a.b' is not"):
            await shop.kernel.schedules.at("shop.close", "a.b", when, Close("x"))
        with pytest.raises(ValueError, match="payload of Close"):
            await shop.kernel.schedules.at("shop.close", "x", when, Sold("x"))


async def test_concurrent_writers_of_an_entity(serve: ServeShop, pool: asyncpg.Pool) -> None:
    names = [fresh() for _ in range(3)]
    undone = 0

    async def write(shop: Shop, number: int) -> None:
        nonlocal undone
        try:
            await shop.sell(names[number % 3], fail=number % 5 == 0)
        except Oops:
            undone += 1

    async with serve() as one, serve() as two:
        await asyncio.gather(*(write((one, two)[number % 2], number) for number in range(90)))
        for name in names:
            last = await pool.fetchval("SELECT rev FROM item WHERE name = $1", name)
            await eventually(lambda: _is(revs(one, name), list(range(1, last + 1))), "every revision, in order")
            await eventually(lambda: _is(effects(pool, name), ["sold"] * last), "every event, once")
    assert undone == 18


async def test_what_was_sent_is_pruned(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve() as shop:
        await shop.sell(name)
        await eventually(lambda: _is(effects(pool, name), ["sold"]), "the event is handled")
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE destination = $1", f"stall:{name}") == 1
    async with serve(outbox_keep=0.001, event_retention=0.2):

        async def empty() -> bool:
            return not await pool.fetchval("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM inbox)")

        await eventually(empty, "outbox and inbox are empty")


async def _is(found: object, wanted: object) -> bool:
    return bool(await found == wanted)  # type: ignore[misc]


async def _unsent(pool: asyncpg.Pool) -> int:
    found: int = await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
    return found

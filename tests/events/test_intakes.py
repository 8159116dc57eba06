"""What is put into an intake is durable, and its handler gets it in batches."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devstack.guard import Guard
from devstack.nats import NatsCluster
from gateway import clock
from gateway.errors import BadInput, Code, Unavailable
from gateway.events import names
from ksmp_testkit import eventually
from tests.events.books import INTAKE, Books, count
from tests.events.conftest import ServeShop
from tests.events.shop import Oops, fresh
from tests.events.test_listeners import value


async def until_visited(shop: Books, *items: str) -> None:
    await eventually(lambda: all(count(shop.visited, name) for name in items), "they are handled")


async def test_what_is_put_in_comes_in_batches_and_makes_room(serve: ServeShop) -> None:
    items = [fresh() for _ in range(50)]
    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        await asyncio.gather(*(shop.visit(name) for name in items))
        await until_visited(shop, *items)
        assert all(count(shop.visited, name) == 1 for name in items)
        assert shop.ids[items[0]] == {items[0]}
        assert max(map(len, shop.visited)) > 1

        async def empty() -> bool:
            return (await shop.gateway.bus.jetstream.stream_info(names.INTAKE)).state.messages == 0

        await eventually(empty, "what is handled takes no room")


async def test_a_message_that_is_put_twice_is_stored_once(serve: ServeShop) -> None:
    name, last = fresh(), fresh()
    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        await shop.visit(name)
        await shop.visit(name)
        await shop.visit(last)
        await until_visited(shop, name, last)
        assert count(shop.visited, name) == 1


async def test_it_waits_while_no_gateway_is_there(serve: ServeShop) -> None:
    name, begun = fresh(), asyncio.Event()

    async def forever(batch: list[str]) -> None:
        begun.set()
        await asyncio.sleep(3600)

    async with serve(Books, drain_timeout=0.2, event_ack_wait=60.0) as one:
        assert isinstance(one, Books)
        one.hook = forever
        await one.visit(name)
        await begun.wait()
    async with serve(Books, event_ack_wait=60.0) as two:
        assert isinstance(two, Books)
        await until_visited(two, name)


async def test_one_that_cannot_be_handled_is_a_dead_letter(serve: ServeShop) -> None:
    items = [fresh() for _ in range(8)]

    async def dislike(batch: list[str]) -> None:
        if items[3] in batch:
            raise Oops

    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        shop.hook = dislike
        await asyncio.gather(*(shop.visit(name) for name in items))
        await until_visited(shop, *(name for name in items if name != items[3]))
        await eventually(lambda: value(shop.gateway.metrics.dead_letters, INTAKE) == 1, "it is given up")


async def test_it_says_until_when_all_is_handled(serve: ServeShop) -> None:
    slow, begun, go = fresh(), asyncio.Event(), asyncio.Event()

    async def wait(batch: list[str]) -> None:
        if slow in batch:
            begun.set()
            await go.wait()

    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        shop.hook = wait
        before = clock.now()
        await shop.visit(slow)
        after = clock.now()
        await begun.wait()
        for _ in range(4):
            assert await shop.kernel.intakes.handled_until(INTAKE) <= after
        go.set()

        async def reached() -> bool:
            return await shop.kernel.intakes.handled_until(INTAKE) >= before

        await eventually(reached, "it moves on")


async def test_what_is_too_large_or_nobodys_is_refused(serve: ServeShop) -> None:
    async with serve(Books, intake_message_bytes=100) as shop:
        assert isinstance(shop, Books)
        with pytest.raises(BadInput) as caught:
            await shop.visit("n" * 100)
        assert caught.value.code == Code.TOO_LARGE
        for name in ("shop.nothing", "other.visits"):
            with pytest.raises(ValueError, match="contributes no intake"):
                await shop.kernel.intakes.put(name, b"{}", fresh())


async def test_a_full_stream_refuses_what_comes_and_keeps_what_it_has(serve: ServeShop) -> None:
    waiting, begun, go = [fresh() for _ in range(5)], asyncio.Event(), asyncio.Event()

    async def hold(batch: list[str]) -> None:
        begun.set()
        await go.wait()

    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        shop.hook = hold
        await asyncio.gather(*(shop.visit(name) for name in waiting))
        await begun.wait()
        jetstream = shop.gateway.bus.jetstream
        config = (await jetstream.stream_info(names.INTAKE)).config
        await jetstream.update_stream(config.evolve(max_bytes=2048))
        try:
            for _ in range(100):
                if not await _put(shop):
                    break
            with pytest.raises(Unavailable, match="too much waits") as caught:
                await shop.visit(fresh())
            assert caught.value.retry_after == 5.0
            go.set()
            await until_visited(shop, *waiting)
            # There is room again.
            await eventually(lambda: _put(shop), "it is taken again")
        finally:
            await jetstream.update_stream(config)


async def test_the_stream_is_made_where_it_is_missing(serve: ServeShop) -> None:
    name = fresh()
    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        await shop.visit(fresh())
        await shop.gateway.bus.jetstream.delete_stream(names.INTAKE)
        await shop.visit(name)
        await until_visited(shop, name)


async def test_nats_away_is_unavailable(serve: ServeShop, tmp_path: Path, servers_guard: Guard) -> None:
    async with (
        NatsCluster(tmp_path, guard=servers_guard, restart=False) as own,
        serve(Books, nats_url=own.urls) as shop,
    ):
        assert isinstance(shop, Books)
        name = fresh()
        await shop.visit(name)
        await own.servers[0].stop()
        await eventually(lambda: not shop.gateway.bus.up, "NATS is away")
        with pytest.raises(Unavailable):
            await shop.visit(fresh())
        with pytest.raises(Unavailable):
            await shop.kernel.intakes.handled_until(INTAKE)
        await own.servers[0].start()
        later = fresh()

        async def taken() -> bool:
            try:
                await shop.visit(later)
            except Unavailable:
                return False
            return True

        await eventually(taken, "NATS is back")
        await until_visited(shop, name, later)


async def _put(shop: Books) -> bool:
    try:
        await shop.visit(fresh())
    except Unavailable:
        return False
    return True

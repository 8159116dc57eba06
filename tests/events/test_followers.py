"""A follower gets every event of its types in batches, until each is handled or a dead letter."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import clock, failpoint, registry
from gateway.app import Gateway
from gateway.contract import EventFollower, Kernel, Module
from gateway.events import dead_letter_commands, names
from gateway.registry import RegistryError
from gateway.settings import environment
from ksmp_testkit import eventually
from tests.events.books import FOLLOWER, Books, Returned, count
from tests.events.conftest import ServeShop, shop_settings
from tests.events.shop import Oops, Shop, Sold, fresh
from tests.events.test_listeners import value


async def sell_all(shop: Shop, items: list[str]) -> None:
    """Sell these in one transaction, so that they are sent together."""
    async with shop.kernel.database.transaction():
        for name in items:
            await shop.kernel.events.publish(Sold(name))


async def until_followed(shop: Books, *items: str) -> None:
    await eventually(lambda: all(count(shop.followed, name) for name in items), "they are followed")


async def test_events_of_several_types_come_in_batches(serve: ServeShop) -> None:
    items, back = [fresh() for _ in range(60)], fresh()
    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        await sell_all(shop, items)
        await shop.take_back(back)
        await until_followed(shop, *items, back)
        assert shop.types == {Sold, Returned}
        assert all(count(shop.followed, name) == 1 for name in (*items, back))
        # Not each by itself.
        assert max(map(len, shop.followed)) > 1
        assert max(map(len, shop.followed)) <= Books.batch
        await eventually(
            lambda: value(shop.gateway.metrics.events_handled, FOLLOWER, "done") >= len(items) + 1, "they are counted"
        )


async def test_two_nodes_share_the_batches(serve: ServeShop) -> None:
    items = [fresh() for _ in range(40)]

    class Slow(Books):
        batch = 4

    async with serve(Slow) as one, serve(Slow) as two:
        assert isinstance(one, Books)
        assert isinstance(two, Books)

        async def moment(_: list[str]) -> None:
            await asyncio.sleep(0.05)

        one.hook = two.hook = moment
        await sell_all(one, items)
        await eventually(lambda: len(one.followed) + len(two.followed) >= 10, "all are followed")
        await eventually(
            lambda: all(count([*one.followed, *two.followed], name) == 1 for name in items), "each at one of them"
        )
        assert one.followed
        assert two.followed


async def test_what_cannot_be_handled_holds_up_no_others_and_is_a_dead_letter(
    serve: ServeShop, servers: NatsCluster, record: Postgres
) -> None:
    items = [fresh() for _ in range(20)]
    bad = items[7]

    async def dislike(batch: list[str]) -> None:
        if bad in batch:
            raise Oops("not this one")

    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        await shop.gateway.bus.jetstream.purge_stream(names.DEAD)
        shop.hook = dislike
        await sell_all(shop, items)
        await until_followed(shop, *(name for name in items if name != bad))
        await eventually(lambda: value(shop.gateway.metrics.dead_letters, FOLLOWER) == 1, "it is given up")
        assert count(shop.followed, bad) == 0
        # Four tries, and the failures of the batches that it was in are no tries of the others.
        assert value(shop.gateway.metrics.events_handled, FOLLOWER, "failed") == 4
        assert value(shop.gateway.metrics.event_retries, FOLLOWER) == 3
        variables = environment(shop_settings(servers, record))
        (line, _) = await dead_letter_commands.lines(variables, FOLLOWER)
        assert "shop.Sold" in line
        shop.hook = None
        assert await dead_letter_commands.requeue(variables, [], FOLLOWER) == 1
        await until_followed(shop, bad)
        assert len(shop.ids[bad]) == 1


async def test_one_that_is_tried_again_is_handled_later(serve: ServeShop) -> None:
    name, tries = fresh(), 0

    async def twice(batch: list[str]) -> None:
        nonlocal tries
        if name in batch:
            tries += 1
            if tries < 3:
                raise Oops

    async with serve(Books) as shop:
        assert isinstance(shop, Books)
        shop.hook = twice
        await shop.sell(name)
        await until_followed(shop, name)
        assert count(shop.followed, name) == 1


async def test_an_event_whose_acknowledgement_is_lost_comes_again_with_its_id(serve: ServeShop) -> None:
    name = fresh()
    async with serve(Books, event_ack_wait=0.5) as shop:
        assert isinstance(shop, Books)
        lost: list[object] = []

        def once(message: object) -> bool:
            mine = name in str(message) and FOLLOWER.replace(".", "-") in str(message)
            if mine and not lost:
                lost.append(message)
                return True
            return False

        failpoint.set("event.ack.lost", once)
        await shop.sell(name)
        await eventually(lambda: count(shop.followed, name) == 2, "it comes again")
        assert len(shop.ids[name]) == 1


async def test_postgresql_away_uses_up_no_tries(serve: ServeShop, record: Postgres) -> None:
    name, tries = fresh(), 0

    async def until_away(batch: list[str]) -> None:
        nonlocal tries
        if name not in batch:
            return
        tries += 1
        if tries == 1:
            await record.stop()
        await shop.gateway.database.fetch("SELECT 1")

    async with serve(Books, event_attempts=1) as shop:
        assert isinstance(shop, Books)
        shop.hook = until_away
        await shop.sell(name)
        await eventually(lambda: record.pid is None, "PostgreSQL is away")
        await record.start()
        await until_followed(shop, name)
        assert tries > 1
        assert value(shop.gateway.metrics.dead_letters, FOLLOWER) == 0


async def test_a_drain_gives_back_what_takes_too_long(serve: ServeShop) -> None:
    name, begun = fresh(), asyncio.Event()

    async def forever(batch: list[str]) -> None:
        if name in batch:
            begun.set()
            await asyncio.sleep(3600)

    # Longer than the test waits: what is given back need not be waited for.
    async with serve(Books, drain_timeout=0.5, event_ack_wait=60.0) as one:
        assert isinstance(one, Books)
        one.hook = forever
        await one.sell(name)
        await begun.wait()
    assert count(one.followed, name) == 0
    async with serve(Books, event_ack_wait=60.0) as two:
        assert isinstance(two, Books)
        await until_followed(two, name)


async def test_what_may_have_ended_its_process_is_handled_alone_and_then_a_dead_letter(serve: ServeShop) -> None:
    """A drain that gives back is to the server what a death is: another delivery without a result."""
    bad, tried, given_up = fresh(), list[list[str]](), 0.0

    async def hang(batch: list[str]) -> None:
        if bad in batch:
            tried.append(batch)
            begun.set()
            await asyncio.sleep(3600)

    for attempt in range(1, 6):
        begun = asyncio.Event()
        async with serve(Books, drain_timeout=0.1, event_ack_wait=60.0, event_attempts=4) as shop:
            assert isinstance(shop, Books)
            shop.hook = hang
            await sell_all(shop, [bad, *(fresh() for _ in range(3))] if attempt == 1 else [fresh() for _ in range(3)])
            dead = shop.gateway.metrics.dead_letters

            def over(started: asyncio.Event = begun, dead: object = dead) -> bool:
                return started.is_set() or value(dead, FOLLOWER) > 0

            await eventually(over, "it is tried, or given up")
            given_up = value(dead, FOLLOWER)
    assert given_up >= 1
    assert len(tried) == 4
    assert tried[2:] == [[bad], [bad]]


async def test_it_says_until_when_all_is_handled(serve: ServeShop, pool: asyncpg.Pool) -> None:
    slow, begun, go = fresh(), asyncio.Event(), asyncio.Event()

    async def wait(batch: list[str]) -> None:
        if slow in batch:
            begun.set()
            await go.wait()

    async with serve(Books) as shop, serve(Books) as other:
        assert isinstance(shop, Books)
        assert isinstance(other, Books)
        shop.hook = other.hook = wait

        async def reached(moment: datetime) -> bool:
            return await shop.kernel.events.handled_until(FOLLOWER) >= moment

        moment = clock.now()
        await eventually(lambda: reached(moment), "it moves while nothing happens")
        await shop.sell(slow)
        await begun.wait()
        published = await pool.fetchval("SELECT created_at FROM outbox WHERE body->>'name' = $1 LIMIT 1", slow)
        # Others are handled meanwhile, at the other node or this one, and the time stays before the one that is not.
        for _ in range(5):
            await shop.take_back(fresh())
            assert await shop.kernel.events.handled_until(FOLLOWER) <= published
        go.set()
        moment = clock.now()
        await eventually(lambda: reached(moment), "it moves on")
        with pytest.raises(ValueError, match=r"contributes no follower shop\.nothing"):
            await shop.kernel.events.handled_until("shop.nothing")


async def test_a_gateway_takes_no_types_away_that_a_newer_one_added(serve: ServeShop) -> None:
    name = fresh()

    class Older(Books):
        """A release that knows of no returns."""

        def __init__(self, kernel: Kernel) -> None:
            super().__init__(kernel)
            self.contributions = (
                EventFollower(name=FOLLOWER, events=lambda: (Sold,), handle=self._follow, wait=self.wait),
            )

    async with serve(Older) as old, serve(Books) as new:
        assert isinstance(old, Books)
        assert isinstance(new, Books)
        consumer = next(one for one in old.gateway.event_runtime.consumers if one.source.name == FOLLOWER)
        added = names.event("shop.Returned")

        async def knows() -> bool:
            return added in ((await consumer.info()).config.filter_subjects or ())

        await eventually(knows, "the newer one has added it")
        # As after a reconnect.
        await consumer._ensure()
        assert await knows()
        await new.take_back(name)
        # The older one may be given it first, and leaves it to the other.
        await until_followed(new, name)


def described(kind: type[Module]) -> Gateway:
    return Gateway(Gateway.described([]).settings, registry.ordered([kind]), environ={}, registry_=CollectorRegistry())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "other.books"}, "follower other.books must be shop.<what>"),
        ({"name": "shop.count"}, "shop.count"),
        ({"batch": 0}, "follower shop.books needs a batch and a wait above 0"),
        ({"wait": 0.0}, "follower shop.books needs a batch and a wait above 0"),
    ],
)
def test_one_that_breaks_the_contract_stops_the_start(changes: dict[str, object], sentence: str) -> None:
    class Wrong(Books):
        def __init__(self, kernel: Kernel) -> None:
            super().__init__(kernel)
            given = {"name": FOLLOWER, "events": lambda: (Sold,), "handle": self._follow, **changes}
            self.contributions = (EventFollower(**given),)  # type: ignore[arg-type]

    with contextlib.ExitStack() as stack:
        caught = stack.enter_context(pytest.raises(RegistryError))
        described(Wrong)
    assert sentence in str(caught.value)

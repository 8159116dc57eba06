"""The relay sends every row that was committed, whichever node leads and whatever is away in between."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway.events import names
from gateway.protocol.names import room_name
from ksmp_testkit import eventually
from tests.events.conftest import ServeShop
from tests.events.shop import Close, Item, Shop, Sold, effects, fresh

LEADERS = """
    SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted
    AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('ksmp.relay', 0)
"""


async def test_one_node_sends_at_a_time_and_another_takes_over(serve: ServeShop, pool: asyncpg.Pool) -> None:
    async with serve() as one, serve() as two:
        before = await _sell(one, pool)
        assert len(await pool.fetch(LEADERS)) == 1
        sent = [_sent(shop) for shop in (one, two)]
        assert sorted(bool(count) for count in sent) == [False, True]
        leader, other = (one, two) if sent[0] else (two, one)
        # As when its node vanishes: the lock ends with the session.
        await pool.fetchval("SELECT pg_terminate_backend($1)", await pool.fetchval(LEADERS))
        await leader.gateway.event_runtime.relay.stop()
        after = await _sell(other, pool)
        assert _sent(other) > 0
        assert [await effects(pool, name) for name in (*before, *after)] == [["sold"]] * 10


async def test_a_row_that_commits_late_is_not_passed_over(serve: ServeShop, pool: asyncpg.Pool) -> None:
    """Its number is lower than that of a row which is already sent."""
    late, early = fresh(), fresh()
    async with serve() as shop:
        added, go_on = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            async with shop.kernel.database.transaction():
                await shop.kernel.events.publish(Sold(late))
                added.set()
                await go_on.wait()

        task = asyncio.create_task(slow())
        await added.wait()
        await shop.sell(early)
        await eventually(lambda: _did(pool, early, ["sold"]), "the later row is sent")
        go_on.set()
        await task
        await eventually(lambda: _did(pool, late, ["sold"]), "the earlier row is sent")
        seqs = await pool.fetch(
            "SELECT seq FROM outbox WHERE kind = 'event' AND body->>'name' IN ($1, $2) ORDER BY sent_at", early, late
        )
        assert seqs[0]["seq"] > seqs[1]["seq"]


async def test_what_nats_misses_while_away_it_gets_later(
    serve: ServeShop, pool: asyncpg.Pool, servers: NatsCluster
) -> None:
    name = fresh()
    server = servers.servers[0]
    async with serve() as shop:
        await _sell(shop, pool)
        server.kill()
        await server.died()
        # Transactions commit, and nothing waits for NATS.
        for _ in range(3):
            await shop.sell(name)
        await shop.close_at(name)
        metrics = shop.gateway.metrics
        await eventually(lambda: metrics.outbox_unsent._value.get() == 7, "the rows are counted")
        await eventually(lambda: metrics.outbox_age._value.get() > 0.5, "and their age is known")
        assert metrics.outbox_retries._value.get() > 0
        await server.start()
        await eventually(lambda: _did(pool, name, ["closed", "sold", "sold", "sold"]), "all of it arrives")
        await eventually(lambda: _is_in_log(shop, name, [1, 2, 3]), "the pushes as well, in order")
        await eventually(lambda: metrics.outbox_unsent._value.get() == 0, "nothing is left")
        assert metrics.outbox_age._value.get() == 0


async def test_postgresql_comes_back(serve: ServeShop, pool: asyncpg.Pool, record: Postgres) -> None:
    async with serve() as shop:
        await _sell(shop, pool)
        record.kill()
        await record.died()
        await asyncio.sleep(0.5)
        await record.start()
        await pool.expire_connections()
        await eventually(lambda: _can(shop), "the gateway writes again")
        await _sell(shop, pool)


async def test_nats_that_lost_its_storage_is_filled_again(
    serve: ServeShop, pool: asyncpg.Pool, servers: NatsCluster
) -> None:
    """Timers come from their rows; events that were sent come again, and those who handled them do not notice."""
    timer, handled, pending = fresh(), fresh(), fresh()
    server = servers.servers[0]
    async with serve() as shop:
        await shop.sell(handled)
        await eventually(lambda: _did(pool, handled, ["sold"]), "one event is handled")
        await shop.kernel.schedules.at("shop.close", timer, datetime.now(UTC) + timedelta(seconds=4), Close(timer))
        await eventually(lambda: _all_sent(pool), "NATS has the timer")
    async with serve() as shop:
        # One that is stored, and that nobody has handled.
        for consumer in shop.gateway.event_runtime.consumers:
            await consumer.drain(0)
        await shop.sell(pending)
        await eventually(lambda: _all_sent(pool), "NATS has the event")
    server.kill()
    await server.died()
    shutil.rmtree(server._folder / "nats" / server.name)
    await server.start()
    async with serve() as shop:
        await eventually(lambda: _did(pool, pending, ["sold"]), "the event arrives after all")
        await eventually(lambda: _did(pool, timer, ["closed"]), "the timer fires")
        skipped = shop.gateway.metrics.events_handled.labels("shop.count", "skipped")
        await eventually(lambda: skipped._value.get() > 0, "what was handled came again")
        assert await effects(pool, handled) == ["sold"]


async def test_streams_that_vanish_under_a_running_gateway_are_made_again(serve: ServeShop, pool: asyncpg.Pool) -> None:
    async with serve() as shop:
        await _sell(shop, pool)
        for stream in (names.EVENTS, names.TIMERS):
            await shop.gateway.bus.jetstream.delete_stream(stream)
        await _sell(shop, pool)


async def _sell(shop: Shop, pool: asyncpg.Pool) -> list[str]:
    """Sell five items and wait until each was handled."""
    items = [fresh() for _ in range(5)]
    for name in items:
        await shop.sell(name)
    for name in items:
        await eventually(lambda name=name: _did(pool, name, ["sold"]), "it is handled")  # type: ignore[misc]
    return items


def _sent(shop: Shop) -> float:
    found: float = shop.gateway.metrics.outbox_sent.labels("event")._value.get()
    return found


async def _did(pool: asyncpg.Pool, name: str, wanted: list[str]) -> bool:
    return sorted(await effects(pool, name)) == wanted


async def _all_sent(pool: asyncpg.Pool) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")


async def _can(shop: Shop) -> bool:
    try:
        await shop.gateway.database.ping()
    except Exception:
        return False
    return True


async def _is_in_log(shop: Shop, name: str, wanted: list[int]) -> bool:
    pushes, _ = await shop.gateway.log.read(room_name(f"stall:{name}"), 1)
    return [msgspec.json.decode(push.data, type=Item).rev for push in pushes] == wanted

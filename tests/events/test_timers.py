"""A timer fires once in the whole cluster, when it is due, as it was set last."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract import Delivery
from gateway.events import names
from ksmp_testkit import eventually
from tests.events.conftest import ServeShop
from tests.events.shop import Oops, Shop, effects, fresh


async def test_it_fires_once_on_one_of_two_nodes(serve: ServeShop, pool: asyncpg.Pool) -> None:
    items = [fresh() for _ in range(20)]
    async with serve() as one, serve() as two:
        before = datetime.now(UTC)
        await asyncio.gather(*(one.close_at(name, seconds=0.5) for name in items))
        for name in items:
            await eventually(lambda name=name: _did(pool, name, ["closed"]), "each fires")  # type: ignore[misc]
        assert (datetime.now(UTC) - before).total_seconds() >= 0.5
        assert sorted(name for name, _ in one.deliveries + two.deliveries) == sorted(items)
        assert all(delivery.at > before for _, delivery in one.deliveries)
        assert await pool.fetchval("SELECT count(*) FROM timer") == 0


async def test_set_anew_it_fires_at_the_later_time_alone(serve: ServeShop, pool: asyncpg.Pool) -> None:
    key = fresh()
    async with serve() as shop:
        await shop.close_at("first", key, seconds=0.5)
        await shop.close_at(key, key, seconds=1.2)
        await eventually(lambda: _did(pool, key, ["closed"]), "it fires")
        assert await effects(pool, "first") == []


async def test_cancelled_it_does_not_fire(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name, other = fresh(), fresh()
    async with serve() as shop:
        await shop.close_at(name, seconds=0.4)
        await shop.close_at(other, seconds=0.8)
        await shop.kernel.schedules.cancel("shop.close", name)
        await shop.kernel.schedules.cancel("shop.close", "never-set")
        await eventually(lambda: _did(pool, other, ["closed"]), "the other one fires")
        assert await effects(pool, name) == []


async def test_cancelled_after_it_woke_it_does_not_happen(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve(event_backoff=0.4) as shop:

        async def fail(_: str, delivery: Delivery) -> None:
            if delivery.attempt == 1:
                raise Oops

        shop.hooks[name] = fail
        await shop.close_at(name)
        retries = shop.gateway.metrics.event_retries.labels("shop.close")
        await eventually(lambda: retries._value.get() == 1, "it was tried")
        await shop.kernel.schedules.cancel("shop.close", name)
        skipped = shop.gateway.metrics.events_handled.labels("shop.close", "skipped")
        await eventually(lambda: skipped._value.get() == 1, "its next try finds nothing to do")
        assert await effects(pool, name) == []


async def test_set_anew_after_it_woke_it_waits_for_its_new_time(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve(event_backoff=0.1) as shop:

        async def fail(_: str, delivery: Delivery) -> None:
            if len(shop.deliveries) == 1:
                raise Oops

        shop.hooks[name] = fail
        await shop.close_at(name)
        retries = shop.gateway.metrics.event_retries.labels("shop.close")
        await eventually(lambda: retries._value.get() == 1, "it was tried")
        due = datetime.now(UTC) + timedelta(seconds=1)
        await shop.close_at(name, seconds=1.0)
        await eventually(lambda: _did(pool, name, ["closed"]), "it fires")
        (_, first), (_, second) = shop.deliveries
        assert first.id != second.id
        assert second.at >= due
        assert datetime.now(UTC) >= due


async def test_it_is_set_with_the_transaction_or_not_at_all(serve: ServeShop, pool: asyncpg.Pool) -> None:
    undone, done = fresh(), fresh()
    async with serve() as shop:

        async def write(name: str, *, fail: bool) -> None:
            async with shop.kernel.database.transaction():
                await shop.close_at(name)
                if fail:
                    raise Oops

        await asyncio.gather(write(undone, fail=True), write(done, fail=False), return_exceptions=True)
        await eventually(lambda: _did(pool, done, ["closed"]), "one fires")
        assert await effects(pool, undone) == []


async def test_a_handler_may_set_it_again(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve() as shop:

        async def again(_: str, delivery: Delivery) -> None:
            if len(shop.attempts(name)) < 3:
                await shop.close_at(name)

        shop.hooks[name] = again
        await shop.close_at(name)
        await eventually(lambda: _did(pool, name, ["closed"] * 3), "it fires three times")
        assert len({delivery.id for _, delivery in shop.deliveries}) == 3


async def test_what_came_due_while_no_gateway_ran_fires_at_once(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve() as shop:
        await shop.close_at(name, seconds=1.0)
        await eventually(lambda: _sent(pool), "NATS knows of it")
    await asyncio.sleep(1.2)
    assert await effects(pool, name) == []
    async with serve():
        await eventually(lambda: _did(pool, name, ["closed"]), "it fires")


async def test_one_that_nats_lost_is_noticed(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()
    async with serve() as shop:
        await shop.close_at(name, seconds=1.0)
        await eventually(lambda: _sent(pool), "NATS knows of it")
        await shop.gateway.bus.jetstream.purge_stream(names.TIMERS, subject=names.scheduled(f"shop.close.{name}"))
        await eventually(lambda: _did(pool, name, ["closed"]), "it fires all the same")


PLANS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["at", "cancel", "undone at", "undone cancel"])),
    min_size=1,
    max_size=25,
)


async def test_whatever_was_set_and_cancelled_the_last_word_counts(serve: ServeShop, pool: asyncpg.Pool) -> None:
    """Plans of setting and cancelling three timers, some undone; each fires once if it was set in the end."""
    loop = asyncio.get_running_loop()
    async with serve() as shop:

        @given(plan=PLANS)
        @settings(max_examples=10, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        def check(plan: list[tuple[str, str]]) -> None:
            asyncio.run_coroutine_threadsafe(_follow(shop, pool, plan), loop).result()

        await asyncio.to_thread(check)


async def _follow(shop: Shop, pool: asyncpg.Pool, plan: list[tuple[str, str]]) -> None:
    run = fresh()
    # Far enough away that none fires before the plan is through.
    due = 0.6
    wanted: dict[str, bool] = {}

    async def step(key: str, what: str, number: int) -> None:
        name = f"{run}-{key}"
        async with shop.kernel.database.transaction():
            if what.endswith("at"):
                await shop.close_at(f"{name}-{number}", name, seconds=due)
            else:
                await shop.kernel.schedules.cancel("shop.close", name)
            if what.startswith("undone"):
                raise Oops

    last: dict[str, int] = {}
    for number, (key, what) in enumerate(plan):
        try:
            await step(key, what, number)
        except Oops:
            continue
        wanted[key] = what == "at"
        last[key] = number
    expected = sorted(f"{run}-{key}-{last[key]}" for key, on in wanted.items() if on)
    assert await pool.fetchval("SELECT count(*) FROM timer WHERE starts_with(key, $1)", run) == len(expected)

    async def fired() -> list[str]:
        rows = await pool.fetch("SELECT name FROM effect WHERE starts_with(name, $1)", run)
        return sorted(row["name"] for row in rows)

    async def all_fired() -> bool:
        return len(await fired()) >= len(expected)

    await asyncio.sleep(due)
    await eventually(all_fired, "what was set fires")
    assert await fired() == expected


async def _did(pool: asyncpg.Pool, name: str, wanted: list[str]) -> bool:
    return await effects(pool, name) == wanted


async def _sent(pool: asyncpg.Pool) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")

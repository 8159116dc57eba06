"""A listener handles every event once, with what it writes, whatever fails in between."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
import types
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import failpoint
from gateway.cli import main
from gateway.contract import Delivery, listener
from gateway.events import durable_consumer, names
from gateway.events.dead_letters import publish
from gateway.events.durable_consumer import Retries
from gateway.settings import environment
from ksmp_testkit import eventually
from tests.events.conftest import ServeShop, shop_settings
from tests.events.shop import Oops, Shop, Sold, effects, fresh


def value(metric: object, *labels: str) -> float:
    found: float = metric.labels(*labels)._value.get() if labels else metric._value.get()  # type: ignore[attr-defined]
    return found


async def test_two_nodes_share_the_work(serve: ServeShop, pool: asyncpg.Pool) -> None:
    items = [fresh() for _ in range(60)]
    async with serve() as one, serve() as two:
        await asyncio.gather(*(one.sell(name) for name in items))
        for name in items:
            await eventually(lambda name=name: _did(pool, name, ["sold"]), "each event is handled")  # type: ignore[misc]
        assert len(one.deliveries) + len(two.deliveries) == len(items)
        assert one.deliveries
        assert two.deliveries
        name, delivery = one.deliveries[0]
        event = await pool.fetchrow(
            "SELECT id, created_at FROM outbox WHERE kind = 'event' AND body->>'name' = $1", name
        )
        assert delivery == Delivery(id=str(event["id"]), at=event["created_at"], attempt=1)


async def test_a_handler_that_fails_is_tried_again_and_leaves_nothing(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()

    async def twice(_: str, delivery: Delivery) -> None:
        if delivery.attempt < 3:
            raise Oops

    async with serve() as shop:
        shop.hooks[name] = twice
        await shop.sell(name)
        await eventually(lambda: _did(pool, name, ["sold"]), "the third try is the one")
        assert shop.attempts(name) == [1, 2, 3]
        assert value(shop.gateway.metrics.event_retries, "shop.count") == 2
        assert value(shop.gateway.metrics.events_handled, "shop.count", "failed") == 2


async def test_one_that_is_not_transactional_is_done_again_and_then_remembered(
    serve: ServeShop, pool: asyncpg.Pool
) -> None:
    name = fresh()
    inside: list[bool] = []

    async def once(_: str, delivery: Delivery) -> None:
        inside.append(shop.gateway.database.in_transaction)
        if delivery.attempt == 1:
            raise Oops

    class Calling(Shop):
        @listener(Sold, "shop.call", transactional=False)
        async def _sold(self, event: Sold, delivery: Delivery) -> None:
            await super()._sold(event, delivery)

    async with serve(Calling) as shop:
        shop.hooks[name] = once
        lost: list[object] = []
        # A new listener also gets what others sold within the last minute.
        failpoint.set(
            "event.ack.lost",
            lambda message: name.encode() in message.data and not lost and not lost.append(message),  # type: ignore[func-returns-value]
        )
        await shop.sell(name)
        await eventually(
            lambda: value(shop.gateway.metrics.events_handled, "shop.call", "skipped") == 1, "it came again"
        )
        # What the failed try did stays; after the one that succeeded there is no other.
        assert await effects(pool, name) == ["sold", "sold"]
        assert shop.attempts(name) == [1, 2]
        assert inside == [False, False]


async def test_a_vendor_that_hangs_delays_no_call_of_another_one(serve: ServeShop, pool: asyncpg.Pool) -> None:
    names, called = [fresh() for _ in range(3)], set[str]()
    hanging = asyncio.Event()

    class Calling(Shop):
        @listener(Sold, "shop.hangs", transactional=False)
        async def _hangs(self, event: Sold, delivery: Delivery) -> None:
            await hanging.wait()

        @listener(Sold, "shop.calls", transactional=False)
        async def _calls(self, event: Sold, delivery: Delivery) -> None:
            called.add(event.name)

    async with serve(Calling, event_concurrency=1) as shop:
        for name in names:
            await shop.sell(name)
        await eventually(lambda: called >= {*names}, "the other one is called")
        hanging.set()


async def test_dead_letters_are_listed_shown_and_sent_again(
    serve: ServeShop, pool: asyncpg.Pool, servers: NatsCluster, record: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, other = fresh(), fresh()
    for variable, text in environment(shop_settings(servers, record)).items():
        monkeypatch.setenv(variable, text)

    async def ksmp(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, main, ["events", "dead", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    async def never(_: str, delivery: Delivery) -> None:
        raise Oops("no way")

    async with serve() as shop:
        # Others leave some.
        await shop.gateway.bus.jetstream.purge_stream(names.DEAD)
        shop.hooks[name] = shop.hooks[other] = never
        await shop.sell(name)
        await eventually(lambda: value(shop.gateway.metrics.dead_letters, "shop.count") == 1, "it is a dead letter")
        assert shop.attempts(name) == [1, 2, 3, 4]
        assert await effects(pool, name) == []
        await shop.sell(other)
        await eventually(lambda: value(shop.gateway.metrics.dead_letters, "shop.count") == 2, "the other one as well")
        first, second, count = (await ksmp()).splitlines()
        assert count == "2 dead letter(s)"
        assert "shop.count  shop.Sold" in first
        assert first.endswith("Oops: no way")
        number = first.split()[0]
        shown = await ksmp("show", number)
        assert name in shown
        assert "in never" in shown
        shop.hooks.clear()
        assert await ksmp("requeue", number) == "requeued 1\n"
        await eventually(lambda: _did(pool, name, ["sold"]), "it is handled at last")
        # With all its tries.
        assert shop.attempts(name)[-1] == 1
        assert (await ksmp("--name", "shop.count")).splitlines() == [second, "1 dead letter(s)"]
        assert await ksmp("requeue", "--all") == "requeued 1\n"
        await eventually(lambda: _did(pool, other, ["sold"]), "and the other one")
        assert await ksmp() == "0 dead letter(s)\n"
        result = await asyncio.to_thread(CliRunner().invoke, main, ["events", "dead", "show", number])
        assert result.exit_code == 1
        assert "there is no dead letter" in result.stderr


async def test_what_comes_again_is_not_done_again(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name, last = fresh(), fresh()
    async with serve() as shop:
        lost: list[object] = []
        failpoint.set("event.ack.lost", lambda message: not lost and not lost.append(message))  # type: ignore[func-returns-value]
        await shop.sell(name)
        await eventually(
            lambda: value(shop.gateway.metrics.events_handled, "shop.count", "skipped") == 1, "it came again"
        )
        # The same event once more, as a relay sends it that died two minutes ago.
        id, at = shop.deliveries[0][1].id, shop.deliveries[0][1].at.isoformat()
        body = b'{"type":"shop.Sold","name":"%s"}' % name.encode()
        headers = {names.MESSAGE_ID: fresh(), names.ID: id, names.AT: at}
        await publish(shop.gateway.bus, names.event("shop.Sold"), body, headers)
        await shop.sell(last)
        await eventually(lambda: _did(pool, last, ["sold"]), "the next event is handled")
        await eventually(
            lambda: value(shop.gateway.metrics.events_handled, "shop.count", "skipped") == 2, "it was skipped"
        )
        assert await effects(pool, name) == ["sold"]
        assert lost


async def test_a_swallowed_database_error_is_a_failed_try(serve: ServeShop, pool: asyncpg.Pool) -> None:
    """PostgreSQL answers the commit of such a transaction by undoing it, and says nothing."""
    name = fresh()
    async with serve() as shop:

        async def swallow(_: str, delivery: Delivery) -> None:
            if delivery.attempt == 1:
                with contextlib.suppress(asyncpg.PostgresError):
                    await shop.gateway.database.fetch("SELECT 1/0")

        shop.hooks[name] = swallow
        await shop.sell(name)
        await eventually(lambda: _did(pool, name, ["sold"]), "it is handled")
        assert shop.attempts(name) == [1, 2]


async def test_what_a_handler_publishes_commits_with_it(serve: ServeShop, pool: asyncpg.Pool) -> None:
    first, second = fresh(), fresh()
    async with serve() as shop:

        async def onward(_: str, delivery: Delivery) -> None:
            await shop.sell(second)
            await shop.close_at(second)
            if delivery.attempt == 1:
                raise Oops

        shop.hooks[first] = onward
        await shop.sell(first)
        await eventually(lambda: _did(pool, second, ["closed", "sold"], ordered=False), "what follows happens, once")
        assert await effects(pool, first) == ["sold"]
        assert await pool.fetchval("SELECT rev FROM item WHERE name = $1", second) == 1


async def test_a_new_listener_hears_nothing_of_before_its_first_start(serve: ServeShop, pool: asyncpg.Pool) -> None:
    old, fit = fresh(), fresh()
    name = f"shop.l{fresh()[:20]}"

    class Later(Shop):
        @listener(Sold, name)
        async def _later(self, event: Sold, delivery: Delivery) -> None:
            await self._effect("closed", event.name, delivery)

    async with serve(Later) as shop:
        await eventually(lambda: _registered(pool, name), "it is registered")
        since = await pool.fetchval("SELECT since FROM event_listener WHERE name = $1", name)
        for item, at in ((old, since - timedelta(seconds=1)), (fit, since)):
            body = b'{"type":"shop.Sold","name":"%s"}' % item.encode()
            headers = {names.MESSAGE_ID: fresh(), names.ID: fresh(), names.AT: at.isoformat()}
            await publish(shop.gateway.bus, names.event("shop.Sold"), body, headers)
        handled = shop.gateway.metrics.events_handled
        await eventually(lambda: value(handled, name, "skipped") >= 1, "it is handed what is not for it")

        async def heard() -> bool:
            return "closed" in await effects(pool, fit)

        await eventually(heard, "it hears what is for it")
    assert "closed" not in await effects(pool, old)


async def test_a_drain_finishes_what_is_in_hand_and_gives_back_what_takes_too_long(
    serve: ServeShop, pool: asyncpg.Pool
) -> None:
    quick, slow = fresh(), fresh()
    begun = [asyncio.Event(), asyncio.Event()]

    async def moment(_: str, delivery: Delivery) -> None:
        begun[0].set()
        await asyncio.sleep(0.3)

    async def forever(_: str, delivery: Delivery) -> None:
        begun[1].set()
        await asyncio.sleep(3600)

    # Longer than the test waits: what is given back need not be waited for.
    async with serve(drain_timeout=1.0, event_ack_wait=60.0) as one:
        one.hooks |= {quick: moment, slow: forever}
        await one.sell(quick)
        await one.sell(slow)
        await asyncio.gather(*(event.wait() for event in begun))
    assert await effects(pool, quick) == ["sold"]
    assert await effects(pool, slow) == []
    async with serve(event_ack_wait=60.0) as two:
        await eventually(lambda: _did(pool, slow, ["sold"]), "the other node does it")
        assert two.attempts(slow) == [2]


async def test_postgresql_away_uses_up_no_tries(serve: ServeShop, pool: asyncpg.Pool, record: Postgres) -> None:
    name = fresh()
    async with serve(event_attempts=2) as shop:

        async def until_away(_: str, delivery: Delivery) -> None:
            if len(shop.attempts(name)) == 1:
                await record.stop()

        shop.hooks[name] = until_away
        await shop.sell(name)
        await eventually(lambda: record.pid is None, "PostgreSQL is away")
        await asyncio.sleep(3.0)
        await record.start()
        await eventually(lambda: _did(pool, name, ["sold"]), "it is handled")
        assert value(shop.gateway.metrics.dead_letters, "shop.count") == 0
        assert value(shop.gateway.metrics.event_retries, "shop.count") == 0
        assert set(shop.attempts(name)) == {1}
        # No connection was lost to the pool on the way.
        await asyncio.gather(*(shop.gateway.database.fetch("SELECT pg_sleep(0.05)") for _ in range(30)))


async def test_a_message_in_hand_is_kept_longer_than_the_silence(serve: ServeShop, pool: asyncpg.Pool) -> None:
    name = fresh()

    async def slow(_: str, delivery: Delivery) -> None:
        await asyncio.sleep(2.0)

    async with serve(event_ack_wait=0.9) as one, serve(event_ack_wait=0.9) as two:
        one.hooks[name] = two.hooks[name] = slow
        await one.sell(name)
        await eventually(lambda: _did(pool, name, ["sold"]), "it is handled")
        # Another delivery would have waited for this one's transaction.
        await asyncio.sleep(0.3)
        assert one.attempts(name) + two.attempts(name) == [1]
        assert all(value(shop.gateway.metrics.events_handled, "shop.count", "skipped") == 0 for shop in (one, two))


def test_the_waits_double_up_to_the_longest() -> None:
    retries = Retries(attempts=8, first=1.0, most=10.0)
    assert [retries.wait(attempt) for attempt in (1, 2, 3, 4, 5, 1000)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


async def test_what_a_handler_raises_is_logged_with_its_traceback(
    serve: ServeShop, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[dict[str, Any]] = []
    keep = types.SimpleNamespace(
        **dict.fromkeys(("info", "exception"), lambda *_, **__: None),
        **{level: lambda event, **fields: logged.append({"event": event, **fields}) for level in ("warning", "error")},
    )
    monkeypatch.setattr(durable_consumer, "log", keep)

    async def never(_: str, delivery: Delivery) -> None:
        raise Oops("no way")

    async with serve() as shop:
        sold, timed = fresh(), fresh()
        shop.hooks[sold] = shop.hooks[timed] = never
        await shop.sell(sold)
        await shop.close_at(timed)
        await eventually(
            lambda: sum(line["event"] == "event.dead" for line in logged) == 2, "both handlers have given up"
        )
        # The row of a timer stays, for when it is sent again.
        await shop.kernel.schedules.cancel("shop.close", timed)
    for handler in ("shop.count", "shop.close"):
        lines = [line for line in logged if line["listener"] == handler]
        assert [line["event"] for line in lines] == ["event.retry"] * 3 + ["event.dead"]
        for line in lines:
            raised: BaseException = line["exc_info"]
            assert "in never" in "".join(traceback.format_exception(raised))


async def _did(pool: asyncpg.Pool, name: str, wanted: list[str], *, ordered: bool = True) -> bool:
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        found = await effects(pool, name)
        return (found if ordered else sorted(found)) == wanted
    return False


async def _registered(pool: asyncpg.Pool, name: str) -> bool:
    return bool(await pool.fetchval("SELECT count(*) FROM event_listener WHERE name = $1", name))

"""Uses of coupons: limits that many race for, over the pools of several gateways, and uses that come back."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from gateway.db.database import PostgresDatabase
from gateway.errors import KsmpError
from modules.payments.coupons.coupons import Coupons
from tests.modules.payments.coupons.orders import coupon, ordered, outcome, used

INVALID, USED_UP = "payments.coupon_invalid", "payments.coupon_used_up"


@pytest.fixture
async def pools(postgres: str) -> AsyncIterator[list[PostgresDatabase]]:
    """What three gateways would have."""
    async with contextlib.AsyncExitStack() as stack:
        made = [PostgresDatabase(postgres, pool=4, timeout=30.0) for _ in range(3)]
        for pool in made:
            await pool.start()
            stack.push_async_callback(pool.stop)
        yield made


def user() -> str:
    return uuid.uuid4().hex


async def raced(pools: list[PostgresDatabase], makings: Any) -> Counter[str]:
    """How often each refusal came; orders that were made count as `made`."""
    outcomes = await asyncio.gather(*(outcome(making) for making in makings))
    return Counter(found if found.startswith("payments.") else "made" for found in outcomes)


async def test_thirty_race_for_three_uses_and_three_get_one(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    """Fault 11, vendurehq/vendure#4660, saleor/saleor#15855: the limit was read first, and counted later."""
    discount = await coupon(database, limit=3)
    counts = await raced(pools, [ordered(pools[turn % 3], discount, user()) for turn in range(30)])
    assert counts == {"made": 3, USED_UP: 27}
    assert await used(database, discount) == 3


async def test_one_user_races_for_their_own_limit(pools: list[PostgresDatabase], database: asyncpg.Pool[Any]) -> None:
    discount, ann, ben = await coupon(database, limit=20, limit_user=2), user(), user()
    makings = [ordered(pools[turn % 3], discount, ann if turn % 2 else ben) for turn in range(30)]
    assert await raced(pools, makings) == {"made": 4, USED_UP: 26}
    assert await used(database, discount) == 4


async def test_a_refused_order_holds_no_use(pools: list[PostgresDatabase], database: asyncpg.Pool[Any]) -> None:
    discount, ann = await coupon(database, limit=2, limit_user=1), user()
    await ordered(pools[0], discount, ann)
    assert await outcome(ordered(pools[0], discount, ann)) == USED_UP
    assert await used(database, discount) == 1
    await ordered(pools[0], discount, user())


async def test_uses_come_back_once_and_are_taken_again(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    discount, coupons = await coupon(database, limit=1), [Coupons(pool) for pool in pools]
    order = await ordered(pools[0], discount, user())
    async with pools[0].transaction():
        await coupons[0].reserve(discount, order, user())
    assert await used(database, discount) == 1
    await asyncio.gather(*(one.release(order) for one in coupons * 4))
    assert await used(database, discount) == 0
    second = await ordered(pools[1], discount, user())
    # Late money for the first order: it keeps its discount, beyond the limit, and counts.
    await asyncio.gather(*(one.retake(order) for one in coupons * 4))
    assert await used(database, discount) == 2
    assert await outcome(ordered(pools[0], discount, user())) == USED_UP
    for one in (order, second, order):
        await coupons[0].release(one)
    assert await used(database, discount) == 0
    await coupons[0].retake(uuid.uuid4().hex)


async def test_reserves_releases_and_retakes_at_once_leave_what_the_rows_say(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    discount = await coupon(database, limit=40)
    orders = [await ordered(pools[0], discount, user()) for _ in range(20)]
    every = [Coupons(pool) for pool in pools]
    acts: list[Any] = []
    for turn, order in enumerate(orders):
        one = every[turn % 3]
        acts += [one.release(order), one.retake(order), one.release(order), ordered(pools[turn % 3], discount, user())]
    await asyncio.gather(*acts)
    assert 20 <= await used(database, discount) <= 40


async def test_two_who_change_coupons_the_other_way_round_do_not_deadlock(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    one, other = [await coupon(database) for _ in range(2)]
    for _ in range(10):
        first, second = await ordered(pools[0], one, user()), await ordered(pools[0], other, user())
        changes = [
            ordered(pools[0], other, user(), gone=first),
            ordered(pools[1], one, user(), gone=second),
        ]
        assert await raced(pools, changes) == {"made": 2}
    assert await used(database, one) == await used(database, other) == 10


async def test_a_use_is_reserved_in_the_orders_transaction(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    """Fault 11: a use that is taken outside of it would outlive an order that is rolled back."""
    with pytest.raises(RuntimeError):
        await Coupons(pools[0]).reserve(await coupon(database), user(), user())


async def test_what_changed_since_the_quote_is_refused(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    hour = timedelta(hours=1)
    over = await coupon(database, ends_at=clock.now() - hour)
    early = await coupon(database, starts_at=clock.now() + hour)
    off = await coupon(database, active=False)
    for discount in (over, early, off):
        assert await outcome(ordered(pools[0], discount, user())) == INVALID
        assert await used(database, discount) == 0


async def test_a_wrong_code_looks_like_one_of_another_program(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    coupons, hour, program = Coupons(pools[0]), timedelta(hours=1), user()
    theirs = await coupon(database, program=user())
    off = await coupon(database, active=False, program=program)
    over = await coupon(database, ends_at=clock.now() - hour)
    refusals = set()
    for code, currency in (
        (theirs.code, "INR"),
        (off.code, "INR"),
        (over.code, "INR"),
        ((await coupon(database)).code, "USD"),
        ("NO-SUCH-CODE", "INR"),
        ("no code at all", "INR"),
    ):
        with pytest.raises(KsmpError) as caught:
            await coupons.discount(code, user(), program, 100, currency)
        refusals.add((caught.value.code, caught.value.message))
    assert len(refusals) == 1
    ours = await coupon(database, program=program)
    assert await coupons.discount(f" {ours.code.lower()} ", user(), program, 100, "INR") == ours


async def test_a_quote_counts_the_order_that_it_would_replace_as_free(
    pools: list[PostgresDatabase], database: asyncpg.Pool[Any]
) -> None:
    coupons, ann, program = Coupons(pools[0]), user(), user()
    for limits in ({"limit": 1}, {"limit_user": 1}):
        program = user()
        discount = await coupon(database, **limits)
        order = await ordered(pools[0], discount, ann, program=program)
        assert (await coupons.discount(discount.code, ann, program, 5, "INR")).amount == 5
        # Another program, or an order that is paid, is another use.
        with pytest.raises(KsmpError) as caught:
            await coupons.discount(discount.code, ann, user(), 100, "INR")
        assert caught.value.code == USED_UP
        await database.execute("UPDATE payments_order SET state = 'paid' WHERE id = $1", order)
        with pytest.raises(KsmpError) as caught:
            await coupons.discount(discount.code, ann, program, 100, "INR")
        assert caught.value.code == USED_UP

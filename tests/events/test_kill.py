"""SIGKILL between every two steps, and to the servers, under traffic: nothing is lost or done twice. Counted."""

from __future__ import annotations

import asyncio
import collections
import sys
from pathlib import Path

import asyncpg
import msgspec
import pytest

from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import failpoint
from gateway.bus.connection import NatsBus
from gateway.bus.log import RoomLog
from gateway.events import dead_letter_commands, names
from gateway.events.dead_letters import DeadLetters
from gateway.settings import environment
from ksmp_testkit import eventually
from tests.events.conftest import ServeShop, shop_settings
from tests.events.shop import Item, Oops, Shop, effects, fresh

# How likely a process dies where it passes.
POINTS = {
    "kill.written": 0.05,
    "kill.taken": 0.2,
    "kill.published": 0.2,
    "kill.marked": 0.2,
    "kill.received": 0.05,
    "kill.handled": 0.05,
    "kill.committed": 0.05,
    "kill.dead_letter": 1.0,
}
ITEMS = 1_000_000
# Even if all die at once, one process sells as many.
LEAST = 50
ROOT = Path(__file__).parents[2]


class Program:
    """A process that sells items of its own; started again it goes on where it was."""

    def __init__(self, prefix: str, variables: dict[str, str], log: Path) -> None:
        self._prefix = prefix
        self._variables = variables
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, count: int, failpoints: str = "") -> int:
        """Run it to its end; its exit status."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.events.shop_program", self._prefix, str(count)),
                cwd=ROOT,
                env=self._variables | {"KSMP_FAILPOINTS": failpoints},
                stdout=log,
                stderr=log,
            )
        try:
            return await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()


async def test_nothing_is_lost_or_done_twice(
    servers: NatsCluster,
    record: Postgres,
    pool: asyncpg.Pool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prefix = f"k{fresh()[:8]}"
    variables = environment(shop_settings(servers, record, event_ack_wait=1.0, head_interval=1.0))
    points = collections.deque(POINTS)
    deaths: collections.Counter[str] = collections.Counter()
    one, two = (Program(f"{prefix}-{n}", variables, tmp_path / f"{n}.log") for n in (1, 2))

    async def die_everywhere(program: Program) -> None:
        while points:
            point = points.popleft()
            status = await program.run(ITEMS, f"{point}={POINTS[point]}")
            assert status == -9, f"{point}: {status}, see {tmp_path}"
            deaths[point] += 1

    async def kill_servers() -> None:
        await eventually(lambda: sum(deaths.values()) >= 2, "two processes died", timeout=60)
        servers.servers[0].kill()
        await servers.servers[0].died()
        deaths["nats-server"] += 1
        await servers.servers[0].start()
        await eventually(lambda: sum(deaths.values()) >= 5, "two more died", timeout=60)
        record.kill()
        await record.died()
        deaths["postgres"] += 1
        await record.start()

    async with asyncio.timeout(120):
        await asyncio.gather(die_everywhere(one), die_everywhere(two), kill_servers())
        assert set(deaths) == {*POINTS, "nats-server", "postgres"}

        # The fault is mended, the dead letters are sent again, and one process does what is left.
        await pool.expire_connections()
        await pool.execute("INSERT INTO item (name, rev) VALUES ('fixed', 1)")
        finishing = asyncio.create_task(one.run(LEAST))
        dead = 0
        try:
            await eventually(lambda: _sold_all(pool, f"{prefix}-1"), "it sells what is left", timeout=60)
            sold = await pool.fetchval("SELECT count(*) FROM item WHERE starts_with(name, $1)", prefix)
            while await _missing(pool, prefix, sold):
                assert not finishing.done()
                dead += await dead_letter_commands.requeue(variables, (), None)
                await asyncio.sleep(0.2)
        finally:
            one.stop()
            await finishing
    handled = await _effects(pool, prefix, "sold")
    fired = await _effects(pool, prefix, "closed")
    pushes = await _pushes(servers, prefix)
    followed = await _noted(pool, prefix, "followed")
    visited = await _noted(pool, prefix, "visited")
    # Somebody visited and was killed before they bought.
    visited = collections.Counter({name: number for name, number in visited.items() if name in handled})
    counts = (handled, fired, pushes, followed, visited)
    lost = [sold - len(count) for count in counts]
    twice = [sum(number - 1 for number in count.values()) for count in counts]
    with capsys.disabled():
        print(f"\n  killed: {dict(deaths)}")
        print(
            f"  rows committed {sold}, dead letters sent again {dead}; events, timers, pushes, followed, taken in: "
            f"{[sum(count.values()) for count in counts]}; of them lost {lost}, twice {twice}"
        )
    assert sold >= LEAST
    assert dead > 0
    # All of it took less than the duplicate window of the log, or a push might be there twice.
    assert lost == twice == [0, 0, 0, 0, 0]


async def test_a_dead_letter_that_was_sent_again_and_not_taken_out(
    serve: ServeShop, pool: asyncpg.Pool, servers: NatsCluster, record: Postgres
) -> None:
    name = fresh()
    variables = environment(shop_settings(servers, record))
    # What died in another test is delivered again, and with one attempt alone would be a dead letter.
    async with serve() as shop:
        await eventually(lambda: _settled(shop), "nothing is left of before")
    await dead_letter_commands.requeue(variables, (), None)
    async with serve() as shop:
        await eventually(lambda: _settled(shop), "nor of the dead")
    async with serve(event_attempts=1) as shop:

        async def fail(_: str, delivery: object) -> None:
            raise Oops

        shop.hooks[name] = fail
        await shop.sell(name)
        dead = DeadLetters(shop.gateway.bus)

        async def given_up() -> bool:
            return await dead.count() == 1

        await eventually(given_up, "it is a dead letter")
        shop.hooks.clear()

        def die(_: object) -> bool:
            raise Oops

        failpoint.set("kill.requeued", die)
        with pytest.raises(Oops):
            await dead_letter_commands.requeue(variables, (), None)
        failpoint.clear()
        assert await dead.count() == 1
        assert await dead_letter_commands.requeue(variables, (), None) == 1
        assert await dead.count() == 0
        await shop.sell(after := fresh())

        async def handled() -> bool:
            return await effects(pool, name) == ["sold"] == await effects(pool, after)

        await eventually(handled, "both are handled")
        assert await effects(pool, name) == ["sold"]


async def _settled(shop: Shop) -> bool:
    """Every event was handled and acknowledged."""
    info = await shop.gateway.bus.jetstream.consumer_info(names.EVENTS, names.durable("shop.count"))
    return info.num_pending == 0 and info.num_ack_pending == 0


async def _effects(pool: asyncpg.Pool, prefix: str, what: str) -> collections.Counter[str]:
    """How often this was done for each item."""
    rows = await pool.fetch("SELECT name FROM effect WHERE what = $1 AND starts_with(name, $2)", what, prefix)
    return collections.Counter(row["name"] for row in rows)


async def _sold_all(pool: asyncpg.Pool, prefix: str) -> bool:
    count: int = await pool.fetchval("SELECT count(*) FROM item WHERE starts_with(name, $1)", f"{prefix}-")
    return count >= LEAST


async def _noted(pool: asyncpg.Pool, prefix: str, what: str) -> collections.Counter[str]:
    """How often a follower or an intake noted each item, of those that the program may have done once more."""
    rows = await pool.fetch("SELECT name FROM noted WHERE what = $1 AND starts_with(name, $2)", what, prefix)
    return collections.Counter(row["name"] for row in rows)


async def _missing(pool: asyncpg.Pool, prefix: str, sold: int) -> bool:
    done: int = await pool.fetchval(
        "SELECT count(DISTINCT (what, name)) FROM effect WHERE starts_with(name, $1)", prefix
    )
    noted: int = await pool.fetchval(
        "SELECT count(*) FROM noted JOIN item USING (name) WHERE starts_with(name, $1)", prefix
    )
    unsent: int = await pool.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
    return done < 2 * sold or noted < 2 * sold or unsent > 0


async def _pushes(servers: NatsCluster, prefix: str) -> collections.Counter[str]:
    """How often each item is in the log of its room."""
    bus = NatsBus(servers.urls, "test")
    await bus.connect()
    try:
        log = RoomLog(bus, replicas=1, retention=3600.0, publish_timeout=5.0)
        await log._direct.start()
        found: collections.Counter[str] = collections.Counter()
        position, more = 0, True
        while more:
            pushes, more = await log.read_kind("stall", position + 1)
            for push in pushes:
                position = push.seq
                name = msgspec.json.decode(push.data, type=Item).name
                if name.startswith(prefix):
                    found[name] += 1
        return found
    finally:
        await bus.close()

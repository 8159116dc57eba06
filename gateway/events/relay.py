"""Sends the rows of the outbox. One node does so, in the order of the rows; a commit wakes it.

The relay publishes a row with its id and then marks it as sent. A relay that dies in between leads to a second
publish. Within two minutes the stream drops the second message by its id; later the inbox does. A client drops a
second push by its `rev`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from gateway import failpoint
from gateway.backoff import Backoff
from gateway.bus.connection import NatsBus
from gateway.db.database import PostgresDatabase, guard
from gateway.errors import Unavailable
from gateway.events import names
from gateway.events.dead_letters import publish
from gateway.events.schedules import Wake, wake
from gateway.events.streams import EventStreams
from gateway.protocol.names import RoomName, room_name
from gateway.tasks import end
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

# Stores a push in the log of its room, with a message id; raises Unavailable.
SendPush = Callable[[RoomName, bytes, str], Awaitable[None]]

BATCH: Final = 256
# Seconds between two looks when nothing commits. Each look also proves the connection and sets the gauges.
IDLE: Final = 3.0
PRUNE_EVERY: Final = 60.0
PRUNE_ROWS: Final = 10_000
# How many seconds late a timer may be before the relay schedules it again.
LATE: Final = 5.0
FILL_TIMEOUT: Final = 60.0

LEAD = "SELECT pg_try_advisory_lock(hashtextextended('ksmp.relay', 0))"
# PostgreSQL ends the session of a relay that hangs, and that releases the lock.
SESSION_TIMEOUTS = "SET idle_session_timeout = '20s'; SET idle_in_transaction_session_timeout = '60s'"
TAKE = """
    SELECT seq, id, kind, destination, body, created_at FROM outbox WHERE sent_at IS NULL
    ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED
"""
MARK = "UPDATE outbox SET sent_at = clock_timestamp() WHERE seq = ANY($1::bigint[])"
OLDEST = """
    SELECT count(*) AS unsent, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS age
    FROM outbox WHERE sent_at IS NULL
"""
PRUNE_OUTBOX = """
    DELETE FROM outbox WHERE seq IN (
        SELECT seq FROM outbox WHERE sent_at < now() - make_interval(secs => $1) ORDER BY sent_at LIMIT $2
    )
"""
PRUNE_INBOX = """
    DELETE FROM inbox WHERE (listener, event) IN (
        SELECT listener, event FROM inbox WHERE handled_at < now() - make_interval(secs => $1)
        ORDER BY handled_at LIMIT $2
    )
"""
EPOCHS = "SELECT name, epoch FROM event_stream"
REMEMBER = "INSERT INTO event_stream (name, epoch) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET epoch = $2"
EVENTS_AGAIN = "UPDATE outbox SET sent_at = NULL WHERE kind = 'event' AND sent_at IS NOT NULL"
# Locked: a timer that is set again meanwhile gets a later row in the outbox, and so replaces this one.
TIMERS = "SELECT name, key, id, at FROM timer ORDER BY name, key FOR UPDATE"
# Timers that NATS should have fired. Each is scheduled again once; one whose handler is running still runs once.
OVERDUE = """
    UPDATE timer SET resent_at = now() WHERE (name, key) IN (
        SELECT name, key FROM timer WHERE resent_at IS NULL AND at < now() - make_interval(secs => $1)
        ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING name, key, id, at
"""
TIMER_AGAIN = "INSERT INTO outbox (kind, destination, body) VALUES ('timer', $1, $2)"


class Relay:
    """Runs on every node; the node that holds the lock sends."""

    def __init__(
        self,
        bus: NatsBus,
        streams: EventStreams,
        database: PostgresDatabase,
        send_push: SendPush,
        metrics: Metrics,
        *,
        keep: float,
        inbox_keep: float,
    ) -> None:
        self._bus = bus
        self._streams = streams
        self._database = database
        self._send_push = send_push
        self._metrics = metrics
        self._keep = keep
        self._inbox_keep = inbox_keep
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._back = asyncio.Event()
        self._checked = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            await end([self._task])

    def check(self) -> None:
        """Check again that the streams are the ones that this database filled, as after a reconnect."""
        self._checked = False
        self._back.set()
        self._woken.set()

    async def _run(self) -> None:
        while True:
            try:
                async with self._database.session() as connection:
                    with guard():
                        while not await connection.fetchval(LEAD):
                            await asyncio.sleep(1.0)
                        await self._lead(connection)
            except Unavailable as error:
                log.info("relay.waiting", reason=error.message)
            except Exception:
                log.exception("relay.failed")
            self._metrics.outbox_unsent.set(0)
            self._metrics.outbox_age.set(0)
            await asyncio.sleep(1.0)

    async def _lead(self, connection: asyncpg.Connection[Any]) -> None:
        """Send the rows that are there and those that come, until the connection, and so the lock, is lost."""
        log.info("relay.leading")
        await connection.execute(SESSION_TIMEOUTS)
        await connection.add_listener(names.CHANNEL, self._wake)
        self._checked = False
        backoff = Backoff(0.1, 5.0)
        pruned, measured = 0.0, 0.0
        while True:
            # Cleared first, so that a commit from here on wakes the relay again.
            self._woken.clear()
            self._back.clear()
            try:
                if not self._bus.up:
                    raise _NotSent("NATS is away")
                if not self._checked:
                    await self._fill_again(connection)
                more = await self._send_batch(connection)
                backoff.reset()
            except _NotSent as error:
                log.warning("relay.retry", reason=str(error), pause=backoff.pause)
                self._metrics.outbox_retries.inc()
                self._checked = False
                await self._measure(connection)
                await _wait(self._back, backoff.next())
                continue
            if more:
                continue
            if time.monotonic() - measured > 1.0:
                measured = time.monotonic()
                await self._measure(connection)
                await self._wake_overdue(connection)
            if time.monotonic() - pruned > min(PRUNE_EVERY, self._keep):
                pruned = time.monotonic()
                # A stream may be created again without a reconnect.
                self._checked = False
                await connection.execute(PRUNE_OUTBOX, self._keep, PRUNE_ROWS)
                await connection.execute(PRUNE_INBOX, self._inbox_keep, PRUNE_ROWS)
            await _wait(self._woken, IDLE)

    def _wake(self, *_: object) -> None:
        self._woken.set()

    async def _send_batch(self, connection: asyncpg.Connection[Any]) -> bool:
        """Send the oldest rows and mark those that were acknowledged; returns whether there may be more.

        Raises _NotSent when a row was not acknowledged, after marking the others.
        """
        async with connection.transaction():
            rows = await connection.fetch(TAKE, BATCH)
            if not rows:
                return False
            failpoint.crash("kill.taken")
            sent, error = await self._send(rows)
            failpoint.crash("kill.published")
            if sent:
                await connection.execute(MARK, sent)
        failpoint.crash("kill.marked")
        if error is not None:
            raise _NotSent(repr(error)) from error
        return len(rows) == BATCH

    async def _send(self, rows: Sequence[asyncpg.Record]) -> tuple[list[int], BaseException | None]:
        """Returns the rows that were acknowledged, and the error of one that was not.

        Rows of one destination are sent one after the other, and none after one that failed. Destinations run in
        parallel.
        """
        chains: dict[tuple[str, str], list[asyncpg.Record]] = {}
        for row in rows:
            chains.setdefault((row["kind"], row["destination"]), []).append(row)
        sent: list[int] = []

        async def follow(chain: Sequence[asyncpg.Record]) -> None:
            for row in chain:
                await self._send_row(row)
                sent.append(row["seq"])
                self._metrics.outbox_sent.labels(row["kind"]).inc()

        results = await asyncio.gather(*map(follow, chains.values()), return_exceptions=True)
        errors = [result for result in results if result is not None]
        for error in errors:
            if not isinstance(error, Unavailable):
                log.error("relay.row_failed", exc_info=error)
        return sent, errors[0] if errors else None

    async def _send_row(self, row: asyncpg.Record) -> None:
        kind, destination, id, body = row["kind"], row["destination"], str(row["id"]), row["body"].encode()
        if kind == "push":
            await self._send_push(room_name(destination), body, id)
        elif kind == "event":
            headers = {names.MESSAGE_ID: id, names.ID: id, names.AT: row["created_at"].isoformat()}
            await publish(self._bus, names.event(destination), body, headers)
        elif (timer := msgspec.json.decode(body, type=Wake | None)) is None:
            await self._cancel(destination)
        else:
            due = timer.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            headers = {
                names.MESSAGE_ID: id,
                names.SCHEDULE: f"@at {due}",
                names.SCHEDULE_TARGET: names.due(destination.rpartition(".")[0]),
            }
            await publish(self._bus, names.scheduled(destination), body, headers)

    async def _cancel(self, destination: str) -> None:
        if not self._bus.up:
            raise Unavailable("NATS is away")
        try:
            await self._bus.jetstream.purge_stream(names.TIMERS, subject=names.scheduled(destination))
        except (NatsError, JetStreamError, TimeoutError, OSError) as error:
            raise Unavailable(f"JetStream did not cancel: {error!r}") from error

    async def _fill_again(self, connection: asyncpg.Connection[Any]) -> None:
        """Fill streams that were created again: with the events still in the outbox, and with every timer."""
        try:
            epochs = await self._streams.ensure()
        except Unavailable as error:
            raise _NotSent(error.message) from error
        known = {row["name"]: row["epoch"] for row in await connection.fetch(EPOCHS)}
        changed = [name for name, epoch in epochs.items() if known.get(name) != epoch]
        async with connection.transaction():
            if names.EVENTS in changed:
                await connection.execute(EVENTS_AGAIN, timeout=FILL_TIMEOUT)
            if names.TIMERS in changed:
                await _schedule_again(connection, await connection.fetch(TIMERS, timeout=FILL_TIMEOUT))
            for name in changed:
                await connection.execute(REMEMBER, name, epochs[name])
        if changed:
            log.info("relay.streams_filled", streams=changed)
        self._checked = True

    async def _wake_overdue(self, connection: asyncpg.Connection[Any]) -> None:
        """Schedule timers again that should have fired: NATS may have lost some in a power failure."""
        async with connection.transaction():
            timers = await connection.fetch(OVERDUE, LATE, BATCH)
            await _schedule_again(connection, timers)
        if timers:
            log.warning("relay.timers_overdue", count=len(timers))

    async def _measure(self, connection: asyncpg.Connection[Any]) -> None:
        row = await connection.fetchrow(OLDEST)
        self._metrics.outbox_unsent.set(row["unsent"])
        self._metrics.outbox_age.set(max(0.0, row["age"]))


async def _schedule_again(connection: asyncpg.Connection[Any], timers: Sequence[asyncpg.Record]) -> None:
    again = [(f"{row['name']}.{row['key']}", wake(str(row["id"]), row["at"]).decode()) for row in timers]
    await connection.executemany(TIMER_AGAIN, again, timeout=FILL_TIMEOUT)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, and not longer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class _NotSent(Exception):
    """A row could not be published; it stays in the outbox."""

"""Rate limits that all gateways share: token buckets in memory, and reports of used tokens over NATS.

Each gateway decides by its own buckets and reports its use to the others a moment later, so no request waits. A limit
may be exceeded by what the other gateways admit within one interval; the buckets then stay empty for longer. While
NATS is away each gateway limits by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import Final

import msgspec
from cachetools import LRUCache
from nats.aio.msg import Msg

from gateway.bus.connection import NatsBus
from gateway.errors import Unavailable
from gateway.protocol.bucket import Bucket

SUBJECT: Final = "gateway.rates.used"
# Well under the largest message that NATS accepts.
REPORT_SIZE: Final = 5_000


class UsedTokens(msgspec.Struct, frozen=True, array_like=True):
    """Tokens taken from a bucket, with its rate and burst for a gateway that does not have the bucket yet."""

    key: str
    tokens: int
    rate: float
    burst: int


class UsageReport(msgspec.Struct, frozen=True, array_like=True):
    node: str
    uses: list[UsedTokens]


class RateDecision(msgspec.Struct, frozen=True):
    """The decision on one request. `wait` is 0.0 when it may pass, else the seconds until the next one may.

    `left` is the number of requests that may follow at once, `reset` the seconds until the whole burst may.
    """

    wait: float
    left: int
    reset: float
    rate: float
    burst: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of draft-ietf-httpapi-ratelimit-headers, in the form that Litestar and most servers use."""
        window = max(1, round(self.burst / self.rate))
        return [
            (b"ratelimit-limit", b"%d" % self.burst),
            (b"ratelimit-remaining", b"%d" % self.left),
            (b"ratelimit-reset", b"%d" % -(-self.reset // 1)),
            (b"ratelimit-policy", b"%d;w=%d" % (self.burst, window)),
        ]


class Rates:
    """The limits of the cluster, as this node knows them."""

    def __init__(self, bus: NatsBus, *, interval: float, entries: int) -> None:
        self._bus = bus
        self._interval = interval
        self._node = uuid.uuid4().hex
        # Drops the least recently used bucket, which is most likely full again; a full bucket equals an absent one.
        self._buckets: LRUCache[str, Bucket] = LRUCache(entries)
        self._used: dict[str, int] = {}
        self._reporting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._bus.subscribe(SUBJECT, self._on_report)

    def stop(self) -> None:
        if self._reporting is not None:
            self._reporting.cancel()

    def take(self, key: str, rate: float, burst: int) -> RateDecision:
        """Count one request under a key that allows `rate` requests a second and `burst` at once."""
        now = time.monotonic()
        bucket = self._bucket(key, rate, burst)
        wait = bucket.take(now)
        level = bucket.level(now)
        if wait == 0.0:
            self._used[key] = self._used.get(key, 0) + 1
            if self._reporting is None:
                self._reporting = asyncio.get_running_loop().call_later(self._interval, self._report)
        return RateDecision(wait, max(0, int(level)), (burst - level) / rate, rate, burst)

    def _bucket(self, key: str, rate: float, burst: int) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(rate, burst)
        return bucket

    def _report(self) -> None:
        self._reporting = None
        used, self._used = self._used, {}
        uses = [
            UsedTokens(key, tokens, bucket.rate, int(bucket.burst))
            for key, tokens in used.items()
            if (bucket := self._buckets.get(key)) is not None
        ]
        task = asyncio.get_running_loop().create_task(self._publish(uses))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, uses: list[UsedTokens]) -> None:
        with contextlib.suppress(Unavailable):
            for start in range(0, len(uses), REPORT_SIZE):
                report = UsageReport(self._node, uses[start : start + REPORT_SIZE])
                await self._bus.publish(SUBJECT, msgspec.msgpack.encode(report))

    async def _on_report(self, message: Msg) -> None:
        report = msgspec.msgpack.decode(message.data, type=UsageReport)
        if report.node == self._node:
            return
        now = time.monotonic()
        for use in report.uses:
            self._bucket(use.key, use.rate, use.burst).spend(now, use.tokens)

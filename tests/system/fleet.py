"""Many viewers in one room, and the comparison of what they saw with what the log holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import nats

from gateway.principal import Role
from tests.system.cluster import Cluster
from tests.system.streamviewer import StreamViewer
from tests.system.viewer import Ledger, Viewer

STREAMED_EVERY = 4


@dataclass(frozen=True)
class Result:
    """The figures of one run."""

    sent: int
    stored: int
    erased: int
    received: int
    duplicates: int
    reconnects: int
    streams: int
    recovered: int
    reloaded: int
    lost: int
    errors: dict[str, int]

    def __str__(self) -> str:
        return (
            f"{self.sent} acknowledged, {self.lost} lost; {self.stored} in the log, {self.erased} erased; "
            f"{self.received} received in all; {self.duplicates} repeats answered as duplicates; "
            f"{self.reconnects} reconnects, {self.streams} visits by event stream, "
            f"{self.recovered} joins recovered, {self.reloaded} reloaded; "
            f"errors {self.errors or 'none'}"
        )


async def run(
    cluster: Cluster, *, viewers: int, seconds: float, seed: int, fault: Callable[[], Awaitable[None]] | None = None
) -> Result:
    """Random traffic for some seconds with a fault in its middle; asserts every promise of the protocol."""
    room = await cluster.create_session("host-0")
    ledger, fleet = assemble(cluster, room, viewers, seed, streams=True)
    tasks = [asyncio.create_task(viewer.run()) for viewer in fleet]
    await asyncio.sleep(seconds / 3)
    if fault is not None:
        await fault()
    await asyncio.sleep(seconds * 2 / 3)
    return await judge(cluster, room, ledger, fleet, tasks)


def assemble(
    cluster: Cluster,
    room: str,
    viewers: int,
    seed: int,
    stay: tuple[float, float] = (1.0, 6.0),
    *,
    streams: bool = False,
) -> tuple[Ledger, list[Viewer]]:
    """Viewers of one room, the first two of them its hosts; `stay` is how long one keeps a connection, in seconds.

    With `streams` one of four is mostly without a WebSocket, and changes from one transport to the other.
    """
    ledger = Ledger()
    fleet: list[Viewer] = []
    for number in range(viewers):
        host = number < 2
        id = f"host-{number}" if host else f"viewer-{number}"
        token = cluster.issuer.token(id, name=id, role=Role.ADMIN if host else Role.STUDENT, ttl=3600)
        kind = StreamViewer if streams and number % STREAMED_EVERY == STREAMED_EVERY - 1 else Viewer
        fleet.append(kind(id, token, cluster.urls, room, ledger, seed * 1000 + number, host, stay))
    return ledger, fleet


async def judge(
    cluster: Cluster, room: str, ledger: Ledger, fleet: list[Viewer], tasks: list[asyncio.Task[None]]
) -> Result:
    """End the traffic of the running viewers, and compare."""
    for viewer in fleet:
        viewer.stopping.set()
    async with asyncio.timeout(150):
        await asyncio.gather(*tasks)
        await asyncio.gather(*(viewer.catch_up() for viewer in fleet))
    log = await read_log(cluster, room)
    check(fleet, ledger, log)
    await check_archive(cluster, room, set(log))
    lost = [nonce for nonce, seq in ledger.acked.items() if seq not in log and seq not in ledger.deleted]
    joins = [viewer for viewer in fleet for _ in viewer.replies]
    reloaded = sum(len(viewer.segments) for viewer in fleet)
    return Result(
        sent=len(ledger.acked),
        stored=len(log),
        erased=len(ledger.deleted),
        received=sum(len(segment.seen) for viewer in fleet for segment in viewer.segments),
        duplicates=ledger.duplicates,
        reconnects=sum(viewer.reconnects for viewer in fleet),
        streams=sum(viewer.streams for viewer in fleet),
        recovered=len(joins) - reloaded,
        reloaded=reloaded - len(fleet),
        lost=len(lost),
        errors=ledger.errors,
    )


async def read_log(cluster: Cluster, room: str) -> dict[int, dict[str, Any]]:
    """Every message of the room that the stream holds, by sequence, read with a consumer of our own."""
    kind, _, id = room.partition(":")
    client = await nats.connect(servers=list(cluster.nats.urls))
    try:
        subscription = await client.jetstream().subscribe(f"rooms.in.{kind}.{id}", ordered_consumer=True)
        log: dict[int, dict[str, Any]] = {}
        while True:
            try:
                message = await subscription.next_msg(timeout=1.5)
            except TimeoutError:
                return log
            log[message.metadata.sequence.stream] = json.loads(message.data)
    finally:
        await client.close()


def check(fleet: list[Viewer], ledger: Ledger, log: dict[int, dict[str, Any]]) -> None:
    assert not ledger.faults, ledger.faults[:10]
    tombstones = {push["data"]["seq"]: seq for seq, push in log.items() if push["push"] == "chat.deleted"}
    nonces = [push.get("nonce") for push in log.values()]
    assert len(nonces) == len(set(nonces)), "a nonce is stored twice"
    for nonce, seq in ledger.acked.items():
        assert seq in log or seq in tombstones, f"{nonce}, acknowledged as {seq}, is lost"
        if seq in log:
            assert log[seq]["nonce"] == nonce
    assert set(tombstones).isdisjoint(log), "a deleted message is still in the stream"
    for viewer in fleet:
        assert viewer.segments, f"{viewer.name} never got in"
        for segment in viewer.segments:
            seen = [push["seq"] for push in segment.seen]
            assert seen == sorted(set(seen)), f"{viewer.name} saw a message twice or out of order"
            due = {seq for seq in log if segment.start < seq <= segment.end}
            assert due <= set(seen), f"{viewer.name} missed {sorted(due - set(seen))[:10]}"
            assert set(seen) - due <= set(tombstones), f"{viewer.name} saw {sorted(set(seen) - due)[:10]} of nowhere"
            for push in segment.seen:
                stored = log.get(push["seq"])
                assert stored is None or stored["data"] == push["data"]
        for reply in viewer.replies:
            for push in reply.messages:
                grave = tombstones.get(push["seq"])
                assert grave is None or grave > reply.seq, f"{viewer.name} was shown {push['seq']}, erased by {grave}"


async def check_archive(cluster: Cluster, room: str, expected: set[int]) -> None:
    """The archive catches up to the last message and holds what the log holds."""
    for _ in range(100):
        archived = set(await cluster.archived(room))
        if archived == expected:
            return
        await asyncio.sleep(0.2)
    missing, extra = expected - archived, archived - expected
    raise AssertionError(f"the archive lacks {sorted(missing)[:10]} and has {sorted(extra)[:10]} too many")

"""A part of a snapshot that fails by mistake is left out and named; the other parts are not affected."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import msgspec
import pytest
from structlog.testing import capture_logs

from devstack.nats import NatsCluster
from gateway.contract import Context, SnapshotPart
from gateway.errors import Unavailable
from gateway.principal import Principal, Role
from gateway.realtime.snapshots import Snapshots
from tests.realtime.node import Node, node


class Board(msgspec.Struct):
    title: str


@pytest.fixture
async def here(servers: NatsCluster) -> AsyncIterator[Node]:
    async with node(servers.urls) as running:
        yield running


def context(here: Node, room: str) -> Context:
    ada = Principal(id="ada", name="Ada", role=Role.STUDENT, expires_at=2**50)
    _, _, id = room.partition(":")
    return Context(
        principal=ada,
        room=room,
        room_id=id,
        role="member",
        roles=("member",),
        nonce=None,
        message_id=uuid.uuid4().hex,
        rooms=here.rooms,
    )


async def whole(context: Context) -> Board:
    return Board("whole")


async def broken(context: Context) -> Board:
    return {}["title"]  # type: ignore[no-any-return, call-overload]


async def unavailable(context: Context) -> Board:
    raise Unavailable("PostgreSQL is away")


def snapshots(here: Node, *parts: SnapshotPart) -> Snapshots:
    return Snapshots(here.hub, here.log, {"test": parts}, here.metrics, interval=0.1)


def failures(here: Node, part: str) -> float:
    return here.metrics.snapshot_part_failures.labels(part)._value.get()


@pytest.mark.parametrize("shared", [False, True])
async def test_a_part_that_fails_by_mistake_is_left_out(here: Node, shared: bool) -> None:
    room = f"test:{uuid.uuid4().hex}"
    reads = snapshots(
        here,
        SnapshotPart(name="test.first", rooms=("test",), read=whole, shared=shared),
        SnapshotPart(name="test.broken", rooms=("test",), read=broken, shared=shared),
        SnapshotPart(name="test.own", rooms=("test",), read=whole),
        SnapshotPart(name="test.all", rooms=("test",), read=whole, shared=True),
    )
    with capture_logs() as logs:
        found = await reads.read(context(here, room))
    assert found.failed == ["test.broken"]
    assert list(found.parts) == ["test.first", "test.own", "test.all"]
    assert found.parts["test.all"] == {"title": "whole"}
    assert failures(here, "test.broken") == 1
    assert failures(here, "test.first") == 0
    (line,) = [line for line in logs if line["event"] == "snapshot.part_failed"]
    assert (line["part"], line["room"], line["exc_info"]) == ("test.broken", room, True)
    await reads.stop()


async def test_who_shares_a_read_is_told_of_the_same_failure(here: Node) -> None:
    room = f"test:{uuid.uuid4().hex}"
    reads = snapshots(here, SnapshotPart(name="test.broken", rooms=("test",), read=broken, shared=True))
    found = await asyncio.gather(*(reads.read(context(here, room)) for _ in range(5)))
    assert [one.failed for one in found] == [["test.broken"]] * 5
    assert failures(here, "test.broken") == 1
    await reads.stop()


@pytest.mark.parametrize("shared", [False, True])
async def test_an_error_that_is_meant_for_the_caller_is_the_answer(here: Node, shared: bool) -> None:
    room = f"test:{uuid.uuid4().hex}"
    reads = snapshots(
        here,
        SnapshotPart(name="test.whole", rooms=("test",), read=whole),
        SnapshotPart(name="test.away", rooms=("test",), read=unavailable, shared=shared),
    )
    with pytest.raises(Unavailable):
        await reads.read(context(here, room))
    await reads.stop()


async def test_a_snapshot_without_failures_does_not_speak_of_them(here: Node) -> None:
    room = f"test:{uuid.uuid4().hex}"
    reads = snapshots(here, SnapshotPart(name="test.whole", rooms=("test",), read=whole))
    found = await reads.read(context(here, room))
    assert set(msgspec.to_builtins(found)) == {"room", "epoch", "seq", "parts"}
    await reads.stop()


async def test_a_part_is_given_a_shared_one(here: Node) -> None:
    """It need not ask for what that shows to be empty, and completes the part of its own name."""
    asked: list[Board | None] = []

    async def mine(context: Context, value: Board | None) -> Board:
        asked.append(value)
        return Board("mine" if value is None else f"{value.title}, mine")

    room = f"test:{uuid.uuid4().hex}"
    reads = snapshots(
        here,
        SnapshotPart(name="test.board", rooms=("test",), read=whole, shared=True),
        SnapshotPart(name="test.board", rooms=("test",), read=mine, given="test.board"),
        SnapshotPart(name="test.broken", rooms=("test",), read=broken, shared=True),
        SnapshotPart(name="test.own", rooms=("test",), read=mine, given="test.broken"),
    )
    found = await reads.read(context(here, room))
    assert found.parts == {"test.board": {"title": "whole, mine"}, "test.own": {"title": "mine"}}
    assert (found.failed, asked) == (["test.broken"], [Board("whole"), None])
    await reads.stop()


async def test_a_part_whose_completion_fails_is_left_out(here: Node) -> None:
    async def mine(context: Context, value: Board | None) -> Board:
        raise KeyError("mine")

    room = f"test:{uuid.uuid4().hex}"
    reads = snapshots(
        here,
        SnapshotPart(name="test.board", rooms=("test",), read=whole, shared=True),
        SnapshotPart(name="test.board", rooms=("test",), read=mine, given="test.board"),
    )
    found = await reads.read(context(here, room))
    assert (found.parts, found.failed) == ({}, ["test.board"])
    await reads.stop()

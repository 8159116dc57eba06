"""The archive holds the log's messages in their order, without erased ones, and history continues into it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from devstack.guard import Guard
from devstack.nats import NatsCluster
from devstack.postgres import Postgres
from gateway import clock, failpoint
from gateway.bus import log_record
from gateway.contract import ArchiveSlice, Sweep
from gateway.db.archive_follower import FollowedArchive
from gateway.db.migrate import migrate
from gateway.protocol.names import room_name
from gateway.realtime.archive import Archiver
from ksmp_testkit import eventually
from tests.realtime.node import SWEPT, Node, Text, node


@pytest.fixture(scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with Guard() as guard, Postgres(tmp_path_factory.mktemp("postgres"), guard=guard) as postgres:
        await migrate(postgres.url, [])
        yield postgres.url


@pytest.fixture
async def here(servers: NatsCluster, database: str) -> AsyncIterator[Node]:
    async with node(servers.urls, database, archived=["test"]) as running:
        yield running


@pytest.fixture
async def archiver(here: Node) -> AsyncIterator[Archiver]:
    running = Archiver("test", here.archive, here.log, here.metrics, pause=0.05)
    yield running
    await running.stop()


@pytest.fixture
def room() -> str:
    return f"test:{uuid.uuid4().hex}"


async def seqs(where: Node, room: str) -> list[int]:
    return [push.seq for push in await where.archive.before(room, 2**53 - 1, 10_000, None)]


async def until_archived(where: Node, seq: int) -> None:
    for _ in range(200):
        if await where.archive.last() >= seq:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never archived: {seq}")


async def test_what_a_dead_node_did_not_erase_the_archiver_erases(here: Node, archiver: Archiver, room: str) -> None:
    first = await here.say(room, "a")
    failpoint.set("erase.skip", lambda _: True)
    gone = await here.unsay(room, first)
    assert await here.log.get(room_name(room), first) is not None
    archiver.start()
    await until_archived(here, gone)
    assert await here.log.get(room_name(room), first) is None
    assert await seqs(here, room) == [gone]


async def test_a_target_that_was_archived_before_its_tombstone_goes(here: Node, archiver: Archiver, room: str) -> None:
    archiver.start()
    first = await here.say(room, "a")
    last = await here.say(room, "b")
    await until_archived(here, last)
    assert await seqs(here, room) == [first, last]
    gone = await here.unsay(room, first)
    await until_archived(here, gone)
    assert await seqs(here, room) == [last, gone]


async def test_a_batch_stored_again_changes_nothing(here: Node, room: str) -> None:
    last = await here.say(room, "a", "b", "c")
    pushes, _ = await here.log.read(room_name(room), 1)
    async with here.archive.writer("test") as writer:
        await writer.store(pushes, last)
        await writer.store(pushes, last)
        assert await writer.position() == last
    assert [push.seq for push in await here.archive.before(room, 2**53 - 1, 100, None)] == [p.seq for p in pushes]
    assert await here.archive.before(room, 2**53 - 1, 100, None) == pushes


async def test_one_node_writes_at_a_time(servers: NatsCluster, database: str, here: Node) -> None:
    async with node(servers.urls, database, archived=["test"]) as other:

        async def follow() -> int:
            async with other.archive.writer("test") as writer:
                return await writer.position()

        async with here.archive.writer("test"):
            waiting = asyncio.create_task(follow())
            await asyncio.sleep(1.5)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 5)


async def test_a_follower_has_all_of_its_kind_over_a_new_stream_too(
    servers: NatsCluster, database: str, here: Node, archiver: Archiver, room: str
) -> None:
    archive = FollowedArchive(here.database)
    async with archive.follow("one") as follower:
        await follower.wait(0.0)
        archiver.start()
        first = await here.say(room, "a", "b", "c")
        # It is woken long before this.
        while (await archive.positions()).get("test", 0) < first:
            await follower.wait(60.0)
        part = await archive.after("test", first - 3, 2)
        assert [push.seq for push in part.pushes if push.room == room] == [first - 2, first - 1]
        assert part.until == first - 1
        await until_archived(here, await here.unsay(room, first - 1))
        await here.bus.jetstream._jsm.delete_stream(log_record.STREAM)
        async with node(servers.urls, database, archived=["test"]) as other:
            again = await other.say(room, "d")
            assert again > first
            renewed = Archiver("test", other.archive, other.log, other.metrics, pause=0.05)
            await archiver.stop()
            renewed.start()
            while (await archive.positions())["test"] < again:
                await follower.wait(60.0)
            await renewed.stop()
        part = await archive.after("test", first - 3, 100)
        texts = [push.data for push in part.pushes if push.push == "test.said"]
        # What was erased is gone, and what the new stream has comes after it.
        assert (len(texts), part.until) == (3, again)
        assert [*await archive.found([first, again, first - 1])] == [first, again]
        # Another kind has nothing, and is at no position of this one.
        assert await archive.after("other", 0, 10) == ArchiveSlice([], 0)


async def test_one_node_follows_at_a_time(servers: NatsCluster, database: str, here: Node) -> None:
    archive = FollowedArchive(here.database)

    async def follow(name: str) -> None:
        async with archive.follow(name):
            pass

    async with archive.follow("two"):
        waiting = asyncio.create_task(follow("two"))
        # Another name is another place.
        await asyncio.wait_for(follow("three"), 30)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 30)


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
async def test_history_is_one_sequence_over_memory_stream_and_archive(
    servers: NatsCluster, database: str, here: Node, archiver: Archiver, room: str, limit: int
) -> None:
    archiver.start()
    await here.say(room, *(f"old {number}" for number in range(10)))
    middle = await here.say(room, *(f"mid {number}" for number in range(10)))
    await until_archived(here, middle)
    kept, _ = await here.log.read(room_name(room), 1)
    # The stream no longer holds the first ten, and the node's tail holds only the last ten.
    await here.bus.jetstream._jsm.purge_stream(log_record.STREAM, seq=kept[10].seq)
    async with node(servers.urls, database, archived=["test"], recovery_messages=10) as other:
        viewer = await other.viewer(room)
        await here.say(room, *(f"new {number}" for number in range(10)))
        await eventually(lambda: len(viewer.pushes) == 10, "the live ones")
        served = viewer.member.rooms[room].room
        assert served.tail.start >= middle - 1
        found: list[str] = []
        before, more = 2**53 - 1, True
        while more:
            page, more = await other.history.page(served, before, limit)
            assert len(page) <= limit
            found = [bytes(push.data).decode() for push in page] + found
            before = page[0].seq
        names = [f"{part} {number}" for part in ("old", "mid", "new") for number in range(10)]
        assert found == [f'{{"text":"{name}"}}' for name in names]


async def test_history_of_some_types_alone(here: Node, archiver: Archiver, room: str) -> None:
    archiver.start()
    first = await here.say(room, "a")
    await here.say(room, "b")
    gone = await here.unsay(room, first)
    await until_archived(here, gone)
    viewer = await here.viewer(room)
    page, more = await here.history.page(viewer.member.rooms[room].room, 2**53 - 1, 10, ["test.gone"])
    assert ([push.seq for push in page], more) == ([gone], False)


async def test_a_join_is_shown_what_only_the_archive_has(
    servers: NatsCluster, database: str, here: Node, archiver: Archiver, room: str
) -> None:
    archiver.start()
    last = await here.say(room, "a", "b", "c")
    await until_archived(here, last)
    await here.bus.jetstream._jsm.purge_stream(log_record.STREAM, seq=last + 1)
    async with node(servers.urls, database, archived=["test"]) as other:
        viewer = await other.viewer(room, history=2)
        assert viewer.texts == ["b", "c"]
        assert viewer.result is not None
        assert viewer.result.seq >= last


async def test_a_new_stream_begins_above_the_archive(
    servers: NatsCluster, database: str, here: Node, archiver: Archiver, room: str
) -> None:
    archiver.start()
    last = await here.say(room, "a")
    await until_archived(here, last)
    await here.bus.jetstream._jsm.delete_stream(log_record.STREAM)
    async with node(servers.urls, database, archived=["test"]) as other:
        seq = await other.say(room, "b")
        assert seq > last
        viewer = await other.viewer(room, history=10)
        assert viewer.texts == ["a", "b"]


async def test_the_latest_version_is_found_wherever_it_is(
    servers: NatsCluster, database: str, here: Node, archiver: Archiver, room: str
) -> None:
    async def text(where: Node, seq: int) -> str | None:
        found = await where.rooms.read(room, seq)
        return None if found is None else bytes(found.data).decode()

    async with node(servers.urls, database, archived=["test"]) as elsewhere:
        await here.viewer(room)
        first = await here.say(room, "a")
        other = await here.say(room, "other")
        await here.resay(room, first, "b")
        second = await here.resay(room, first, "c")
        # First from memory, then on a node without the room, before the archive has it.
        assert await text(here, first) == '{"text":"c"}'
        await elsewhere.viewer(room)
        assert await text(elsewhere, first) == '{"text":"c"}'
        archiver.start()
        await until_archived(here, second)
        assert await seqs(here, room) == [other, second]
        # Only the archive has it now.
        await here.bus.jetstream._jsm.purge_stream(log_record.STREAM, seq=second + 1)
        async with node(servers.urls, database, archived=["test"]) as later:
            await later.viewer(room)
            assert await text(later, first) == '{"text":"c"}'
            assert await text(later, other) == '{"text":"other"}'
        gone = await here.unsay(room, first)
        assert await text(here, first) is None
        await until_archived(here, gone)
        assert await seqs(here, room) == [other, gone]


async def test_what_is_swept_is_erased_from_stream_and_archive_in_the_background(
    servers: NatsCluster, database: str, here: Node, archiver: Archiver, room: str
) -> None:
    await here.viewer(room)
    archiver.start()
    archived = await here.say(room, *(f"{number}" for number in range(40)))
    await until_archived(here, archived)
    failpoint.set("archive.pause", lambda _: True)
    recent = await here.say(room, "not archived yet")
    swept = (await here.rooms.publish(room, SWEPT, Text(""), sweeps=Sweep(("test.said",)))).seq
    # They are hidden from everybody as soon as the sweep is stored.
    assert [push.seq for push in await here.rooms.recent(room, 100, ["test.said", "test.swept"])] == [swept]
    last = await here.say(room, "after")
    failpoint.clear()
    await until_archived(here, last)
    assert await seqs(here, room) == [swept, last]
    left, _ = await here.log.read(room_name(room), 1)
    assert [push.seq for push in left] == [swept, last]
    assert await here.rooms.read(room, recent) is None


async def test_a_room_without_an_archive_cannot_be_swept(here: Node) -> None:
    with pytest.raises(ValueError, match="no archive"):
        await here.rooms.publish("other:1", SWEPT, Text(""), sweeps=Sweep(("test.said",)))


async def test_messages_that_were_not_erased_are_counted(here: Node, archiver: Archiver, room: str) -> None:
    archiver.start()
    begun = clock.now()
    first = await here.say(room, "a", "b")
    kept = await here.say(room, "c")
    # A later version counts for the message that it replaces; a tombstone is no message.
    await here.resay(room, kept, "c, but better")
    gone = await here.unsay(room, first)
    await until_archived(here, gone)
    ended = clock.now() + timedelta(seconds=1)
    assert await here.rooms.count_messages(room, begun - timedelta(seconds=1), ended) == 2
    assert await here.rooms.count_messages(room, ended, ended + timedelta(hours=1)) == 0
    counts = await here.rooms.messages_by_author(room, begun - timedelta(seconds=1), ended, timedelta(minutes=15))
    assert sum(one.count for one in counts) == 2
    assert all(one.at.timestamp() % 900 == 0 and one.at <= ended for one in counts)
    # The pushes of these tests are nobody's.
    assert {one.author_id for one in counts} == {None}
    assert await here.rooms.count_messages(f"{room}x", begun, ended) == 0
    with pytest.raises(ValueError, match="not archived"):
        await here.rooms.count_messages("user:1", begun, ended)

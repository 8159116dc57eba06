"""Every rule that makes the room log exact, tested with the fault that it guards against."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from devstack.nats import NatsCluster
from gateway import failpoint
from gateway.bus import log_record
from gateway.errors import CloseCode
from gateway.protocol.names import room_name
from ksmp_testkit import eventually
from tests.realtime.node import WAVED, Node, Text, node


@pytest.fixture
async def near(servers: NatsCluster) -> AsyncIterator[Node]:
    async with node(servers.urls) as running:
        yield running


@pytest.fixture
async def far(servers: NatsCluster) -> AsyncIterator[Node]:
    """Another node, on which the tests cause faults."""
    async with node(servers.urls) as running:
        yield running


@pytest.fixture
def room() -> str:
    return f"test:{uuid.uuid4().hex}"


def lose_for(target: Node, *texts: str) -> None:
    """Lose the republished messages with these texts on their way to one node."""

    def lost(message: object) -> bool:
        here = message._client is target.bus.client  # type: ignore[attr-defined]
        return here and any(f'"{text}"'.encode() in message.data for text in texts)  # type: ignore[attr-defined]

    failpoint.set("republish.drop", lost)


async def test_a_lost_message_is_found_by_the_next_one(near: Node, far: Node, room: str) -> None:
    viewer = await far.viewer(room)
    lose_for(far, "b", "c")
    await near.say(room, "a", "b", "c", "d")
    await eventually(lambda: viewer.texts == ["a", "b", "c", "d"], "all four in order")
    assert far.gaps == 1
    assert [push["prev"] for push in viewer.pushes[1:]] == [push["seq"] for push in viewer.pushes[:-1]]


async def test_a_message_that_comes_twice_is_served_once(near: Node, far: Node, room: str) -> None:
    viewer = await far.viewer(room)
    copies: list[object] = []
    failpoint.set("republish.drop", lambda message: bool(copies.append(message)))
    await near.say(room, "a", "b")
    await eventually(lambda: viewer.texts == ["a", "b"], "both")
    again = next(message for message in copies if b'"a"' in message.data)  # type: ignore[attr-defined]
    out = log_record.subject(log_record.OUT, room_name(room))
    await near.bus.client.publish(out, again.data, headers=again.headers)  # type: ignore[attr-defined]
    await near.say(room, "c")
    await eventually(lambda: viewer.texts[-1] == "c", "the last")
    assert viewer.texts == ["a", "b", "c"]


async def test_predecessors_that_erasing_moved_are_no_gap(near: Node, far: Node, room: str) -> None:
    viewer = await far.viewer(room)
    await near.say(room, "a")
    seq = await near.say(room, "b")
    await eventually(lambda: viewer.texts == ["a", "b"], "both")
    await near.log.erase(seq)
    await near.say(room, "c")
    await eventually(lambda: viewer.texts == ["a", "b", "c"], "the message after the erased one")
    assert far.gaps == 0
    assert viewer.pushes[-1]["prev"] == seq


async def test_every_push_names_the_one_before_it_in_its_own_room(near: Node, far: Node, room: str) -> None:
    first = await near.say(room, "a")
    live = await far.viewer(room)
    for text in ("b", "c", "d"):
        await near.say(f"test:{uuid.uuid4().hex}", "elsewhere")
        await near.say(room, text)
    await eventually(lambda: live.texts == ["b", "c", "d"], "all three")
    replayed = await far.viewer(room, since=far.position(first))
    assert replayed.result is not None
    expected = [first, *(push["seq"] for push in live.pushes[:-1])]
    assert [push["prev"] for push in live.pushes] == expected
    assert [push.prev for push in replayed.result.messages] == expected


async def test_a_lost_last_message_is_found_by_the_poke_of_a_retry(near: Node, far: Node, room: str) -> None:
    viewer = await far.viewer(room)
    lose_for(far, "a")
    lost = iter([True])
    failpoint.set("ack.lost", lambda _: next(lost, False))
    await near.say(room, "a")
    await eventually(lambda: viewer.texts == ["a"], "the message, by a poke alone")


async def test_a_lost_last_message_is_found_by_reading_heads(servers: NatsCluster, near: Node, room: str) -> None:
    async with node(servers.urls, head_interval=0.2) as far:
        viewer = await far.viewer(room)
        lose_for(far, "a")
        await near.say(room, "a")
        await eventually(lambda: viewer.texts == ["a"], "the message, by its head alone")


async def test_what_was_said_while_a_node_was_cut_off_is_found_on_reconnect(near: Node, far: Node, room: str) -> None:
    viewer = await far.viewer(room)
    far.bus.client._transport._io_writer.transport.abort()
    await eventually(lambda: not far.bus.up, "the cut")
    await near.say(room, "a", "b")
    await eventually(lambda: viewer.texts == ["a", "b"], "both, though nothing came after them")


async def test_a_stale_replica_is_asked_again_and_then_the_leader(near: Node, far: Node, room: str) -> None:
    viewer = await far.viewer(room)
    lose_for(far, "a", "b")
    stale: list[object] = []
    failpoint.set("direct.stale", lambda read: read[0] == room_name(room) and not stale.append(read))
    await near.say(room, "a", "b", "c")
    await eventually(lambda: viewer.texts == ["a", "b", "c"], "all, from the leader")
    assert len(stale) == 3


async def test_a_gap_whose_revealer_was_erased_closes(near: Node, far: Node, room: str) -> None:
    viewer = await far.viewer(room)
    lose_for(far, "a", "b")
    await near.say(room, "a")
    seq = await near.say(room, "b")
    await near.log.erase(seq)
    await far.hub._on_poke(_Poke(room, seq))
    await eventually(lambda: viewer.texts == ["a"], "what is left")
    opened = far.hub.room(room)
    assert opened is not None
    await eventually(lambda: not opened.behind, "no gap is left open")


async def test_an_ephemeral_push_reaches_every_node_and_has_no_place(near: Node, far: Node, room: str) -> None:
    here, there = await near.viewer(room), await far.viewer(room)
    await near.rooms.emit(room, WAVED, Text("hi"))
    await near.say(room, "a")
    for viewer in (here, there):
        await eventually(lambda: viewer.texts == ["a"], "the durable one")
        waved = [message for message in viewer.sink.messages if message["push"] == "test.waved"]
        assert [(message["data"], "seq" in message) for message in waved] == [({"text": "hi"}, False)]


async def test_an_empty_room_is_read_to_its_end(near: Node, room: str) -> None:
    assert await near.log.read(room_name(room), 1) == ([], False)
    assert await near.log.heads([room_name(room)]) == {}


async def test_what_is_said_while_a_node_opens_a_room_is_not_lost(near: Node, far: Node, room: str) -> None:
    await near.say(room, "a")
    failpoint.set("open.pause", None, delay=0.4)
    joining = asyncio.create_task(far.viewer(room, history=10))
    await asyncio.sleep(0.2)
    failpoint.clear()
    await near.say(room, "b")
    viewer = await joining
    await eventually(lambda: viewer.texts == ["a", "b"], "both, though nothing came after them")
    await near.say(room, "c")
    await eventually(lambda: viewer.texts == ["a", "b", "c"], "each once")


async def test_a_replay_and_the_pushes_after_it_meet(near: Node, far: Node, room: str) -> None:
    first = await near.say(room, "a")
    await near.say(room, "b")
    # A node that opens the room reads the duplicate window. Only older messages are not in its tail.
    opened = await far.viewer(room)
    served = far.hub.room(room)
    assert served is not None
    served.tail._pushes.clear()
    served.tail.start = served.position
    failpoint.set("join.pause", None, delay=0.4)
    joining = asyncio.create_task(far.viewer(room, since=far.position(first)))
    await asyncio.sleep(0.2)
    await near.say(room, "c", "d")
    viewer = await joining
    assert viewer.result is not None
    assert viewer.result.recovered is True
    await near.say(room, "e")
    await eventually(lambda: viewer.texts == ["b", "c", "d", "e"], "no gap and no repeat")
    assert opened.texts == ["c", "d", "e"]


async def test_joins_in_the_middle_of_traffic_miss_nothing(near: Node, far: Node, room: str) -> None:
    first = await near.say(room, "0")

    async def talk() -> None:
        for number in range(1, 301):
            await near.say(room, str(number))

    talking = asyncio.create_task(talk())
    viewers = []
    while not talking.done():
        viewers.append(await far.viewer(room, since=far.position(first)))
        await asyncio.sleep(0.01)
    expected = [str(number) for number in range(1, 301)]
    assert len(viewers) > 5
    for viewer in viewers:
        await eventually(lambda: len(viewer.texts) >= 300, "all of them")
        assert viewer.texts == expected


async def test_a_join_sees_what_was_acknowledged_elsewhere(near: Node, far: Node) -> None:
    for _ in range(20):
        fresh = f"test:{uuid.uuid4().hex}"
        seq = await near.say(fresh, "a")
        viewer = await far.viewer(fresh, history=1)
        assert viewer.result is not None
        assert viewer.result.seq == seq
        assert viewer.texts == ["a"]


async def test_rooms_that_open_together_ask_for_one_position(near: Node, far: Node) -> None:
    rooms = [f"test:{uuid.uuid4().hex}" for _ in range(100)]
    for room in rooms[::10]:
        await near.say(room, "before")
    before = far.bus.client.stats["out_msgs"]
    viewers = await asyncio.gather(*(far.viewer(room) for room in rooms))
    # Each room sends one question for presence. All rooms share two or three requests for their positions.
    assert far.bus.client.stats["out_msgs"] - before < len(rooms) + 10
    for room in rooms:
        await near.say(room, "after")
    await eventually(lambda: all(viewer.texts == ["after"] for viewer in viewers), "what came after they joined")


async def test_the_past_of_a_room_is_read_when_it_is_asked_for(near: Node, far: Node, room: str) -> None:
    first = await near.say(room, "a")
    await near.say(room, "b")
    await far.viewer(room)
    served = far.hub.room(room)
    assert served is not None
    assert not served.recent_loaded
    assert len(served.tail) == 0
    viewer = await far.viewer(room, since=far.position(first))
    assert served.recent_loaded
    assert viewer.texts == ["b"]


async def test_a_position_from_another_node_is_recovered_although_it_is_ahead(near: Node, far: Node, room: str) -> None:
    """A node that opened the room earlier has a lower position than one that opens it now."""
    early = await far.viewer(room)
    await near.say(f"test:{uuid.uuid4().hex}", "elsewhere", "elsewhere")
    late = await near.viewer(room)
    assert early.result is not None
    assert late.result is not None
    assert late.result.seq > early.result.seq
    back = await far.viewer(room, since=far.position(late.result.seq))
    assert back.result is not None
    assert back.result.recovered is True
    assert back.texts == []
    await near.say(room, "next")
    for viewer in (early, late, back):
        await eventually(lambda viewer=viewer: viewer.texts == ["next"], "the next message")


async def test_a_position_that_the_log_never_reached_is_not_recovered(near: Node, far: Node, room: str) -> None:
    last = await near.say(room, "a")
    viewer = await far.viewer(room, since=far.position(last + 1000))
    assert viewer.result is not None
    assert viewer.result.recovered is False


async def test_a_replay_that_expired_meanwhile_is_not_recovered(servers: NatsCluster, near: Node, room: str) -> None:
    async with node(servers.urls) as far:
        first = await near.say(room, "a")
        last = await near.say(room, "b", "c")
        await far.viewer(room)
        served = far.hub.room(room)
        assert served is not None
        served.tail._pushes.clear()
        served.tail.start = served.position
        served.recent_loaded = True
        failpoint.set("join.pause", None, delay=0.4)
        joining = asyncio.create_task(far.viewer(room, since=far.position(first)))
        await asyncio.sleep(0.2)
        await near.bus.jetstream._jsm.purge_stream(log_record.STREAM, seq=last)
        viewer = await joining
        assert viewer.result is not None
        assert viewer.result.recovered is False


async def test_what_was_erased_at_the_very_start_of_the_stream_is_not_missing(
    servers: NatsCluster, near: Node, room: str
) -> None:
    erased = await near.say(room, "a", "b") - 1
    await near.bus.jetstream._jsm.purge_stream(log_record.STREAM, seq=erased)
    for seq in (erased, erased + 1):
        gone = await near.unsay(room, seq)
    assert await near.log.first() == gone - 1
    # On nodes that have seen none of these messages.
    async with node(servers.urls) as far:
        viewer = await far.viewer(room, since=far.position(erased - 1))
        assert viewer.result is not None
        assert (viewer.result.recovered, viewer.result.seq) == (True, gone)
        assert [push.push for push in viewer.result.messages] == ["test.gone", "test.gone"]
    # A tombstone that has expired is named by no other tombstone.
    await near.bus.jetstream._jsm.purge_stream(log_record.STREAM, seq=gone)
    async with node(servers.urls) as far:
        viewer = await far.viewer(room, since=far.position(erased - 1))
        assert viewer.result is not None
        assert viewer.result.recovered is False


async def test_a_replay_over_the_cap_is_not_recovered(servers: NatsCluster, near: Node, room: str) -> None:
    async with node(servers.urls, recovery_messages=10) as far:
        first = await near.say(room, "0")
        await near.say(room, *(str(number) for number in range(1, 12)))
        viewer = await far.viewer(room, since=far.position(first))
        assert viewer.result is not None
        assert viewer.result.recovered is False
        assert viewer.texts == [str(number) for number in range(2, 12)]
        within = await far.viewer(room, since=far.position(first + 5))
        assert within.result is not None
        assert within.result.recovered is True


@pytest.mark.parametrize("ahead", [1, 1000])
async def test_a_position_from_the_future_is_not_recovered(near: Node, room: str, ahead: int) -> None:
    seq = await near.say(room, "a")
    viewer = await near.viewer(room, since=near.position(seq + ahead))
    assert viewer.result is not None
    assert viewer.result.recovered is False
    assert viewer.result.seq == seq


async def test_a_node_that_lags_behind_its_client_catches_up_first(near: Node, far: Node, room: str) -> None:
    await far.viewer(room)
    lose_for(far, "a")
    seq = await near.say(room, "a")
    viewer = await far.viewer(room, since=far.position(seq))
    assert viewer.result is not None
    assert (viewer.result.recovered, viewer.result.seq, viewer.texts) == (True, seq, [])


async def test_erased_messages_are_not_replayed_though_the_stream_still_has_them(
    near: Node, far: Node, room: str
) -> None:
    first = await near.say(room, "a")
    seq = await near.say(room, "b")
    await near.say(room, "c")
    failpoint.set("erase.skip", lambda _: True)
    await near.unsay(room, seq)
    assert await near.log.get(room_name(room), seq) is not None
    cold = await far.viewer(room, since=far.position(first - 1))
    warm = await near.viewer(room, since=near.position(first - 1))
    page, _ = await far.history.page(cold.member.rooms[room].room, 2**53 - 1, 10)
    assert cold.texts == warm.texts == ["a", "c"]
    assert [push.push for push in page] == ["test.said", "test.said", "test.gone"]
    assert await far.rooms.read(room, seq) is None
    for viewer in (cold, warm):
        assert viewer.result is not None
        position = first - 1
        for push in viewer.result.messages:
            assert push.prev == position
            position = push.seq or 0


async def test_an_erased_message_is_gone_from_the_stream(near: Node, room: str) -> None:
    seq = await near.say(room, "a")
    gone = await near.unsay(room, seq)
    left, _ = await near.log.read(room_name(room), 1)
    assert [push.seq for push in left] == [gone]


async def test_a_lost_stream_is_a_new_epoch(servers: NatsCluster, room: str) -> None:
    async with node(servers.urls, head_interval=0.2) as far:
        seq = await far.say(room, "a")
        viewer = await far.viewer(room)
        before = far.position(seq)
        await far.bus.jetstream._jsm.delete_stream(log_record.STREAM)
        await eventually(lambda: viewer.sink.closed == CloseCode.BUS_LOST, "clients are sent to reload")
        assert far.log.epoch != before.epoch
        again = await far.viewer(room, since=before)
        assert again.result is not None
        assert again.result.recovered is False
        await far.say(room, "b")
        await eventually(lambda: again.texts == ["b"], "life goes on")


class _Poke:
    def __init__(self, room: str, seq: int) -> None:
        self.subject = log_record.subject(log_record.POKE, room_name(room))
        self.data = str(seq).encode()

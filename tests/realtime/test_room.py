"""A room when deliveries from the log are lost, doubled and late: every member sees each push once, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.contract import StoredPush
from gateway.errors import CloseCode
from gateway.protocol.codec import CODECS, JSON, MSGPACK, Codec
from gateway.protocol.messages import Push
from gateway.realtime.dedup_window import DedupWindow
from gateway.realtime.fanout import Fanout
from gateway.realtime.frame_encoder import replay
from gateway.realtime.member import Member, Membership
from gateway.realtime.room import Room
from gateway.realtime.tail import Tail

from .pushes import ROOM, Recorder, member, stored, unreadable

MANY = 10**9


class Prompt(Fanout):
    """A fanout that writes at once, where an event loop would write at the end of its turn."""

    def __init__(self) -> None:
        self._turns: list[Callable[[], None]] = []
        super().__init__(self._turns.append, lambda batch: None)

    def durable(self, push: StoredPush, prev: int) -> None:
        super().durable(push, prev)
        self._run()

    def ephemeral(self, push: Push) -> None:
        super().ephemeral(push)
        self._run()

    def _run(self) -> None:
        while self._turns:
            self._turns.pop(0)()


def enter(here: Room, person: Member) -> None:
    here.fanout.enter(Membership(person, here, "viewer"))


def room(position: int = 0, *, count: int = MANY) -> Room:
    return Room(ROOM, position, Tail(position, max_count=count, max_bytes=MANY), DedupWindow(120_000), Prompt())


@dataclass
class Client:
    """A client's own view: its position, and the pushes that it was served since it joined."""

    codec: Codec
    sink: Recorder
    joined_at: int
    position: int
    served: list[int] = field(default_factory=list)

    def apply(self, message: dict[str, Any]) -> None:
        """The client's rules of the protocol; fails at a gap, a repeat, and a step back."""
        assert message["prev"] <= self.position, "a gap"
        assert message["seq"] > self.position, "a repeat"
        assert message["prev"] < message["seq"]
        self.position = message["seq"]
        self.served.append(message["seq"])

    def read(self) -> None:
        for message in self.sink.messages(self.codec):
            self.apply(message)


class RoomAndLog(RuleBasedStateMachine):
    """The log stores and erases. Its republished messages reach the room or are lost. Members come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.seq = 0
        self.log: dict[int, StoredPush] = {}
        self.ever: list[tuple[StoredPush, int]] = []
        self.on_the_way: list[tuple[StoredPush, int]] = []
        self.to_erase: list[int] = []
        self.filling: tuple[list[StoredPush], int] | None = None
        self.reaching: tuple[list[StoredPush], int, int] | None = None
        self.room = room(count=6)
        self.clients: dict[str, Client] = {}

    def between(self, after: int, until: int) -> list[StoredPush]:
        return [push for seq, push in sorted(self.log.items()) if after < seq <= until]

    @property
    def erasable(self) -> list[int]:
        """Tombstones are never erased: a node that missed one would show its target for ever."""
        return sorted(seq for seq, push in self.log.items() if not push.erases)

    # The log

    def store(self, push: StoredPush) -> None:
        prev = max(self.log, default=0)
        self.log[push.seq] = push
        self.ever.append((push, prev))
        self.on_the_way.append((push, prev))

    @rule(others=st.integers(0, 2))
    def store_a_message(self, others: int) -> None:
        # Other rooms take sequences of the same stream.
        self.seq += 1 + others
        self.store(stored(self.seq))

    @rule()
    def store_what_cannot_be_read(self) -> None:
        self.seq += 1
        self.store(unreadable(self.seq))

    @precondition(lambda self: self.erasable)
    @rule(data=st.data())
    def store_a_tombstone(self, data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(self.erasable))
        self.seq += 1
        self.store(stored(self.seq, erases=[self.log[target]]))
        self.to_erase.append(target)

    @precondition(lambda self: self.to_erase)
    @rule()
    def erase(self) -> None:
        self.log.pop(self.to_erase.pop(0), None)

    # What reaches the room

    @precondition(lambda self: self.on_the_way)
    @rule(count=st.integers(1, 3))
    def deliver(self, count: int) -> None:
        for push, prev in self.on_the_way[:count]:
            self.room.offer(push, prev)
        del self.on_the_way[:count]

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        del self.on_the_way[data.draw(st.integers(0, len(self.on_the_way) - 1))]

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def deliver_out_of_order(self, data: st.DataObject) -> None:
        push, prev = self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1)))
        self.room.offer(push, prev)

    @precondition(lambda self: self.ever)
    @rule(data=st.data())
    def deliver_once_more(self, data: st.DataObject) -> None:
        self.room.offer(*data.draw(st.sampled_from(self.ever)))

    @rule()
    def learn_the_head(self) -> None:
        self.room.reveal(max(self.log, default=0))

    @precondition(lambda self: self.filling is None and self.room.behind)
    @rule()
    def begin_to_fill(self) -> None:
        self.filling = self.between(self.room.position, self.room.known), self.room.known

    @precondition(lambda self: self.filling is not None)
    @rule()
    def fill(self) -> None:
        assert self.filling is not None
        self.room.fill(*self.filling)
        self.filling = None

    # Members

    @precondition(lambda self: len(self.clients) < 4)
    @rule(codec=st.sampled_from(sorted(CODECS)))
    def join(self, codec: str) -> None:
        self.enter(CODECS[codec], self.room.position)

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.clients)))
        self.clients[name].read()
        self.room.fanout.leave(name)
        del self.clients[name]

    @precondition(lambda self: len(self.clients) < 4)
    @rule(codec=st.sampled_from(sorted(CODECS)), since=st.integers(0, 40))
    def join_with_a_replay(self, codec: str, since: int) -> None:
        if not self.room.tail.start <= since <= self.room.position:
            return
        client = self.enter(CODECS[codec], since)
        for push in replay(client.codec, self.room.tail.since(since), since):
            client.apply(client.codec.decode(client.codec.encode(push)))
        assert client.position <= self.room.position
        client.position = self.room.position

    @precondition(lambda self: self.reaching is None)
    @rule(since=st.integers(0, 40))
    def begin_to_reach_back(self, since: int) -> None:
        tail = self.room.tail
        if since < tail.start:
            self.reaching = self.between(since, tail.oldest), since, tail.start

    @precondition(lambda self: self.reaching is not None)
    @rule()
    def reach_back(self) -> None:
        assert self.reaching is not None
        pushes, since, start = self.reaching
        if self.room.tail.start == start:
            self.room.tail.prepend(pushes, since)
        self.reaching = None

    def enter(self, codec: Codec, position: int) -> Client:
        name = f"m{len(self.clients)}-{self.seq}-{len(self.ever)}"
        while name in self.clients:
            name += "+"
        person, sink = member(name, codec, hard=MANY, soft=MANY)
        enter(self.room, person)
        self.clients[name] = Client(codec, sink, position, position)
        return self.clients[name]

    # What holds

    @invariant()
    def nobody_sees_a_gap_or_a_repeat(self) -> None:
        for client in self.clients.values():
            client.read()
            assert client.position <= max(self.room.position, client.joined_at)

    @invariant()
    def all_members_are_alike(self) -> None:
        readable = {push.seq for push, _ in self.ever if push.push}
        for client in self.clients.values():
            assert client.served == sorted(set(client.served))
            assert set(client.served) <= readable

    @invariant()
    def the_tail_shows_nothing_that_a_served_tombstone_erased(self) -> None:
        dead = {target.seq for push, _ in self.ever if push.seq <= self.room.position for target in push.erases}
        tail = self.room.tail
        shown = [push.seq for push in tail.since(tail.start)]
        assert not dead & set(shown)
        # No visible push is missing between the tail's start and the room's position.
        living = {seq for seq, push in self.log.items() if push.push and tail.start < seq <= self.room.position}
        assert living - dead <= set(shown)
        assert len(tail) <= 6

    def teardown(self) -> None:
        """In the end every gap is closed, and no member misses a push."""
        if self.filling is not None:
            self.room.fill(*self.filling)
        self.room.reveal(max(self.log, default=0))
        while self.room.behind:
            self.room.fill(self.between(self.room.position, self.room.known), self.room.known)
        erased = {target.seq for push, _ in self.ever for target in push.erases}
        living = [push.seq for push, _ in self.ever if push.push and push.seq not in erased]
        for client in self.clients.values():
            client.read()
            expected = {seq for seq in living if seq > client.joined_at}
            assert expected <= set(client.served)
            # Besides the visible pushes, only pushes that were erased after they had been served.
            assert set(client.served) - expected <= erased
        tail = self.room.tail
        assert [push.seq for push in tail.since(tail.start)] == [seq for seq in living if seq > tail.start]


TestRoomAndLog = RoomAndLog.TestCase
TestRoomAndLog.settings = settings(max_examples=100, stateful_step_count=35, deadline=None, report_multiple_bugs=False)


def served(sink: Recorder, codec: Codec = JSON) -> list[tuple[int, int]]:
    return [(message["seq"], message["prev"]) for message in sink.messages(codec)]


def test_a_message_is_framed_once_for_all_members_of_a_codec() -> None:
    here = room()
    sinks: dict[str, list[Recorder]] = {name: [] for name in CODECS}
    for name, codec in CODECS.items():
        for index in range(3):
            person, sink = member(f"{name}-{index}", codec)
            enter(here, person)
            sinks[name].append(sink)
    here.offer(stored(1), 0)
    for group in sinks.values():
        assert len({id(sink.written[0]) for sink in group}) == 1


def test_a_push_says_the_same_in_both_codecs() -> None:
    push = stored(5, "ਸਤਿ", at=1_795_332_205_001)
    (as_json,), (as_msgpack,) = (
        [codec.decode(codec.encode(message)) for message in replay(codec, [push], 3)] for codec in (JSON, MSGPACK)
    )
    assert as_json == as_msgpack
    assert as_json == {
        "push": "chat.message",
        "room": "session:1",
        "seq": 5,
        "prev": 3,
        "at": 1_795_332_205_001,
        "from": {"id": "u1", "name": "Uma", "role": "student"},
        "data": {"text": "ਸਤਿ"},
    }


def test_prev_is_what_was_served_before_not_what_the_log_held() -> None:
    here = room(10)
    person, sink = member("m", JSON)
    enter(here, person)
    assert here.reveal(15)
    # 11 to 15 were erased: the position moves, and the chain of `prev` does not.
    assert not here.fill([], 15)
    assert not here.offer(stored(17), 14)
    assert not here.offer(stored(18), 17)
    assert served(sink) == [(17, 10), (18, 17)]


def test_what_is_held_behind_a_gap_follows_it() -> None:
    here = room()
    person, sink = member("m", JSON)
    enter(here, person)
    assert not here.offer(stored(1), 0)
    assert here.offer(stored(3), 2)
    assert here.offer(stored(4), 3)
    assert served(sink) == [(1, 0)]
    assert (here.position, here.known) == (1, 4)
    assert not here.fill([stored(2), stored(3)], 3)
    assert served(sink) == [(2, 1), (3, 2), (4, 3)]


def test_a_gap_behind_a_gap_stays_open() -> None:
    here = room()
    person, sink = member("m", JSON)
    enter(here, person)
    here.offer(stored(3), 2)
    here.offer(stored(6), 5)
    assert here.fill([stored(2), stored(3)], 3)
    assert served(sink) == [(2, 0), (3, 2)]
    assert here.behind
    assert not here.fill([stored(5), stored(6)], 6)
    assert served(sink) == [(5, 3), (6, 5)]


def test_what_cannot_be_read_has_a_place_and_is_not_shown() -> None:
    here = room()
    person, sink = member("m", JSON)
    enter(here, person)
    here.offer(stored(1), 0)
    assert not here.offer(unreadable(2), 1)
    assert not here.offer(stored(3), 2)
    assert served(sink) == [(1, 0), (3, 1)]
    assert [push.seq for push in here.tail.since(0)] == [1, 3]


def test_who_does_not_read_loses_ephemeral_pushes_first_and_the_connection_then() -> None:
    here = room()
    slow, slow_sink = member("slow", JSON, soft=100, hard=5000)
    quick, quick_sink = member("quick", JSON, soft=100, hard=5000)
    enter(here, slow)
    enter(here, quick)
    slow_sink.unread = 101
    here.fanout.ephemeral(Push(push="typing", room=str(ROOM), data={}))
    here.offer(stored(1), 0)
    assert [message["push"] for message in quick_sink.messages(JSON)] == ["typing", "chat.message"]
    assert [message["push"] for message in slow_sink.messages(JSON)] == ["chat.message"]
    slow_sink.unread = 5001
    here.offer(stored(2), 1)
    (disconnect,) = slow_sink.messages(JSON)
    assert disconnect["push"] == "disconnect"
    assert disconnect["data"]["code"] == CloseCode.SLOW
    assert disconnect["data"]["reconnect"] is True
    assert slow_sink.closed == (CloseCode.SLOW, CloseCode.SLOW.reason)
    # Nothing is written after the disconnect, and the room goes on.
    here.offer(stored(3), 2)
    assert slow_sink.messages(JSON) == []
    assert served(quick_sink) == [(2, 1), (3, 2)]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
def test_held_frames_come_after_the_reply_they_were_held_for(codec: Codec) -> None:
    here = room()
    person, sink = member("m", codec)
    enter(here, person)
    person.hold()
    here.offer(stored(1), 0)
    here.offer(stored(2), 1)
    assert sink.messages(codec) == []
    person.release({"id": 1, "ok": {}})
    here.offer(stored(3), 2)
    assert [message.get("seq", "reply") for message in sink.messages(codec)] == ["reply", 1, 2, 3]


def test_a_closed_member_is_told_once() -> None:
    person, sink = member("m", JSON)
    person.close(CloseCode.DRAIN)
    person.close(CloseCode.FLOOD)
    person.send({"id": 1, "ok": {}})
    assert [message["data"]["code"] for message in sink.messages(JSON)] == [CloseCode.DRAIN]
    assert sink.closed == (CloseCode.DRAIN, CloseCode.DRAIN.reason)

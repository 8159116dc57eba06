"""A room's messages reach each member once and in order, in few writes, and in slices in a large room."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.errors import CloseCode
from gateway.principal import Principal, Role
from gateway.protocol.codec import JSON, MSGPACK
from gateway.protocol.messages import Push
from gateway.realtime.fanout import SLICE, Batch, Fanout
from gateway.realtime.frame_encoder import WINDOW_BITS, websocket_encoder
from gateway.realtime.member import Member, Membership
from tests.realtime.pushes import stored


class Turns:
    """An event loop whose turns the test runs one by one."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._calls.append(callback)

    def turn(self) -> bool:
        if not self._calls:
            return False
        self._calls.popleft()()
        return True

    def run(self) -> int:
        count = 0
        while self.turn():
            count += 1
        return count


class Pile:
    """A sink that keeps the pieces it is given; `unread` is what the client has not taken."""

    fast_write: Callable[[bytes], None] | None = None

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.unread = 0
        self.closed: int | None = None

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    def buffered(self) -> int:
        return self.unread

    def close(self, code: int, reason: str) -> None:
        self.closed = code


def seat(id: str, room: Any = None, *, least: int | None = None, codec: Any = JSON) -> tuple[Membership, Pile]:
    pile = Pile()
    member = Member(id, websocket_encoder(codec, least), pile, soft=1000, hard=100_000, spread=1.0)
    member.principal = Principal(id=f"user-{id}", name=id, role=Role.STUDENT, expires_at=2**50)
    return Membership(member, room, "viewer"), pile


def payloads(data: bytes) -> list[tuple[int, bytes]]:
    """The (first byte, payload) of each frame."""
    found = []
    while data:
        first, size, head = data[0], data[1], 2
        if size == 126:
            size, head = int.from_bytes(data[2:4]), 4
        found.append((first, data[head : head + size]))
        data = data[head + size :]
    return found


def seqs(pile: Pile) -> list[int]:
    return [msgspec.json.decode(payload)["seq"] for _, payload in payloads(b"".join(pile.pieces))]


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def written() -> list[Batch]:
    return []


@pytest.fixture
def fanout(turns: Turns, written: list[Batch]) -> Fanout:
    return Fanout(turns.call_soon, written.append)


def test_what_comes_in_one_turn_is_one_write(fanout: Fanout, turns: Turns, written: list[Batch]) -> None:
    membership, pile = seat("a")
    fanout.enter(membership)
    for seq in (1, 2, 3):
        fanout.durable(stored(seq), seq - 1)
    assert turns.run() == 1
    assert len(pile.pieces) == 1
    assert seqs(pile) == [1, 2, 3]
    assert [(batch.durable, batch.ephemeral) for batch in written] == [(3, 0)]


def test_a_large_room_is_written_in_slices_and_each_member_in_order(fanout: Fanout, turns: Turns) -> None:
    piles = []
    for number in range(2 * SLICE + 1):
        membership, pile = seat(str(number))
        fanout.enter(membership)
        piles.append(pile)
    fanout.durable(stored(1), 0)
    turns.turn()
    assert sum(bool(pile.pieces) for pile in piles) == SLICE
    # New messages wait until all members have the earlier ones.
    fanout.durable(stored(2), 1)
    turns.run()
    assert {tuple(seqs(pile)) for pile in piles} == {(1, 2)}


def test_who_enters_gets_nothing_that_was_sent_before(fanout: Fanout, turns: Turns) -> None:
    early, early_pile = seat("early")
    fanout.enter(early)
    fanout.durable(stored(1), 0)
    late, late_pile = seat("late")
    fanout.enter(late)
    fanout.durable(stored(2), 1)
    turns.run()
    assert seqs(early_pile) == [1, 2]
    assert seqs(late_pile) == [2]


def test_who_enters_again_gets_nothing_twice(fanout: Fanout, turns: Turns) -> None:
    first, pile = seat("a")
    fanout.enter(first)
    fanout.durable(stored(1), 0)
    fanout.enter(Membership(first.member, first.room, "viewer"))
    fanout.durable(stored(2), 1)
    turns.run()
    assert seqs(pile) == [2]


def test_who_leaves_gets_nothing_more(fanout: Fanout, turns: Turns) -> None:
    membership, pile = seat("a")
    other, _ = seat("b")
    fanout.enter(membership)
    fanout.durable(stored(1), 0)
    fanout.enter(other)
    fanout.leave("a")
    turns.run()
    assert pile.pieces == []


def test_a_client_that_is_behind_loses_what_is_ephemeral_first(fanout: Fanout, turns: Turns) -> None:
    membership, pile = seat("a")
    fanout.enter(membership)
    pile.unread = 2000
    fanout.ephemeral(Push(push="typing", room="session:1", data={}))
    fanout.durable(stored(1), 0)
    turns.run()
    assert seqs(pile) == [1]
    pile.unread = 100_001
    fanout.durable(stored(2), 1)
    turns.run()
    assert pile.closed == 4001


def test_each_codec_is_encoded_once_and_only_if_wanted(fanout: Fanout, turns: Turns, written: list[Batch]) -> None:
    for number in range(3):
        fanout.enter(seat(f"j{number}")[0])
    packed, pile = seat("m", codec=MSGPACK)
    fanout.durable(stored(1), 0)
    turns.run()
    assert len(written[0]._frames) == 1
    fanout.enter(packed)
    fanout.durable(stored(2), 1)
    turns.run()
    assert len(written[1]._frames) == 2
    (first, payload) = payloads(pile.pieces[0])[0]
    assert first == 0x82
    assert msgspec.msgpack.decode(payload)["seq"] == 2


def test_a_large_message_is_compressed_once_for_those_who_take_it(fanout: Fanout, turns: Turns) -> None:
    squeezed = [seat(f"c{number}", least=500) for number in range(2)]
    plain, plain_pile = seat("p")
    for membership, _ in (*squeezed, (plain, plain_pile)):
        fanout.enter(membership)
    fanout.durable(stored(1, "small"), 0)
    fanout.durable(stored(2, "large " * 300), 1)
    turns.run()
    assert squeezed[0][1].pieces[0] is squeezed[1][1].pieces[0]
    (small, _), (large, body) = payloads(squeezed[0][1].pieces[0])
    assert (small, large) == (0x81, 0xC1)
    text = zlib.decompressobj(-WINDOW_BITS).decompress(body + b"\x00\x00\xff\xff")
    assert text == payloads(plain_pile.pieces[0])[1][1]
    assert len(body) < len(text) / 4


class Swift(Pile):
    """A sink with a fast write, which reports when its client lags."""

    def __init__(self) -> None:
        super().__init__()
        self.fast_writes: list[bytes] = []
        self.fast_write = self.fast_writes.append


def quick_seat(id: str) -> tuple[Membership, Swift]:
    sink = Swift()
    member = Member(id, websocket_encoder(JSON, None), sink, soft=1000, hard=100_000, spread=1.0)
    member.principal = Principal(id=id, name=id, role=Role.STUDENT, expires_at=2**50)
    return Membership(member, Any, "viewer"), sink  # type: ignore[arg-type]


def test_a_client_that_keeps_up_is_written_to_without_a_question(fanout: Fanout, turns: Turns) -> None:
    membership, sink = quick_seat("a")
    sink.unread = 100_001
    fanout.enter(membership)
    fanout.durable(stored(1), 0)
    turns.run()
    assert len(sink.fast_writes) == 1
    assert sink.closed is None


def test_one_that_lags_is_looked_at_until_it_has_caught_up(fanout: Fanout, turns: Turns) -> None:
    membership, sink = quick_seat("a")
    fanout.enter(membership)
    sink.unread = 2000
    membership.member.lag(True)
    fanout.ephemeral(Push(push="typing", room="session:1", data={}))
    fanout.durable(stored(1), 0)
    turns.run()
    assert sink.fast_writes == []
    assert seqs(sink) == [1]
    membership.member.lag(False)
    fanout.durable(stored(2), 1)
    turns.run()
    assert len(sink.fast_writes) == 1


@pytest.mark.parametrize("state", ["held", "closed", "gone"])
def test_nothing_is_written_quickly_to_one_that_is_not_to_get_it_now(fanout: Fanout, turns: Turns, state: str) -> None:
    membership, sink = quick_seat("a")
    member = membership.member
    fanout.enter(membership)
    {"held": member.hold, "closed": lambda: member.close(CloseCode.SLOW), "gone": member.end}[state]()
    member.lag(False)
    before = list(sink.pieces)
    fanout.durable(stored(1), 0)
    turns.run()
    assert sink.fast_writes == []
    assert sink.pieces == before
    if state == "held":
        member.release(None)
        assert seqs(sink) == [1]
        fanout.durable(stored(2), 1)
        turns.run()
        assert len(sink.fast_writes) == 1


def test_one_that_cannot_be_written_to_keeps_nothing_from_the_others(fanout: Fanout, turns: Turns) -> None:
    def broken(data: bytes) -> None:
        raise RuntimeError("the handler is closed")

    membership, sink = quick_seat("broken")
    sink.fast_write = broken  # type: ignore[assignment]
    membership.member.lag(False)
    other, pile = seat("other")
    fanout.enter(membership)
    fanout.enter(other)
    fanout.durable(stored(1), 0)
    turns.run()
    fanout.durable(stored(2), 1)
    turns.run()
    assert seqs(pile) == [1, 2]

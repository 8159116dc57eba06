"""The tail shows exactly the visible pushes of the log after its start."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import StoredPush, Sweep
from gateway.principal import Author
from gateway.realtime.tail import Tail, size

from .pushes import AUTHOR, stored, unreadable

MANY = 10**9
OTHER = Author("u2", "Ole", "student")


def tail(start: int = 0, *, count: int = MANY, size: int = MANY) -> Tail:
    return Tail(start, max_count=count, max_bytes=size)


def seqs(pushes: list[StoredPush]) -> list[int]:
    return [push.seq for push in pushes]


@st.composite
def logs(draw: st.DrawFn) -> list[StoredPush]:
    """A room's log with holes, tombstones and unreadable messages. It still holds the targets."""
    log: list[StoredPush] = []
    seq = 0
    for _ in range(draw(st.integers(0, 30))):
        seq += draw(st.integers(1, 3))
        # Tombstones are never erased: a node that missed one would show its target for ever.
        living = [push for push in log if (push.push and not (push.erases or push.sweeps)) or push.replaces]
        match draw(st.integers(0, 11)):
            case 10 if living:
                log.append(stored(seq, replaces=draw(st.sampled_from(living))))
            case 11:
                author = draw(st.sampled_from([None, AUTHOR.id]))
                log.append(stored(seq, sweeps=Sweep(("chat.message", "chat.edited"), author)))
            case 0 | 1 | 2 if living:
                targets = draw(st.lists(st.sampled_from(living), min_size=1, max_size=3))
                log.append(stored(seq, erases=targets))
            case 3:
                log.append(unreadable(seq))
            case _:
                author = draw(st.sampled_from([AUTHOR, OTHER]))
                log.append(stored(seq, "x" * draw(st.integers(0, 300)), author=author))
    return log


def shown(log: list[StoredPush], since: int = 0) -> list[int]:
    """The pushes that a reader who comes after the erasures has to be shown."""
    dead = {erased.seq for push in log for erased in push.erases}
    for tombstone in log:
        if (sweep := tombstone.sweeps) is not None:
            dead |= {push.seq for push in log if push.seq < tombstone.seq and sweep.covers(push)}
    return [push.seq for push in log if push.seq > since and push.push and push.seq not in dead]


@given(logs(), st.integers(0, 100))
def test_a_tail_without_limits_shows_the_living(log: list[StoredPush], since: int) -> None:
    held = tail()
    for push in log:
        held.append(push)
    assert seqs(held.since(since)) == shown(log, since)
    assert seqs(held.newest(3)) == shown(log)[-3:]
    assert len(held) == len(shown(log))
    assert held.start == 0


@given(logs(), st.integers(0, 12), st.integers(0, 4000))
def test_a_trimmed_tail_holds_everything_after_its_start_within_its_limits(
    log: list[StoredPush], count: int, max_bytes: int
) -> None:
    held = tail(count=count, size=max_bytes)
    for index, push in enumerate(log):
        held.append(push)
        so_far = shown(log[: index + 1])
        assert seqs(held.since(held.start)) == [seq for seq in so_far if seq > held.start]
        assert len(held) <= count
        assert sum(size(one) for one in held.since(0)) <= max_bytes
        assert held.oldest >= held.start


@given(logs(), st.data())
def test_a_tail_extended_backwards_is_the_log_from_there_on(log: list[StoredPush], data: st.DataObject) -> None:
    """Fill a tail as a recovery does: with live pushes first, then with the older part from the log."""
    cut = data.draw(st.integers(0, len(log)))
    since = data.draw(st.integers(0, 100))
    start = log[cut - 1].seq if cut else 0
    held = tail(start, count=data.draw(st.integers(0, 40)))
    for push in log[cut:]:
        held.append(push)
    if held.start <= since:
        return
    # The older part may still contain targets of a tombstone in memory, or not.
    gone = {erased.seq for push in log for erased in push.erases if data.draw(st.booleans())}
    read = [push for push in log if since < push.seq <= held.oldest and push.seq not in gone]
    whole = held.prepend(read, since)
    assert seqs(held.since(held.start)) == shown(log, held.start)
    assert not whole or held.start == since
    assert whole or held.start > since


def test_what_does_not_fit_in_front_is_left_out_and_said_so() -> None:
    held = tail(10, count=3)
    held.append(stored(11))
    assert not held.prepend([stored(seq) for seq in range(5, 11)], 4)
    assert seqs(held.since(0)) == [9, 10, 11]
    assert held.start == 8


def test_a_tombstone_takes_its_target_out_whenever_it_comes() -> None:
    first, second = stored(1), stored(2)
    held = tail()
    for push in (first, second, stored(3, erases=[first])):
        held.append(push)
    assert seqs(held.since(0)) == [2, 3]
    assert held.get(1) is None
    # An older part that was read before the erasure does not bring it back.
    late = tail(2)
    late.append(stored(3, erases=[first]))
    assert late.prepend([first, second], 0)
    assert seqs(late.since(0)) == [2, 3]
    assert seqs(list(late.visible([first, second]))) == [2]


def test_a_push_is_known_by_its_first_version_until_it_is_gone() -> None:
    first, other = stored(1), stored(2)
    edited = stored(3, replaces=first)
    again = stored(4, replaces=edited)
    held = tail()
    for push in (first, other, edited, again):
        held.append(push)
    assert seqs(held.since(0)) == [2, 4]
    assert held.version(1) is again
    assert held.version(2) is other
    assert held.version(3) is None
    # A node that missed the version in between shows neither it nor the first.
    late = tail(4)
    assert late.prepend([first, other, edited, again], 0)
    assert seqs(late.since(0)) == [2, 4]
    held.append(stored(5, erases=[again]))
    assert held.version(1) is None
    assert seqs(held.since(0)) == [2, 5]


def test_a_sweep_takes_out_what_came_before_it_alone() -> None:
    sweep = Sweep(("chat.message", "chat.edited"), "u2")
    before, theirs, swept, after = stored(1), stored(2, author=OTHER), stored(3, sweeps=sweep), stored(4, author=OTHER)
    held = tail()
    for push in (before, theirs, swept, after):
        held.append(push)
    assert seqs(held.since(0)) == [1, 3, 4]
    # It also keeps out what is read later.
    assert seqs(list(held.visible([theirs, after]))) == [4]
    assert seqs(list(tail().visible([before, theirs, swept, after]))) == [1, 3, 4]


def test_erasing_gives_the_room_back() -> None:
    target = stored(1, "x" * 1000)
    tombstone = stored(2, erases=[target])
    held = tail(size=size(target) + size(tombstone))
    held.append(target)
    held.append(tombstone)
    held.append(stored(3, "x" * 1000))
    assert seqs(held.since(0)) == [2, 3]


def test_a_message_larger_than_the_tail_leaves_it_empty() -> None:
    held = tail(size=500)
    held.append(stored(1))
    held.append(stored(2, "x" * 500))
    assert (len(held), held.start, held.oldest) == (0, 2, 2)
    held.append(stored(3))
    assert seqs(held.since(held.start)) == [3]


@pytest.mark.parametrize(("seq", "found"), [(0, None), (1, 1), (2, None), (5, 5), (6, None)])
def test_get(seq: int, found: int | None) -> None:
    held = tail()
    for one in (1, 3, 5):
        held.append(stored(one))
    push = held.get(seq)
    assert (push.seq if push else None) == found


@pytest.mark.parametrize(("count", "found"), [(0, []), (1, [3]), (2, [2, 3]), (9, [1, 2, 3])])
def test_newest(count: int, found: list[int]) -> None:
    held = tail()
    for one in (1, 2, 3):
        held.append(stored(one))
    assert seqs(held.newest(count)) == found

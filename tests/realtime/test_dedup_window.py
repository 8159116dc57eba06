"""Repeats are recognised within the window and not after it. An erased message is not forgotten early."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import StoredPush
from gateway.realtime.dedup_window import DedupWindow, message_id

from .pushes import stored

WINDOW = 120_000
START = 1_800_000_000_000


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 3)), max_size=40), st.integers(0, 300_000))
def test_an_id_is_known_for_the_window_and_not_longer(steps: list[tuple[int, int]], later: int) -> None:
    """Ids are unique here, as the stream makes them within the window; some messages are tombstones."""
    dedup = DedupWindow(WINDOW)
    log: list[StoredPush] = []
    at = START
    for index, (wait, erased) in enumerate(steps, 1):
        at += wait
        log.append(stored(index, at=at, erases=log[-erased:] if erased else ()))
        dedup.add(log[-1])
    now = at + later
    for push in log:
        expected = push.seq if push.at >= now - WINDOW else None
        found = dedup.seq(push.message_id, now)
        # A tombstone keeps the id of its target for longer, because the stream forgets it.
        tombstones = [other.at for other in log if push.seq in {target.seq for target in other.erases}]
        if expected is None and any(one >= now - WINDOW for one in tombstones):
            assert found in (None, push.seq)
        else:
            assert found == expected


def test_the_erased_are_known_to_a_room_that_never_saw_them() -> None:
    """A node that opens the room after the erasure finds only the tombstone."""
    dedup = DedupWindow(WINDOW)
    target = stored(1, at=START)
    dedup.add(stored(2, at=START + 1000, erases=[target]))
    assert dedup.seq(target.message_id, START + 2000) == 1
    assert dedup.seq("id-2", START + 2000) == 2


def test_the_first_of_an_id_counts() -> None:
    dedup = DedupWindow(WINDOW)
    dedup.add(stored(1, at=START, id="x"))
    dedup.add(stored(2, at=START + 1, id="x"))
    assert dedup.seq("x", START + 2) == 1


def test_an_id_that_is_used_again_after_the_window_is_known_again() -> None:
    dedup = DedupWindow(WINDOW)
    dedup.add(stored(1, at=START, id="x"))
    again = START + WINDOW + 5000
    dedup.add(stored(2, at=again, id="x"))
    assert dedup.seq("x", again + 1000) == 2


def test_a_message_without_an_id_is_not_kept() -> None:
    dedup = DedupWindow(WINDOW)
    dedup.add(stored(1, id=""))
    assert len(dedup) == 0


def test_what_is_older_than_the_window_takes_no_memory() -> None:
    dedup = DedupWindow(WINDOW)
    for seq in range(1, 1001):
        dedup.add(stored(seq, at=START + seq * 1000))
    assert len(dedup) <= WINDOW / 1000 + 1


names = st.text(max_size=5)


@given(st.tuples(names, names, names, names), st.tuples(names, names, names, names))
def test_message_ids_tell_commands_apart_and_fit_a_header(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (message_id(*one) == message_id(*other)) == (one == other) or any("\0" in part for part in one + other)
    assert re.fullmatch(r"[0-9a-f]{32}", message_id(*one))

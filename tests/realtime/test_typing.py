"""Typing is merged, repeated while it lasts, and expires by itself."""

from __future__ import annotations

from gateway.realtime.typing import COUNTS, REPEAT, RoomTyping, TypingChange, Typist


def typist(id: str) -> Typist:
    return Typist(id, id.upper())


def test_a_typist_is_shown_repeated_and_forgotten() -> None:
    typing = RoomTyping()
    typing.set(typist("a"), on=True, now=0.0)
    assert typing.take_change(0.5) == TypingChange([typist("a")], 1)
    assert typing.take_change(1.0) is None
    assert typing.take_change(0.5 + REPEAT) == TypingChange([typist("a")], 1)
    assert typing.take_change(COUNTS) == TypingChange([], 0)
    typing.take_strokes("here")
    assert typing.idle


def test_who_stops_is_taken_off_at_once() -> None:
    typing = RoomTyping()
    typing.set(typist("a"), on=True, now=0.0)
    typing.take_change(0.5)
    typing.set(typist("a"), on=False, now=0.6)
    assert typing.take_change(1.0) == TypingChange([], 0)


def test_a_crowd_is_counted_and_five_of_it_named() -> None:
    typing = RoomTyping()
    for number in range(30):
        typing.set(typist(f"{number:02}"), on=True, now=0.0)
    change = typing.take_change(0.5)
    assert change is not None
    assert (len(change.users), change.count) == (5, 30)


def test_other_nodes_hear_of_it_conflated() -> None:
    here, there = RoomTyping(), RoomTyping()
    for _ in range(10):
        here.set(typist("a"), on=True, now=0.0)
    here.set(typist("b"), on=True, now=0.0)
    here.set(typist("b"), on=False, now=0.1)
    strokes = here.take_strokes("here")
    assert strokes is not None
    assert (strokes.on, strokes.off) == ([typist("a")], ["b"])
    assert here.take_strokes("here") is None
    there.receive(strokes, 0.5)
    assert there.take_change(0.5) == TypingChange([typist("a")], 1)
    # Nothing more is heard, as when the other node died.
    assert there.take_change(0.5 + COUNTS) == TypingChange([], 0)

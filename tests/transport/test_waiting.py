"""Who is let go when too many are waited for."""

from __future__ import annotations

from gateway.transport.waiting import Waiting


def test_the_first_makes_room_for_the_last() -> None:
    gone: list[str] = []
    waiting = Waiting(2)
    for name in ("a", "b", "a", "c"):
        waiting.enter(name, lambda name=name: gone.append(name))  # type: ignore[misc]
    assert (gone, len(waiting)) == (["a"], 2)
    waiting.leave("b")
    waiting.leave("b")
    waiting.enter("d", lambda: gone.append("d"))
    assert (gone, len(waiting)) == (["a"], 2)


def test_who_is_let_go_may_leave_meanwhile() -> None:
    waiting = Waiting(1)
    waiting.enter("a", lambda: waiting.leave("a"))
    waiting.enter("b", lambda: None)
    assert len(waiting) == 1

"""When there are too many pending entries, the oldest is let go."""

from __future__ import annotations

from gateway.transport.bounded_pending import BoundedPending


def test_the_first_makes_room_for_the_last() -> None:
    gone: list[str] = []
    pending = BoundedPending(2)
    for name in ("a", "b", "a", "c"):
        pending.enter(name, lambda name=name: gone.append(name))  # type: ignore[misc]
    assert (gone, len(pending)) == (["a"], 2)
    pending.leave("b")
    pending.leave("b")
    pending.enter("d", lambda: gone.append("d"))
    assert (gone, len(pending)) == (["a"], 2)


def test_who_is_let_go_may_leave_meanwhile() -> None:
    pending = BoundedPending(1)
    pending.enter("a", lambda: pending.leave("a"))
    pending.enter("b", lambda: None)
    assert len(pending) == 1

"""The rules by which a client follows a room's log, one by one."""

from __future__ import annotations

import pytest

from ksmp_client.events import Joined
from ksmp_client.messages import JoinResult, Position, Push
from ksmp_client.replica import Replica, Standing, Verdict


def push(seq: int | None, prev: int | None = None) -> Push:
    return Push(push="chat.message", room="session:a", seq=seq, prev=prev, data={})


def result(seq: int, *messages: Push, recovered: bool | None = None, epoch: str = "e") -> JoinResult:
    return JoinResult(
        room="session:a", epoch=epoch, seq=seq, recovered=recovered, messages=list(messages), members=1, can=[]
    )


@pytest.fixture
def live() -> Replica:
    """A replica that is live at position 10."""
    replica = Replica()
    assert replica.ask() is None
    replica.answer(result(10))
    return replica


def test_the_first_join_hands_on_its_messages_at_once() -> None:
    replica = Replica()
    replica.ask()
    assert replica.take(push(4, 3)) is Verdict.IGNORE
    messages = (push(2, 0), push(3, 2))
    assert replica.answer(result(3, *messages)) == [Joined(False, Position("e", 3), messages)]
    assert replica.take(push(4, 3)) is Verdict.DELIVER


def test_pushes_move_the_position(live: Replica) -> None:
    assert live.take(push(11, 10)) is Verdict.DELIVER
    assert live.position == Position("e", 11)


def test_what_was_handed_on_is_ignored(live: Replica) -> None:
    assert live.take(push(10, 7)) is Verdict.IGNORE
    assert live.take(push(9, 12)) is Verdict.IGNORE
    assert live.standing is Standing.LIVE


@pytest.mark.parametrize("prev", [0, 3, 9, 10, None])
def test_an_older_predecessor_is_no_gap(live: Replica, prev: int | None) -> None:
    assert live.take(push(25, prev)) is Verdict.DELIVER


def test_a_newer_predecessor_is_a_gap_that_is_told_once(live: Replica) -> None:
    assert live.take(push(13, 11)) is Verdict.REJOIN
    assert live.take(push(14, 13)) is Verdict.IGNORE
    assert live.take(push(11, 10)) is Verdict.IGNORE
    assert live.ask() == Position("e", 10)
    assert live.take(push(15, 14)) is Verdict.IGNORE
    missed = [push(11, 10), push(13, 11), push(14, 13), push(15, 14)]
    assert live.answer(result(15, *missed, recovered=True)) == [Joined(True, Position("e", 15)), *missed]
    assert live.take(push(15, 14)) is Verdict.IGNORE
    assert live.take(push(16, 15)) is Verdict.DELIVER


def test_ephemeral_pushes_pass_only_while_live(live: Replica) -> None:
    assert live.take(push(None)) is Verdict.DELIVER
    live.ask()
    assert live.take(push(None)) is Verdict.IGNORE
    live.lose()
    assert live.take(push(None)) is Verdict.IGNORE


def test_a_replay_hands_on_only_what_is_new(live: Replica) -> None:
    live.ask()
    handed = live.answer(result(12, push(9, 8), push(10, 9), push(12, 10), recovered=True))
    assert handed == [Joined(True, Position("e", 12)), push(12, 10)]


def test_a_join_that_could_not_recover_replaces_everything(live: Replica) -> None:
    live.ask()
    messages = (push(3, 0), push(5, 3))
    assert live.answer(result(5, *messages, recovered=False, epoch="f")) == [Joined(False, Position("f", 5), messages)]
    assert live.take(push(6, 5)) is Verdict.DELIVER


def test_recovered_in_another_epoch_is_not_believed(live: Replica) -> None:
    live.ask()
    assert live.answer(result(20, recovered=True, epoch="f")) == [Joined(False, Position("f", 20))]


def test_an_app_that_reads_too_slowly_loses_nothing(live: Replica) -> None:
    live.fall_behind()
    assert live.take(push(11, 10)) is Verdict.IGNORE
    assert live.ask() == Position("e", 10)
    assert live.answer(result(11, push(11, 10), recovered=True), full=True) == []
    assert live.standing is Standing.BEHIND
    assert live.ask() == Position("e", 10)
    assert live.answer(result(11, push(11, 10), recovered=True)) == [Joined(True, Position("e", 11)), push(11, 10)]


def test_a_reply_that_comes_too_late_means_nothing(live: Replica) -> None:
    live.ask()
    live.lose()
    assert live.answer(result(11, push(11, 10), recovered=True)) == []
    assert live.position == Position("e", 10)
    assert live.standing is Standing.AWAY
    live.fall_behind()
    assert live.standing is Standing.AWAY

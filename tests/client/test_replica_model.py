"""Whatever happens on the way, an app gets each message once and in order, or is told to reload."""

from __future__ import annotations

import itertools
from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ksmp_client.events import Joined
from ksmp_client.messages import JoinResult, Position, Push
from ksmp_client.replica import Replica, Standing, Verdict


class Following(RuleBasedStateMachine):
    """A log, a server that serves it over one connection, and the app at the other end.

    `wire` is what the server has written and the client has not read. The app's view begins anew with each
    `Joined(recovered=False)`: at `base`, and `got` is what it was handed since.
    """

    def __init__(self) -> None:
        super().__init__()
        self.replica = Replica()
        self.epoch = 1
        self.log: list[int] = []
        self.published: list[int] = []
        self.erased: set[int] = set()
        self.head = 0
        self.member = False
        self.wire: deque[Push | JoinResult] = deque()
        self.lossless = True
        self.base: Position | None = None
        self.got: list[int] = []
        self.full = False

    @rule(steps=st.lists(st.integers(1, 3), min_size=1, max_size=4))
    def publish(self, steps: list[int]) -> None:
        for step in steps:
            prev = self.log[-1] if self.log else 0
            self.head += step
            self.log.append(self.head)
            self.published.append(self.head)
            if self.member:
                self.wire.append(push(self.head, prev))

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(self.log))
        self.log.remove(seq)
        self.erased.add(seq)

    @precondition(lambda self: self.replica.standing is not Standing.LIVE and not self.asking)
    @rule(recoverable=st.booleans())
    def join(self, recoverable: bool) -> None:
        """The server answers at once; the reply takes its place on the wire."""
        since = self.replica.ask()
        self.member = True
        self.lossless = True
        recovered = None
        messages = [push(seq, 0) for seq in self.log[-2:]]
        if since is not None:
            recovered = recoverable and since.epoch == str(self.epoch) and since.seq <= self.head
            if recovered:
                chain = [since.seq, *(seq for seq in self.log if seq > since.seq)]
                messages = [push(seq, prev) for prev, seq in itertools.pairwise(chain)]
        self.wire.append(
            JoinResult(
                room="session:a",
                epoch=str(self.epoch),
                seq=self.head,
                recovered=recovered,
                messages=messages,
                members=1,
                can=[],
            )
        )

    @property
    def asking(self) -> bool:
        return self.replica.standing is Standing.JOINING

    @precondition(lambda self: self.wire)
    @rule(count=st.integers(1, 5))
    def read(self, count: int) -> None:
        while self.wire and count:
            count -= 1
            match self.wire.popleft():
                case JoinResult() as reply:
                    for event in self.replica.answer(reply, full=self.full):
                        self.hand_on(event)
                case Push() as message:
                    self.take(message)

    @precondition(lambda self: any(isinstance(item, Push) for item in self.wire))
    @rule(kind=st.sampled_from(["lost", "doubled", "swapped"]), data=st.data())
    def mishap(self, kind: str, data: st.DataObject) -> None:
        """A push is lost or moved, which no connection does, or comes twice."""
        at = data.draw(st.sampled_from([index for index, item in enumerate(self.wire) if isinstance(item, Push)]))
        if kind == "doubled":
            self.wire.insert(at, self.wire[at])
            return
        message = self.wire[at]
        del self.wire[at]
        # A reply waits for no push, and no push is moved over one.
        if kind == "swapped" and at < len(self.wire) and isinstance(self.wire[at], Push):
            self.wire.insert(at + 1, message)
        self.lossless = False

    @rule(what=st.sampled_from(["cut", "cut", "recreated", "full", "drained"]))
    def trouble(self, what: str) -> None:
        match what:
            case "full":
                self.full = True
                self.replica.fall_behind()
            case "drained":
                self.full = False
            case _:
                self.wire.clear()
                self.member = False
                self.replica.lose()
        if what == "recreated":
            self.epoch += 1
            self.log, self.published, self.erased, self.head = [], [], set(), 0

    def take(self, message: Push) -> None:
        match self.replica.take(message):
            case Verdict.DELIVER:
                self.hand_on(message)
            case Verdict.REJOIN:
                assert not self.lossless, "a gap was seen where there was none"

    def hand_on(self, event: Joined | Push) -> None:
        if isinstance(event, Push):
            assert event.seq is not None
            self.got.append(event.seq)
        elif not event.recovered:
            self.base, self.got = event.position, []

    @invariant()
    def every_message_once_and_in_order(self) -> None:
        assert self.got == sorted(set(self.got))
        position = self.replica.position
        if position is None or self.base is None or position.epoch != str(self.epoch):
            return
        assert position.epoch == self.base.epoch
        due = [seq for seq in self.published if self.base.seq < seq <= position.seq]
        assert set(self.got) <= set(due)
        assert [seq for seq in due if seq not in self.got and seq not in self.erased] == []


def push(seq: int, prev: int) -> Push:
    return Push(push="chat.message", room="session:a", seq=seq, prev=prev, data={})


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)

"""Presence converges, whatever is lost, repeated or late, and whoever dies."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.protocol.messages import Person
from gateway.realtime.presence import Ask, Message, Presence, Whole

GRACE, SILENCE = 5.0, 12.0


def person(id: str, since: int = 0) -> Person:
    return Person(id, id.upper(), "student", since)


def wire(*nodes: Presence, now: float = 0.0, lose: bool = False) -> None:
    """Carry what each node has to say to all others, and their answers, until nobody says anything."""
    messages: list[Message] = [delta for node in nodes if (delta := node.tell(now)) is not None]
    if lose:
        return
    messages += [node.digest() for node in nodes]
    while messages:
        message = messages.pop(0)
        for node in nodes:
            answer = node.hear(message, now)
            if answer is not None:
                messages += answer.parts() if isinstance(answer, Whole) else [answer]


def ids(presence: Presence) -> set[str]:
    presence.change()
    people, more = presence.page("", 10_000)
    assert not more
    return {each.id for each in people}


def test_two_nodes_see_each_others_members() -> None:
    a, b = Presence("a"), Presence("b")
    a.enter(person("x"))
    b.enter(person("y"))
    wire(a, b)
    assert ids(a) == ids(b) == {"x", "y"}


def test_three_tabs_on_two_nodes_are_one_member() -> None:
    a, b = Presence("a"), Presence("b")
    for node in (a, a, b):
        node.enter(person("x"))
    wire(a, b)
    for node in (a, b):
        change = node.change()
        assert change is not None
        assert change.count == 1
    a.leave("x", 0.0)
    b.leave("x", 0.0)
    wire(a, b, now=GRACE + 1)
    assert a.change() is None
    a.leave("x", 10.0)
    wire(a, b, now=10.0 + GRACE)
    left = b.change()
    assert left is not None
    assert left.leave == ["x"]


def test_who_comes_back_within_the_grace_was_never_away() -> None:
    a, b = Presence("a"), Presence("b")
    a.enter(person("x"))
    wire(a, b)
    assert ids(a) == ids(b) == {"x"}
    a.leave("x", 0.0)
    wire(a, b, now=1.0)
    # On the other node this time, as after a restart of the first.
    b.enter(person("x"))
    wire(a, b, now=2.0)
    wire(a, b, now=60.0)
    assert a.change() is None
    assert b.change() is None


def test_a_lost_delta_is_noticed_by_the_next_digest() -> None:
    a, b = Presence("a"), Presence("b")
    a.enter(person("x"))
    wire(a, b)
    a.enter(person("y"))
    wire(a, b, lose=True)
    assert ids(b) == {"x"}
    assert b.hear(a.digest(), 1.0) == Ask("a")
    wire(a, b, now=1.0)
    assert ids(b) == {"x", "y"}


def test_a_silent_node_is_dropped_with_its_members() -> None:
    a, b = Presence("a"), Presence("b")
    a.enter(person("x"))
    a.enter(person("z"))
    b.enter(person("z"))
    wire(a, b)
    ids(b)
    b.forget_silent(SILENCE)
    assert b.change() is None
    b.forget_silent(SILENCE + 0.1)
    change = b.change()
    assert change is not None
    assert (change.leave, change.count) == (["x"], 1)


def test_a_large_room_is_counted_and_not_listed() -> None:
    a = Presence("a", listed=3)
    for number in range(3):
        a.enter(person(str(number)))
    small = a.change()
    assert small is not None
    assert small.join is not None
    a.enter(person("3"))
    large = a.change()
    assert large is not None
    assert (large.v, large.count, large.join, large.leave) == (2, 4, None, None)


def test_a_large_replica_travels_in_parts() -> None:
    a, b = Presence("a"), Presence("b")
    for number in range(9001):
        a.enter(person(str(number)))
    a.tell(0.0)
    parts = a.whole().parts()
    assert [(len(part.people), part.size) for part in parts] == [(4000, 9001), (4000, 9001), (1001, 9001)]
    for part in parts:
        b.hear(part, 0.0)
    assert len(ids(b)) == 9001


def test_a_replica_of_which_a_part_was_lost_is_asked_for_again() -> None:
    a = Presence("a")
    for number in range(9001):
        a.enter(person(str(number)))
    a.tell(0.0)
    parts = a.whole().parts()
    for lost in range(3):
        c = Presence("c")
        for part in parts[:lost] + parts[lost + 1 :]:
            c.hear(part, 0.0)
        assert ids(c) == set()
        assert c.hear(a.digest(), 0.0) == Ask("a")
        # Two answers whose parts come mixed are as good as one.
        for part in (parts[0], parts[0], parts[1], parts[2], parts[1], parts[2]):
            c.hear(part, 0.0)
        assert len(ids(c)) == 9001


def test_pages_are_by_id() -> None:
    a = Presence("a")
    for id in ("c", "a", "b"):
        a.enter(person(id))
    a.change()
    first, more = a.page("", 2)
    rest, end = a.page("b", 2)
    assert ([each.id for each in first], more) == (["a", "b"], True)
    assert ([each.id for each in rest], end) == (["c"], False)


class Cluster(RuleBasedStateMachine):
    """Three nodes, some people, and a network that loses, repeats and delays what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.made = 3
        self.nodes = {str(number): Presence(str(number)) for number in range(3)}
        self.sockets: dict[str, list[str]] = {node: [] for node in self.nodes}
        self.flying: list[Message] = []
        self.seen: dict[str, set[str]] = {node: set() for node in self.nodes}

    @rule(number=st.integers(0, 2), who=st.sampled_from("uvwxyz"))
    def enter(self, number: int, who: str) -> None:
        node = sorted(self.nodes)[number]
        self.nodes[node].enter(person(who, int(self.now)))
        self.sockets[node].append(who)

    @rule(number=st.integers(0, 2), pick=st.integers(0, 9))
    def leave(self, number: int, pick: int) -> None:
        node = sorted(self.nodes)[number]
        if self.sockets[node]:
            who = self.sockets[node].pop(pick % len(self.sockets[node]))
            self.nodes[node].leave(who, self.now)

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(number=st.integers(0, 2), digest=st.booleans())
    def speak(self, number: int, digest: bool) -> None:
        node = self.nodes[sorted(self.nodes)[number]]
        if (delta := node.tell(self.now)) is not None:
            self.flying.append(delta)
        if digest:
            self.flying.append(node.digest())

    @precondition(lambda self: self.flying)
    @rule(pick=st.integers(0, 99), number=st.integers(0, 2), keep=st.booleans())
    def carry(self, pick: int, number: int, keep: bool) -> None:
        """To one node only, out of order, and perhaps again later."""
        place = pick % len(self.flying)
        message = self.flying[place] if keep else self.flying.pop(place)
        answer = self.nodes[sorted(self.nodes)[number]].hear(message, self.now)
        if answer is not None:
            self.flying += answer.parts() if isinstance(answer, Whole) else [answer]

    @precondition(lambda self: self.flying)
    @rule()
    def lose(self) -> None:
        self.flying.clear()

    @rule(number=st.integers(0, 2))
    def die(self, number: int) -> None:
        """A node is killed; its place is taken by another, which knows nothing."""
        node = sorted(self.nodes)[number]
        del self.nodes[node], self.sockets[node], self.seen[node]
        fresh = str(self.made)
        self.made += 1
        self.nodes[fresh], self.sockets[fresh], self.seen[fresh] = Presence(fresh), [], set()

    @rule(number=st.integers(0, 2))
    def show(self, number: int) -> None:
        """The pushes a client adds up give the same as what the node shows."""
        node = sorted(self.nodes)[number]
        presence, before = self.nodes[node], self.nodes[node].v
        change = presence.change()
        if change is None:
            return
        assert change.v == before + 1
        self.seen[node] |= {each.id for each in change.join or []}
        self.seen[node] -= set(change.leave or [])
        assert len(self.seen[node]) == change.count

    @invariant()
    def nobody_is_missing_at_home(self) -> None:
        for node, presence in self.nodes.items():
            assert presence.count >= len(set(self.sockets[node]))

    def teardown(self) -> None:
        """Once the network works again, everyone agrees on who has a socket anywhere."""
        self.now += GRACE
        for step in (0.0, 1.0, 2.0, SILENCE, SILENCE + 1, SILENCE + 2):
            wire(*self.nodes.values(), now=self.now + step)
            for presence in self.nodes.values():
                presence.forget_silent(self.now + step)
        everyone = {who for sockets in self.sockets.values() for who in sockets}
        for presence in self.nodes.values():
            assert presence.count == len(everyone)
            assert ids(presence) == everyone


TestConvergence = Cluster.TestCase
TestConvergence.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

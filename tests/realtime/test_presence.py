"""Presence converges, although messages are lost, repeated and late, and nodes die."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.protocol.messages import Person
from gateway.realtime.presence import Message, ReplicaRequest, RoomPresence, Whole

GRACE, SILENCE = 5.0, 12.0
# How long the members of a departed node stay. Its clients were told to come back within 25 s.
STAY = 30.0


def person(id: str, since: int = 0) -> Person:
    return Person(id, id.upper(), "student", since)


def wire(*nodes: RoomPresence, now: float = 0.0, lose: bool = False) -> None:
    """Carry every node's messages and the answers to all others, until no node sends any more."""
    messages: list[Message] = [delta for node in nodes if (delta := node.take_delta(now)) is not None]
    if lose:
        return
    # A node without members says nothing, so the others forget it by its silence.
    messages += [node.digest() for node in nodes if not node.empty]
    while messages:
        message = messages.pop(0)
        for node in nodes:
            messages += answers(node, message, now)


def answers(node: RoomPresence, message: Message, now: float) -> list[Message]:
    """A node's answers to a message, in the parts in which they travel."""
    said: list[Message] = []
    for answer in node.receive(message, now):
        said += answer.parts() if isinstance(answer, Whole) else [answer]
    return said


def ids(presence: RoomPresence) -> set[str]:
    presence.take_change()
    people, more = presence.page("", 10_000)
    assert not more
    return {each.id for each in people}


def test_two_nodes_see_each_others_members() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    a.enter(person("x"))
    b.enter(person("y"))
    wire(a, b)
    assert ids(a) == ids(b) == {"x", "y"}


def test_three_tabs_on_two_nodes_are_one_member() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    for node in (a, a, b):
        node.enter(person("x"))
    wire(a, b)
    for node in (a, b):
        change = node.take_change()
        assert change is not None
        assert change.count == 1
    a.leave("x", 0.0)
    b.leave("x", 0.0)
    wire(a, b, now=GRACE + 1)
    assert a.take_change() is None
    a.leave("x", 10.0)
    wire(a, b, now=10.0 + GRACE)
    left = b.take_change()
    assert left is not None
    assert left.leave == ["x"]


def test_who_comes_back_within_the_grace_was_never_away() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    a.enter(person("x"))
    wire(a, b)
    assert ids(a) == ids(b) == {"x"}
    a.leave("x", 0.0)
    wire(a, b, now=1.0)
    # The person comes back on the other node, as after a restart of the first.
    b.enter(person("x"))
    wire(a, b, now=2.0)
    wire(a, b, now=60.0)
    assert a.take_change() is None
    assert b.take_change() is None


def test_a_lost_delta_is_noticed_by_the_next_digest() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    a.enter(person("x"))
    wire(a, b)
    a.enter(person("y"))
    wire(a, b, lose=True)
    assert ids(b) == {"x"}
    assert b.receive(a.digest(), 1.0) == (ReplicaRequest("a"),)
    wire(a, b, now=1.0)
    assert ids(b) == {"x", "y"}


def test_a_silent_node_is_dropped_with_its_members() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    a.enter(person("x"))
    a.enter(person("z"))
    b.enter(person("z"))
    wire(a, b)
    ids(b)
    b.forget_silent(SILENCE)
    assert b.take_change() is None
    b.forget_silent(SILENCE + 0.1)
    change = b.take_change()
    assert change is not None
    assert (change.leave, change.count) == (["x"], 1)


def test_a_large_room_is_counted_and_not_listed() -> None:
    a = RoomPresence("a", listed=3)
    for number in range(3):
        a.enter(person(str(number)))
    small = a.take_change()
    assert small is not None
    assert small.join is not None
    a.enter(person("3"))
    large = a.take_change()
    assert large is not None
    assert (large.v, large.count, large.join, large.leave) == (2, 4, None, None)


def test_a_large_replica_travels_in_parts() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    for number in range(9001):
        a.enter(person(str(number)))
    a.take_delta(0.0)
    parts = a.whole().parts()
    assert [(len(part.people), part.size) for part in parts] == [(4000, 9001), (4000, 9001), (1001, 9001)]
    for part in parts:
        b.receive(part, 0.0)
    assert len(ids(b)) == 9001


def test_a_replica_of_which_a_part_was_lost_is_asked_for_again() -> None:
    a = RoomPresence("a")
    for number in range(9001):
        a.enter(person(str(number)))
    a.take_delta(0.0)
    parts = a.whole().parts()
    for lost in range(3):
        c = RoomPresence("c")
        for part in parts[:lost] + parts[lost + 1 :]:
            c.receive(part, 0.0)
        assert ids(c) == set()
        assert c.receive(a.digest(), 0.0) == (ReplicaRequest("a"),)
        # The parts of two answers may come mixed.
        for part in (parts[0], parts[0], parts[1], parts[2], parts[1], parts[2]):
            c.receive(part, 0.0)
        assert len(ids(c)) == 9001


def test_pages_are_by_id() -> None:
    a = RoomPresence("a")
    for id in ("c", "a", "b"):
        a.enter(person(id))
    a.take_change()
    first, more = a.page("", 2)
    rest, end = a.page("b", 2)
    assert ([each.id for each in first], more) == (["a", "b"], True)
    assert ([each.id for each in rest], end) == (["c"], False)


def goodbye(node: RoomPresence, *others: RoomPresence, now: float, clients: str = "") -> None:
    """The node says goodbye to the others, and its clients' sockets close."""
    wire(node, *others, now=now)
    node.depart(STAY)
    wire(node, *others, now=now)
    for who in clients:
        node.leave(who, now)


def beat(*nodes: RoomPresence, now: float) -> None:
    wire(*nodes, now=now)
    for node in nodes:
        node.forget_silent(now)


def test_whose_node_goes_away_and_who_is_back_in_time_was_never_away() -> None:
    """The stay may be longer than the grace, and longer than the silence."""
    a, b = RoomPresence("a"), RoomPresence("b")
    for who in "xyz":
        a.enter(person(who))
    b.enter(person("w"))
    wire(a, b)
    assert ids(b) == {"w", "x", "y", "z"}
    goodbye(a, b, now=0.0, clients="xyz")
    for second in range(1, 60):
        # The departing node sends its goodbye until it has ended. After that it is silent.
        beat(*((a, b) if second < 8 else (b,)), now=float(second))
        if second in (3, 9, 27):
            b.enter(person({3: "x", 9: "y", 27: "z"}[second]))
        assert b.take_change() is None, second
    assert ids(b) == {"w", "x", "y", "z"}


def test_who_does_not_come_back_is_gone_when_the_time_is_over_though_the_node_still_speaks() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    a.enter(person("x"))
    b.enter(person("w"))
    wire(a, b)
    assert ids(b) == {"w", "x"}
    goodbye(a, b, now=0.0, clients="x")
    beat(a, b, now=STAY - 0.5)
    assert b.take_change() is None
    beat(a, b, now=STAY)
    change = b.take_change()
    assert change is not None
    assert change.leave == ["x"]
    for later in (1.0, 2.0, STAY, 2 * STAY):
        beat(a, b, now=STAY + later)
        assert b.take_change() is None


def test_who_was_back_and_leaves_is_not_held_by_the_node_that_went_away() -> None:
    a, b, c = RoomPresence("a"), RoomPresence("b"), RoomPresence("c")
    a.enter(person("x"))
    # The person has another tab on a node that stays, so the return changes nothing there.
    b.enter(person("x"))
    wire(a, b, c)
    for node in (b, c):
        assert ids(node) == {"x"}
    goodbye(a, b, c, now=0.0, clients="x")
    b.enter(person("x"))
    beat(b, c, now=1.0)
    for _ in range(2):
        b.leave("x", 1.0)
    beat(b, c, now=1.0 + GRACE)
    for node in (b, c):
        change = node.take_change()
        assert change is not None
        assert change.leave == ["x"]


def test_a_new_node_is_told_who_is_on_the_way_back() -> None:
    a, b, c = RoomPresence("a"), RoomPresence("b"), RoomPresence("c")
    for who in "xy":
        a.enter(person(who))
    b.enter(person("w"))
    wire(a, b)
    goodbye(a, b, now=0.0, clients="xy")
    b.enter(person("x"))
    beat(b, now=1.0)
    b.enter(person("y"))
    # The first node's successor: it asks when it opens the room, when the first node has ended and the one
    # that stayed has not told yet who has just come back to it.
    for answer in answers(b, ReplicaRequest(""), 6.0):
        c.receive(answer, 6.0)
    assert ids(c) == {"w", "x", "y"}
    b.leave("y", 6.0)
    c.enter(person("y"))
    for second in range(7, 50):
        beat(b, c, now=float(second))
        assert c.take_change() is None
    c.leave("y", 50.0)
    beat(b, c, now=50.0 + GRACE)
    change = c.take_change()
    assert change is not None
    assert change.leave == ["y"]
    # A person who never comes back is gone there at the same time as elsewhere.
    d = RoomPresence("d")
    a, b = RoomPresence("a2"), RoomPresence("b2")
    a.enter(person("z"))
    wire(a, b)
    goodbye(a, b, now=0.0, clients="z")
    for answer in answers(b, ReplicaRequest(""), STAY - 1):
        d.receive(answer, STAY - 1)
    assert ids(d) == {"z"}
    d.forget_silent(STAY)
    assert ids(d) == set()


def test_a_goodbye_that_comes_before_the_last_change_is_believed_when_that_is_known() -> None:
    a, b = RoomPresence("a"), RoomPresence("b")
    a.enter(person("x"))
    wire(a, b)
    a.enter(person("y"))
    late = a.take_delta(0.0)
    assert late is not None
    a.depart(STAY)
    assert b.receive(a.digest(), 0.0) == (ReplicaRequest("a"),)
    b.receive(late, 0.0)
    assert ids(b) == {"x", "y"}
    beat(b, now=STAY - 1)
    assert ids(b) == {"x", "y"}
    beat(b, now=STAY)
    assert ids(b) == set()


def test_a_whole_replica_says_as_much_as_a_goodbye_and_takes_nothing_back() -> None:
    a, b, c = RoomPresence("a"), RoomPresence("b"), RoomPresence("c")
    a.enter(person("x"))
    wire(a, b)
    a.enter(person("y"))
    a.take_delta(0.0)
    before = a.whole()
    a.depart(STAY)
    # One node does not know the replica. The other missed a change and gets an answer from before the goodbye.
    assert c.receive(a.digest(), 0.0) == (ReplicaRequest("a"),)
    c.receive(a.whole(), 0.0)
    b.receive(a.digest(), 0.0)
    b.receive(before, 0.0)
    for node in (b, c):
        beat(node, now=STAY - 1)
        assert ids(node) == {"x", "y"}
        beat(node, now=STAY)
        assert ids(node) == set()


def test_a_return_that_was_lost_is_learned_from_the_whole_replica_and_not_undone_by_others() -> None:
    a, b, c, d = (RoomPresence(name) for name in "abcd")
    a.enter(person("x"))
    b.enter(person("w"))
    wire(a, b, c, d)
    goodbye(a, b, c, d, now=0.0, clients="x")
    b.enter(person("x"))
    wire(b, c, d, now=1.0, lose=True)
    wire(b, c, now=2.0)
    # The other node has not heard the goodbye yet, and answers with what it knows.
    for answer in answers(d, ReplicaRequest(""), 2.0):
        b.receive(answer, 2.0)
        c.receive(answer, 2.0)
    b.leave("x", 2.0)
    beat(b, c, now=2.0 + GRACE)
    for node in (b, c):
        assert ids(node) == {"w"}


class Cluster(RuleBasedStateMachine):
    """Three nodes, some people, and a network that loses, repeats and delays messages."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.made = 3
        self.nodes = {str(number): RoomPresence(str(number)) for number in range(3)}
        self.sockets: dict[str, list[str]] = {node: [] for node in self.nodes}
        self.departed: set[str] = set()
        self.flying: list[Message] = []
        self.seen: dict[str, set[str]] = {node: set() for node in self.nodes}

    @rule(number=st.integers(0, 2), who=st.sampled_from("uvwxyz"))
    def enter(self, number: int, who: str) -> None:
        node = sorted(self.nodes)[number]
        if node in self.departed:
            return
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
        if (delta := node.take_delta(self.now)) is not None:
            self.flying.append(delta)
        if digest and not node.empty:
            self.flying.append(node.digest())

    @precondition(lambda self: self.flying)
    @rule(pick=st.integers(0, 99), number=st.integers(0, 2), keep=st.booleans())
    def carry(self, pick: int, number: int, keep: bool) -> None:
        """Deliver a message to one node only, out of order, and perhaps again later."""
        place = pick % len(self.flying)
        message = self.flying[place] if keep else self.flying.pop(place)
        self.flying += answers(self.nodes[sorted(self.nodes)[number]], message, self.now)

    @precondition(lambda self: self.flying)
    @rule()
    def lose(self) -> None:
        self.flying.clear()

    @rule(number=st.integers(0, 2))
    def depart(self, number: int) -> None:
        """A node shuts down: it says goodbye, closes its sockets, and works on for a while."""
        node = sorted(self.nodes)[number]
        presence = self.nodes[node]
        if (delta := presence.take_delta(self.now)) is not None:
            self.flying.append(delta)
        presence.depart(STAY)
        self.flying.append(presence.digest())
        self.departed.add(node)
        while self.sockets[node]:
            presence.leave(self.sockets[node].pop(), self.now)

    @rule(number=st.integers(0, 2))
    def die(self, number: int) -> None:
        """A node is killed, and a new one that knows nothing takes its place."""
        node = sorted(self.nodes)[number]
        del self.nodes[node], self.sockets[node], self.seen[node]
        fresh = str(self.made)
        self.made += 1
        self.nodes[fresh], self.sockets[fresh], self.seen[fresh] = RoomPresence(fresh), [], set()

    @rule(number=st.integers(0, 2))
    def show(self, number: int) -> None:
        """A client that adds up the pushes gets the list that the node shows."""
        node = sorted(self.nodes)[number]
        presence, before = self.nodes[node], self.nodes[node].v
        change = presence.take_change()
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
        """Once the network works again, all nodes agree on who has a socket on any node."""
        self.now += GRACE
        steps = (0.0, 1.0, 2.0, SILENCE, SILENCE + 1, SILENCE + 2, STAY, STAY + 1)
        for step in steps:
            beat(*self.nodes.values(), now=self.now + step)
        everyone = {who for sockets in self.sockets.values() for who in sockets}
        # A departing node has no members that could see its list.
        for node in self.nodes.keys() - self.departed:
            presence = self.nodes[node]
            assert presence.count == len(everyone)
            assert ids(presence) == everyone


TestConvergence = Cluster.TestCase
TestConvergence.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

"""Who is in a room, over all nodes. Each node reports its own members, and every node merges the reports.

The members on a node are a replica, which that node alone changes. It sends each change with a clock that rises by one,
and every few seconds the clock alone. A node that missed a change asks for the whole replica. A node that is silent for
too long counts as gone, with its replica. A restarted process is a new node.

A person is in the room as long as any replica has them. So three tabs on two nodes are one member. A person who comes
back within the grace was never away.

A node that shuts down says goodbye. Its replica no longer changes, and stays for the time that its clients have to
reconnect. A client that joins on another node leaves that replica. So nobody is seen to leave and to come again. A
person who does not come back is gone at the end of that time. A new node learns of such replicas from the others.

There is no IO here, and the time comes in as an argument. The idea is that of Phoenix.Presence: a replica on each node,
merged without a leader.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import msgspec

from gateway.protocol.messages import Person

# People in one message. A person takes about 100 bytes, and NATS carries 1 MiB a message by default.
PART: Final = 4000


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """The change of a node's replica from `clock` - 1 to `clock`."""

    node: str
    clock: int
    join: list[Person]
    leave: list[str]


class Digest(msgspec.Struct, frozen=True, tag="digest"):
    """A sign of life: the node's replica is at `clock`."""

    node: str
    clock: int


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """A node shuts down with its replica at `clock`. Its members stay for `stay` seconds, or until they are back."""

    node: str
    clock: int
    stay: float


class ReplicaRequest(msgspec.Struct, frozen=True, tag="ask"):
    """A node asks for whole replicas: that of one node, or all of them when `node` is empty."""

    node: str


class Whole(msgspec.Struct, frozen=True, tag="whole"):
    """A node's whole replica of `size` people, as of `clock`. A large one comes in several messages.

    With `stay` the node shuts down or has gone, as after a goodbye.
    """

    node: str
    clock: int
    people: list[Person]
    size: int
    stay: float | None = None

    def parts(self) -> list[Whole]:
        """The same replica in pieces that fit into a NATS message."""
        pieces = [self.people[start : start + PART] for start in range(0, len(self.people), PART)] or [[]]
        return [Whole(self.node, self.clock, piece, self.size, self.stay) for piece in pieces]


Message = Delta | Digest | Goodbye | ReplicaRequest | Whole


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """The data of the push `presence`. Large rooms get it without `join` and `leave`."""

    v: int
    count: int
    join: list[Person] | None = None
    leave: list[str] | None = None


@dataclass(slots=True)
class _Replica:
    clock: int
    people: dict[str, Person]
    heard: float
    # The end of its stay, once its node has said goodbye.
    until: float = math.inf

    @property
    def departed(self) -> bool:
        return self.until < math.inf


@dataclass(slots=True)
class _Here:
    """A person on this node: their connections, and until when they stay without one."""

    person: Person
    connections: int = 0
    until: float = 0.0


@dataclass(slots=True)
class RoomPresence:
    """The presence of one room as one node knows it."""

    node: str
    grace: float = 5.0
    silence: float = 12.0
    listed: int = 200
    v: int = 0
    # The people on this node, and those of them that the other nodes were told of: our replica.
    _here: dict[str, _Here] = field(default_factory=dict)
    _told: dict[str, Person] = field(default_factory=dict)
    _clock: int = 0
    # The replicas of other nodes.
    _others: dict[str, _Replica] = field(default_factory=dict)
    # The people as the members on this node were last told.
    _shown: dict[str, Person] = field(default_factory=dict)
    # People who may have come or gone since then.
    _touched: set[str] = field(default_factory=set)
    # Everyone who is in any replica.
    _present: set[str] = field(default_factory=set)
    # People who came or left on this node, which the other nodes were not told yet.
    _untold: set[str] = field(default_factory=set)
    # Replicas whose parts are not complete, by node.
    _parts: dict[str, tuple[int, dict[str, Person]]] = field(default_factory=dict)
    # People without a connection on this node, who leave when the grace is over.
    _going: set[str] = field(default_factory=set)
    # People who came here from a node that has shut down.
    _back: set[str] = field(default_factory=set)
    # Nodes that have shut down and whose stay is over. Their messages are ignored.
    _over: set[str] = field(default_factory=set)
    # Once this node shuts down: for how many seconds its members stay.
    _stay: float | None = None
    # The ids of `_shown` in order, made when a page is asked for.
    _order: list[str] | None = None

    @property
    def count(self) -> int:
        """How many people are in the room now."""
        return len(self._present)

    @property
    def shown(self) -> int:
        """How many people there are at version `v`, as the members were last told."""
        return len(self._shown)

    @property
    def empty(self) -> bool:
        """Whether this node has no members and has reported none."""
        return not self._here and not self._told

    def enter(self, person: Person) -> None:
        """A connection of this person joined on this node."""
        here = self._here.get(person.id)
        if here is None:
            here = self._here[person.id] = _Here(person)
            self._touch((person.id,))
            self._untold.add(person.id)
        here.connections += 1
        self._going.discard(person.id)
        if any(person.id in replica.people for replica in self._others.values() if replica.departed):
            # Told even when we reported the person before: the other nodes take them out of the departed replica.
            self._back.add(person.id)
            self._untold.add(person.id)

    def leave(self, user_id: str, now: float) -> None:
        """A connection of this person left. After the last one, the person leaves when the grace is over."""
        here = self._here.get(user_id)
        if here is None:
            return
        here.connections -= 1
        if here.connections <= 0:
            here.until = now + self.grace
            self._going.add(user_id)

    def expel(self, user_id: str, now: float) -> None:
        """All connections of this person were evicted: the person leaves without the grace."""
        here = self._here.get(user_id)
        if here is not None:
            here.connections = 0
            here.until = now
            self._going.add(user_id)

    def depart(self, stay: float) -> None:
        """This node shuts down: its replica stays as it is for so many seconds, and no change is reported any more."""
        self._stay = stay

    def take_delta(self, now: float) -> Delta | None:
        """The changes among this node's members since the last call, for the other nodes."""
        if self._stay is not None:
            return None
        for user_id in [user_id for user_id in self._going if self._here[user_id].until <= now]:
            self._going.discard(user_id)
            del self._here[user_id]
            self._touch((user_id,))
            self._untold.add(user_id)
        here, told = self._here, self._told
        join = [
            here[user_id].person
            for user_id in self._untold
            if user_id in here and (user_id not in told or user_id in self._back)
        ]
        leave = [user_id for user_id in self._untold if user_id in told and user_id not in here]
        self._untold.clear()
        self._back.clear()
        if not join and not leave:
            return None
        for person in join:
            self._told[person.id] = person
            # In the same step: a reader finds the person either in our replica or in the departed one.
            self._returned(person.id)
        for user_id in leave:
            del self._told[user_id]
        self._clock += 1
        return Delta(self.node, self._clock, join, leave)

    def digest(self) -> Digest | Goodbye:
        """The sign of life, or the goodbye of a node that shuts down."""
        return Digest(self.node, self._clock) if self._stay is None else Goodbye(self.node, self._clock, self._stay)

    def whole(self) -> Whole:
        return Whole(self.node, self._clock, list(self._told.values()), len(self._told), self._stay)

    def receive(self, message: Message, now: float) -> Sequence[Message]:
        """Apply a message of a node. Returns the messages to send in answer."""
        match message:
            case ReplicaRequest(node):
                own = [self.whole()] if node in ("", self.node) and not self.empty else []
                return own + self._departed(now) if not node else own
            case Delta(node) | Digest(node) | Goodbye(node) | Whole(node) if node == self.node or node in self._over:
                return ()
            case Whole(node, clock, people, size, stay):
                self._gather(node, clock, people, size, stay, now)
                return ()
            case Delta(node, clock, join, leave):
                replica = self._others.get(node)
                if replica is None and clock == 1:
                    replica = self._others[node] = _Replica(0, {}, now)
                if replica is None or clock > replica.clock + 1:
                    return (ReplicaRequest(node),)
                replica.heard = now
                if clock == replica.clock + 1:
                    replica.clock = clock
                    replica.people.update({person.id: person for person in join})
                    for user_id in leave:
                        replica.people.pop(user_id, None)
                    if not replica.departed:
                        for person in join:
                            self._returned(person.id)
                    self._touch([*(person.id for person in join), *leave])
                return ()
            case Digest(node, clock) | Goodbye(node, clock):
                replica = self._others.get(node)
                if replica is None:
                    return (ReplicaRequest(node),) if clock else ()
                replica.heard = now
                if isinstance(message, Goodbye):
                    replica.until = min(replica.until, now + message.stay)
                return (ReplicaRequest(node),) if clock > replica.clock else ()

    def was_stopped(self, seconds: float, now: float) -> None:
        """This node did not read for so many seconds, which are not the silence of the others."""
        for replica in self._others.values():
            replica.heard = min(now, replica.heard + seconds)

    def forget_silent(self, now: float) -> None:
        """Drop the replicas of nodes that are silent for too long, or whose stay after a goodbye is over."""
        for node, replica in list(self._others.items()):
            if now >= replica.until:
                # The node may still send while it finishes its work, and other nodes may still pass its replica on.
                self._over.add(node)
            elif replica.departed or now - replica.heard <= self.silence:
                continue
            self._touch(self._others.pop(node).people)
            self._parts.pop(node, None)

    def take_change(self) -> Change | None:
        """The change in the room since the last call, for the members on this node."""
        join: list[Person] = []
        leave: list[str] = []
        for user_id in self._touched:
            person = self._find(user_id)
            if person is not None and user_id not in self._shown:
                self._shown[user_id] = person
                join.append(person)
            elif person is None and self._shown.pop(user_id, None) is not None:
                leave.append(user_id)
        self._touched.clear()
        if not join and not leave:
            return None
        self._order = None
        self.v += 1
        if len(self._shown) > self.listed:
            return Change(self.v, len(self._shown))
        return Change(self.v, len(self._shown), sorted(join, key=lambda person: person.id), sorted(leave))

    def page(self, after: str, limit: int) -> tuple[list[Person], bool]:
        """The people with an id above `after`, by id, and whether there are more."""
        if self._order is None:
            self._order = sorted(self._shown)
        start = bisect_right(self._order, after)
        ids = list(islice(self._order, start, start + limit))
        return [self._shown[user_id] for user_id in ids], start + limit < len(self._order)

    def people(self) -> list[Person]:
        """Everyone who is in the room now, by id."""
        return [person for user_id in sorted(self._present) if (person := self._find(user_id)) is not None]

    def _returned(self, user_id: str) -> None:
        """Take a person who came to a node out of the departed replicas."""
        for replica in self._others.values():
            if replica.departed:
                replica.people.pop(user_id, None)

    def _departed(self, now: float) -> list[Message]:
        """The replicas of nodes that have shut down, which can no longer report them."""
        return [
            Whole(node, replica.clock, list(replica.people.values()), len(replica.people), replica.until - now)
            for node, replica in self._others.items()
            if replica.departed and replica.until > now
        ]

    def _gather(self, node: str, clock: int, people: list[Person], size: int, stay: float | None, now: float) -> None:
        """Collect the parts of a replica, and apply it when it is complete. A part of another clock starts over."""
        known, gathered = self._parts.pop(node, (clock, {}))
        if known != clock:
            gathered = {}
        gathered.update((person.id, person) for person in people)
        if len(gathered) < size:
            self._parts[node] = (clock, gathered)
        else:
            self._replace(node, clock, gathered, math.inf if stay is None else now + stay, now)

    def _replace(self, node: str, clock: int, people: dict[str, Person], until: float, now: float) -> None:
        replica = self._others.get(node)
        if replica is not None:
            # For a departed node, this node may already know who is back.
            if clock < replica.clock or (replica.departed and clock == replica.clock):
                return
            until = min(until, replica.until)
        self._others[node] = _Replica(clock, people, now, until)
        if replica is None:
            self._touch(people)
            return
        if until == math.inf:
            for user_id in people.keys() - replica.people.keys():
                self._returned(user_id)
        self._touch(replica.people.keys() | people.keys())

    def _touch(self, user_ids: Iterable[str]) -> None:
        """Note that these people may have come or gone."""
        for user_id in user_ids:
            self._touched.add(user_id)
            if self._find(user_id) is None:
                self._present.discard(user_id)
            else:
                self._present.add(user_id)

    def _find(self, user_id: str) -> Person | None:
        """The person, from the replica that has them longest."""
        found = [replica.people[user_id] for replica in self._others.values() if user_id in replica.people]
        if (here := self._here.get(user_id)) is not None:
            found.append(here.person)
        return min(found, key=lambda person: person.since, default=None)

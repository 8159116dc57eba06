"""Who is in a room, over all nodes: each node speaks for its own members, and every node merges what it hears.

A node's members are a replica that it alone changes. It tells the others what changed, under a clock that
rises by one, and every few seconds only the clock. Who misses a step asks for the whole replica. A node
that is silent too long is gone, and its replica with it; a restarted process is another node. A person
is in the room as long as any replica has them, so three tabs on two nodes are one member, and
who comes back within the grace was never away. No IO, and time comes in as an argument.

A node that goes away on purpose says goodbye: its replica, which changes no more, stays for the time its clients
have to come back, and each of them leaves it when they turn up at another node. So nobody goes and comes, and who
does not come back is gone when that time is over. A node that is new is told of such replicas by the others.

The idea is Phoenix.Presence's: a replica a node, merged without a leader.
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

# About 100 bytes a person; NATS carries 1 MiB a message by default.
PART: Final = 4000


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """What changed in a node's replica, from `clock` - 1 to `clock`."""

    node: str
    clock: int
    join: list[Person]
    leave: list[str]


class Digest(msgspec.Struct, frozen=True, tag="digest"):
    """A node is alive, and its replica is at `clock`."""

    node: str
    clock: int


class Goodbye(msgspec.Struct, frozen=True, tag="goodbye"):
    """A node goes away with its replica at `clock`; its members stay for so many seconds, or until they are back."""

    node: str
    clock: int
    stay: float


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Someone wants whole replicas: of one node, or of all when `node` is empty."""

    node: str


class Whole(msgspec.Struct, frozen=True, tag="whole"):
    """A node's whole replica of `size` people, as of `clock`; in several messages when it is large.

    With `stay` the node goes away or has gone, as by a goodbye.
    """

    node: str
    clock: int
    people: list[Person]
    size: int
    stay: float | None = None

    def parts(self) -> list[Whole]:
        """The same in pieces that a NATS message may carry."""
        pieces = [self.people[start : start + PART] for start in range(0, len(self.people), PART)] or [[]]
        return [Whole(self.node, self.clock, piece, self.size, self.stay) for piece in pieces]


Message = Delta | Digest | Goodbye | Ask | Whole


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """The data of the push `presence`; without `join` and `leave` in large rooms."""

    v: int
    count: int
    join: list[Person] | None = None
    leave: list[str] | None = None


@dataclass(slots=True)
class _Replica:
    clock: int
    people: dict[str, Person]
    heard: float
    # Until when it stays after its node has said goodbye.
    until: float = math.inf

    @property
    def departed(self) -> bool:
        return self.until < math.inf


@dataclass(slots=True)
class _Here:
    """A person on this node: how many connections, and until when they stay without any."""

    person: Person
    connections: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Presence:
    """The presence of one room as one node knows it."""

    node: str
    grace: float = 5.0
    silence: float = 12.0
    listed: int = 200
    v: int = 0
    _here: dict[str, _Here] = field(default_factory=dict)
    _told: dict[str, Person] = field(default_factory=dict)
    _clock: int = 0
    _others: dict[str, _Replica] = field(default_factory=dict)
    _shown: dict[str, Person] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _present: set[str] = field(default_factory=set)
    _untold: set[str] = field(default_factory=set)
    _parts: dict[str, tuple[int, dict[str, Person]]] = field(default_factory=dict)
    _going: set[str] = field(default_factory=set)
    _back: set[str] = field(default_factory=set)
    _over: set[str] = field(default_factory=set)
    _stay: float | None = None
    _order: list[str] | None = None

    @property
    def count(self) -> int:
        """How many people are in the room now."""
        return len(self._present)

    @property
    def shown(self) -> int:
        """How many there are by what members were last told, at version `v`."""
        return len(self._shown)

    @property
    def empty(self) -> bool:
        """Whether this node has nobody to speak for."""
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
            # The others are told also when we had them before: nobody waits for them any longer.
            self._back.add(person.id)
            self._untold.add(person.id)

    def leave(self, user_id: str, now: float) -> None:
        """A connection of this person left; with the last of them they leave, after the grace."""
        here = self._here.get(user_id)
        if here is None:
            return
        here.connections -= 1
        if here.connections <= 0:
            here.until = now + self.grace
            self._going.add(user_id)

    def expel(self, user_id: str, now: float) -> None:
        """All connections of this person were taken out: they leave without the grace."""
        here = self._here.get(user_id)
        if here is not None:
            here.connections = 0
            here.until = now
            self._going.add(user_id)

    def depart(self, stay: float) -> None:
        """This node goes away: what it has told stays so for so many seconds, and nothing more is told."""
        self._stay = stay

    def tell(self, now: float) -> Delta | None:
        """What the other nodes are to be told of this one's members since the last call."""
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
            # In the same step, so that who asks now finds them in our replica or in that of the node they were on.
            self._returned(person.id)
        for user_id in leave:
            del self._told[user_id]
        self._clock += 1
        return Delta(self.node, self._clock, join, leave)

    def digest(self) -> Digest | Goodbye:
        """The sign of life; of a node that goes away its goodbye."""
        return Digest(self.node, self._clock) if self._stay is None else Goodbye(self.node, self._clock, self._stay)

    def whole(self) -> Whole:
        return Whole(self.node, self._clock, list(self._told.values()), len(self._told), self._stay)

    def hear(self, message: Message, now: float) -> Sequence[Message]:
        """Take what a node said; what to say in return."""
        match message:
            case Ask(node):
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
                    return (Ask(node),)
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
                    return (Ask(node),) if clock else ()
                replica.heard = now
                if isinstance(message, Goodbye):
                    replica.until = min(replica.until, now + message.stay)
                return (Ask(node),) if clock > replica.clock else ()

    def forget_silent(self, now: float) -> None:
        """Drop the replicas of nodes that are silent for too long, or whose time after their goodbye is over."""
        for node, replica in list(self._others.items()):
            if now >= replica.until:
                # It may still speak while it finishes its work, and others may still speak for it.
                self._over.add(node)
            elif replica.departed or now - replica.heard <= self.silence:
                continue
            self._touch(self._others.pop(node).people)
            self._parts.pop(node, None)

    def change(self) -> Change | None:
        """What the members of this node are to be told since the last call."""
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
        """Somebody came to a node: those that went away do not have them any longer."""
        for replica in self._others.values():
            if replica.departed:
                replica.people.pop(user_id, None)

    def _departed(self, now: float) -> list[Message]:
        """The replicas of nodes that have gone and can speak for their members no more."""
        return [
            Whole(node, replica.clock, list(replica.people.values()), len(replica.people), replica.until - now)
            for node, replica in self._others.items()
            if replica.departed and replica.until > now
        ]

    def _gather(self, node: str, clock: int, people: list[Person], size: int, stay: float | None, now: float) -> None:
        """Put the parts of a replica together, and take it when none is missing; another clock begins anew."""
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
            # Of a node that went away we may know already who is back.
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
        """Something about these people has changed."""
        for user_id in user_ids:
            self._touched.add(user_id)
            if self._find(user_id) is None:
                self._present.discard(user_id)
            else:
                self._present.add(user_id)

    def _find(self, user_id: str) -> Person | None:
        """The person as the replica that has them longest has them."""
        found = [replica.people[user_id] for replica in self._others.values() if user_id in replica.people]
        if (here := self._here.get(user_id)) is not None:
            found.append(here.person)
        return min(found, key=lambda person: person.since, default=None)

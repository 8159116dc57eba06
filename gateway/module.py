"""The module contract: what a plug-in declares, and what the kernel lends it. Types and Protocols only.

A module is a package that registers one `Module` under the entry-point group `ksmp.modules`. It
imports `gateway`, and of its siblings only their `events.py` and `facade.py`, and lists those siblings
in `requires`, or in `hears` when their events are all it needs and it can do without.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

from gateway.principal import Author, Principal
from gateway.protocol.messages import Person, Published, Snapshot

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler
    from piccolo.table import Table


class Erased(msgspec.Struct, frozen=True, array_like=True):
    """A push that a tombstone took out of the log. Its id still deduplicates, since the log forgot it."""

    seq: int
    message_id: str


class Sweep(msgspec.Struct, frozen=True):
    """Every push of these names that a room stored before the tombstone; with `author`, only those of that user."""

    pushes: tuple[str, ...]
    author: str | None = None

    def covers(self, push: StoredPush) -> bool:
        """Whether it is of the kind that is swept, whenever it was stored."""
        if push.push not in self.pushes:
            return False
        return self.author is None or (push.author is not None and push.author.id == self.author)


class StoredPush(msgspec.Struct, frozen=True, kw_only=True):
    """A durable push as the log and the archive hold it.

    `data` is the JSON of the push's data; `at` is when it was stored, in milliseconds since the Unix
    epoch; `message_id` is what deduplicated it; `erases` names what this push is the tombstone of, `sweeps` describes
    it. A later version of a push says in `replaces` the seq of the first. One whose `push` is empty could not be read:
    it has a place in the log, and is shown to nobody.
    """

    room: str
    seq: int
    at: int
    push: str
    author: Author | None
    nonce: str | None
    data: bytes
    message_id: str
    erases: tuple[Erased, ...] = ()
    replaces: int | None = None
    sweeps: Sweep | None = None


async def nobody(principal: Principal) -> Sequence[str]:
    """A room kind that no one is put into on connect."""
    return ()


# (who, the room's id, their role in it)
Watch = Callable[[Principal, str, str], None]


def unwatched(principal: Principal, id: str, role: str) -> None:
    """A room kind whose owner does not ask who comes and goes."""


@dataclass(frozen=True, kw_only=True)
class RoomKind:
    """A kind of room and its owner's rules.

    `roles` lists the roles a member may have, least first. `authorize(principal, id)` gives the one this
    user has in that room, or raises Refused or BadInput `not_found`. `joined_on_connect` gives the ids
    of the rooms that the server joins for a user by itself. `archived` keeps the rooms' pushes in
    PostgreSQL after the log has let them go; `presence` tells members who is there and who types.

    `on_join` is called when a connection, or an event stream, of this node becomes a member, and `on_leave` once for
    it when it is one no more, whatever the reason; only a killed process leaves without a word. A user has as many as
    they have tabs. They are called in the middle of a join: they do not wait, and what they raise changes nothing.
    """

    name: str
    roles: Sequence[str]
    authorize: Callable[[Principal, str], Awaitable[str]]
    joined_on_connect: Callable[[Principal], Awaitable[Sequence[str]]] = nobody
    archived: bool = False
    presence: bool = False
    on_join: Watch = unwatched
    on_leave: Watch = unwatched


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `count` uses in `seconds` by one connection, all of which may come at once."""

    count: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of members in rooms of one kind.

    `role` is the least role of the room kind that may use it: the kernel answers `forbidden` before the
    handler runs. `handler(context, request)` returns the ok of the reply. `rate` is asked when a command
    is first used in a room, so that it may come from the module's settings.

    The handler of a `row_first` command runs inside a database transaction, which also remembers what it answered: what
    it writes, publishes and schedules happens once, and a repeat with the same nonce within two minutes gets the same
    answer with `duplicate`. When it raises, nothing has happened, and a repeat is another try.
    """

    name: str
    rooms: str
    role: str
    request: type[msgspec.Struct]
    handler: Callable[[Context, Any], Awaitable[msgspec.Struct | None]]
    rate: Callable[[], Rate] | None = None
    row_first: bool = False


@dataclass(frozen=True, kw_only=True)
class SnapshotPart:
    """A part of the state of rooms of one kind, which a late joiner gets whole (`Context.snapshot`).

    `name` is `<module>.<what>`, the part's key in the snapshot. `read(context)` gives it as this member may see it:
    from rows, in a few queries, and as it would be after applying every push of the room, so that with the pushes
    that follow it becomes what a fresh one is. What only some members may know belongs into a room of theirs.

    One that is `shared` is the same for every member and changes by durable pushes of the room alone: it is read once,
    in nobody's transaction, for all who ask at about the same time, with the context of one of them.
    """

    name: str
    rooms: str
    read: Callable[[Context], Awaitable[msgspec.Struct]]
    shared: bool = False


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One try to hand an event or a timer to its handler.

    `id` is the same in every try: what a handler does outside of the database can be told by it to be a repeat. `at` is
    when the event was published or the timer was due; `attempt` counts from 1.
    """

    id: str
    at: datetime
    attempt: int


Handler = Callable[[Any, Delivery], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Hands the events of one type to `handler(event, delivery)`, on one node at a time.

    `event` is a struct that this module or one it `requires` or `hears` lists in `emits`. `name` is `<module>.<what>`;
    it is where the listener's place is kept, so a renamed listener is a new one. A listener gets what is published from
    its first start on (and in the minute before), in no promised order.

    The handler runs inside a database transaction which also remembers that the event was handled: what it writes,
    publishes and schedules happens once, together with that, or not at all. What it does elsewhere may happen more
    than once. When it raises, it is tried again later, at growing intervals; after `KSMP_EVENT_ATTEMPTS` tries the
    event becomes a dead letter (`ksmp events dead`). While PostgreSQL or NATS are away no try is counted.

    One that calls a vendor, who may hang, is not `transactional`: it runs without a transaction and keeps nothing of
    the database while it waits, nor a place of those who do, and that the event was handled is written after it. So
    all that it does may happen more than once, and must come to the same.
    """

    event: type[msgspec.Struct]
    name: str
    handler: Handler
    transactional: bool = True


@dataclass(frozen=True, kw_only=True)
class Timer:
    """Hands what `kernel.schedules.at(name, …)` scheduled to `handler(payload, delivery)` when it is due.

    `name` is `<module>.<what>`. The promises are a listener's: inside a transaction, once, on one node, tried again
    when it raises. A timer that was cancelled or rescheduled before its handler committed does not happen.
    """

    name: str
    payload: type[msgspec.Struct]
    handler: Handler


def event_name(event: type[msgspec.Struct]) -> str:
    """The name of an event on the wire, `<module>.<WhatHappened>`: its tag, empty when it has none."""
    tag = event.__struct_config__.tag
    return tag if isinstance(tag, str) else ""


class Events(Protocol):
    """Facts that other modules may listen to."""

    async def publish(self, event: msgspec.Struct) -> None:
        """Publish one of the module's `emits` when the transaction around this call commits, and only then.

        Raises RuntimeError outside of a transaction (`kernel.database.transaction()`), ValueError for an event the
        module does not emit or that is too large, and Unavailable.
        """


class Schedules(Protocol):
    """Timers of this module, each known by its name and a key."""

    async def at(self, name: str, key: str, when: datetime, payload: msgspec.Struct) -> None:
        """Set the timer, or set it anew: `name` is one of the module's `timers`, `key` matches `[A-Za-z0-9_-]{1,64}`.

        Inside a transaction it is set when that commits, and only then. A time that has passed is due at once. Raises
        ValueError for a time without a zone, an unknown name or a bad key, and Unavailable.
        """

    async def cancel(self, name: str, key: str) -> None:
        """Take the timer back; one that is not set is no error. Inside a transaction, when that commits."""


class Entity(Protocol):
    """What a row-first push carries: a struct of the whole entity, with its revision."""

    @property
    def rev(self) -> int: ...


class Rooms(Protocol):
    """The rooms of the whole cluster, as a module sees them."""

    async def publish(
        self,
        room: str,
        push: str,
        data: msgspec.Struct,
        *,
        author: Author | None = None,
        nonce: str | None = None,
        message_id: str | None = None,
        erases: Sequence[StoredPush] = (),
        replaces: StoredPush | None = None,
        sweeps: Sweep | None = None,
    ) -> Published:
        """Store a push in the room's log and send it to every member.

        Returns once it is stored. The same `message_id` within two minutes is stored once. With `erases`
        it is the tombstone of those pushes: once it is stored they are erased from stream and archive,
        and no replay shows them again. With `replaces` it is a later version of that push, which is erased with all
        versions before it: the new one has to say everything. With `sweeps`, in rooms that are archived, it is the
        tombstone of all it covers; they are shown to nobody any more, and erased in the background. Raises Unavailable
        when the log did not answer; the push may have been stored all the same.
        """

    async def publish_row(
        self, room: str, push: str, entity: Entity, *, author: Author | None = None, nonce: str | None = None
    ) -> None:
        """Push an entity whose row this transaction writes, when it commits, and only then.

        Call it after the row was written. The pushes of one entity reach the room in the order of their commits; those
        of different entities may change places. Rarely one comes twice. Whoever applies them keeps the highest `rev`.
        Raises RuntimeError outside of a transaction, ValueError for one that is too large or has no `rev`, BadInput
        for a bad room, and Unavailable.
        """

    async def emit(self, room: str, push: str, data: msgspec.Struct, *, author: Author | None = None) -> None:
        """Send an ephemeral push: at most once, and first to be dropped under pressure."""

    async def read(self, room: str, seq: int) -> StoredPush | None:
        """One push of the room, or its latest version, from memory, stream or archive.

        None when there is none or it was erased. Raises Unavailable.
        """

    async def recent(self, room: str, limit: int, types: Sequence[str]) -> Sequence[StoredPush]:
        """The room's newest pushes of these names, ascending, without what was erased; raises Unavailable."""

    async def snapshot(self, context: Context) -> Snapshot:
        """See `Context.snapshot`."""

    async def tally(self, room: str, since: datetime, until: datetime) -> Mapping[str, int]:
        """How many durable pushes of each name the room stored in this time and did not erase.

        Counted in the archive, which follows the log by a moment. Raises ValueError for a kind that is not archived,
        and Unavailable.
        """

    async def members(self, room: str) -> Sequence[Person]:
        """Who is in the room, by id, over all nodes: as this node has heard, which may be a second old.

        Raises ValueError for a kind without presence, and Unavailable.
        """

    async def restrict(
        self, room: str, user: str, commands: Collection[str], until: datetime | None, *, name: str = "restriction"
    ) -> None:
        """Take commands away from a user in a room, on every node, until a time or until it is lifted.

        The user is answered `forbidden`, or the restriction's name when that has a dot and so is an error code of the
        module (`chat.muted`), with `retry_after` when it ends by itself; the handler does not run. The push `can` tells
        them when it begins and ends. It survives restarts, and needs no membership. `commands` are module commands of
        this kind of room, or `typing`. Restrictions of other names stand beside it: a command can be used when none
        takes it away; one of the same name is replaced.

        Returns when it is recorded and holds here; within a second it does everywhere. Inside a transaction it is
        recorded when that commits, and only then, and holds a moment later. Raises ValueError for a command that these
        rooms do not have or a time without a zone, BadInput for a bad room or user, and Unavailable, after which it may
        have been recorded.
        """

    async def lift(self, room: str, user: str, *, name: str = "restriction") -> None:
        """Give back what the restriction of this name took away; one that is not there is no error."""

    async def evict(
        self, room: str, user: str, code: str, *, rejoin: bool = False, until: datetime | None = None
    ) -> None:
        """Take a user out of a room on every node; their connections are pushed `left` with `code` and `rejoin`.

        Without `rejoin` they are refused there, with `forbidden`, until the time or until `readmit`. Whoever comes
        back is granted anew by the room's owner. What it raises and when it returns is as with `restrict`.
        """

    async def readmit(self, room: str, user: str) -> None:
        """Let a user in again who was evicted; one who was not is no error."""

    def check(self, room: str, user: str) -> None:
        """Raises Refused for who was evicted and may not come back, as this node has heard."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """One use of a command: who, where, in which role."""

    principal: Principal
    room: str
    room_id: str
    role: str
    roles: Sequence[str]
    nonce: str | None
    message_id: str
    rooms: Rooms = field(repr=False)
    # What `afterwards` was given; the runner calls it.
    endings: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this when the transaction of a `row_first` command is over, however it ended.

        It must not wait. Nothing is lost with it that matters: the process may end before.
        """
        self.endings.append(call)

    async def publish(
        self,
        push: str,
        data: msgspec.Struct,
        *,
        erases: Sequence[StoredPush] = (),
        replaces: StoredPush | None = None,
        sweeps: Sweep | None = None,
    ) -> Published:
        """Publish to this room as this user; repeated with the same nonce it happens once."""
        return await self.rooms.publish(
            self.room,
            push,
            data,
            author=Author.of(self.principal),
            nonce=self.nonce,
            message_id=self.message_id,
            erases=erases,
            replaces=replaces,
            sweeps=sweeps,
        )

    async def publish_row(self, push: str, entity: Entity) -> None:
        """The same for an entity whose row this transaction writes: see `Rooms.publish_row`."""
        await self.rooms.publish_row(self.room, push, entity, author=Author.of(self.principal), nonce=self.nonce)

    async def snapshot(self) -> Snapshot:
        """Every part of this room's state that a module declares in `snapshots`, as this member may see it.

        The room's position is taken first and the rows are read second: what was pushed up to `seq` is in it, and
        pushes after it are applied by their `rev`. Raises what the parts raise, such as Unavailable.
        """
        return await self.rooms.snapshot(self)

    def at_least(self, role: str) -> bool:
        """Whether the member's role in this room is `role` or one above it."""
        return self.roles.index(self.role) >= self.roles.index(role)


class Database(Protocol):
    """PostgreSQL through Piccolo's engine. `guard` turns its absence into Unavailable."""

    def guard(self) -> AbstractContextManager[None]:
        """A context manager: lost connections and timeouts inside raise Unavailable."""

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """All statements of this task inside commit together, or none. One inside another joins it.

        Raises Unavailable, after which it may have been committed.
        """

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[Mapping[str, Any]]:
        """The rows of a statement with `$1`, `$2` …, in this task's transaction if there is one; raises Unavailable."""


class Access(Protocol):
    """Who is kept out of the platform, whatever their token says.

    Each call returns when it is recorded and holds here; within a second it does on every node: tokens are refused at
    connects, refreshes and requests, sockets close, event streams end. It survives restarts. Inside a transaction it is
    recorded when that commits, and only then. Raises BadInput for a bad user id, ValueError for a time without a zone,
    and Unavailable, after which it may have been recorded.
    """

    async def revoke(self, user: str, *, before: datetime | None = None) -> None:
        """Refuse the user's tokens that were issued up to `before`, by default now; their sockets close with 4501.

        A token's issue time is in whole seconds, so that one of the same second is refused too. The issuer is not
        told: whoever holds a refresh token gets new ones until it is revoked there as well.
        """

    async def revoke_token(self, principal: Principal) -> None:
        """Refuse one token, as at a sign-out: the principal's, with all others of that sign-in where they say so."""

    async def ban(self, user: str, *, until: datetime | None = None) -> None:
        """Keep a user out, with any token, until a time or until `unban`; their sockets close with 4504."""

    async def unban(self, user: str) -> None:
        """Let a banned user in again; one who is not banned is no error."""


class Said(msgspec.Struct, frozen=True):
    """An archived push that a user wrote."""

    room: str
    seq: int
    at: datetime
    push: str
    data: Any


class Export(msgspec.Struct, frozen=True):
    """What the platform holds on a user: what each module does, by its name, and what they wrote in archived rooms.

    The messages come in slices, oldest first: `next` is what the next one comes after, None when there is none.
    """

    modules: Mapping[str, Mapping[str, Any]]
    messages: Sequence[Said]
    next: int | None


class Remains(msgspec.Struct, frozen=True):
    """Where archived pushes may still name a user who was deleted.

    In their `writings` after `seq`, and then in the rooms; without `writings` in the rooms, of the first after `seq`.
    """

    user: str
    rooms: list[str]
    writings: bool = True
    seq: int = 0


class Identities(Protocol):
    """What all modules, and the kernel, know of a user."""

    async def renew(self, user: str) -> None:
        """Have the modules asked anew who the user is, on every node: at their next request, connect or refresh.

        Call it after the commit of what changed. It happens here at once and within a second everywhere; without it,
        after `KSMP_IDENTITY_FRESH`. Sockets keep the name they came with. Raises Unavailable.
        """

    async def export(self, user: str, after: int = 0) -> Export:
        """Ask every module for what it holds on the user; `after` a slice of messages for more of these alone.

        Raises Unavailable.
        """

    async def forget(self, user: str) -> Remains:
        """Have every module forget the user, in this transaction; what `anonymise` has to go through after it.

        The log lets its messages go after `KSMP_RETENTION`. What was not archived yet is reached by forgetting once
        more after that. Raises Unavailable.
        """

    async def anonymise(self, remains: Remains) -> Remains | None:
        """Take the user's name off some of what was archived, in this transaction; what is left, None at the end.

        One call looks at a bounded number of pushes. Raises Unavailable.
        """


class Kernel(Protocol):
    """What a running gateway lends a module."""

    @property
    def rooms(self) -> Rooms: ...

    @property
    def access(self) -> Access: ...

    @property
    def identities(self) -> Identities: ...

    @property
    def events(self) -> Events: ...

    @property
    def schedules(self) -> Schedules: ...

    @property
    def database(self) -> Database: ...

    def settings(self, kind: type[Any]) -> Any:
        """This module's own settings, of the class it named in `settings_type`; or the kernel's, of `Settings`."""


class Module:
    """One domain of the platform. Override only what the module needs.

    `routes` are mounted under /api/v1; each states its policy (gateway/auth/policy.py, gateway/http/README.md).
    `emits` are the facts it publishes: frozen structs of its `events.py`, each with the tag it has on the wire,
    `class SessionEnded(msgspec.Struct, frozen=True, tag="live.SessionEnded")`. Fields may be added with a default;
    whoever listened before goes on.
    `hears` are modules whose events it listens to where they are on. Unlike those in `requires` they may be off, or
    require this one: its listeners to them then have nothing to hear.
    """

    name: ClassVar[str]
    requires: ClassVar[Sequence[str]] = ()
    hears: ClassVar[Sequence[str]] = ()
    settings_type: ClassVar[type[Any] | None] = None

    rooms: Sequence[RoomKind] = ()
    commands: Sequence[Command] = ()
    snapshots: Sequence[SnapshotPart] = ()
    emits: Sequence[type[msgspec.Struct]] = ()
    listens: Sequence[Listener] = ()
    timers: Sequence[Timer] = ()
    routes: Sequence[ControllerRouterHandler] = ()
    tables: Sequence[type[Table]] = ()
    migrations: Path | None = None

    async def identify(self, principal: Principal) -> Principal:
        """What the platform knows of a user beyond the token; called at each connect and refresh.

        When it raises Unavailable the gateway goes on with the token's own claims, and asks again until it can say; a
        socket whose role is another one then is closed with 4501. Refused keeps the user out.
        """
        return principal

    async def export(self, user: str) -> Mapping[str, Any]:
        """What this module holds on a user, as JSON can show it; for the user themselves. Empty: nothing."""
        return {}

    async def forget(self, user: str) -> Collection[str]:
        """A user is deleted: remove what is about them, and their name and the like from what must stay.

        Called inside the transaction that deletes them, and once more when the log has let go of what they wrote: done
        again it changes nothing. The id may stay; nothing says any more who it was. Returns the archived rooms in
        whose pushes others may name the user, as `{"id": …, "name": …}`; those where they wrote are looked at anyway.
        """
        return ()

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        """Create what `ksmp dev` shows, once; `people` has a mentor, a student and an admin.

        Returns names for `dev.json`, such as the id of the demo session.
        """
        return {}

    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        """Around the life of a gateway process; the kernel's services work inside."""
        yield

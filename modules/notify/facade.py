"""What other modules may ask of notifications, and how they say of what people should hear.

The module that owns a fact contributes a `Kind` for it, and calls `tell` in the transaction that writes the fact:

    PUBLISHED = Kind(
        name="assignments.published",
        data=PublishedData,
        title="New assignment: %(title)s",
        body="It is due %(due_at)s.",
        link="/programs/%(program_id)s/assignments/%(assignment_id)s",
    )

    async with kernel.database.transaction():
        await rows.publish(assignment)
        await tell(kernel, Notice(PUBLISHED.name, str(assignment.id), audience="program:…", data=PublishedData(…)))

Nothing is sent by that. What is told is looked at again when it is sent: it may be withdrawn, read or not wanted by
then. A notice of one kind and subject is told once, whoever tells it again, until it is withdrawn. Where notifications
are off, `tell` does nothing, so a module that tells requires nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from gateway.contract import Kernel
from gateway.errors import Unavailable
from gateway.principal import Principal
from gateway.text import LINE, TEXT, Texts
from modules.notify.states import DeliveryState, NoticeState, SkipReason

__all__ = [
    "Audience",
    "Channel",
    "ChannelCount",
    "DeliveryState",
    "EMAIL",
    "IN_APP",
    "Kind",
    "Message",
    "Money",
    "Muting",
    "Notice",
    "NoticeReport",
    "NoticeState",
    "Notifier",
    "Outcome",
    "Outgoing",
    "PUSH",
    "SYSTEM",
    "URGENT",
    "Plural",
    "SkipReason",
    "StillWanted",
    "Urgency",
    "muted_rooms",
    "read_report",
    "send_to",
    "send_to_program",
    "send_to_role",
    "send_to_session",
    "send_to_user",
    "tell",
    "withdraw",
]

# The channels that this module brings. Others may be contributed.
IN_APP: Final = "in_app"
PUSH: Final = "push"
EMAIL: Final = "email"


class Urgency(StrEnum):
    LOW = "low"
    """May wait for a digest or the morning, and does not wake a phone."""
    NORMAL = "normal"
    HIGH = "high"
    """Of this moment, such as "live now": it passes quiet hours and caps."""


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units of its currency, written as the reader's language writes money."""

    minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Plural:
    """A text that depends on a count: which form a language takes is its own rule (CLDR)."""

    one: str
    other: str
    count: str
    """The field of the data that is counted."""


# (the users who are about to be told, the subject, the data) → those of them who still need to hear it.
StillWanted = Callable[[Collection[str], str, Any], Awaitable[Collection[str]]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of notification, contributed by the module that owns the fact. `name` is `<module>.<what>`.

    `title` and `body` are English texts and the keys of their translations, with the fields of `data` as
    `%(field)s`; the module's folder `locale/<language>/LC_MESSAGES/<module>.po` (`locale`) has the others. A
    datetime is written in the reader's zone, `Money` in their language. `link` is a path of the app, with fields.
    """

    name: str
    data: type[msgspec.Struct]
    title: str | Plural
    body: str | Plural = ""
    link: str = "/"
    # For preferences: what a user turns on and off together, such as `assignments`; the module's name by default.
    category: str = ""
    channels: Sequence[str] = (IN_APP, PUSH, EMAIL)
    # Channels that are off until a user turns them on.
    off: Sequence[str] = ()
    urgency: Urgency = Urgency.NORMAL
    # How long after its moment it may still be sent.
    ttl: timedelta = timedelta(days=1)
    # How long after its moment push and e-mail wait: whoever reads it in the app meanwhile is spared them.
    delay: timedelta = timedelta(0)
    # Spread over this time, so that reminders on the hour do not come all at once.
    jitter: timedelta = timedelta(0)
    # Devices keep one notification of a key; vendors take few keys (FCM: four a device). Empty: each one is kept.
    collapse_key: str = ""
    # What is collected and told as one, on the channels named, in windows of this length.
    digest: timedelta | None = None
    digest_channels: Sequence[str] = (EMAIL,)
    # A receipt: it cannot be turned off, and goes to addresses whose owners complained of other kinds.
    receipt: bool = False
    # The room that it is about, with fields of the data: `direct:%(room_id)s`. Who is in it is not pushed, and it may
    # be muted. Empty: none.
    room: str = ""
    still_wanted: StillWanted | None = None
    # The folder with the translations of this kind; None has English only.
    locale: Path | None = None

    @property
    def preference(self) -> str:
        """The category, by which users turn kinds on and off."""
        return self.category or self.name.partition(".")[0]


class Notice(msgspec.Struct, frozen=True):
    """A fact that people should hear of.

    `subject` says which one: the same kind and subject is told once, and after a withdrawal once more. A fact that
    happens again has another subject (`<session>@<when>`). `audience` is `user:<id>`, `role:<role>`, `role:all`, or
    what a module contributed: `program:<id>`, `session:<id>`. With `users` the audience is these users. `actor` is not
    told of what they did themselves. `at` is when it is told, by default now; nobody is told after `expires_at`, by
    default `at` and the kind's time to live.
    """

    kind: str
    subject: str
    data: msgspec.Struct
    audience: str = ""
    users: tuple[str, ...] = ()
    actor: str = ""
    at: datetime | None = None
    expires_at: datetime | None = None


# (id, users after this one in ascending order, how many) → a page of user ids, ascending; fewer are the last page.
ReadUsers = Callable[[str, str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Audience:
    """A group of users that a module knows, contributed by it: `program`, `session`. Read in pages, by user id."""

    name: str
    users: ReadUsers
    # Whether there is such a group; for what admins and integrators send.
    exists: Callable[[str], Awaitable[bool]]
    # Whether a user teaches this group, and so may see what became of what it was told. Without it only admins may.
    teaches: Callable[[Principal, str], Awaitable[bool]] | None = None


# The kinds of what people write, and not modules: admins in campaigns, and other back ends.
SYSTEM: Final = "notify.system"
URGENT: Final = "notify.urgent"

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200), LINE]
Body = Annotated[str, msgspec.Meta(max_length=2000), TEXT]
Link = Annotated[
    str,
    msgspec.Meta(
        max_length=500,
        pattern=r"^/([A-Za-z0-9_.~-][A-Za-z0-9_.~/?=&%+-]*)?$",
        description="A path of the app",
    ),
]


class Message(Texts, frozen=True):
    """A notification that somebody writes themselves, in one language."""

    title: Title
    body: Body = ""
    link: Link = "/"

    @classmethod
    def example(cls) -> Message:
        return cls("Maintenance tonight", "Classes go on at 21:00.", "/help")


class ChannelCount(msgspec.Struct, frozen=True):
    """How many deliveries of a channel are in a state, and why."""

    channel: str
    state: DeliveryState
    reason: str
    count: int


class NoticeReport(msgspec.Struct, frozen=True):
    """What became of a notice. `users` is how many it is written for so far; until it is `expanded` there may be more.

    `listed` of them have it in their list in the app. `seen`, `read` and `opened` say how many did that.
    """

    id: UUID
    kind: str
    subject: str
    audience: str
    state: NoticeState
    at: datetime
    expires_at: datetime
    users: int
    listed: int
    seen: int
    read: int
    opened: int
    deliveries: list[ChannelCount]

    @classmethod
    def example(cls) -> NoticeReport:
        at = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
        return cls(
            id=UUID("01a2130d-48bf-7174-b972-596a06fb2346"),
            kind="notify.system",
            subject="maintenance-17",
            audience="role:student",
            state=NoticeState.EXPANDED,
            at=at,
            expires_at=at + timedelta(days=1),
            users=1200,
            listed=1200,
            seen=800,
            read=640,
            opened=210,
            deliveries=[
                ChannelCount("push", DeliveryState.SENT, "", 1100),
                ChannelCount("push", DeliveryState.SKIPPED, SkipReason.NO_ADDRESS.value, 100),
            ],
        )


class Notifier(ABC):
    """What notifications contribute to those who tell; the functions below find it."""

    @abstractmethod
    async def tell(self, notice: Notice) -> None: ...

    @abstractmethod
    async def withdraw(self, kind: str, subject: str) -> None: ...

    @abstractmethod
    async def send(self, audience: str, message: Message, key: str, actor: str, urgent: bool) -> str: ...

    @abstractmethod
    async def report(self, id: str) -> NoticeReport | None: ...


class Muting(ABC):
    """What notifications contribute to those who show which rooms a user has muted; `muted_rooms` below finds it."""

    @abstractmethod
    async def muted_rooms(self, user_id: str) -> Collection[str]: ...


async def muted_rooms(kernel: Kernel, user_id: str) -> Collection[str]:
    """The rooms that a user has muted now, by name: `direct:<id>`. Raises Unavailable."""
    for muting in kernel.contributed(Muting):  # type: ignore[type-abstract]
        return await muting.muted_rooms(user_id)
    return ()


async def tell(kernel: Kernel, notice: Notice) -> None:
    """Have people told when the transaction around this commits, and only then; once for each kind and subject.

    Raises RuntimeError outside of a transaction, ValueError for a kind or an audience that nobody contributed and for
    data of another struct, and Unavailable.
    """
    for notifier in kernel.contributed(Notifier):  # type: ignore[type-abstract]
        await notifier.tell(notice)


async def withdraw(kernel: Kernel, kind: str, subject: str) -> None:
    """Have nobody told any more, and take it out of the lists in the app; inside a transaction.

    What was sent is sent. One that was never told is no error.
    """
    for notifier in kernel.contributed(Notifier):  # type: ignore[type-abstract]
        await notifier.withdraw(kind, subject)


async def send_to(
    kernel: Kernel, audience: str, message: Message, *, key: str, actor: str = "", urgent: bool = False
) -> str:
    """Tell an audience what somebody wrote, inside a transaction; the id of the notice, for its report.

    The same `key` is sent once: it begins with the name of the module that sends. An `urgent` one passes quiet hours.
    Raises BadInput `invalid` for an audience that nobody contributed, `not_found` for one that does not exist, and
    Unavailable where notifications are off.
    """
    for notifier in kernel.contributed(Notifier):  # type: ignore[type-abstract]
        return await notifier.send(audience, message, key, actor, urgent)
    raise Unavailable("notifications are off here")


async def send_to_user(
    kernel: Kernel, user_id: str, message: Message, *, key: str, actor: str = "", urgent: bool = False
) -> str:
    """See `send_to`."""
    return await send_to(kernel, f"user:{user_id}", message, key=key, actor=actor, urgent=urgent)


async def send_to_session(
    kernel: Kernel, session_id: str, message: Message, *, key: str, actor: str = "", urgent: bool = False
) -> str:
    """See `send_to`; to those who have a place in the class, and those who teach it."""
    return await send_to(kernel, f"session:{session_id}", message, key=key, actor=actor, urgent=urgent)


async def send_to_program(
    kernel: Kernel, program_id: str, message: Message, *, key: str, actor: str = "", urgent: bool = False
) -> str:
    """See `send_to`; to those who take part in the program."""
    return await send_to(kernel, f"program:{program_id}", message, key=key, actor=actor, urgent=urgent)


async def send_to_role(
    kernel: Kernel, role: str, message: Message, *, key: str, actor: str = "", urgent: bool = False
) -> str:
    """See `send_to`; to all users with this role."""
    return await send_to(kernel, f"role:{role}", message, key=key, actor=actor, urgent=urgent)


async def read_report(kernel: Kernel, notice_id: str) -> NoticeReport | None:
    """What became of a notice so far; None when there is none, or it was long ago. Raises Unavailable."""
    for notifier in kernel.contributed(Notifier):  # type: ignore[type-abstract]
        return await notifier.report(notice_id)
    return None


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One delivery, decided and in the reader's words, as a channel gets it.

    `notification_id` is the same in every try, so that a device or a mailbox tells a repeat. `attempt` counts from 1;
    with `unknown` an earlier try may have arrived. `bundle` has the notifications that this one tells of as a digest.
    """

    id: str
    notification_id: str
    kind: Kind
    subject: str
    user_id: str
    title: str
    body: str
    link: str
    data: Mapping[str, Any]
    language: str
    time_zone: str
    expires_at: datetime
    attempt: int = 1
    unknown: bool = False
    bundle: Sequence[Outgoing] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one delivery.

    `state` is SENT, DELIVERED, SKIPPED (with `reason` of `SkipReason`), UNKNOWN, FAILED, or WAITING for another try,
    not before `retry_after` seconds. `reason` is a stable word, and `vendor_id` the vendor's name for the message.
    With `counted=False` a try says nothing of this message, as when the vendor is away: such tries go on until it
    expires. With `reached` a part of it was sent, such as to one of two phones: when the tries are over, it was sent.
    """

    id: str
    state: DeliveryState
    reason: str = ""
    retry_after: float | None = None
    vendor_id: str = ""
    counted: bool = True
    reached: bool = False


class Channel(ABC):
    """A way to reach people: push, e-mail, a webhook; contributed, so that WhatsApp or SMS are a module of their own.

    `send` gets what is due, of many users, and gives an outcome for each: a failure of one is never that of another.
    It bounds how much it has open at once, and does not retry: it says when. It is not inside a transaction.
    """

    name: str

    async def pause(self) -> float:
        """Seconds until it takes anything: its vendor is away or asked to wait. Nothing is claimed before. 0: now."""
        return 0.0

    @abstractmethod
    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        """The outcomes of a batch. One that is left out is UNKNOWN, and all are after any other error than Unavailable.

        Unavailable says that nothing was sent. It is cancelled when the lease of the batch is about to end.
        """

    async def reaches(self, user_ids: Collection[str]) -> Collection[str]:
        """Those of these users whom it can reach: who have an address. For what an admin sees before they send."""
        return user_ids

    async def preview(self, outgoing: Outgoing) -> str:
        """The page that it would send, as HTML; empty where it sends none."""
        return ""

    async def repeats(self, delivery_ids: Collection[str]) -> Collection[str]:
        """Those deliveries with an unknown outcome that may be sent again, as the reader would not see them twice."""
        return delivery_ids

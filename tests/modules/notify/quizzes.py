"""A module with kinds of notifications, and rows as the expansion of their notices writes them."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from gateway import clock
from gateway.contract import Kernel, Module
from gateway.identifier import new_id
from modules.notify.due import Due
from modules.notify.facade import EMAIL, IN_APP, PUSH, Kind, Urgency

CHANNELS = (IN_APP, PUSH, EMAIL)


class QuizData(msgspec.Struct, frozen=True):
    what: str = "fractions"
    session: str = "none"


class QuizzesModule(Module):
    """Kinds of `quizzes`. `wanted` answers for `quizzes.asked`."""

    name = "quizzes"
    requires = ("notify",)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.asked: list[Collection[str]] = []
        self.wanted: Callable[[str], bool] = lambda _: True
        self.contributions = (
            Kind(
                name="quizzes.made", data=QuizData, title="A quiz: %(what)s", link="/quiz/%(what)s", channels=CHANNELS
            ),
            Kind(name="quizzes.now", data=QuizData, title="Now", channels=CHANNELS, urgency=Urgency.HIGH),
            Kind(name="quizzes.marked", data=QuizData, title="Marked", channels=CHANNELS, receipt=True),
            Kind(name="quizzes.asked", data=QuizData, title="?", channels=CHANNELS, still_wanted=self._wanted),
            Kind(name="quizzes.in_class", data=QuizData, title="!", channels=CHANNELS, room="session:%(session)s"),
            Kind(
                name="quizzes.talk",
                data=QuizData,
                title="Talk of %(what)s",
                channels=CHANNELS,
                category="talk",
                off=(EMAIL,),
            ),
            Kind(name="quizzes.news", data=QuizData, title="%(what)s", channels=CHANNELS, digest=timedelta(hours=1)),
        )

    async def _wanted(self, users: Collection[str], subject: str, data: QuizData) -> Collection[str]:
        self.asked.append(users)
        return [user for user in users if self.wanted(user)]


@dataclass(frozen=True)
class Given:
    """A notification that was written, and its deliveries by channel."""

    notice_id: str
    notification_id: str
    user_id: str
    deliveries: dict[str, str]


Give = Callable[..., Awaitable[Given]]

NOTICE = """
    INSERT INTO notify_notice (id, kind, subject, users, data, at, expires_at, state, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'expanded', $6)
"""
NOTIFICATION = """
    INSERT INTO notify_notification (id, notice_id, kind, subject, user_id, in_app, created_at, expires_at)
    SELECT one.id, $3, $4, $5, one.user_id, $6, $7, $8 FROM unnest($1::uuid[], $2::text[]) AS one (id, user_id)
"""
DELIVERY = """
    INSERT INTO notify_delivery (id, notification_id, notice_id, kind, user_id, channel, priority, state, due_at)
    SELECT one.id, one.notification_id, $1, $8, one.user_id, one.channel, 1, $6, $7
    FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) AS one (id, notification_id, user_id, channel)
"""


async def give(
    database: asyncpg.Pool,
    users: Sequence[str],
    kind: str = "quizzes.made",
    *,
    data: QuizData | None = None,
    at: datetime | None = None,
    state: str = "waiting",
    in_app: bool = True,
    channels: Sequence[str] = (PUSH, EMAIL),
) -> list[Given]:
    """Notifications of one new notice, one for each of these users."""
    at = at or clock.now()
    notice, ids, subject = new_id(), [new_id() for _ in users], uuid.uuid4().hex
    encoded = msgspec.json.encode(data or QuizData()).decode()
    ends = at + timedelta(days=1)
    rows = [(new_id(), id, user, channel) for id, user in zip(ids, users, strict=True) for channel in channels]
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(NOTICE, notice, kind, subject, list(users), encoded, at, ends)
        await connection.execute(NOTIFICATION, ids, list(users), notice, kind, subject, in_app, at, ends)
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
        await connection.execute(DELIVERY, notice, *columns, state, at, kind)
    return [
        Given(notice, id, user, {channel: row for row, of, _, channel in rows if of == id})
        for id, user in zip(ids, users, strict=True)
    ]


def due_of(kinds: Any, given: Given, channel: str, kind: str = "quizzes.made", **fields: Any) -> Due:
    """The delivery as a worker has claimed it."""
    now = clock.now()
    values: dict[str, Any] = {
        "id": given.deliveries[channel],
        "notification_id": given.notification_id,
        "notice_id": given.notice_id,
        "kind": kinds.kinds[kind],
        "subject": given.notice_id,
        "user_id": given.user_id,
        "channel": channel,
        "data": QuizData(),
        "at": now,
        "created_at": now,
        "expires_at": now + timedelta(days=1),
    }
    return Due(**(values | fields))


def person() -> str:
    """A user of this test alone."""
    return f"q-{uuid.uuid4().hex[:16]}"

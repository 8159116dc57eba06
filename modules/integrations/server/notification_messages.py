"""What the server API takes and answers of notifications."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

from modules.integrations.server.messages import MessageId
from modules.notify.facade import Message

AudienceName = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z_]{1,32}:[A-Za-z0-9_.:@-]{1,128}$",
        description="`user:<id>`, `role:<role>`, `program:<id>`, `session:<id>`",
    ),
]


class NewNotification(Message, frozen=True, kw_only=True):
    """A message to an audience, in one language. The same `id` of the same service is sent once, whatever it says then.

    An urgent one passes quiet hours.
    """

    audience: AudienceName
    urgent: bool = False
    id: MessageId | None = None

    @classmethod
    def example(cls) -> NewNotification:
        return cls(title="The bus is late", body="It comes at 8:40.", link="/", audience="program:7", id="bus-17")


class SentNotification(msgspec.Struct, frozen=True):
    """The notice's id: `GET /server/notifications/{id}` says what became of it."""

    id: UUID

    @classmethod
    def example(cls) -> SentNotification:
        return cls(UUID("01a2130d-48bf-7174-b972-596a06fb2352"))

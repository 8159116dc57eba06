"""What the routes of webhooks take and answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from modules.integrations.services.messages import SERVICE
from modules.integrations.webhooks.states import DeliveryState, DisabledReason, Fault

Url = Annotated[str, Meta(pattern=r"^https?://[!-~\u00a1-\uffff]+$", max_length=2000)]
EventName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=100)]
EventNames = Annotated[list[EventName], Meta(max_length=100, description="None of them stands for all")]
Moment = Annotated[datetime, Meta(tz=True)]

ENDPOINT: Final = UUID("01a2130d-48bf-7174-b972-596a06fb2350")
EVENT: Final = UUID("01a2130d-48bf-7174-b972-596a06fb2351")
AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class NewEndpoint(msgspec.Struct, frozen=True):
    """Where webhooks are to go, and which; without `events` all that there are."""

    url: Url
    events: EventNames = []

    @classmethod
    def example(cls) -> NewEndpoint:
        return cls("https://school.example/webhooks", ["live.session_started"])


class EndpointChange(msgspec.Struct, frozen=True):
    """What is left out stays. An endpoint that is disabled is sent nothing, and nothing is kept for it."""

    url: Url | UnsetType = UNSET
    events: EventNames | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET

    @classmethod
    def example(cls) -> EndpointChange:
        return cls(enabled=True)


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint. `reason` says why it was disabled by itself. `failures` are those since the last success."""

    id: UUID
    service_id: UUID
    url: str
    events: list[str]
    enabled: bool
    reason: DisabledReason
    failures: int
    failing_since: datetime | None
    created_by: str
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> EndpointView:
        return cls(
            id=ENDPOINT,
            service_id=SERVICE,
            url="https://school.example/webhooks",
            events=["live.session_started"],
            enabled=True,
            reason=DisabledReason.NONE,
            failures=0,
            failing_since=None,
            created_by="meera",
            created_at=AT,
            rev=1,
        )


class ShownEndpoint(msgspec.Struct, frozen=True):
    """An endpoint and its secret, by which the receiver verifies signatures. It is shown here and never again."""

    endpoint: EndpointView
    secret: str

    @classmethod
    def example(cls) -> ShownEndpoint:
        return cls(EndpointView.example(), "whsec_…")


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way to an endpoint. `event_id` is its `webhook-id`; `status` and `fault` are of the last try."""

    id: int
    event_id: UUID
    endpoint_id: UUID
    event: str
    subject: str
    state: DeliveryState
    attempts: int
    status: int | None
    fault: Fault
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def example(cls) -> DeliveryView:
        return cls(
            id=991,
            event_id=EVENT,
            endpoint_id=ENDPOINT,
            event="live.session_started",
            subject="session:42",
            state=DeliveryState.DELIVERED,
            attempts=1,
            status=200,
            fault=Fault.NONE,
            due_at=AT,
            created_at=AT,
            finished_at=AT,
        )


class Replay(msgspec.Struct, frozen=True):
    """Have the deliveries sent again that failed and were made at this time or later."""

    since: Moment

    @classmethod
    def example(cls) -> Replay:
        return cls(AT)


class Replayed(msgspec.Struct, frozen=True):
    """How many deliveries wait again."""

    count: int

    @classmethod
    def example(cls) -> Replayed:
        return cls(12)


class EventDescription(msgspec.Struct, frozen=True):
    """An event: what it is about, and the fields of its `data`."""

    name: str
    about: str
    subject: str
    fields: list[str]


class EventCatalogue(msgspec.Struct, frozen=True):
    """All events that webhooks tell of, by name."""

    items: list[EventDescription]

    @classmethod
    def example(cls) -> EventCatalogue:
        fields = ["session_id", "program_id", "at"]
        return cls([EventDescription("live.session_started", "The class has begun.", "session", fields)])

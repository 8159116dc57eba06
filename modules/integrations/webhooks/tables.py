"""The tables of webhooks."""

from __future__ import annotations

from piccolo.columns import UUID, Array, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table


class EndpointRow(Table, tablename="integrations_endpoint"):
    """Where webhooks of a service go."""

    id = UUID(primary_key=True)
    service_id = UUID()
    url = Text()
    events = Array(base_column=Text())
    enabled = Boolean()
    reason = Text()
    secret = Text(secret=True)
    former_secret = Text(secret=True)
    former_until = Timestamptz()
    failures = Integer()
    failing_since = Timestamptz(null=True)
    held_until = Timestamptz()
    created_by = Text()
    created_at = Timestamptz()
    deleted_at = Timestamptz(null=True)
    rev = BigInt()


class EventRow(Table, tablename="integrations_event"):
    """An event that some endpoint wants."""

    id = UUID(primary_key=True)
    name = Text()
    body = Text()
    at = Timestamptz()


class DeliveryRow(Table, tablename="integrations_delivery"):
    """An event on its way to one endpoint."""

    id = BigInt(primary_key=True)
    event_id = UUID()
    endpoint_id = UUID()
    event = Text()
    subject = Text()
    state = Text()
    due_at = Timestamptz()
    claim = UUID(null=True)
    attempts = Integer()
    status = Integer(null=True)
    fault = Text()
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True)

"""The tables of services and keys."""

from __future__ import annotations

from piccolo.columns import UUID, Array, BigInt, Boolean, Bytea, Text, Timestamptz
from piccolo.table import Table


class ServiceRow(Table, tablename="integrations_service"):
    """A service. It is never deleted: the audit names it."""

    id = UUID(primary_key=True)
    name = Text()
    disabled = Boolean()
    created_by = Text()
    created_at = Timestamptz()
    rev = BigInt()


class KeyRow(Table, tablename="integrations_key"):
    """An API key, by its hash."""

    id = Text(primary_key=True)
    service_id = UUID()
    hash = Bytea()
    scopes = Array(base_column=Text())
    rooms = Array(base_column=Text())
    replaces = Text(null=True)
    created_by = Text()
    created_at = Timestamptz()
    expires_at = Timestamptz()
    revoked_at = Timestamptz(null=True)
    last_used_at = Timestamptz(null=True)

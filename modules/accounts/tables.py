"""The tables of accounts."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table


class User(Table, tablename="account_user"):
    """A user, created at first sight of their token; `id` is the token's `sub`. The row of a deleted user stays."""

    id = Text(primary_key=True)
    name = Text()
    role = Text()
    name_chosen = Boolean()
    role_given = Boolean()
    avatar_url = Text(null=True)
    time_zone = Text(null=True)
    locale = Text(null=True)
    phone = Text(null=True)
    email = Text(null=True)
    email_verified = Boolean()
    email_at = Timestamptz(null=True)
    blocked = Boolean()
    deleted_at = Timestamptz(null=True)
    rev = BigInt()
    created_at = Timestamptz()
    seen_at = Timestamptz()


class AuditEntry(Table, tablename="account_audit"):
    """A privileged act. Entries are only added."""

    id = UUID(primary_key=True)
    at = Timestamptz()
    actor = Text()
    act = Text()
    subject = Text()
    details = JSONB()
    request_id = Text()

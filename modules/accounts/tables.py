"""The tables of accounts."""

from __future__ import annotations

from piccolo.columns import Text, Timestamptz
from piccolo.table import Table


class User(Table, tablename="account_user"):
    """A user, created at first sight of their token; `id` is the token's `sub`."""

    id = Text(primary_key=True)
    name = Text()
    role = Text()
    created_at = Timestamptz()
    seen_at = Timestamptz()

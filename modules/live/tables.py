"""The tables of live."""

from __future__ import annotations

from piccolo.columns import Text, Timestamptz
from piccolo.table import Table


class Session(Table, tablename="live_session"):
    """A live class of a program."""

    id = Text(primary_key=True)
    program_id = Text()
    title = Text()
    mentor_id = Text()
    starts_at = Timestamptz()

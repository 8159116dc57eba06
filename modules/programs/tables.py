"""The tables of programs."""

from __future__ import annotations

from piccolo.columns import Boolean, Text, Timestamptz
from piccolo.table import Table


class Program(Table, tablename="program"):
    """A program; one that is `open_to_all` needs no enrolment."""

    id = Text(primary_key=True)
    title = Text()
    mentor_id = Text()
    open_to_all = Boolean()
    created_at = Timestamptz()


class Enrolment(Table, tablename="program_enrolment"):
    program_id = Text()
    user_id = Text()

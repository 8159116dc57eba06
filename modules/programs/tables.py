"""The tables of programs that are read or seeded by Piccolo; what takes locks is SQL of the services."""

from __future__ import annotations

from piccolo.columns import Array, BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table


class Program(Table, tablename="program"):
    """A program; one that is `open_to_all` needs no enrolment. `price` is in minor units of `currency`."""

    id = Text(primary_key=True)
    title = Text()
    summary = Text()
    mentor_id = Text()
    co_mentors = Array(base_column=Text())
    open_to_all = Boolean()
    state = Text(default="draft")
    price = BigInt()
    currency = Text(default="INR")
    capacity = BigInt(null=True, default=None)
    rev = BigInt(default=1)
    created_at = Timestamptz()


class Enrolment(Table, tablename="program_enrolment"):
    program_id = Text()
    user_id = Text()
    state = Text(default="enrolled")

"""The tables that Piccolo reads for lists. Every other statement is in a repository."""

from __future__ import annotations

from typing import Final

from piccolo.columns import UUID, Array, BigInt, Boolean, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table


class Session(Table, tablename="live_session"):
    """A live class of a program."""

    id = Text(primary_key=True)
    program_id = Text()
    lesson_id = Text(null=True, default=None)
    series_id = Text(null=True, default=None)
    title = Text()
    summary = Text(default="")
    mentor_id = Text()
    co_mentors = Array(base_column=Text())
    starts_at = Timestamptz()
    ends_at = Timestamptz()
    state = Text()
    mode = Text(default="broadcast")
    visibility = Text(default="program")
    recording = Boolean(default=False)
    capacity = BigInt(null=True, default=None)
    video = Text(default="off")
    opened_at = Timestamptz(null=True, default=None)
    started_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    rev = BigInt(default=1)
    created_at = Timestamptz()
    updated_at = Timestamptz()


class AttendanceRow(Table, tablename="live_attendance"):
    """What stays of one user's attendance of a session that is over."""

    session_id = Text(primary_key=True)
    user_id = Text()
    name = Text()
    role = Text()
    first_at = Timestamptz(null=True, default=None)
    last_at = Timestamptz(null=True, default=None)
    seconds = Integer()
    visits = Integer()
    late_seconds = Integer()
    early_seconds = Integer()
    late = Boolean()
    early = Boolean()
    present = Boolean()


class StarRow(Table, tablename="live_star"):
    """What one student gave a session."""

    session_id = Text(primary_key=True)
    user_id = Text()
    id = UUID()
    stars = SmallInt()
    comment = Text()
    given_at = Timestamptz()


class VoteRow(Table, tablename="live_vote"):
    """What was chosen in a poll, by a user or by what its secret makes of one."""

    poll_id = Text(primary_key=True)
    voter = Text()
    options = Array(base_column=Integer())


TABLES: Final = (
    Session,
    VoteRow,
    AttendanceRow,
    StarRow,
)

"""Requests and answers of the routes of series and calendar feeds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.text import Texts
from modules.live.messages import (
    EXAMPLE,
    MADE,
    PROGRAM,
    Capacity,
    CoMentors,
    Mode,
    Moment,
    NewSession,
    Summary,
    Title,
    Visibility,
)

Rule = Annotated[str, Meta(min_length=1, max_length=500, pattern="^[ -~]*$")]
Timezone = Annotated[str, Meta(pattern="^[A-Za-z0-9_+/-]{1,64}$", description="Of the IANA database")]


class NewSeries(NewSession, frozen=True, kw_only=True):
    """A first session, and the rule (RFC 5545) by which others follow it. They begin at the same time by the clock of
    `timezone`."""

    rule: Rule
    timezone: Timezone

    @classmethod
    def example(cls) -> NewSeries:
        first = NewSession.example()
        values = {name: getattr(first, name) for name in NewSession.__struct_fields__}
        return cls(**values, rule="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12", timezone="Asia/Kolkata")


class SeriesChange(Texts, frozen=True, kw_only=True):
    """What is left out stays. `starts_at` and `ends_at` are those of the first session that is still to come. The
    others follow it by the rule, which may be a new one."""

    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType = UNSET
    rule: Rule | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    co_mentors: CoMentors | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    recording: bool | UnsetType = UNSET
    capacity: Capacity | UnsetType | None = UNSET

    @classmethod
    def example(cls) -> SeriesChange:
        return cls(recording=True)


class SeriesView(msgspec.Struct, frozen=True, kw_only=True):
    """A series; its sessions are listed by `GET /sessions?series=`."""

    id: str
    program_id: str
    mentor_id: str
    title: str
    rule: str
    timezone: str
    sessions: int
    rev: int
    created_at: datetime

    @classmethod
    def example(cls) -> SeriesView:
        return cls(
            id=EXAMPLE,
            program_id=PROGRAM,
            mentor_id="meera",
            title="Quadratic equations",
            rule="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12",
            timezone="Asia/Kolkata",
            sessions=12,
            rev=1,
            created_at=MADE,
        )


class CalendarAddress(msgspec.Struct, frozen=True):
    """The address of a calendar feed. It is shown once, and whoever knows it sees your sessions."""

    url: str

    @classmethod
    def example(cls) -> CalendarAddress:
        return cls("https://ksmp.example/api/v1/calendars/Wm3q0x….ics")

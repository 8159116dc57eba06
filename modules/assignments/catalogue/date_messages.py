"""Dates as requests write them and as answers show them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway import clock, time_zones
from gateway.errors import invalid
from modules.assignments.dates.wall_time import WallTime

# What a clock shows, without a zone: of this century, so that days can be added.
WALL: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"

Wall = Annotated[str, Meta(pattern=WALL, description="What the clock shows, without a zone")]
Zone = Annotated[str, Meta(pattern="^[A-Za-z0-9_+/-]{1,64}$", description="Of the IANA database")]


class NewDate(msgspec.Struct, frozen=True):
    """A moment as people set it: what the clock shows in a time zone."""

    at: Wall
    zone: Zone

    @classmethod
    def example(cls) -> NewDate:
        return cls(f"{clock.example_day():%Y-%m-%d}T23:59:00", "Asia/Kolkata")


class DateView(msgspec.Struct, frozen=True):
    """What the clock shows in `zone`, and the moment that this is, in UTC."""

    at: str
    zone: str
    moment: datetime


def shown(date: WallTime | None) -> DateView | None:
    return None if date is None else DateView(date.at.isoformat(), date.zone, date.moment())


async def check_zones(dates: Iterable[tuple[str, NewDate | None]]) -> None:
    """Check the zones of fields. Raises BadInput `invalid` for an unknown one."""
    given = [(field, date) for field, date in dates if date is not None]
    if given:
        names = await asyncio.to_thread(time_zones.names)
        for field, date in given:
            if date.zone not in names:
                raise invalid("there is no such time zone", field=field)


def resolved(date: NewDate | None, field: str) -> WallTime | None:
    """The date with its moment, once its zone is checked. Raises BadInput `invalid` for a day that does not exist."""
    if date is None:
        return None
    try:
        wall = WallTime(datetime.fromisoformat(date.at), date.zone)
    except ValueError:
        raise invalid("there is no such day", field=field) from None
    return WallTime(wall.at, wall.zone, wall.moment())

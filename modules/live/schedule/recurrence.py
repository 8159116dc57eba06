"""Occurrences of a series: a recurrence rule of RFC 5545 (section 3.3.10), by the wall clock of a time zone.

A rule may have FREQ (DAILY, WEEKLY, MONTHLY), INTERVAL, COUNT or UNTIL, BYDAY, BYMONTHDAY and WKST. Other parts are
refused: a class does not need them, and some make a rule search for long without finding a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, cast
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from gateway import time_zones
from gateway.errors import BadInput, invalid

DAY: Final = "(MO|TU|WE|TH|FR|SA|SU)"
MONTH_DAY: Final = "-?([1-9]|[12][0-9]|3[01])"
PARTS: Final = {
    name: re.compile(pattern)
    for name, pattern in {
        "FREQ": "DAILY|WEEKLY|MONTHLY",
        "INTERVAL": "[1-9][0-9]?",
        "COUNT": "[1-9][0-9]{0,3}",
        "UNTIL": "[0-9]{8}T[0-9]{6}Z",
        "BYDAY": f"(-?[1-5])?{DAY}(,(-?[1-5])?{DAY}){{0,13}}",
        "BYMONTHDAY": f"{MONTH_DAY}(,{MONTH_DAY}){{0,30}}",
        "WKST": DAY,
    }.items()
}


def occurrences(rule: str, timezone: str, starts_at: datetime, *, most: int, horizon: datetime) -> list[datetime]:
    """When each session of a series begins, in UTC. The first is `starts_at`.

    Of a time that the clock of the zone shows twice, when summer time ends, `starts_at` says itself which of the two
    it is. Later occurrences are the first of the two, and a time that the clock skips is as much later (section 3.3.5).

    Raises BadInput `invalid` for an unknown time zone, and for a rule that cannot be read or has no end. It must begin
    with `starts_at`, end before `horizon`, and have at most `most` occurrences.
    """
    parts = _parts(rule)
    if timezone not in time_zones.names():
        raise invalid("there is no such time zone", field="timezone")
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise _bad("it needs COUNT or UNTIL, and not both")
    until = _until(parts["UNTIL"]) if "UNTIL" in parts else None
    count = int(parts.get("COUNT", most + 1))
    endless = ";".join(f"{name}={value}" for name, value in parts.items() if name not in ("COUNT", "UNTIL"))
    try:
        moments = list(islice(_endless(endless, ZoneInfo(timezone), starts_at, until, horizon), min(count, most + 1)))
    except (ValueError, OverflowError) as error:
        raise _bad(str(error)) from None
    if len(moments) > most:
        raise _bad(f"it has more than {most} occurrences")
    if not moments or moments[0] != starts_at:
        raise _bad("starts_at is not its first occurrence")
    if moments[-1] > horizon:
        raise _bad("its last occurrence is too far ahead")
    if "COUNT" in parts and len(moments) < count:
        raise _bad(f"it has only {len(moments)} occurrences")
    return moments


def _endless(
    rule: str, zone: ZoneInfo, starts_at: datetime, until: datetime | None, horizon: datetime
) -> Iterator[datetime]:
    """The occurrences in UTC: those up to `until`, and at most one beyond the horizon."""
    # The library counts in whole seconds, and does not know of the second of two equal times by the clock.
    first = starts_at.astimezone(zone).replace(microsecond=0, fold=0)
    rest = timedelta(microseconds=starts_at.microsecond)
    for local in cast(rrule, rrulestr(rule, dtstart=first)):
        moment = starts_at if local == first else local.astimezone(UTC) + rest
        if until is not None and moment - rest > until:
            return
        yield moment
        if moment > horizon:
            return


def counted(rule: str, count: int) -> str:
    """The same rule, ended by this number of occurrences."""
    parts = [part for part in rule.upper().split(";") if part.partition("=")[0] not in ("COUNT", "UNTIL")]
    return ";".join([*parts, f"COUNT={count}"])


def _parts(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.upper().split(";"):
        name, _, value = part.partition("=")
        if name not in PARTS or name in parts:
            raise _bad(f"{name or 'an empty part'} is not a part that it may have, or is there twice")
        if not PARTS[name].fullmatch(value):
            raise _bad(f"{name} cannot be so")
        parts[name] = value
    if "FREQ" not in parts:
        raise _bad("it needs FREQ")
    monthly = parts["FREQ"] == "MONTHLY"
    if not monthly and ("BYMONTHDAY" in parts or re.search("[1-5]", parts.get("BYDAY", ""))):
        raise _bad("days of the month are for FREQ=MONTHLY")
    if "BYMONTHDAY" in parts and "BYDAY" in parts:
        raise _bad("it has BYDAY or BYMONTHDAY, and not both")
    return parts


def _until(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _bad("UNTIL is no time") from None


def _bad(reason: str) -> BadInput:
    return invalid(f"the rule cannot be used: {reason}", field="rule")

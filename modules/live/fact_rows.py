"""What the rows of live say of the facts: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.analytics.facade import Counted
from modules.live.attendance.recorded import USERS
from modules.live.events import AttendanceRecorded, Attendee, Figures, SessionEnded, StarsGiven
from modules.programs.facade import students_of

ATTENDED: Final = """
    SELECT count(*) AS count, coalesce(sum(seconds), 0)::bigint AS value
    FROM live_attendance JOIN live_report USING (session_id) WHERE ended_at >= $1 AND ended_at < $2
"""
ENDED: Final = """
    SELECT count(*) AS count, coalesce(sum((totals ->> 'seconds')::bigint), 0)::bigint AS value
    FROM live_report WHERE ended_at >= $1 AND ended_at < $2
"""
# A user who changed their stars has given several facts, which come to the last.
STARS: Final = """
    SELECT stars::text AS label, count(*) AS value FROM live_star JOIN live_report USING (session_id)
    WHERE ended_at >= $1 AND ended_at < $2 GROUP BY stars
"""


REPORTS: Final = """
    SELECT session_id, program_id, report.started_at, report.ended_at, totals
    FROM live_report AS report JOIN live_session ON id = session_id
    WHERE report.ended_at >= $1 AND report.ended_at < $2 ORDER BY report.ended_at, session_id
"""
ATTENDEES: Final = """
    SELECT user_id, seconds, CASE WHEN role = 'host' THEN 'host' WHEN visits = 0 THEN 'absent'
        WHEN NOT user_id = ANY($2::text[]) THEN 'guest'
        WHEN NOT present THEN 'partial' WHEN late THEN 'late' ELSE 'present' END AS state
    FROM live_attendance WHERE session_id = $1 ORDER BY user_id
"""
STARS_OF: Final = "SELECT id::text AS change_id, stars FROM live_star WHERE session_id = $1 ORDER BY id"


async def attended_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """Rows of attendance of the classes that ended then, and the seconds in them, whatever their state."""
    row = (await database.fetch(ATTENDED, since, until))[0]
    return {"": Counted(row["count"], row["value"])}


async def ended_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """Classes that ended then and have a report, and how long they were."""
    row = (await database.fetch(ENDED, since, until))[0]
    return {"ended": Counted(row["count"], row["value"])}


async def star_rows(database: Database, since: datetime, until: datetime) -> Mapping[str, Counted]:
    """How many stars the classes have that ended then."""
    found = {row["label"]: row["value"] for row in await database.fetch(STARS, since, until)}
    return {stars: Counted(None, found.get(stars, 0)) for stars in map(str, range(1, 6))}


async def source_events(
    database: Database, since: datetime, until: datetime
) -> AsyncIterator[tuple[msgspec.Struct, datetime]]:
    """Classes, who attended them and their stars, as the reports tell of them.

    Who has a place in the program now counts as expected. When somebody was there within a class, and what they did
    there, no row says for long.
    """
    for row in await database.fetch(REPORTS, since, until):
        session, program, at = row["session_id"], row["program_id"], row["ended_at"]
        figures = msgspec.json.decode(row["totals"], type=Figures)
        yield SessionEnded(session, program, row["started_at"], at, figures), at
        places = await students_of(database, program)
        attendees = [msgspec.convert(one, Attendee) for one in await database.fetch(ATTENDEES, session, places)]
        for part, start in enumerate(range(0, len(attendees), USERS)):
            yield (
                AttendanceRecorded(
                    session_id=session,
                    program_id=program,
                    started_at=row["started_at"],
                    at=at,
                    part=part,
                    attendees=tuple(attendees[start : start + USERS]),
                ),
                at,
            )
        for star in await database.fetch(STARS_OF, session):
            yield (
                StarsGiven(
                    session_id=session,
                    program_id=program,
                    at=at,
                    change_id=star["change_id"],
                    stars=star["stars"],
                ),
                at,
            )

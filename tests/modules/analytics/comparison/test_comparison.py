"""Facts of days that are over are compared with the rows, and what differs is an alarm."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from ksmp_testkit import Caller
from ksmp_testkit.answers import refused
from modules.analytics.comparison.compared import Compared
from modules.analytics.facade import Fact
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import Event, Source
from modules.analytics.store.progress import ProgressRepository
from tests.modules.analytics.comparison import rows

# 05:30 in India is midnight in UTC: this hour is another day there.
DAY, HOUR = date(2021, 5, 4), datetime(2021, 5, 3, 20, 0, tzinfo=UTC)
DIFFERENCES = "ksmp_analytics_differences"


async def stored_until_now(analytics: AnalyticsModule) -> None:
    """Say that all facts of before are stored."""
    progress = ProgressRepository(analytics.kernel.database)
    now = (await analytics.kernel.database.fetch("SELECT clock_timestamp() AS now"))[0]["now"]
    await progress.advance(Source.FACTS, now)


async def compare(analytics: AnalyticsModule, day: date) -> list[Compared]:
    """Both steps of a comparison that begins now."""
    assert await analytics.comparison.settled(day, 0.0) is None
    await stored_until_now(analytics)
    found = await analytics.comparison.compare(day)
    assert found is not None
    return found


def differing(found: list[Compared]) -> set[str]:
    return {one.name for one in found if not one.agrees}


async def test_facts_of_a_backfill_are_those_of_the_rows_and_one_that_is_lost_is_found(
    analytics: AnalyticsModule, database: asyncpg.Pool[Any]
) -> None:
    program = await rows.program(database, HOUR)
    found = await compare(analytics, DAY)
    assert {one.name for one in found} >= {"live.attended", "payments.revenue", "assignments.turned_in"}
    assert all(one.facts.count == 0 for one in found)
    assert differing(found) == {
        "live.attended",
        "live.session",
        "live.stars",
        "programs.lesson_done",
        "programs.completed",
        "payments.order_made",
        "payments.order_paid",
        "payments.revenue",
        "assignments.turned_in",
    }
    first = await analytics.backfill.day(DAY)
    again = await analytics.backfill.day(DAY)
    assert (first.repeated, again.stored, again.repeated) == (0, 0, first.stored)
    assert differing(await compare(analytics, DAY)) == set()
    # The days before and after have nothing.
    for beside in (DAY - timedelta(days=1), DAY + timedelta(days=1)):
        assert differing(await compare(analytics, beside)) == set()
    await database.execute(
        "UPDATE analytics_rollup SET count = count - 1, value = value - 49900 WHERE name = $1 AND program_id = $2",
        "payments.revenue",
        program,
    )
    with capture_logs() as logs:
        found = await compare(analytics, DAY)
    (lost,) = [one for one in found if not one.agrees]
    assert (lost.name, lost.label) == ("payments.revenue", "INR")
    assert (lost.facts.count, lost.facts.value, lost.rows.count, lost.rows.value) == (1, 49900, 2, 99800)
    (alarm,) = [one for one in logs if one["event"] == "analytics.differs"]
    assert (alarm["log_level"], alarm["day"], alarm["name"]) == ("error", "2021-05-04", "payments.revenue")


async def test_a_backfill_tells_nothing_otherwise_than_it_was_told(
    analytics: AnalyticsModule, database: asyncpg.Pool[Any]
) -> None:
    """The rows do not know that the work was late, and who gave their place back is a guest in past classes."""
    day, hour = date(2021, 6, 15), datetime(2021, 6, 15, 6, 0, tzinfo=UTC)
    program = await rows.program(database, hour)
    (work, *_) = await database.fetch(
        """
        SELECT attempt.assignment_id, members, turned_in_at FROM assignments_attempt AS attempt
        JOIN assignments_submission AS submission ON submission.id = submission_id WHERE program_id = $1
        """,
        program,
    )
    late = Fact(
        name="assignments.turned_in",
        at=work["turned_in_at"],
        user_id=work["members"][0],
        program_id=program,
        key=work["assignment_id"],
        label="late",
        value=2,
    )
    await analytics.writer.write([Event.of(late)], Source.FACTS)
    await analytics.backfill.day(day)
    said = "SELECT name, label, count(*) FROM analytics_event WHERE program_id = $1 GROUP BY 1, 2 ORDER BY 1, 2"
    first = await database.fetch(said, program)
    assert ("assignments.turned_in", "late", 1) in [tuple(row) for row in first]
    await database.execute("DELETE FROM program_enrolment WHERE program_id = $1", program)
    await analytics.backfill.day(day)
    assert await database.fetch(said, program) == first
    assert differing(await compare(analytics, day)) == set()


async def test_what_is_not_stored_yet_is_no_difference(analytics: AnalyticsModule, database: asyncpg.Pool[Any]) -> None:
    day, hour = date(2021, 6, 8), datetime(2021, 6, 8, 6, 0, tzinfo=UTC)
    await analytics.comparison.settled(day, 0.0)
    await rows.order(database, "p", "ann", 100, hour)
    # Facts of now are not stored.
    assert await analytics.comparison.compare(day) is None
    await stored_until_now(analytics)
    # The rows are not those of before: counted again, and the facts of now are waited for again.
    assert await analytics.comparison.compare(day) is None
    assert await analytics.comparison.compare(day) is None
    await analytics.backfill.day(day)
    await stored_until_now(analytics)
    found = await analytics.comparison.compare(day)
    assert found is not None
    assert differing(found) == set()


async def test_days_that_are_over_are_compared_once_a_day_and_kept_for_some_time(
    analytics: AnalyticsModule, database: asyncpg.Pool[Any]
) -> None:
    async def compared_days() -> dict[date, datetime]:
        kept = await database.fetch("SELECT day, compared_at FROM analytics_compared_day WHERE day >= '2021-07-01'")
        return {row["day"]: row["compared_at"] for row in kept}

    async def look(now: datetime) -> None:
        for _ in range(2):
            await analytics.comparison.look(now)
            await stored_until_now(analytics)

    began = datetime(2021, 7, 5, 12, 0, tzinfo=UTC)
    await database.execute("UPDATE analytics_beginning SET at = $1", began)
    await rows.order(database, "p", "ann", 100, datetime(2021, 7, 7, 12, 0, tzinfo=UTC))
    # In India the 7th of July ends at 18:30 UTC, and two hours later it is compared.
    await look(datetime(2021, 7, 7, 20, 29, tzinfo=UTC))
    # Of the 5th analytics did not hear from the beginning.
    assert set(await compared_days()) == {date(2021, 7, 6)}
    await look(datetime(2021, 7, 7, 20, 31, tzinfo=UTC))
    days = await compared_days()
    assert set(days) == {date(2021, 7, 6), date(2021, 7, 7)}
    assert all(days.values())
    assert REGISTRY.get_sample_value(DIFFERENCES) == 3.0
    until = REGISTRY.get_sample_value("ksmp_analytics_compared_until_timestamp_seconds")
    assert until == datetime(2021, 7, 7, 18, 30, tzinfo=UTC).timestamp()
    # Compared now, so it is not due again before tomorrow of 2021, which was long ago.
    await look(datetime(2021, 7, 8, 10, 0, tzinfo=UTC))
    assert await compared_days() == days
    # By then others are the last two days, and after ten days nothing is kept.
    await look(datetime(2021, 7, 18, 21, 0, tzinfo=UTC))
    assert set(await compared_days()) == {date(2021, 7, 17), date(2021, 7, 18)}
    assert await database.fetchval("SELECT count(*) FROM analytics_comparison WHERE day = '2021-07-07'") == 0


async def ksmp(environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.cli",
        "analytics",
        *arguments,
        env=os.environ | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60.0)
    return process.returncode or 0, output.decode()


async def test_an_operator_compares_and_fills_days(environ: Mapping[str, str], database: asyncpg.Pool[Any]) -> None:
    hour = datetime(2021, 8, 3, 6, 0, tzinfo=UTC)
    await rows.order(database, "p", "ann", 100, hour)
    code, output = await ksmp(environ, "compare", "--from", "2021-08-03", "--wait", "0.1")
    assert (code, "2021-08-03  not compared" in output) == (1, True), output
    await database.execute("UPDATE analytics_progress SET as_of = now() + interval '1 hour'")
    code, output = await ksmp(environ, "compare", "--from", "2021-08-02", "--until", "2021-08-03")
    assert code == 1, output
    assert "2021-08-02  " in output
    assert "  payments.revenue INR: count 0 by facts, 1 by rows; sum 0 by facts, 100 by rows" in output.splitlines()
    code, output = await ksmp(environ, "backfill", "--from", "2021-08-03", "--until", "2021-08-03")
    assert (code, "stored 5 facts" in output) == (0, True), output
    code, output = await ksmp(environ, "compare", "--from", "2021-08-03")
    assert (code, ", 0 differ" in output) == (0, True), output


async def test_admins_see_what_differs_and_nobody_else(caller: Caller, postgres: str) -> None:
    at = datetime(2021, 5, 4, 12, 0, tzinfo=UTC)
    connection = await asyncpg.connect(postgres)
    await connection.execute("DELETE FROM analytics_comparison")
    insert = """
        INSERT INTO analytics_comparison VALUES
            (gen_random_uuid(), '2021-05-04', $1, $2, 1, 49900, $3, 99800, $4, $5)
    """
    await connection.execute(insert, "payments.revenue", "INR", 2, False, at)
    await connection.execute(insert, "live.stars", "5", None, True, at)
    await connection.close()
    place = "/api/v1/analytics/comparisons"
    admin = caller("root", "admin")
    (one,) = (await admin.get(place, params={"agrees": "false"})).json()["items"]
    assert {name: value for name, value in one.items() if name != "id"} == {
        "day": "2021-05-04",
        "name": "payments.revenue",
        "label": "INR",
        "facts_count": 1,
        "facts_value": 49900,
        "rows_count": 2,
        "rows_value": 99800,
        "agrees": False,
        "compared_at": "2021-05-04T12:00:00Z",
    }
    first = (await admin.get(place, params={"limit": 1})).json()
    second = (await admin.get(place, params={"limit": 1, "cursor": first["next"]})).json()
    assert {one["name"] for page in (first, second) for one in page["items"]} == {"payments.revenue", "live.stars"}
    assert {one["rows_count"] for page in (first, second) for one in page["items"]} == {2, None}
    for role in ("student", "mentor"):
        refused(await caller("ann", role).get(place), 403, "forbidden")

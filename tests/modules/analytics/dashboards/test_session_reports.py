"""The report of a session: what it shows, and to whom."""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from gateway import clock
from ksmp_testkit.answers import done, refused
from tests.modules.analytics.dashboards.school import ANALYTICS, School, total


async def test_a_session_after_class(school: School, own_postgres: str) -> None:
    program, session = await school.program(), f"class-{school.mark}"
    ended = clock.now() - timedelta(hours=2)
    started = ended - timedelta(hours=1)
    connection = await asyncpg.connect(own_postgres)
    await connection.execute(
        """
        INSERT INTO live_session (id, program_id, title, mentor_id, state, starts_at, ends_at, started_at, ended_at)
        VALUES ($1, $2, 'Roots', $3, 'ended', $4, $5, $4, $5)
        """,
        *(session, program, school.user("host"), started, ended),
    )
    await connection.execute(
        """
        INSERT INTO live_report (session_id, started_at, ended_at, step, curve, totals)
        VALUES ($1, $2, $3, 60, $4, $5)
        """,
        *(session, started, ended, [3, 7, 6], "{}"),
    )
    await connection.close()

    def at_end(name: str, user: str = "", label: str = "", value: int = 1, key: str = "") -> object:
        return school.fact(
            name,
            ended,
            user=user,
            program_id=program,
            session_id=session,
            label=label,
            value=value,
            key=key or session,
        )

    students = [f"s{number}" for number in range(6)]
    await school.tell(
        *(at_end("live.attended", user, "present", 600) for user in students),  # type: ignore[arg-type]
        at_end("live.attended", "late", "absent", 0),  # type: ignore[arg-type]
        at_end("live.took_part", "s0", "chat", 3, f"{session}:chat"),  # type: ignore[arg-type]
        *(
            school.fact("live.left_at", ended, user=user, program_id=program, session_id=session, label=tenth)
            for user, tenth in zip(students, "499999", strict=True)
        ),
        school.fact("live.said", started, program_id=program, session_id=session, label="message", value=3),
        # After the class.
        *(
            school.fact("live.stars", program_id=program, session_id=session, label="4", value=1, part=user,
                        at=ended + timedelta(minutes=30))
            for user in students
        ),
    )  # fmt: skip
    for name, role in (("meera", "mentor"), ("host", "mentor"), ("boss", "admin")):
        found = await school.read(school.caller(name, role), f"sessions/{session}")
        assert (found["title"], found["state"], found["program_id"]) == ("Roots", "ended", program)
        assert found["curve"] == [{"seconds": 60 * place, "viewers": number} for place, number in enumerate([3, 7, 6])]
        assert [(one["messages"], one["hands"]) for one in found["activity"]] == [(3, 0)]
        figures = {one["measure"]["name"]: total(one) for one in found["figures"]}
        assert figures["attendance"] == (6, 7)
        assert figures["engagement"] == (1, 6)
        assert figures["stars"] == (24, 6)
        assert figures["drop_off"] == (1, 6)
        tenths = next(one for one in found["details"] if one["measure"]["name"] == "drop_off")["figures"]
        assert {one["key"]: one["numerator"] for one in tenths if one["numerator"]} == {"4": 1, "9": 5}
    for name, role, status, code in (("raj", "mentor", 404, "not_found"), ("s0", "student", 403, "forbidden")):
        refused(await school.caller(name, role).get(f"{ANALYTICS}/sessions/{session}"), status, code)
    missing = await school.caller("boss", "admin").get(f"{ANALYTICS}/sessions/none")
    refused(missing, 404, "not_found")


async def test_a_session_that_goes_on_has_no_figures_yet(school: School, own_postgres: str) -> None:
    program, session = await school.program(), f"now-{school.mark}"
    connection = await asyncpg.connect(own_postgres)
    await connection.execute(
        "INSERT INTO live_session (id, program_id, title, mentor_id) VALUES ($1, $2, 'Roots', $3)",
        *(session, program, school.user("meera")),
    )
    await connection.close()
    found = done(await school.caller("meera", "mentor").get(f"{ANALYTICS}/sessions/{session}"))
    assert found["curve"] == []
    assert all(total(one) in ((0, 0), (0, None)) for one in found["figures"])
    assert not any(part["complete"] for one in found["figures"] for part in one["total"])

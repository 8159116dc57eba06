"""How programs grew: their students, what there is to do in them, and what was done, by when it began to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from modules.analytics.measures.conditions import Conditions
from modules.analytics.measures.reading import Reading

LESSONS: Final = ("programs.lesson", ("there",), "programs.lesson_done", ("",))
ASSIGNMENTS: Final = (
    "assignments.assignment",
    ("published", "closed"),
    "assignments.turned_in",
    ("on_time", "late"),
)
# How many characters `analytics_register_key` puts behind the key of a thing.
SUBJECT_CHARACTERS: Final = len(f":{UUID(int=0)}")


class Grown(msgspec.Struct, frozen=True):
    """Of one program: how many came to be in which time. What is done are pairs of a student and a thing."""

    program_id: str
    students: dict[int, int]
    things: dict[int, int]
    done: dict[int, int]


class CompletionRepository:
    """Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lessons(self, reading: Reading) -> list[Grown]:
        """Students, their programs' lessons, and which of these they completed."""
        return await self._pairs(reading, *LESSONS)

    async def assignments(self, reading: Reading) -> list[Grown]:
        """Students, their programs' assignments, and which of these they turned in."""
        return await self._pairs(reading, *ASSIGNMENTS)

    async def programs(self, reading: Reading) -> list[Grown]:
        """Students, their programs, and which of these they completed."""
        where = Conditions(reading.query)
        limits, until = where.add(reading.boundaries), where.add(reading.query.window.until)
        statement = f"""
            SELECT program_id, 'students' AS what, {_span("at", limits)} AS span, count(*) AS number
            FROM analytics_register AS student
            WHERE {_student("student", until)} {where.within("student")} GROUP BY 1, 2, 3
            UNION ALL
            SELECT DISTINCT program_id, 'things', 0, 1 FROM analytics_register AS student
            WHERE {_student("student", until)} {where.within("student")}
            UNION ALL
            SELECT done.program_id, 'done', {_span("greatest(done.at, student.at)", limits)}, count(*)
            FROM analytics_register AS done
            JOIN analytics_register AS student
                ON student.program_id = done.program_id AND student.subject = done.subject
                AND {_student("student", until)} {where.within("student")}
            WHERE done.name = 'programs.completed' AND done.at < {until} {where.within("done")}
            GROUP BY 1, 2, 3
        """  # noqa: S608
        return await self._read(statement, where)

    async def _pairs(
        self, reading: Reading, thing: str, there: tuple[str, ...], act: str, acted: tuple[str, ...]
    ) -> list[Grown]:
        where = Conditions(reading.query)
        limits, until = where.add(reading.boundaries), where.add(reading.query.window.until)
        # Things are joined by their keys alone: by the program too, each student could first be joined with each thing.
        given, of_thing = where.add(thing), where.add(list(there))
        statement = f"""
            SELECT program_id, 'students' AS what, {_span("at", limits)} AS span, count(*) AS number
            FROM analytics_register AS student
            WHERE {_student("student", until)} {where.within("student")} GROUP BY 1, 2, 3
            UNION ALL
            SELECT program_id, 'things', {_span("at", limits)}, count(*)
            FROM analytics_register AS thing
            WHERE name = {given} AND label = ANY({of_thing}::text[]) AND at < {until}
                AND program_id IN (
                    SELECT program_id FROM analytics_register AS student
                    WHERE {_student("student", until)} {where.within("student")}
                )
            GROUP BY 1, 2, 3
            UNION ALL
            SELECT done.program_id, 'done', {_span("greatest(done.at, student.at, thing.at)", limits)}, count(*)
            FROM analytics_register AS done
            JOIN analytics_register AS student
                ON student.program_id = done.program_id AND student.subject = done.subject
                AND {_student("student", until)} {where.within("student")}
            JOIN analytics_register AS thing
                ON thing.name = {given} AND thing.key = left(done.key, -{SUBJECT_CHARACTERS})
                AND thing.label = ANY({of_thing}::text[]) AND thing.at < {until}
            WHERE done.name = {where.add(act)} AND done.label = ANY({where.add(list(acted))}::text[])
                AND done.at < {until} {where.within("done")}
            GROUP BY 1, 2, 3
        """  # noqa: S608
        return await self._read(statement, where)

    async def _read(self, statement: str, where: Conditions) -> list[Grown]:
        programs: dict[str, Grown] = {}
        for row in await self._database.fetch(statement, *where.arguments):
            program = programs.setdefault(row["program_id"], Grown(row["program_id"], {}, {}, {}))
            numbers: Mapping[str, dict[int, int]] = {
                "students": program.students,
                "things": program.things,
                "done": program.done,
            }
            numbers[row["what"]][row["span"]] = row["number"]
        return list(programs.values())


def _student(table: str, until: str) -> str:
    """Rows of students with a place, who have had it since `at`."""
    return f"{table}.name = 'programs.enrolled' AND {table}.label = 'enrolled' AND {table}.at < {until}"


def _span(at: str, limits: str) -> str:
    """The place of a time between the boundaries; 0 for what was there before all of them."""
    return f"width_bucket({at}, {limits}::timestamptz[])"

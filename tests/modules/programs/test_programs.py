"""Taking part in a program, as other modules ask about it; and that tables are as the migrations make them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from piccolo.table import Table

from devstack.stack import prepare_database
from gateway import clock, registry
from gateway.db.archive import ArchivePosition, RoomPush
from gateway.db.database import PostgresDatabase
from gateway.db.migrate import migrate, pending
from gateway.principal import Principal, Role
from ksmp_testkit import MakeSettings
from modules.accounts.tables import User
from modules.programs.facade import Part, part_of, parts_of, programs_of, taken_part_in
from modules.programs.tables import Ban, Enrolment, Program

MODULES = registry.load()
TABLES: list[type[Table]] = [RoomPush, ArchivePosition, *(table for module in MODULES for table in module.tables)]


@pytest.fixture
async def tables(postgres: str) -> AsyncIterator[PostgresDatabase]:
    """Every table on an engine of this test's own."""
    engine = PostgresDatabase(postgres, pool=2, timeout=5.0)
    engine.bind(TABLES)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.tablename)
async def test_a_table_has_the_columns_its_migrations_made(
    tables: PostgresDatabase, database: asyncpg.Pool, table: type[Table]
) -> None:
    await table.select(*table.all_columns()).limit(1)
    types = {"Text": "text", "BigInt": "bigint", "Timestamptz": "timestamp with time zone", "Boolean": "boolean"}
    types |= {"JSON": "json", "JSONB": "jsonb", "Serial": "bigint", "UUID": "uuid", "Array": "ARRAY"}
    types |= {
        "Integer": "integer",
        "SmallInt": "smallint",
        "Numeric": "numeric",
        "ForeignKey": "text",
        "Bytea": "bytea",
        "Date": "date",
    }
    rows = await database.fetch(
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = $1",
        table._meta.tablename,
    )
    made = {row["column_name"]: (row["data_type"], row["is_nullable"] == "YES") for row in rows}
    for column in table.all_columns():
        kind = types[type(column).__name__]
        assert made[column._meta.db_column_name] == (kind, column._meta.null), column


async def test_migrations_are_applied_once(postgres: str) -> None:
    assert await pending(postgres, MODULES) == []
    assert await migrate(postgres, MODULES) == []


async def test_a_seed_may_be_sown_twice(settings: MakeSettings, database: asyncpg.Pool) -> None:
    names = await prepare_database(settings())
    assert await prepare_database(settings()) == names
    assert names["program"] == names["session"] == "demo"
    assert await database.fetchval("SELECT count(*) FROM live_session WHERE id = 'demo'") == 1


def person(id: str, role: Role = Role.MENTOR) -> Principal:
    return Principal(id=id, name=id, role=role, expires_at=0)


async def test_parts(tables: PostgresDatabase) -> None:
    name = uuid.uuid4().hex
    for id, open_to_all in ((f"{name}-open", True), (f"{name}-closed", False)):
        await Program.insert(Program(id=id, title="x", mentor_id="meera", open_to_all=open_to_all)).run()
    await Enrolment.insert(Enrolment(program_id=f"{name}-closed", user_id="enid"))
    parts = {
        (user, kind): await part_of(tables, person(user), f"{name}-{kind}")
        for user in ("meera", "enid", "sam")
        for kind in ("open", "closed", "missing")
    }
    assert parts == {
        ("meera", "open"): Part.MENTOR,
        ("enid", "open"): Part.STUDENT,
        ("sam", "open"): Part.STUDENT,
        ("meera", "closed"): Part.MENTOR,
        ("enid", "closed"): Part.STUDENT,
        ("sam", "closed"): None,
        ("meera", "missing"): None,
        ("enid", "missing"): None,
        ("sam", "missing"): None,
    }


async def test_a_co_mentor_takes_part_and_who_waits_does_not(tables: PostgresDatabase) -> None:
    id = uuid.uuid4().hex
    await Program.insert(Program(id=id, title="x", mentor_id="meera", co_mentors=["paul"], open_to_all=False)).run()
    await Enrolment.insert(Enrolment(program_id=id, user_id="will", state="waiting"))
    paul, will = person("paul"), person("will")
    assert (await part_of(tables, paul, id), await part_of(tables, will, id)) == (Part.MENTOR, None)
    assert (await taken_part_in(tables, paul, [id]), await taken_part_in(tables, will, [id])) == ([id], [])


async def test_a_student_teaches_nothing_whatever_names_them(tables: PostgresDatabase) -> None:
    user, id, open_id = (uuid.uuid4().hex for _ in range(3))
    await Program.insert(Program(id=id, title="x", mentor_id=user, co_mentors=[user], open_to_all=False)).run()
    await Program.insert(Program(id=open_id, title="x", mentor_id=user, open_to_all=True)).run()
    for role, part, open_part in ((Role.MENTOR, Part.MENTOR, Part.MENTOR), (Role.STUDENT, None, Part.STUDENT)):
        principal = person(user, role)
        assert (await part_of(tables, principal, id), await part_of(tables, principal, open_id)) == (part, open_part)
        there = {id, open_id} if part else {open_id}
        assert {*await taken_part_in(tables, principal, [id, open_id])} == there
        assert {*await programs_of(tables, user, role)} & {id, open_id} == there
    # Where no token says it, the platform's own row does; a user whom it has not met may be the mentor they are named.
    assert await parts_of(tables, [user], id) == {user: Part.MENTOR}
    await User.insert(User(id=user, name="x", role="student")).run()
    assert (await parts_of(tables, [user], id), await parts_of(tables, [user], open_id)) == ({}, {user: Part.STUDENT})


async def test_who_is_banned_takes_no_part_until_it_ends(tables: PostgresDatabase) -> None:
    user, tag = uuid.uuid4().hex, uuid.uuid4().hex
    ids = [f"{tag}-{name}" for name in ("place", "open", "mine")]
    for id in ids:
        mentor = user if id == ids[2] else "meera"
        await Program.insert(Program(id=id, title="x", mentor_id=mentor, open_to_all=id == ids[1])).run()
    await Enrolment.insert(Enrolment(program_id=ids[0], user_id=user))
    for until, parts in (
        (None, [None, None, Part.MENTOR]),
        (clock.now() + timedelta(hours=1), [None, None, Part.MENTOR]),
        (clock.now() - timedelta(seconds=1), [Part.STUDENT, Part.STUDENT, Part.MENTOR]),
    ):
        await Ban.delete().where(Ban.user_id == user)
        await Ban.insert(*(Ban(program_id=id, user_id=user, until=until) for id in ids))
        there = {id for id, part in zip(ids, parts, strict=True) if part}
        assert [await part_of(tables, person(user), id) for id in ids] == parts
        assert [(await parts_of(tables, [user, "sam"], id)).get(user) for id in ids] == parts
        assert {*await taken_part_in(tables, person(user), ids)} == there
        assert {*await programs_of(tables, user, Role.MENTOR)} & {*ids} == there


async def test_the_programs_of_a_user(tables: PostgresDatabase) -> None:
    user, other = uuid.uuid4().hex, uuid.uuid4().hex
    ids = {name: uuid.uuid4().hex for name in ("mine", "ours", "open", "placed", "waited", "theirs")}
    for name, id in ids.items():
        mentor = user if name == "mine" else other
        co = [user] if name == "ours" else []
        await Program.insert(Program(id=id, title="x", mentor_id=mentor, co_mentors=co, open_to_all=name == "open"))
    await Enrolment.insert(Enrolment(program_id=ids["placed"], user_id=user, state="enrolled"))
    await Enrolment.insert(Enrolment(program_id=ids["waited"], user_id=user, state="waiting"))
    found = {name for name, id in ids.items() if id in await programs_of(tables, user, Role.MENTOR)}
    assert found == {"mine", "ours", "open", "placed"}

"""A user chooses, and takes it back; the rows of deletions say what becomes of it."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import asyncpg
import pytest

from gateway.contract import Database
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from modules.analytics.consent.repository import ConsentRepository
from modules.analytics.deletions.states import EVENTS, DeletionState, Reason
from modules.analytics.facade import Fact
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import Event, Source

PLACE = "/api/v1/analytics/consent"
DELETIONS = "/api/v1/analytics/deletions"


@pytest.fixture
def ann() -> str:
    return f"ann-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def sink(database: asyncpg.Pool) -> str:
    """The name of a sink that there once was."""
    name = f"s{uuid.uuid4().hex[:12]}"
    await database.execute("INSERT INTO analytics_sink (name) VALUES ($1)", name)
    return name


async def has_subject(database: asyncpg.Pool, user: str) -> uuid.UUID:
    subject = uuid.uuid4()
    await database.execute("INSERT INTO analytics_subject (user_id, subject) VALUES ($1, $2)", user, subject)
    return subject


async def outside(database: asyncpg.Pool, user: str) -> uuid.UUID | None:
    found: uuid.UUID | None = await database.fetchval("SELECT outside FROM analytics_consent WHERE user_id = $1", user)
    return found


async def deletions(database: asyncpg.Pool, place: str, *pseudonyms: uuid.UUID | None) -> list[tuple[str, str]]:
    rows = await database.fetch(
        "SELECT reason, state FROM analytics_deletion WHERE place = $1 AND pseudonym = ANY($2) ORDER BY id",
        place,
        list(pseudonyms),
    )
    return [(row["reason"], row["state"]) for row in rows]


def choice(analytics: bool | None, sinks: bool | None) -> dict[str, bool | None]:
    return {"analytics": analytics, "sinks": sinks}


async def test_nothing_is_chosen_by_default(caller: Caller, ann: str) -> None:
    answer = await caller(ann).get(PLACE)
    assert done(answer) == {"analytics": None, "sinks": None, "changed_at": None, "rev": 0}
    assert answer.headers["ETag"] == '"0"'


async def test_a_choice_holds_for_its_user_alone(node: Running, caller: Caller, ann: str) -> None:
    rest = caller(ann)
    shown = done(await rest.put(PLACE, json=choice(True, False)))
    assert (shown["analytics"], shown["sinks"], shown["rev"]) == (True, False, 1)
    assert done(await rest.put(PLACE, json=choice(True, False))) == shown
    assert done(await rest.get(PLACE)) == shown
    bob, cleo = f"bob-{ann}", f"cleo-{ann}"
    assert done(await caller(bob).get(PLACE))["rev"] == 0
    done(await caller(bob).put(PLACE, json=choice(False, None)))
    done(await caller(cleo).put(PLACE, json=choice(None, True)))
    database: Database = node.gateway.database
    found = await ConsentRepository(database).choices_of([ann, bob, cleo, f"dan-{ann}"])
    assert found == {ann: True, bob: False}


@pytest.mark.parametrize("body", [{"analytics": True}, {"analytics": "yes", "sinks": None}, {}])
async def test_what_is_no_choice(caller: Caller, ann: str, body: dict[str, object]) -> None:
    refused(await caller(ann).put(PLACE, json=body), 400, "invalid")
    assert done(await caller(ann).get(PLACE))["rev"] == 0


async def test_nobody_chooses_without_a_token(caller: Caller) -> None:
    refused(await caller().get(PLACE), 401, "unauthenticated")
    refused(await caller().put(PLACE, json=choice(True, True)), 401, "unauthenticated")


@pytest.mark.parametrize("back", [False, None])
async def test_what_is_taken_back_is_deleted(
    caller: Caller, database: asyncpg.Pool, sink: str, ann: str, back: bool | None
) -> None:
    rest, subject = caller(ann), await has_subject(database, ann)
    done(await rest.put(PLACE, json=choice(True, True)))
    first = await outside(database, ann)
    assert first not in (None, subject)
    done(await rest.put(PLACE, json=choice(True, back)))
    assert await deletions(database, EVENTS, subject) == []
    assert await deletions(database, sink, first) == [(Reason.WITHDRAWN, DeletionState.WAITING)]
    # Another pseudonym, so that nobody joins what came before with what comes now.
    done(await rest.put(PLACE, json=choice(back, True)))
    assert await deletions(database, EVENTS, subject) == [(Reason.WITHDRAWN, DeletionState.WAITING)]
    assert await outside(database, ann) not in (None, subject, first)


async def test_a_choice_is_in_the_audit(caller: Caller, database: asyncpg.Pool, ann: str) -> None:
    for made in (choice(True, True), choice(False, None)):
        done(await caller(ann).put(PLACE, json=made))
    rows = await database.fetch("SELECT act, actor, details FROM account_audit WHERE subject = $1 ORDER BY id", ann)
    assert [(row["act"], row["actor"]) for row in rows] == [("analytics.consent", ann)] * 2
    assert [json.loads(row["details"]) for row in rows] == [choice(True, True), choice(False, None)]


async def test_who_chooses_again_and_again_makes_no_more_deletions(
    caller: Caller, database: asyncpg.Pool, sink: str, ann: str
) -> None:
    made = [(await caller(ann).put(PLACE, json=choice(None, bool(number % 2)))).status_code for number in range(40)]
    assert made.count(200) < 35
    refused(await caller(ann).put(PLACE, json=choice(None, True)), 429, "rate_limited")
    assert await database.fetchval("SELECT count(*) FROM analytics_deletion WHERE place = $1", sink) < 20


async def test_an_export_has_what_the_events_say(
    node: Running, caller: Caller, database: asyncpg.Pool, ann: str
) -> None:
    analytics = node.module(AnalyticsModule)
    bob = f"bob-{ann}"
    for user, state in ((ann, "enrolled"), (bob, "cancelled")):
        at = datetime.now(UTC)
        place = Fact(name="programs.enrolled", at=at, user_id=user, program_id=f"p-{ann}", key="p", label=state)
        await analytics.writer.write([Event.of(place)], Source.FACTS)
        seen = [Fact(name="dashboards.opened", at=at, user_id=user, part=str(part)) for part in range(3)]
        await analytics.writer.write([Event.of(one) for one in seen], Source.CLIENTS)
    held = (await node.gateway.identities.export(ann)).modules["analytics"]
    assert [(one["name"], one["label"]) for one in held["facts"]] == [("programs.enrolled", "enrolled")]
    assert [(one["name"], one["count"]) for one in held["client_events"]] == [("dashboards.opened", 3)]
    async with node.gateway.database.transaction():
        await node.gateway.identities.forget(ann)
    assert "analytics" not in (await node.gateway.identities.export(ann)).modules


async def test_a_deleted_user_has_no_subject_and_their_events_are_deleted(
    node: Running, caller: Caller, database: asyncpg.Pool, sink: str, ann: str
) -> None:
    subject = await has_subject(database, ann)
    done(await caller(ann).put(PLACE, json=choice(True, True)))
    alias = await outside(database, ann)
    exported = await node.gateway.identities.export(ann)
    assert exported.modules["analytics"]["consent"]["sinks"] is True
    for _ in range(2):
        async with node.gateway.database.transaction():
            await node.gateway.identities.forget(ann)
    assert await deletions(database, EVENTS, subject) == [(Reason.DELETED, DeletionState.WAITING)]
    assert await deletions(database, sink, alias) == [(Reason.DELETED, DeletionState.WAITING)]
    assert not await database.fetch("SELECT FROM analytics_subject WHERE user_id = $1", ann)
    assert await outside(database, ann) is None
    assert "analytics" not in (await node.gateway.identities.export(ann)).modules


async def test_who_is_deleted_has_no_place_and_gets_no_subject_again(
    node: Running, caller: Caller, database: asyncpg.Pool, ann: str
) -> None:
    """What other modules tell of a deleted user is stored after them. It is nobody's, and nobody's place is left."""
    done(await caller(ann).get("/api/v1/users/me"))
    writer, program = node.module(AnalyticsModule).writer, f"p-{ann}"

    def fact(name: str, label: str) -> Event:
        at = datetime.now(UTC)
        return Event.of(Fact(name=name, at=at, user_id=ann, program_id=program, key=program, label=label))

    await writer.write([fact("programs.enrolled", "enrolled")], Source.FACTS)
    done(await caller("root", "admin").delete(f"/api/v1/users/{ann}"), 204)
    await writer.write([fact("programs.enrolled", "cancelled"), fact("live.attended", "absent")], Source.FACTS)
    assert not await database.fetch("SELECT FROM analytics_subject WHERE user_id = $1", ann)
    rows = await database.fetch("SELECT name, label, subject FROM analytics_register WHERE program_id = $1", program)
    assert sorted((row["name"], row["label"]) for row in rows) == [
        ("live.attended", "absent"),
        ("programs.enrolled", "cancelled"),
        ("programs.enrolled", "cancelled"),
    ]
    assert all(row["subject"] is not None for row in rows)


async def test_only_admins_see_deletions(caller: Caller, database: asyncpg.Pool, sink: str, ann: str) -> None:
    for role in ("student", "mentor"):
        refused(await caller(ann, role).get(DELETIONS), 403, "forbidden")
    await has_subject(database, ann)
    rest = caller(ann)
    done(await rest.put(PLACE, json=choice(True, True)))
    alias = await outside(database, ann)
    done(await rest.put(PLACE, json=choice(True, False)))
    admin = caller(f"boss-{ann}", "admin")
    (seen,) = done(await admin.get(DELETIONS, params={"place": sink, "state": "waiting"}))["items"]
    assert (seen["place"], seen["pseudonym"], seen["reason"], seen["finished_at"]) == (
        sink,
        str(alias),
        "withdrawn",
        None,
    )
    assert done(await admin.get(DELETIONS, params={"place": sink, "state": "done"}))["items"] == []
    refused(await admin.get(DELETIONS, params={"state": "lost"}), 400, "invalid")

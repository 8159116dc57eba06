"""Messages to students who fall behind."""

from __future__ import annotations

from typing import Any

import asyncpg

from ksmp_testkit import Caller, Clients, Running, eventually
from ksmp_testkit.answers import done, refused
from modules.analytics.module import AnalyticsModule
from tests.modules.analytics.at_risk.conftest import Course

TEXT = "Can I help you to catch up?"


async def write(clients: Clients, course: Course, *names: str, text: str = TEXT) -> list[tuple[str, bool]]:
    """What became of it, by the order of the names."""
    body = {"users": [course.user(name) for name in names], "text": text}
    answer = done(await clients.rest(course.mentor, "mentor").post(f"{course.path}/messages", json=body))
    assert [one["user_id"] for one in answer["results"]] == body["users"]
    return [(one["state"], one["written_at"] is not None) for one in answer["results"]]


async def inbox(clients: Clients, user: str) -> list[dict[str, Any]]:
    answer = done(await clients.rest(user).get("/api/v1/notify/inbox"))
    return [one for one in answer["items"] if one["kind"] == "analytics.message"]


async def test_a_student_hears_what_the_mentor_writes_once(clients: Clients, course: Course) -> None:
    await course.enrol("ann", "bob")
    await course.classes([3, 2], ann=["absent"] * 2, bob=["absent"] * 2)
    assert await write(clients, course, "ann") == [("sent", True)]

    async def arrived() -> bool:
        return len(await inbox(clients, course.user("ann"))) == 1

    await eventually(arrived, "the notification is in her list")
    (told,) = await inbox(clients, course.user("ann"))
    assert told["title"] == f"{course.mentor.capitalize()} writes to you about Algebra"
    assert told["body"] == TEXT
    assert told["link"] == f"/programs/{course.program}"
    # Somebody else who teaches it finds that she was written to.
    page = done(await clients.rest("root", "admin").get(course.path))
    ann, bob = page["items"]
    assert (ann["written_by"], bob["written_by"]) == (course.mentor, None)
    assert ann["written_at"] is not None
    # Repeated, with one more: only the one more hears it.
    assert await write(clients, course, "ann", "bob") == [("recently", True), ("sent", True)]

    async def bob_has_it() -> bool:
        return len(await inbox(clients, course.user("bob"))) == 1

    await eventually(bob_has_it, "the notification is in his list")
    assert len(await inbox(clients, course.user("ann"))) == 1


async def test_who_is_no_student_of_the_program_hears_nothing(
    clients: Clients, course: Course, database: asyncpg.Pool[Any]
) -> None:
    await course.enrol("ann", "bob")
    await database.execute("DELETE FROM program_enrolment WHERE user_id = $1", course.user("bob"))
    assert await write(clients, course, "bob", "ann", "stranger") == [
        ("no_student", False),
        ("sent", True),
        ("no_student", False),
    ]
    rows = await database.fetch("SELECT user_id FROM analytics_message WHERE program_id = $1", course.program)
    assert [row["user_id"] for row in rows] == [course.user("ann")]


async def test_in_a_program_that_is_open_to_all_only_users_of_the_platform_hear(
    clients: Clients, course: Course, database: asyncpg.Pool[Any]
) -> None:
    await course.enrol("ann", "gone")
    await database.execute("UPDATE program SET open_to_all = true WHERE id = $1", course.program)
    await database.execute("UPDATE account_user SET deleted_at = now() WHERE id = $1", course.user("gone"))
    assert await write(clients, course, "nobody", "ann", "gone") == [
        ("no_student", False),
        ("sent", True),
        ("no_student", False),
    ]
    rows = await database.fetch("SELECT user_id FROM analytics_message WHERE program_id = $1", course.program)
    assert [row["user_id"] for row in rows] == [course.user("ann")]


async def test_a_user_writes_to_so_many_in_a_day(clients: Clients, course: Course, database: asyncpg.Pool[Any]) -> None:
    """`KSMP_ANALYTICS_MESSAGES_A_DAY` is 3 here."""
    await course.enrol("ann", "bob", "cyd", "dan")
    assert await write(clients, course, "ann", "bob") == [("sent", True)] * 2
    body = {"users": [course.user(name) for name in ("cyd", "dan")], "text": TEXT}
    mentor = clients.rest(course.mentor, "mentor")
    answer = await mentor.post(f"{course.path}/messages", json=body)
    refused(answer, 429, "analytics.too_many_messages")
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400
    # Nobody of them was told.
    assert await write(clients, course, "cyd") == [("sent", True)]
    assert await database.fetchval("SELECT count(*) FROM analytics_message WHERE program_id = $1", course.program) == 3


async def test_it_may_be_written_again_after_the_pause(
    clients: Clients, course: Course, database: asyncpg.Pool[Any]
) -> None:
    """`KSMP_ANALYTICS_MESSAGE_PAUSE` is a day."""
    await course.enrol("ann")
    assert await write(clients, course, "ann") == [("sent", True)]
    await database.execute(
        "UPDATE analytics_message SET at = at - interval '1 day' WHERE program_id = $1", course.program
    )
    assert await write(clients, course, "ann", text="Still there?") == [("sent", True)]

    async def both() -> bool:
        return {one["body"] for one in await inbox(clients, course.user("ann"))} == {TEXT, "Still there?"}

    await eventually(both, "both notifications are in her list")


async def test_only_who_teaches_the_program_writes(caller: Caller, course: Course) -> None:
    await course.enrol("ann")
    body = {"users": [course.user("ann")], "text": TEXT}
    path = f"{course.path}/messages"
    for user, role in ((course.user("ann"), "student"), ("another-mentor", "mentor")):
        refused(await caller(user, role).post(path, json=body), 403, "forbidden")
    refused(await caller().post(path, json=body), 401, "unauthenticated")


async def test_a_text_that_may_not_be_shown_is_refused(clients: Clients, course: Course) -> None:
    await course.enrol("ann")
    mentor = clients.rest(course.mentor, "mentor")
    wrong = {"": "invalid", "\u200b": "invalid", "what the fuck": "chat.refused", "x" * 101: "too_large"}
    for text, code in wrong.items():
        answer = await mentor.post(f"{course.path}/messages", json={"users": [course.user("ann")], "text": text})
        assert answer.json()["code"] == code
    assert await write(clients, course, "ann", text="x" * 100) == [("sent", True)]
    assert (await mentor.post(f"{course.path}/messages", json={"users": [], "text": "x"})).status_code == 400


async def test_it_is_in_the_audit(clients: Clients, course: Course, database: asyncpg.Pool[Any]) -> None:
    await course.enrol("ann")
    await write(clients, course, "ann")
    row = await database.fetchrow("SELECT actor, act FROM account_audit WHERE subject = $1", course.program)
    assert row is not None
    assert (row["actor"], row["act"]) == (course.mentor, "analytics.write_to_students")


async def test_a_user_may_have_what_is_kept_and_be_forgotten(clients: Clients, course: Course, node: Running) -> None:
    await course.enrol("ann")
    await write(clients, course, "ann")
    module = node.module(AnalyticsModule)
    (kept,) = (await module.export(course.user("ann")))["messages"]
    assert (kept["program_id"], kept["by_id"]) == (course.program, course.mentor)
    for _ in range(2):
        async with node.gateway.database.transaction():
            await module.forget(course.user("ann"))
    assert "messages" not in await module.export(course.user("ann"))

"""The examples of assignments, sent in an order in which each is taken."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import httpx

A: Final = "/api/v1/assignments"
ANY: Final = {"If-Match": "*"}
Send = Callable[..., Awaitable[dict[str, Any]]]

PEER_REVIEW: Final = """
    INSERT INTO assignments_peer_review (id, assignment_id, submission_id, attempt_id, reviewer_id, assigned_at)
    VALUES ($1, $2, $3, $4, $5, now())
"""
CERTIFICATE: Final = """
    INSERT INTO assignments_certificate (id, code, program_id, user_id, name, program_title, issued_at)
    VALUES ($1, $1, $2, $3, 'Asha', 'Algebra', now())
"""


async def send_assignment_examples(
    send: Send, mentor: httpx.AsyncClient, student: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    """`mentor` is `dev-mentor`, `student` is `dev-student`."""
    program = (await mentor.post("/api/v1/programs", json={"title": "Algebra"})).json()["id"]
    await mentor.post(f"/api/v1/programs/{program}/publish", headers=ANY)
    await student.post(f"/api/v1/programs/{program}/enrolment")
    here = {"program_id": program}

    category = (await send(mentor, f"POST {A}/categories", here))["id"]
    await send(mentor, f"PATCH {A}/categories/{{id}}", id=category)
    await send(mentor, f"PUT {A}/accommodations/{{program_id}}/{{user}}", program_id=program, user="dev-student")
    await groups(send, mentor, here)

    draft = (await send(mentor, f"POST {A}", here))["id"]
    await send(mentor, f"PATCH {A}/{{id}}", id=draft)
    await send(mentor, f"PUT {A}/{{id}}/questions", id=draft)
    await send(mentor, f"PUT {A}/{{id}}/rubric", id=draft)
    await send(mentor, f"PUT {A}/{{id}}/extensions/{{user}}", id=draft, user="dev-student")
    comment = (await send(mentor, f"POST {A}/comments", here))["id"]
    await send(mentor, f"PUT {A}/comments/{{comment}}", comment=comment)

    handed = await turned_in(send, mentor, student, program)
    review = uuid.uuid4().hex
    await database.execute(
        PEER_REVIEW, review, handed["assignment_id"], handed["submission_id"], handed["attempt_id"], "dev-student"
    )
    await send(student, f"PUT {A}/peer-reviews/{{id}}", id=review)
    await marked(send, mentor, student, handed)
    await send(mentor, f"PUT {A}/completion-rule?program={program}")
    await send(mentor, f"POST {A}/certificates", {**here, "user_id": "dev-student"})
    await database.execute(CERTIFICATE, certificate := uuid.uuid4().hex, program, "somebody-else")
    await send(mentor, f"POST {A}/certificates/{{id}}/revoke", id=certificate)


async def groups(send: Send, mentor: httpx.AsyncClient, here: dict[str, str]) -> None:
    group_set = (await send(mentor, f"POST {A}/group-sets", here))["id"]
    await send(mentor, f"PATCH {A}/group-sets/{{id}}", id=group_set)
    made = await send(mentor, f"POST {A}/group-sets/{{id}}/groups", id=group_set)
    group = made["groups"][-1]["id"]
    change = f"PATCH {A}/group-sets/{{id}}/groups/{{group}}"
    await send(mentor, change, {"name": "Team Tanpura"}, id=group_set, group=group)
    member = f"PUT {A}/group-sets/{{id}}/members/{{user}}"
    await send(mentor, member, {"group_id": group}, id=group_set, user="dev-student")
    await send(mentor, f"POST {A}/group-sets/{{id}}/split", id=group_set)


async def turned_in(send: Send, mentor: httpx.AsyncClient, student: httpx.AsyncClient, program: str) -> dict[str, Any]:
    """The receipt of what the student has turned in."""
    body = {"program_id": program, "title": "Forces", "accepts": ["text"], "points": "10"}
    id = (await mentor.post(A, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})).json()["id"]
    assert (await mentor.post(f"{A}/{id}/publish", headers=ANY)).is_success
    rev = (await send(student, f"PUT {A}/{{id}}/submission/draft", id=id))["rev"]
    return await send(student, f"POST {A}/{{id}}/submission/turn-in", {"draft_rev": rev}, id=id)


async def marked(send: Send, mentor: httpx.AsyncClient, student: httpx.AsyncClient, receipt: dict[str, Any]) -> None:
    id, submission = receipt["assignment_id"], receipt["submission_id"]
    await send(mentor, f"PUT {A}/{{id}}/markers", id=id)
    await send(mentor, f"POST {A}/{{id}}/markers/split", id=id)
    grade, attempt = f"PUT {A}/{{id}}/submissions/{{submission}}/grade", {"attempt_id": receipt["attempt_id"]}
    await send(mentor, grade, {**attempt, "state": "final"}, id=id, submission=submission)
    await send(mentor, f"POST {A}/{{id}}/release", id=id)
    regrade = (await send(student, f"POST {A}/{{id}}/regrades", id=id))["id"]
    await send(mentor, f"POST {A}/{{id}}/regrades/{{regrade}}/answer", id=id, regrade=regrade)

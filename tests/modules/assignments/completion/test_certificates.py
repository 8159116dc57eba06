"""Certificates by way of the gateway: issued once, read, verified, revoked, issued anew, forgotten."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from ksmp_testkit import Caller, Clients, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from modules.assignments.completion.evaluation import EVALUATE
from modules.assignments.module import AssignmentsModule
from modules.live.events import SessionEnded
from tests.documents.reading import codes_of, text_of
from tests.modules.assignments.completion.course import CERTIFICATES, COMPLETION, RULE, course
from tests.modules.live.attendance.sessions import held
from tests.modules.programs.programs import ANY, user


async def told(database: asyncpg.Pool, event: str, program: str) -> list[dict[str, Any]]:
    rows = await database.fetch(
        "SELECT body FROM outbox WHERE kind = 'event' AND destination = $1 ORDER BY seq", f"assignments.{event}"
    )
    return [one for row in rows if (one := json.loads(row["body"]))["program_id"] == program]


async def test_a_certificate_is_issued_by_itself_and_once(
    caller: Caller, node: Running, database: asyncpg.Pool, token: MakeToken
) -> None:
    one = await course(caller, node, students=2, lessons=100)
    ann, ben = one.room.students
    async with connected(node.ws_url, token(ann)) as socket:
        await one.complete(ann, one.lessons[0])
        standing = await one.standing(ann)
        assert standing["requirements"] == [
            {"kind": "lessons", "needed": "100.00", "reached": "50.00", "met": False},
        ]
        assert (standing["complete"], standing["certificate"]) == (False, None)
        await one.complete(ann)
        push = await socket.expect_push("assignments.certificate")
    certificate = await one.certificate(ann)
    assert push["data"] == certificate
    assert (certificate["user_id"], certificate["program_title"]) == (ann, "Algebra")
    assert (await one.standing(ann))["certificate"] == certificate
    assert await told(database, "CertificateIssued", one.program) == [
        {
            "type": "assignments.CertificateIssued",
            "certificate_id": certificate["id"],
            "program_id": one.program,
            "user_id": ann,
        }
    ]
    # Other facts, and the timer, change nothing; Ben has nothing.
    await one.complete(ann)
    await node.fire_timer(EVALUATE, one.program)
    assert await one.certificates(ann) == [certificate]
    assert await one.certificates(ben) == []


async def test_whoever_has_met_the_rules_before_they_were_set_gets_it_too(caller: Caller, node: Running) -> None:
    one = await course(caller, node, students=3)
    ann, ben, _ = one.room.students
    await one.complete(ann)
    await one.complete(ben)
    # Without a rule nobody completes the program.
    assert (await one.standing(ann))["complete"] is False
    refused(
        await one.teacher.post(CERTIFICATES, json={"program_id": one.program, "user_id": ann}),
        409,
        "assignments.not_completed",
    )
    await one.needs(lessons="100")
    await node.fire_timer(EVALUATE, one.program)
    listed = done(await one.teacher.get(f"{CERTIFICATES}?program={one.program}"))["items"]
    assert {certificate["user_id"] for certificate in listed} == {ann, ben}


async def test_a_rule_is_changed_by_who_has_read_it(caller: Caller, node: Running, database: asyncpg.Pool) -> None:
    one = await course(caller, node)
    path = f"{RULE}?program={one.program}"
    empty = done(await one.rest(one.room.students[0]).get(path))
    assert empty == {"program_id": one.program, "lessons": None, "attendance": None, "grade": None, "rev": 0}
    written = done(await one.teacher.put(path, json={"grade": 40}, headers={"If-Match": '"0"'}))
    assert written == empty | {"grade": "40.00", "rev": 1}
    refused(await one.teacher.put(path, json={}, headers={"If-Match": '"0"'}), 412, "precondition_failed")
    refused(await one.teacher.put(path, json={"grade": 101}, headers=ANY), 400, "invalid")
    acts = await database.fetch("SELECT act FROM account_audit WHERE subject = $1", one.program)
    assert [row["act"] for row in acts] == ["assignments.set_completion_rule"]


async def test_who_may_not(caller: Caller, node: Running) -> None:
    one = await course(caller, node, students=2, lessons=100)
    ann, ben = one.room.students
    certificate = await one.issued(ann)
    path = f"{CERTIFICATES}/{certificate['id']}"
    body = {"program_id": one.program, "user_id": ann}
    stranger, other = caller(user()), caller(user(), "mentor")
    for reader in (one.rest(ann), one.teacher, caller("boss", "admin")):
        assert done(await reader.get(path)) == certificate
    for somebody in (one.rest(ben), stranger, other):
        refused(await somebody.get(path), 404, "not_found")
        refused(await somebody.get(f"{path}/pdf"), 404, "not_found")
    for client, status, code in ((one.rest(ann), 403, "forbidden"), (other, 404, "not_found")):
        refused(await client.post(f"{path}/revoke", json={"reason": "x"}), status, code)
        refused(await client.post(CERTIFICATES, json=body), status, code)
        refused(await client.put(f"{RULE}?program={one.program}", json={}, headers=ANY), status, code)
        refused(await client.get(f"{COMPLETION}?program={one.program}"), status, code)
        refused(await client.post(f"{COMPLETION}/evaluate?program={one.program}"), status, code)
    refused(await one.rest(ann).get(f"{CERTIFICATES}?program={one.program}"), 403, "forbidden")
    for client in (stranger, other):
        refused(await client.get(f"{COMPLETION}/own?program={one.program}"), 404, "not_found")
        refused(await client.get(f"{RULE}?program={one.program}"), 404, "not_found")
        refused(await client.get(f"{CERTIFICATES}?program={one.program}"), 404, "not_found")
    refused(await one.teacher.post(CERTIFICATES, json={"program_id": one.program, "user_id": user()}), 404, "not_found")


async def test_standings_are_listed_in_pages(caller: Caller, node: Running) -> None:
    one = await course(caller, node, students=3, lessons=50)
    await one.complete(one.room.students[0], one.lessons[0])
    first = done(await one.teacher.get(f"{COMPLETION}?program={one.program}&limit=2"))
    rest = done(await one.teacher.get(f"{COMPLETION}?program={one.program}&limit=2&cursor={first['next']}"))
    items = first["items"] + rest["items"]
    assert [item["user_id"] for item in items] == sorted(one.room.students)
    assert {item["user_id"] for item in items if item["complete"]} == {one.room.students[0]}
    assert rest["next"] is None


async def test_the_pdf_leads_to_the_page_that_verifies_it(
    caller: Caller, node: Running, clients: Clients, database: asyncpg.Pool
) -> None:
    one = await course(caller, node)
    (ann,) = one.room.students
    await one.complete(ann)
    await one.needs(lessons=100)
    # A request of hers would bring the name of her token.
    await database.execute("UPDATE account_user SET name = 'आशा Rao <b>' WHERE id = $1", ann)
    await node.fire_timer(EVALUATE, one.program)
    certificate = await one.certificate(ann)
    path = f"{CERTIFICATES}/{certificate['id']}/pdf"
    answer = await one.rest(ann).get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert (await one.rest(ann).get(path)).content == answer.content
    assert "प्रमाणपत्र" in text_of((await one.rest(ann).get(f"{path}?lang=hi")).content)
    (address,) = codes_of(answer.content)
    assert address == f"{node.url}/api/v1/certificates/{certificate['code']}"
    anybody = clients.rest()
    page = await anybody.get(address)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "This certificate is valid" in page.text
    assert "आशा Rao &lt;b&gt;" in page.text
    # What it says names no ids, and what is typed may be written otherwise.
    typed = certificate["code"].replace("-", " ").lower()
    found = done(await anybody.get(f"/api/v1/certificates/{typed}", headers={"Accept": "application/json"}))
    assert found == {
        "state": "valid",
        "name": "आशा Rao <b>",
        "program_title": "Algebra",
        "issued_at": certificate["issued_at"],
        "revoked_at": None,
    }
    for text in (page.text, json.dumps(found)):
        assert ann not in text
        assert certificate["id"] not in text
        assert one.program not in text


async def test_an_unknown_code_is_no_certificate(clients: Clients, node: Running) -> None:
    path = "/api/v1/certificates/00000-00000-00000-00000"
    page = await clients.rest().get(path)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "no certificate with this code" in page.text
    refused(await clients.rest().get(f"{path}?format=json"), 404, "not_found")
    refused(await clients.rest().get(path, headers={"Accept": "application/json"}), 404, "not_found")


async def test_a_revoked_certificate_comes_back_only_by_hand(
    caller: Caller, node: Running, clients: Clients, database: asyncpg.Pool, token: MakeToken
) -> None:
    one = await course(caller, node, lessons=100)
    (ann,) = one.room.students
    first = await one.issued(ann)
    async with connected(node.ws_url, token(ann)) as socket:
        revoked = await one.revoke(first, "The essay was copied")
        push = await socket.expect_push("assignments.certificate")
    assert push["data"] == revoked
    assert (revoked["reason"], revoked["rev"]) == ("The essay was copied", 2)
    page = (await clients.rest().get(f"/api/v1/certificates/{first['code']}")).text
    assert "This certificate was revoked" in page
    assert "copied" not in page
    refused(await one.rest(ann).get(f"{CERTIFICATES}/{first['id']}/pdf"), 409, "assignments.certificate_void")
    refused(
        await one.teacher.post(f"{CERTIFICATES}/{first['id']}/revoke", json={"reason": "x"}),
        409,
        "assignments.certificate_void",
    )
    assert len(await told(database, "CertificateRevoked", one.program)) == 1
    # Nothing that happens by itself issues it again.
    await one.complete(ann)
    await node.fire_timer(EVALUATE, one.program)
    assert (await one.standing(ann))["certificate"] is None
    body = {"program_id": one.program, "user_id": ann}
    answers = await asyncio.gather(*(one.teacher.post(CERTIFICATES, json=body) for _ in range(5)))
    (second,) = {done(answer)["id"] for answer in answers}
    assert second != first["id"]
    assert [certificate["id"] for certificate in await one.certificates(ann)] == [second, first["id"]]
    acts = await database.fetch("SELECT act, details FROM account_audit WHERE subject = $1 ORDER BY at", ann)
    assert [row["act"] for row in acts] == ["assignments.revoke_certificate", "assignments.issue_certificate"]
    assert all("copied" not in row["details"] for row in acts)


async def test_a_student_without_a_name_gets_it_when_there_is_one(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    one = await course(caller, node)
    (ann,) = one.room.students
    await one.complete(ann)
    await one.needs(lessons=100)
    # A request of hers would bring the name of her token.
    await database.execute("UPDATE account_user SET name = '' WHERE id = $1", ann)
    with capture_logs() as lines:
        await node.fire_timer(EVALUATE, one.program)
    assert [line["user"] for line in lines if line["event"] == "assignments.certificate_not_issued"] == [ann]
    assert done(await one.teacher.get(f"{CERTIFICATES}?program={one.program}"))["items"] == []
    body = {"program_id": one.program, "user_id": ann}
    refused(await one.teacher.post(CERTIFICATES, json=body), 409, "assignments.not_completed")
    await database.execute("UPDATE account_user SET name = 'Ann' WHERE id = $1", ann)
    done(await one.teacher.post(f"{COMPLETION}/evaluate?program={one.program}"), 202)
    await node.fire_timer(EVALUATE, one.program)
    (certificate,) = done(await one.teacher.get(f"{CERTIFICATES}?program={one.program}"))["items"]
    assert certificate["name"] == "Ann"


async def test_a_deleted_user_is_named_no_more(
    caller: Caller, node: Running, clients: Clients, database: asyncpg.Pool
) -> None:
    one = await course(caller, node, lessons=100)
    (ann,) = one.room.students
    certificate = await one.issued(ann)
    module = node.module(AssignmentsModule)
    (held,) = (await module.export(ann))["certificates"]
    assert (held["code"], held["name"]) == (certificate["code"], certificate["name"])
    async with node.gateway.database.transaction():
        await module.forget(ann)
    found = done(await clients.rest().get(f"/api/v1/certificates/{certificate['code']}?format=json"))
    assert (found["state"], found["name"]) == ("erased", None)
    page = (await clients.rest().get(f"/api/v1/certificates/{certificate['code']}")).text
    assert "The holder of this certificate was deleted" in page
    refused(await one.teacher.get(f"{CERTIFICATES}/{certificate['id']}/pdf"), 409, "assignments.certificate_void")


async def test_a_session_that_ended_is_followed_by_a_look_at_all(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    one = await course(caller, node, students=2, attendance=50)
    ann, ben = one.room.students
    await held(database, one.program, present=[ann], absent=[ben])
    assert (await one.standing(ben))["requirements"][0]["reached"] == "0.00"
    await node.fire_timer(EVALUATE, one.program)
    now = datetime.now(UTC)
    await node.publish_event(SessionEnded("s", one.program, now, now))
    await node.events_handled("assignments.evaluate_session")
    assert [timer.key for timer in await node.timers(EVALUATE) if timer.key == one.program] == [one.program]
    await node.fire_timer(EVALUATE, one.program)
    assert (await one.certificate(ann))["user_id"] == ann
    assert await one.certificates(ben) == []


@pytest.mark.parametrize("reason", ["", "\u200b", "x" * 501])
async def test_a_revocation_says_why(caller: Caller, node: Running, reason: str) -> None:
    one = await course(caller, node)
    refused(await one.teacher.post(f"{CERTIFICATES}/{user()}/revoke", json={"reason": reason}), 400, "invalid")

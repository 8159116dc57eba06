"""Every example of a body in the API's description is sent as it is to a gateway like that of `ksmp dev`, and taken."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import asyncpg
import httpx

from ksmp_testkit import MakeToken, Running
from ksmp_testkit.member import Clients, clients_of
from tests.http.analytics_examples import send_analytics_examples
from tests.http.assignment_examples import send_assignment_examples
from tests.http.conversation_examples import send_conversation_examples, send_notification_examples
from tests.http.integration_examples import send_integration_examples
from tests.sessions import create_session

# What an example asks for that is not so here: the class is not over, nobody has paid at Razorpay, or has uploaded a
# picture, the student reviews their own work, and has not completed the program.
LATER = {
    "PUT /api/v1/sessions/{id}/stars": "live.not_over",
    "PUT /api/v1/files/avatar": "invalid",
    "POST /api/v1/payments/orders": "unavailable",
    "POST /api/v1/payments/links": "unavailable",
    "POST /api/v1/payments/verify": "payments.bad_signature",
    "POST /api/v1/payments/orders/{id}/refunds": "payments.nothing_captured",
    "POST /api/v1/assignments/certificates": "assignments.not_completed",
    "PUT /api/v1/assignments/peer-reviews/{id}": "assignments.review_over",
}
# A file of this size is sent in parts.
LARGE = 20 * 1024**2
SHA256 = hashlib.sha256().hexdigest()


class Sender:
    """Sends the examples of routes, and remembers which it has sent."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._paths = description["paths"]
        self.left = {
            f"{method.upper()} {path}"
            for path, item in self._paths.items()
            for method, operation in item.items()
            if "requestBody" in operation
        }

    async def __call__(
        self, who: httpx.AsyncClient, name: str, change: dict[str, Any] | None = None, **ids: str
    ) -> dict[str, Any]:
        """The answer to the example of a route; `change` has ids, which nobody can know before."""
        method, path = name.split()
        # A query of the route's stands behind its path.
        path, mark, query = path.partition("?")
        name = f"{method} {path}"
        body = self._paths[path][method.lower()]["requestBody"]["content"]["application/json"]["example"]
        headers = {"If-Match": "*", "Idempotency-Key": uuid.uuid4().hex}
        answer = await who.request(
            method, path.format(**ids) + mark + query, json={**body, **(change or {})}, headers=headers
        )
        if name in LATER:
            assert answer.json()["code"] == LATER[name]
        else:
            assert answer.is_success, (name, body, answer.text)
        self.left.remove(name)
        return answer.json() if answer.content else {}


async def reported(clients: Clients, room: str, database: asyncpg.Pool) -> str:
    """The id of a report of a message in a room."""
    said = await clients.rest("dev-mentor", "mentor").post(
        f"/api/v1/rooms/{room}/commands", json={"cmd": "chat.send", "data": {"text": "Look at this"}}
    )
    report = {"cmd": "chat.report", "data": {"seq": said.json()["seq"], "reason": "spam"}}
    answer = await clients.rest("dev-student").post(f"/api/v1/rooms/{room}/commands", json=report)
    assert answer.is_success, answer.text
    return str(await database.fetchval("SELECT id FROM chat_report WHERE room = $1", room))


async def test_examples_are_taken(stack: Running, token: MakeToken, database: asyncpg.Pool) -> None:
    async with clients_of(stack, token) as clients:
        admin, mentor = clients.rest("dev-admin", "admin"), clients.rest("dev-mentor", "mentor")
        student = clients.rest("dev-student")
        # They are known once they were here.
        for who in (admin, mentor, student):
            assert (await who.get("/api/v1/users/me")).is_success
        send = Sender((await student.get("/api/docs/openapi.json")).json())
        send.left.discard("POST /api/v1/notes")

        program = (await send(mentor, "POST /api/v1/programs"))["id"]
        await send(mentor, "PATCH /api/v1/programs/{id}", id=program)
        unit = (await send(mentor, "POST /api/v1/programs/{id}/units", id=program))["id"]
        await send(mentor, "PATCH /api/v1/programs/{id}/units/{unit}", id=program, unit=unit)
        made = await send(mentor, "POST /api/v1/programs/{id}/units/{unit}/lessons", id=program, unit=unit)
        lesson = made["id"]
        await send(mentor, "PATCH /api/v1/programs/{id}/lessons/{lesson}", id=program, lesson=lesson)
        items = "/api/v1/programs/{id}/lessons/{lesson}/items"
        item = (await send(mentor, f"POST {items}", id=program, lesson=lesson))["id"]
        await send(mentor, f"PATCH {items}/{{item}}", id=program, lesson=lesson, item=item)
        await send(mentor, f"PUT {items}/order", {"items": [item]}, id=program, lesson=lesson)
        order = {"units": [{"id": unit, "lessons": [lesson]}]}
        await send(mentor, "PUT /api/v1/programs/{id}/curriculum/order", order, id=program)
        coupon = await send(mentor, "POST /api/v1/payments/coupons", {"program_id": program})
        await send(mentor, "PATCH /api/v1/payments/coupons/{id}", id=coupon["id"])
        sold = {"price": 100_000, "currency": "INR"}
        paid = (await mentor.post("/api/v1/programs", json={"title": "Algebra", **sold})).json()["id"]
        assert (await mentor.post(f"/api/v1/programs/{paid}/publish", headers={"If-Match": "*"})).is_success
        await send(student, "POST /api/v1/payments/quote", {"program_id": paid})
        await send(student, "POST /api/v1/payments/orders", {"program_id": paid})
        await send(student, "POST /api/v1/payments/links", {"program_id": paid})
        await send(student, "POST /api/v1/payments/verify")
        unpaid = (await student.get("/api/v1/payments/orders")).json()["items"][0]["id"]
        await send(admin, "POST /api/v1/payments/orders/{id}/refunds", id=unpaid)
        insert = "INSERT INTO payments_difference (id, kind, subject, detail, found_at) VALUES ($1, 'x', $1, '', now())"
        await database.execute(insert, difference := uuid.uuid4().hex)
        await send(admin, "POST /api/v1/payments/differences/{id}/resolve", id=difference)
        await student.post("/api/v1/programs/demo/enrolment")
        await send(student, "PUT /api/v1/files/avatar")
        mark = "PUT /api/v1/programs/{id}/lessons/{lesson}/progress"
        await send(student, mark, id="demo", lesson="demo-1-1")

        await send_assignment_examples(send, mentor, student, database)

        await send_integration_examples(send, admin, stack.url)

        announcement = (await send(admin, "POST /api/v1/announcements"))["id"]
        await send(admin, "PATCH /api/v1/announcements/{id}", id=announcement)

        session = (await send(mentor, "POST /api/v1/sessions"))["id"]
        await send(mentor, "PATCH /api/v1/sessions/{id}", id=session)
        series = (await send(mentor, "POST /api/v1/series"))["id"]
        await send(mentor, "PATCH /api/v1/series/{id}", id=series)
        await send(student, "PUT /api/v1/sessions/{id}/stars", id=session)

        room = await create_session(stack.gateway.settings.database_url, "dev-mentor")
        await send(student, "POST /api/v1/rooms/{room}/commands", room=room)
        await send(student, "POST /api/v1/files", {"target": room})
        large = {"purpose": "chat.attachment", "target": room, "name": "notes.pdf", "size": LARGE, "sha256": SHA256}
        begun = await student.post("/api/v1/files", json=large)
        await send(student, "POST /api/v1/files/{id}/parts", id=begun.json()["file"]["id"])
        report = await reported(clients, room, database)
        await send(mentor, "POST /api/v1/chat/reports/{id}/resolve", id=report)

        await send_conversation_examples(send, admin)
        await send_notification_examples(send, admin, student)
        await send_analytics_examples(send, mentor, student)

        await send(student, "PATCH /api/v1/users/me")
        await send(admin, "PUT /api/v1/users/{id}/role", id="dev-student")
        await send(admin, "POST /api/v1/users/{id}/block", id="dev-student")
        await send(admin, "POST /api/v1/auth/revoke")
        assert not send.left

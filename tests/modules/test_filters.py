"""Filters: which texts pass them, and that no text of a request is forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import pytest

from gateway.errors import Unavailable
from gateway.principal import Principal
from gateway.text import LINE, NAME, TEXT
from ksmp_testkit import (
    Caller,
    Clients,
    CreateClass,
    CreateSession,
    LiveClass,
    MakeGateway,
    MakeToken,
    Running,
    eventually,
)
from ksmp_testkit.socket_client import connected
from modules.accounts.module import AccountsModule
from tests.test_text import fields_of_requests

ANY = {"If-Match": "*"}
BAD = "what the fuck"
MASKED = "what the ****"
IN_AN_HOUR = datetime.now(UTC) + timedelta(hours=1)

# What only those read who have to know what was said: hosts, admins and the audit.
FOR_STAFF = {
    "Mute.reason",
    "Report.reason",
    "Verdict.note",
    "Kick.reason",
    "SetBan.reason",
    "Block.reason",
    "NewStars.comment",
    "Resolution.note",
    "NewExtension.reason",
    "NewAccommodation.note",
    "NewService.name",
    "ServiceChange.name",
}
# What stands on an invoice, for its buyer and the tax office.
ON_INVOICES = {
    "NewOrder.billing_name",
    "NewOrder.billing_address",
    "NewLink.billing_name",
    "NewLink.billing_address",
}
# Homework may quote what a chat may not say, and none of it may be lost because of a word.
HOMEWORK = {"DraftSave.text"}
# Texts that are refused: they are written down for longer, and their author can write them anew.
REFUSED = {
    "NewProgram.title",
    "NewProgram.summary",
    "ProgramChange.title",
    "ProgramChange.summary",
    "NewUnit.title",
    "NewUnit.summary",
    "UnitChange.title",
    "UnitChange.summary",
    "NewLesson.title",
    "NewLesson.text",
    "LessonChange.title",
    "LessonChange.text",
    "NewItem.title",
    "NewItem.text",
    "ItemChange.title",
    "ItemChange.text",
    "NewSession.title",
    "NewSession.summary",
    "SessionChange.title",
    "SessionChange.summary",
    "NewSeries.title",
    "NewSeries.summary",
    "SeriesChange.title",
    "SeriesChange.summary",
    "NewAnnouncement.title",
    "NewAnnouncement.text",
    "AnnouncementChange.title",
    "AnnouncementChange.text",
    "NewAssignment.title",
    "NewAssignment.instructions",
    "AssignmentChange.title",
    "AssignmentChange.instructions",
    "NewGroupSet.name",
    "GroupName.name",
    "NewCategory.name",
    "CategoryChange.name",
    "NewComment.text",
    "CommentChange.text",
    "NewCampaign.title",
    "NewCampaign.body",
    "NewNotification.title",
    "NewNotification.body",
    "NewDirect.title",
    "DirectChange.title",
    "MessageToStudents.text",
    "NewBoard.title",
    "BoardChange.title",
}
# What is written in a room, or is a name, is masked.
MASKED_IN_ROOMS = {
    "Send.text",
    "Edit.text",
    "Ask.text",
    "AnswerQuestion.text",
    "OpenPoll.question",
    "OpenPoll.options",
}
# Refused like those above. It takes an order that was paid to be accepted.
REASON_OF_REFUND = "NewRefund.reason"
# Refused as well, unless the file is homework. It takes a bucket: tests/modules/files.
NAME_OF_FILE = "NewFile.name"
MASKED_NAMES = {"ProfileChange.name"}
# Refused too, before it is looked at what they are about: it takes graded work.
OF_GRADED_WORK = {
    "NewGrade.comment": ("PUT", "none/submissions/none/grade", {"attempt_id": "none", "state": "draft"}),
    "NewRegrade.reason": ("POST", "none/regrades", {}),
    "RegradeAnswer.answer": ("POST", "none/regrades/none/answer", {"accept": False}),
    "Revocation.reason": ("POST", "certificates/none/revoke", {}),
}
# Refused too. It takes work that was turned in: see the tests of peer reviews.
OF_PEERS = "NewReview.comment"


def _shown(hint: Any) -> bool:
    """Whether a type marks a text that people see."""
    notes = getattr(hint, "__metadata__", ())
    return any(note is mark for note in notes for mark in (LINE, TEXT, NAME)) or any(map(_shown, get_args(hint)))


def test_every_text_is_in_one_of_the_lists() -> None:
    shown = {f"{kind}.{name}" for kind, name, hint in fields_of_requests() if _shown(hint)}
    elsewhere = {REASON_OF_REFUND, NAME_OF_FILE, OF_PEERS, *OF_GRADED_WORK}
    assert shown == FOR_STAFF | ON_INVOICES | HOMEWORK | REFUSED | MASKED_IN_ROOMS | MASKED_NAMES | elsewhere


Send = Callable[[dict[str, Any]], Awaitable[httpx.Response]]


@pytest.fixture
async def writers(caller: Caller) -> dict[str, tuple[Send, dict[str, Any]]]:
    """How each request with a text that is refused is sent, and a body that is taken."""
    mentor, admin = caller("meera", "mentor"), caller("root", "admin")
    v1 = "/api/v1"

    async def made(who: httpx.AsyncClient, path: str, body: dict[str, Any]) -> str:
        answer = await who.post(path, json=body)
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    def post(who: httpx.AsyncClient, path: str) -> Send:
        return lambda body: who.post(path, json=body)

    def patch(who: httpx.AsyncClient, path: str) -> Send:
        return lambda body: who.patch(path, json=body, headers=ANY)

    program = await made(mentor, f"{v1}/programs", {"title": "p"})
    path = f"{v1}/programs/{program}"
    unit = await made(mentor, f"{path}/units", {"title": "u"})
    lesson = await made(mentor, f"{path}/units/{unit}/lessons", {"title": "l"})
    item = await made(mentor, f"{path}/lessons/{lesson}/items", {"kind": "text", "text": "t"})
    session = {
        "program_id": program,
        "title": "s",
        "starts_at": IN_AN_HOUR.isoformat(),
        "ends_at": (IN_AN_HOUR + timedelta(hours=1)).isoformat(),
    }
    series = {**session, "rule": "FREQ=WEEKLY;COUNT=2", "timezone": "Asia/Kolkata"}
    announcement = {"audience": f"program:{program}", "title": "a", "publish_at": IN_AN_HOUR.isoformat()}
    session_id = await made(mentor, f"{v1}/sessions", session)
    series_id = await made(mentor, f"{v1}/series", series)
    announced = await made(admin, f"{v1}/announcements", announcement)
    assignment = {"program_id": program, "title": "a"}
    assignment_id = await made(mentor, f"{v1}/assignments", assignment)
    groups = await made(mentor, f"{v1}/assignments/group-sets", {"program_id": program, "name": "g"})
    category = {"program_id": program, "name": "c", "weight": "40"}
    category_id = await made(mentor, f"{v1}/assignments/categories", category)
    comments, comment = f"{v1}/assignments/comments", {"program_id": program, "text": "c"}
    comment_id = await made(mentor, comments, comment)
    # An admin writes to anybody whom the platform knows.
    direct, talk = f"{v1}/chat/direct", {"user_ids": ["meera"], "title": "d"}
    direct_id = await made(admin, direct, talk)
    boards = f"{v1}/analytics/boards"
    board = await made(mentor, boards, {"title": "b", "widgets": []})
    integrations = f"{v1}/integrations/services"
    service = await made(admin, integrations, {"name": "Bus"})
    key = (await admin.post(f"{integrations}/{service}/keys", json={"scopes": ["notifications.send"]})).json()["secret"]
    back_end = caller()
    back_end.headers["Authorization"] = f"Bearer {key}"
    return {
        "NewNotification": (post(back_end, f"{v1}/server/notifications"), {"title": "n", "audience": "role:admin"}),
        "NewProgram": (post(mentor, f"{v1}/programs"), {"title": "p"}),
        "ProgramChange": (patch(mentor, path), {}),
        "NewUnit": (post(mentor, f"{path}/units"), {"title": "u"}),
        "UnitChange": (patch(mentor, f"{path}/units/{unit}"), {}),
        "NewLesson": (post(mentor, f"{path}/units/{unit}/lessons"), {"title": "l"}),
        "LessonChange": (patch(mentor, f"{path}/lessons/{lesson}"), {}),
        "NewItem": (post(mentor, f"{path}/lessons/{lesson}/items"), {"kind": "text", "text": "t"}),
        "ItemChange": (patch(mentor, f"{path}/lessons/{lesson}/items/{item}"), {}),
        "NewSession": (post(mentor, f"{v1}/sessions"), session),
        "SessionChange": (patch(mentor, f"{v1}/sessions/{session_id}"), {}),
        "NewSeries": (post(mentor, f"{v1}/series"), series),
        "SeriesChange": (patch(mentor, f"{v1}/series/{series_id}"), {}),
        "NewAnnouncement": (post(admin, f"{v1}/announcements"), announcement),
        "NewAssignment": (post(mentor, f"{v1}/assignments"), assignment),
        "AssignmentChange": (patch(mentor, f"{v1}/assignments/{assignment_id}"), {}),
        "NewGroupSet": (post(mentor, f"{v1}/assignments/group-sets"), {"program_id": program, "name": "g"}),
        "GroupName": (patch(mentor, f"{v1}/assignments/group-sets/{groups}"), {"name": "g"}),
        "NewCategory": (post(mentor, f"{v1}/assignments/categories"), category),
        "CategoryChange": (patch(mentor, f"{v1}/assignments/categories/{category_id}"), {}),
        "NewComment": (post(mentor, comments), comment),
        "CommentChange": (lambda body: mentor.put(f"{comments}/{comment_id}", json=body, headers=ANY), {"text": "c"}),
        "NewDirect": (post(admin, direct), talk),
        "DirectChange": (patch(admin, f"{direct}/{direct_id}"), {}),
        "MessageToStudents": (post(mentor, f"{v1}/analytics/programs/{program}/at-risk/messages"), {"users": ["sam"]}),
        "NewBoard": (post(mentor, boards), {"title": "b", "widgets": []}),
        "BoardChange": (patch(mentor, f"{boards}/{board}"), {}),
        "NewCampaign": (post(admin, f"{v1}/notify/campaigns/preview"), {"title": "c", "audience": "role:admin"}),
        "AnnouncementChange": (patch(admin, f"{v1}/announcements/{announced}"), {}),
    }


async def test_what_is_written_down_is_refused_with_its_field(
    writers: dict[str, tuple[Send, dict[str, Any]]],
) -> None:
    for name in sorted(REFUSED):
        kind, field = name.split(".")
        send, body = writers[kind]
        answer = await send({**body, field: BAD})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "chat.refused"), name
        assert [error["field"] for error in problem["errors"]] == [field], name
        answer = await send({**body, field: "what a class"})
        assert answer.status_code in (200, 201), (name, answer.text)


@pytest.mark.parametrize("name", OF_GRADED_WORK)
async def test_what_is_written_of_graded_work_is_refused_with_its_field(caller: Caller, name: str) -> None:
    method, path, body = OF_GRADED_WORK[name]
    field = name.partition(".")[2]
    url = f"/api/v1/assignments/{path}"
    answer = await caller("meera", "mentor").request(method, url, json={**body, field: BAD}, headers=ANY)
    assert (answer.json()["code"], answer.json()["errors"][0]["field"]) == ("chat.refused", field)


async def test_the_reason_of_a_refund_is_refused_with_its_field(caller: Caller) -> None:
    headers = {"Idempotency-Key": "k"}
    answer = await caller("root-3", "admin").post(
        "/api/v1/payments/orders/none/refunds", json={"reason": BAD}, headers=headers
    )
    assert (answer.json()["code"], answer.json()["errors"][0]["field"]) == ("chat.refused", "reason")


async def test_what_is_written_in_a_room_is_masked(create_class: CreateClass) -> None:
    one = await create_class()
    tested = set()
    async for name, shown in _written(one, BAD):
        assert shown == MASKED, name
        tested.add(name)
    assert tested == MASKED_IN_ROOMS


async def _written(one: LiveClass, text: str) -> Any:
    """Write a text in each way in which a room takes one, and give it as the others see it."""
    mentor, student = one.mentor, one.student
    seq = (await student.command("chat.send", {"text": text}))["seq"]
    yield "Send.text", (await mentor.expect_push("chat.message"))["data"]["text"]
    await student.command("chat.edit", {"seq": seq, "text": text})
    yield "Edit.text", (await mentor.expect_push("chat.edited"))["data"]["text"]
    await student.command("live.ask", {"text": text})
    question = (await mentor.expect_push("live.question"))["data"]["question"]
    yield "Ask.text", question["text"]
    await mentor.command("live.answer", {"question": question["id"], "text": text})
    yield "AnswerQuestion.text", (await mentor.expect_push("live.question"))["data"]["question"]["answer"]
    await mentor.command("live.open_poll", {"question": text, "options": [text, "no"]})
    poll = (await student.expect_push("live.poll"))["data"]["poll"]
    yield "OpenPoll.question", poll["question"]
    yield "OpenPoll.options", poll["options"][0]


async def test_a_room_s_rule_for_links_holds_for_all_that_is_written_in_it(create_class: CreateClass) -> None:
    one = await create_class()
    mentor, student = one.mentor, one.student
    seq = (await student.command("chat.send", {"text": "hello"}))["seq"]
    question = (await student.command("live.ask", {"text": "why?"}))["question"]
    text = "see example.com"
    poll = {"question": "?", "options": ["yes", "no"]}

    def ways(member: Any) -> Iterator[tuple[Any, str, dict[str, Any]]]:
        yield member, "chat.send", {"text": text}
        yield member, "live.ask", {"text": text}

    by_host = [
        (mentor, "live.answer", {"question": question, "text": text}),
        (mentor, "live.open_poll", {**poll, "question": text}),
        (mentor, "live.open_poll", {**poll, "options": ["yes", text]}),
    ]
    await mentor.command("chat.configure", {"links": "hosts"})

    async def refused(member: Any, command: str, data: dict[str, Any]) -> None:
        assert await member.refusal(command, data) == "chat.links", (command, data)

    for way in (*ways(student), (student, "chat.edit", {"seq": seq, "text": text})):
        await refused(*way)
    for member, command, data in ways(mentor):
        await member.command(command, data)
    await mentor.command("chat.configure", {"links": "block"})
    for way in (*ways(student), *ways(mentor), *by_host):
        await refused(*way)
    await mentor.command("chat.configure", {"links": "allow"})
    for member, command, data in (*ways(student), *by_host):
        await member.command(command, data)


async def test_where_words_are_refused_the_field_is_named(
    gateway: MakeGateway, token: MakeToken, create_session: CreateSession
) -> None:
    room = f"session:{await create_session(mentor='mina')}"
    environ = {"KSMP_CHAT_WORDS_ACTION": "refuse"}
    async with gateway(environ=environ) as running, connected(running.ws_url, token("mina", "mentor")) as mina:
        await mina.join(room)
        for command, data in (
            ("live.ask", {"text": BAD}),
            ("live.open_poll", {"question": "?", "options": ["yes", BAD]}),
        ):
            assert await mina.refusal(room, command, data) == "chat.refused"
        headers = {"Authorization": f"Bearer {token('mina', 'mentor')}", **ANY}
        async with httpx.AsyncClient(base_url=running.url, headers=headers) as rest:
            for answer, field in (
                (await rest.patch("/api/v1/users/me", json={"name": BAD}), "name"),
                (await rest.post("/api/v1/programs", json={"title": "x", "summary": BAD}), "summary"),
            ):
                problem = answer.json()
                assert (problem["code"], problem["errors"][0]["field"]) == ("chat.refused", field)


async def test_a_name_that_a_token_brings_is_masked_wherever_it_is_seen(
    node: Running, token: MakeToken, create_session: CreateSession, clients: Clients
) -> None:
    id = await create_session(mentor="mina-2")
    room, named = f"session:{id}", token("rude-1", name="Fuck Sharma")
    async with connected(node.ws_url, token("mina-2", "mentor")) as mina:
        await mina.join(room)
        async with connected(node.ws_url, named) as rude:
            await rude.join(room)
            await rude.say(room, "hello")
            assert (await mina.expect_push("chat.message", room))["from"]["name"] == "**** Sharma"

            async def shown() -> bool:
                members = (await mina.call("presence", room=room))["members"]
                return {one["name"] for one in members if one["id"] == "rude-1"} == {"**** Sharma"}

            await eventually(shown)
    rest = clients.rest("rude-1")
    rest.headers["Authorization"] = f"Bearer {named}"
    assert (await rest.get("/api/v1/users/me")).json()["name"] == "**** Sharma"
    admin = clients.rest("root-2", "admin")
    assert (await admin.get("/api/v1/users/rude-1")).json()["name"] == "**** Sharma"


async def test_a_name_that_is_refused_keeps_nobody_out(gateway: MakeGateway, token: MakeToken) -> None:
    environ = {"KSMP_CHAT_WORDS_ACTION": "refuse"}
    async with gateway(environ=environ) as running:
        for user, names in (("rude-2", ["Fuck"]), ("rude-3", ["Asha", "Fuck"])):
            for name in names:
                async with connected(running.ws_url, token(user, name=name)) as one:
                    shown = one.received[0]["ok"]["user"]["name"]
            # The id, or the name that the platform knew before.
            assert shown == ("Asha" if len(names) > 1 else user)


async def test_a_name_is_masked_while_the_platform_cannot_say_who_it_is(
    node: Running, token: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(principal: Principal) -> Principal:
        raise Unavailable("the database is away")

    monkeypatch.setattr(node.module(AccountsModule).accounts, "meet", away)
    async with connected(node.ws_url, token("rude-4", name="Fuck Sharma")) as rude:
        assert rude.received[0]["ok"]["user"]["name"] == "**** Sharma"

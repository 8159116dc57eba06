"""Texts that people see, through every module that takes them, and names in one room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ksmp_testkit import Caller, Clients, CreateClass, CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected

ANY = {"If-Match": "*"}
NOTHING = "\u200b\u2060"
OVERRIDE = "a\u202ebc"
IN_AN_HOUR = datetime.now(UTC) + timedelta(hours=1)


def session(program: str) -> dict[str, Any]:
    ends = IN_AN_HOUR + timedelta(hours=1)
    return {"program_id": program, "title": "x", "starts_at": IN_AN_HOUR.isoformat(), "ends_at": ends.isoformat()}


async def test_titles_show_something_in_one_form(caller: Caller) -> None:
    mentor, admin = caller("meera", "mentor"), caller("root", "admin")
    program = (await mentor.post("/api/v1/programs", json={"title": "Al\u200bgebra cafe\u0301"})).json()
    assert program["title"] == "Algebra café"
    path = f"/api/v1/programs/{program['id']}"
    unit = (await mentor.post(f"{path}/units", json={"title": "u"})).json()["id"]
    posts: list[tuple[Any, str, Callable[[str], dict[str, Any]]]] = [
        (mentor, "/api/v1/programs", lambda text: {"title": text}),
        (mentor, "/api/v1/programs", lambda text: {"title": "x", "summary": text}),
        (mentor, f"{path}/units", lambda text: {"title": text}),
        (mentor, f"{path}/units/{unit}/lessons", lambda text: {"title": text}),
        (mentor, f"{path}/units/{unit}/lessons", lambda text: {"title": "x", "text": text}),
        (mentor, "/api/v1/sessions", lambda text: {**session(program["id"]), "title": text}),
        (mentor, "/api/v1/sessions", lambda text: {**session(program["id"]), "summary": text}),
        (admin, "/api/v1/announcements", lambda text: {"audience": "all", "title": text}),
        (admin, "/api/v1/announcements", lambda text: {"audience": "all", "title": "x", "text": text}),
    ]
    for who, where, body in posts:
        for text in (NOTHING, OVERRIDE, "bell\x07"):
            if text is NOTHING and body(text)["title"] != NOTHING:
                # A text may be empty, and is then.
                continue
            answer = await who.post(where, json=body(text))
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), (where, body(text))
    for text in (NOTHING, OVERRIDE):
        assert (await mentor.patch(path, json={"title": text}, headers=ANY)).status_code == 400
        assert (await mentor.patch("/api/v1/users/me", json={"name": NOTHING}, headers=ANY)).status_code == 400
    me = await mentor.patch("/api/v1/users/me", json={"name": "Mee\u200bra\u202e"}, headers=ANY)
    assert me.json()["name"] == "Meera"


async def test_texts_of_a_room_show_something(create_class: CreateClass) -> None:
    one = await create_class(students=2)
    mentor, student = one.mentor, one.student
    poll = {"question": "?", "options": ["yes", "no"]}
    for text in (NOTHING, OVERRIDE, "\x07", " \u00a0 ", "\u2800"):
        for member, command, data in (
            (student, "chat.send", {"text": text}),
            (student, "live.ask", {"text": text}),
            (mentor, "live.open_poll", {**poll, "question": text}),
            (mentor, "live.open_poll", {**poll, "options": ["yes", text]}),
        ):
            assert await member.refusal(command, data) == "invalid", (command, text)
    await student.command("chat.send", {"text": "cafe\u0301 क्\u200dष 👩\u200d🏫"})
    assert (await mentor.expect_push("chat.message"))["data"]["text"] == "café क्\u200dष 👩\u200d🏫"


async def test_nobody_enters_a_class_under_a_name_that_looks_like_its_mentors(
    node: Running, clients: Clients, token: MakeToken, create_session: CreateSession
) -> None:
    id = await create_session(mentor="mira-1", program_mentor="prof-1")
    names = {"mira-1": "Meera Rao", "prof-1": "Prof. Khan"}
    for user, name in names.items():
        async with connected(node.ws_url, token(user, "mentor", name=name)) as host:
            await host.join(f"session:{id}")

    async def entered(user: str, name: str) -> str:
        async with connected(node.ws_url, token(user, name=name)) as client:
            try:
                await client.join(f"session:{id}")
            except WireError as error:
                return error.code
            return "in"

    for name in ("Meera Rao", "Meera\u200b Rao", "Mееra Rао", "meera rao", "Prof. Khan", "Ｐrof. Khan"):
        assert await entered("sam-1", name) == "live.name", ascii(name)
    assert [await entered("sam-1", "Sam"), await entered("sim-1", "Sam"), await entered("sam-2", "Meera S")] == [
        "in"
    ] * 3
    # By REST too, and in the room's own words by POST.
    async with connected(node.ws_url, token("sam-3", name="Meera Rao")):
        rest = clients.rest("sam-3")
        rest.headers["Authorization"] = f"Bearer {token('sam-3', name='Meera Rao')}"
        assert (await rest.post(f"/api/v1/sessions/{id}/join")).json()["code"] == "live.name"
        said = {"cmd": "chat.send", "data": {"text": "x"}}
        assert (await rest.post(f"/api/v1/rooms/session:{id}/commands", json=said)).json()["code"] == "live.name"


async def test_a_name_that_changes_later_is_seen_from_the_next_connection_on(
    node: Running, token: MakeToken, create_session: CreateSession
) -> None:
    id = await create_session(mentor="mira-2")
    async with connected(node.ws_url, token("mira-2", "mentor", name="Meera Iyer")) as host:
        await host.join(f"session:{id}")
        async with connected(node.ws_url, token("sam-4", name="Sam")) as sam:
            await sam.join(f"session:{id}")
            await sam.call("refresh", token=token("sam-4", name="Meera Iyer"))
            await sam.say(f"session:{id}", "hello")
            assert (await host.expect_push("chat.message"))["from"]["name"] == "Sam"
        async with connected(node.ws_url, token("sam-4", name="Meera Iyer")) as sam:
            with pytest.raises(WireError, match=r"live\.name"):
                await sam.join(f"session:{id}")


async def test_where_names_may_be_alike(gateway: MakeGateway, token: MakeToken, create_session: CreateSession) -> None:
    async with gateway(environ={"KSMP_LIVE_MENTOR_NAMES": "allow"}) as running:
        id = await create_session(mentor="mira-3")
        for user, role in (("mira-3", "mentor"), ("sam-5", "student")):
            async with connected(running.ws_url, token(user, role, name="Meera Sen")) as one:
                await one.join(f"session:{id}")


async def test_a_mentor_s_new_name_is_learnt(
    gateway: MakeGateway, token: MakeToken, create_session: CreateSession
) -> None:
    async with gateway(environ={"KSMP_LIVE_MENTOR_NAMES_FRESH": "0.001"}) as running:
        room = f"session:{await create_session(mentor='mira-4')}"
        for name in ("Meera Das", "Meera Bose"):
            async with connected(running.ws_url, token("mira-4", "mentor", name=name)):
                pass
            async with connected(running.ws_url, token(f"as-{name.split()[1]}", name=name)) as one:
                with pytest.raises(WireError, match=r"live\.name"):
                    await one.join(room)


async def test_what_is_written_in_a_room_passes_the_room_s_filters(create_class: CreateClass, caller: Caller) -> None:
    one = await create_class()
    mentor, student = one.mentor, one.student
    await student.command("live.ask", {"text": "what the fu\U000e0100ck is x?"})
    question = (await mentor.expect_push("live.question"))["data"]["question"]
    assert question["text"] == "what the ***** is x?"
    await mentor.command("live.answer", {"question": question["id"], "text": "Shit happens"})
    answered = await student.expect_push("live.question")
    while "answer" not in answered["data"]["question"]:
        answered = await student.expect_push("live.question")
    assert answered["data"]["question"]["answer"] == "**** happens"
    await mentor.command("live.open_poll", {"question": "Fuck?", "options": ["shit", "no"]})
    poll = (await student.expect_push("live.poll"))["data"]["poll"]
    assert (poll["question"], poll["options"]) == ("****?", ["****", "no"])
    me = await caller("rude").patch("/api/v1/users/me", json={"name": "ＦＵＣＫ you"}, headers=ANY)
    assert me.json()["name"] == "**** you"

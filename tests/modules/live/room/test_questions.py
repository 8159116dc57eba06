"""Questions: asked, perhaps anonymously, upvoted once by each user, answered and dismissed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import httpx

from ksmp_testkit import MakeGateway, MakeToken, Running, eventually
from tests.modules.classroom import MENTOR, datas, do, enter, people, refusal, snapshot, staff


async def test_questions_and_who_asked_them(
    nodes: Sequence[Running], token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    one, two = nodes
    async with people(one, token, MENTOR, "ada") as (mentor, ada), people(two, token, "bob", "cleo") as (bob, cleo):
        await enter([mentor, ada, bob, cleo], room)
        await mentor.join(staff(room))
        secret = (await do(ada, room, "live.ask", text=" Why so? ", anonymous=True, nonce="ada-1"))["question"]
        named = (await do(bob, room, "live.ask", text="How?", nonce="bob-1"))["question"]
        assert await refusal(ada, room, "live.ask", text=" ") == "invalid"
        assert await refusal(ada, room, "live.ask", text="x" * 41) == "too_large"
        # Students never learn who asked: not from the push, its author or nonce, nor from a snapshot or the history.
        pushed = await cleo.expect(
            lambda got: got.get("push") == "live.question" and got["data"]["question"]["id"] == secret
        )
        assert {"from", "nonce"}.isdisjoint(pushed)
        assert pushed["data"]["question"]["text"] == "Why so?"
        past = await cleo.call("history", room=room, before=2**53 - 1)
        seen = json.dumps([pushed, await snapshot(cleo, room), past["messages"]])
        # With quotes, because ids are hexadecimal and might hold these letters.
        assert '"ada"' not in seen.lower()
        assert "bob" in seen
        asker = await mentor.expect_push("live.asker", staff(room))
        assert asker["data"]["author"] == {"id": "ada", "name": "Ada"}
        assert (await ada.expect_push("live.my_question", "user:ada"))["data"]["question"] == secret
        assert await refusal(cleo, staff(room), "live.staff_snapshot") == "not_joined"
        # Each user upvotes once, however often they try. The votes are pushed together a moment later.
        for client in (bob, cleo, cleo):
            await do(client, room, "live.upvote", question=secret)
        await do(mentor, room, "live.upvote", question=named)
        assert (await bob.expect_push("live.upvoted", "user:bob"))["data"]["question"] == secret

        def votes() -> dict[str, int]:
            return {
                vote["id"]: vote["votes"]
                for data in datas(ada, "live.question_votes", room)
                for vote in data["questions"]
            }

        await eventually(lambda: votes() == {secret: 2, named: 1}, "the votes")
        parts = (await snapshot(cleo, room))["parts"]
        assert [(question["id"], question["votes"]) for question in parts["live.questions"]["questions"]] == [
            (secret, 2),
            (named, 1),
        ]
        assert parts["live.my_questions"] == {"asked": [], "upvoted": [secret]}
        assert await refusal(ada, room, "live.answer", question=named) == "forbidden"
        assert await refusal(cleo, room, "live.dismiss", question=secret) == "forbidden"
        assert await refusal(mentor, room, "live.answer", question="none") == "not_found"
        await do(mentor, room, "live.answer", question=named, text="＝So.")
        assert await refusal(ada, room, "live.upvote", question=named) == "live.question_closed"
        # A user may dismiss their own question. That of an anonymous one is anonymous too.
        await do(ada, room, "live.dismiss", question=secret)
        gone = await cleo.expect(
            lambda got: got.get("push") == "live.question" and got["data"]["question"]["state"] == "dismissed"
        )
        assert "from" not in gone
        assert gone["data"]["question"]["text"] == ""
        assert await refusal(mentor, room, "live.answer", question=secret) == "live.question_closed"
        await do(mentor, room, "live.dismiss", question=named)
        await do(mentor, room, "live.configure", anonymous_questions=False)
        # The audit has what hosts did to other users' questions.
        acts = "SELECT act FROM account_audit WHERE actor = 'mentor' AND subject = ANY($1) ORDER BY id"
        subjects = [secret, named, room.removeprefix("session:")]
        assert [row["act"] for row in await database.fetch(acts, subjects)] == ["live.dismiss", "live.configure"]
        assert (await cleo.expect_push("live.options", room))["data"]["anonymous_questions"] is False
        assert await refusal(cleo, room, "live.ask", text="Who?", anonymous=True) == "live.not_anonymous"

    path = f"{one.url}/api/v1/sessions/{room.removeprefix('session:')}/questions"
    async with httpx.AsyncClient() as http:
        hosts, students = ({"Authorization": f"Bearer {token(*who)}"} for who in ((MENTOR, "mentor"), ("cleo",)))
        assert (await http.get(path, headers=students)).status_code == 403
        assert (await http.get(f"{one.url}/api/v1/sessions/none/questions", headers=hosts)).status_code == 404
        items = (await http.get(path, headers=hosts)).json()["items"]
        assert [(item["question"]["text"], item["asker"]["id"], item["question"]["votes"]) for item in items] == [
            ("Why so?", "ada", 2),
            ("How?", "bob", 1),
        ]
        table = await http.get(path, headers=hosts, params={"format": "csv"})
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        # Excel takes a file without it for one in the machine's own encoding.
        assert table.content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
        assert all(datetime.fromisoformat(row["asked_at"]).utcoffset() == timedelta(0) for row in rows)
        # A spreadsheet takes this for a formula, although the sign is a full-width one.
        assert [row["answer"] for row in rows] == ["", "'＝So."]


async def test_who_asked_can_be_hidden_from_hosts_too(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    environ = {"KSMP_LIVE_ASKERS_SHOWN": "false"}
    async with gateway(environ=environ) as node, people(node, token, MENTOR, "ada") as (mentor, ada):
        await enter([mentor, ada], room)
        await mentor.join(staff(room))
        await do(ada, room, "live.ask", text="Why?", anonymous=True)
        await mentor.expect_push("live.question", room)
        assert (await snapshot(mentor, staff(room)))["parts"]["live.askers"] == {"askers": {}}
        path = f"{node.url}/api/v1/sessions/{room.removeprefix('session:')}/questions"
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token(MENTOR, 'mentor')}"}) as http:
            assert (await http.get(path)).json()["items"][0]["asker"] is None
            assert '"ada"' not in (await http.get(path, params={"format": "csv"})).text.lower()
        assert mentor.pushes("live.asker") == []

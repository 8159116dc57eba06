"""Recordings: who is told and asked before there is one, how it is watched from a private bucket, and when it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import connected
from tests.modules.classroom import MENTOR, do, people, refusal, snapshot, staff


@pytest.fixture(scope="module")
async def records(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    """A gateway of a platform that can record."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "any")
        async with gateway(environ={"KSMP_LIVE_RECORDING_BUCKET": "ksmp-recordings"}, aws_endpoint=devcloud) as node:
            yield node


async def test_who_is_recorded_is_told_before_and_asked(
    records: Running, token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    node, session = records, await create_session()
    room = f"session:{session}"
    await database.execute("UPDATE live_session SET state = 'lobby' WHERE id = $1", session)
    async with people(node, token, MENTOR, "ada", "bob") as (mentor, ada, bob):
        for client in (mentor, ada, bob):
            await client.join(room)
        await mentor.join(staff(room))
        assert await refusal(ada, room, "live.consent", agree=True) == "live.not_recorded"
        for user in ("ada", "bob"):
            await do(mentor, room, "live.promote", user=user, role="speaker")
        for client in (ada, bob):
            await client.expect_push("left", room)
            await client.join(room)
        await database.execute("UPDATE live_session SET recording = true WHERE id = $1", session)
        assert (await snapshot(ada, room))["parts"]["live.my_consent"] == {"recording": True, "agreed": None}
        agreed = await do(ada, room, "live.consent", agree=True, nonce="c1")
        assert await do(ada, room, "live.consent", agree=True, nonce="c1") == {**agreed, "duplicate": True}
        changed = (await mentor.expect_push("live.consent_changed", staff(room)))["data"]
        assert (changed["rev"], changed["agreed"], changed["user"]["id"], changed["agree"]) == (
            agreed["rev"],
            1,
            "ada",
            1,
        )

        async with httpx.AsyncClient(base_url=f"{node.url}/api/v1/sessions/{session}") as http:
            teaching = {"Authorization": f"Bearer {token(MENTOR, 'mentor')}"}

            async def role(user: str) -> str:
                answer = await http.post("/join", headers={"Authorization": f"Bearer {token(user)}"})
                return str(answer.json()["role"])

            asking = {"Authorization": f"Bearer {token('ada')}"}
            assert (await http.post("/start", headers=teaching)).status_code == 200
            # Told before the push that says it is live; and who spoke without having agreed does not any more.
            told = await ada.expect(lambda got: got.get("push") in ("live.recording_notice", "live.session"))
            assert (told["push"], told["data"]["session_id"]) == ("live.recording_notice", session)
            assert (await bob.expect_push("left", room))["data"] == {"code": "live.role", "rejoin": True}
            await bob.join(room)
            assert await role("bob") == "viewer"
            joined = (await http.post("/join", headers=asking)).json()
            assert (joined["role"], joined["recorded"], joined["consent"]) == ("speaker", True, True)

            # Nobody speaks without having agreed, and who takes it back is a viewer at once.
            assert await refusal(mentor, room, "live.promote", user="bob", role="cohost") == "live.no_consent"
            await do(bob, room, "live.raise_hand")
            assert await refusal(mentor, room, "live.invite", user="bob") == "live.no_consent"
            await do(bob, room, "live.consent", agree=True)
            await do(mentor, room, "live.invite", user="bob")
            await bob.expect_push("left", room)
            await bob.join(room)
            assert await role("bob") == "speaker"
            for user, client in (("ada", ada), ("bob", bob)):
                await do(client, room, "live.consent", agree=False)
                await client.expect_push("left", room)
                await client.join(room)
                assert await role(user) == "viewer"
            lowered = await mentor.expect(
                lambda got: got.get("push") == "live.hand" and got["data"]["hand"]["state"] == "lowered"
            )
            assert lowered["data"]["hand"]["user"]["id"] == "bob"
            async with connected(node.ws_url, token("cleo")) as cleo:
                await cleo.join(room)
                await do(bob, room, "live.consent", agree=True)
                part = (await snapshot(mentor, staff(room)))["parts"]["live.consents"]
                assert (part["agreed"], [one["id"] for one in part["declined"]]) == (1, ["ada"])
                assert (await http.get("/consents", headers=asking)).status_code == 403
                found = (await http.get("/consents", headers=teaching)).json()
            assert [(one["user"]["id"], one["agreed"]) for one in found["items"]] == [("ada", False), ("bob", True)]
            assert [one["id"] for one in found["missing"]] == ["ada", "cleo"]


async def test_nobody_is_told_or_asked_where_nothing_is_recorded(
    node: Running, token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    """This gateway has no bucket; the class was planned when it had one."""
    session = await create_session()
    room, path = f"session:{session}", f"/api/v1/sessions/{session}"
    await database.execute("UPDATE live_session SET state = 'lobby', recording = true WHERE id = $1", session)
    mentor = {"Authorization": f"Bearer {token(MENTOR, 'mentor')}"}
    async with (
        people(node, token, MENTOR, "ada") as (host, ada),
        httpx.AsyncClient(base_url=node.url, headers=mentor) as http,
    ):
        for client in (host, ada):
            await client.join(room)
        assert (await snapshot(ada, room))["parts"]["live.my_consent"] == {"recording": False, "agreed": None}
        assert await refusal(ada, room, "live.consent", agree=True) == "live.not_recorded"
        await do(host, room, "live.promote", user="ada", role="speaker")
        await ada.expect_push("left", room)
        await ada.join(room)
        assert (await http.post(f"{path}/start")).status_code == 200
        told = await ada.expect(lambda got: got.get("push") in ("live.recording_notice", "live.session", "left"))
        assert (told["push"], told["data"]["state"]) == ("live.session", "live")
        joined = (await http.post(f"{path}/join", headers={"Authorization": f"Bearer {token('ada')}"})).json()
        assert (joined["role"], joined["recorded"]) == ("speaker", False)
        checks = {one["name"]: one["ok"] for one in (await http.get(f"{path}/checks")).json()["checks"]}
        assert checks["recording_available"] is False
        # Other things of it can be changed, and nobody can want a recording anew.
        planned = await create_session()
        await database.execute("UPDATE live_session SET state = 'scheduled' WHERE id = $1", planned)
        place, any_version = f"/api/v1/sessions/{planned}", {"If-Match": "*"}
        answer = await http.patch(place, json={"recording": True}, headers=any_version)
        assert (answer.status_code, answer.json()["code"]) == (409, "live.no_recording")
        await database.execute("UPDATE live_session SET recording = true WHERE id = $1", planned)
        answer = await http.patch(place, json={"recording": True, "title": "B"}, headers=any_version)
        assert answer.status_code == 200, answer.text
        at = datetime.now(UTC) + timedelta(hours=1)
        body = {"program_id": f"p-{session}", "title": "A", "starts_at": at.isoformat(), "recording": True}
        body["ends_at"] = (at + timedelta(hours=1)).isoformat()
        answer = await http.post("/api/v1/sessions", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "live.no_recording")

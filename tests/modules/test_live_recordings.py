"""Recordings: who is told and asked before there is one, how it is watched from a private bucket, and when it goes."""

from __future__ import annotations

import asyncpg
import httpx

from tests.conftest import CreateSession, MakeToken, Running
from tests.modules.classroom import MENTOR, do, people, refusal, snapshot, staff
from tests.wire import connected


async def test_who_is_recorded_is_told_before_and_asked(
    node: Running, token: MakeToken, create_session: CreateSession, database: asyncpg.Pool
) -> None:
    session = await create_session()
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
        said = await do(ada, room, "live.consent", agree=True, nonce="c1")
        assert await do(ada, room, "live.consent", agree=True, nonce="c1") == {**said, "duplicate": True}
        changed = (await mentor.expect_push("live.consent_changed", staff(room)))["data"]
        assert (changed["rev"], changed["agreed"], changed["user"]["id"], changed["agree"]) == (
            said["rev"],
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

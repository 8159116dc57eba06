"""What hosts do in a session's chat: modes, slow mode, links, mutes, pins, clearing, reports. On two gateways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import CreateSession, MakeGateway, MakeToken, Running
from ksmp_testkit.socket_client import WireClient, WireError, connected


async def refused(client: WireClient, code: str, cmd: str, room: str, data: Any = None) -> WireError:
    (error,) = await asyncio.gather(client.call(cmd, room=room, data=data or {}), return_exceptions=True)
    assert isinstance(error, WireError), f"{cmd} was answered {error}"
    assert error.code == code
    return error


async def eventually(works: Callable[[], Any], *, timeout: float = 15.0) -> None:
    """Try until it no longer raises: other gateways hear of what happened a moment later."""
    async with asyncio.timeout(timeout):
        while True:
            try:
                await works()
                break
            except (WireError, AssertionError):
                await asyncio.sleep(0.05)


@pytest.fixture
async def room(create_session: CreateSession) -> str:
    return f"session:{await create_session(mentor='meera', enrolled=('eva',))}"


Enter = Callable[..., Any]


@pytest.fixture
async def enter(node: Running, second: Running, token: MakeToken, room: str) -> AsyncIterator[Enter]:
    """Connects a user and joins the room, on the other gateway when asked."""
    async with AsyncExitStack() as stack:

        async def go(user: str, role: str = "student", *, there: bool = False, into: str = room) -> WireClient:
            url = (second if there else node).ws_url
            client = await stack.enter_async_context(connected(url, token(user, role)))
            await client.join(into)
            return client

        yield go


async def test_only_hosts_may_use_what_is_theirs(enter: Enter, room: str) -> None:
    ann = await enter("ann")
    for cmd, data in (
        ("chat.configure", {"mode": "questions"}),
        ("chat.pin", {"seq": 1}),
        ("chat.unpin", {"seq": 1}),
        ("chat.mute", {"user": "bob"}),
        ("chat.unmute", {"user": "bob"}),
        ("chat.clear", {}),
    ):
        await refused(ann, "forbidden", cmd, room, data)


async def test_modes_hold_on_every_gateway_and_are_told(enter: Enter, room: str, database: asyncpg.Pool) -> None:
    meera, ann, eva = await enter("meera", "mentor"), await enter("ann", there=True), await enter("eva", there=True)
    await ann.say(room, "before")
    assert await meera.call("chat.configure", room=room, data={"mode": "subscribers"}) == {"rev": 1}
    told = await ann.expect_push("chat.settings", room)
    first = {"mode": "subscribers", "slow_seconds": 0, "links": "allow", "attachments": "allow", "rev": 1}
    assert told["data"] == first
    await eventually(lambda: refused(ann, "chat.subscribers_only", "chat.send", room, {"text": "hi"}))
    await eva.say(room, "enrolled")
    await meera.say(room, "a host")
    # What is so already is not told again.
    assert await meera.call("chat.configure", room=room, data={"mode": "subscribers"}) == {"rev": 1}
    assert await meera.call("chat.configure", room=room, data={"mode": "questions"}) == {"rev": 2}
    await eventually(lambda: refused(eva, "chat.questions_only", "chat.send", room, {"text": "hi"}))
    await ann.call("chat.send", room=room, data={"text": "why?", "kind": "question"})
    asked = await meera.expect(lambda one: one.get("data", {}).get("text") == "why?")
    assert asked["data"] == {"text": "why?", "kind": "question"}
    await refused(meera, "invalid", "chat.configure", room, {"mode": "silence"})
    await refused(meera, "invalid", "chat.configure", room, {"slow_seconds": 601})
    rows = await database.fetch(
        "SELECT act FROM account_audit WHERE actor = 'meera' AND subject = $1", room.partition(":")[2]
    )
    assert [row["act"] for row in rows] == ["chat.configure"] * 2


async def test_slow_mode_makes_viewers_wait_on_every_gateway(enter: Enter, room: str) -> None:
    meera = await enter("meera", "mentor")
    here, there, bob = await enter("ann"), await enter("ann", there=True), await enter("bob")
    await meera.call("chat.configure", room=room, data={"slow_seconds": 300})
    await eventually(lambda: _slowed(here, room))
    error = await refused(here, "chat.slow_mode", "chat.send", room, {"text": "more"})
    assert error.temporary is True
    assert error.retry_after is not None
    assert 200 < error.retry_after <= 300
    await eventually(lambda: refused(there, "chat.slow_mode", "chat.send", room, {"text": "more"}))
    can = await here.expect_push("can", room)
    assert "chat.send" not in can["data"]["can"]
    # Each waits for themselves, and hosts for nobody; two at once are one.
    answers = await asyncio.gather(*(bob.say(room, f"{n}") for n in range(3)), return_exceptions=True)
    assert [one.code for one in answers if isinstance(one, WireError)] == ["chat.slow_mode"] * 2
    for n in range(2):
        await meera.say(room, f"{n}")
    # When slow mode ends nobody waits.
    await meera.call("chat.configure", room=room, data={"slow_seconds": 0})
    await eventually(lambda: there.say(room, "at last"))
    await eventually(lambda: bob.say(room, "at last"))


async def test_slow_mode_counts_messages_that_come_at_once_on_several_ways(
    enter: Enter, room: str, node: Running, second: Running, token: MakeToken
) -> None:
    meera = await enter("meera", "mentor")
    await meera.call("chat.configure", room=room, data={"slow_seconds": 300})
    for probe in (await enter("probe"), await enter("another-probe", there=True)):
        await eventually(lambda probe=probe: _slowed(probe, room))
    for name in ("ann", "ben", "cara"):
        clients = [await enter(name), await enter(name), await enter(name, there=True)]
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token(name)}"}) as rest:

            async def post(url: str, rest: httpx.AsyncClient = rest) -> Any:
                body = {"cmd": "chat.send", "data": {"text": "by POST"}}
                answer = (await rest.post(f"{url}/api/v1/rooms/{room}/commands", json=body)).json()
                return answer if "seq" in answer else WireError({"message": "", **answer})

            answers = await asyncio.gather(
                *(client.say(room, f"{n}") for n, client in enumerate(clients)),
                *(post(gateway.url) for gateway in (node, second)),
                return_exceptions=True,
            )
        codes = [one.code for one in answers if isinstance(one, WireError)]
        assert codes == ["chat.slow_mode"] * 4, answers


async def _slowed(client: WireClient, room: str) -> None:
    """Talk until slow mode stops it."""
    await client.say(room, "on and on")
    await refused(client, "chat.slow_mode", "chat.send", room, {"text": "on and on"})


async def test_links_are_for_whom_the_room_says(enter: Enter, room: str) -> None:
    meera, ann = await enter("meera", "mentor"), await enter("ann")
    link, plain = {"text": "see example.com"}, await ann.say(room, "nothing")
    await ann.call("chat.send", room=room, data=link)
    await meera.call("chat.configure", room=room, data={"links": "hosts"})
    await eventually(lambda: refused(ann, "chat.links", "chat.send", room, link))
    await refused(ann, "chat.links", "chat.edit", room, {"seq": plain["seq"], **link})
    await meera.call("chat.send", room=room, data=link)
    await meera.call("chat.configure", room=room, data={"links": "block"})
    await eventually(lambda: refused(meera, "chat.links", "chat.send", room, link))


async def test_what_is_said_before_a_change_is_committed_does_not_keep_the_old_settings(
    enter: Enter, room: str, database: asyncpg.Pool[Any]
) -> None:
    meera, ann = await enter("meera", "mentor"), await enter("ann")
    link = {"text": "see example.com"}
    await database.execute("""
        CREATE FUNCTION chat_test_wait() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext(NEW.room)); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER chat_test_wait AFTER INSERT OR UPDATE ON chat_room
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chat_test_wait();
    """)
    try:
        async with database.acquire() as other:
            async with other.transaction():
                await other.execute("SELECT pg_advisory_xact_lock(hashtext($1))", room)
                change = asyncio.create_task(meera.call("chat.configure", room=room, data={"links": "block"}))

                async def waits() -> None:
                    # The transaction has done all but its commit.
                    found = await other.fetchval(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = $1", "advisory"
                    )
                    assert found

                await eventually(waits)
                await ann.call("chat.send", room=room, data=link)
            await change
        await refused(ann, "chat.links", "chat.send", room, link)
    finally:
        await database.execute("DROP TRIGGER chat_test_wait ON chat_room; DROP FUNCTION chat_test_wait()")


async def test_a_mute_holds_elsewhere_and_over_a_restart(
    gateway: MakeGateway, enter: Enter, token: MakeToken, room: str, create_session: CreateSession
) -> None:
    staff = room.replace("session:", "staff:")
    meera, ann = await enter("meera", "mentor"), await enter("ann", there=True)
    watching = await enter("meera", "mentor", there=True, into=staff)
    said = await ann.say(room, "rude")
    assert await meera.call("chat.mute", room=room, data={"user": "ann", "seconds": 600, "reason": "rude"}) == {
        "rev": 1
    }
    can = await ann.expect_push("can", room)
    assert not {"chat.send", "chat.edit", "chat.react"} & set(can["data"]["can"])
    told = await watching.expect_push("chat.muted", staff)
    state = told["data"]
    assert (state["user"], state["muted"], state["reason"], state["by"], state["rev"]) == (
        "ann",
        True,
        "rude",
        "meera",
        1,
    )
    error = await refused(ann, "chat.muted", "chat.send", room, {"text": "hi"})
    assert error.retry_after is not None
    assert 500 < error.retry_after <= 600
    await refused(ann, "chat.muted", "chat.edit", room, {"seq": said["seq"], "text": "x"})
    # A gateway that starts later knows; and one's own words may be taken back.
    async with gateway() as third, connected(third.ws_url, token("ann")) as later:
        joined = await later.join(room)
        assert "chat.send" not in joined["can"]
        await refused(later, "chat.muted", "chat.send", room, {"text": "hi"})
        await later.call("chat.delete", room=room, data={"seq": said["seq"]})
    snapshot = await watching.call("live.staff_snapshot", room=staff)
    assert snapshot["parts"]["chat.mutes"]["mutes"] == [state]
    assert await meera.call("chat.unmute", room=room, data={"user": "ann"}) == {"rev": 2}
    assert await meera.call("chat.unmute", room=room, data={"user": "ann"}) == {"rev": 2}
    await eventually(lambda: ann.say(room, "sorry"))
    snapshot = await watching.call("live.staff_snapshot", room=staff)
    assert snapshot["parts"]["chat.mutes"]["mutes"] == []
    # A mute's end needs nobody.
    await meera.call("chat.mute", room=room, data={"user": "ann", "seconds": 0.5})
    await eventually(lambda: ann.say(room, "again"))
    # Hosts are not muted: the session's mentors, its program's, admins who are here.
    await enter("root", "admin")
    for host in ("program-mentor", "root"):
        await refused(meera, "forbidden", "chat.mute", room, {"user": host})
    await refused(meera, "invalid", "chat.mute", room, {"user": "meera"})
    await refused(meera, "invalid", "chat.mute", room, {"user": "a b"})
    await refused(meera, "invalid", "chat.mute", room, {"user": "ann", "seconds": 0})


async def test_pins_are_told_whole_and_go_with_their_message(enter: Enter, room: str) -> None:
    meera, ann = await enter("meera", "mentor"), await enter("ann", there=True)
    seqs = [(await ann.say(room, f"m{n}"))["seq"] for n in range(6)]
    assert await meera.call("chat.pin", room=room, data={"seq": seqs[0]}) == {"rev": 1}
    pushed = (await ann.expect_push("chat.pins", room))["data"]
    (pin,) = pushed["pins"]
    assert (pushed["rev"], pin["by"]) == (1, "meera")
    assert pin["message"].items() >= {"seq": seqs[0], "text": "m0"}.items()
    assert pin["message"]["from"]["id"] == "ann"
    assert await meera.call("chat.pin", room=room, data={"seq": seqs[0]}) == {"rev": 1}
    for seq in seqs[1:5]:
        await meera.call("chat.pin", room=room, data={"seq": seq})
    await refused(meera, "chat.too_many_pins", "chat.pin", room, {"seq": seqs[5]})
    await refused(meera, "not_found", "chat.pin", room, {"seq": 2**50})
    # What was deleted makes room, and what was edited reads as it does now.
    await ann.call("chat.delete", room=room, data={"seq": seqs[1]})
    await ann.call("chat.edit", room=room, data={"seq": seqs[0], "text": "better"})
    assert await meera.call("chat.pin", room=room, data={"seq": seqs[5]}) == {"rev": 6}
    assert await meera.call("chat.unpin", room=room, data={"seq": seqs[2]}) == {"rev": 7}
    assert await meera.call("chat.unpin", room=room, data={"seq": seqs[2]}) == {"rev": 7}
    pushed = (await ann.expect(lambda one: one.get("push") == "chat.pins" and one["data"]["rev"] == 7))["data"]
    assert [pin["message"]["text"] for pin in pushed["pins"]] == ["better", "m3", "m4", "m5"]
    snapshot = await ann.call("live.snapshot", room=room)
    assert snapshot["parts"]["chat.pins"] == pushed


async def test_clearing_takes_a_user_s_messages_or_all_in_one_push(
    enter: Enter, room: str, database: asyncpg.Pool
) -> None:
    async def archived() -> list[int]:
        rows = await database.fetch("SELECT seq FROM room_push WHERE room = $1 ORDER BY seq", room)
        return [row["seq"] for row in rows]

    async def gone(left: list[int]) -> None:
        assert await archived() == left

    meera, ann, bob = await enter("meera", "mentor"), await enter("ann"), await enter("bob", there=True)
    mine = [(await ann.say(room, f"a{n}"))["seq"] for n in range(15)]
    other = (await bob.say(room, "b"))["seq"]
    edited = (await ann.call("chat.edit", room=room, data={"seq": mine[0], "text": "worse"}))["seq"]
    cleared = await meera.call("chat.clear", room=room, data={"user": "ann"})
    push = await bob.expect_push("chat.cleared", room)
    assert (push["seq"], push["data"]) == (cleared["seq"], {"user": "ann"})
    after = (await ann.say(room, "after"))["seq"]
    for client in (bob, ann):
        page = await client.call("history", room=room, before=2**53 - 1)
        assert [one["seq"] for one in page["messages"]] == [other, cleared["seq"], after]
    await refused(ann, "not_found", "chat.edit", room, {"seq": mine[0], "text": "back again"})
    await eventually(lambda: gone([other, cleared["seq"], after]))
    everything = await meera.call("chat.clear", room=room)
    assert (await ann.expect(lambda one: one.get("seq") == everything["seq"]))["data"] == {}
    joined = await (await enter("cem", there=True)).join(room, history=50)
    assert [one["seq"] for one in joined["messages"]] == [cleared["seq"], everything["seq"]]
    await eventually(lambda: gone([cleared["seq"], everything["seq"]]))
    assert edited not in await archived()
    acts = await database.fetch(
        "SELECT subject FROM account_audit WHERE act = 'chat.clear' AND details->>'session' = $1 ORDER BY id",
        room.partition(":")[2],
    )
    assert [row["subject"] for row in acts] == ["ann", room.partition(":")[2]]


async def test_reports_are_the_mentors_to_decide(
    node: Running, enter: Enter, token: MakeToken, room: str, database: asyncpg.Pool
) -> None:
    session, staff = room.partition(":")[2], room.replace("session:", "staff:")
    ann, bob, meera = await enter("ann"), await enter("bob", there=True), await enter("meera", "mentor", into=staff)
    seq = (await ann.say(room, "rude"))["seq"]
    assert await bob.call("chat.report", room=room, data={"seq": seq, "reason": "rude"}) == {"rev": 1}
    assert await bob.call("chat.report", room=room, data={"seq": seq}) == {"rev": 1}
    report = (await meera.expect_push("chat.reported", staff))["data"]
    assert (
        report.items()
        >= {"seq": seq, "text": "rude", "author_id": "ann", "reporter_id": "bob", "status": "open"}.items()
    )
    await refused(ann, "invalid", "chat.report", room, {"seq": seq})
    await refused(bob, "not_found", "chat.report", room, {"seq": 2**50})
    await ann.settle()
    assert ann.pushes("chat.reported") == []
    snapshot = await meera.call("live.staff_snapshot", room=staff)
    assert snapshot["parts"]["chat.reports"]["reports"] == [report]
    async with AsyncExitStack() as stack:

        async def caller(user: str, role: str) -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {token(user, role)}"}
            made = httpx.AsyncClient(base_url=f"{node.url}/api/v1/chat", headers=headers, timeout=30)
            return await stack.enter_async_context(made)

        mentor, stranger, admin = (
            await caller("meera", "mentor"),
            await caller("else", "mentor"),
            await caller("root", "admin"),
        )
        # What was said stays readable for them, whatever its author does.
        await ann.call("chat.delete", room=room, data={"seq": seq})
        assert (await mentor.get(f"/sessions/{session}/reports?status=open")).json()["items"] == [report]
        assert report in (await admin.get("/reports?limit=200")).json()["items"]
        path = f"/reports/{report['id']}"
        assert (await mentor.get(path)).headers["etag"] == '"1"'
        for answer in (
            await stranger.get(f"/sessions/{session}/reports"),
            await mentor.get("/reports"),
            await (await caller("bob", "student")).get(path),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        verdict = {"status": "upheld", "note": "deleted"}
        for answer in (await stranger.get(path), await stranger.post(f"{path}/resolve", json=verdict)):
            assert answer.status_code == 404
        for _ in range(2):
            decided = (await mentor.post(f"{path}/resolve", json=verdict)).json()
            assert decided == {
                **report,
                **verdict,
                "rev": 2,
                "resolved_by": "meera",
                "resolved_at": decided["resolved_at"],
            }
        answer = await admin.post(f"{path}/resolve", json={"status": "dismissed"})
        assert (answer.status_code, answer.json()["code"]) == (409, "chat.resolved")
        assert (await mentor.get(f"/sessions/{session}/reports?status=open")).json()["items"] == []
    assert (await meera.expect_push("chat.reported", staff))["data"] == decided
    acts = "SELECT actor FROM account_audit WHERE act = $1 AND subject = $2"
    assert [row["actor"] for row in await database.fetch(acts, "chat.resolve", report["id"])] == ["meera"]


async def test_a_user_s_traces_are_shown_and_forgotten(
    node: Running, enter: Enter, room: str, database: asyncpg.Pool
) -> None:
    """Of who was muted and reported, and of who reported it and gave it an emoji."""
    session = room.partition(":")[2]
    meera, ann, bob = await enter("meera", "mentor"), await enter(f"a-{session}"), await enter(f"b-{session}")
    seq = (await ann.say(room, "rude"))["seq"]
    await bob.call("chat.report", room=room, data={"seq": seq, "reason": "he is rude"})
    await bob.call("chat.react", room=room, data={"seq": seq, "emoji": "😮"})
    await meera.call("chat.mute", room=room, data={"user": f"a-{session}", "reason": "rude"})
    (chat,) = (module for module in node.gateway.modules if module.name == "chat")
    assert set(await chat.export(f"a-{session}")) == {"mutes"}
    assert set(await chat.export(f"b-{session}")) == {"reports", "reactions"}
    for user in (f"a-{session}", f"b-{session}"):
        async with node.gateway.database.transaction():
            await chat.forget(user)
    assert (await chat.export(f"a-{session}"), set(await chat.export(f"b-{session}"))) == ({}, {"reports"})
    rows = await database.fetch("SELECT text, reason, status FROM chat_report WHERE room = $1", room)
    assert [tuple(row) for row in rows] == [("", "", "open")]


async def test_a_user_reports_so_many_messages_of_a_session(gateway: MakeGateway, token: MakeToken, room: str) -> None:
    environ = {"KSMP_CHAT_REPORTS": "1", "KSMP_CHAT_REPORT_RATE_COUNT": "3", "KSMP_CHAT_REPORT_RATE_SECONDS": "3600"}
    async with (
        gateway(environ=environ) as node,
        connected(node.ws_url, token("ann")) as ann,
        connected(node.ws_url, token("bob")) as bob,
    ):
        for client in (ann, bob):
            await client.join(room)
        seqs = [(await ann.say(room, f"m{n}"))["seq"] for n in range(2)]
        await bob.call("chat.report", room=room, data={"seq": seqs[0]})
        await refused(bob, "chat.too_many_reports", "chat.report", room, {"seq": seqs[1]})
        await bob.call("chat.report", room=room, data={"seq": seqs[0]})
        await refused(bob, "rate_limited", "chat.report", room, {"seq": seqs[0]})


async def test_every_limit_is_a_setting(gateway: MakeGateway, token: MakeToken, room: str, tmp_path: Path) -> None:
    (tmp_path / "words").write_text("darn\n")
    hour = "3600"
    environ = {
        "KSMP_CHAT_CHANGE_RATE_COUNT": "2",
        "KSMP_CHAT_CHANGE_RATE_SECONDS": hour,
        "KSMP_CHAT_REACT_RATE_COUNT": "2",
        "KSMP_CHAT_REACT_RATE_SECONDS": hour,
        "KSMP_CHAT_HOST_RATE_COUNT": "3",
        "KSMP_CHAT_HOST_RATE_SECONDS": hour,
        "KSMP_CHAT_MENTIONS": "1",
        "KSMP_CHAT_SLOW_MOST": "5",
        "KSMP_CHAT_PINS": "1",
        "KSMP_CHAT_REACTIONS": "🦆",
        "KSMP_CHAT_REACTIONS_INTERVAL": "0.1",
        "KSMP_CHAT_RECENT": "1",
        "KSMP_CHAT_FRESH": "0.05",
        "KSMP_CHAT_ENROLLED_FRESH": "0.05",
        "KSMP_CHAT_WORDS_FILE": str(tmp_path / "words"),
    }
    async with (
        gateway(environ=environ) as node,
        connected(node.ws_url, token("meera", "mentor")) as meera,
        connected(node.ws_url, token("ann")) as ann,
    ):
        await meera.join(room)
        await ann.join(room)
        seqs = [(await ann.say(room, text))["seq"] for text in ("darn", "fuck")]
        part = (await ann.call("live.snapshot", room=room))["parts"]["chat.messages"]
        assert [one["text"] for one in part["messages"]] == ["fuck"]
        assert (await ann.expect_push("chat.message", room))["data"]["text"] == "****"
        await refused(ann, "invalid", "chat.react", room, {"seq": seqs[0], "emoji": "👍"})
        await ann.call("chat.react", room=room, data={"seq": seqs[0], "emoji": "🦆"})
        await ann.expect_push("chat.reactions", room)
        await refused(ann, "rate_limited", "chat.react", room, {"seq": seqs[0], "emoji": "🦆"})
        await refused(ann, "invalid", "chat.send", room, {"text": "hi", "mentions": ["meera", "bob"]})
        await meera.call("chat.pin", room=room, data={"seq": seqs[0]})
        await refused(meera, "chat.too_many_pins", "chat.pin", room, {"seq": seqs[1]})
        await refused(meera, "invalid", "chat.configure", room, {"slow_seconds": 6})
        for cmd, data in (("chat.edit", {"seq": seqs[0], "text": "x"}), ("chat.delete", {"seq": seqs[1] + 1000})):
            for code in (
                (None, None, "rate_limited") if cmd == "chat.edit" else ("not_found", "not_found", "rate_limited")
            ):
                if code is None:
                    await ann.call(cmd, room=room, data=data)
                else:
                    await refused(ann, code, cmd, room, data)
        for cmd in ("chat.unpin", "chat.unmute", "chat.clear"):
            data = {"seq": 1} if cmd == "chat.unpin" else {"user": "bob"}
            for _ in range(3):
                await meera.call(cmd, room=room, data=data)
            await refused(meera, "rate_limited", cmd, room, data)

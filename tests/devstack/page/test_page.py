"""Two people in two tabs on two gateways."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import msgspec
from playwright.async_api import BrowserContext, WebSocketRoute, expect

from ksmp_client import Client
from tests.client.stack import Stack
from tests.devstack.page.tab import Tab

SCRIPT = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"


async def test_mentor_and_student_talk(mentor: Tab, student: Tab) -> None:
    await mentor.say("Good morning")
    await student.shows(["Good morning"])
    await student.say("Good morning,\nMeera")
    for tab in (mentor, student):
        await tab.shows(["Good morning", "Good morning,\nMeera"])
        first, second = (await tab.messages.all())[:2]
        await expect(first).to_contain_text(re.compile(r"Meera\s*mentor\s*\d+:\d\d"))
        await expect(second).to_contain_text(re.compile(r"Asha\s*student\s*\d+:\d\d"))
        await expect(tab.waiting).to_have_count(0)
        await expect(tab.page.locator("#position")).to_have_text(re.compile(r"^[1-9]\d*$"))
    assert await mentor.position() == await student.position()


async def test_what_looks_like_a_script_is_text(mentor: Tab, student: Tab) -> None:
    await student.say(SCRIPT)
    for tab in (mentor, student):
        await tab.shows([SCRIPT])
        assert await tab.page.locator("ol img, ol script").count() == 0
        assert await tab.page.title() == "KSMP class"


async def test_a_deleted_message_is_gone_for_all(mentor: Tab, student: Tab) -> None:
    await mentor.say("one")
    await student.shows(["one"])
    await student.say("two")
    await student.say("three")
    await mentor.shows(["one", "two", "three"])
    await expect(student.message("one").get_by_role("button")).to_have_count(0)
    await mentor.message("two").get_by_role("button", name="Delete the message of Asha: two").click()
    await student.message("three").get_by_role("button", name="Delete").click()
    for tab in (mentor, student):
        await tab.shows(["one"])
    await student.page.reload()
    await student.shows(["one"])
    await expect(student.page.get_by_role("button", name="Load older messages")).to_be_hidden()


async def test_a_killed_gateway_costs_nothing(stack: Stack, mentor: Tab, student: Tab) -> None:
    await mentor.say("before")
    await student.shows(["before"])
    pid = (await stack.pids())[1]
    await stack.kill_gateway(1)
    await expect(student.state).to_contain_text(re.compile(r"Reconnecting in \d+ s"), timeout=5000)
    await student.say("said while away")
    await expect(student.waiting).to_contain_text("sending…")
    for text in ("1", "2", "3"):
        await mentor.say(text)
    await stack.back(1, pid)
    await student.connected()
    await mentor.say("after")
    await expect(mentor.message("said while away")).to_have_count(1, timeout=10_000)
    await expect(mentor.message("after")).to_have_count(1, timeout=10_000)
    everything = await mentor.texts.all_inner_texts()
    assert sorted(everything) == sorted(["before", "said while away", "1", "2", "3", "after"])
    await student.shows(everything)
    await expect(student.waiting).to_have_count(0)


async def test_older_messages_are_loaded_when_asked_for(stack: Stack, room: str, window: BrowserContext) -> None:
    texts = [f"message {number}" for number in range(106)]
    # A connection may send 20 at once.
    for start in range(0, len(texts), 19):
        async with Client(stack.gateways[0], token=stack.token(f"teller-{start}")) as client:
            here = await client.join(room)
            for text in texts[start : start + 19]:
                await here.command("chat.send", {"text": text})
    tab = await Tab.opened(window, stack.gateways[0], room, "Asha", "a student")
    await tab.shows(texts[-50:])
    older = tab.page.get_by_role("button", name="Load older messages")
    await older.click()
    await tab.shows(texts[-100:])
    await older.click()
    await tab.shows(texts)
    await expect(older).to_be_hidden()


async def test_closed_for_good_says_why_and_waits_for_a_person(stack: Stack, student: Tab) -> None:
    user = await student.page.evaluate("sessionStorage.id")
    others = [Client(stack.gateways[0], token=stack.token(user)) for _ in range(10)]
    for other in others[:-1]:
        await other.__aenter__()
    # The gateways ask each other how many there are, which takes them a moment.
    await asyncio.sleep(0.5)
    await others[-1].__aenter__()
    await expect(student.state).to_contain_text("Closed: displaced")
    await expect(student.problem).to_contain_text("4503")
    await asyncio.gather(*(other.close() for other in others))
    await student.problem.get_by_role("button", name="Connect again").click()
    await student.connected()
    await expect(student.problem).to_be_hidden()


Change = Callable[[dict[str, Any]], dict[str, Any] | None]


class Line:
    """What is between a tab and its gateway. `sent` is what the page has said, on all `sockets`."""

    def __init__(self, change: Change) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.sent: list[dict[str, Any]] = []
        self._change = change

    def pass_on(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        self.sockets.append(socket)

        def said(data: str | bytes) -> None:
            self.sent.append(msgspec.json.decode(data))
            server.send(data)

        def answered(data: str | bytes) -> None:
            changed = self._change(msgspec.json.decode(data))
            if changed is not None:
                socket.send(msgspec.json.encode(changed).decode())

        socket.on_message(said)
        server.on_message(answered)

    def commands(self, cmd: str) -> list[dict[str, Any]]:
        return [command for command in self.sent if command["cmd"] == cmd]


async def meddled(stack: Stack, window: BrowserContext, room: str, change: Change) -> tuple[Tab, Line]:
    """A student's tab for which `change` is made to what the gateway says; None says it was never said."""
    line = Line(change)
    await window.route_web_socket("**/realtime", line.pass_on)
    return await Tab.opened(window, stack.gateways[1], room, "Asha", "a student"), line


async def test_a_gap_is_closed(stack: Stack, window: BrowserContext, room: str, mentor: Tab) -> None:
    def lose_two(message: dict[str, Any]) -> dict[str, Any] | None:
        lost = message.get("push") == "chat.message" and message["data"]["text"] in ("1", "2")
        return None if lost else message

    tab, line = await meddled(stack, window, room, lose_two)
    await mentor.say("0")
    # The tab is in the room then, so that what follows comes as pushes.
    await tab.shows(["0"])
    for text in ("1", "2", "3", "4"):
        await mentor.say(text)
    await tab.shows(["0", "1", "2", "3", "4"])
    assert len(line.sockets) == 1
    first, second = line.commands("join")
    assert "since" not in first
    assert second["since"]["seq"] + 3 <= await tab.position()


async def test_a_send_whose_reply_is_lost_happens_once(stack: Stack, window: BrowserContext, room: str) -> None:
    swallowed: list[dict[str, Any]] = []

    def lose_the_reply(message: dict[str, Any]) -> dict[str, Any] | None:
        if not swallowed and set(message.get("ok", {})) == {"seq"}:
            swallowed.append(message)
        # Neither does its push arrive before the connection is lost.
        return None if swallowed and len(line.sockets) == 1 else message

    tab, line = await meddled(stack, window, room, lose_the_reply)
    await tab.say("once")
    async with asyncio.timeout(10):
        while not swallowed:
            await asyncio.sleep(0.02)
    await line.sockets[0].close(code=4001)
    await tab.shows(["once"])
    await expect(tab.waiting).to_have_count(0)
    # Its push came back in the recovery; the command is repeated all the same, and meets itself.
    async with asyncio.timeout(10):
        while len(line.commands("chat.send")) < 2:
            await asyncio.sleep(0.02)
    first, second = line.commands("chat.send")
    assert first["nonce"] == second["nonce"]
    resumed = line.commands("connect")[1]["rooms"]
    assert resumed.keys() == {room}
    assert resumed[room].keys() == {"epoch", "seq"}
    await tab.say("twice")
    await tab.shows(["once", "twice"])


async def test_what_cannot_be_recovered_is_loaded_anew(stack: Stack, window: BrowserContext, room: str) -> None:
    def forget(message: dict[str, Any]) -> dict[str, Any]:
        result = message.get("ok", {}).get("rooms", {}).get(room)
        if result is not None:
            kept = {"push": "chat.message", "room": room, "prev": 0, "at": 0, "data": {"text": "what is left"}}
            result |= {"recovered": False, "messages": [{**kept, "seq": result["seq"]}]}
        return message

    tab, line = await meddled(stack, window, room, forget)
    await tab.say("one")
    await tab.say("two")
    await tab.shows(["one", "two"])
    await line.sockets[0].close(code=4003)
    await tab.shows(["what is left"])

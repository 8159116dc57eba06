"""Texts that are not Unicode, by every way in: half an emoji in JSON, bytes that are no UTF-8 elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from ksmp_testkit import MakeToken, Running
from ksmp_testkit.socket_client import WireError, connected

from .poster import poster, problem

HALF = r'"\ud83d"'


def _in_json(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode().replace('"BAD"', HALF)


def _in_msgpack(message: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode(message).replace(b"BAD", b"\xed\xa0\xbd")


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_a_socket_answers_a_bad_text_and_goes_on(node: Running, token: MakeToken, room: str, codec: str) -> None:
    async with connected(node.ws_url, token("ada"), codec) as ada:
        await ada.join(room)
        bad: list[dict[str, Any]] = [
            {"cmd": "chat.send", "room": room, "data": {"text": "BAD"}},
            {"cmd": "chat.send", "room": room, "data": {"text": "x", "BAD": 1}},
            {"cmd": "chat.send", "room": room, "data": {"text": "x"}, "nonce": "BAD"},
            {"cmd": "chat.react", "room": room, "data": {"seq": 1, "emoji": "BAD"}},
            {"cmd": "live.ask", "room": room, "data": {"text": "BAD"}},
            {"cmd": "join", "room": "BAD"},
            {"cmd": "history", "room": room, "before": 5, "types": ["BAD"]},
            {"cmd": "presence", "room": room, "after": "BAD"},
            {"cmd": "refresh", "token": "BAD"},
            {"cmd": "BAD"},
        ]
        for id, message in enumerate(bad, start=100):
            message["id"] = id
            await ada.socket.send(_in_json(message) if codec == "json" else _in_msgpack(message))
            with pytest.raises(WireError, match="^invalid: a text is not valid Unicode"):
                await ada.reply(id)
        assert (await ada.say(room, "whole: 😀"))["seq"]


async def test_a_command_by_post_answers_a_bad_text(node: Running, token: MakeToken, room: str) -> None:
    async with poster(node, token("ada")) as ada:
        for body in (_in_json({"cmd": "chat.send", "data": {"text": "BAD"}}).encode(), b'{"cmd":"chat.send","\xff":1}'):
            answer = await ada.http.post(f"/api/v1/rooms/{room}/commands", content=body)
            assert "Unicode" in problem(answer, 400, "invalid")["detail"]
        answer = await ada.http.post(f"/api/v1/rooms/{room}%ED%A0%BD/commands", json={"cmd": "presence"})
        problem(answer, 400, "invalid")
        problem(await ada.http.get("/realtime/sse?room=%ED%A0%BD"), 400, "invalid")


async def test_routes_answer_a_bad_text(node: Running, token: MakeToken) -> None:
    headers = {"Authorization": f"Bearer {token('meera', 'mentor')}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=node.url, headers=headers) as http:
        bodies = (
            _in_json({"title": "BAD"}).encode(),
            _in_json({"title": "x", "summary": "BAD"}).encode(),
            b'{"title":"\xff"}',
            b'{"title":"\xed\xa0\xbd"}',
            b'{"title":"x","\xff":1}',
        )
        for body in bodies:
            for method, path in (("POST", "/api/v1/programs"), ("PATCH", "/api/v1/users/me")):
                detail = problem(await http.request(method, path, content=body), 400, "invalid")["detail"]
                assert "Unicode" in detail
        for path in ("/api/v1/programs?q=%FF", "/api/v1/programs?cursor=%ED%A0%BD", "/api/v1/programs/%FF"):
            assert "UTF-8" in problem(await http.get(path), 400, "invalid")["detail"]
        for body in (b"{", b'{"title":', b"\xff", b"[" * 5000):
            problem(await http.post("/api/v1/programs", content=body), 400, "invalid")
        assert (await http.post("/api/v1/programs", content=r'{"title":"whole \ud83d\ude00"}')).status_code == 201


@pytest.mark.parametrize("target", [b"/api/v1/programs?q=\xff", b"/api/v1/programs/\xff"])
async def test_raw_bytes_in_an_address_are_answered(node: Running, target: bytes) -> None:
    host, port = node.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 4")
    writer.close()

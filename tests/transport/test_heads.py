"""Heads of requests: what breaks HTTP is refused with a problem, however it comes, and the connection ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ksmp_testkit import MakeToken, Running
from tests.peer import Peer, command

LIVE = b"GET /health/live HTTP/1.1\r\n"
HOST = b"Host: x\r\n"
UPGRADE = (
    b"GET /realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
VERSION = b"Sec-WebSocket-Version: 13\r\n"
POST = b"POST /api/v1/rooms/session:1/commands HTTP/1.1\r\nHost: x\r\n"


async def asked(node: Running, *pieces: bytes) -> tuple[int, str, bytes]:
    """Status, head and body of the answer; up to the end of the connection when it has one."""

    def talk() -> tuple[int, str, bytes]:
        with Peer(node.port) as peer:
            for piece in pieces:
                peer.send(piece)
            status = peer.status()
            lengths = [line[15:] for line in peer.head.lower().splitlines() if line.startswith("content-length:")]
            while "connection: close" in peer.head.lower() or len(peer.received) < int(lengths[0]):
                if not peer._receive():
                    break
            return status, peer.head, peer.received

    return await asyncio.to_thread(talk)


def problem(answer: tuple[int, str, bytes]) -> dict[str, Any]:
    status, head, body = answer
    assert "content-type: application/problem+json" in head.lower()
    assert "connection: close" in head.lower()
    found: dict[str, Any] = json.loads(body)
    assert found["status"] == status
    assert found["request_id"] in head
    return found


LARGE = {
    "one header": LIVE + HOST + b"X: " + b"x" * 120_000 + b"\r\n\r\n",
    "many headers": LIVE + HOST + b"x: y\r\n" * 20_000 + b"\r\n",
    "the path": b"GET /" + b"x" * 60_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "the query": b"GET /health/live?" + b"x" * 60_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a handshake": UPGRADE + VERSION + b"X: " + b"x" * 120_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("pieces", [1, 4])
@pytest.mark.parametrize("case", LARGE)
async def test_a_head_over_the_limit_is_431_at_once_and_in_pieces(node: Running, case: str, pieces: int) -> None:
    data = LARGE[case]
    size = len(data) // pieces + 1
    found = await asked(node, *(data[start : start + size] for start in range(0, len(data), size)))
    if found[0] == 0:
        # What was still on its way has reset the connection.
        return
    assert problem(found)["status"] == 431


async def test_a_head_under_the_limit_is_served(node: Running) -> None:
    assert (await asked(node, LIVE + HOST + b"X: " + b"x" * 30_000 + b"\r\n\r\n"))[0] == 200


BROKEN = {
    "no host": LIVE + b"\r\n",
    "two hosts": LIVE + HOST + HOST + b"\r\n",
    "two other hosts": LIVE + HOST + b"host: y\r\n\r\n",
    "a handshake without a host": UPGRADE.replace(HOST, b"") + VERSION + b"\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: chunked, other\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a folded line": LIVE + HOST + b"X: a\r\n b\r\n\r\n",
    "a bare CR": LIVE + HOST + b"X: a\rY: b\r\n\r\n",
    "a space before the colon": LIVE + HOST + b"X : a\r\n\r\n",
    "a control character": LIVE + HOST + b"X: a\0b\r\n\r\n",
    "no HTTP": b"\x16\x03\x01 this is no HTTP\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT with a path": b"CONNECT /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "a handshake with a body": UPGRADE + VERSION + b"Content-Length: 2\r\n\r\n{}",
    "a handshake with chunks": UPGRADE + VERSION + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "no key": UPGRADE.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"") + VERSION + b"\r\n",
    "two keys": UPGRADE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + VERSION + b"\r\n",
    "two origins": UPGRADE + VERSION + b"Origin: a\r\nOrigin: b\r\n\r\n",
    "no WebSocket version": UPGRADE + b"\r\n",
    "malformed extensions": UPGRADE + VERSION + b"Sec-WebSocket-Extensions: ;;\r\n\r\n",
}


@pytest.mark.parametrize("case", BROKEN)
async def test_what_breaks_the_standard_is_400(node: Running, case: str) -> None:
    found = problem(await asked(node, BROKEN[case]))
    assert (found["status"], found["code"], found["temporary"]) == (400, "invalid", False)


async def test_what_looks_odd_and_is_allowed(node: Running) -> None:
    assert (await asked(node, b"GET http://x/health/live HTTP/1.1\r\n" + HOST + b"\r\n"))[0] == 200
    assert (await asked(node, b"GET /health/live HTTP/1.0\r\n\r\n"))[0] == 200
    assert (await asked(node, b"\r\n" + LIVE + HOST + b"\r\n"))[0] == 200
    # An upgrade to something else, or elsewhere, is ignored.
    assert (await asked(node, LIVE + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"))[0] == 200
    assert (await asked(node, UPGRADE.replace(b"/realtime", b"/health/live") + VERSION + b"\r\n"))[0] == 200


async def test_a_handshake_may_say_that_its_body_is_empty(node: Running) -> None:
    def talk() -> int:
        with Peer(node.port) as peer:
            peer.send(UPGRADE + VERSION + b"Content-Length: 0\r\n\r\n")
            return peer.status()

    assert await asyncio.to_thread(talk) == 101


UPGRADES = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
    "websocket": UPGRADE.partition(HOST)[2] + VERSION,
}


@pytest.mark.parametrize("pieces", ["together", "apart", "cut"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("upgrade", UPGRADES)
async def test_the_body_of_a_request_that_asks_to_upgrade_is_no_request(
    node: Running, token: MakeToken, upgrade: str, framing: str, pieces: str
) -> None:
    smuggled = LIVE + HOST + b"\r\n"
    size = len(smuggled)
    head = POST + f"Authorization: Bearer {token('proxied')}\r\n".encode() + UPGRADES[upgrade]
    if framing == "length":
        head, body = head + b"Content-Length: %d\r\n\r\n" % size, smuggled
    else:
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, smuggled)
    sent = {"together": [head + body], "apart": [head, body], "cut": [head + body[:9], body[9:]]}[pieces]
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    def talk() -> bytes:
        with Peer(node.port) as peer:
            for piece in sent:
                peer.send(piece)
            peer.send(last)
            while peer._receive():
                pass
            return peer.received

    answers = await asyncio.to_thread(talk)
    # The body, which is no JSON, was read as one, and the request behind it as the next.
    assert [answer[:3] for answer in answers.split(b"HTTP/1.1 ")[1:]] == [b"400", b"404"]
    assert b'"status":"ok"' not in answers


@pytest.mark.parametrize("version", [b"", b" HTTP/0.9", b" HTTP/2.0"])
async def test_other_versions_are_not_served(node: Running, version: bytes) -> None:
    assert problem(await asked(node, b"GET /health/live" + version + b"\r\n" + HOST + b"\r\n"))["status"] == 505


async def test_what_comes_behind_a_refused_request_is_not_served(node: Running) -> None:
    _, _, body = await asked(node, LIVE + b"\r\n" + LIVE + HOST + b"\r\n")
    assert b"HTTP/1.1" not in body


@pytest.mark.parametrize("fault", [b"\x16\x03\x01\r\n\r\n", LIVE + b"\r\n"], ids=["no HTTP", "no host"])
async def test_a_fault_behind_a_request_is_answered_behind_its_answer(node: Running, fault: bytes) -> None:
    def talk() -> bytes:
        with Peer(node.port) as peer:
            peer.send(LIVE + HOST + b"\r\n" + fault)
            while peer._receive():
                pass
            return peer.received

    answers = await asyncio.to_thread(talk)
    assert [answer[:3] for answer in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]
    assert b'"status":"ok"' in answers


async def test_a_fault_in_a_body_is_answered(node: Running, token: MakeToken) -> None:
    head = POST + f"Authorization: Bearer {token('torn')}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    found = problem(await asked(node, head, b"2\r\n{}\r\nzz\r\n"))
    assert (found["status"], found["code"]) == (400, "invalid")


async def test_a_fault_in_a_body_waits_for_the_answers_before_it(node: Running) -> None:
    def talk() -> bytes:
        with Peer(node.port) as peer:
            peer.send(LIVE + HOST + b"\r\n" + POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
            while peer._receive():
                pass
            return peer.received

    answers = await asyncio.to_thread(talk)
    assert [answer[:3] for answer in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]


async def test_what_comes_behind_a_request_does_not_end_its_stream(node: Running, token: MakeToken) -> None:
    def talk() -> bool:
        with Peer(node.port) as peer:
            peer.send(f"GET /realtime/sse HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token('odd')}\r\n\r\n".encode())
            assert peer.status() == 200
            peer.send(b"\r\n" * 20_000)
            return peer.ended(0.3)

    assert not await asyncio.to_thread(talk)


async def test_trailers_are_no_headers(node: Running, token: MakeToken) -> None:
    late = f"Authorization: Bearer {token('late')}\r\n".encode()
    chunks = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + late + b"\r\n"
    assert (await asked(node, POST + chunks))[0] == 401


# WebSockets


@pytest.mark.parametrize("request_line", [b"GET /realtime HTTP/1.1\r\n", b"GET /realtime/?a=b HTTP/1.1\r\n"])
async def test_a_get_without_upgrade_is_told_to_upgrade(node: Running, request_line: bytes) -> None:
    status, head, body = await asked(node, request_line + HOST + b"\r\n")
    assert status == 426
    assert "upgrade: websocket" in head.lower()
    assert "connection: upgrade" in head.lower()
    assert "allow:" not in head.lower()
    assert json.loads(body)["status"] == 426


async def test_an_upgrade_in_http_1_0_is_told_to_upgrade(node: Running) -> None:
    data = UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0") + VERSION + b"\r\n"
    assert (await asked(node, data))[0] == 426


async def test_another_version_is_told_which_is_known(node: Running) -> None:
    answer = await asked(node, UPGRADE + VERSION.replace(b"13", b"12") + b"\r\n")
    assert problem(answer)["status"] == 426
    assert "sec-websocket-version: 13" in answer[1].lower()


async def test_a_refused_origin_is_a_problem(node: Running) -> None:
    found = problem(await asked(node, UPGRADE + VERSION + b"Origin: https://evil.example\r\n\r\n"))
    assert (found["status"], found["code"]) == (403, "forbidden")


async def test_a_handshake_with_its_first_command_in_one_piece(node: Running, token: MakeToken) -> None:
    def talk() -> dict[str, Any] | None:
        with Peer(node.port) as peer:
            peer.send(UPGRADE + VERSION + b"\r\n" + command("connect", 1, token=token("hasty")))
            assert peer.status() == 101
            return peer.message()

    message = await asyncio.to_thread(talk)
    assert message is not None
    assert message["ok"]["user"]["id"] == "hasty"


async def test_a_handshake_behind_a_request_does_not_overtake_its_answer(node: Running) -> None:
    def talk() -> list[int]:
        with Peer(node.port) as peer:
            peer.send(LIVE + HOST + b"\r\n" + UPGRADE + VERSION + b"\r\n")
            first = peer.status()
            size = next(int(line[15:]) for line in peer.head.lower().splitlines() if line.startswith("content-length"))
            while len(peer.received) < size:
                assert peer._receive()
            peer.received = peer.received[size:]
            return [first, peer.status()]

    assert await asyncio.to_thread(talk) == [200, 426]


# HTTP/1.0


async def test_an_event_stream_for_http_1_0_has_no_chunks(node: Running, token: MakeToken) -> None:
    def talk() -> tuple[str, bytes]:
        with Peer(node.port) as peer:
            head = f"GET /realtime/sse HTTP/1.0\r\nAuthorization: Bearer {token('old')}\r\n\r\n"
            peer.send(head.encode())
            assert peer.status() == 200
            while b"\n\n" not in peer.received:
                assert peer._receive()
            return peer.head.lower(), peer.received

    head, body = await asyncio.to_thread(talk)
    assert "transfer-encoding" not in head
    assert "content-length" not in head
    assert "connection: close" in head
    assert body.startswith((b"data: ", b"id: "))

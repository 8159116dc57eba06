"""Values at the edges (of the calendar, of integers, of text, of nesting) are answered, and never with 500."""

from __future__ import annotations

import base64
import itertools
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ksmp_testkit import Caller, MakeToken, Running
from ksmp_testkit.member import clients_of
from ksmp_testkit.socket_client import WireError, connected
from tests.http.conftest import Site

DEEP = 1_100
TEXTS = ("a\0b", "9" * 5_000, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00")
# Each is of two kinds of lists: of those that are sorted by one column, or by two.
SORTS = (
    ("newest", 2),
    ("agenda", 2),
    ("name", 2),
    ("title", 2),
    ("chance", 1),
    ("user", 1),
    ("voter", 1),
    ("student", 1),
)
KEYS = ("a\0b", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", 2**70, None)
JSON: tuple[Any, ...] = ("a\0b", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", 2**63, -(2**64), 1e300, [{}])
EDGES = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+12:00",
    "0001-01-02T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
    "9999-12-30T00:00:00Z",
)
COMMANDS = "/api/v1/rooms/{room}/commands"
STREAM = "/realtime/sse"


async def operations(caller: httpx.AsyncClient) -> list[tuple[str, str, dict[str, Any]]]:
    paths = (await caller.get("/api/docs/openapi.json")).json()["paths"]
    return [
        (method, path, operation)
        for path, item in paths.items()
        for method, operation in item.items()
        if path != STREAM and isinstance(operation, dict) and "responses" in operation
    ]


def filled(path: str, value: str = "") -> str:
    return re.sub(r"\{[^}]*\}", value or str(uuid.uuid4()), path)


def cursor(*key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()


def changed(value: Any, new: Any) -> Iterator[Any]:
    """The value with each of its leaves replaced, one after the other."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from ({**value, name: other} for other in (new, *changed(item, new)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from ([*value[:number], other, *value[number + 1 :]] for other in (new, *changed(item, new)))


async def test_parameters(caller: Caller) -> None:
    """Each parameter of each route, in path, query and headers."""
    admin = caller(uuid.uuid4().hex, "admin")
    for method, path, operation in await operations(admin):
        if method != "get" and ("/users/me" in path or "/auth/" in path):
            # They end the sign-in.
            continue
        for parameter in operation.get("parameters", ()):
            for text in TEXTS:
                place, query, headers = filled(path), {}, {"If-Match": "*"}
                if parameter["in"] == "path":
                    place = filled(path, text.replace("\0", "%00")[:300])
                elif parameter["in"] == "query":
                    query = {parameter["name"]: text}
                else:
                    headers[parameter["name"]] = text.replace("\0", "~")
                answer = await admin.request(method, place, params=query, headers=headers)
                assert answer.status_code < 500, (method, path, parameter["name"], text[:40], answer.text)


async def test_cursors(caller: Caller) -> None:
    admin = caller(uuid.uuid4().hex, "admin")
    for method, path, operation in await operations(admin):
        if "cursor" not in {parameter["name"] for parameter in operation.get("parameters", ())}:
            continue
        for (name, columns), value in itertools.product(SORTS, KEYS):
            key = (value, str(uuid.uuid4()))[:columns]
            answer = await admin.request(method, filled(path), params={"cursor": cursor(name, *key)})
            assert answer.status_code < 500, (path, name, key, answer.text)


async def test_bodies(caller: Caller, back_end: httpx.AsyncClient) -> None:
    callers = [caller(uuid.uuid4().hex, "admin"), caller(uuid.uuid4().hex, "mentor"), back_end]
    deep = b'{"title": ' + b"[" * DEEP + b"]" * DEEP + b"}"
    for method, path, operation in await operations(callers[0]):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        place = filled(path, "session:x" if path == COMMANDS else "")
        for who in callers:
            headers = {"If-Match": "*", "Content-Type": "application/json"}
            answer = await who.request(method, place, content=deep, headers=headers)
            if answer.status_code in (401, 403):
                # A route of users, or of services alone.
                continue
            assert answer.status_code == 400, (method, path, answer.text)
            for value in JSON:
                for body in changed(content["example"], value):
                    answer = await who.request(method, place, json=body, headers={"If-Match": "*"})
                    assert answer.status_code < 500, (method, path, body, answer.text)
            break
        else:
            raise AssertionError(f"nobody may call {method} {path}")


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_commands_of_a_socket(site: Site, token: MakeToken, room: str, codec: str) -> None:
    async with connected(site.running.ws_url, token(uuid.uuid4().hex), codec) as client:
        joined = await client.join(room)
        with pytest.raises(WireError) as caught:
            await client.call("history", room=room, before=joined["seq"] + 1, limit=10, types=["a\0b"])
        assert caught.value.code == "invalid"


async def test_positions_of_a_stream(caller: Caller, room: str) -> None:
    ann = caller(uuid.uuid4().hex)
    for seq in ("9" * 5_000, "9" * 17, "-1", "٣", ""):
        for asked in (
            {"params": {"room": room, "since": f"{room}|e|{seq}"}},
            {"headers": {"Last-Event-ID": f"{room}|e|{seq}".encode()}},
        ):
            answer = await ann.get(STREAM, **asked)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


async def test_times_of_what_is_there(stack: Running, token: MakeToken) -> None:
    """A session, a series and an announcement are moved to the edges of the calendar."""
    async with clients_of(stack, token) as clients:
        mentor, admin = clients.rest("dev-mentor", "mentor"), clients.rest("dev-admin", "admin")
        paths = (await mentor.get("/api/docs/openapi.json")).json()["paths"]
        for who, path, fields in (
            (mentor, "/api/v1/sessions", ("starts_at", "ends_at")),
            (mentor, "/api/v1/series", ("starts_at", "ends_at")),
            (admin, "/api/v1/announcements", ("publish_at", "expires_at")),
        ):
            example = paths[path]["post"]["requestBody"]["content"]["application/json"]["example"]
            made = await who.post(path, json=example)
            assert made.status_code == 201, made.text
            place = f"{path}/{made.json()['id']}"
            for edge in EDGES:
                for change in ({fields[0]: edge}, {fields[1]: edge}, dict.fromkeys(fields, edge)):
                    answer = await who.patch(place, json=change, headers={"If-Match": "*"})
                    assert answer.status_code < 500, (path, change, answer.text)
            for rule in ("FREQ=WEEKLY;UNTIL=99991231T235959Z", "FREQ=YEARLY;INTERVAL=9999;COUNT=3"):
                answer = await who.patch(place, json={"rule": rule}, headers={"If-Match": "*"})
                assert answer.status_code < 500, (path, rule, answer.text)

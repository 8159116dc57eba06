"""What every answer carries, whatever it is: an id, headers for browsers, a body in the encoding that was asked for."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import httpx
import pytest
from backports.zstd import decompress

from ksmp_testkit import Caller, MakeGateway, MakeToken
from ksmp_testkit.socket_client import connected
from tests.http.conftest import Site

PATHS = ["/health/live", "/nowhere", "/api/v1/auth/me", "/api/v1/auth/config", "/api/v1/notes/broken/x", "/api/docs"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_an_id_and_says_what_a_browser_may(caller: Caller, path: str) -> None:
    answer = await caller().get(path)
    assert uuid.UUID(answer.headers["x-request-id"]).version == 7
    for header, value in {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "strict-transport-security": "max-age=31536000",
    }.items():
        assert answer.headers[header] == value
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "cache-control" in answer.headers
    assert "server" not in answer.headers
    if answer.headers["content-type"] == "application/problem+json":
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_caller_s_own_id_is_kept_if_it_is_harmless(caller: Caller) -> None:
    for given, kept in (("order-7:a_b.c", True), ("x" * 129, False), ("a b", False), ('"', False), ("", False)):
        answer = await caller().get("/api/v1/auth/me", headers={"X-Request-ID": given})
        assert (answer.headers["x-request-id"] == given) == kept
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_handshake_is_no_request(site: Site, token: MakeToken) -> None:
    async with connected(site.running.ws_url, token("ann")) as client:
        assert client.received[0]["ok"]["user"]["id"] == "ann"


async def test_answers_are_compressed_as_the_caller_takes_them(caller: Caller) -> None:
    nobody = caller()
    plain = await nobody.get("/api/docs/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for accepted, encoding in (("gzip", "gzip"), ("br, zstd, gzip", "zstd")):
        async with nobody.stream("GET", "/api/docs/openapi.json", headers={"Accept-Encoding": accepted}) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == encoding
        assert "Accept-Encoding" in answer.headers["vary"]
        unpacked = gzip.decompress(raw) if encoding == "gzip" else decompress(raw)
        assert json.loads(unpacked) == plain.json()
        assert len(raw) < len(plain.content) / 4
    for refused in ("zstd;q=0, gzip;q=0.0", "br", "*;q=0"):
        answer = await nobody.get("/api/docs/openapi.json", headers={"Accept-Encoding": refused})
        assert "content-encoding" not in answer.headers
    small = await nobody.get("/health/live", headers={"Accept-Encoding": "zstd, gzip"})
    assert "content-encoding" not in small.headers


async def test_a_large_body_is_refused(caller: Caller) -> None:
    ann = caller(uuid.uuid4().hex)
    body = json.dumps({"title": "A", "body": "x" * 1_100_000}).encode()
    for content in (body, (body[start : start + 65_536] for start in range(0, len(body), 65_536))):

        async def pieces(content: object = content) -> object:
            for piece in content:
                yield piece

        sent = content if isinstance(content, bytes) else pieces()
        for headers in ({}, {"Idempotency-Key": "k"}):
            if not isinstance(content, bytes) and headers:
                continue
            answer = await ann.post(
                "/api/v1/notes/", content=sent, headers={"Content-Type": "application/json", **headers}
            )
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def headers_of(description: dict[str, Any]) -> dict[str, set[str]]:
    """The headers that any operation takes, and that any answers."""
    operations = [
        operation
        for item in description["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "responses" in operation
    ]
    taken = {one["name"] for each in operations for one in each.get("parameters", ()) if one["in"] == "header"}
    given = {name for each in operations for answer in each["responses"].values() for name in answer.get("headers", ())}
    return {"in": {*taken, "Authorization", "Content-Type", "X-Request-ID"}, "out": {*given, "Content-Disposition"}}


async def test_pages_of_allowed_origins_may_call(gateway: MakeGateway, token: MakeToken) -> None:
    page = "https://class.example.org"
    async with gateway(allowed_origins=(page,)) as running, httpx.AsyncClient(base_url=running.url) as http:
        documented = headers_of((await http.get("/api/docs/openapi.json")).json())
        assert {"If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID"} <= documented["in"]
        asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match, authorization"}
        allowed = await http.options("/api/v1/auth/me", headers={"Origin": page, **asked})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == page
        assert "access-control-allow-credentials" not in allowed.headers
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            for header in documented["in"]:
                wanted = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": header.lower()}
                answer = await http.options("/api/v1/auth/me", headers={"Origin": page, **wanted})
                assert answer.status_code == 204, (method, header, answer.text)
        refused = await http.options("/api/v1/auth/me", headers={"Origin": "https://evil.example", **asked})
        assert refused.status_code == 400
        answer = await http.get("/api/v1/auth/me", headers={"Origin": page})
        assert answer.headers["access-control-allow-origin"] == page
        exposed = {name.lower() for name in answer.headers["access-control-expose-headers"].split(", ")}
        # A page sees Content-Type and the like of every answer.
        assert {name.lower() for name in documented["out"]} <= exposed
        packed = await http.get("/api/docs/openapi.json", headers={"Origin": page, "Accept-Encoding": "gzip"})
        assert {"Origin", "Accept-Encoding"} <= set(packed.headers["vary"].split(", "))
        other = await http.get("/api/v1/auth/me", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_options_tell_the_methods(caller: Caller) -> None:
    nobody = caller()
    for path, allowed in (
        (f"/api/v1/notes/{uuid.uuid4()}", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"}),
        ("/api/v1/notes", {"GET", "HEAD", "OPTIONS", "POST"}),
    ):
        answer = await nobody.options(path)
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (204, allowed)
        wrong = await nobody.put(path)
        assert (wrong.status_code, set(wrong.headers["allow"].split(", "))) == (405, allowed)
        assert wrong.json()["code"] == "method_not_allowed"


async def test_head_is_get_without_a_body(caller: Caller) -> None:
    ann = caller(uuid.uuid4().hex)
    made = (await ann.post("/api/v1/notes", json={"title": "A", "body": "x" * 1500})).json()
    note = f"/api/v1/notes/{made['id']}"
    for path in ("/health/live", "/api/docs", "/api/docs/openapi.json", "/api/v1/auth/me", "/api/v1/notes/", note):
        for encoding in ("identity", "gzip"):
            whole = await ann.get(path, headers={"Accept-Encoding": encoding})
            head = await ann.head(path, headers={"Accept-Encoding": encoding})
            assert (head.status_code, head.content) == (200, b""), path
            own = {"x-request-id", "date", "ratelimit-remaining", "ratelimit-reset"}
            assert {name: value for name, value in head.headers.items() if name not in own} == {
                name: value for name, value in whole.headers.items() if name not in own
            }, path
    assert (await ann.head(note, headers={"If-None-Match": whole.headers["etag"]})).status_code == 304
    assert (await caller().head(note)).status_code == 401
    assert (await ann.head(f"/api/v1/notes/{uuid.uuid4()}")).status_code == 404
    # It has no end, and so no whole answer to tell of.
    refused = await ann.head("/realtime/sse")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, OPTIONS")

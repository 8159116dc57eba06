"""The API's description is complete, and its pages load nothing from elsewhere."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from litestar import Request

from gateway.http.static_file import StaticFile
from ksmp_testkit import Caller, MakeGateway
from tests.http.conftest import Site

ZSTD = bytes.fromhex("28b52ffd")
# A payer comes back to it in a browser.
REFUSED_WITH_A_PAGE = {
    ("GET /api/v1/payments/links/callback", "400", "text/html"),
    ("GET /api/v1/certificates/{code}", "404", "text/html"),
}
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
async def schema(caller: Caller) -> dict[str, Any]:
    found: dict[str, Any] = (await caller().get("/api/docs/openapi.json")).json()
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", item[method])
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item
    ]


async def test_every_operation_is_described_with_examples_and_errors(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"]["BearerToken"]["scheme"] == "bearer"
    found = operations(schema)
    assert len(found) > 15
    for name, operation in found:
        # A sentence about it, besides the policy.
        assert len(operation["description"].split("\n\n")) >= 2, name
        assert operation["tags"], name
        if "requestBody" in operation:
            for media in operation["requestBody"]["content"].values():
                assert media.get("example") or media.get("examples"), f"{name}: give the body's struct an example()"
        for status, response in operation["responses"].items():
            assert "X-Request-ID" in response["headers"], (name, status)
            for kind, media in response.get("content", {}).items():
                if int(status) >= 400 and status != "503" and (name, status, kind) not in REFUSED_WITH_A_PAGE:
                    assert kind == "application/problem+json", (name, status)
                structured = "$ref" in media["schema"] and kind == "application/json"
                if structured or kind == "application/problem+json":
                    assert media.get("example") or media.get("examples"), f"{name}: give the answer an example()"
        assert "500" in operation["responses"]
        if operation.get("security") == [{"BearerToken": []}]:
            assert {"401", "403", "429"} <= set(operation["responses"]), name


async def test_the_conventions_show_where_a_route_uses_them(schema: dict[str, Any]) -> None:
    create = schema["paths"]["/api/v1/notes"]["post"]
    assert create["operationId"] == "notes.create"
    key = next(one for one in create["parameters"] if one["name"] == "Idempotency-Key")
    assert (key["in"], key["required"]) == ("header", False)
    assert {"201", "409", "413", "422"} <= set(create["responses"])
    assert "ETag" in create["responses"]["201"]["headers"]
    paid = schema["paths"]["/api/v1/notes/paid"]["post"]
    assert next(one for one in paid["parameters"] if one["name"] == "Idempotency-Key")["required"]
    change = schema["paths"]["/api/v1/notes/{id}"]["patch"]
    assert next(one for one in change["parameters"] if one["name"] == "If-Match")["required"]
    assert {"404", "412", "428"} <= set(change["responses"])
    listing = schema["paths"]["/api/v1/notes"]["get"]
    assert {"limit", "cursor", "sort", "title", "If-None-Match"} == {one["name"] for one in listing["parameters"]}
    for path in ("/api/v1/notes", "/api/v1/notes/{id}", "/api/v1/calendars/{file}"):
        read = schema["paths"][path]["get"]
        known = next(one for one in read["parameters"] if one["name"] == "If-None-Match")
        assert (known["in"], known["required"]) == ("header", False)
        assert "content" not in read["responses"]["304"]
        for status in ("200", "304"):
            assert "ETag" in read["responses"][status]["headers"]
    # What shows more than its `rev` counts is answered whole.
    for path in ("/api/v1/series/{id}", "/api/v1/users/{id}"):
        whole = schema["paths"][path]["get"]
        assert "304" not in whole["responses"]
        assert "If-None-Match" not in {one["name"] for one in whole["parameters"]}
    assert "/dev/token" in schema["paths"]
    assert {one["name"] for one in schema["paths"]["/realtime/sse"]["get"]["parameters"]} >= {"room", "since"}


async def test_types_are_as_msgspec_reads_and_writes_them(schema: dict[str, Any]) -> None:
    types = schema["components"]["schemas"]
    price = types["ProgramChange"]["properties"]["price"]
    assert price == {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}
    assert types["ProgramChange"]["properties"]["title"]["type"] == "string"
    assert {"type": "null"} in types["ProgramChange"]["properties"]["capacity"]["anyOf"]
    assert {"ProgramView", "ReportView", "Page_ProgramView_"} <= set(types)
    export = schema["paths"]["/api/v1/users/me/export"]["get"]
    after = next(one for one in export["parameters"] if one["name"] == "after")
    assert after["schema"]["minimum"] == 0
    # Bodies take no other fields, answers may have more one day.
    assert types["NewProgram"]["additionalProperties"] is False
    assert "additionalProperties" not in types["ProgramView"]
    # Of two types with one title, generators drop one.
    assert not [name for name, kind in types.items() if "title" in kind]


async def test_every_operation_says_who_may_call_it(schema: dict[str, Any]) -> None:
    public = {name for name, operation in operations(schema) if operation["security"] == []}
    assert {"GET /health/live", "GET /health/ready", "GET /api/v1/calendars/{file}"} <= public
    declared = {tag["name"] for tag in schema["tags"]}
    assert all(tag["description"] for tag in schema["tags"])
    assert {tag for _, operation in operations(schema) for tag in operation["tags"]} <= declared


async def test_modules_codes_stand_at_their_routes(schema: dict[str, Any]) -> None:
    enrol = schema["paths"]["/api/v1/programs/{id}/enrolment"]["post"]["responses"]["409"]["description"]
    assert "`conflict`" in enrol
    assert "`programs.payment_required`" in enrol
    assert "live.not_open" not in enrol
    assert "`live.not_open`" in schema["paths"]["/api/v1/sessions/{id}/join"]["post"]["responses"]["409"]["description"]
    command = schema["paths"]["/api/v1/rooms/{room}/commands"]["post"]["responses"]
    assert "`chat.too_late`" in command["409"]["description"]
    assert "`chat.slow_mode`" in command["429"]["description"]
    assert "`chat.muted`" in schema["components"]["schemas"]["ProblemDetails"]["properties"]["code"]["description"]


async def test_each_command_is_described_with_its_data(schema: dict[str, Any], site: Site) -> None:
    operation = schema["paths"]["/api/v1/rooms/{room}/commands"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    mapping = body["discriminator"]["mapping"]
    assert set(mapping) == {*site.running.gateway.declarations.commands, "history", "presence", "typing"}
    assert [{"$ref": reference} for reference in mapping.values()] == body["oneOf"]
    send = schema["components"]["schemas"]["ChatSendCommand"]
    assert send["properties"]["cmd"]["const"] == "chat.send"
    assert {"text", "reply_to", "mentions"} <= set(send["properties"]["data"]["properties"])
    # A message of files alone has no text, so its data has no field that must be there.
    assert send["required"] == ["cmd"]


async def test_examples_are_whole(schema: dict[str, Any]) -> None:
    """What may be null is there, and every example is as its schema says."""
    catalogue = schema["paths"]["/api/v1/programs"]["get"]["responses"]["200"]["content"]["application/json"]
    assert catalogue["example"]["next"] is None
    tried = 0
    for name, operation in operations(schema):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values()]
        for media in (media for content in contents for media in content.values()):
            shown = [media["example"]] if "example" in media else []
            shown += [one["value"] for one in media.get("examples", {}).values()]
            for example in shown:
                whole = {"components": schema["components"], **media["schema"]}
                errors = [error.message for error in Draft202012Validator(whole).iter_errors(example)]
                assert not errors, (name, errors)
                tried += 1
    assert tried > 300


async def test_the_pages_load_nothing_from_elsewhere(caller: Caller) -> None:
    nobody = caller()
    page = await nobody.get("/api/docs")
    assert page.status_code == 200
    loaded = re.findall(r"""<(?:script|link)[^>]*?(?:src|href)=["']([^"']+)""", page.text)
    assert len(loaded) >= 2
    for address in loaded:
        assert address.startswith(("/api/docs/", "data:")), address
        if address.startswith("/"):
            asset = await nobody.get(address)
            assert asset.status_code == 200
            assert asset.headers["content-type"].startswith(("text/javascript", "text/css"))
    assert "https:" not in page.headers["content-security-policy"]
    for path in ("/api/docs/assets/index.html", "/api/docs/assets/..%2f__init__.py", "/api/docs/assets/no.js"):
        assert (await nobody.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/api/docs/openapi.json", "/api/docs/assets/swagger-ui-bundle.js"])
async def test_files_of_the_docs_are_made_once(caller: Caller, path: str) -> None:
    nobody = caller()
    whole = await nobody.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in whole.headers
    for encoding in ("zstd", "gzip"):
        packed = await nobody.get(path, headers={"Accept-Encoding": encoding})
        assert (packed.headers["content-encoding"], packed.headers["etag"]) == (encoding, whole.headers["etag"])
        assert int(packed.headers["content-length"]) < len(whole.content) / 2
        # This client knows gzip alone.
        assert packed.content == whole.content if encoding == "gzip" else packed.content[:4] == ZSTD
        assert "Accept-Encoding" in packed.headers["vary"]
    unchanged = await nobody.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == whole.headers["etag"]

    async def spent(what: str) -> float:
        began = time.process_time()
        for _ in range(30):
            assert (await nobody.get(what, headers={"If-None-Match": whole.headers["etag"]})).status_code in (200, 304)
        return time.process_time() - began

    # Rendered or compressed anew, one is a hundred times as dear.
    assert await spent(path) < 10 * await spent("/health/live")


async def test_the_docs_are_limited_as_all_else(gateway: MakeGateway) -> None:
    async with (
        gateway(address_burst=3, address_rate=0.001) as running,
        httpx.AsyncClient(base_url=running.url, timeout=60.0) as http,
    ):
        paths = ["/api/docs", "/api/docs/openapi.json", "/api/docs/assets/swagger-ui.css", "/api/docs/openapi.json"]
        assert [(await http.get(path)).status_code for path in paths] == [200, 200, 200, 429]


async def test_a_file_that_could_not_be_read_is_read_again() -> None:
    tries: list[bytes] = []

    def read() -> bytes:
        tries.append(b"body")
        if len(tries) == 1:
            raise OSError("too many open files")
        return tries[-1]

    file = StaticFile(read, "text/css", "public")
    request: Request[Any, Any, Any] = Request({"type": "http", "headers": []})  # type: ignore[typeddict-item]
    with pytest.raises(OSError, match="too many"):
        await file.answer(request)
    for _ in range(2):
        assert (await file.answer(request)).content == b"body"
    assert len(tries) == 2

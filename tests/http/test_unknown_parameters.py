"""A query parameter that a route does not have is refused by its name, on every route."""

from __future__ import annotations

import re
import uuid

import httpx

from gateway import registry
from gateway.app import Gateway
from gateway.asgi import create_app
from ksmp_testkit import Caller

# Addresses that others call, and may extend on the way.
ANY_QUERY = {
    "/api/v1/calendars/{file}",
    "/api/v1/sessions/{id}/recordings/{recording}/playlist.m3u8",
    "/api/v1/payments/links/callback",
    "/api/v1/payments/webhooks/razorpay",
    "/dashboards",
}


async def test_every_route_refuses_a_misspelt_parameter(caller: Caller, back_end: httpx.AsyncClient) -> None:
    callers = [*(caller(uuid.uuid4().hex, role) for role in ("admin", "mentor", "student")), back_end]
    description = (await caller().get("/api/docs/openapi.json")).json()
    tried = 0
    for path, item in description["paths"].items():
        if not path.startswith("/api/v1/"):
            continue
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            place = re.sub(r"\{[^}]*\}", str(uuid.uuid4()), path.replace("{seq}", "1"))
            headers = {"If-Match": "*", "Idempotency-Key": uuid.uuid4().hex}
            for who in callers:
                answer = await who.request(method, f"{place}?curser=x", headers=headers)
                if answer.status_code not in (401, 403):
                    break
            if path in ANY_QUERY:
                assert "curser" not in answer.text, path
                continue
            named = [error["field"] for error in answer.json().get("errors", ())]
            assert (answer.status_code, named) == (400, ["curser"]), (method, path, answer.text)
            assert answer.json()["code"] == "invalid"
            tried += 1
    assert tried > 80


async def test_what_a_list_takes_is_taken(caller: Caller) -> None:
    ann = caller(uuid.uuid4().hex, "admin")
    assert (await ann.get("/api/v1/users?limit=1&q=a&role=student&status=active")).status_code == 200
    answer = await ann.get("/api/v1/users", params={"limit": 1, "curser": "x" * 500})
    assert answer.status_code == 400
    answer = await ann.get("/api/v1/users?limit=1&" + "x" * 500 + "=1")
    assert answer.json()["errors"][0]["field"] == "x" * 100


def test_the_routes_that_take_any_are_known() -> None:
    app = create_app(Gateway.described(registry.load()))
    marked = {
        route.path_format
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if handler.opt.get("any_query")
    }
    assert marked == ANY_QUERY

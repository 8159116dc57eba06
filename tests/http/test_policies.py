"""Every route and command, tried as nobody, as each role, and as the mentor of another program."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from gateway import registry
from gateway.asgi import create_app
from gateway.auth.policy import EVERY_ROLE, Policy, anyone, otherwise, policy_of, roles, service, signed_in
from gateway.errors import Refused
from gateway.principal import Role, ServicePrincipal
from gateway.registry import RegistryError
from ksmp_testkit import Caller, CreateSession, Running
from tests.http.conftest import Site

# A request that passes validation, where a route needs one; without it the route is asked with an empty body.
BODIES: dict[str, Any] = {"/api/v1/notes": {"title": "A"}, "/api/v1/notes/paid": {"title": "A"}}
# Never ends when it is let in.
STREAMS = {"/realtime/sse"}


def app_of(running: Running) -> Litestar:
    app = running.server.config.loaded_app
    while not isinstance(app, Litestar):
        app = app.app
    return app


def routes(running: Running) -> Iterator[tuple[str, str, HTTPRouteHandler, Policy]]:
    """(method, path template, handler, policy) of every HTTP route."""
    for route in app_of(running).routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                policy = policy_of(handler)
                assert policy is not None, f"{method} {route.path} states no policy"
                yield method, route.path, handler, policy


def filled(path: str) -> str:
    """A path that exists as a route, of a thing that belongs to somebody else or does not exist."""

    def value(match: re.Match[str]) -> str:
        known = {"room": "session:of-another-program", "seq": "1"}
        return known.get(match[1]) or str(uuid.uuid4())

    return re.sub(r"\{(\w+):\w+\}", value, path)


async def asked(http: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    body = BODIES.get(path, {}) if method in ("POST", "PUT", "PATCH") else None
    headers = {"If-Match": "*", "Idempotency-Key": uuid.uuid4().hex}
    return await http.request(method, filled(path), json=body, headers=headers)


async def test_no_route_lets_nobody_in_unless_it_says_so(site: Site, caller: Caller) -> None:
    nobody, forger = caller(), caller()
    forger.headers["Authorization"] = "Bearer x.y.z"
    seen = 0
    for method, path, _, policy in routes(site.running):
        seen += 1
        answer = await asked(nobody, method, path)
        assert (answer.status_code == 401) == (policy.asks in ("always", "service")), (method, path, answer.text)
        forged = await asked(forger, method, path)
        assert (forged.status_code == 401) == (policy.asks != "never"), (method, path, forged.text)
    assert seen > 15


@pytest.mark.parametrize("role", Role)
async def test_each_role_may_call_what_the_route_says(site: Site, caller: Caller, role: Role) -> None:
    """As somebody who has nothing: what a route says belongs to its owner is refused."""
    for method, path, _, policy in routes(site.running):
        if path in STREAMS:
            continue
        # Each time another one: some routes sign out who calls them, or delete them.
        somebody = caller(uuid.uuid4().hex, role)
        answer = await asked(somebody, method, path)
        # What is for services takes no token of a user, whatever their role.
        assert (answer.status_code == 401) == (policy.asks == "service"), (method, path)
        if policy.asks == "service":
            continue
        assert answer.status_code < 500 or "broken" in path, (method, path, answer.text)
        if role not in policy.roles:
            assert answer.status_code == 403, (method, path, answer.text)
        elif policy.owner:
            # A body that is wrong for every caller tells nothing.
            assert answer.status_code in (400, 403, 404), (method, path, answer.text)
        else:
            assert answer.status_code != 403, (method, path, answer.text)


async def test_the_mentor_of_another_program_is_a_stranger(
    site: Site, caller: Caller, create_session: CreateSession
) -> None:
    """Every command of rooms that belong to a program, in a session of a program that is not theirs."""
    room = await create_session(open=False)
    theirs = await create_session(open=False, mentor="other", program_mentor="other")
    other, colleague = caller("other", Role.MENTOR), caller("others-colleague", Role.MENTOR)
    await colleague.get("/api/v1/users/me")
    direct = (await other.post("/api/v1/chat/direct", json={"user_ids": ["others-colleague"]})).json()["room"]
    commands = site.running.gateway.declarations.commands.values()
    assert commands
    for command, kind in ((one, kind) for one in commands for kind in one.rooms):
        known = ("session", "staff", "lobby", "program", "announce", "direct", "user")
        assert kind in known, f"say in this test who is a stranger to {kind}"
        closed, open_ = f"{kind}:{room}", f"{kind}:{theirs}"
        if kind == "announce":
            closed, open_ = "announce:admin", "announce:mentor"
        elif kind == "user":
            closed, open_ = "user:somebody", "user:other"
        elif kind == "program":
            closed, open_ = f"program:p-{room}", f"program:p-{theirs}"
        elif kind == "direct":
            open_ = direct
        for place, stranger in ((closed, True), (open_, False)):
            answer = await other.post(f"/api/v1/rooms/{place}/commands", json={"cmd": command.name, "data": {}})
            code = answer.json().get("code") if answer.status_code >= 400 else None
            assert (code in ("forbidden", "not_found")) == stranger, (command.name, place, answer.text)
        for nobody in (caller(), caller("nobody-s-student")):
            answer = await nobody.post(f"/api/v1/rooms/{closed}/commands", json={"cmd": command.name, "data": {}})
            assert answer.status_code in (401, 403, 404), (command.name, answer.text)


async def test_the_policy_is_in_the_description(site: Site) -> None:
    paths = app_of(site.running).openapi_schema.to_schema()["paths"]
    for method, path, handler, policy in routes(site.running):
        if not handler.resolve_include_in_schema():
            continue
        operation = paths[re.sub(r":\w+", "", path)][method.lower()]
        assert str(policy) in operation["description"]
        secured = operation.get("security", [])
        assert ({"BearerToken": []} in secured) == (policy.asks in ("always", "maybe"))
        assert ({"ServiceKey": []} in secured) == (policy.asks == "service")
        assert ({} in secured) == (policy.asks == "maybe")


def test_a_gateway_with_a_route_without_a_policy_does_not_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = site.running.gateway
    module = gateway.modules[-1]

    @get("/open")
    async def forgotten() -> None: ...

    monkeypatch.setattr(module, "routes", (forgotten,))
    with pytest.raises(RegistryError, match=r"GET /api/v1/open \(tests\.http\.test_policies\.forgotten\) does not say"):
        create_app(gateway)


def test_two_modules_with_one_path_do_not_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    @get("/notes/{other:uuid}", policy=anyone())
    async def taken(other: uuid.UUID) -> None: ...

    first = site.running.gateway.modules[0]
    monkeypatch.setattr(first, "routes", (taken,))
    with pytest.raises(RegistryError, match=rf"Modules {first.name} and notes both answer GET /api/v1/notes/"):
        registry.routers(site.running.gateway.modules)


def test_a_policy_reads_as_a_sentence() -> None:
    assert str(anyone()) == "Who may call it: anyone."
    assert str(signed_in()) == "Who may call it: any signed-in user."
    both = roles(Role.MENTOR, Role.ADMIN, owner="it is theirs")
    assert str(both) == "Who may call it: role admin or mentor, provided that it is theirs."
    assert str(otherwise("a signature")) == "Who may call it: whoever shows a signature."
    assert str(service("a.b")) == "Who may call it: a service whose key has the scope `a.b`."
    assert str(service("a.b", owner="it is theirs")).endswith("the scope `a.b`, provided that it is theirs.")
    assert signed_in().roles == EVERY_ROLE


def test_a_policy_refuses_nobody_where_it_asks() -> None:
    with pytest.raises(Refused) as caught:
        roles(Role.ADMIN).check(None)
    assert caught.value.code == "unauthenticated"
    with pytest.raises(Refused) as caught:
        service("a.b").check(ServicePrincipal(id="s", name="S", key="k", scopes=frozenset({"a.c"}), rate=1.0, burst=1))
    assert caught.value.code == "forbidden"
    anyone().check(None)
    otherwise("a signature").check(None)

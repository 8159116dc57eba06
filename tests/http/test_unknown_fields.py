"""A field that a body does not have is refused by its name, on every route; a socket's command may have more."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx
import msgspec
import pytest

from gateway.http.unknown_fields import unknown
from ksmp_testkit import Caller

COMMANDS = "/api/v1/rooms/{room}/commands"


class Leaf(msgspec.Struct, rename={"shown": "said"}):
    shown: int = 0


class Cat(msgspec.Struct, tag="cat"):
    leaf: Leaf | None = None


class Dog(msgspec.Struct, tag="dog"):
    bone: int = 0


class Tree(msgspec.Struct):
    leaves: list[Leaf] = []
    named: dict[str, Leaf] = {}
    pet: Cat | Dog | None = None
    below: Tree | None = None
    free: dict[str, Any] = {}
    place: Leaf | msgspec.UnsetType = msgspec.UNSET


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, []),
        ({"leaf": 1, "tree": {"x": 1}}, ["leaf", "tree"]),
        ({"leaves": [{"said": 1}, {"shown": 1}]}, ["leaves[1].shown"]),
        ({"named": {"a": {"x": 1}}}, ["named.a.x"]),
        ({"pet": {"type": "cat", "leaf": {"x": 1}, "bone": 1}}, ["pet.leaf.x", "pet.bone"]),
        ({"pet": {"type": "dog", "bone": 1}}, []),
        ({"pet": None, "below": {"below": {"x": 1}}}, ["below.below.x"]),
        ({"free": {"x": {"y": 1}}, "place": {"x": 1}}, ["place.x"]),
        # What is of another type is for the type's own check.
        ({"leaves": 3, "named": [], "pet": "cat", "below": [{"x": 1}]}, []),
        ([1], []),
    ],
)
def test_unknown_fields_are_found_wherever_they_are(body: Any, found: list[str]) -> None:
    assert unknown(Tree, body) == found


async def test_every_route_with_a_body_refuses_a_misspelt_field(caller: Caller, back_end: httpx.AsyncClient) -> None:
    callers = [*(caller(uuid.uuid4().hex, role) for role in ("admin", "mentor", "student")), back_end]
    description = (await caller().get("/api/docs/openapi.json")).json()
    tried = 0
    for path, item in description["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            if "application/json" not in content or path == COMMANDS:
                continue
            body = content["application/json"]["example"] | {"capactiy": 3}
            headers = {"If-Match": "*", "Idempotency-Key": uuid.uuid4().hex}
            for who in callers:
                place = re.sub(r"\{[^}]*\}", str(uuid.uuid4()), path)
                answer = await who.request(method, place, json=body, headers=headers)
                if answer.status_code not in (401, 403):
                    break
            assert answer.status_code == 400, (method, path, answer.text)
            problem = answer.json()
            assert problem["code"] == "invalid"
            expected = [{"field": "capactiy", "message": "there is no such field", "in": "body"}]
            assert problem["errors"] == expected, (method, path)
            tried += 1
    assert tried > 15


async def test_a_refused_body_changes_nothing(caller: Caller) -> None:
    ann = caller(uuid.uuid4().hex)
    answer = await ann.post("/api/v1/notes/", json={"title": "A", "Body": "x", "boddy": "x"})
    assert [error["field"] for error in answer.json()["errors"]] == ["Body", "boddy"]
    assert (await ann.get("/api/v1/notes")).json()["items"] == []
    made = await ann.post("/api/v1/notes/", json={"title": "A"})
    changed = await ann.patch(made.headers["location"], json={"titel": "B"}, headers={"If-Match": "*"})
    assert (changed.status_code, changed.json()["errors"][0]["field"]) == (400, "titel")
    assert (await ann.get(made.headers["location"])).json()["rev"] == 1

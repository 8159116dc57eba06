"""Programs that mentors make by way of the gateway's routes."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

PROGRAMS = "/api/v1/programs"
ANY = {"If-Match": "*"}


def user() -> str:
    return uuid.uuid4().hex


async def signed_in(*users: httpx.AsyncClient) -> None:
    """Let the platform know these users."""
    for one in users:
        assert (await one.get("/api/v1/auth/me")).status_code == 200


async def created(mentor: httpx.AsyncClient, publish: bool = True, **values: Any) -> str:
    """The path of a new program."""
    answer = await mentor.post(f"{PROGRAMS}/", json={"title": "Algebra"} | values)
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"]
    if publish:
        answer = await mentor.post(f"{path}/publish", headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["state"]) == (200, "published"), answer.text
    return path


def id_of(path: str) -> str:
    return path.rsplit("/", 1)[1]

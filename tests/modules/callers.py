"""Users who call routes of a gateway, and programs that mentors make through them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from ksmp_testkit import MakeToken

PROGRAMS = "/api/v1/programs"
ANY = {"If-Match": "*"}
Caller = Callable[..., httpx.AsyncClient]


@asynccontextmanager
async def callers(url: str, token: MakeToken) -> AsyncIterator[Caller]:
    """`caller(user, "mentor")` is an HTTP client with that user's token; `caller(None)` has no token."""
    async with AsyncExitStack() as stack:

        def make(user: str | None, role: str = "student") -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {token(user, role)}"} if user else {}
            made = httpx.AsyncClient(base_url=url, headers=headers, timeout=30)
            stack.push_async_callback(made.aclose)
            return made

        yield make


def user() -> str:
    return uuid.uuid4().hex


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


def done(answer: httpx.Response, status: int = 200) -> Any:
    """What it answered."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

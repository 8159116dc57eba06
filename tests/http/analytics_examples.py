"""The examples of analytics, sent in an order in which each is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx

A: Final = "/api/v1/analytics"
Send = Callable[..., Awaitable[dict[str, Any]]]


async def send_analytics_examples(send: Send, mentor: httpx.AsyncClient, student: httpx.AsyncClient) -> None:
    await send(student, f"PUT {A}/consent")
    await send(mentor, f"POST {A}/programs/{{program}}/at-risk/messages", program="demo")
    await send(student, f"POST {A}/events")
    board = (await send(student, f"POST {A}/boards"))["id"]
    await send(student, f"PATCH {A}/boards/{{id}}", id=board)
    await send(student, f"POST {A}/query")

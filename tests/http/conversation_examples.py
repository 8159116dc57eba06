"""The examples of conversations and notifications, sent in an order in which each is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx

from ksmp_testkit.eventually import eventually

DIRECT: Final = "/api/v1/chat/direct"
N: Final = "/api/v1/notify"
Send = Callable[..., Awaitable[dict[str, Any]]]


async def send_conversation_examples(send: Send, admin: httpx.AsyncClient) -> None:
    """`admin` may write to all; `dev-mentor` and `dev-student` are known."""
    await send(admin, f"POST {DIRECT}", {"user_ids": ["dev-mentor"]})
    opened = await admin.post(DIRECT, json={"user_ids": ["dev-mentor", "dev-student"], "title": "Parents"})
    group = opened.json()["id"]
    await send(admin, f"PATCH {DIRECT}/{{id}}", id=group)
    await send(admin, f"POST {DIRECT}/{{id}}/members", {"user_ids": ["dev-student"]}, id=group)
    await send(admin, "PUT /api/v1/chat/rooms/{room}/read", room=f"direct:{group}")


async def send_notification_examples(send: Send, admin: httpx.AsyncClient, student: httpx.AsyncClient) -> None:
    """`student` is `dev-student`, and has a notification in the list by a campaign."""
    await send(student, f"PATCH {N}/preferences")
    await send(student, f"PUT {N}/devices/{{installation}}", installation="an-installation-1")
    await send(student, f"PUT {N}/mutes/{{room}}", {"until": None}, room="program:demo")
    campaign = {"audience": "user:dev-student", "at": None}
    await send(admin, f"POST {N}/campaigns/preview", campaign)
    await send(admin, f"POST {N}/campaigns/dry-run", campaign)
    await send(admin, f"POST {N}/campaigns", campaign)

    async def listed() -> list[dict[str, Any]]:
        return (await student.get(f"{N}/inbox")).json()["items"]

    await eventually(listed, "the campaign arrived", timeout=60)
    notification = (await listed())[0]["id"]
    await send(student, f"POST {N}/inbox/seen", {"to": notification})
    await send(student, f"POST {N}/inbox/read", {"ids": [notification]})
    await send(student, f"POST {N}/inbox/{{id}}/open", id=notification)
    await send(admin, f"POST {N}/deliveries/retry")

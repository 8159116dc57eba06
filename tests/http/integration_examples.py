"""Sends the examples of integrations: an admin makes a service, and the service uses the server API by its key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from modules.integrations.services.scopes import Scope

Send = Callable[..., Awaitable[dict[str, Any]]]


async def send_integration_examples(send: Send, admin: httpx.AsyncClient, url: str) -> None:
    service = (await send(admin, "POST /api/v1/integrations/services"))["id"]
    await send(admin, "PATCH /api/v1/integrations/services/{id}", id=service)
    every = {"scopes": [scope.value for scope in Scope]}
    made = await send(admin, "POST /api/v1/integrations/services/{id}/keys", every, id=service)
    await send(admin, "POST /api/v1/integrations/keys/{id}/rotate", id=made["key"]["id"])
    created = await send(admin, "POST /api/v1/integrations/services/{id}/endpoints", id=service)
    headers = {"Authorization": f"Bearer {made['secret']}"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as back_end:
        await send(back_end, "POST /api/v1/server/publish")
        await send(back_end, "POST /api/v1/server/publish/batch")
        await send(back_end, "POST /api/v1/server/notifications", {"audience": "role:student"})
        own = await send(back_end, "POST /api/v1/server/endpoints")
        for who, place, shown in ((admin, "integrations", created), (back_end, "server", own)):
            path, id = f"/api/v1/{place}/endpoints/{{id}}", shown["endpoint"]["id"]
            await send(who, f"PATCH {path}", id=id)
            await send(who, f"POST {path}/secret", id=id)
            await send(who, f"POST {path}/replay", id=id)
            # Nothing answers there.
            assert (await who.delete(path.format(id=id))).status_code == 204

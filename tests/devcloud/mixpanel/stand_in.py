"""The stand-in for Mixpanel, as tests drive it."""

from __future__ import annotations

from typing import Any

import httpx

from devcloud.mixpanel.project import DELETION_TOKEN, ID, SECRET, TOKEN, USER


class Mixpanel:
    """Drives the stand-in at an address, and speaks to it as a client of Mixpanel does."""

    def __init__(self, devcloud: str) -> None:
        self.url = f"{devcloud}/mixpanel"
        self._http = httpx.AsyncClient(base_url=devcloud, trust_env=False, timeout=30.0)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def drive(self, method: str, path: str, body: object = None, **query: str) -> Any:
        answer = await self._http.request(method, f"/_devcloud/mixpanel/{path}", json=body, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def clear(self) -> None:
        await self.drive("DELETE", "state")

    async def fail(self, what: str = "imports", **fault: object) -> None:
        """Have requests fail: `imports` or `deletions`."""
        await self.drive("PUT", "faults", {what: fault})

    async def events(self, distinct_id: str = "", event: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.drive("GET", "events", distinct_id=distinct_id, event=event))[
            "events"
        ]
        return found

    async def post(
        self, body: object, *, auth: tuple[str, str] = (USER, SECRET), project: str = ID, strict: str = "1", **more: Any
    ) -> httpx.Response:
        """A request to `/import`."""
        if not isinstance(body, bytes):
            more["json"] = body
        else:
            more["content"] = body
        query = {"strict": strict, "project_id": project}
        return await self._http.post("/mixpanel/import", params=query, auth=auth, **more)

    async def deletion(self, method: str, path: str = "", body: object = None, **more: Any) -> httpx.Response:
        query = {"token": more.pop("token", TOKEN)}
        headers = {"Authorization": f"Bearer {more.pop('bearer', DELETION_TOKEN)}"}
        url = f"/mixpanel/api/app/data-deletions/v3.0/{path}"
        return await self._http.request(method, url, params=query, headers=headers, json=body)

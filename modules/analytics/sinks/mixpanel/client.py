"""Requests to Mixpanel. Only this file knows the HTTP library."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec

from gateway.surroundings import authorities
from modules.analytics.facade import SinkFault
from modules.analytics.sinks.settings import SinkSettings

DELETIONS: Final = "/api/app/data-deletions/v3.0/"


class MixpanelClient:
    """Each call raises SinkFault when there is no answer."""

    def __init__(self, settings: SinkSettings) -> None:
        self._settings = settings
        self._http: httpx.AsyncClient | None = None

    async def open(self) -> None:
        # Reading the authorities takes 50 ms.
        context = await asyncio.to_thread(authorities)
        self._http = httpx.AsyncClient(verify=context, timeout=self._settings.sink_timeout, follow_redirects=False)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def import_events(self, body: bytes) -> httpx.Response:
        """Post a packed batch."""
        settings = self._settings
        return await self._ask(
            "POST",
            f"{settings.mixpanel_url.rstrip('/')}/import",
            params={"strict": "1", "project_id": settings.mixpanel_project},
            auth=(settings.mixpanel_account, settings.mixpanel_secret),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
            content=body,
        )

    async def delete_people(self, people: Sequence[UUID]) -> httpx.Response:
        body = {"distinct_ids": [str(one) for one in people], "compliance_type": "GDPR"}
        return await self._ask(
            "POST",
            self._deletions(""),
            content=msgspec.json.encode(body),
            headers={**self._bearer, "Content-Type": "application/json"},
            params={"token": self._settings.mixpanel_token},
        )

    async def deletion(self, task: str) -> httpx.Response:
        params = {"token": self._settings.mixpanel_token}
        return await self._ask("GET", self._deletions(task), headers=self._bearer, params=params)

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._settings.mixpanel_deletion_token}"}

    def _deletions(self, task: str) -> str:
        return f"{self._settings.mixpanel_app_url.rstrip('/')}{DELETIONS}{task}"

    async def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        if self._http is None:
            raise SinkFault("closed")
        try:
            return await self._http.request(method, url, **request)
        except httpx.TimeoutException:
            raise SinkFault("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise SinkFault(type(error).__name__) from None

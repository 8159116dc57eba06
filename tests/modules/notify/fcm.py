"""The stand-in for FCM as notify's tests drive it: devices, faults, and what each device shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Reached:
    """What one address was sent: messages posted, messages that came, and notifications on the screen."""

    posted: int
    got: int
    shown: int


class StandIn:
    """The control endpoints. `aclose` it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)

    async def drive(self, method: str, path: str, **options: Any) -> Any:
        answer = await self.http.request(method, f"/_devcloud/fcm/{path}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def environ(self, **more: str) -> dict[str, str]:
        """The variables of a gateway that sends pushes by this stand-in."""
        return {
            "KSMP_NOTIFY_FCM_CREDENTIALS": json.dumps(await self.drive("GET", "credentials")),
            "KSMP_NOTIFY_FCM_URL": f"{str(self.http.base_url).rstrip('/')}/fcm",
            "KSMP_NOTIFY_FCM_CONNECTIONS": "16",
            "KSMP_NOTIFY_FCM_TIMEOUT": "1.0",
            "KSMP_NOTIFY_FCM_REST": "0.3",
            "KSMP_NOTIFY_FCM_UNSAID_WAIT": "0.3",
            "KSMP_NOTIFY_FCM_PER_MINUTE": "60000",
            "KSMP_NOTIFY_FCM_ANSWER_BYTES": "8192",
            # Tests switch it off and on: a few failures in a row say nothing of the next test.
            "KSMP_NOTIFY_FCM_FAILURES": "50",
        } | more

    async def faults(self, faults: dict[str, dict[str, Any]]) -> None:
        """What is answered for which address."""
        await self.drive("PUT", "faults", json=faults)

    async def traffic(self, **faults: dict[str, Any]) -> dict[str, Any]:
        """What came altogether. With `messages` or `tokens`, what happens to all of them from now on."""
        if faults:
            await self.drive("PUT", "traffic", json=faults)
        found: dict[str, Any] = await self.drive("GET", "traffic")
        return found

    async def device(self, address: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.drive("GET", "device", params={"address": address})
        return found

    async def reached(self, address: str) -> Reached:
        found = await self.device(address)
        return Reached(found["posted"], sum(found["got"].values()), len(found["shown"]))

    async def report(self) -> dict[str, Reached]:
        """Of every address that was sent anything."""
        found = await self.drive("GET", "report")
        return {address: Reached(*numbers) for address, numbers in found["devices"].items()}

    async def clear(self) -> None:
        await self.drive("DELETE", "state")

    async def aclose(self) -> None:
        await self.http.aclose()

"""Places of a program, asked for through two gateway processes at once."""

from __future__ import annotations

import asyncio
import uuid

import httpx

from gateway.principal import Role
from tests.system.cluster import Cluster

PROGRAMS = "/api/v1/programs"


async def test_fifty_at_two_gateways_for_ten_places(cluster: Cluster) -> None:
    bases = [url.replace("ws://", "http://").removesuffix("/realtime") for url in cluster.urls]

    def of(role: Role) -> dict[str, str]:
        user = uuid.uuid4().hex
        return {"Authorization": f"Bearer {cluster.issuer.token(user, name=user, role=role, ttl=600.0)}"}

    async with httpx.AsyncClient(timeout=30) as http:
        mentor = of(Role.MENTOR)
        made = await http.post(f"{bases[0]}{PROGRAMS}/", json={"title": "A", "capacity": 10}, headers=mentor)
        path = made.headers["location"]
        published = await http.post(f"{bases[1]}{path}/publish", headers={**mentor, "If-Match": '"1"'})
        assert published.status_code == 200, published.text
        answers = await asyncio.gather(
            *(http.post(f"{bases[number % 2]}{path}/enrolment", headers=of(Role.STUDENT)) for number in range(50))
        )
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    found = [answer.json() for answer in answers]
    assert sum(one["state"] == "enrolled" for one in found) == 10
    # Each of the others has a place in one line, across both.
    assert sorted(one["ahead"] for one in found if one["state"] == "waiting") == list(range(40))

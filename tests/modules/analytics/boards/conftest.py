"""A gateway with low limits, and a school."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done
from modules.analytics.module import AnalyticsModule
from tests.modules.analytics.boards.school import School

LIMITS = {
    "KSMP_ANALYTICS_BOARDS_EACH": "3",
    "KSMP_ANALYTICS_BOARD_WIDGETS": "4",
    "KSMP_ANALYTICS_QUERY_RATE_COUNT": "100000",
    "KSMP_ANALYTICS_QUERY_RATE_SECONDS": "60",
    "KSMP_ANALYTICS_EXPORTS_AT_ONCE": "1",
    "KSMP_ANALYTICS_EXPORT_ROWS": "500",
    "KSMP_ANALYTICS_EXPORT_DAYS": "40",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(address_burst=100_000, request_burst=100_000, environ=LIMITS) as running:
        yield running


@pytest.fixture
async def school(node: Running, caller: Caller) -> School:
    mark = uuid.uuid4().hex[:8]

    def client(name: str, role: str) -> httpx.AsyncClient:
        return caller(f"{name}-{mark}", role)

    meera, omar = client("meera", "mentor"), client("omar", "mentor")
    ann, bob = client("ann", "student"), client("bob", "student")
    programs = []
    for mentor, student in ((meera, ann), (omar, bob)):
        program = done(await mentor.post("/api/v1/programs", json={"title": "Algebra"}), 201)["id"]
        done(await mentor.post(f"/api/v1/programs/{program}/publish", headers={"If-Match": "*"}))
        done(await student.post(f"/api/v1/programs/{program}/enrolment"))
        programs.append(program)
    p, q = programs
    writer = node.module(AnalyticsModule).writer
    one = School(mark, writer, meera, omar, ann, bob, client("root", "admin"), p, q)
    await one.tell(
        *(one.attended("ann", "present", p, 3000), one.attended("cem", "absent", p)),
        *(one.attended("bob", "present", q, 1200), one.attended("ann", "late", q, 600)),
    )
    return one

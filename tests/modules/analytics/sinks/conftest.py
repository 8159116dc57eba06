"""A gateway that sends to the stand-in for Mixpanel, and events that it stores."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from devstack import mixpanel as stand_in
from gateway.contract import Kernel, Module
from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done
from modules.analytics.facade import DeletionProgress, Fact, OutgoingEvent, RefusedEvent, Sink, SinkFault
from modules.analytics.module import AnalyticsModule
from modules.analytics.store.event import Event, Source
from tests.devcloud.mixpanel.stand_in import Mixpanel
from tests.modules.analytics.lab import Lab

CONSENT = "/api/v1/analytics/consent"
# Short waits: a test waits for what a sink does, and not for the time of day.
ENVIRON = {
    "KSMP_ANALYTICS_SINKS_ON": "true",
    "KSMP_ANALYTICS_SINK_INTERVAL": "0.05",
    "KSMP_ANALYTICS_SINK_TIMEOUT": "5.0",
    "KSMP_ANALYTICS_SINK_FIRST_WAIT": "0.05",
    "KSMP_ANALYTICS_SINK_MOST_WAIT": "0.2",
    "KSMP_ANALYTICS_SINK_REFUSED_DAYS": "90",
    "KSMP_ANALYTICS_DELETION_ATTEMPTS": "3",
    "KSMP_ANALYTICS_MIXPANEL_BATCH": "2000",
}


class ShelfSink(Sink):
    """A sink in memory: what came, batch by batch, and whose events were deleted."""

    name = "shelf"
    most = 100
    nobodys = True
    interval = 0.0
    patience = 0.05

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[OutgoingEvent]]] = []
        self.deleted: list[uuid.UUID] = []
        self.fault: Exception | None = None
        self.opened = False

    async def open(self) -> None:
        self.opened = True

    async def send(self, after: int, events: Any) -> list[RefusedEvent]:
        self.batches.append((after, list(events)))
        if self.fault is not None:
            raise self.fault
        return []

    async def delete(self, people: Any) -> str:
        if isinstance(self.fault, SinkFault):
            raise self.fault
        self.deleted += people
        return ""

    async def deletion(self, task: str, people: Any) -> DeletionProgress:
        return DeletionProgress.DONE

    def ids(self, *about: str) -> list[uuid.UUID]:
        """The events of these programs that came, in their order, with repeats."""
        return [one.id for _, events in self.batches for one in events if one.program_id in about]


class ShelvesModule(Module):
    """A stranger's module with a sink."""

    name = "shelves"

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.sink = ShelfSink()
        self.contributions = (self.sink,)


@pytest.fixture(scope="module")
async def mixpanel(devcloud: str) -> AsyncIterator[Mixpanel]:
    made = Mixpanel(devcloud)
    await made.clear()
    yield made
    await made.clear()
    await made.aclose()


@pytest.fixture(scope="module")
def environ(mixpanel: Mixpanel) -> dict[str, str]:
    project = {f"{stand_in.PREFIX}{name}": value for name, value in stand_in.PROJECT.items()}
    own = {
        "KSMP_ANALYTICS_MIXPANEL_URL": mixpanel.url,
        "KSMP_ANALYTICS_MIXPANEL_APP_URL": mixpanel.url,
        "KSMP_ANALYTICS_MIXPANEL_PATIENCE": "0.05",
    }
    return ENVIRON | project | own


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(more=[ShelvesModule, Lab], environ=environ) as running:
        yield running


@pytest.fixture
def shelf(node: Running) -> ShelfSink:
    sink = node.module(ShelvesModule).sink
    sink.fault = None
    return sink


@pytest.fixture
async def quiet(mixpanel: Mixpanel) -> AsyncIterator[Mixpanel]:
    """The stand-in without faults, also after the test. Its events stay: other tests tell theirs by their people."""
    await mixpanel.drive("PUT", "faults", {})
    await mixpanel.drive("PUT", "behaviour", {})
    yield mixpanel
    await mixpanel.drive("PUT", "faults", {})
    await mixpanel.drive("PUT", "behaviour", {})


@pytest.fixture
def program() -> str:
    """A program of this test's own, by which its events are found."""
    return f"p-{uuid.uuid4().hex[:16]}"


class Store(Protocol):
    async def __call__(
        self, user: str = "", *, count: int = 1, client: bool = False, ago: float = 0.0, name: str = "live.attended"
    ) -> list[uuid.UUID]: ...


@pytest.fixture
def store(node: Running, program: str) -> Store:
    """Stores events of the program, as the intake does; their ids."""

    async def stored(
        user: str = "", *, count: int = 1, client: bool = False, ago: float = 0.0, name: str = "live.attended"
    ) -> list[uuid.UUID]:
        at = datetime.now(UTC) - timedelta(seconds=ago)
        facts = [
            Fact(name=name, at=at, user_id=user, program_id=program, key=uuid.uuid4().hex, label="present", value=60)
            for _ in range(count)
        ]
        events = [Event.of(fact) for fact in facts]
        await node.module(AnalyticsModule).writer.write(events, Source.CLIENTS if client else Source.FACTS)
        return [event.id for event in events]

    return stored


class Choose(Protocol):
    async def __call__(self, user: str, *, analytics: bool | None = None, sinks: bool | None = None) -> None: ...


@pytest.fixture
def choose(caller: Caller) -> Choose:
    async def chosen(user: str, *, analytics: bool | None = None, sinks: bool | None = None) -> None:
        done(await caller(user).put(CONSENT, json={"analytics": analytics, "sinks": sinks}))

    return chosen


@pytest.fixture
def person() -> str:
    return f"u-{uuid.uuid4().hex[:16]}"

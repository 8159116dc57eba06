"""A gateway that sends pushes by the stand-in, with kinds of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from gateway.contract import Kernel, Module
from ksmp_testkit import MakeGateway, Running
from ksmp_testkit.eventually import eventually
from modules.notify.facade import PUSH, Kind, Notice, Urgency, tell
from tests.modules.notify.fcm import StandIn

# What admins write is pushed too.
SYSTEM = {"KSMP_NOTIFY_SYSTEM_CHANNELS": "push"}


class Words(msgspec.Struct, frozen=True):
    what: str = "it"


class PushersModule(Module):
    """Kinds that are pushed and nothing else."""

    name = "pushers"
    requires = ("notify",)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        only: dict[str, Any] = {"data": Words, "title": "Hear %(what)s", "channels": (PUSH,), "link": "/hear/%(what)s"}
        self.contributions = (
            Kind(name="pushers.told", body="It is %(what)s.", **only),
            Kind(name="pushers.low", urgency=Urgency.LOW, **only),
            Kind(name="pushers.brief", ttl=timedelta(seconds=90), **only),
            Kind(name="pushers.latest", collapse_key="latest", **only),
        )


class Pushing:
    """Tells users, and waits for what became of it."""

    def __init__(self, node: Running, database: asyncpg.Pool) -> None:
        self.node = node
        self._database = database

    async def device(self, user: str, *, address: str = "", platform: str = "android", kind: str = "token") -> str:
        """The address of a new device of the user."""
        address = address or uuid.uuid4().hex
        await self._database.execute(
            "INSERT INTO notify_device (installation, user_id, platform, address_kind, address, registered_at, seen_at)"
            " VALUES ($1, $2, $3, $4, $5, now(), now())",
            uuid.uuid4().hex,
            user,
            platform,
            kind,
            address,
        )
        return address

    async def user(self, **device: str) -> tuple[str, str]:
        """A new user with one device: their id and the address."""
        user = f"f-{uuid.uuid4().hex[:12]}"
        return user, await self.device(user, **device)

    async def known(self, *users: str) -> None:
        """The platform has met these users."""
        rows = [(user, "N", "student") for user in users]
        await self._database.executemany("INSERT INTO account_user (id, name, role) VALUES ($1, $2, $3)", rows)

    async def tell(self, *users: str, kind: str = "pushers.told", what: str = "music") -> str:
        """The subject of the notice."""
        subject = uuid.uuid4().hex
        async with self.node.gateway.database.transaction():
            kernel = self.node.module(PushersModule).kernel
            await tell(kernel, Notice(kind, subject, Words(what), users=users))
        return subject

    async def states(self, subject: str) -> dict[str, str]:
        """What became of it, by user: the state, and the reason behind it."""
        rows = await self._database.fetch(
            "SELECT user_id, state, reason FROM notify_delivery"
            " WHERE notice_id IN (SELECT id FROM notify_notice WHERE subject = $1)",
            subject,
        )
        return {row["user_id"]: f"{row['state']} {row['reason']}".strip() for row in rows}

    async def comes_to(self, subject: str, wanted: dict[str, str]) -> None:
        async def so() -> bool:
            return await self.states(subject) == wanted

        await eventually(so, f"{subject} comes to {wanted}")

    async def sent(self, *users: str, kind: str = "pushers.told") -> str:
        """Tell users and wait until it is sent."""
        subject = await self.tell(*users, kind=kind)
        await self.comes_to(subject, dict.fromkeys(users, "sent"))
        return subject

    async def addresses(self, users: Sequence[str]) -> set[str]:
        """The addresses that these users have now."""
        rows = await self._database.fetch("SELECT address FROM notify_device WHERE user_id = ANY($1)", list(users))
        return {row["address"] for row in rows}


@pytest.fixture(scope="module")
async def stand_in(devcloud: str) -> AsyncIterator[StandIn]:
    stand_in = StandIn(devcloud)
    yield stand_in
    await stand_in.clear()
    await stand_in.aclose()


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str], stand_in: StandIn) -> AsyncIterator[Running]:
    await stand_in.clear()
    async with gateway(more=[PushersModule], environ=environ | SYSTEM | await stand_in.environ()) as running:
        yield running


@pytest.fixture
async def fcm(stand_in: StandIn) -> StandIn:
    """Without devices and faults."""
    await stand_in.clear()
    return stand_in


@pytest.fixture
def pushing(node: Running, database: asyncpg.Pool) -> Pushing:
    return Pushing(node, database)

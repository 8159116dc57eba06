"""A gateway that sends mail to the stand-in for SES."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from ksmp_testkit import MakeGateway, Running
from tests.modules.notify.channels.email.mailing import CREDENTIALS, ENVIRON, MailersModule, Mailing


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str, environ: dict[str, str]) -> AsyncIterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        modules = ("accounts", "notify")
        async with gateway(
            modules=modules, more=[MailersModule], aws_endpoint=devcloud, environ=environ | ENVIRON
        ) as running:
            yield running


@pytest.fixture
async def mailing(node: Running, devcloud: str, database: asyncpg.Pool) -> AsyncIterator[Mailing]:
    async with httpx.AsyncClient(base_url=devcloud, trust_env=False) as http:
        mailing = Mailing(node, database, http)
        await mailing.fault()
        yield mailing
        await mailing.fault()
        # A pause that a fault asked for is over with its test.
        await database.execute("DELETE FROM notify_limit WHERE name = 'ses'")

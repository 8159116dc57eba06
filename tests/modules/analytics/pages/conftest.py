"""A browser, and a gateway with the facts of the demo, whose numbers the pages draw."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Browser, BrowserContext

from devstack.people import people
from ksmp_testkit import LOOPBACK, Caller, MakeGateway, MakeToken, Running
from ksmp_testkit.live_class import CreateSession, Sessions
from ksmp_testkit.member import clients_of
from modules.analytics.module import AnalyticsModule
from tests.browser import browsing, quiet_window
from tests.modules.analytics.pages.tab import Tab
from tests.own_database import own_database

Open = Callable[..., Awaitable[Tab]]
NAME = "dashboards.test"
ORIGIN = f"http://{NAME}"


@pytest.fixture(scope="package")
async def browser(node: Running) -> AsyncIterator[Browser]:
    """The gateway has a name there: the origin of a socket must be allowed before there is a port."""
    async with browsing(f"--host-resolver-rules=MAP {NAME}:80 {LOOPBACK}:{node.port}") as browser:
        yield browser


@pytest.fixture(scope="package")
async def own_postgres(postgres: str) -> AsyncIterator[str]:
    """The URL of a database where nobody else has used, blocked or deleted the people of the demo."""
    async with own_database(postgres) as url:
        yield url


@pytest.fixture(scope="package")
async def database(own_postgres: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A way into that database beside the gateway's."""
    async with asyncpg.create_pool(own_postgres, min_size=0, max_size=2) as pool:
        yield pool


@pytest.fixture(scope="package")
def create_session(database: asyncpg.Pool[Any]) -> CreateSession:
    return Sessions(database)


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway, own_postgres: str) -> AsyncIterator[Running]:
    """With what `ksmp dev` seeds."""
    environ = {"KSMP_ANALYTICS_DEMO": "true"}
    async with gateway(database_url=own_postgres, allowed_origins=(ORIGIN,), environ=environ) as running:
        for module in running.gateway.modules:
            await module.seed(people())
        yield running
        names = running.module(AnalyticsModule).names
        assert {"live.attended", "payments.revenue"} <= names.facts


@pytest.fixture
async def caller(node: Running, token: MakeToken) -> AsyncIterator[Caller]:
    async with clients_of(node, token) as clients:
        yield clients.rest


@pytest.fixture
async def open_page(browser: Browser, node: Running, token: MakeToken) -> AsyncIterator[Open]:
    """Opens a page as one of the people of the demo: `await open_page("mentor", "view=boards", width=360)`."""
    windows: list[Any] = []

    async def opened(
        role: str | None, query: str = "", *, width: int = 1280, lang: str = "en", dark: bool = False
    ) -> Tab:
        context = quiet_window(
            browser,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            timezone_id="Asia/Kolkata",
            locale="en-IN",
            accept_downloads=True,
        )
        window: BrowserContext = await context.__aenter__()
        windows.append(context)
        signed = token(f"dev-{role}", role, name=f"Dev {role}") if role else None
        return await Tab.opened(window, ORIGIN, signed, f"lang={lang}&{query}" if query else f"lang={lang}")

    yield opened
    for context in reversed(windows):
        await context.__aexit__(None, None, None)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go, to be looked at."""
    return tmp_path_factory.mktemp("pictures")

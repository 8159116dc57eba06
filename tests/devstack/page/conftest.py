"""A browser, and the gateways its tabs are opened on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext

from tests import needs
from tests.browser import browsing, quiet_window
from tests.client.stack import Stack, running
from tests.devstack.page.tab import Tab


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Stack]:
    # After the browser: without one nothing need start.
    # A browser and the page write such an address with brackets.
    environ = {"KSMP_HOST": "::1"} if needs.ipv6() else {}
    async with running(tmp_path_factory.mktemp("stack"), **environ) as stack:
        yield stack


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as browser:
        yield browser


@pytest.fixture
async def window(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with quiet_window(browser) as window:
        yield window


@pytest.fixture
async def room(stack: Stack) -> str:
    return await stack.create_room()


@pytest.fixture
async def mentor(stack: Stack, window: BrowserContext, room: str) -> Tab:
    """The mentor's tab, on the first gateway."""
    return await Tab.opened(window, stack.gateways[0], room, "Meera", "the mentor")


@pytest.fixture
async def student(stack: Stack, window: BrowserContext, room: str) -> Tab:
    """A student's tab, on the second gateway."""
    return await Tab.opened(window, stack.gateways[1], room, "Asha", "a student")

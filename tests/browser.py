"""A browser for tests of pages: Debian's Chromium, or Playwright's own, without a window."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, async_playwright

from tests import needs

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def browsing(*more: str) -> AsyncIterator[Browser]:
    """Without a browser the test is skipped, or fails where `.ci/run` runs it. `more` are arguments."""
    async with async_playwright() as playwright:
        path = needs.program("a browser", *NAMES, also=[playwright.chromium.executable_path])
        browser = await playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *more])
        yield browser
        await browser.close()


@asynccontextmanager
async def quiet_window(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """A window for a test's tabs. What a script on a page complains about fails the test."""
    async with await browser.new_context(**options) as window:
        complaints: list[str] = []
        window.on("weberror", lambda error: complaints.append(str(error.error)))
        yield window
        assert complaints == []

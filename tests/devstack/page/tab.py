"""A tab with the page in it, as a person uses it: by labels and roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from playwright.async_api import BrowserContext, Locator, Page, expect

Prepare = Callable[[Page], object]


class Tab:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.state = page.get_by_role("status")
        self.messages = page.get_by_role("log").get_by_role("listitem")
        self.texts = self.messages.locator(".text")
        self.waiting = page.get_by_role("list", name="Not sent yet").get_by_role("listitem")
        self.problem = page.get_by_role("alert")

    @classmethod
    async def opened(cls, window: BrowserContext, gateway: str, room: str, name: str, role: str) -> Self:
        """Open the page on this gateway and come in."""
        tab = cls(await window.new_page())
        await tab.page.goto(f"{gateway}/?room={room}")
        await tab.page.get_by_label("Your name").fill(name)
        await tab.page.get_by_label(role).check()
        await tab.page.get_by_role("button", name="Enter the class").click()
        await tab.connected()
        return tab

    async def connected(self, seconds: float = 20.0) -> None:
        await expect(self.state).to_contain_text("Connected to", timeout=seconds * 1000)

    async def say(self, text: str) -> None:
        field = self.page.get_by_label("Your message")
        await field.fill(text)
        await field.press("Enter")

    async def shows(self, texts: list[str], seconds: float = 10.0) -> None:
        """Wait until exactly these messages are shown, in this order."""
        await expect(self.texts).to_have_text(texts, timeout=seconds * 1000)

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)

    async def position(self) -> int:
        return int(await self.page.locator("#position").inner_text())

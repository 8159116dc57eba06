"""A tab with a dashboard in it: what is shown, what was drawn, and what the browser complained about."""

from __future__ import annotations

from typing import Any, Self

from playwright.async_api import BrowserContext, Locator, Page, expect

# The values that ECharts was given, point by point: a line that is not over yet is a series of its own.
DRAWN = """
place => {
  const chart = echarts.getInstanceByDom(place);
  const [first, open] = chart.getOption().series;
  const number = (one) => one?.value ?? null;
  return first.data.map((one, at) => number(one) ?? number(open?.data[at]));
}
"""
# Numbers that stand in the pictures: shapes of the chart's own, besides its frame.
SHAPES = "place => place.querySelectorAll('svg path, svg circle').length"


class Tab:
    """Each complaint of the browser about the policy of contents, or of a script, is in `complaints`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.main = page.locator("#main")
        self.complaints: list[str] = []
        page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))

    @classmethod
    async def opened(cls, window: BrowserContext, gateway: str, token: str | None, query: str) -> Self:
        tab = cls(await window.new_page())
        if token is not None:
            await tab.page.add_init_script(f"sessionStorage.setItem('dashboards.token', '{token}')")
        await tab.page.goto(f"{gateway}/dashboards?{query}")
        await tab.settled()
        return tab

    async def settled(self) -> None:
        """The view is whole, and its charts are drawn."""
        await expect(self.main.locator("h1")).to_be_visible(timeout=20_000)
        await expect(self.main).not_to_have_attribute("aria-busy", "true", timeout=20_000)
        for chart in await self.main.locator(".chart").all():
            await expect(chart.locator("svg")).to_be_attached()

    def measure(self, section: str, name: str, at: int = 0) -> Locator:
        """The card of a measure in a section, or its tile."""
        return self.page.locator(f"[data-section='{section}'] [data-measure='{name}']").nth(at)

    async def value(self, card: Locator) -> float | None:
        """The figure in the head of a card."""
        text = await card.locator(".big").get_attribute("data-value")
        return None if text is None else float(text)

    async def drawn(self, card: Locator) -> list[float | None]:
        """The values of the chart; none where the card has no chart."""
        chart = card.locator(".chart")
        if not await chart.count():
            return []
        assert await chart.evaluate(SHAPES) > 0
        values: list[float | None] = await chart.evaluate(DRAWN)
        return values

    async def rows(self, card: Locator) -> list[list[float | None]]:
        """The numbers of the table below the chart, row by row: value, numerator, denominator."""
        cells: list[list[str | None]] = await card.locator("tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.dataset.value ?? null))"
        )
        return [[None if cell is None else float(cell) for cell in row] for row in cells]

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wide: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return wide

    async def shot(self, path: Any) -> None:
        await self.page.screenshot(path=path, full_page=True)

"""The dashboards in a browser: the numbers drawn are those of the API, for each role, in both languages."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from tests.modules.analytics.pages.conftest import ORIGIN, Open
from tests.modules.analytics.pages.tab import Tab

ROLES = ("student", "mentor", "admin")
MOST_ROWS = 12
SECTIONS = {"headlines": "in_time", "details": "details"}


async def dashboard(rest: httpx.AsyncClient, role: str, page: Tab) -> dict[str, Any]:
    """What the API answers to the very question that the page asked."""
    asked = [
        entry
        for entry in await page.page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
        if f"/analytics/dashboards/{role}" in entry
    ]
    return done(await rest.get(asked[-1].removeprefix(ORIGIN)))


def shown(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The measures of an answer as the page shows them: of money, one for each currency."""
    currencies = sorted({one["currency"] for one in figures["total"] + figures["figures"]}) or [""]

    def of(part: str, currency: str) -> list[dict[str, Any]]:
        return [one for one in figures[part] if one["currency"] == currency]

    return [
        {"name": figures["measure"]["name"], "total": of("total", one), "figures": of("figures", one)}
        for one in currencies
    ]


@pytest.mark.parametrize("role", ROLES)
async def test_the_numbers_drawn_are_those_of_the_api(
    open_page: Open, caller: Caller, role: str, pictures: Path
) -> None:
    tab = await open_page(role)
    answer = await dashboard(caller(f"dev-{role}", role), role, tab)
    compared = 0
    for part, section in SECTIONS.items():
        seen: dict[str, int] = {}
        for measure in (one for figures in answer[part] for one in shown(figures)):
            name = measure["name"]
            card = tab.measure(section, name, seen.get(name, 0))
            seen[name] = seen.get(name, 0) + 1
            if measure["total"]:
                assert await tab.value(card) == measure["total"][0]["value"], name
            rows = await tab.rows(card)
            assert [row[0] for row in rows] == [one["value"] for one in measure["figures"]], name
            if any(one["denominator"] is not None for one in measure["figures"]):
                parts = [[one["numerator"], one["denominator"]] for one in measure["figures"]]
                assert [row[1:] for row in rows] == parts, name
            drawn = await tab.drawn(card)
            values = [one["value"] for one in measure["figures"]]
            # Of names only the first are drawn, and nothing where there is nothing.
            assert drawn == (values if part == "headlines" else values[:MOST_ROWS]) or drawn == [], name
            assert bool(drawn) == any(value is not None for value in values), name
            compared += len(drawn)
    assert compared > 100
    assert tab.complaints == []
    await tab.shot(pictures / f"{role}.png")


async def test_targets_stand_at_the_head_with_what_is_lacking(open_page: Open, caller: Caller) -> None:
    tab = await open_page("admin")
    answer = await dashboard(caller("dev-admin", "admin"), "admin", tab)
    with_target = [one for one in answer["headlines"] if one["measure"]["target"] is not None]
    tiles = tab.page.locator("[data-section='targets'] .tile")
    await expect(tiles).to_have_count(len(with_target))
    for number, one in enumerate(with_target):
        value, target = one["total"][0]["value"], one["measure"]["target"]
        chip = tiles.nth(number).locator(".chip").first
        await expect(chip).to_have_attribute("data-state", "good" if value >= target else "warn")
        await expect(chip).to_contain_text("above" if value > target else "below" if value < target else "reached")


async def test_what_is_not_over_says_so_and_the_head_says_up_to_when(open_page: Open, caller: Caller) -> None:
    tab = await open_page("mentor")
    answer = await dashboard(caller("dev-mentor", "mentor"), "mentor", tab)
    said = await tab.page.locator(".title .as-of").get_attribute("data-as-of")
    # The API was asked again a little later.
    assert said is not None
    assert datetime.fromisoformat(said) <= datetime.fromisoformat(answer["as_of"])
    card = tab.measure("in_time", "attendance")
    await card.locator("summary").click()
    open_days = [one for one in answer["headlines"][0]["figures"] if not one["complete"]]
    assert open_days
    await expect(card.locator("tbody .note")).to_have_count(len(open_days))
    await expect(card.locator("tbody .note").last).to_have_text("not over yet")


@pytest.mark.parametrize("lang", ["en", "hi"])
@pytest.mark.parametrize("dark", [False, True])
async def test_both_languages_and_colours_fit_a_phone(open_page: Open, pictures: Path, lang: str, dark: bool) -> None:
    """No view is wider than 360 px, and nothing is left in the other language."""
    tab = await open_page("mentor", width=360, lang=lang, dark=dark)
    assert await tab.overflow() <= 0
    assert await tab.page.locator("html").get_attribute("lang") == lang
    heading = await tab.main.locator("h1").inner_text()
    assert heading == ("Your programs" if lang == "en" else "आपके प्रोग्राम")
    # The definition comes from the API, in the same language.
    definition = tab.measure("in_time", "attendance").locator(".definition dd").first
    assert ("The share" in (await definition.text_content() or "")) == (lang == "en")
    await tab.shot(pictures / f"phone-{lang}-{'dark' if dark else 'light'}.png")
    assert tab.complaints == []


@pytest.mark.parametrize("query", ["view=classes", "view=students&program=demo", "view=boards", "board=new"])
async def test_every_view_fits_a_phone(open_page: Open, query: str, pictures: Path) -> None:
    tab = await open_page("mentor", query, width=360)
    assert await tab.overflow() <= 0
    assert tab.complaints == []
    await tab.shot(pictures / f"phone-{query.replace('=', '-').replace('&', '-')}.png")


async def test_language_and_colours_are_chosen_and_kept(open_page: Open) -> None:
    tab = await open_page("student")
    await tab.page.get_by_label("Language").select_option("hi")
    await expect(tab.main.locator("h1")).to_have_text("आपकी प्रगति")
    await tab.page.get_by_label("रंग").select_option("dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert await tab.page.evaluate(ground) == "rgb(18, 21, 27)"
    # An address without a language, as a bookmark is.
    await tab.page.goto(tab.page.url.partition("?")[0])
    await tab.settled()
    await expect(tab.main.locator("h1")).to_have_text("आपकी प्रगति")
    assert await tab.page.evaluate(ground) == "rgb(18, 21, 27)"


async def test_the_keyboard_reaches_every_table(open_page: Open) -> None:
    tab = await open_page("student")
    await tab.page.keyboard.press("Tab")
    await expect(tab.page.locator(":focus")).to_have_text("Skip to the figures")
    await tab.page.keyboard.press("Enter")
    summary = tab.measure("in_time", "attendance").locator("summary")
    for _ in range(30):
        if await summary.evaluate("one => one === document.activeElement"):
            break
        await tab.page.keyboard.press("Tab")
    await tab.page.keyboard.press("Enter")
    await expect(tab.measure("in_time", "attendance").get_by_role("table")).to_be_visible()


async def test_each_chart_says_in_words_what_it_shows(open_page: Open) -> None:
    tab = await open_page("mentor")
    charts = tab.page.locator(".chart[role=img]")
    assert await charts.count() > 5
    for chart in await charts.all():
        words = await chart.get_attribute("aria-label")
        assert words is not None
        assert "Lowest" in words


async def test_on_paper_the_tables_are_open_and_the_controls_gone(open_page: Open) -> None:
    tab = await open_page("mentor", dark=True)
    await tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await tab.page.emulate_media(media="print")
    assert await tab.page.locator("details:not([open])").count() == 0
    await expect(tab.page.locator(".filters")).to_be_hidden()
    await expect(tab.page.locator("nav")).to_be_hidden()
    # Light also where the screen is dark.
    assert await tab.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    await tab.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert await tab.page.locator("details[open]").count() == 0


async def test_a_choice_is_in_the_address(open_page: Open) -> None:
    tab = await open_page("mentor")
    await tab.page.get_by_label("Program", exact=True).select_option("demo")
    await expect(tab.page).to_have_url(re.compile("program=demo"))
    await tab.settled()
    await tab.page.get_by_label("Period", exact=True).select_option("90")
    await expect(tab.page).to_have_url(re.compile("days=90"))
    await tab.settled()
    # Of 90 days the points are weeks.
    await expect(tab.page.get_by_label("Points", exact=True)).to_have_value("week")
    await expect(tab.page.get_by_label("Program", exact=True)).to_have_value("demo")


async def test_a_person_of_the_development_system_signs_in_and_out(open_page: Open) -> None:
    tab = await open_page(None)
    await tab.page.get_by_role("button", name="Meera").click()
    await expect(tab.main.locator("h1")).to_have_text("Your programs")
    await tab.page.get_by_role("button", name="Sign out").click()
    await expect(tab.main.locator("h1")).to_have_text("Sign in")
    assert await tab.page.evaluate("sessionStorage.length") == 0


async def test_a_token_that_ended_asks_to_sign_in_again(open_page: Open, node: Running) -> None:
    tab = await open_page("student")
    await tab.page.evaluate("sessionStorage.setItem('dashboards.token', 'x.y.z')")
    await tab.page.get_by_label("Period", exact=True).select_option("7")
    await expect(tab.page.get_by_role("alert")).to_have_text("Your sign-in has ended. Please sign in again.")


async def test_a_figure_is_saved_as_a_file(open_page: Open) -> None:
    tab = await open_page("mentor")
    card = tab.measure("in_time", "attendance")
    await card.locator("summary").click()
    async with tab.page.expect_download() as saving:
        await card.get_by_role("button", name="CSV").click()
    saved = await saving.value
    assert saved.suggested_filename.endswith(".csv")
    await expect(card.locator(".exports [role=status]")).to_contain_text(saved.suggested_filename)


async def test_a_student_sees_none_of_the_others_views(open_page: Open) -> None:
    tab = await open_page("student", "view=students&program=demo")
    assert await tab.page.locator("nav a").all_inner_texts() == ["My progress", "Boards"]
    await expect(tab.main).to_contain_text("You teach no program yet.")

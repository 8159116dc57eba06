"""A board is made by the form, shown, changed, shared and deleted."""

from __future__ import annotations

import uuid

from playwright.async_api import expect

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from tests.modules.analytics.pages.conftest import Open

BOARDS = "/api/v1/analytics/boards"


async def test_a_board_is_made_and_shown(open_page: Open, caller: Caller) -> None:
    title = f"Board {uuid.uuid4().hex[:8]}"
    tab = await open_page("mentor", "board=new")
    form = tab.page.locator("form.sheet")
    # Only admins share with all of a role.
    await expect(form.get_by_label("All students")).to_have_count(0)
    await form.get_by_label("Name").fill(title)
    first = form.get_by_role("group", name="Figure 1")
    await first.get_by_label("Measure").select_option("attendance")
    await first.get_by_label("Divided by").select_option("week")
    await first.get_by_label("Program").select_option("demo")
    await form.get_by_role("button", name="Add a figure").click()
    second = form.get_by_role("group", name="Figure 2")
    await second.get_by_label("Measure").select_option("stars")
    await second.get_by_label("Divided by").select_option("")
    await second.get_by_label("Chart").select_option("number")
    await second.get_by_label("Title").fill("How they like it")
    await form.get_by_label("Everybody in Demo program", exact=True).check()
    await form.get_by_role("button", name="Save").click()
    await expect(tab.main.locator("h1")).to_have_text(title)
    await tab.settled()

    mentor = caller("dev-mentor", "mentor")
    boards = done(await mentor.get(BOARDS))["items"]
    board = next(one for one in boards if one["title"] == title)
    assert board["sharing"]["programs"] == ["demo"]
    figures = done(await mentor.get(f"{BOARDS}/{board['id']}/figures"))["widgets"]
    cards = tab.page.locator("[data-measure]")
    for number, widget in enumerate(figures):
        card = cards.nth(number)
        await expect(card.locator("h2, h3").first).to_have_text(widget["widget"]["title"])
        assert await tab.value(card) == widget["figures"]["total"][0]["value"]
    values = [one["value"] for one in figures[0]["figures"]["figures"]]
    assert await tab.drawn(cards.first) == values
    assert tab.complaints == []

    # A student opens it by its link, and sees their own figures, and why they do not see others.
    theirs = await open_page("student", f"board={board['id']}")
    await expect(theirs.main.locator("h1")).to_have_text(title)
    own = done(await caller("dev-student", "student").get(f"{BOARDS}/{board['id']}/figures"))["widgets"]
    assert await theirs.value(theirs.page.locator("[data-measure]").first) == own[0]["figures"]["total"][0]["value"]
    assert own[1]["error"] is not None
    await expect(theirs.main).to_contain_text("This figure is not shown to you")
    await expect(theirs.page.get_by_role("link", name="Edit")).to_have_count(0)

    await tab.page.get_by_role("link", name="Edit").click()
    await tab.page.locator("form.sheet").get_by_label("Name").fill(f"{title} again")
    await tab.page.get_by_role("button", name="Save").click()
    await expect(tab.main.locator("h1")).to_have_text(f"{title} again")
    tab.page.on("dialog", lambda dialog: dialog.accept())
    await tab.page.get_by_role("button", name="Delete").click()
    await expect(tab.main.locator("h1")).to_have_text("Boards")
    assert board["id"] not in [one["id"] for one in done(await mentor.get(BOARDS))["items"]]


async def test_what_the_api_refuses_is_said_in_the_form(open_page: Open) -> None:
    tab = await open_page("mentor", "board=new")
    form = tab.page.locator("form.sheet")
    await form.get_by_label("Name").fill("\u202eturned")
    await form.get_by_role("button", name="Save").click()
    await expect(tab.page.get_by_role("alert")).to_contain_text("The board was not saved")
    await expect(form.get_by_label("Name")).to_have_value("\u202eturned")

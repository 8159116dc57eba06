"""A class on the page: live figures come by themselves, and students at risk are written to."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from ksmp_testkit import Caller, CreateSession, Running
from ksmp_testkit.answers import done
from ksmp_testkit.member import clients_of
from ksmp_testkit.tokens import MakeToken
from tests.modules.analytics.pages.conftest import Open

RISK = "/api/v1/analytics/programs/demo/at-risk"


@pytest.fixture
async def live_class(create_session: CreateSession) -> str:
    return await create_session(mentor="dev-mentor", program_mentor="dev-mentor")


async def test_live_figures_come_by_themselves(
    open_page: Open, live_class: str, node: Running, token: MakeToken
) -> None:
    tab = await open_page("mentor", f"session={live_class}")
    await expect(tab.page.locator(".live")).to_have_attribute("data-state", "on")
    messages = tab.page.locator("[data-live='messages_a_minute'] .big")
    await expect(messages).to_have_text("0")
    async with clients_of(node, token) as clients:
        student = await clients.member(f"session:{live_class}", "live-sam")
        await student.command("chat.send", {"text": "good morning"})
        await expect(messages).to_have_text("1", timeout=15_000)
    assert tab.complaints == []


async def test_who_does_not_host_the_class_is_told_so(open_page: Open, create_session: CreateSession) -> None:
    theirs = await create_session(mentor="somebody", program_mentor="somebody", open=True)
    tab = await open_page("student", f"session={theirs}")
    await expect(tab.page.locator(".live")).to_contain_text("Live figures are not shown")


async def test_students_at_risk_are_listed_with_their_reasons_and_written_to(open_page: Open, caller: Caller) -> None:
    answer = done(await caller("dev-mentor", "mentor").get(RISK))
    tab = await open_page("mentor", "view=students&program=demo")
    rows = tab.page.locator(".row")
    await expect(rows).to_have_count(answer["at_risk"])
    for number, student in enumerate(answer["items"]):
        row = rows.nth(number)
        assert await row.get_attribute("data-user") == student["user_id"]
        await expect(row.locator("strong")).to_have_text(student["name"])
        values = await row.locator(".chip").evaluate_all("chips => chips.map(chip => Number(chip.dataset.value))")
        assert values == [one["value"] for one in student["reasons"]]

    await rows.first.get_by_role("checkbox").check()
    await tab.page.get_by_role("button", name="Write to 1 student").click()
    await tab.page.get_by_label("Your message").fill("Can I help you to catch up?")
    await tab.page.get_by_role("button", name="Send").click()
    await expect(tab.main).to_contain_text("The message was sent to 1 student.")
    await expect(rows.first.locator(":scope > .note")).to_contain_text("written to on")

    # Not twice: the page says who was left out.
    await tab.page.get_by_role("button", name="Write to 1 student").click()
    await tab.page.get_by_label("Your message").fill("Once more")
    await tab.page.get_by_role("button", name="Send").click()
    await expect(tab.main).to_contain_text("was written to a short time ago")
    assert tab.complaints == []

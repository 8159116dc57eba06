"""Programs are left out, and headline figures do not come from what clients send."""

from __future__ import annotations

import asyncpg
import pytest

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.analytics.facade import ClientEventType, Fact, FactType
from modules.analytics.settings import AnalyticsSettings
from modules.analytics.store.names import EventNames
from modules.analytics.tracking import metrics
from modules.analytics.tracking.bots import Bots
from tests.modules.analytics.lab import CLICKED, Clicked, Measured, clicked
from tests.modules.analytics.tracking.clicks import EVENTS, INTAKE, click, outcomes, rows, sent

WORDS = AnalyticsSettings().bot_words
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) {}/141.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "bot"),
    [
        (CHROME.format("Chrome"), False),
        (CHROME.format("HeadlessChrome"), True),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (compatible; YandexBot/3.0)", True),
        ("Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36", False),
        ("Mozilla/5.0 (Linux; Android 11; CUBOT X50; Bytespider)", True),
        ("ksmp-android/4.2", False),
        ("", False),
    ],
)
def test_programs_say_what_they_are(user_agent: str, bot: bool) -> None:
    assert Bots(WORDS, 10).named(user_agent) is bot


def test_no_words_leave_nobody_out() -> None:
    assert not Bots((), 10).named("Googlebot")


def test_a_caller_has_so_many_a_minute() -> None:
    bots = Bots((), 10)
    assert bots.count("ann", 4) == 4
    assert bots.count("ann", 8) == 6
    assert bots.count("ann", 1) == 0
    assert bots.count("bob", 20) == 10
    # What could not be kept comes again, and its sender is no bot for that.
    bots.give_back("bob", 10)
    assert bots.count("bob", 10) == 10


async def test_what_a_program_sends_is_counted_and_left_out(
    node: Running, caller: Caller, database: asyncpg.Pool, user: str, program: str
) -> None:
    before = metrics.tracked.labels("bot")._value.get()
    rest = caller(user)
    bot = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}
    assert outcomes(done(await rest.post(EVENTS, json=sent(click(program)), headers=bot))) == ["bot"]
    ours = {"User-Agent": "LabScanner 2"}
    assert outcomes(done(await rest.post(EVENTS, json=sent(click(program)), headers=ours))) == ["bot"]
    first = done(await rest.post(EVENTS, json=sent(*(click(program) for _ in range(60)))))
    second = done(await rest.post(EVENTS, json=sent(*(click(program) for _ in range(60)))))
    assert outcomes(first) == ["accepted"] * 60
    assert outcomes(second)[:40] == ["accepted"] * 40
    assert outcomes(second)[50:] == ["bot"] * 10
    await node.events_handled(INTAKE)
    assert 100 <= len(await rows(database, program)) <= 110
    assert metrics.tracked.labels("bot")._value.get() >= before + 12


async def test_clients_send_no_facts(caller: Caller, user: str, program: str) -> None:
    answer = done(await caller(user).post(EVENTS, json=sent(click(program, name="lab.measured"))))
    assert outcomes(answer) == ["unknown_event"]


def test_no_client_event_has_the_name_of_a_fact() -> None:
    facts = FactType(event=Measured, facts=lambda event, at: [Fact(name="lab.clicked", at=at)], names=("lab.clicked",))
    with pytest.raises(ValueError, match=r"lab\.clicked: names of facts, and no client may send them"):
        EventNames([facts], [CLICKED])
    other = ClientEventType(name="lab.other", properties=Clicked, tracked=clicked)
    assert EventNames([facts], [other]).client_events == {"lab.other"}

"""Single messages: one token for all, few that are open at once, and what stops them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from gateway import clock
from modules.notify.channels.fcm.answers import Fate, Result
from modules.notify.channels.fcm.sender import FcmSender
from modules.notify.channels.fcm.service_account import read_account
from modules.notify.devices.address import Address
from modules.notify.devices.messages import Platform
from modules.notify.facade import Kind, Outgoing
from modules.notify.push_settings import FcmSettings
from tests.modules.notify.fcm import StandIn

KIND = Kind(name="sender.told", data=msgspec.Struct, title="t")


@pytest.fixture
async def sender(fcm: StandIn) -> AsyncIterator[FcmSender]:
    account = json.dumps(await fcm.drive("GET", "credentials"))
    settings = FcmSettings(fcm_url=f"{fcm.http.base_url}/fcm", fcm_connections=8, fcm_failures=5, fcm_rest=1000.0)
    sender = FcmSender(read_account(account), settings)
    yield sender
    await sender.close()


def outgoing(number: int) -> Outgoing:
    return Outgoing(
        id=str(number),
        notification_id=str(number),
        kind=KIND,
        subject="s",
        user_id="u",
        title="t",
        body="",
        link="/",
        data={},
        language="en",
        time_zone="UTC",
        expires_at=clock.now() + timedelta(hours=1),
    )


async def post(sender: FcmSender, count: int) -> list[Result]:
    """To so many devices at once."""
    addresses = [Address(str(number), Platform.ANDROID, "token", f"device-{number:04}") for number in range(count)]
    return list(await asyncio.gather(*(sender.post(outgoing(1), address) for address in addresses)))


async def test_fault_3_few_messages_are_open_at_once_with_one_token(sender: FcmSender, fcm: StandIn) -> None:
    await fcm.traffic(messages={"hang": 0.01})
    results = await post(sender, 200)
    traffic = await fcm.traffic()
    assert {result.fate for result in results} == {Fate.SENT}
    assert (traffic["messages"], traffic["tokens"]) == (200, 1)
    assert traffic["open_most"] <= 8


async def test_fault_3_one_page_of_html_is_the_doubt_of_one_message(sender: FcmSender, fcm: StandIn) -> None:
    await fcm.faults({"device-0020": {"fault": "html_ok"}})
    results = await post(sender, 41)
    assert Counter(result.fate for result in results) == {Fate.SENT: 40, Fate.UNKNOWN: 1}


async def test_credentials_that_are_refused_are_not_tried_by_every_message(sender: FcmSender, fcm: StandIn) -> None:
    await fcm.traffic(messages={"fault": "unauthenticated"})
    results = await post(sender, 100)
    traffic = await fcm.traffic()
    assert {(result.fate, result.counted) for result in results} == {(Fate.LATER, False)}
    # One token, one more after the first refusal, and what was open when five in a row had failed.
    assert traffic["tokens"] <= 2
    assert traffic["messages"] <= 2 * 8 + 8
    assert sender.pause() > 900


async def test_a_vendor_that_is_away_is_left_alone(sender: FcmSender, fcm: StandIn) -> None:
    await fcm.traffic(messages={"fault": "unavailable"})
    results = await post(sender, 100)
    assert (await fcm.traffic())["messages"] <= 5 + 8
    assert {(result.fate, result.counted) for result in results} == {(Fate.LATER, False)}
    # One message is tried after the rest, and all go on when it gets through.
    await fcm.traffic(messages={})
    assert (await sender.post(outgoing(1), Address("1", Platform.WEB, "token", "first"), first=True)).fate is Fate.SENT
    assert not sender.tries


async def test_fault_12_after_a_429_nobody_posts_until_fcm_says_so(sender: FcmSender, fcm: StandIn) -> None:
    await fcm.faults({"device-0000": {"fault": "quota", "retry_after": 500.0}})
    results = await post(sender, 100)
    waiting = [result for result in results if result.fate is Fate.LATER]
    assert (await fcm.traffic())["messages"] <= 8 + 8
    assert len(waiting) > 80
    assert all(result.retry_after is not None and result.retry_after > 400 for result in waiting)
    assert 400 < sender.pause() <= 500
    assert sender.quota_wait == 500

"""What becomes of a delivery at each device, whatever FCM answers."""

from __future__ import annotations

import asyncio

import pytest

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from ksmp_testkit.eventually import eventually
from tests.modules.notify.channels.fcm.conftest import Pushing
from tests.modules.notify.fcm import Reached, StandIn

ONCE = Reached(1, 1, 1)
PASSING = ("internal", "unavailable", "html", "html_ok", "cut", "hang", "third_party_auth", "quota")


async def test_every_device_of_a_user_shows_it_once(pushing: Pushing, fcm: StandIn) -> None:
    user, phone = await pushing.user()
    browser = await pushing.device(user, platform="web")
    tablet = await pushing.device(user, platform="ios", kind="fid")
    await pushing.sent(user)
    assert [await fcm.reached(address) for address in (phone, browser, tablet)] == [ONCE] * 3


async def test_devices_that_are_gone_are_removed_and_no_others(pushing: Pushing, fcm: StandIn) -> None:
    faults = {
        "unregistered": "skipped no_address",
        "invalid_token": "skipped no_address",
        "invalid_argument": "failed invalid_message",
        "sender_id_mismatch": "failed sender_id_mismatch",
    }
    users = {fault: await pushing.user() for fault in faults}
    await fcm.faults({address: {"fault": fault} for fault, (_, address) in users.items()})
    subject = await pushing.tell(*(user for user, _ in users.values()))
    await pushing.comes_to(subject, {users[fault][0]: state for fault, state in faults.items()})
    kept = {users[fault][1] for fault in ("invalid_argument", "sender_id_mismatch")}
    assert await pushing.addresses([user for user, _ in users.values()]) == kept


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_is_tried_again_and_shown_once(pushing: Pushing, fcm: StandIn, fault: str) -> None:
    """Also where the device has got it, and only the answer was lost: what is shown twice is in one place."""
    user, address = await pushing.user()
    accepted = fault in ("html_ok", "cut", "hang")
    await fcm.faults({address: {"fault": fault, "times": 1, "hang": 2.0 if fault == "hang" else 0.0}})
    await pushing.sent(user)
    assert await fcm.reached(address) == Reached(2, 1 + accepted, 1)


async def test_a_device_that_answered_is_not_asked_again(pushing: Pushing, fcm: StandIn) -> None:
    user, phone = await pushing.user()
    tablet = await pushing.device(user)
    await fcm.faults({tablet: {"fault": "unavailable", "times": 2}})
    await pushing.sent(user)
    assert await fcm.reached(phone) == ONCE
    assert await fcm.reached(tablet) == Reached(3, 1, 1)


async def test_what_one_device_has_is_sent_in_the_end(pushing: Pushing, fcm: StandIn) -> None:
    user, phone = await pushing.user()
    tablet = await pushing.device(user)
    await fcm.faults({tablet: {"fault": "third_party_auth"}})
    subject = await pushing.tell(user)
    await pushing.comes_to(subject, {user: "sent third_party_auth"})
    assert await fcm.reached(phone) == ONCE


async def test_what_stays_unknown_is_not_forgotten(pushing: Pushing, fcm: StandIn) -> None:
    user, address = await pushing.user()
    await fcm.faults({address: {"fault": "cut"}})
    subject = await pushing.tell(user)

    async def given_up() -> bool:
        posted = (await fcm.reached(address)).posted
        return posted == 4 and await pushing.states(subject) == {user: "unknown unanswered"}

    await eventually(given_up, "all tries are made")
    # Each of them came.
    assert await fcm.reached(address) == Reached(4, 4, 1)


async def test_an_admin_sees_before_whom_push_would_reach(pushing: Pushing, caller: Caller) -> None:
    user, _ = await pushing.user()
    await pushing.known(user, other := f"{user}-without")
    for told, verdict, reason in ((user, "send", ""), (other, "skip", "no_address")):
        body = {"title": "Hello", "audience": f"user:{told}", "urgent": True}
        answer = done(await caller("boss", "admin").post("/api/v1/notify/campaigns/dry-run", json=body), 200)
        expected = {"channel": "push", "verdict": verdict, "reason": reason, "count": 1}
        assert [each for each in answer["channels"] if each["channel"] == "push"] == [expected]


async def test_no_device_is_told_so(pushing: Pushing) -> None:
    subject = await pushing.tell("nobody-with-a-phone")
    await pushing.comes_to(subject, {"nobody-with-a-phone": "skipped no_address"})


async def test_a_refused_token_is_asked_for_once(pushing: Pushing, fcm: StandIn) -> None:
    users = [await pushing.user() for _ in range(100)]
    await pushing.sent(users[0][0])
    # Longer ago than a token is young.
    await asyncio.sleep(0.4)
    before = await fcm.traffic()
    await fcm.drive("POST", "credentials/revoke")
    await pushing.sent(*(user for user, _ in users))
    after = await fcm.traffic()
    assert after["tokens"] - before["tokens"] == 1
    assert after["statuses"]["401"] <= 16
    assert after["open_most"] <= 16


async def test_without_a_token_nothing_is_posted_and_no_try_counts(pushing: Pushing, fcm: StandIn) -> None:
    user, address = await pushing.user()
    await fcm.traffic(tokens={"fault": "html"}, messages={"fault": "unauthenticated"})
    subject = await pushing.tell(user)

    async def waits() -> bool:
        return (await fcm.traffic())["tokens"] >= 3

    await eventually(waits, "tokens are asked for again")
    assert (await pushing.states(subject))[user].split()[0] in ("waiting", "sending")
    await fcm.traffic(tokens={}, messages={})
    await pushing.comes_to(subject, {user: "sent"})
    assert await fcm.reached(address) == ONCE


async def test_a_used_up_quota_stops_all(pushing: Pushing, fcm: StandIn) -> None:
    """Nobody posts until FCM says so, and no try is counted: they are more than a delivery has."""
    users = [await pushing.user() for _ in range(40)]
    await fcm.traffic(messages={"fault": "quota", "retry_after": 0.5})
    subject = await pushing.tell(*(user for user, _ in users))

    async def asked_often() -> bool:
        return (await fcm.traffic())["messages"] >= 16 * 2

    await eventually(asked_often, "it was tried after the wait")
    messages = (await fcm.traffic())["messages"]
    await fcm.traffic(messages={})
    await pushing.comes_to(subject, {user: "sent" for user, _ in users})
    assert all([await fcm.reached(address) == ONCE for _, address in users])
    # All that were open at the same time, and none after them.
    assert messages <= 16 * 4

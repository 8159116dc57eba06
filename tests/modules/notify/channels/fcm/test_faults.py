"""Faults of others that push keeps away, each through a whole gateway."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import uuid
from datetime import datetime
from typing import Any

import asyncpg

from gateway import clock
from gateway.tasks import end
from ksmp_testkit import Running
from ksmp_testkit.eventually import eventually
from modules.notify.channels.fcm.channel import FcmChannel
from modules.notify.channels.fcm.service_account import read_account
from modules.notify.devices.repository import DeviceRepository
from modules.notify.facade import PUSH
from modules.notify.module import NotifyModule
from modules.notify.push_settings import FcmSettings
from tests.modules.notify.channels.fcm.conftest import Pushing
from tests.modules.notify.channels.fcm.test_sender import outgoing
from tests.modules.notify.fcm import Reached, StandIn

# FCM keeps so many keys a device.
MOST_KEYS = 4


async def test_fault_1_a_gateway_that_is_lost_in_a_batch_has_removed_dead_devices(
    pushing: Pushing, fcm: StandIn
) -> None:
    """What is known of a device is not asked again, so its removal does not wait for the end of the batch."""
    (ann, dead), (bob, slow) = await pushing.user(), await pushing.user()
    await fcm.faults({dead: {"fault": "unregistered"}, slow: {"fault": "hang", "hang": 300.0}})
    database = pushing.node.gateway.database
    account = read_account(json.dumps(await fcm.drive("GET", "credentials")))
    settings = FcmSettings(fcm_url=f"{str(fcm.http.base_url).rstrip('/')}/fcm", fcm_timeout=300.0)
    channel = FcmChannel(database, DeviceRepository(database), account, settings, lease=300.0)
    batch = [dataclasses.replace(outgoing(1), id=str(uuid.uuid4()), user_id=user) for user in (ann, bob)]
    sending = asyncio.get_running_loop().create_task(channel.send(batch))

    async def removed() -> bool:
        return await pushing.addresses([ann, bob]) == {slow}

    await eventually(removed, "the dead device is removed")
    assert not sending.done()
    await end([sending])
    await channel.close()


async def test_fault_4_the_user_before_is_not_heard_of_on_this_device(
    pushing: Pushing, fcm: StandIn, database: asyncpg.Pool
) -> None:
    """The device changes hands between the fact and the push."""
    ann, phone = await pushing.user()
    bob, _ = await pushing.user()
    await fcm.traffic(tokens={}, messages={"fault": "quota", "retry_after": 0.5})
    subject = await pushing.tell(ann)

    async def tried() -> bool:
        return bool((await fcm.traffic())["messages"])

    await eventually(tried, "it was tried once")
    await database.execute("UPDATE notify_device SET user_id = $1 WHERE address = $2", bob, phone)
    await fcm.traffic(messages={})
    await pushing.comes_to(subject, {ann: "skipped no_address"})
    assert (await fcm.reached(phone)).shown == 0


async def test_fault_6_a_device_that_was_away_is_told_nothing_old(pushing: Pushing, fcm: StandIn) -> None:
    """FCM keeps a message as long as we would tell it, and not for four weeks."""
    user, phone = await pushing.user()
    await fcm.drive("PUT", "device", json={"address": phone, "offline": True})
    await pushing.sent(user, kind="pushers.brief")
    await pushing.sent(user)
    back: dict[str, Any] = await fcm.drive("PUT", "device", json={"address": phone, "offline": False, "after": 3600})
    # The brief one is over after 90 seconds, the other one after a day.
    assert [one["data"]["kind"] for one in back["shown"].values()] == ["pushers.told"]


async def test_fault_6_each_platform_has_our_time_to_live(pushing: Pushing, fcm: StandIn) -> None:
    user, phone = await pushing.user()
    tablet = await pushing.device(user, platform="ios")
    browser = await pushing.device(user, platform="web")
    before = clock.now()
    await pushing.sent(user, kind="pushers.brief")
    got = {address: (await fcm.device(address))["messages"][0] for address in (phone, tablet, browser)}
    assert 0 < float(got[phone]["android"]["ttl"].removesuffix("s")) <= 90
    assert 0 < int(got[browser]["webpush"]["headers"]["TTL"]) <= 90
    until = int(got[tablet]["apns"]["headers"]["apns-expiration"])
    assert 0 < until - before.timestamp() <= 90 + (clock.now() - before).total_seconds()


async def test_fault_13_what_waits_for_a_phone_does_not_push_out_other_things(pushing: Pushing, fcm: StandIn) -> None:
    """Six notifications while the phone is away: each is shown, and of a kind with a key the last one."""
    user, phone = await pushing.user()
    await fcm.drive("PUT", "device", json={"address": phone, "offline": True})
    for kind in ("pushers.told", "pushers.latest", "pushers.low", "pushers.latest", "pushers.told", "pushers.latest"):
        await pushing.sent(user, kind=kind)
    back: dict[str, Any] = await fcm.drive("PUT", "device", json={"address": phone, "offline": False, "after": 1})
    kinds = sorted(one["data"]["kind"] for one in back["shown"].values())
    assert kinds == ["pushers.latest", "pushers.low", "pushers.told", "pushers.told"]


def test_fault_13_all_kinds_together_have_few_keys(node: Running) -> None:
    kinds = node.module(NotifyModule).kinds.kinds.values()
    assert len(kinds) > 10
    keys = {kind.collapse_key for kind in kinds if kind.collapse_key and PUSH in kind.channels}
    # The one of these tests is not counted.
    assert len(keys - {"latest"}) <= MOST_KEYS


async def test_fault_2_a_device_is_reached_by_an_installation_id_as_by_a_token(pushing: Pushing, fcm: StandIn) -> None:
    user, phone = await pushing.user(kind="fid")
    tablet = await pushing.device(user)
    await pushing.sent(user)
    assert [await fcm.reached(address) for address in (phone, tablet)] == [Reached(1, 1, 1)] * 2
    by = [set((await fcm.device(address))["messages"][0]) & {"fid", "token"} for address in (phone, tablet)]
    assert by == [{"fid"}, {"token"}]


async def test_fault_12_all_gateways_share_the_quota(pushing: Pushing, fcm: StandIn, database: asyncpg.Pool) -> None:
    """What another one has used up, or was asked to wait for, holds this one too."""
    user, phone = await pushing.user()
    await pushing.sent(user)
    await database.execute("UPDATE notify_limit SET blocked_until = now() + interval '1 hour' WHERE name = 'fcm'")
    subject = await pushing.tell(user)
    await pushing.comes_to(subject, {user: "waiting"})
    later: datetime = clock.now()
    assert (await fcm.reached(phone)).posted == 1
    await database.execute("UPDATE notify_limit SET blocked_until = $1 WHERE name = 'fcm'", later)
    await pushing.comes_to(subject, {user: "sent"})

"""A device has one user and one address; it moves at sign-in, and goes at sign-out."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from modules.accounts.events import TokensRevoked
from modules.notify.module import NotifyModule

DEVICES = "/api/v1/notify/devices"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(
        environ=environ | {"KSMP_NOTIFY_DEVICES": "3", "KSMP_NOTIFY_DEVICE_DAYS": "30"}, user_burst_factor=1000.0
    ) as running:
        yield running


def new_id() -> str:
    return uuid.uuid4().hex


async def register(http: httpx.AsyncClient, installation: str, **new: Any) -> Any:
    return done(await http.put(f"{DEVICES}/{installation}", json={"platform": "android", **new}))


async def listed(http: httpx.AsyncClient) -> list[str]:
    return [one["installation"] for one in done(await http.get(DEVICES))["items"]]


async def address_of(database: asyncpg.Pool, installation: str) -> tuple[str, str, str] | None:
    row = await database.fetchrow(
        "SELECT user_id, address_kind, address FROM notify_device WHERE installation = $1", installation
    )
    return tuple(row) if row else None  # type: ignore[return-value]


async def test_a_device_is_moved_at_sign_in(caller: Caller, database: asyncpg.Pool) -> None:
    """The one who had it before gets nothing on it any more."""
    ann, bob, phone, token = caller(f"ann-{new_id()}"), caller(bob_id := f"bob-{new_id()}"), new_id(), new_id()
    shown = await register(ann, phone, token=token, app="ksmp/1", locale="hi-IN")
    assert (shown["platform"], shown["app"], shown["locale"]) == ("android", "ksmp/1", "hi-IN")
    await register(bob, phone, token=token)
    assert (await listed(ann), await listed(bob)) == ([], [phone])
    assert await address_of(database, phone) == (bob_id, "token", token)


async def test_the_app_installed_again_has_the_address_once(caller: Caller) -> None:
    ann, former, present, token = caller(f"ann-{new_id()}"), new_id(), new_id(), new_id()
    await register(ann, former, token=token)
    await register(ann, present, token=token)
    assert await listed(ann) == [present]


async def test_an_installation_id_takes_the_place_of_a_token(caller: Caller, database: asyncpg.Pool) -> None:
    """Once FCM has the id, the token of the same installation is dead: a device has one of them."""
    ann, phone, fid = caller(ann_id := f"ann-{new_id()}"), new_id(), f"c{new_id()[:21]}"
    await register(ann, phone, token=new_id())
    await register(ann, phone, fid=fid)
    assert await address_of(database, phone) == (ann_id, "fid", fid)
    assert await listed(ann) == [phone]


@pytest.mark.parametrize("addresses", [{}, {"token": "t" * 20, "fid": "c" * 22}])
async def test_a_device_has_exactly_one_address(caller: Caller, addresses: dict[str, str]) -> None:
    answer = await caller("ann").put(f"{DEVICES}/{new_id()}", json={"platform": "web", **addresses})
    refused(answer, 400, "invalid")


@pytest.mark.parametrize(
    "body", [{"platform": "fridge", "token": "t" * 20}, {"platform": "ios", "token": "a b"}, {"platform": "ios"}]
)
async def test_what_is_no_device_is_refused(caller: Caller, body: dict[str, str]) -> None:
    refused(await caller("ann").put(f"{DEVICES}/{new_id()}", json=body), 400, "invalid")


async def test_a_sign_out_removes_ones_own_device_alone(caller: Caller) -> None:
    ann, bob, phone = caller(f"ann-{new_id()}"), caller(f"bob-{new_id()}"), new_id()
    await register(ann, phone, token=new_id())
    # It was another user's at some time, who signs out late.
    done(await bob.delete(f"{DEVICES}/{phone}"), 204)
    assert await listed(ann) == [phone]
    for _ in range(2):
        done(await ann.delete(f"{DEVICES}/{phone}"), 204)
    assert await listed(ann) == []


async def test_a_user_has_so_many_devices(caller: Caller) -> None:
    ann, phones = caller(f"ann-{new_id()}"), [new_id() for _ in range(4)]
    for phone in phones:
        await register(ann, phone, token=new_id())
    assert await listed(ann) == phones[:0:-1]


async def test_who_is_signed_out_everywhere_has_no_device(caller: Caller, node: Running) -> None:
    ann = caller(ann_id := f"ann-{new_id()}")
    await register(ann, new_id(), token=new_id())
    await node.publish_event(TokensRevoked(ann_id))
    await node.events_handled("notify.devices_signed_out")
    assert await listed(ann) == []


async def test_devices_that_were_not_seen_for_long_are_removed(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    ann, old, new = caller(f"ann-{new_id()}"), new_id(), new_id()
    for phone in (old, new):
        await register(ann, phone, token=new_id())
    await database.execute("UPDATE notify_device SET seen_at = now() - interval '31 days' WHERE installation = $1", old)
    assert not await node.module(NotifyModule).devices.sweep()
    assert await listed(ann) == [new]


async def test_devices_are_exported_and_forgotten(node: Running, caller: Caller) -> None:
    ann, phone, token = caller(ann_id := f"ann-{new_id()}"), new_id(), new_id()
    await register(ann, phone, token=token)
    notify = node.module(NotifyModule)
    held = await notify.export(ann_id)
    assert [(one["installation"], one["address"]) for one in held["devices"]] == [(phone, token)]
    async with node.gateway.database.transaction():
        await notify.forget(ann_id)
    assert await listed(ann) == []
    assert "devices" not in await notify.export(ann_id)

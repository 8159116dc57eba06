"""Campaigns of admins: previewed, tried without sending, sent, followed, and stopped."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import Caller, Clients, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from modules.notify.facade import DeliveryState, Outcome, Outgoing
from modules.notify.module import NotifyModule
from tests.modules.notify.channel import Pager, TellersModule, people, sent

CAMPAIGNS = "/api/v1/notify/campaigns"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    async with gateway(more=[TellersModule], environ=environ) as running:
        yield running


@pytest.fixture
def tellers(node: Running) -> TellersModule:
    module = node.module(TellersModule)
    module.pager.answer, module.pager.paused, module.pager.unreached = sent, 0.0, ()
    return module


@pytest.fixture
def pager(tellers: TellersModule) -> Pager:
    return tellers.pager


def to_crowd(tellers: TellersModule, count: int, **more: Any) -> dict[str, Any]:
    tellers.crowd = people(count)
    return {"title": f"Hear {uuid.uuid4().hex[:8]}", "body": "It is 100 % true.", "audience": "crowd:1", **more}


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


async def test_a_campaign_is_sent_and_followed(
    node: Running, tellers: TellersModule, pager: Pager, clients: Clients
) -> None:
    body, boss = to_crowd(tellers, 220, link="/help"), f"boss-{uuid.uuid4().hex[:8]}"

    def answer(each: Outgoing) -> Outcome:
        bad = each.user_id in tellers.crowd[:3]
        return Outcome(id=each.id, state=DeliveryState.FAILED, reason="bad_address") if bad else sent(each)

    pager.answer, pager.paused = answer, 0.1
    socket, admin = await clients.socket(boss, "admin"), clients.rest(boss, "admin")
    repeated = key()
    made = done(await admin.post(CAMPAIGNS, json=body, headers=repeated), 201)
    assert done(await admin.post(CAMPAIGNS, json=body, headers=repeated), 201)["id"] == made["id"]
    url = f"{CAMPAIGNS}/{made['id']}"
    # Its progress is pushed while something is left.
    first = (await socket.expect_push("notify.campaign"))["data"]
    assert (first["id"], first["state"]) == (made["id"], "running")
    pager.paused = 0.0

    async def is_done() -> bool:
        return bool(done(await admin.get(url))["campaign"]["state"] == "done")

    await eventually(is_done, "the campaign is done")
    while (last := (await socket.expect_push("notify.campaign"))["data"])["state"] != "done":
        assert last["rev"] > first["rev"]
    assert {name: last[name] for name in ("users", "sent", "failed", "skipped", "left")} == {
        "users": 220,
        "sent": 217,
        "failed": 3,
        "skipped": 0,
        "left": 0,
    }
    got = [each for each in pager.got if each.title == body["title"]]
    assert {each.user_id for each in got} == {*tellers.crowd}
    assert {(each.body, each.link) for each in got} == {(body["body"], "/help")}
    assert done(await admin.get(url))["notice"]["users"] == 220
    listed = done(await admin.get(CAMPAIGNS, params={"state": "done"}))["items"]
    assert made["id"] in [each["id"] for each in listed]
    refused(await admin.post(f"{url}/stop"), 409, "notify.campaign_over")
    assert [each["title"] for each in (await node.module(NotifyModule).export(boss))["campaigns"]] == [body["title"]]


async def test_a_stopped_campaign_is_sent_to_nobody_any_more(
    tellers: TellersModule, pager: Pager, caller: Caller, database: asyncpg.Pool
) -> None:
    body, admin = to_crowd(tellers, 150, urgent=True), caller("boss", "admin")
    pager.paused = 0.1
    made = done(await admin.post(CAMPAIGNS, json=body, headers=key()), 201)
    url = f"{CAMPAIGNS}/{made['id']}"

    async def written() -> bool:
        notice = done(await admin.get(url))["notice"]
        return bool(notice["users"] == 150)

    await eventually(written, "the audience is written")
    assert done(await admin.post(f"{url}/stop"), 200)["state"] == "stopped"
    assert done(await admin.post(f"{url}/stop"), 200)["state"] == "stopped"
    pager.paused = 0.0

    async def over() -> bool:
        notice = done(await admin.get(url))["notice"]
        skipped = {"channel": "pager", "state": "skipped", "reason": "stopped", "count": 150}
        return notice["state"] == "withdrawn" and skipped in notice["deliveries"]

    await eventually(over, "all deliveries are skipped")
    assert not [each for each in pager.got if each.title == body["title"]]
    acts = await database.fetch("SELECT act FROM account_audit WHERE subject = $1 ORDER BY id", made["id"])
    assert [row["act"] for row in acts] == ["notify.campaign_start", "notify.campaign_stop"]


async def test_what_would_become_of_it(tellers: TellersModule, pager: Pager, caller: Caller) -> None:
    body, admin = to_crowd(tellers, 40), caller("boss", "admin")
    pager.unreached = tellers.crowd[:15]
    before = len(pager.got)
    expected = done(await admin.post(f"{CAMPAIGNS}/dry-run", json=body), 200)
    assert (expected["users"], expected["kept_out"], expected["more"]) == (40, 0, False)
    assert [each for each in expected["channels"] if each["channel"] == "pager"] == [
        {"channel": "pager", "verdict": "send", "reason": "", "count": 25},
        {"channel": "pager", "verdict": "skip", "reason": "no_address", "count": 15},
    ]
    preview = done(await admin.post(f"{CAMPAIGNS}/preview", json=body), 200)
    assert (preview["title"], preview["body"], preview["link"]) == (body["title"], body["body"], "/")
    assert {"channel": "pager", "page": "<p>It is 100 % true.</p>"} in preview["channels"]
    assert len(pager.got) == before


async def test_who_may_send_what_to_whom(tellers: TellersModule, caller: Caller) -> None:
    body, admin = to_crowd(tellers, 1), caller("boss", "admin")
    for path in ("", "/preview", "/dry-run"):
        refused(await caller("meera", "mentor").post(f"{CAMPAIGNS}{path}", json=body, headers=key()), 403, "forbidden")
        for audience, status, code in (("fans:1", 400, "invalid"), ("user:nobody-here", 404, "not_found")):
            wrong = {**body, "audience": audience}
            refused(await admin.post(f"{CAMPAIGNS}{path}", json=wrong, headers=key()), status, code)
    for link in ("https://evil.example", "//evil.example", "javascript:alert(1)"):
        refused(await admin.post(CAMPAIGNS, json={**body, "link": link}, headers=key()), 400, "invalid")
    refused(await admin.get(f"{CAMPAIGNS}/{uuid.uuid4()}"), 404, "not_found")
    refused(await admin.post(f"{CAMPAIGNS}/{uuid.uuid4()}/stop"), 404, "not_found")


async def test_there_are_not_too_many_at_once(tellers: TellersModule, caller: Caller, database: asyncpg.Pool) -> None:
    admin, body = caller("boss", "admin"), to_crowd(tellers, 1, at="2031-01-06T12:30:00Z")
    made = []
    while (answer := await admin.post(CAMPAIGNS, json=body, headers=key())).status_code == 201:
        made.append(answer.json()["id"])
        assert len(made) <= 5
    refused(answer, 409, "notify.too_many_campaigns")
    for id in made:
        assert done(await admin.post(f"{CAMPAIGNS}/{id}/stop"), 200)["state"] == "stopped"
    assert not await database.fetch("SELECT FROM notify_notice WHERE subject = ANY($1) AND state <> 'withdrawn'", made)

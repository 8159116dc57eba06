"""Webhooks at a real receiver: signed, in order, tried again, given up, and sent again by hand."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from datetime import UTC, datetime

import asyncpg
import pytest
from aiohttp import web
from standardwebhooks.webhooks import WebhookVerificationError

from ksmp_testkit import MakeGateway, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from modules.integrations.module import IntegrationsModule
from modules.live.events import SessionCancelled, SessionStarted
from tests.modules.integrations.webhooks.conftest import SOON, Cancel, MakeEndpoint
from tests.modules.integrations.webhooks.receiver import Received, Receiver, answering


async def test_an_event_is_sent_as_standard_webhooks_says(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel
) -> None:
    endpoint = await make_endpoint(receiver.url)
    session = await cancel()
    (delivery,) = await endpoint.settled()
    (received,) = receiver.received
    received.verify(endpoint.secret)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.said["type"] == "live.session_cancelled"
    assert received.said["data"] == {"session_id": session, "program_id": "p"}
    assert (delivery["event_id"], delivery["subject"]) == (received.id, f"session:{session}")
    assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("delivered", 204, 1)
    other = await make_endpoint(receiver.url)
    with pytest.raises(WebhookVerificationError):
        received.verify(other.secret)


async def test_an_event_that_nobody_wants_is_not_written(
    make_endpoint: MakeEndpoint, receiver: Receiver, cancel: Cancel, database: asyncpg.Pool
) -> None:
    wants = await make_endpoint(receiver.url, ("live.session_started",))
    session = await cancel()
    assert await wants.deliveries() == []
    count = "SELECT count(*) FROM integrations_event WHERE strpos(body, $1) > 0"
    assert await database.fetchval(count, session) == 0


async def test_what_is_rolled_back_is_not_told(
    node: Running, make_endpoint: MakeEndpoint, receiver: Receiver, cancel: Cancel
) -> None:
    endpoint = await make_endpoint(receiver.url)
    live = next(module for module in node.gateway.modules if module.name == "live")

    async def fail() -> None:
        async with node.gateway.database.transaction():
            await live.kernel.events.publish(SessionCancelled("never", "p"))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    session = await cancel()
    (delivery,) = await endpoint.settled()
    assert delivery["subject"] == f"session:{session}"


async def test_events_of_a_subject_come_in_order_and_those_of_others_do_not_wait(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel
) -> None:
    endpoint = await make_endpoint(receiver.url)
    fails = itertools.count()

    def first_fails_twice(received: Received) -> web.StreamResponse:
        hard = received.said["data"]["session_id"] == "hard" and next(fails) < 2
        return web.Response(status=500 if hard else 200)

    receiver.answers = first_fails_twice
    for session in ("hard", "easy", "hard", "hard"):
        await cancel(session)
    deliveries = await endpoint.settled(4)
    assert [one["attempts"] for one in deliveries] == [3, 1, 1, 1]
    hard = [received.id for received in receiver.received if received.said["data"]["session_id"] == "hard"]
    in_order = [one["event_id"] for one in deliveries if one["subject"] == "session:hard"]
    # The first one three times, with one id, and the others after it.
    assert hard == [in_order[0]] * 3 + in_order[1:]


async def test_tries_end_and_are_made_again_by_hand(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel
) -> None:
    endpoint = await make_endpoint(receiver.url)
    receiver.answers = answering(500)
    await cancel()
    (failed,) = await endpoint.settled()
    assert (failed["state"], failed["status"], failed["fault"], failed["attempts"]) == ("failed", 500, "status", 3)
    assert (await endpoint.view())["failures"] == 3
    receiver.answers = answering(200)
    replay = f"{endpoint.path}/deliveries/{failed['event_id']}/replay"
    replayed = done(await endpoint.admin.post(replay))
    assert (replayed["state"], replayed["attempts"]) == ("waiting", 0)
    (again,) = await endpoint.settled()
    assert again["state"] == "delivered"
    assert {received.id for received in receiver.received} == {failed["event_id"]}
    assert (await endpoint.view())["failures"] == 0
    # What was delivered is sent again too, when somebody asks.
    done(await endpoint.admin.post(replay))
    await endpoint.settled()
    assert len(receiver.received) == 5
    assert (await endpoint.acts())[:2] == ["integrations.replay", "integrations.replay"]


async def test_an_endpoint_that_fails_for_long_is_disabled(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel
) -> None:
    endpoint = await make_endpoint(receiver.url)
    receiver.answers = answering(503)
    for _ in range(2):
        await cancel()
    await eventually(lambda: _is_off(endpoint), "it is disabled")
    assert (await endpoint.view())["reason"] == "failing"
    assert (await endpoint.acts())[0] == "integrations.disable_endpoint"
    count = len(receiver.received)
    await cancel()
    refused(await endpoint.admin.post(f"{endpoint.path}/ping"), 409, "integrations.disabled")
    deliveries = await endpoint.settled(2)
    assert len(receiver.received) == count == 6
    replay = {"since": deliveries[0]["created_at"]}
    refused(await endpoint.admin.post(f"{endpoint.path}/replay", json=replay), 409, "integrations.disabled")
    # Enabled again, it starts anew, and what failed is sent in one go.
    receiver.answers = answering(200)
    match = {"If-Match": f'"{(await endpoint.view())["rev"]}"'}
    view = done(await endpoint.admin.patch(endpoint.path, json={"enabled": True}, headers=match))
    assert (view["enabled"], view["reason"], view["failures"]) == (True, "", 0)
    assert done(await endpoint.admin.post(f"{endpoint.path}/replay", json=replay)) == {"count": 2}
    assert [one["state"] for one in await endpoint.settled(2)] == ["delivered"] * 2


async def _is_off(endpoint: object) -> bool:
    return not (await endpoint.view())["enabled"]  # type: ignore[attr-defined]


async def test_a_receiver_that_is_gone_is_asked_once(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel
) -> None:
    endpoint = await make_endpoint(receiver.url)
    receiver.answers = answering(410)
    await cancel()
    (delivery,) = await endpoint.settled()
    assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("failed", 410, 1)
    view = await endpoint.view()
    assert (view["enabled"], view["reason"]) == (False, "gone")
    assert (await endpoint.acts())[0] == "integrations.disable_endpoint"


async def test_a_redirect_is_not_followed(receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel) -> None:
    endpoint = await make_endpoint(receiver.url)
    receiver.answers = answering(307, 307, 200, Location=f"http://127.0.0.1:{receiver.port}/inside")
    await cancel()
    await endpoint.settled()
    assert [received.path for received in receiver.received] == ["/hook"] * 3


async def test_a_slow_receiver_holds_up_nobody_else(
    make_endpoint: MakeEndpoint, receiver: Receiver, cancel: Cancel
) -> None:
    slow = await make_endpoint(f"{receiver.url}/slow")
    quick = await make_endpoint(f"{receiver.url}/quick")
    let_go = asyncio.Event()

    def answer(received: Received) -> Awaitable[web.StreamResponse] | web.StreamResponse:
        return _wait(let_go) if received.path.endswith("slow") else web.Response()

    receiver.answers = answer
    sessions = [await cancel() for _ in range(8)]
    assert [one["state"] for one in await quick.settled(len(sessions))] == ["delivered"] * 8
    # As many at once as an endpoint may have, and no more.
    assert 0 < sum(received.path.endswith("slow") for received in receiver.received) <= 5
    assert {one["state"] for one in await slow.deliveries()} == {"waiting"}
    let_go.set()
    await slow.settled(len(sessions))


async def _wait(let_go: asyncio.Event) -> web.StreamResponse:
    await let_go.wait()
    return web.Response()


async def test_an_answer_that_never_ends_costs_nothing(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel
) -> None:
    """The status is taken, and the body is not read."""
    endpoint = await make_endpoint(receiver.url)
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 10_000:
            sent += 1
            await response.write(b"x" * 65_536)
        return response

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        return await endless(request)

    runner = web.AppRunner(_app(handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    match = {"If-Match": '"1"'}
    done(await endpoint.admin.patch(endpoint.path, json={"url": f"http://127.0.0.1:{port}/"}, headers=match))
    await cancel()
    (delivery,) = await endpoint.settled()
    await runner.cleanup()
    assert delivery["state"] == "delivered"
    assert sent < 1000


def _app(handle: object) -> web.Application:
    app = web.Application()
    app.router.add_post("/", handle)  # type: ignore[arg-type]
    return app


async def test_no_connection_is_a_fault(receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel) -> None:
    endpoint = await make_endpoint("http://127.0.0.1:9/")
    nowhere = await make_endpoint("http://nowhere.invalid/")
    await cancel()
    (delivery,) = await endpoint.settled()
    assert (delivery["state"], delivery["fault"], delivery["status"]) == ("failed", "connection", None)
    (delivery,) = await nowhere.settled()
    assert delivery["fault"] == "name"


async def test_a_secret_is_rotated_without_a_gap(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel, database: asyncpg.Pool
) -> None:
    endpoint = await make_endpoint(receiver.url)
    shown = done(await endpoint.admin.post(f"{endpoint.path}/secret", json={"overlap": 600}), 201)
    await cancel()
    await endpoint.settled()
    for secret in (endpoint.secret, shown["secret"]):
        receiver.received[0].verify(secret)
    await database.execute("UPDATE integrations_endpoint SET former_until = now() WHERE id = $1", endpoint.id)
    await cancel()
    await endpoint.settled(2)
    receiver.received[1].verify(shown["secret"])
    with pytest.raises(WebhookVerificationError):
        receiver.received[1].verify(endpoint.secret)
    assert "integrations.rotate_secret" in await endpoint.acts()


async def test_a_ping_tests_an_endpoint(receiver: Receiver, make_endpoint: MakeEndpoint) -> None:
    endpoint = await make_endpoint(receiver.url, ("live.session_started",))
    made = done(await endpoint.admin.post(f"{endpoint.path}/ping"), 201)
    (delivery,) = await endpoint.settled()
    assert delivery["id"] == made["id"]
    assert receiver.received[0].said["type"] == "integrations.ping"
    receiver.received[0].verify(endpoint.secret)


async def test_a_gateway_that_dies_leaves_its_webhooks_to_others(
    receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel, database: asyncpg.Pool
) -> None:
    endpoint = await make_endpoint(receiver.url)
    session = await cancel()
    (sent,) = await endpoint.settled()
    # As a gateway leaves it that died after sending: claimed, and due when the claim lapses.
    await database.execute(
        "UPDATE integrations_delivery SET state = 'waiting', claim = gen_random_uuid(), due_at = now() + interval '1 h'"
        " WHERE endpoint_id = $1",
        endpoint.id,
    )
    await cancel(session)
    other = await cancel()
    await eventually(lambda: len(receiver.received) == 2, "what is of another subject comes")
    assert receiver.received[1].said["data"]["session_id"] == other
    await database.execute("UPDATE integrations_delivery SET due_at = now() WHERE id = $1", sent["id"])
    deliveries = await endpoint.settled(3)
    # It comes twice, with one id, and what waited behind it comes after it.
    ids = [received.id for received in receiver.received if received.said["data"]["session_id"] == session]
    assert ids == [sent["event_id"], sent["event_id"], deliveries[1]["event_id"]]


async def test_gateways_share_the_work_and_nothing_is_sent_twice(
    gateway: MakeGateway, node: Running, receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel
) -> None:
    endpoint = await make_endpoint(receiver.url)
    async with gateway(environ=SOON) as other:
        for module in (*other.gateway.modules, *node.gateway.modules):
            node.gateway.database.bind(module.tables)
        subjects = [f"shared-{number % 4}" for number in range(24)]
        for subject in subjects:
            await cancel(subject)
        deliveries = await endpoint.settled(len(subjects))
    assert sorted(received.id for received in receiver.received) == sorted(one["event_id"] for one in deliveries)
    for subject in set(subjects):
        came = [one.id for one in receiver.received if one.said["data"]["session_id"] == subject]
        assert came == [one["event_id"] for one in deliveries if one["subject"] == f"session:{subject}"]


async def test_what_is_old_is_deleted(
    node: Running, receiver: Receiver, make_endpoint: MakeEndpoint, cancel: Cancel, database: asyncpg.Pool
) -> None:
    endpoint = await make_endpoint(receiver.url)
    await cancel()
    (old,) = await endpoint.settled()
    await cancel()
    await endpoint.settled(2)
    ages = "UPDATE integrations_event SET at = at - interval '31 days' WHERE id = $1::text::uuid"
    await database.execute(ages, old["event_id"])
    await node.module(IntegrationsModule).sender.sweep()
    (left,) = await endpoint.deliveries()
    assert left["event_id"] != old["event_id"]


async def test_a_class_tells_of_its_life(node: Running, receiver: Receiver, make_endpoint: MakeEndpoint) -> None:
    """Without a filter all events come, and each has what its contribution names."""
    endpoint = await make_endpoint(receiver.url, ())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    await node.publish_event(SessionStarted("whole", "p", at))
    await eventually(lambda: any(one.said["type"] == "live.session_started" for one in receiver.received), "it comes")
    (said,) = [one.said for one in receiver.received if one.said["type"] == "live.session_started"]
    assert said["data"] == {"session_id": "whole", "program_id": "p", "at": "2026-01-01T00:00:00Z"}
    assert (await endpoint.view())["enabled"]

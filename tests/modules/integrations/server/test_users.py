"""Users through the server API: notifications, and disconnecting."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from ksmp_testkit import Caller, Clients, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.eventually import eventually
from tests.modules.integrations.service_client import MakeService
from tests.modules.integrations.webhooks.conftest import SOON
from tests.modules.integrations.webhooks.receiver import receiving

NOTIFY = ["notifications.send"]


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {**SOON, "KSMP_NOTIFY_SYSTEM_CHANNELS": "webhook", "KSMP_NOTIFY_INTERVAL": "0.1"}
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def ann(caller: Caller) -> httpx.AsyncClient:
    """A user whom the platform has met."""
    id = f"ann-{uuid.uuid4().hex[:8]}"
    client = caller(id)
    done(await client.get("/api/v1/users/me"))
    client.params = {}
    client.headers["X-Who"] = id
    return client


def _id(client: httpx.AsyncClient) -> str:
    return client.headers["X-Who"]


async def test_a_service_sends_a_notification_once(
    ann: httpx.AsyncClient, make_service: MakeService, caller: Caller
) -> None:
    service, other = await make_service(NOTIFY), await make_service(NOTIFY)
    body = {"audience": f"user:{_id(ann)}", "title": "The bus is late", "id": "bus-1"}
    sent = done(await service.http.post("/notifications", json=body), 201)
    assert done(await service.http.post("/notifications", json={**body, "title": "Again"}), 201) == sent
    path = f"/notifications/{sent['id']}"

    async def told() -> bool:
        return bool(done(await service.http.get(path))["users"] == 1)

    await eventually(told, "the user is told")
    listed = done(await ann.get("/api/v1/notify/inbox"))["items"]
    assert [one["title"] for one in listed] == ["The bus is late"]
    # What became of it is for who sent it.
    refused(await other.http.get(path), 404, "not_found")
    audit = done(await caller("boss", "admin").get("/api/v1/audit", params={"subject": service.id}))["items"]
    acts = [entry["act"] for entry in audit if entry["actor"] == f"service:{service.id}"]
    assert acts == ["integrations.send_notification"] * 2


async def test_who_is_disconnected_has_no_devices_any_more(make_service: MakeService, caller: Caller) -> None:
    user, service = f"d-{uuid.uuid4().hex}", await make_service(["users.disconnect"])
    device = {"platform": "web", "fid": uuid.uuid4().hex}
    done(await caller(user).put(f"/api/v1/notify/devices/{uuid.uuid4().hex}", json=device))
    path = f"/users/{user}/disconnect"
    assert (await service.http.post(path)).status_code == 204

    async def gone() -> bool:
        # A later second: tokens of the one in which they were refused are refused too.
        answer = await caller(user).get("/api/v1/notify/devices")
        return answer.status_code == 200 and answer.json()["items"] == []

    await eventually(gone)


async def test_what_is_no_notification(make_service: MakeService) -> None:
    service, without = await make_service(NOTIFY), await make_service(["users.disconnect"])
    good = {"audience": "role:admin", "title": "A"}
    refused(await without.http.post("/notifications", json=good), 403, "forbidden")
    refused(await service.http.post("/notifications", json={**good, "audience": "planet:mars"}), 400, "invalid")
    refused(await service.http.post("/notifications", json={**good, "audience": "program:none"}), 404, "not_found")
    refused(await service.http.post("/notifications", json={**good, "link": "https://elsewhere"}), 400, "invalid")
    refused(await service.http.get(f"/notifications/{uuid.uuid4()}"), 404, "not_found")


async def test_a_notification_goes_to_endpoints_that_an_admin_named(
    ann: httpx.AsyncClient, make_service: MakeService, caller: Caller
) -> None:
    service = await make_service([*NOTIFY, "webhooks.manage"])
    admin = caller("boss", "admin")
    async with receiving() as receiver:
        path = f"/api/v1/integrations/services/{service.id}/endpoints"
        all_events = done(await admin.post(path, json={"url": f"{receiver.url}/all"}), 201)["endpoint"]
        named = {"url": f"{receiver.url}/named", "events": ["integrations.notification"]}
        shown = done(await admin.post(path, json=named), 201)
        body = {"audience": f"user:{_id(ann)}", "title": "The bus is late", "body": "8:40"}
        sent = done(await service.http.post("/notifications", json=body), 201)
        await eventually(lambda: receiver.received, "the webhook comes")
        await eventually(lambda: _is_sent(service.http, sent["id"]), "the delivery is sent")
        (received,) = receiver.received
        received.verify(shown["secret"])
        assert received.path == "/hook/named"
        data = received.said["data"]
        assert (data["user_id"], data["title"], data["body"]) == (_id(ann), "The bus is late", "8:40")
        # It goes with its user, with the texts.
        export = done(await ann.get("/api/v1/users/me/export"))["modules"]["integrations"]
        assert "The bus is late" in export["notifications"][0]["body"]
        done(await ann.delete("/api/v1/users/me"), 204)
        endpoint = f"/endpoints/{shown['endpoint']['id']}"
        assert done(await service.http.get(f"{endpoint}/deliveries"))["items"] == []
        for made in (all_events, shown["endpoint"]):
            done(await service.http.delete(f"/endpoints/{made['id']}"), 204)


async def _is_sent(http: httpx.AsyncClient, notice: str) -> bool:
    deliveries = done(await http.get(f"/notifications/{notice}"))["deliveries"]
    return [(one["channel"], one["state"]) for one in deliveries] == [("webhook", "sent")]


async def test_a_user_is_disconnected_and_needs_a_new_token(
    clients: Clients, make_service: MakeService, room: str, caller: Caller
) -> None:
    service, without = await make_service(["users.disconnect"]), await make_service(NOTIFY)
    user = f"bob-{uuid.uuid4().hex[:8]}"
    member = await clients.member(room, user)
    refused(await without.http.post(f"/users/{user}/disconnect"), 403, "forbidden")
    done(await service.http.post(f"/users/{user}/disconnect"), 204)
    assert (await member.socket.disconnect_push())["code"] == 4501
    refused(await member.rest.get("/api/v1/users/me"), 401, "unauthenticated")
    audit = done(await caller("boss", "admin").get("/api/v1/audit", params={"subject": user}))["items"]
    assert [(one["act"], one["actor"]) for one in audit] == [("integrations.disconnect", f"service:{service.id}")]

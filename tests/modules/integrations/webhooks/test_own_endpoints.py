"""Endpoints that services keep for themselves by a key, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from modules import integrations
from tests.modules.integrations.service_client import ADMIN, MakeService
from tests.modules.integrations.webhooks.conftest import Cancel
from tests.modules.integrations.webhooks.receiver import Receiver

SCOPES = ["webhooks.manage"]
EVENTS = ["live.session_cancelled"]


async def test_a_service_keeps_its_endpoints(
    make_service: MakeService, receiver: Receiver, cancel: Cancel, caller: Caller
) -> None:
    service = await make_service(SCOPES)
    shown = done(await service.http.post("/endpoints", json={"url": receiver.url, "events": EVENTS}), 201)
    path = f"/endpoints/{shown['endpoint']['id']}"
    assert done(await service.http.get("/endpoints"))["items"] == [shown["endpoint"]]
    assert shown["endpoint"]["created_by"] == f"service:{service.id}"
    changed = done(await service.http.patch(path, json={"events": []}, headers={"If-Match": '"1"'}))
    assert (changed["events"], changed["rev"]) == ([], 2)
    again = done(await service.http.post(f"{path}/secret", json={"overlap": 0}), 201)
    assert again["secret"] != shown["secret"]
    names = [event["name"] for event in done(await service.http.get("/events"))["items"]]
    assert set(EVENTS) < set(names)
    done(await service.http.delete(path), 204)
    refused(await service.http.get(path), 404, "not_found")
    assert done(await service.http.get("/endpoints"))["items"] == []
    await cancel()
    audit = done(await caller("boss", "admin").get("/api/v1/audit", params={"subject": service.id}))["items"]
    mine = [entry["act"] for entry in audit if entry["actor"] == f"service:{service.id}"]
    assert mine == [
        "integrations.delete_endpoint",
        "integrations.rotate_secret",
        "integrations.change_endpoint",
        "integrations.add_endpoint",
    ]


async def test_another_service_s_endpoint_is_not_there(
    make_service: MakeService, receiver: Receiver, cancel: Cancel, caller: Caller
) -> None:
    owner, thief = await make_service(SCOPES), await make_service(SCOPES)
    shown = done(await owner.http.post("/endpoints", json={"url": receiver.url, "events": EVENTS}), 201)["endpoint"]
    await cancel()
    path = f"/endpoints/{shown['id']}"
    (delivery,) = done(await owner.http.get(f"{path}/deliveries"))["items"]
    match = {"If-Match": "*"}
    for answer in (
        await thief.http.get(path),
        await thief.http.patch(path, json={"url": f"{receiver.url}/mine"}, headers=match),
        await thief.http.delete(path),
        await thief.http.post(f"{path}/secret", json={}),
        await thief.http.post(f"{path}/ping"),
        await thief.http.get(f"{path}/deliveries"),
        await thief.http.post(f"{path}/replay", json={"since": "2026-01-01T00:00:00Z"}),
        await thief.http.post(f"{path}/deliveries/{delivery['event_id']}/replay"),
    ):
        refused(answer, 404, "not_found")
    assert done(await owner.http.get(path))["url"] == receiver.url
    without = await make_service(["users.disconnect"])
    refused(await without.http.get("/endpoints"), 403, "forbidden")
    done(await owner.http.delete(path), 204)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "nonsense"}, "invalid"),
        ({"url": "https://user:word@school.example/"}, "invalid"),
        ({"url": "https://school.example/", "events": ["live.nothing"]}, "invalid"),
        # Texts of users' notifications go where an admin says, and nowhere else.
        ({"url": "https://school.example/", "events": ["integrations.notification"]}, "forbidden"),
    ],
)
async def test_what_no_endpoint_may_be(make_service: MakeService, body: dict[str, object], code: str) -> None:
    service = await make_service(SCOPES)
    answer = await service.http.post("/endpoints", json=body)
    assert answer.json()["code"] == code, answer.text


async def test_a_service_has_so_many_endpoints(make_service: MakeService, caller: Caller) -> None:
    service = await make_service(SCOPES)
    admin = caller("boss", "admin")
    path = f"{ADMIN}/services/{service.id}/endpoints"
    for number in range(3):
        body = {"url": f"https://school.example/{number}", "events": ["integrations.notification"]}
        done(await admin.post(path, json=body), 201)
    refused(await admin.post(path, json={"url": "https://school.example/"}), 409, "integrations.too_many")
    assert len(done(await admin.get(path))["items"]) == 3


async def test_the_page_has_every_event(make_service: MakeService) -> None:
    service = await make_service(SCOPES)
    page = (Path(integrations.__file__).parent / "webhooks" / "README.md").read_text()
    for event in done(await service.http.get("/events"))["items"]:
        assert f"| `{event['name']}` | {event['subject']} | {event['about'].rstrip('.')} |" in page
        # Ids, times and words of state.
        assert not {"title", "name", "text", "score", "amount", "question", "reason"} & set(event["fields"])

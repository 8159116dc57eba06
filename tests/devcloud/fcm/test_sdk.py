"""The stand-in speaks as Google's SDK expects, and our messages are those that the SDK makes."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import firebase_admin
import msgspec
import pytest
from firebase_admin import credentials, exceptions, messaging

from modules.notify.channels.fcm.message import message_for
from modules.notify.devices.address import Address
from modules.notify.devices.messages import Platform
from modules.notify.facade import Kind, Outgoing
from tests.modules.notify.fcm import Reached, StandIn

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LATEST = Kind(name="contract.latest", data=msgspec.Struct, title="t", collapse_key="latest")


@pytest.fixture
async def fcm(devcloud: str) -> AsyncIterator[StandIn]:
    stand_in = StandIn(devcloud)
    await stand_in.clear()
    yield stand_in
    await stand_in.clear()
    await stand_in.aclose()


@pytest.fixture
async def account(fcm: StandIn) -> dict[str, Any]:
    found: dict[str, Any] = await fcm.drive("GET", "credentials")
    return found


@pytest.fixture
def app(devcloud: str, account: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[firebase_admin.App]:
    """The SDK has no setting for where FCM is."""
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", f"{devcloud}/fcm/v1/projects/{{0}}/messages:send")
    app = firebase_admin.initialize_app(credentials.Certificate(account), name=uuid.uuid4().hex)
    yield app
    firebase_admin.delete_app(app)


async def sent_by_sdk(app: firebase_admin.App, *made: messaging.Message) -> list[messaging.SendResponse]:
    """In a thread with a loop of its own: the SDK blocks the loop while it asks for a token."""

    async def send() -> list[messaging.SendResponse]:
        found: list[messaging.SendResponse] = (await messaging.send_each_async(list(made), app=app)).responses
        # The SDK closes its connections in another loop, where they are not.
        await messaging._get_messaging_service(app)._async_client.aclose()
        return found

    return await asyncio.to_thread(asyncio.run, send())


async def test_the_sdk_finds_each_answer(app: firebase_admin.App, fcm: StandIn) -> None:
    expected: dict[str, type[Exception] | None] = {
        "": None,
        "unregistered": messaging.UnregisteredError,
        "invalid_token": exceptions.InvalidArgumentError,
        "invalid_argument": exceptions.InvalidArgumentError,
        "sender_id_mismatch": messaging.SenderIdMismatchError,
        "third_party_auth": messaging.ThirdPartyAuthError,
        "quota": messaging.QuotaExceededError,
    }
    addresses = {fault: f"sdk-{fault}-{uuid.uuid4().hex}" for fault in expected}
    await fcm.faults({addresses[fault]: {"fault": fault, "retry_after": 7} for fault in expected if fault})
    answers = await sent_by_sdk(app, *(messaging.Message(fid=address) for address in addresses.values()))
    found = {fault: answer.exception for fault, answer in zip(expected, answers, strict=True)}
    assert {fault: type(error) if error else None for fault, error in found.items()} == expected
    assert answers[0].message_id.startswith("projects/ksmp-dev/messages/")
    assert found["quota"].http_response.headers["Retry-After"] == "7"
    assert "registration token" in str(found["invalid_token"])
    assert await fcm.reached(addresses[""]) == Reached(1, 1, 1)


@pytest.mark.filterwarnings("ignore:Message.token is deprecated")
async def test_the_sdk_repeats_what_fcm_could_not_do(app: firebase_admin.App, fcm: StandIn) -> None:
    address = uuid.uuid4().hex
    await fcm.faults({address: {"fault": "unavailable", "times": 1}})
    (answer,) = await sent_by_sdk(app, messaging.Message(token=address))
    assert answer.success
    assert await fcm.reached(address) == Reached(2, 1, 1)


async def test_who_is_not_the_account_gets_no_token(app: firebase_admin.App, fcm: StandIn) -> None:
    """And without a token nothing is sent."""
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}
    answer = await fcm.http.post("/fcm/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    body = {"message": {"fid": "f" * 22}}
    answer = await fcm.http.post("/fcm/v1/projects/ksmp-dev/messages:send", json=body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def of(kind: Kind) -> Outgoing:
    return Outgoing(
        id="d",
        notification_id="n",
        kind=kind,
        subject="s",
        user_id="u",
        title="Algebra",
        body="It begins.",
        link="/live/1",
        data={},
        language="hi",
        time_zone="UTC",
        expires_at=NOW + timedelta(hours=1),
    )


DATA = {"notification_id": "n", "kind": "contract.latest", "link": "/live/1", "tag": "latest"}
SHOWN = {"title": "Algebra", "body": "It begins."}
BY_SDK = {
    Platform.ANDROID: messaging.Message(
        fid="f",
        data=DATA | SHOWN | {"language": "hi"},
        android=messaging.AndroidConfig(ttl=timedelta(hours=1), priority="high", collapse_key="latest"),
    ),
    Platform.IOS: messaging.Message(
        fid="f",
        data=DATA,
        notification=messaging.Notification(**SHOWN),
        apns=messaging.APNSConfig(
            headers={
                "apns-expiration": str(int(NOW.timestamp()) + 3600),
                "apns-priority": "10",
                "apns-collapse-id": "latest",
            },
            payload=messaging.APNSPayload(messaging.Aps(sound="default")),
        ),
    ),
    Platform.WEB: messaging.Message(
        fid="f",
        data=DATA,
        webpush=messaging.WebpushConfig(
            headers={"TTL": "3600", "Urgency": "normal", "Topic": "latest"},
            notification=messaging.WebpushNotification(**SHOWN, tag="latest", language="hi"),
        ),
    ),
}


@pytest.mark.parametrize("platform", Platform)
def test_our_message_is_that_of_the_sdk(platform: Platform) -> None:
    ours = json.loads(message_for(of(LATEST), Address("i", platform, "fid", "f"), NOW))
    assert ours == {"message": json.loads(str(BY_SDK[platform]))}

"""Events of SES as a queue gets them: in an envelope of SNS or as they are, and what is none."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from modules.notify.facade import Kind
from modules.notify.mail.events import read_event
from modules.notify.mail.scopes import ALL, is_stopped, scope_of

BOUNCE: dict[str, Any] = {
    "eventType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [{"emailAddress": "a@example.com", "action": "failed", "status": "5.1.1"}],
        "timestamp": "2026-12-01T12:00:00.000Z",
        "feedbackId": "f",
        "reportingMTA": "dsn; x",
    },
    "mail": {
        "timestamp": "2026-12-01T12:00:00.000Z",
        "messageId": "m-1",
        "destination": ["a@example.com"],
        "tags": {"ses:operation": ["SendEmail"], "delivery": ["d-1"]},
    },
}


def test_an_event_is_read_with_its_envelope_and_without() -> None:
    envelope = {"Type": "Notification", "MessageId": "x", "TopicArn": "arn", "Message": json.dumps(BOUNCE)}
    for body in (json.dumps(envelope), json.dumps(BOUNCE)):
        event = read_event(body)
        assert (event.event_type, event.mail.message_id, event.mail.delivery_id) == ("Bounce", "m-1", "d-1")
        assert event.bounce is not None
        assert event.bounce.is_permanent
        assert event.bounce.detail == "Permanent General 5.1.1"


def test_mail_of_others_names_no_delivery() -> None:
    assert read_event(json.dumps({**BOUNCE, "mail": {**BOUNCE["mail"], "tags": {}}})).mail.delivery_id == ""


@pytest.mark.parametrize("body", ["", "{}", "x", '{"Type": "SubscriptionConfirmation", "Token": "t"}', "[1]"])
def test_what_is_no_event(body: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_event(body)


class Nothing(msgspec.Struct, frozen=True):
    pass


def test_scopes() -> None:
    reminder = Kind(name="payments.reminder", data=Nothing, title="x")
    paid = Kind(name="payments.confirmed", data=Nothing, title="x", receipt=True)
    assert (scope_of(reminder), scope_of(paid)) == ("payments", "payments.confirmed")
    assert is_stopped(reminder, {"payments"})
    assert not is_stopped(paid, {"payments"})
    assert is_stopped(paid, {"payments.confirmed"})
    assert is_stopped(paid, {ALL})

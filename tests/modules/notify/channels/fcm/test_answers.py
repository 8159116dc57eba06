"""What each answer of FCM means for one device."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modules.notify.channels.fcm.answers import Fate, judged, retry_after
from modules.notify.channels.fcm.http_client import HttpAnswer
from modules.notify.channels.fcm.message import cut

FCM = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


def answer(status: int, code: str = "", text: str = "", field: str = "", wait: str = "") -> HttpAnswer:
    details: list[dict[str, Any]] = [{"@type": FCM, "errorCode": code}] if code else []
    if field:
        details.append({"fieldViolations": [{"field": field, "description": text}]})
    body = {"error": {"code": status, "message": text, "status": "S", "details": details}}
    return HttpAnswer(status, json.dumps(body).encode(), wait)


@pytest.mark.parametrize(
    "given",
    [
        answer(404, "UNREGISTERED", "Requested entity was not found."),
        answer(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"),
        answer(400, "INVALID_ARGUMENT", "Invalid registration token"),
        answer(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", field="message.token"),
        answer(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", field="message.fid"),
    ],
)
def test_fault_1_a_dead_address_is_gone(given: HttpAnswer) -> None:
    assert judged(given).fate is Fate.GONE


@pytest.mark.parametrize(
    "given",
    [
        answer(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
        answer(400, "INVALID_ARGUMENT", "Invalid value at 'message.data[0].value'", field="message.data[0].value"),
        answer(400, "INVALID_ARGUMENT", "Android message is too big"),
        # It speaks of tokens, and means another field.
        answer(400, "INVALID_ARGUMENT", "The registration token is not a valid", field="message.android.ttl"),
        answer(403, "SENDER_ID_MISMATCH", "SenderId mismatch"),
        answer(404, "", "Project not found"),
        answer(401, "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS"),
        HttpAnswer(404, b"<html>Not Found</html>"),
    ],
)
def test_fault_1_a_good_device_stays(given: HttpAnswer) -> None:
    result = judged(given)
    assert result.fate is not Fate.GONE
    assert result.alarm or result.fate is Fate.UNKNOWN


@pytest.mark.parametrize(
    "given",
    [
        HttpAnswer(200, b"<html>"),
        HttpAnswer(200, b"{}"),
        HttpAnswer(200, b'{"name": ""}'),
        HttpAnswer(502, b"<html>Bad Gateway</html>"),
        HttpAnswer(503, b""),
        HttpAnswer(200, b"\xff\xfe"),
        HttpAnswer(302, b""),
    ],
)
def test_what_fcm_has_not_said_is_unknown(given: HttpAnswer) -> None:
    assert judged(given).fate is Fate.UNKNOWN


def test_what_says_nothing_of_the_message_counts_no_try() -> None:
    quota, ill = answer(429, "QUOTA_EXCEEDED", wait="9"), answer(500, "INTERNAL")
    for given in (quota, ill, answer(503, "UNAVAILABLE", wait="9")):
        result = judged(given)
        assert (result.fate, result.counted) == (Fate.LATER, False)
        assert result.retry_after == (9.0 if given.retry_after else None)
    assert judged(HttpAnswer(429, b"<html>", "9")).retry_after == 9.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", None), ("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("nan", None), ("99999999", 3600.0),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_what_is_too_long_is_cut_between_characters() -> None:
    hindi = "गणित की कक्षा " * 200
    short = cut(hindi, 2000)
    assert len(short.encode()) <= 2000
    assert short.endswith("…")
    assert hindi.startswith(short[:-1])
    assert cut("short", 2000) == "short"

"""What FCM answers, in its own words."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from devcloud.fcm.devices import DeviceFault
from devcloud.fcm.messages import Malformed
from devcloud.wire import Response

HTML: Final = b"<html><head><title>Error</title></head><body><h1>Server Error</h1></body></html>"
FCM_ERROR: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
# The status, the status' name, FCM's own code, and the text.
ERRORS: Final = {
    "unregistered": (404, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found."),
    "invalid_token": (
        400,
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
        "The registration token is not a valid FCM registration token",
    ),
    "invalid_argument": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "sender_id_mismatch": (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", "SenderId mismatch"),
    "unauthenticated": (
        401,
        "UNAUTHENTICATED",
        "",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential.",
    ),
    "third_party_auth": (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS or Web Push Service"),
    "quota": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Quota exceeded for quota metric 'Message send requests'."),
    "internal": (500, "INTERNAL", "INTERNAL", "Internal error encountered."),
    "unavailable": (503, "UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable."),
}


def sent(name: str) -> Response:
    """FCM has taken the message."""
    return document({"name": name})


def failed(fault: DeviceFault) -> Response:
    """What a fault of a device looks like."""
    if fault.fault in ("cut", "hang"):
        return Response(cut=True)
    if fault.fault in ("html", "html_ok"):
        status = 200 if fault.fault == "html_ok" else 502
        return Response(status=status, headers=(("content-type", "text/html; charset=UTF-8"),), body=HTML)
    return error(fault.fault, retry_after=fault.retry_after)


def error(name: str, *, text: str = "", retry_after: float | None = None, field: str = "") -> Response:
    """An error of ERRORS."""
    code, status, fcm, words = ERRORS[name]
    details: list[dict[str, Any]] = [{"@type": FCM_ERROR, "errorCode": fcm}] if fcm else []
    if field:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": text or words}]})
    body: dict[str, Any] = {"error": {"code": code, "message": text or words, "status": status}}
    if details:
        body["error"]["details"] = details
    headers = (("retry-after", f"{retry_after:g}"),) if retry_after is not None else ()
    return document(body, code, headers)


def malformed(problem: Malformed) -> Response:
    return error("invalid_argument", text=str(problem), field=problem.field)


def document(body: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    own = (("content-type", "application/json; charset=UTF-8"), *headers)
    return Response(status=status, headers=own, body=msgspec.json.encode(body))

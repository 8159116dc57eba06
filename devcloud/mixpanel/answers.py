"""What Mixpanel answers, and what faults of it look like."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from devcloud.wire import Response

HTML: Final = b"<html><head><title>502 Server Error</title></head><body><h1>Error: Server Error</h1></body></html>"
STATUSES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
# By the name of the fault.
ERRORS: Final = {
    "rate_limited": (429, "Project exceeded rate limits. Please retry the request with exponential backoff."),
    "server_error": (500, "Internal Server Error"),
    "unavailable": (503, "Service Unavailable"),
    "unauthorized": (401, "Invalid credentials"),
}
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class MixpanelFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What happens to the next `times` requests, or to all when it is 0.

    `retry_after` is the header of that name. `hang` is how long nothing is answered. With `accepted` Mixpanel does what
    it was asked, and only the answer is lost.
    """

    fault: Literal["", "rate_limited", "server_error", "unavailable", "unauthorized", "html", "html_ok", "cut"] = ""
    times: Annotated[int, msgspec.Meta(ge=0)] = 0
    retry_after: int | None = None
    hang: Seconds = 0.0
    accepted: bool = False


def failed(fault: MixpanelFault) -> Response:
    if fault.fault == "cut":
        return Response(cut=True)
    if fault.fault in ("html", "html_ok"):
        status = 200 if fault.fault == "html_ok" else 502
        return Response(status=status, headers=(("content-type", "text/html"),), body=HTML)
    status, text = ERRORS[fault.fault]
    headers = (("retry-after", str(fault.retry_after)),) if fault.retry_after is not None else ()
    return error(status, text, headers)


def error(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return document({"code": status, "error": text, "status": STATUSES[status]}, status, headers)


def document(body: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    own = (("content-type", "application/json"), *headers)
    return Response(status=status, headers=own, body=msgspec.json.encode(body))

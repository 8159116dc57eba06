"""The answer to a request that is refused before the application sees it: a problem (RFC 9457), and the end of the
connection."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from gateway.errors import Code
from gateway.identifier import new_id

CODES = {
    HTTPStatus.FORBIDDEN: Code.FORBIDDEN,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Code.TOO_LARGE,
    HTTPStatus.SERVICE_UNAVAILABLE: Code.UNAVAILABLE,
    HTTPStatus.TOO_MANY_REQUESTS: Code.RATE_LIMITED,
}
TEMPORARY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)


def refusal(status: HTTPStatus, detail: str, headers: str = "") -> bytes:
    """A whole response; `headers` are further lines, each with its end."""
    id = new_id()
    body = msgspec.json.encode(
        {
            "status": status.value,
            "title": status.phrase,
            "detail": detail,
            "code": CODES.get(status, Code.INVALID),
            "temporary": status in TEMPORARY,
            "request_id": id,
        }
    )
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n{headers}content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\ncache-control: no-store\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body

"""Uploads by presigned POST: holds them to the policy they were signed with, which moto does not read.

S3 checks the policy before it stores anything; so does this, in front of moto.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import msgspec

from devcloud.wire import Request, Response

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_NAME = re.compile(rb'[; ]name="([^"]*)"')


class Policy(msgspec.Struct):
    """A signed policy; a condition is `{"bucket": "b"}` or `["starts-with", "$key", "uploads/"]`."""

    expiration: str
    conditions: list[dict[str, str] | list[str | int]]


class Broken(Exception):
    """The upload is against its policy; `code` is S3's."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def refusal(request: Request) -> Response | None:
    """The answer to an upload that its policy forbids; None when moto may have the request."""
    content_type = request.header("content-type")
    if request.method != "POST" or not content_type.startswith("multipart/form-data"):
        return None
    try:
        fields, size = _fields(content_type, request.body)
        fields.setdefault("bucket", request.path.strip("/"))
        if "policy" in fields:
            _check(_policy(fields["policy"]), fields, size)
    except Broken as broken:
        body = f"<Error><Code>{broken.code}</Code><Message>{escape(str(broken))}</Message></Error>"
        headers = (("content-type", "application/xml"),)
        return Response(status=broken.status, headers=headers, body=f'<?xml version="1.0"?>\n{body}'.encode())
    return None


def _check(policy: Policy, fields: dict[str, str], size: int) -> None:
    if datetime.fromisoformat(policy.expiration) < datetime.now(UTC):
        raise Broken("AccessDenied", "Invalid according to Policy: Policy expired.")
    for condition in policy.conditions:
        match condition:
            case dict():
                for name, value in condition.items():
                    _compare("eq", name, value, fields)
            case ["content-length-range", least, most]:
                if size < int(least):
                    raise Broken("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400)
                if size > int(most):
                    raise Broken("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400)
            case [verb, name, value]:
                _compare(str(verb), str(name).removeprefix("$"), str(value), fields)
            case _:
                raise Broken("InvalidPolicyDocument", f"Invalid Policy: Invalid condition {condition}.", 400)


def _compare(verb: str, name: str, value: str, fields: dict[str, str]) -> None:
    given = fields.get(name.lower(), "")
    good = given.startswith(value) if verb == "starts-with" else given == value
    if not good:
        raise Broken("AccessDenied", f'Invalid according to Policy: Policy Condition failed: ["{verb}", "${name}"]')


def _policy(text: str) -> Policy:
    try:
        return msgspec.json.decode(base64.b64decode(text), type=Policy)
    except (msgspec.DecodeError, binascii.Error):
        raise Broken("InvalidPolicyDocument", "Invalid Policy: Invalid JSON.", 400) from None


def _fields(content_type: str, body: bytes) -> tuple[dict[str, str], int]:
    """The form's fields, and the size of its file."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise Broken("MalformedPOSTRequest", "The body of your POST request is not well-formed.", 400)
    fields: dict[str, str] = {}
    size = 0
    # What stands before the first boundary and behind the last one is none of the form's.
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            continue
        if name[1] == b"file":
            size = len(content)
        else:
            fields[name[1].decode(errors="replace").lower()] = content.decode(errors="replace")
    return fields, size

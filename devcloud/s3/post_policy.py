"""The policy of an upload by POST, and whether the form keeps to it. Who signed it is checked by `signatures`."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Final

import msgspec

from devcloud.s3.errors import S3Error, denied

# Fields that no condition has to name.
_FREE: Final = {"x-amz-signature", "signature", "policy", "awsaccesskeyid", "file", "bucket"}


class Policy(msgspec.Struct):
    """A condition is `{"bucket": "b"}` or `["starts-with", "$key", "uploads/"]`."""

    expiration: datetime
    conditions: list[dict[str, str] | list[str | int]]


def check_policy(fields: dict[str, str], size: int, now: datetime) -> None:
    """Check the form's fields, `bucket` among them, and the size of its file in bytes; raises S3Error."""
    policy = _policy(fields["policy"])
    if policy.expiration < now:
        raise denied("Invalid according to Policy: Policy expired.")
    named = set(_FREE)
    sizes: list[tuple[int, int]] = []
    for condition in policy.conditions:
        match condition:
            case dict():
                for name, value in condition.items():
                    named.add(_compare("eq", name, value, fields))
            case ["content-length-range", least, most]:
                sizes.append((int(least), int(most)))
            case ["eq" | "starts-with" as verb, str(name), value]:
                named.add(_compare(verb, name.removeprefix("$"), str(value), fields))
            case _:
                raise S3Error("InvalidPolicyDocument", f"Invalid Policy: Invalid condition {condition}.")
    extra = sorted(name for name in fields if name not in named and not name.startswith("x-ignore-"))
    if extra:
        raise denied(f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")
    for least, most in sizes:
        if size < least:
            raise S3Error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        if size > most:
            raise S3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")


def _compare(verb: str, name: str, value: str, fields: dict[str, str]) -> str:
    """Check one condition; returns the name of its field."""
    given = fields.get(name.lower(), "")
    good = given.startswith(value) if verb == "starts-with" else given == value
    if not good:
        raise denied(f'Invalid according to Policy: Policy Condition failed: ["{verb}", "${name}", "{value}"]')
    return name.lower()


def _policy(text: str) -> Policy:
    try:
        policy = msgspec.json.decode(base64.b64decode(text), type=Policy)
    except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError):
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid JSON.") from None
    if policy.expiration.tzinfo is None:
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid 'expiration' value.")
    return policy

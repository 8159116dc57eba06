"""AWS signature version 4 for S3: what the credentials of the gateway sign, for a day, a region and a service."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Final

import msgspec

from gateway.settings import SettingsError

ALGORITHM: Final = "AWS4-HMAC-SHA256"


class AccessKey(msgspec.Struct, frozen=True):
    """Credentials of AWS; those of a role have a `session`, and what they sign ends with it."""

    id: str
    secret: str
    session: str | None = None

    def __repr__(self) -> str:
        return f"AccessKey({self.id!r})"


def access_key(text: str, variable: str) -> AccessKey | None:
    """`id:secret`, or None for nothing. Raises SettingsError, which names the variable and does not show it."""
    id, mark, secret = text.partition(":")
    if text and not (id and secret):
        raise SettingsError(f"{variable} has a bad value (hidden): it must be `id:secret`.")
    return AccessKey(id, secret) if mark else None


class Signer:
    """Signs for S3 at one moment, which is in UTC."""

    def __init__(self, key: AccessKey, region: str, at: datetime) -> None:
        self.key = key
        self.stamp = at.strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.stamp[:8]}/{region}/s3/aws4_request"
        self.credential = f"{key.id}/{self.scope}"
        secret = f"AWS4{key.secret}".encode()
        for part in self.scope.split("/"):
            secret = hmac.digest(secret, part.encode(), "sha256")
        self._secret = secret

    def sign(self, text: str) -> str:
        """The signature of a text, in hex."""
        return hmac.digest(self._secret, text.encode(), "sha256").hex()

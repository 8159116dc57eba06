"""Unsubscribing: the links of mails, which need no sign-in, and what they do.

A link names a user and a category, signed by a key that all gateways share. It says nothing of the address, and is
good for as long as the user is there. Programs that look for harmful links open each of them: so opening one shows a
page, and only a POST turns something off (RFC 8058).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final

import msgspec

from gateway.errors import BadInput, not_found
from modules.notify.facade import EMAIL
from modules.notify.mail.repository import MailRepository

TAG_BYTES: Final = 16
# (the user, the category, the channel)
TurnOff = Callable[[str, str, str], Awaitable[None]]


class Subscription(msgspec.Struct, frozen=True, array_like=True):
    """What a link is for. `language` is that of its mail, for the page."""

    user_id: str
    category: str
    language: str


class Unsubscribing:
    """Raises Unavailable without PostgreSQL; the key is read once."""

    def __init__(self, rows: MailRepository, turn_off: TurnOff) -> None:
        self._rows = rows
        self._turn_off = turn_off
        self._key = b""

    async def open(self) -> None:
        """Read the key, for `token`."""
        if not self._key:
            self._key = await self._rows.key()

    def token(self, subscription: Subscription) -> str:
        """The last part of a link."""
        body = msgspec.msgpack.encode(subscription)
        return base64.urlsafe_b64encode(self._tag(body) + body).rstrip(b"=").decode()

    async def read(self, token: str) -> Subscription:
        """Raises BadInput `not_found` for a token that no mail had."""
        await self.open()
        try:
            signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (ValueError, binascii.Error):
            raise _no_link() from None
        tag, body = signed[:TAG_BYTES], signed[TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(body)):
            raise _no_link()
        return msgspec.msgpack.decode(body, type=Subscription)

    async def unsubscribe(self, token: str) -> Subscription:
        """Send the user no mail of the category any more; done again it changes nothing."""
        subscription = await self.read(token)
        await self._turn_off(subscription.user_id, subscription.category, EMAIL)
        return subscription

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, sha256)[:TAG_BYTES]


def _no_link() -> BadInput:
    return not_found("this link is not from one of our mails, or not all of it was copied")

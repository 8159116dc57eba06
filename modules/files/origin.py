"""URLs of the origin from which files are sent that a browser would run, such as SVG and HTML.

Nobody is signed in there, and no page of the platform comes from there. So a file that gets to run after all finds
nothing. A URL names the file, the name under which it is sent and its end, and is signed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway import clock
from gateway.errors import BadInput, Unavailable, not_found
from gateway.settings import SettingsError, is_loopback
from modules.files.settings import FilesSettings

PATH: Final = "/api/v1/files/content/"
SHORTEST: Final = 32
SIGNATURE: Final = 32


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What a URL says. `until` is in milliseconds since the Unix epoch, `host` that of the origin."""

    file_id: str
    name: str
    until: int
    host: str


class ContentOrigin:
    """Without an origin, in development, it is the other name of this machine: 127.0.0.1 or localhost."""

    def __init__(self, settings: FilesSettings, *, production: bool) -> None:
        self._origin = settings.origin.rstrip("/")
        self._production = production
        # Gateways of a development have a port each, so a key of its own is enough for each.
        self._key = settings.origin_key.encode() or secrets.token_bytes(SHORTEST)

    @property
    def is_there(self) -> bool:
        return bool(self._origin) or not self._production

    def url(self, file_id: str, name: str, until: datetime, asked: str) -> str:
        """`asked` is the address at which the gateway was asked. Raises Unavailable when there is no origin."""
        if not self.is_there:
            raise Unavailable("no origin for files of this type is set up", retry_after=None)
        origin = self._origin or _other_name(asked)
        ticket = msgspec.json.encode(Ticket(file_id, name, clock.to_ms(until), urlsplit(origin).netloc))
        token = base64.urlsafe_b64encode(self._sign(ticket) + ticket).rstrip(b"=").decode()
        return f"{origin}{PATH}{token}"

    def read(self, token: str, host: str) -> tuple[str, str]:
        """The id of the file, and the name under which it is sent, of a URL that was asked for at this host.

        Raises BadInput `not_found` for one that is not ours, is over, or is asked for at another host.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _unknown() from None
        signature, text = raw[:SIGNATURE], raw[SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(text)):
            raise _unknown()
        ticket = msgspec.json.decode(text, type=Ticket)
        if ticket.until <= clock.now_ms() or ticket.host != host:
            raise _unknown()
        return ticket.file_id, ticket.name

    def _sign(self, text: bytes) -> bytes:
        return hmac.digest(self._key, b"files.content\0" + text, "sha256")


def check_origin(settings: FilesSettings, *, production: bool) -> None:
    """Raises SettingsError for an origin without a key by which all gateways know its URLs, and for a short key.

    Also for an origin that no browser would name so: its URLs would be refused when they come back.
    """
    parts = urlsplit(settings.origin.rstrip("/"))
    named_so = parts.netloc == parts.netloc.lower() and not parts.netloc.endswith((":443", ":80"))
    if settings.origin and (not named_so or parts.path or parts.query or parts.fragment or "@" in parts.netloc):
        raise SettingsError(
            "KSMP_FILES_ORIGIN must be `https://host` in lower case, without a path, and without the port of https."
        )
    if settings.origin_key and len(settings.origin_key) < SHORTEST:
        raise SettingsError(f"KSMP_FILES_ORIGIN_KEY is too short: it must have {SHORTEST} characters or more.")
    if production and settings.origin and not settings.origin_key:
        raise SettingsError("KSMP_FILES_ORIGIN is set, so KSMP_FILES_ORIGIN_KEY must be set too.")


def _other_name(asked: str) -> str:
    """Another origin of the same machine; a page of one may not read what the other one has."""
    parts = urlsplit(asked)
    host = parts.hostname or ""
    if not is_loopback(host):
        return asked.rstrip("/")
    other = "127.0.0.1" if host == "localhost" else "localhost"
    return f"{parts.scheme}://{other}" + (f":{parts.port}" if parts.port else "")


def _unknown() -> BadInput:
    return not_found("there is no such file, or its URL is over")

"""The address of a NATS server, `nats://user:password@host:port`, and the list of them in a setting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

PORT: Final = 4222
SCHEMES: Final = ("nats", "tls")

# A comma parts two servers, unless it stands in the user or the password of a server: before its `@`.
_BETWEEN = re.compile(r",\s*(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """Where one server is, and who connects: a user with a password, a token, or nobody. `url` names nobody."""

    url: str
    user: str | None = None
    password: str | None = None
    token: str | None = None

    @classmethod
    def parse(cls, text: str) -> NatsAddress:
        """Read `nats://host:port` or `tls://…`. Percent escapes stand for what they escape, and `@` needs one.

        Raises ValueError, whose message does not repeat the text.
        """
        scheme, marked, rest = text.strip().rpartition("://")
        scheme = scheme.lower() if marked else "nats"
        if scheme not in SCHEMES:
            raise ValueError("the address of a NATS server begins with nats:// or tls://")
        who, named, place = rest.rpartition("@")
        host, port = _place(place)
        user, secret, password = who.partition(":")
        url = f"{scheme}://{host}:{port}"
        if not named:
            return cls(url)
        if not secret:
            return cls(url, token=unquote(user))
        return cls(url, unquote(user), unquote(password))


def _place(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port or PORT
    except ValueError:
        host, port = "", 0
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("the address of a NATS server is like nats://host:4222, and like nats://[::1]:4222 with IPv6")
    return (f"[{host}]" if ":" in host else host), port


def split(text: str) -> list[str]:
    """The addresses of a list that commas part."""
    return [address for part in _BETWEEN.split(text) for address in _addresses(part) if address]


def _addresses(part: str) -> Iterator[str]:
    """Those of `nats://user:pass,word@one:4222,two:4222`: the first `@` ends the first server's password."""
    who, named, places = part.partition("@")
    if not named:
        yield from (place.strip() for place in part.split(","))
        return
    place, _, others = places.partition(",")
    yield f"{who}@{place}".strip()
    yield from _addresses(others)

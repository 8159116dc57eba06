"""The opening handshake of a WebSocket (RFC 6455, section 4.2), from headers that are parsed already. No IO."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from websockets.exceptions import InvalidHandshake, NegotiationError
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension

from gateway.protocol.codec import Codec, choose
from gateway.realtime.frame_encoder import WINDOW_BITS
from gateway.transport.refusal import refusal

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# 16 bytes in base64.
KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
# A compressed frame fits every connection, and no connection keeps a compression window.
DEFLATE: Final = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=WINDOW_BITS,
    client_max_window_bits=12,
    compress_settings={"memLevel": 5},
)

Headers = Sequence[tuple[bytes, bytes]]


class Refused(Exception):
    """The handshake is not one, or is not taken; `response` says why."""

    def __init__(self, status: HTTPStatus, detail: str, headers: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self._headers = headers

    @property
    def response(self) -> bytes:
        return refusal(self.status, str(self), self._headers)


@dataclass(frozen=True, slots=True)
class Extension:
    """What was agreed about permessage-deflate: nothing, or the windows of both sides.

    `client_bits` is the window of what the client sends, 0 without compression. `shared` says whether the client reads
    frames that were compressed once for all members of a room.
    """

    header: bytes = b""
    client_bits: int = 0
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Handshake:
    """One that may be accepted: `response` then is the answer."""

    origin: str | None
    codec: Codec
    extension: Extension
    response: bytes


def is_upgrade(headers: Headers) -> bool:
    """Whether a request asks for a WebSocket."""
    connection = _tokens(headers, b"connection")
    return b"upgrade" in connection and _tokens(headers, b"upgrade") == [b"websocket"]


def read(headers: Headers, date: Headers) -> Handshake:
    """The handshake of a GET request in HTTP/1.1 that is an upgrade; its names are in lower case. Raises Refused.

    `date` are the headers that every answer has.
    """
    for name, value in headers:
        # What is behind the head would be read as frames.
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            raise Refused(HTTPStatus.BAD_REQUEST, "a handshake has no body")
    key = _single(headers, b"sec-websocket-key")
    if key is None or not KEY.fullmatch(key):
        raise Refused(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64")
    version = _single(headers, b"sec-websocket-version")
    if version is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Version is missing")
    if version != b"13":
        says = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        raise Refused(HTTPStatus.UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13", says)
    origin = _single(headers, b"origin")
    asked = b",".join(value for name, value in headers if name == b"sec-websocket-extensions")
    extension = _agreed(asked) if len(asked) < 200 else _negotiated(asked)
    offered = [value for name, value in headers if name == b"sec-websocket-protocol"]
    codec, subprotocol = choose([one.strip() for one in b",".join(offered).decode("latin-1").split(",")])
    accept = b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        accept,
    ]
    if extension.header:
        lines += [b"\r\nSec-WebSocket-Extensions: ", extension.header]
    if subprotocol is not None:
        lines += [b"\r\nSec-WebSocket-Protocol: ", subprotocol.encode()]
    for name, value in date:
        lines += [b"\r\n", name, b": ", value]
    lines.append(b"\r\n\r\n")
    return Handshake(None if origin is None else origin.decode("latin-1"), codec, extension, b"".join(lines))


def _single(headers: Headers, wanted: bytes) -> bytes | None:
    """The value of a header that may come once; raises Refused."""
    found = [value for name, value in headers if name == wanted]
    if len(found) > 1:
        raise Refused(HTTPStatus.BAD_REQUEST, f"more than one {wanted.decode()}")
    return found[0] if found else None


def _tokens(headers: Headers, wanted: bytes) -> list[bytes]:
    return [token.strip().lower() for name, value in headers if name == wanted for token in value.split(b",")]


def _negotiated(asked: bytes) -> Extension:
    """Clients ask for the first of several offers that the server can take; raises Refused."""
    if not asked:
        return Extension()
    try:
        offers = parse_extension(asked.decode("latin-1"))
    except InvalidHandshake:
        raise Refused(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Extensions is malformed") from None
    for name, parameters in offers:
        if name != DEFLATE.name:
            continue
        try:
            answer, agreed = DEFLATE.process_request_params(parameters, [])
        except NegotiationError:
            continue
        if not isinstance(agreed, PerMessageDeflate):
            raise TypeError("permessage-deflate was expected")
        return Extension(
            build_extension([(name, answer)]).encode(),
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits >= WINDOW_BITS,
        )
    return Extension()


# Nearly all clients send one of a few values.
_agreed = lru_cache(maxsize=128)(_negotiated)

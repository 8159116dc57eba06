"""The error codes of the core, and the close codes: what the protocol's page lists."""

from __future__ import annotations

import enum


class Code(enum.StrEnum):
    """Error codes of the core. A module's own codes begin with its name and a dot."""

    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NOT_JOINED = "not_joined"
    UNKNOWN_COMMAND = "unknown_command"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class CloseCode(enum.IntEnum):
    """Why a gateway closes a connection. 4000–4499: the client reconnects; 4500–4999: it does not."""

    DRAIN = 4000
    SLOW = 4001
    PING_TIMEOUT = 4002
    BUS_LOST = 4003
    TOKEN_EXPIRED = 4010
    UNAUTHENTICATED = 4500
    REVOKED = 4501
    PROTOCOL_ERROR = 4502
    DISPLACED = 4503
    BANNED = 4504
    MESSAGE_TOO_LARGE = 4505
    FLOOD = 4506

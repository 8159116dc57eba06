"""Every error code and close code, in one table each.

KsmpError                 anything a caller is told about, with a stable code
├── BadInput              the caller must change the request: invalid, too_large, unknown_command …
│   └── Conflict          it does not fit the present state of things: conflict, and a module's own
├── Refused               the caller may not: unauthenticated, token_expired, forbidden
│   ├── Revoked           the token may not be used any more: unauthenticated
│   ├── Banned            the user is kept out of the platform: forbidden
│   └── Restricted        taken away from this user in this room, perhaps for a time: forbidden, or a module's
├── Limited               too much, too fast: rate_limited
└── Unavailable           a dependency is away: the same request may succeed later

An HTTP route turns one into problem details (RFC 9457), a socket into an error reply. Any other
exception becomes `internal` with a trace id, and a logged traceback.
"""

from __future__ import annotations

import enum
from typing import Final


class Code(enum.StrEnum):
    """The error codes of the core; a module's own begin with its name and a dot.

    Those in HTTP_ONLY are of routes alone.
    """

    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_JOINED = "not_joined"
    UNKNOWN_COMMAND = "unknown_command"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    KEY_REUSED = "key_reused"
    INTERNAL = "internal"


# What a socket has no word for.
HTTP_ONLY: Final = frozenset(
    {Code.METHOD_NOT_ALLOWED, Code.PRECONDITION_FAILED, Code.PRECONDITION_REQUIRED, Code.KEY_REUSED}
)

HTTP_STATUS: Final[dict[str, int]] = {
    Code.UNAUTHENTICATED: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.NOT_JOINED: 409,
    Code.UNKNOWN_COMMAND: 404,
    Code.INVALID: 400,
    Code.RATE_LIMITED: 429,
    Code.TOO_LARGE: 413,
    Code.CONFLICT: 409,
    Code.UNAVAILABLE: 503,
    Code.PRECONDITION_FAILED: 412,
    Code.PRECONDITION_REQUIRED: 428,
    Code.KEY_REUSED: 422,
    Code.INTERNAL: 500,
}


class CloseCode(enum.IntEnum):
    """Why the server closes a socket. 4000–4499: reconnect; 4500–4999: not without a person."""

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

    @property
    def reconnect(self) -> bool:
        """Whether a client should come back by itself."""
        return self < 4500

    @property
    def reason(self) -> str:
        """The sentence sent in the close frame, at most 123 bytes."""
        return CLOSE_REASON[self]


CLOSE_REASON: Final[dict[CloseCode, str]] = {
    CloseCode.DRAIN: "drain: the node is going away",
    CloseCode.SLOW: "slow: the client did not read fast enough",
    CloseCode.PING_TIMEOUT: "ping timeout",
    CloseCode.BUS_LOST: "bus lost, or a new epoch",
    CloseCode.TOKEN_EXPIRED: "token expired: connect with a fresh one",
    CloseCode.UNAUTHENTICATED: "unauthenticated",
    CloseCode.REVOKED: "revoked: sign in again",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.DISPLACED: "displaced by a newer connection of this user",
    CloseCode.BANNED: "banned from the platform",
    CloseCode.MESSAGE_TOO_LARGE: "message too large",
    CloseCode.FLOOD: "flood: commands far over the limit",
}


class KsmpError(Exception):
    """An error with a stable code that its caller is told about.

    `temporary` says whether the same request may succeed later, `retry_after` in how many seconds.
    """

    temporary: bool = False
    # The HTTP status of a code that HTTP_STATUS does not hold, such as a module's.
    status: int = 400

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message
        self.retry_after = retry_after


class BadInput(KsmpError):
    """The request itself is wrong; repeating it changes nothing. `field` names the part at fault, if it is one."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(code, message)
        self.field = field


class Conflict(BadInput):
    """The request is well formed, but does not fit the present state of what it is about.

    With `retry_after` that state is about to change by itself. With `current`, a struct that the caller may read, a
    route answers that state too: what somebody else has written in between.
    """

    status = 409

    def __init__(
        self,
        message: str,
        *,
        code: str = Code.CONFLICT,
        retry_after: float | None = None,
        current: object | None = None,
    ) -> None:
        super().__init__(code, message)
        self.current = current
        self.retry_after = retry_after
        self.temporary = retry_after is not None


class Refused(KsmpError):
    """The caller may not do this, or has not shown who they are.

    `close_code` is what ends a connection that gets no further than this.
    """

    status = 403
    close_code: CloseCode = CloseCode.UNAUTHENTICATED

    @property
    def token_was_good(self) -> bool:
        """Whether the issuer has signed the token that was shown, so that nobody can make up more of them."""
        return self.code != Code.UNAUTHENTICATED


class Revoked(Refused):
    """The token was good and is not any more; a new sign-in gives another."""

    close_code = CloseCode.REVOKED
    token_was_good = True

    def __init__(self, message: str) -> None:
        super().__init__(Code.UNAUTHENTICATED, message)


class Banned(Refused):
    """The user is kept out, with any token."""

    close_code = CloseCode.BANNED

    def __init__(self, message: str) -> None:
        super().__init__(Code.FORBIDDEN, message)


class Restricted(Refused):
    """The user may not do this in this room; with `retry_after` it ends by itself."""

    def __init__(self, message: str, *, retry_after: float | None, code: str = Code.FORBIDDEN) -> None:
        super().__init__(code, message, retry_after=retry_after)
        self.temporary = retry_after is not None


class Limited(KsmpError):
    """A limit was reached; the same request succeeds after `retry_after` seconds."""

    temporary = True
    status = 429

    def __init__(self, message: str, *, retry_after: float, code: str = Code.RATE_LIMITED) -> None:
        super().__init__(code, message, retry_after=retry_after)


class Unavailable(KsmpError):
    """A dependency did not answer. What was asked may or may not have happened."""

    temporary = True
    status = 503

    def __init__(self, message: str, *, retry_after: float | None = 1.0) -> None:
        super().__init__(Code.UNAVAILABLE, message, retry_after=retry_after)


def invalid(message: str, *, field: str | None = None) -> BadInput:
    """What the caller sent is malformed, or out of bounds: 400 `invalid`."""
    return BadInput(Code.INVALID, message, field=field)


def not_found(message: str) -> BadInput:
    """There is no such thing: 404 `not_found`."""
    return BadInput(Code.NOT_FOUND, message)


def forbidden(message: str) -> Refused:
    """The caller's role or part does not allow it: 403 `forbidden`."""
    return Refused(Code.FORBIDDEN, message)

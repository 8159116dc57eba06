"""The errors of the client.

CommandFailed             the gateway answered a command with an error, or did not answer it at all
ClosedForGood             the connection has ended, and the client does not reconnect
└── ClientClosed          the program itself closed the client
NotConnected              no gateway let the client in in time
ConnectionLost            inside the client only: the connection ended before the reply came
"""

from __future__ import annotations

from ksmp_client.codes import CloseCode, Code


class CommandFailed(Exception):
    """The error reply to a command: a stable `code`, and whether the same command may succeed later.

    With `unavailable`, the command may have been carried out all the same. `retry_after` is in seconds.
    """

    def __init__(
        self, code: str, message: str, temporary: bool | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message
        self.temporary = bool(temporary)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __repr__(self) -> str:
        return f"CommandFailed({self.code!r}, {self.message!r}, temporary={self.temporary})"


class ClosedForGood(Exception):
    """The gateway closed with 4500–4999, or refused the token. A person has to act before a connection can succeed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class ClientClosed(ClosedForGood):
    """The program closed the client. `code` is 1000."""

    def __init__(self) -> None:
        super().__init__(1000, "the client was closed")


class NotConnected(Exception):
    """There was no first connection within `connect_timeout`. The message names the last obstacle."""


class ConnectionLost(Exception):
    """The connection ended before the reply. The command may have been carried out."""


def no_answer(message: str) -> CommandFailed:
    """The error for a command without a reply. It may have been carried out."""
    return CommandFailed(Code.UNAVAILABLE, message, True)


def refused(error: CommandFailed) -> ClosedForGood:
    """The error that ends a client whose `connect` was refused."""
    closed = ClosedForGood(CloseCode.UNAUTHENTICATED, str(error))
    closed.__cause__ = error
    return closed

"""What goes wrong for a client.

CommandFailed             the server answered a command with an error, or did not answer it at all
ClosedForGood             the connection is over and is not opened again
└── ClientClosed          because the program itself closed it
NotConnected              no gateway let the client in in time
ConnectionLost            inside the client only: the socket went away before the reply came
"""

from __future__ import annotations

from ksmp_client.codes import CloseCode, Code


class CommandFailed(Exception):
    """The error reply to a command: a stable `code`, and whether the same command may succeed later.

    With `unavailable` what was asked may have happened all the same.
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
    """The server closed with 4500–4999, or refused the token: a person has to do something first."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class ClientClosed(ClosedForGood):
    """The client was closed by its own program; `code` is 1000."""

    def __init__(self) -> None:
        super().__init__(1000, "the client was closed")


class NotConnected(Exception):
    """Nothing came of the first connection in the time it was given; the message says what was last in its way."""


class ConnectionLost(Exception):
    """The socket went away; whether the command was carried out is not known."""


def no_answer(message: str) -> CommandFailed:
    """What a caller is told when a command got no reply: it may have been carried out."""
    return CommandFailed(Code.UNAVAILABLE, message, True)


def refused(error: CommandFailed) -> ClosedForGood:
    """The end of a client whose `connect` was refused: what the server would have closed with."""
    closed = ClosedForGood(CloseCode.UNAUTHENTICATED, str(error))
    closed.__cause__ = error
    return closed

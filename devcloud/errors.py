"""Errors that an operation answers with.

Refused            an error of the operation's model, by its name and its documented status
└─ NotBuilt        the operation is in the model, but not in the stand-in
"""

from __future__ import annotations


class Refused(Exception):
    """`code` is the error's name in the service model; `resource` is the kind and id that chat's errors name."""

    def __init__(self, code: str, message: str, *, resource: tuple[str, str] = ("", "")) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.resource = resource


class NotBuilt(Refused):
    """Says so, instead of pretending."""

    def __init__(self, operation: str) -> None:
        super().__init__("NotImplemented", f"{operation} is not built in the stand-in; see devcloud/README.md.")


def not_found(arn: str) -> Refused:
    """The answer to an ARN that nothing has."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    return Refused("ResourceNotFoundException", f"Resource: {arn} not found", resource=(kind.upper(), name))

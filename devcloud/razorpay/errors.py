"""Errors as Razorpay answers them: `{"error": {"code": …, "description": …}}`.

RazorpayError      any of them, with the HTTP status
"""

from __future__ import annotations

from devcloud.document import Document

BAD_REQUEST = "BAD_REQUEST_ERROR"


class RazorpayError(Exception):
    """The members of `error`, and the status of the answer."""

    def __init__(
        self,
        description: str,
        *,
        code: str = BAD_REQUEST,
        status: int = 400,
        source: str = "business",
        step: str = "payment_initiation",
        reason: str = "input_validation_failed",
        field: str | None = None,
    ) -> None:
        super().__init__(description)
        self.description = description
        self.code = code
        self.status = status
        self.source = source
        self.step = step
        self.reason = reason
        self.field = field

    def document(self) -> Document:
        """The answer's body."""
        error: Document = {
            "code": self.code,
            "description": self.description,
            "source": self.source,
            "step": self.step,
            "reason": self.reason,
            "metadata": {},
        }
        if self.field is not None:
            error["field"] = self.field
        return {"error": error}


def not_applicable(description: str, *, status: int = 400, field: str | None = None) -> RazorpayError:
    """An error without a place in the payment: Razorpay writes `NA` then."""
    return RazorpayError(description, status=status, source="NA", step="NA", reason="NA", field=field)


def unknown_id() -> RazorpayError:
    """The answer to an id that nothing has."""
    return RazorpayError("The id provided does not exist")

"""Reads the fields of a request, and refuses bad ones with the words of Razorpay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from devcloud.document import Document
from devcloud.razorpay.entities import Notes
from devcloud.razorpay.errors import RazorpayError

MOST_NOTES = 15
LONGEST_NOTE = 256
SMALLEST = 100
MOST_LISTED = 100


def body_of(raw: bytes) -> Document:
    """The JSON object of a request; an empty body is an empty one."""
    if not raw:
        return {}
    try:
        document = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        raise RazorpayError("The request body is not valid JSON.") from None
    if document is None or document == []:
        return {}
    if not isinstance(document, dict):
        raise RazorpayError("The request body must be a JSON object.")
    return document


def known(body: Document, names: Iterable[str]) -> None:
    """Refuse fields that the operation does not have."""
    extra = sorted(set(body) - set(names))
    if extra:
        said = f"{', '.join(extra)} is/are not required and should not be sent"
        raise RazorpayError(said, reason="extra_field_sent")


def integer(value: Any, name: str) -> int:
    """An integer, which may be written as a string of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 16:
        return int(value)
    raise RazorpayError(f"The {name} must be an integer.", field=name)


def required(body: Document, name: str) -> Any:
    """A field that must be there."""
    if body.get(name) is None:
        raise RazorpayError(f"{name}: is required.", field=name)
    return body[name]


def amount(body: Document, currency: str, name: str = "amount") -> int:
    """An amount that may be charged or refunded."""
    number = integer(required(body, name), name)
    if number < SMALLEST:
        raise RazorpayError(f"The {name} must be at least {currency} 1.00", field=name)
    return number


def currency(body: Document) -> str:
    """A three-letter code."""
    code = required(body, "currency")
    if not isinstance(code, str) or not (len(code) == 3 and code.isalpha() and code.isupper()):
        raise RazorpayError("The currency is not supported", field="currency")
    return code


def text(body: Document, name: str, longest: int) -> str | None:
    """A string, None when it is left out."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RazorpayError(f"expected string but provided {value!r}", field=name)
    if len(value) > longest:
        raise RazorpayError(f"The {name} may not be greater than {longest} characters.", field=name)
    return value


def flag(body: Document, name: str, default: bool = False) -> bool:
    """A truth value, which may be written as 0 or 1."""
    value = body.get(name, default)
    if value in (True, False, "0", "1", "true", "false"):
        return value in (True, "1", "true")
    raise RazorpayError(f"The {name} must be a boolean.", field=name)


def choice(body: Document, name: str, choices: tuple[str, ...], default: str) -> str:
    """One of a few words."""
    value = body.get(name, default)
    if value not in choices:
        raise RazorpayError(f"The selected {name} is invalid.", field=name)
    return str(value)


def notes(body: Document) -> Notes:
    """Up to 15 pairs of up to 256 characters each."""
    given = body.get("notes")
    if given in (None, [], {}):
        return []
    if not isinstance(given, dict):
        raise RazorpayError("The notes must be an array.", field="notes")
    if len(given) > MOST_NOTES:
        raise RazorpayError(f"The notes may not have more than {MOST_NOTES} items.", field="notes")
    kept = {}
    for name, value in given.items():
        if isinstance(value, (dict, list)):
            raise RazorpayError(f"notes.{name} must be a string.", field="notes")
        written = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        if len(name) > LONGEST_NOTE or len(written) > LONGEST_NOTE:
            raise RazorpayError(f"notes.{name} may not be greater than {LONGEST_NOTE} characters.", field="notes")
        kept[name] = written
    return kept

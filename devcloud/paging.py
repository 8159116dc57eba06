"""Pages of a list: `maxResults` and `nextToken`."""

from __future__ import annotations

import base64
import binascii

from devcloud.document import Document
from devcloud.errors import Refused


def page(ask: Document, name: str, items: list[Document]) -> Document:
    """The page that was asked for, under `name`, and the token of the next one when there is more.

    `maxResults` is in every request for a list: the model's default when the client left it out. Raises Refused
    (ValidationException) for a token that was never given out.
    """
    start = _read(ask["nextToken"]) if ask.get("nextToken") else 0
    end = start + ask["maxResults"]
    answer: Document = {name: items[start:end]}
    if end < len(items):
        answer["nextToken"] = base64.urlsafe_b64encode(f"from:{end}".encode()).decode()
    return answer


def _read(token: str) -> int:
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if word == "from":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Refused("ValidationException", "The nextToken is invalid.")

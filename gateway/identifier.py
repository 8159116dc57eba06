"""The ids of what the platform creates: UUIDv7 (RFC 9562), which sort by when they were made."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A new id, in lower case with dashes; ids made by one process sort as they were made."""
    return str(uuid_utils.uuid7())

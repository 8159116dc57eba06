"""The life of a deletion.

    waiting ──► asked ──► done
       │          └─────► waiting       the vendor's task failed or is gone: it is asked for again
       ├────────────────► done          the place deletes at once
       └────────────────► failed        its tries are used up; an admin has it tried again

A deletion is written in the transaction that takes a consent back or deletes a user. It stays as a record. It names a
pseudonym alone, and nothing says any more whose that was.
"""

from __future__ import annotations

import enum
from typing import Final

# The place that is no sink: our own events and rollups.
EVENTS: Final = "events"


class DeletionState(enum.StrEnum):
    WAITING = "waiting"
    ASKED = "asked"
    """The vendor has it as a task, whose end is asked for again and again."""
    DONE = "done"
    FAILED = "failed"


class Reason(enum.StrEnum):
    WITHDRAWN = "withdrawn"
    """The user allows it no more."""
    DELETED = "deleted"
    """The user was deleted."""

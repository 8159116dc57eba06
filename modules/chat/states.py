"""The states of a report.

A report is `open` until a host or an admin decides it. The decision is `upheld`, when the message should not have been
there, or `dismissed`. It is final. It does not touch the message: hosts delete that by a command, or leave it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from modules.chat.errors import resolved


class ReportStatus(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


# What each state may become. Staying as it is, is no transition.
TRANSITIONS: Final[dict[ReportStatus, frozenset[ReportStatus]]] = {
    ReportStatus.OPEN: frozenset({ReportStatus.UPHELD, ReportStatus.DISMISSED}),
    ReportStatus.UPHELD: frozenset(),
    ReportStatus.DISMISSED: frozenset(),
}


def check_transition(before: ReportStatus, after: ReportStatus) -> None:
    """Raises Conflict `chat.resolved` for a step that the table does not have."""
    if after not in TRANSITIONS[before]:
        raise resolved(before)

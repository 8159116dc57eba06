"""The lives of a notice and of a delivery.

    notice:    waiting ──► expanding ──► expanded
                  │            └──────────┴──────► withdrawing ──► withdrawn
                  └──────────────────────────────────────────────────►┘

    delivery:  waiting ──► sending ──► sent ──► delivered ──► opened
                 │  ▲         │  └──► unknown ──► sent, delivered, opened
                 │  └─────────┤          └──────► sending
                 │            ├──► failed
                 └────────────┴──► skipped

A notice is `waiting` until its moment, `expanding` while its audience is read page by page, and then `expanded`. One
that is taken back is `withdrawing` while it is taken out of lists; from its first moment on nobody is sent it. What is
told again after that is another notice.

A delivery is `waiting` until it is due. A worker that takes it makes it `sending`, with a lease, and decides then what
becomes of it: it is skipped, waits for a later time, or goes to its channel. `unknown` is what nobody can tell: the
worker died, or the vendor did not answer after it had been asked. It is sent again where its channel says that nobody
would see it twice, and otherwise stays. `failed` is the end of the tries.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class NoticeState(StrEnum):
    WAITING = "waiting"
    EXPANDING = "expanding"
    EXPANDED = "expanded"
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    FAILED = "failed"


STEPS: Final[dict[DeliveryState, frozenset[DeliveryState]]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.SENDING, DeliveryState.SKIPPED}),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.WAITING,
            DeliveryState.SENT,
            DeliveryState.UNKNOWN,
            DeliveryState.SKIPPED,
            DeliveryState.FAILED,
        }
    ),
    DeliveryState.SENT: frozenset({DeliveryState.DELIVERED, DeliveryState.OPENED, DeliveryState.FAILED}),
    DeliveryState.DELIVERED: frozenset({DeliveryState.OPENED}),
    DeliveryState.OPENED: frozenset(),
    DeliveryState.UNKNOWN: frozenset(
        {DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.OPENED}
    ),
    DeliveryState.SKIPPED: frozenset(),
    # An admin has it tried again.
    DeliveryState.FAILED: frozenset({DeliveryState.WAITING}),
}


class SkipReason(StrEnum):
    """Why somebody was not told, as senders and reports read it."""

    WITHDRAWN = "withdrawn"
    """The notice was taken back: the session was cancelled or moved."""
    NOT_WANTED = "not_wanted"
    """Its module says that this user need not hear of it any more: the work is turned in."""
    READ = "read"
    """The user has seen it in the app meanwhile."""
    EXPIRED = "expired"
    """Its time to live was over."""
    PREFERENCE = "preference"
    """The user does not want this kind on this channel."""
    MUTED = "muted"
    """The user has muted the room."""
    PRESENT = "present"
    """The user is in the room that it is about."""
    CAPPED = "capped"
    """The user was told as much as they are told in an hour or a day."""
    DIGESTED = "digested"
    """It is told in the digest of its window."""
    NO_ADDRESS = "no_address"
    """The user has no device, no address, or none that may be used."""
    SUPPRESSED = "suppressed"
    """The address refused earlier mail, or its owner complained."""
    GONE = "gone"
    """The user is blocked or deleted."""
    STOPPED = "stopped"
    """An admin stopped the campaign."""

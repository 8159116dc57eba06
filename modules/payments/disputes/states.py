"""The life of a dispute, and what is known of it after one more message.

Razorpay's messages come in any order, so they are merged, as those of payments are (`../states.py`). All that a message
says of the state is one value, and these values have one total order: the higher one is kept. Taking the higher of two
is commutative, associative and idempotent, so every permutation of the same messages ends alike.

A decision is above all that is not decided. Below it the later message is above the earlier one, by the moment at which
Razorpay says that it happened: a dispute under review is open again when the bank wants more, with nothing else in it
that tells the one `open` from the other. In the same second a later phase, a later time to respond by, and
`under_review` are higher.

    fraud | retrieval | chargeback | pre_arbitration | arbitration
    open ──► under_review ──► closed | won | lost
      ▲            │
      └────────────┘  the bank wants more
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec


class DisputeState(StrEnum):
    OPEN = "open"
    """We are to accept it, or to send evidence, by `respond_by`."""
    UNDER_REVIEW = "under_review"
    """The bank has our evidence."""
    CLOSED = "closed"
    """It was a question, and is answered."""
    WON = "won"
    LOST = "lost"
    """The money is gone."""


DECIDED: Final = frozenset({DisputeState.CLOSED, DisputeState.WON, DisputeState.LOST})
PHASES: Final = ("fraud", "retrieval", "chargeback", "pre_arbitration", "arbitration")
NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Standing(msgspec.Struct, frozen=True):
    """Where a dispute stood at a moment."""

    at: datetime
    state: DisputeState
    phase: str
    respond_by: datetime | None
    amount: int


def later(known: Standing, told: Standing) -> Standing:
    """The higher of both."""
    return max(known, told, key=_rank)


def _rank(one: Standing) -> tuple[int, datetime, int, str, datetime, int, int]:
    states = list(DisputeState)
    decided = states.index(one.state) if one.state in DECIDED else -1
    # A phase that Razorpay adds later is above those that we know.
    phase = PHASES.index(one.phase) if one.phase in PHASES else len(PHASES)
    return decided, one.at, phase, one.phase, one.respond_by or NEVER, states.index(one.state), one.amount

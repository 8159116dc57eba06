"""The lives of a delivery and of an endpoint.

    delivery:  waiting ──► delivered
                 ▲  └────► failed
                 └──────── delivered, failed: somebody has it sent again

A delivery is `waiting` until a try of it succeeds, or until its tries are used up. A gateway that takes it writes a
claim and moves `due_at` to when the claim lapses: a gateway that dies leaves a delivery that is due again. So an event
may come twice, with the same `webhook-id`. Of one endpoint and subject only the first that is waiting is taken.

An endpoint is enabled until its owner disables it, until it answers 410, or until it has failed for long enough. What
waits for it has failed then, and is sent again by hand.
"""

from __future__ import annotations

import enum


class DeliveryState(enum.StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Fault(enum.StrEnum):
    """Why the last try of a delivery came to nothing."""

    NONE = ""
    STATUS = "status"
    """The answer was none of 2xx."""
    REDIRECT = "redirect"
    """The answer leads elsewhere; redirects are not followed."""
    ADDRESS = "address"
    """The host has an address that is not public, so nothing was sent."""
    NAME = "name"
    """The host has no address."""
    CONNECTION = "connection"
    """No connection could be made, or it broke."""
    TIMEOUT = "timeout"
    """There was no answer in time."""
    DISABLED = "disabled"
    """The endpoint was disabled before it was sent."""


class DisabledReason(enum.StrEnum):
    NONE = ""
    FAILING = "failing"
    GONE = "gone"

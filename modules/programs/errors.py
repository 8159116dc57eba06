"""The error codes of programs: conflicts (409) with the state a program is in, and a ban (403)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import Conflict, Refused

# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "programs.bad_transition": (409,),
    "programs.banned": (403,),
    "programs.curriculum_full": (409,),
    "programs.not_open": (409,),
    "programs.over_capacity": (409,),
    "programs.payment_required": (409,),
    "programs.payment_reused": (409,),
}


def bad_transition(state: str, step: str) -> Conflict:
    return Conflict(f"a program that is {state} has no step {step}", code="programs.bad_transition")


def not_open() -> Conflict:
    return Conflict("only a published program takes enrolments", code="programs.not_open")


def payment_required() -> Conflict:
    return Conflict("this program has a price; the payment enrols", code="programs.payment_required")


def banned() -> Refused:
    return Refused("programs.banned", "a host of its classes keeps you out of this program")


def too_many() -> Conflict:
    return Conflict("more are enrolled than this capacity", code="programs.over_capacity")


def curriculum_full(what: str, most: int) -> Conflict:
    return Conflict(f"this program has {most} {what}, and may not have more", code="programs.curriculum_full")


def payment_reused() -> Conflict:
    return Conflict("this payment was for another place", code="programs.payment_reused")

"""What live refuses, besides the codes of the core.

live.bad_transition   409: the session's state has no such step
live.not_changeable   409: it runs or is over, and this cannot be changed any more
live.not_open         409: its room opens later
live.over             409: it has ended, and its room is closed
live.cancelled        409: it does not take place
live.full             409: all places are taken
live.no_channel       409: the session has no channel: it is not live, or its video is not there yet
"""

from __future__ import annotations

from gateway.errors import Conflict


def bad_transition(state: str, step: str) -> Conflict:
    return Conflict(f"a session that is {state} has no step {step}", code="live.bad_transition")


def not_changeable(state: str, field: str) -> Conflict:
    return Conflict(f"{field} of a session that is {state} cannot be changed", code="live.not_changeable")


def not_open() -> Conflict:
    return Conflict("the room of this session is not open yet", code="live.not_open")


def over() -> Conflict:
    return Conflict("this session is over, and its room is closed", code="live.over")


def cancelled() -> Conflict:
    return Conflict("this session was cancelled", code="live.cancelled")


def full() -> Conflict:
    return Conflict("all places of this session are taken", code="live.full")


def no_channel() -> Conflict:
    return Conflict("this session has no channel now", code="live.no_channel")

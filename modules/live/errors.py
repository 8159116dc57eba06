"""Errors of live, besides the codes of the core.

live.bad_transition   409: the session's state has no such step
live.not_changeable   409: the session runs or is over, and this field is settled
live.not_open         409: the room opens later
live.over             409: the session has ended, and its room is closed
live.cancelled        409: the session does not take place
live.full             409: all seats are taken
live.name             409: the user's name looks like that of one of the session's mentors
live.lobby            409: viewers wait to be admitted: join `lobby:<id>` and knock
live.not_over         409: stars are given when the session is over
live.not_attended     409: stars are given by those who were there
live.stars_closed     409: the time for giving stars is over
live.stars_final      409: the time for changing them is over
live.no_channel       409: the session has no channel: it is not live, or its video is not there yet (then temporary)
live.no_stage         409: the session has no stage: it is not live, not interactive, or its video is not there yet
                      (then temporary)
live.no_recording     409: nothing can be recorded here: there is no video, or no bucket
live.unplayable       409: the recording cannot be played: its files in the bucket are not as they should be, or
                      there is no video here any more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import Conflict

# After how many seconds a channel or a stage that is being made is worth another try.
VIDEO_COMES: Final = 1.0
# The statuses that REST answers each with.
CODES: Final[Mapping[str, Sequence[int]]] = {
    "live.already_voted": (409,),
    "live.attention_off": (409,),
    "live.bad_transition": (409,),
    "live.cancelled": (409,),
    "live.full": (409,),
    "live.is_host": (409,),
    "live.lobby": (409,),
    "live.lobby_full": (409,),
    "live.name": (409,),
    "live.no_channel": (409,),
    "live.no_consent": (409,),
    "live.no_recording": (409,),
    "live.no_stage": (409,),
    "live.not_anonymous": (409,),
    "live.not_attended": (409,),
    "live.not_changeable": (409,),
    "live.not_open": (409,),
    "live.not_over": (409,),
    "live.not_recorded": (409,),
    "live.over": (409,),
    "live.poll_closed": (409,),
    "live.question_closed": (409,),
    "live.stars_closed": (409,),
    "live.stars_final": (409,),
    "live.too_many_hands": (409,),
    "live.too_many_polls": (409,),
    "live.too_many_questions": (409,),
    "live.unplayable": (409,),
}


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


def lobby() -> Conflict:
    return Conflict("viewers of this session wait in its lobby to be admitted", code="live.lobby")


def name_taken() -> Conflict:
    return Conflict(
        "your name looks like that of a mentor of this class: choose another one in your profile", code="live.name"
    )


def full() -> Conflict:
    return Conflict("all places of this session are taken", code="live.full")


def not_over() -> Conflict:
    return Conflict("stars are given when the session is over", code="live.not_over")


def not_attended() -> Conflict:
    return Conflict("stars are given by those who were there", code="live.not_attended")


def stars_closed() -> Conflict:
    return Conflict("the time for giving stars is over", code="live.stars_closed")


def stars_final() -> Conflict:
    return Conflict("these stars cannot be changed any more", code="live.stars_final")


def no_channel(*, coming: bool) -> Conflict:
    """`coming`: it is being made."""
    if coming:
        return Conflict("the channel is not there yet", code="live.no_channel", retry_after=VIDEO_COMES)
    return Conflict("this session has no channel now", code="live.no_channel")


def no_stage(*, coming: bool) -> Conflict:
    """`coming`: it is being made."""
    if coming:
        return Conflict("the stage is not there yet", code="live.no_stage", retry_after=VIDEO_COMES)
    return Conflict("this session has no stage now", code="live.no_stage")


def no_recording() -> Conflict:
    return Conflict("nothing can be recorded here: no bucket is set up for it", code="live.no_recording")


def unplayable() -> Conflict:
    return Conflict("this recording cannot be played", code="live.unplayable")


class Unplayable(ValueError):
    """A file of a recording is no playlist, or names what lies outside of the recording."""

"""The states of a program, and of a place in it.

A draft is seen by its mentors alone. A published program is in the catalogue and takes enrolments. An archived program
is out of the catalogue and takes none; those who are enrolled keep what they have. It may be published again.

A user's place is `enrolled`, or `waiting` while all places are taken. Whoever waits is enrolled when a place becomes
free, in the order of the list. A place that is given back or taken is deleted: there is no state after it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from modules.programs.errors import bad_transition


class ProgramState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class ProgramStep(StrEnum):
    PUBLISH = "publish"
    ARCHIVE = "archive"


class PlaceState(StrEnum):
    ENROLLED = "enrolled"
    WAITING = "waiting"


TRANSITIONS: Final[dict[tuple[ProgramState, ProgramStep], ProgramState]] = {
    (ProgramState.DRAFT, ProgramStep.PUBLISH): ProgramState.PUBLISHED,
    (ProgramState.DRAFT, ProgramStep.ARCHIVE): ProgramState.ARCHIVED,
    (ProgramState.PUBLISHED, ProgramStep.ARCHIVE): ProgramState.ARCHIVED,
    (ProgramState.ARCHIVED, ProgramStep.PUBLISH): ProgramState.PUBLISHED,
}


def next_state(state: ProgramState, step: ProgramStep) -> ProgramState:
    """The state a step leads to; raises Conflict `programs.bad_transition` where there is no such step."""
    found = TRANSITIONS.get((state, step))
    if found is None:
        raise bad_transition(state, step)
    return found
